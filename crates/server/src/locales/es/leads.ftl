# What staff read at work: signing in, the frame, the inbox, a lead, tasks.

## Signing in

sign-in = Entrar
sign-in-title = Entre a la oficina
sign-in-email = Correo electrónico
sign-in-password = Contraseña
sign-in-button = Entrar
sign-in-wrong = Ese correo y esa contraseña no coinciden. Revise ambos e intente de nuevo.
sign-in-too-often = Se intentó demasiadas veces. Espere medio minuto e intente de nuevo.
sign-in-forgotten = ¿Olvidó su contraseña? Un Administrador puede crearle un enlace nuevo en Configuración, Personal.
password-title = Elija una contraseña
password-welcome = Le damos la bienvenida, { $name }
password-email = Usted entrará como { $email }.
password-new = Contraseña nueva
password-hint = Al menos 10 caracteres. Una frase corta está bien.
password-button = Guardar y entrar
password-ended-title = Este enlace ya se usó
password-ended = Un enlace para elegir contraseña sirve una vez y durante tres días. Pida otro a un Administrador, o entre.
error-password-short = Use al menos 10 caracteres.
error-password-long = Es demasiado larga. Use hasta 500 caracteres.
error-password-easy = Es fácil de adivinar. Use más letras distintas, y no su correo.

## The frame

nav-label = Oficina
nav-skip = Ir al contenido
nav-inbox = Bandeja
nav-appointments = Citas
nav-tasks = Tareas
nav-settings = Configuración
nav-overdue = Vencidas
nav-unready = Aún falta configurar algo
nav-sound = Sonido para prospectos nuevos
nav-keys = Teclado
nav-sign-out = Salir
role-administrator = Administrador
role-office_employee = Empleado de oficina
not-allowed-title = Esto es para Administradores
not-allowed-sentence = La configuración la cambian los Administradores. La bandeja y las tareas son suyas.
not-allowed-ask = Pregunte a { $names }.
told-nothing-here = Aquí no hay nada
told-not-done = Eso no se pudo hacer
to-the-inbox = Volver a la bandeja
undo = Deshacer
close = Cerrar
cancel = Cancelar
you = usted
copied = Copiado
not-reached = No se pudo llegar al servidor, así que nada cambió. Intente de nuevo en un momento.
line-down = Sin conexión por ahora. Lo que ve puede ser viejo; se pone al día por sí solo.
line-out = Su sesión terminó.
ago-seconds = hace { $count } s

keys-title = Teclado
keys-move = Prospecto siguiente y anterior
keys-open = Abrir el prospecto
keys-call = Llamar
keys-contacted = Contactado
keys-dismiss = Descartar
keys-note = Escribir una nota
keys-task = Crear una tarea
keys-undo = Deshacer
keys-search = Buscar
keys-help = Esta lista

## The inbox

inbox-search = Nombre, teléfono o referencia
inbox-filters = Qué prospectos
inbox-live = Por hacer
inbox-mine = Míos
inbox-recovered = Recuperados
inbox-dismissed = Descartados
inbox-all = Todos
inbox-more = Prospectos anteriores
empty-live-title = Nadie espera
empty-live = Cuando alguien sale de su agenda sin reservar, aparece aquí en segundos, por sí solo.
empty-mine-title = No tiene nada pendiente
empty-mine = Aquí están los prospectos que usted llama, toma o marca como contactados.
empty-recovered-title = Nadie todavía
empty-recovered = Aquí están las personas que salieron y al final reservaron.
empty-dismissed-title = Nada descartado
empty-dismissed = Aquí están los prospectos que usted descarta; se pueden reabrir.
empty-all-title = Aún no hay prospectos
empty-search-title = No se encontró nada
empty-search = Ningún prospecto de aquí tiene ese nombre, número o referencia.
empty-search-all = Buscar entre todos los prospectos
empty-search-clear = Mostrarlos todos

## A lead

