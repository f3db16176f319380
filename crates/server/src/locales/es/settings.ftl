# What the Administrator reads while setting things up: the set-up and the settings.

save = Guardar
save-and-test = Guardar y probar
connect = Conectar
disconnect = Desconectar
disconnect-now = Sí, desconectar
test-connection = Probar la conexión
copy = Copiar
form-wrong = Hay algo que revisar. Todavía no se ha guardado nada.
language-name = Español
choose-none = Ninguno
choose-unlisted = { $id } (no está en la lista)
checked-saved = Probado con lo guardado, { $at }.
checked-typed = Probado ahora mismo con lo que hay en este formulario. Todavía no está guardado.
checked-typed-again = Los secretos no se vuelven a mostrar: escríbalos otra vez antes de guardar.
checked-not-yet = Guardado, sin probar desde entonces.
secret-saved = Guardado
secret-saved-ends = Guardado, termina en …{ $end }
secret-hint = No se vuelve a mostrar.
secret-keep = Déjelo vacío para conservar lo guardado.
secret-unreadable = No se pueden abrir las credenciales guardadas: el archivo de la llave ha cambiado. Restituya el archivo anterior o escriba las credenciales de nuevo.

done-saved = Guardado.
done-connected = Guardado. La conexión funciona.
done-not-connected = Guardado. La conexión todavía no funciona.
done-tested = Probado.
done-disconnected = Desconectado. Se borraron sus credenciales.
done-role = Se cambió el rol.
done-deactivated = Se cerró su sesión y ya no puede entrar.
done-reactivated = Puede volver a entrar.
done-sent = Lo que estaba abierto va en camino a ServiceTitan.
done-none-to-send = Todo lo abierto ya está en ServiceTitan o en camino, o su agenda no envía nada.
done-retried = Se vuelve a intentar lo que ServiceTitan no había recibido.
done-none-to-retry = Ya no queda nada que ServiceTitan no haya recibido.
done-revoked = La llave ya no abre nada.

## What was typed wrong

wrong-too-long = Que no pase de { $longest } caracteres.
wrong-business-name = Escriba el nombre que conocen sus clientes.
wrong-region = Elija una región de la lista.
wrong-time-zone = Elija una zona horaria de la lista.
wrong-hours = Escriba a qué hora abre y a qué hora cierra, por ejemplo 08:00 y 17:00.
wrong-hours-order = La hora de cierre debe ser posterior a la de apertura.
wrong-never-open = Marque al menos un día, o nadie podrá reservar.
wrong-date = { $typed } no es una fecha. Escríbala así: 2026-12-25.
wrong-too-many-days = Conserve como máximo { $most } días cerrados.
wrong-url = Escriba una dirección web como https://example.com/privacidad, o déjela vacía.
wrong-number = Escriba un número entero, solo dígitos.
wrong-tenant = Escriba el Tenant ID, que es un número.
wrong-client-id = Escriba el Client ID.
wrong-client-secret = Escriba el Client secret.
wrong-app-key = Escriba la App key.
wrong-secret-letters = Cópielo otra vez: puede tener letras, dígitos y signos, sin espacios.
wrong-auth-token = Escriba el Auth token de la cuenta.
wrong-api-key-secret = Escriba el secreto de esta API key.
wrong-person-name = Escriba un nombre.
wrong-person-email = Escriba un correo electrónico como nombre@example.com.
wrong-email-taken = Alguien ya entra con este correo electrónico.
wrong-role = Elija un rol.
wrong-key-name = Indique para qué es la llave.
wrong-start = Elija con qué empezar.
refused-last-administrator = Es el último administrador. Primero nombre administrador a otra persona.
refused-deactivated = Primero permítale entrar otra vez y después cree el enlace.

## The overview

settings-overview = Resumen
settings-business = Empresa
settings-texts = Mensajes de texto
settings-staff = Personal
settings-keys = Llaves de API
settings-readiness = ¿Está todo listo?
settings-schedulers = Agendas
settings-no-schedulers = Todavía no hay ninguna agenda. Agregue una abajo.
settings-open-page = Abrir la página
settings-details = Detalles de la agenda
settings-add-scheduler = Agregar una agenda
scheduler-name = Nombre (opcional)
scheduler-name-hint = Para sus propias listas; los visitantes no lo ven.
standing-ready = Listo
standing-said = Conviene saberlo
standing-missing = Falta
point-open = Abrir
point-retry = Intentar todo otra vez

