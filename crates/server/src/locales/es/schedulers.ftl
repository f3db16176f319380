# Los detalles de la agenda, como los lee el Administrador. Los nombres de las tres secciones y de sus controles
# son los de Scheduling Pro de ServiceTitan.

scheduler-to-embed = Póngala en su sitio web
scheduler-overtaken = Alguien más cambió esta agenda desde que usted la abrió, así que no se guardó nada. Lo que escribió sigue aquí. Mire lo que está guardado ahora; para poner lo suyo en su lugar, guarde de nuevo.
scheduler-overtaken-look = Ver lo que está guardado ahora
unsaved = Aún sin guardar

section-abandoned = Abandoned Sessions
section-abandoned-toggle = Scheduler Drop-off
section-abandoned-hint = Activado: quien dejó un teléfono o un correo y sale sin reservar se convierte en un lead. Desactivado: nadie, y no se envía nada.
save-contact = Guardar los datos de contacto
save-contact-hint = La página les dice a los visitantes cuál.
save-contact-on_continue = Cuando oprimen Continuar
save-contact-also_on_close = También cuando cierran la agenda

section-sync = Sync to ServiceTitan
section-sync-not-connected = ServiceTitan no está conectado. Los leads viven en su bandeja; lo que elija aquí cuenta cuando lo esté.
section-sync-connect = Conectar ServiceTitan
section-sync-send = Send abandoned session to me in ST
section-sync-as = Como
section-sync-as-hint = Una reserva (Booking) espera en Calls, Bookings. Un Lead espera en Follow Up y necesita una campaña.
sync-as-booking = Booking
sync-as-lead = Lead
sync-as-connected = Como en Configuración, ServiceTitan
sync-campaign = Campaña
sync-campaign-hint = Los nombres vienen de ServiceTitan. Oprima Probar en Configuración, ServiceTitan para leerlos de nuevo.
sync-call-reason = Motivo de llamada
sync-call-reason-hint = Para los Leads, y para descartarlos.

send-customer_closes = Cuando el cliente cierra la agenda
send-5_minutes = 5 minutos después
send-15_minutes = 15 minutos después
send-30_minutes = 30 minutos después
send-1_hour = 1 hora después
send-4_hours = 4 horas después
send-24_hours = 24 horas después
send-never = Nunca

section-text = Follow-Up SMS
section-text-not-connected = No hay ningún remitente de mensajes, así que no sale ninguno.
section-text-connect = Configurar los mensajes de texto
section-text-send = Send message after
section-text-send-hint = Un mensaje por lead, solo a quienes marcaron la casilla, de { $from } a { $to } donde están y donde está usted.
section-text-words = El mensaje
section-text-words-hint = Los espacios se llenan solos: { "{" }business{ "}" }, { "{" }name{ "}" }, { "{" }service{ "}" }, { "{" }link{ "}" }.
section-text-preview = En su teléfono:
text-cost = { $parts ->
    [one] { $units } caracteres, una parte
   *[other] { $units } caracteres, { $parts } partes
}
text-cost-ucs2 = { $parts ->
    [one] { $units } caracteres, una parte. Un carácter especial acorta las partes.
   *[other] { $units } caracteres, { $parts } partes. Un carácter especial acorta las partes.
}
consent-title = Palabras junto a la casilla
consent-label = Lo que dice la casilla además de su etiqueta
consent-hint = Se guarda con cada consentimiento, palabra por palabra. Debe decir cómo detener los mensajes (STOP).

section-services = Qué se puede pedir
service-one = Un servicio
service-title = Servicio
service-help = Debajo (opcional)
service-minutes = Minutos
service-emergency = Emergencia
service-add = Agregar un servicio
many-hint = Vacíe un título para quitarlo; la última fila es para uno nuevo. Después de guardar hay lugar para otro.
remove = Quitar

section-questions = Sus propias preguntas
section-questions-hint = Cada pregunta cuesta algunas reservas. Pregunte lo que necesita saber antes de ir.
question-one = Una pregunta
question-label = Pregunta
question-step = Se pregunta en
question-kind = Se responde con
question-choices = Opciones, una por línea
question-required = Hay que responderla
question-add = Agregar una pregunta
answer-text = Una línea de texto
answer-choice = Una de varias
answer-yes_no = Sí o no

section-windows = Cuándo van
section-windows-hint = Horarios de llegada en cada día abierto, dentro de su horario de atención.
window-one = Un horario de llegada
window-from = Desde
window-to = Hasta
window-capacity = Visitas
window-add = Agregar un horario
scheduler-lead-time = Llegada más temprana, en minutos desde ahora
scheduler-lead-time-hint = 120 son dos horas.
scheduler-horizon = Con cuántos días de anticipación se puede reservar
scheduler-horizon-hint = De 1 a 365.

section-page = La página
scheduler-own-name = Nombre
scheduler-own-name-hint = Para usted y sus colegas; los visitantes no lo ven.
scheduler-audience = A quién atiende
scheduler-audience-hint = ServiceTitan lo recibe como tipo de cliente.
audience-residential = Hogares
audience-commercial = Empresas e inmuebles administrados
scheduler-headline = Título
scheduler-thanks = Palabras al final
scheduler-order = Orden de los pasos
order-contact = Primero los datos de contacto, luego la hora
order-time = Primero la hora, luego los datos de contacto
scheduler-address-required = Para reservar, la dirección debe estar completa
scheduler-served = Dónde trabajan
scheduler-served-hint = { $code } como { $example }, o comienzos como { $beginning }*, con comas entre ellos. Vacío: en todas partes.

section-holds = Por si se arrepienten
section-holds-hint = Lo que no se puede deshacer espera un momento, por si vuelven. De 0 a 60 segundos.
hold-record = ServiceTitan espera, segundos
hold-record-hint = No después de oprimir Cerrar: entonces sale de inmediato.
hold-text = El mensaje espera, segundos
hold-text-hint = Siempre, también con «Cuando el cliente cierra la agenda».

section-embed = Póngala en su sitio web
section-embed-hint = Una línea, en cualquier parte de la página. Agrega un botón; cualquier elemento suyo con data-ringback-open también la abre.
section-hosted = Su propia página
section-hosted-hint = O enlace a su propia página:
scheduler-sites = Sitios web que pueden mostrarla
scheduler-sites-hint = Como www.example.com, uno por línea. Vacío: cualquier sitio web.

wrong-scheduler-name = Póngale un nombre.
wrong-choice = Elija una opción de la lista.
wrong-number-between = Escriba un número entero de { $least } a { $most }.
wrong-consent-stop = Diga cómo detener los mensajes: debe contener la palabra STOP.
wrong-no-service = Deje al menos un servicio, o nadie podrá pedir nada.
wrong-choices = Escriba al menos dos opciones distintas, una por línea.
wrong-window = Un horario necesita un comienzo y un final posterior.
wrong-no-window = Deje al menos un horario de llegada, o nadie podrá reservar.
wrong-served = «{ $code }» no es un código completo ni un comienzo con asterisco.
wrong-site = «{ $site }» no es un sitio web. Escríbalo como www.example.com.
wrong-too-many = Son más de 500. Use comienzos con asterisco.