lead-no-name = Alguien
lead-stopped = se quedó en “{ $step }”
lead-back = De nuevo en la agenda
lead-times-left = salió { $count } veces
lead-request-one = { $count }.ª solicitud de este número
lead-request-two = { $count }.ª solicitud de este número
lead-request-few = { $count }.ª solicitud de este número
lead-request-other = { $count }.ª solicitud de este número
lead-said = Lo que nos dijo
lead-outside = ServiceTitan y mensaje
lead-text = Mensaje
lead-conversation = Mensajes
lead-others = Otras solicitudes de esta persona
lead-timeline = Qué pasó
lead-stamps = Al segundo
lead-window = Horario de llegada
lead-address = Dirección
lead-their-notes = Notas
lead-may-text = Mensaje con un enlace
lead-may-text-yes = Lo pidió
lead-may-text-no = No lo pidió
lead-came-from = Vino de

departure-closed = cerró la agenda
departure-left = salió de la página
departure-lost = se perdió la conexión
departure-idle = se detuvo diez minutos

state-new = Nuevo
state-claimed = { $name } se ocupa, { $when }
state-contacted = Contactado por { $name }, { $when }
state-recovered-link = Reservó con el mensaje, { $when }
state-recovered-themselves = Volvió y reservó, { $when }
state-recovered-staff = Reservado por la oficina, { $when }
state-dismissed = Descartado por { $name }: { $reason }

crm-off = No se envía a ServiceTitan
crm-off-why = Para esta agenda se eligió “Nunca”.
crm-not-connected = Sin conexión. Este prospecto vive aquí.
crm-due = ServiceTitan a las { $when }
crm-again = ServiceTitan otra vez a las { $when }
crm-sending = En camino a ServiceTitan
crm-done = En ServiceTitan
crm-booked = Reservado en ServiceTitan
crm-unknown = ServiceTitan: no se sabe
crm-withdrawn = No se envió a ServiceTitan
crm-refused = ServiceTitan lo rechazó
crm-expired = Nunca llegó a ServiceTitan
crm-kind-booking = Reserva
crm-kind-lead = Lead

text-planned = Mensaje a las { $when }
text-night = Allá es de noche: mensaje { $when }
text-not = Sin mensaje
text-none = No hay ningún mensaje previsto.
text-sent = Mensaje enviado
text-delivered = Mensaje entregado
text-failed = Mensaje no entregado
text-unknown = Mensaje: no se sabe
text-unknown-why = La operadora no dijo si salió. No se envía otra vez.
text-link-stands-here = [su enlace]
text-status-queued = espera en la operadora
text-status-sending = en camino
text-status-sent = enviado
text-status-delivered = entregado
text-status-undelivered = no entregado
text-status-failed = falló
text-status-received = recibido

stamp-left = Salió
stamp-lead = Prospecto guardado
stamp-shown = Visto en la bandeja
stamp-crm-sent = Enviado a ServiceTitan
stamp-crm-done = Está en ServiceTitan
stamp-text-sent = Mensaje enviado
stamp-text-delivered = Mensaje entregado
stamp-first-contact = Primer contacto
stamp-recovered = Reservó
after-seconds = +{ $count } s
after-minutes = +{ $count } min
after-hours = +{ $count } h

## What staff do with it

act-call = Llamar
act-call-name = Llamar a { $name }
act-write = Escribir
act-claim = Yo me ocupo
act-contacted = Contactado
act-contacted-name = Marcar a { $name } como contactado
act-dismiss = Descartar
act-dismiss-name = Descartar a { $name }
act-reopen = Reabrir
act-retry = Intentar de nuevo
act-note = Agregar nota
act-task = Agregar tarea
act-send-link = Enviar enlace para reservar
act-own-phone = Mensaje desde mi teléfono
note-label = Escriba una nota
link-not = No se puede enviar un enlace:
sms-from-my-phone = Hola { $name }, le habla { $staff } de { $business }. Usted empezó a reservar: { $service }. ¿Le puedo ayudar? También puede terminar aquí: { $link }

dismiss-title = Descartar este prospecto
dismiss-reason = ¿Por qué?
dismiss-not_our_work = No hacemos ese trabajo
dismiss-too_far = Está demasiado lejos
dismiss-no_answer = Nunca contesta
dismiss-went_elsewhere = Se fue con otra empresa
dismiss-wrong_number = Número equivocado
dismiss-spam = Correo basura o prueba
dismiss-other = Otra razón
dismiss-own = En sus propias palabras