ready-scheduler = Los visitantes pueden reservar en su agenda.
ready-no-scheduler = Todavía no hay ninguna agenda; nadie puede reservar.
ready-address = Su dirección pública usa https y se puede alcanzar.
ready-address-local = Solo este equipo alcanza la dirección pública. En ringback.toml, ponga en public_url la dirección que usan los visitantes.
ready-address-insecure = La dirección pública no tiene https, así que los navegadores no conservarán las sesiones de los visitantes dentro de un marco. Instale un certificado y luego ajuste public_url en ringback.toml.
ready-no-phone = Los visitantes no ven ningún teléfono al que llamar.
ready-crm = ServiceTitan está conectado y responde.
ready-crm-off = Sin conexión con ServiceTitan. No hay problema: sus prospectos están en la bandeja.
ready-crm-refused = ServiceTitan no acepta las credenciales. Lo pendiente espera hasta que se corrijan.
ready-crm-forbidden = ServiceTitan no permite a la aplicación de API todo lo que tiene que hacer. Lo pendiente espera hasta que su tenant, su clave y sus permisos estén bien.
ready-crm-provider = Elija el proveedor de reservas para poder crear registros en ServiceTitan.
ready-crm-untested = ServiceTitan está conectado y no se ha probado desde el último cambio.
ready-crm-failed = La última prueba de ServiceTitan no salió bien.
ready-crm-campaign = Una agenda envía Leads a ServiceTitan, que necesita una campaña y un motivo de llamada.
ready-crm-booking = ServiceTitan no ha recibido una cita reservada en línea. Mírela en Citas e inténtelo otra vez.
ready-crm-not-taken = ServiceTitan no ha recibido algunos de sus leads o citas. Cada uno dice por qué. Corríjalo y luego inténtelo con todos otra vez.
ready-texts = Los mensajes de texto están conectados.
ready-texts-off = Los mensajes de texto no están configurados; quien se va no recibe el enlace que pidió.
ready-texts-unwanted = Sin mensajes: todas las agendas tienen “Nunca” en el envío del mensaje.
ready-texts-refused = La operadora no acepta las credenciales; no sale ningún mensaje.
ready-texts-untested = Los mensajes de texto están configurados y no se han probado desde el último cambio.
ready-texts-failed = La última prueba de los mensajes de texto no salió bien.
ready-texts-register = Las operadoras dejan pasar los mensajes cuando su número está registrado con ellas.
ready-no-mailing-address = La ley canadiense exige su dirección postal detrás de cada mensaje.
ready-no-privacy = No hay enlace a su página de privacidad junto a la casilla de los mensajes. Las operadoras la buscan.
ready-alone = Usted es la única persona que puede entrar. Agregue a sus colegas.

## The business

business-who = Quiénes son
business-overtaken = Otra persona cambió los datos de la empresa desde que abrió esta página, así que no se guardó nada. Lo que escribió sigue aquí. Mire lo que está guardado ahora; para poner lo suyo en su lugar, guarde otra vez.
business-name = Nombre de la empresa
business-name-hint = Como lo conocen los clientes. Con él empieza cada mensaje.
business-phone = Teléfono de la oficina (opcional)
business-phone-hint = Los visitantes pueden llamar desde cada página.
business-locale = Idioma
business-locale-hint = De esta oficina y de sus mensajes. Los visitantes ven el suyo si lo hablamos.
business-where = Dónde están
business-region = Región
business-region-hint = Decide cómo se escriben teléfonos, direcciones y fechas.
business-time-zone = Zona horaria
business-time-zone-hint = A ella se refieren sus horas y los horarios de llegada.
zone-chosen = Elegida
business-hours = Horas de atención
business-hours-hint = Las visitas se ofrecen dentro de estas horas.
day-monday = Lunes
day-tuesday = Martes
day-wednesday = Miércoles
day-thursday = Jueves
day-friday = Viernes
day-saturday = Sábado
day-sunday = Domingo
hours-opens = { $day }, abre
hours-closes = { $day }, cierra
business-closed = Días cerrados
business-closed-hint = Feriados y otros días sin visitas. Vacíe un campo para quitar el día de la lista.
business-closed-day = Cerrado el
business-law = Para los mensajes y la letra chica
business-legal-name = Razón social (opcional)
business-legal-name-hint = Se guarda con cada consentimiento cuando difiere del nombre de la empresa.
business-mailing-address = Dirección postal (opcional)
business-mailing-address-hint = Se muestra detrás del enlace de un mensaje. Canadá la exige.
business-privacy-url = Página de privacidad (opcional)
business-privacy-url-hint = Enlazada junto a la casilla de los mensajes. Las operadoras la buscan.

