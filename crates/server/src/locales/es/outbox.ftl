# What goes out, and what became of it: summaries in ServiceTitan, and why a record or a text did or did not go.

## The summary of a Booking or Lead in ServiceTitan, one line per fact

summary-left = Salió de la agenda en línea sin reservar.
summary-left-again = Salió de la agenda en línea sin reservar, ya van { $times } veces.
summary-booked = Reservó en línea.
summary-booked-after-leaving = Reservó en línea después de haber salido antes.
summary-wants = Necesita: { $service }
summary-when-chosen = Cuándo: { $window } (elegido, sin reservar)
summary-when-agreed = Cuándo: { $window } (acordado)
summary-when-open = Cuándo: aún sin elegir
summary-stopped = Se quedó en: { $step }
summary-who = Quién: { $person }
summary-where = Dónde: { $place }
summary-notes = Notas: { $notes }
summary-text-yes = Se le puede enviar un mensaje de texto: sí, lo pidió el { $at }
summary-text-no = Se le puede enviar un mensaje de texto: no
summary-from = Vino de: { $page }
summary-campaign = Campaña: { $tags }
summary-reference = Referencia de Ringback: { $reference }

## Why no text goes: the rules

why-not-switched_off = Los mensajes de seguimiento están desactivados para esta agenda.
why-not-no_phone = No dio un número de teléfono.
why-not-no_consent = No marcó la casilla para recibir un mensaje.
why-not-opted_out = Pidió no recibir mensajes.
why-not-not_textable = Este número no puede recibir mensajes de texto.
why-not-booked = Ya reservó.
why-not-out_of_area = Pidió un lugar que ustedes no atienden.
why-not-back = Está de nuevo en la agenda.
why-not-staff_has_it = El personal ya se comunicó o descartó el prospecto.
why-not-already_texted = Este prospecto ya recibió su mensaje.
why-not-recently_texted = Este número recibió un mensaje en las últimas 24 horas.
why-not-no_sender = Los mensajes no están configurados.
why-not-too_late = Pasaron más de 48 horas desde que salió.
why-not-no_hour = Los mensajes salen solo de día, y no hubo una hora así en 48 horas.

## What became of a delivery

why-booked = Ya reservó.
why-back = Volvió a la agenda.
why-switched-off = Se desactivó después en la configuración de la agenda.
why-dismissed = El prospecto se descartó antes.
why-cancelled = La cita se canceló antes.
why-not-connected = ServiceTitan no estaba conectado cuando tocaba enviarlo. En cuanto lo esté, lo abierto se puede enviar en Configuración, ServiceTitan.
why-expired = Esperó demasiado; ya no vale la pena enviarlo.
why-interrupted = El servidor se detuvo mientras esto salía. Lo estamos averiguando.
why-opted-out = Pidió no recibir mensajes.

why-crm-later = ServiceTitan aún no lo aceptó. Se intentará de nuevo.
why-crm-later-said = ServiceTitan aún no lo aceptó: { $said }. Se intentará de nuevo.
why-crm-credentials = ServiceTitan no acepta las credenciales. Revíselas en Configuración, ServiceTitan; se intentará de nuevo.
why-crm-forbidden = ServiceTitan no permite esto a la aplicación de API. Revise su tenant y su clave, y sus permisos en ServiceTitan; se intentará de nuevo.
why-crm-forbidden-said = ServiceTitan no permite esto a la aplicación de API: { $said }. Revise su tenant y su clave, y sus permisos en ServiceTitan; se intentará de nuevo.
why-crm-refused = ServiceTitan lo rechazó.
why-crm-refused-said = ServiceTitan lo rechazó: { $said }
why-crm-unknown = No pudimos saber si ServiceTitan lo aceptó. Lo estamos averiguando.
why-crm-unknown-said = No pudimos saber si ServiceTitan lo aceptó: { $said }. Lo estamos averiguando.
why-crm-needs-campaign = Un Lead en ServiceTitan necesita una campaña. Elija una en la configuración de la agenda e intente de nuevo.
why-crm-needs-provider = Una reserva en ServiceTitan necesita un proveedor de reservas. Elija uno en Configuración, ServiceTitan; después saldrá por sí sola.
why-crm-needs-call-reason = Descartar un Lead en ServiceTitan necesita un motivo de llamada. Elija uno en Configuración, ServiceTitan; después saldrá por sí solo.

why-text-later = La operadora aún no lo aceptó. Se intentará de nuevo.
why-text-later-said = La operadora aún no lo aceptó: { $said }. Se intentará de nuevo.
why-text-unknown = No pudimos saber si la operadora lo aceptó. No se enviará otra vez.
why-text-unknown-said = No pudimos saber si la operadora lo aceptó: { $said }. No se enviará otra vez.
why-text-credentials = La operadora no acepta las credenciales. Revíselas en Configuración, Mensajes de texto; se intentará de nuevo.
why-text-auth-token = La operadora acepta la clave de API, pero no el token de autenticación. Los mensajes salen, pero no se puede confiar en las respuestas, los STOP ni los informes de entrega: copie otra vez el token.
why-text-bad-number = La operadora dice que este número no puede recibir mensajes de texto.
why-text-opted-out = Este número respondió STOP, según la operadora.
why-text-region-off = La cuenta de la operadora no puede enviar mensajes a este país. Active el país con la operadora.
why-text-bad-sender = La operadora no acepta el remitente. Revíselo en Configuración, Mensajes de texto.
why-text-not-registered = El remitente no está registrado para enviar mensajes. Regístrelo con la operadora.
why-text-blocked = La operadora lo bloqueó.
why-text-unreachable = No se pudo llegar al teléfono.
why-text-too-long = El mensaje es demasiado largo. Acórtelo en la configuración de la agenda.
why-text-refused = La operadora lo rechazó.
why-text-refused-said = La operadora lo rechazó: { $said }

## What a test call said

why-crm-no-answer = ServiceTitan no respondió.
why-crm-no-answer-said = ServiceTitan no respondió: { $said }
why-crm-unknown-provider = ServiceTitan responde, pero no conoce un proveedor de reservas con este ID. Elija uno de la lista.
why-text-no-answer = La operadora no respondió.
why-text-no-answer-said = La operadora no respondió: { $said }
error-twilio-account-sid = El Account SID empieza con AC, seguido de 32 dígitos y letras de la a a la f.
error-twilio-api-key-sid = El SID de la API key empieza con SK, seguido de 32 dígitos y letras de la a a la f.
error-twilio-messaging-service-sid = El Messaging Service SID empieza con MG, seguido de 32 dígitos y letras de la a a la f.
error-twilio-sender = Escriba el número desde el que salen los mensajes, o un Messaging Service SID.