did-claimed = Es suyo.
did-called = Llamando. El prospecto es suyo.
did-contacted = Marcado como contactado.
did-dismissed = Descartado.
did-reopened = De nuevo en la bandeja.
did-undone = Deshecho.
did-noted = Nota agregada.
did-task-made = Tarea agregada.
did-task-done = Tarea hecha.
did-task-reopened = La tarea está abierta de nuevo.
did-link-planned = El enlace va en camino.
did-link-night = Allá es de noche. El enlace sale por la mañana.
did-retried = Se intenta de nuevo.
did-saved = Guardado.

refused-recovered = Ya reservó. No queda nada por hacer.
refused-dismissed = Este prospecto está descartado. Reábralo primero.
refused-claimed = { $name } lo tiene. Presione Llamar o Contactado si usted habló con la persona.
refused-no-reason = Diga por qué: elija una razón o escríbala en sus propias palabras.
refused-undo = Cambió desde entonces, así que no hay nada suyo que deshacer.
refused-empty-note = Escriba algo primero.
refused-long-note = Esa nota es demasiado larga. Use menos de { $longest } caracteres.
refused-link-waits = Ya va un enlace en camino.
refused-retry = Ya está de otra manera. Mire de nuevo.

## What happened

event-left = Salió sin reservar, en “{ $step }”
event-left_again = Salió otra vez, en “{ $step }”
event-back = De nuevo en la agenda
event-recovered-link = Reservó con el enlace del mensaje
event-recovered-themselves = Volvió y reservó
event-recovered-staff = Reservado por la oficina
event-claimed = { $name } se ocupa
event-called = { $name } llamó
event-contacted = { $name } habló con la persona
event-dismissed = { $name } lo descartó
event-reopened = { $name } lo reabrió
event-undone = { $name } lo deshizo
event-note = { $name } anotó
event-crm-done = { $kind } { $id } está en ServiceTitan
event-crm-booked = { $kind } { $id } en ServiceTitan muestra la cita
event-crm-trouble = ServiceTitan no lo tiene
event-crm-made-anew = El personal ya había actuado en ServiceTitan, así que allí se creó una reserva nueva. Por favor revise las dos.
event-crm-left-alone = El personal ya había actuado en ServiceTitan, así que el registro de allí quedó como está.
event-text-sent = Mensaje enviado
event-text-delivered = Mensaje entregado
event-text-not = Sin mensaje
event-text-received = Escribió
event-opted-out = Respondió STOP. Ya no salen mensajes a este número.
event-link-opened = Abrió el enlace
event-task-made = { $name } agregó una tarea
event-task-done = { $name } terminó una tarea

## Tasks

tasks-mine = Mías
tasks-all = De todos
tasks-overdue = Vencidas
tasks-done = Hechas
task-new = Tarea nueva
task-title = ¿Qué hay que hacer?
task-who = Quién
task-anybody = Cualquiera
task-due = Para cuándo ({ $zone })
task-overdue = Vencida:
task-in-an-hour = En una hora
task-in-two-hours = En dos horas
task-tomorrow = Mañana por la mañana
task-done-by = hecha por { $name }, { $when }
task-done-name = Hecha: { $title }
task-reopen-name = Reabrir: { $title }
empty-tasks-mine-title = Nada por hacer
empty-tasks-all-title = No hay tareas abiertas
empty-tasks-overdue-title = Nada está vencido
empty-tasks-done-title = Aún no hay nada hecho
empty-tasks = Las tareas se crean aquí o en un prospecto, con alguien que las haga y una hora.
error-task-title = Diga qué hay que hacer.
error-task-long = Use menos de { $longest } caracteres.
error-task-assignee = Elija a alguien que aún trabaje aquí.
error-task-due = Eso no es un día y una hora. Elija uno de los próximos años, o déjelo vacío.

appointments-to-come = Próximas
appointments-past = Pasadas
empty-appointments-title = Todavía no hay citas
empty-appointments = Aquí aparece todo lo que se reserva en línea, también de quienes nunca se fueron.