## ServiceTitan

servicetitan-off = Sin conexión. No hay problema: sus prospectos están en la bandeja. Conecte ServiceTitan para que allí se cree una reserva o un Lead por cada uno.
crm-works = ServiceTitan responde. Allí se crean los registros.
crm-credentials-here = ServiceTitan no acepta estas credenciales: el tenant, el ID de cliente, el secreto de cliente y la clave de la aplicación tienen que ir juntos. Hasta entonces no se envía nada.
crm-account = Su aplicación de API
crm-account-hint = En ServiceTitan: Settings, Integrations, API Application Access. La App key viene del portal para desarrolladores.
crm-tenant = Tenant ID
crm-tenant-hint = Un número; ServiceTitan lo muestra junto al Client ID.
crm-client-id = Client ID
crm-client-secret = Client secret
crm-app-key = App key
crm-filing = Adónde van los registros
crm-filing-later = Una vez probada la conexión, podrá elegir por su nombre el proveedor de reservas, la campaña y el motivo de llamada.
crm-provider = Proveedor de reservas
crm-provider-id = ID del proveedor de reservas (opcional por ahora)
crm-provider-hint = En ServiceTitan: Settings, Integrations, Booking Providers.
crm-campaign = Campaña habitual
crm-campaign-hint = Para las agendas que no indican ninguna. Un Lead la necesita.
crm-call-reason = Motivo de llamada habitual
crm-call-reason-hint = Para las agendas que no indican ninguno. Dice por qué se descartó un Lead.
crm-send-open = Enviar lo abierto
crm-send-open-hint = Los leads por atender y las citas por venir, de antes de conectar ServiceTitan, también se envían.
crm-disconnect-hint = Las credenciales se borran aquí. Los registros en ServiceTitan se conservan; los prospectos nuevos quedan en la bandeja.

## Text messages

texts-off = Sin conexión. Quien se va no recibe ningún mensaje, y cada prospecto lo indica. Conecte una cuenta de Twilio para enviar el enlace que piden.
texts-work = La operadora responde. Los mensajes pueden salir.
text-credentials-here = La operadora no acepta estas credenciales: los SID y sus secretos tienen que ir juntos. Hasta entonces no salen mensajes.
texts-account = Su cuenta de Twilio
texts-account-hint = En la consola de Twilio: Account, API keys and tokens.
texts-account-sid = Account SID
texts-account-sid-hint = Empieza con AC.
texts-auth-token = Auth token
texts-auth-token-hint = Demuestra que los mensajes que nos llegan vienen de Twilio.
texts-api-key-sid = SID de la API key (opcional)
texts-api-key-sid-hint = Empieza con SK. Sin ella, se envía con el Auth token.
texts-api-key-secret = Secreto de la API key
texts-secondary = Cambiar el Auth token
texts-auth-token-secondary = Auth token secundario
texts-secondary-hint = Se aceptan ambos mientras Twilio hace el cambio.
texts-forget-secondary = Olvidar el token secundario
texts-sender = De quién vienen los mensajes
texts-from = Número
texts-from-hint = Uno de sus números de Twilio.
texts-service = SID del Messaging Service
texts-service-hint = Empieza con MG. Basta con esto o con un número; si pone ambos, el número debe pertenecerle.
texts-hooks = Pegue esto en Twilio
texts-hooks-hint = En su número (o Messaging Service), en “A message comes in”: Webhook, HTTP POST, esta dirección. Así le llegan STOP y las respuestas.
texts-hooks-status = No hace falta nada más: cada mensaje le dice a Twilio adónde informar qué fue de él.
texts-hooks-local = Twilio no alcanza esta dirección: solo la conocen este equipo o esta red. En ringback.toml, ponga en public_url la dirección que usan los visitantes.
texts-register = Registro con las operadoras
texts-register-us = En Estados Unidos las operadoras bloquean los mensajes de números que no conocen. Antes de enviar, registre su marca y campaña (A2P 10DLC, de una a tres semanas) o verifique su número gratuito (de tres a cinco días) en la consola de Twilio.
texts-register-ca = Los números canadienses no necesitan registro para enviar dentro de Canadá. Para los mensajes que llegan a Estados Unidos sí: regístrese allí (A2P 10DLC) o verifique un número gratuito en la consola de Twilio.
texts-register-au = Un número común no necesita registro. Un nombre como remitente debe figurar en el registro de la ACMA; si no, los teléfonos lo muestran como no verificado.
texts-register-other = Pregunte a su operadora si en su país hay que registrar el número antes de enviar mensajes.
texts-register-paste = El formulario pregunta cómo aceptan las personas y cómo es un mensaje. Pegue esto:
texts-register-sample = Un mensaje de ejemplo
texts-register-flow = Cómo aceptan las personas
texts-register-flow-words = Las personas piden este único mensaje mientras reservan una visita en nuestro sitio web: escriben su celular y marcan una casilla vacía que dice “Envíeme un enlace por mensaje de texto para terminar si no reservo ahora”. Al lado dice: “{ $consent }” Se puede reservar sin marcarla. Sale un solo mensaje por solicitud, solo a quien marcó la casilla y luego se fue, de { $from } a { $to } de su hora.
texts-disconnect-hint = Las credenciales se borran aquí y no sale ningún mensaje más. Se sigue recordando quién dijo STOP.

