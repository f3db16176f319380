# What a visitor reads on the scheduler. Labels are also the accessible names.

## Steps: the headings of the pages

step-service = ¿Qué necesita?
step-contact = ¿Cómo podemos comunicarnos con usted?
step-time = ¿Cuándo le conviene que vayamos?
step-place = ¿Dónde?
step-review = Revise su cita
step-booked = Su cita está confirmada
step-progress = Paso { $step } de { $steps }

## Buttons

button-continue = Continuar
button-back = Atrás
button-book = Reservar ahora
button-close = Cerrar la agenda
button-change = Cambiar

## Fields

field-service = Servicio
field-name = Nombre completo
field-phone = Teléfono celular
field-email = Correo electrónico (opcional)
field-text-link = Envíeme un enlace por mensaje de texto para terminar si no reservo ahora
field-optional = { $label } (opcional)
field-street = Calle y número
field-unit = Apartamento o unidad (opcional)
field-notes = Notas (opcional)
field-day = Día
field-window = Horario de llegada

# What a region calls its postal code
field-postal-zip = Código postal
field-postal-code = Código postal
field-postal-postcode = Código postal
field-postal-eircode = Eircode

# What a region calls the town and what lies above it
field-city = Ciudad
field-town = Ciudad o pueblo
field-suburb = Localidad
field-state = Estado
field-province = Provincia o territorio
field-state-territory = Estado o territorio
field-county = Condado
field-region = Estado, provincia o región

## Coming back, leaving

continue-as = ¿Desea continuar como { $name }?
continue-as-yes = Sí, continuar
continue-as-no = No, empezar de nuevo
start-over = ¿No es usted? Empezar de nuevo
saved-on-continue = Guardamos sus datos cuando continúa, para poder ayudarle a terminar.
saved-on-close = Guardamos lo que escribe aquí, aunque cierre esta ventana, para poder ayudarle a terminar.

## The head of every page

call-us = Llámenos
call-now = Llamar al { $number }
privacy = Privacidad
title-problem = Por favor, revise: { $title }
trouble-sending = No pudimos conectar con nuestro servidor. No se perdió nada de lo que escribió: revise su conexión y vuelva a presionar el botón.

## What do you need?

choose = Elija…
answer-yes = Sí
answer-no = No
service-call-now = Llame ahora
urgent-call = Parece urgente. Lo más rápido es llamarnos.
out-of-area = Todavía no llegamos a { $code }
out-of-area-explained = { $business } no atiende esta zona en línea. Llámenos: quizá podamos ayudarle.

## When should we come?

windows-explained = Elija un horario de llegada. Se lo guardamos mientras termina.
times-are-local = Las horas son las de { $city }.
more-days = Más días
nearest-windows = Los horarios libres más cercanos
no-windows = En este momento no hay horarios libres en línea. Llámenos y encontraremos uno.
window-gone = Alguien acaba de tomar ese horario. Por favor, elija otro.
window-gone-no-other = Alguien acaba de tomar ese horario y no hay otro libre en línea. Llámenos y encontraremos uno.
held-for-you = { $window }: se lo guardamos 10 minutos.

## Review and the end

review-service = Lo que necesita
review-contact = Cómo le contactamos
review-time = Horario de llegada
review-place = Dirección
question-answered = { $question }: { $answer }
booked-change = ¿Necesita cambiar algo? Llámenos:
booked-cancelled = Su cita fue cancelada
booked-cancelled-sentence = La oficina la canceló. Llame si no lo esperaba, o reserve otro horario.
button-another = Reservar otra visita

## Coming back, leaving, the link in a text

continue-as-explained = Alguien empezó una visita en este navegador. Si no fue usted, empiece de nuevo: no se muestra nada de esa persona.
visit-ended = Su visita había terminado. Revise este paso; lo que escribió sigue aquí.
closed-title = Agenda cerrada
closed-explained = Puede cerrar esta ventana. Sus respuestas le esperan un tiempo.
closed-open = Abrirla de nuevo
link-title = Termine su reserva
link-explained = Todo lo que escribió sigue aquí. Presione Continuar para seguir donde se quedó.
link-with = Con
link-ended = Este enlace ya no sirve
link-ended-explained = Los enlaces de los mensajes sirven tres días. Empiece de nuevo: toma alrededor de un minuto.
link-start = Empezar de nuevo
link-ended-plain = Este enlace ya no sirve. Empiece de nuevo en el sitio web donde comenzó.

## On the business's own website

embed-open = Reservar en línea
embed-title = Agenda en línea
embed-silent = La agenda no responde. Inténtelo de nuevo en un momento o llámenos.
