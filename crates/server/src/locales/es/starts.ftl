# Ready-made starts: what a new scheduler is filled with. Services and questions belong to the business
# after set-up. $region is us, ca, uk, ie, au, nz or other.

## Names of the starts

start-heating-cooling = Servicio residencial: calefacción y aire acondicionado
start-plumbing = Servicio residencial: plomería
start-plumbing-heating-cooling = Servicio residencial: plomería, calefacción y aire acondicionado
start-electrical = Servicio residencial: electricidad
start-commercial-service = Servicio comercial
start-residential-construction = Construcción residencial
start-commercial-construction = Construcción comercial

## Words over the first page, at the end, and in the follow-up text

start-booking-headline = Reserve una visita
start-booking-thanks = Gracias. Llegaremos dentro de este horario.
start-booking-text = { $business }: Hola { $name }, termine su reserva ({ $service }): { $link } STOP para darse de baja

start-service-headline = Solicite servicio
start-service-thanks = Gracias. Nuestro equipo de servicio tiene su solicitud y llegará dentro de este horario.
start-service-text = { $business }: Hola { $name }, termine su solicitud ({ $service }): { $link } STOP para darse de baja

start-estimate-headline = Solicite un presupuesto
start-estimate-thanks = Gracias. Iremos a ver el proyecto y después le prepararemos su presupuesto.
start-estimate-text = { $business }: Hola { $name }, termine su solicitud ({ $service }): { $link } STOP para darse de baja

start-site-visit-headline = Solicite una visita de obra
start-site-visit-thanks = Gracias. Nos vemos en la obra dentro de este horario.
start-site-visit-text = { $business }: Hola { $name }, termine su solicitud ({ $service }): { $link } STOP para darse de baja

## Consent: the words beside the box

consent-wording = { $business } envía un solo mensaje de texto con un enlace a esta solicitud. Pueden aplicarse tarifas de mensajes y datos. Responda STOP para no recibir más, HELP para obtener ayuda. Puede reservar sin marcar esta casilla.

## Services: heating and cooling

service-cooling-repair = Aire acondicionado
service-cooling-repair-help = No enfría, gotea, hace ruido o no enciende
service-heating-repair = Calefacción
service-heating-repair-help = No calienta, hace ruido o se apaga sola
service-no-heating-or-cooling = Sin calefacción ni aire
service-no-heating-or-cooling-help = Nada funciona y no puede esperar
service-heating-cooling-tune-up = Mantenimiento
service-heating-cooling-tune-up-help = Revisión y limpieza antes de la temporada
service-heating-cooling-replacement = Equipo nuevo
service-heating-cooling-replacement-help = Una visita para medir y asesorar, y después un precio por escrito
service-thermostat = Termostato
service-thermostat-help = Reparación, reemplazo o uno inteligente
service-something-else = Otra cosa
service-something-else-help = Cuéntenos en las notas

## Services: plumbing

service-leak = Fuga o llave que gotea
service-leak-help = Debajo del lavabo, detrás de la pared, en una válvula
service-drain = Desagüe tapado
service-drain-help = Lento, tapado o con agua que regresa
service-burst-pipe = Tubería rota o inundación
service-burst-pipe-help = El agua corre y no se puede detener
service-toilet = Inodoro
service-toilet-help = No deja de correr, está tapado, flojo o gotea
service-water-heater-repair = Calentador de agua
service-water-heater-repair-help = No hay agua caliente, no alcanza o hay una fuga
service-water-heater-replacement = Calentador de agua nuevo
service-water-heater-replacement-help = Con tanque o sin tanque
service-plumbing-fixture = Llave, lavabo o ducha
service-plumbing-fixture-help = Instalar una pieza nueva o mover una existente

## Services: electrical

service-outlet-or-switch = Tomacorriente o interruptor
service-outlet-or-switch-help = No funciona, se calienta o necesita uno nuevo
service-lighting = Iluminación
service-lighting-help = Reparación o luces nuevas, adentro o afuera
service-power-out = Sin luz o con chispas
service-power-out-help = Una parte o toda la casa está a oscuras, o algo huele a quemado
service-panel = Tablero eléctrico
service-panel-help = Interruptores que se disparan, reparación o ampliación
service-car-charger = Cargador de auto eléctrico
service-car-charger-help = Un cargador en casa
service-safety-inspection = Inspección de seguridad
service-safety-inspection-help = Antes de vender, después de comprar o para su tranquilidad