## Staff

staff-people = Personas
staff-add = Agregar a alguien
staff-add-button = Agregar y crear un enlace
staff-name = Nombre
staff-email = Correo electrónico
staff-email-hint = Con él entra.
staff-role = Rol
staff-office-employee-hint = Atiende prospectos, tareas y conversaciones.
staff-administrator-hint = Lo mismo, y además configura todo.
staff-correct = Corregir el nombre o el correo
staff-change-role = Cambiar
staff-no-password = Aún no ha elegido contraseña
staff-deactivated = No puede entrar
staff-deactivate = Desactivar
staff-reactivate = Permitir entrar otra vez
staff-link = Enlace de contraseña
staff-link-title = Un enlace para { $name }
staff-link-hint = Entréguelo usted. Se abre una sola vez, dentro de { $hours } horas, para elegir una contraseña, y no se vuelve a mostrar.

## API keys

keys-hint = Para programas que leen sus prospectos y su configuración.
keys-description = Descripción para programadores
keys-none = No hay llaves.
keys-make = Crear una llave
keys-name = ¿Para qué es?
keys-name-hint = Por ejemplo “Informes” o “Nuestro sitio web”.
keys-made = Su llave nueva
keys-made-hint = Cópiela ahora: no se vuelve a mostrar.
keys-made-at = Creada { $at }
keys-revoked-at = Revocada { $at }
keys-revoke = Revocar
keys-try = Para probar una:

## The set-up

setup-title = Ponga en marcha Ringback
setup-lead = Una sola página, unos tres minutos. Todo se puede cambiar después.
setup-you = Usted
setup-your-name = Su nombre
setup-your-email = Correo electrónico
setup-your-email-hint = Con él entrará.
setup-password = Contraseña
setup-password-hint = Al menos { $shortest } caracteres. Una frase corta sirve bien.
setup-business = Su empresa
setup-phone = Teléfono de la oficina (opcional)
setup-scheduler = Su primera agenda
setup-start = Con qué empieza
setup-start-hint = Servicios, preguntas y textos para empezar. Todo se puede cambiar.
setup-button = Poner en marcha
setup-ended-title = Este enlace ya no abre nada
setup-used = Ringback ya está en marcha. Entre para continuar.
setup-unknown = Un enlace de puesta en marcha sirve una vez, durante 24 horas, y solo el más reciente. Inicie el servidor de nuevo para obtener otro; si Ringback ya está en marcha, entre.

welcome-title = Todo listo
welcome-try = Pruébelo
welcome-try-hint = Abra su agenda, escriba un nombre y un teléfono, continúe y ciérrela sin reservar. En segundos el prospecto aparece en su bandeja.
welcome-open-page = Abrir su agenda
welcome-open-inbox = Abrir la bandeja
welcome-page-address = La dirección de su agenda
welcome-embed = Póngala en su sitio web
welcome-embed-hint = Pegue esta línea antes del final de la página, en cada página que deba mostrar el botón.
welcome-embed-more = Un botón propio también la abre:
welcome-next = Qué más hacer
welcome-details = Cambiar servicios, preguntas y horas
