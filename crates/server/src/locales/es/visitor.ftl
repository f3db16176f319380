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
saved-on-continue = Guardamos sus datos cuando continúa, para poder ayudarle a terminar.
saved-on-close = Guardamos lo que escribe aquí, aunque cierre esta ventana, para poder ayudarle a terminar.