## Services: commercial service

service-commercial-heating-cooling = Calefacción o aire
service-commercial-heating-cooling-help = Equipos de techo, sistemas divididos, calderas y enfriadores
service-commercial-plumbing = Plomería
service-commercial-plumbing-help = Fugas, desagües, agua caliente, accesorios
service-commercial-electrical = Electricidad
service-commercial-electrical-help = Energía, iluminación, tableros y controles
service-commercial-refrigeration = Refrigeración
service-commercial-refrigeration-help = Cámaras frías, vitrinas, máquinas de hielo
service-commercial-urgent = Urgente: negocio parado
service-commercial-urgent-help = Los inquilinos o clientes no pueden quedarse
service-commercial-maintenance = Mantenimiento planificado
service-commercial-maintenance-help = Una visita o un plan anual
service-commercial-replacement = Reemplazo o modernización
service-commercial-replacement-help = Una visita técnica y después una propuesta por escrito

## Services: residential construction

service-kitchen = Remodelación de cocina
service-kitchen-help = Distribución nueva, gabinetes, superficies
service-bathroom = Remodelación de baño
service-bathroom-help = Tina o ducha nueva, azulejos, mejor acceso
service-extension = Ampliación de la casa
service-extension-help = Más habitaciones, otro piso, un garaje convertido en cuarto
service-new-home = Casa nueva
service-new-home-help = En su terreno o según sus planos
service-roof = Techo
service-roof-help = Reparación, reemplazo, canaletas
service-windows-and-doors = Ventanas y puertas
service-windows-and-doors-help = Reemplazo o aberturas nuevas
service-outdoor-living = Terraza, patio o porche
service-outdoor-living-help = Obra nueva o reparación

## Services: commercial construction

service-fit-out = Adecuación de local
service-fit-out-help = Oficinas, tiendas, restaurantes, clínicas
service-commercial-renovation = Renovación
service-commercial-renovation-help = Con el negocio abierto o vacío
service-new-building = Edificio nuevo
service-new-building-help = Desde los cimientos
service-building-services = Instalaciones
service-building-services-help = Calefacción, aire, plomería, electricidad
service-design-build = Diseño y construcción
service-design-build-help = Un solo equipo desde el plano hasta las llaves
service-invitation-to-bid = Invitación a licitar
service-invitation-to-bid-help = Recorra la obra con nosotros antes de la fecha

## Questions

question-system-age = ¿Qué antigüedad tiene el equipo?
choice-system-age-under-5 = Menos de 5 años
choice-system-age-5-to-10 = De 5 a 10 años
choice-system-age-10-to-15 = De 10 a 15 años
choice-system-age-over-15 = Más de 15 años
choice-system-age-not-sure = No lo sé

question-water-off = ¿Puede cerrar el paso del agua?

question-home-age = ¿Qué antigüedad tiene la casa?
choice-home-age-under-20 = Menos de 20 años
choice-home-age-20-to-50 = De 20 a 50 años
choice-home-age-over-50 = Más de 50 años
choice-home-age-not-sure = No lo sé

question-company = Empresa
question-site-contact = Contacto en el lugar
question-po-number = Número de orden de compra
question-site-access = Horario de acceso y registro

question-project = ¿Qué le gustaría construir?
question-begin = ¿Cuándo le gustaría empezar?
choice-begin-soon = Lo antes posible
choice-begin-within-3-months = En 3 meses o menos
choice-begin-within-6-months = En 6 meses o menos
choice-begin-later = Más adelante
choice-begin-not-sure = No lo sé
question-plans = ¿Tiene planos o dibujos?

question-area = { $region ->
    [us] Superficie en pies cuadrados
    [ca] Superficie en pies cuadrados
   *[other] Superficie en metros cuadrados
}
question-bid-due = Fecha límite de la licitación
