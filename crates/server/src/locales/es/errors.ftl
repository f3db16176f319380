# Sentences for what went wrong: each says what to do next.

## What a visitor typed

error-name = Escriba su nombre.
error-phone-empty = Escriba un número de teléfono celular.
error-phone-not-a-number = Eso no es un número de teléfono. Escriba uno con su código de área.
error-phone-too-short = Ese número de teléfono es demasiado corto. Escríbalo con su código de área.
error-phone-too-long = Ese número de teléfono es demasiado largo. Por favor, revíselo.
error-phone-no-such-number = Ningún teléfono tiene ese número. Por favor, revíselo.
error-phone-unknown-country = Ningún país tiene ese código. Por favor, revise el número.
error-phone-country-missing = Empiece el número de teléfono con + y el código del país.
error-email = Escriba un correo electrónico como nombre@example.com, o déjelo vacío.
error-email-too-long = Ese correo electrónico es demasiado largo. Por favor, revíselo.
error-postal-zip = Escriba un código postal, por ejemplo { $example }.
error-postal-code = Escriba un código postal, por ejemplo { $example }.
error-postal-postcode = Escriba un código postal, por ejemplo { $example }.
error-postal-eircode = Escriba un Eircode, por ejemplo { $example }.
error-street = Escriba la calle y el número.
error-city = Escriba la ciudad o el pueblo.
error-state = Elija una opción de la lista.
error-service = Elija lo que necesita.
error-window = Elija un horario de llegada.
error-answer = Por favor, responda a esto.
error-choice = Elija una de las respuestas.
error-not-a-form = Eso no lo envió el formulario de la agenda. Abra la agenda de nuevo y presione el botón allí.
error-other-site = Eso no vino de la página de la agenda. Abra la agenda de nuevo y presione el botón allí.

## What the business wrote as its text

error-wording-too-long = Ese texto es demasiado largo. Use menos de { $longest } caracteres.
error-wording-unknown-blank = No podemos completar "{ $blank }". Use business, name, service o link entre llaves.
error-wording-control = Hay un carácter que no se puede mostrar. Escriba el texto de nuevo.
error-wording-lone-brace = Hay una llave suelta. Escriba los espacios así: { "{" }link{ "}" }.
error-wording-link-missing = El texto necesita { "{" }link{ "}" }; sin él, nadie puede volver.
error-wording-business-missing = El texto necesita { "{" }business{ "}" }: un mensaje debe decir de quién viene.
error-wording-stop-missing = El texto debe decir cómo darse de baja, por ejemplo "STOP para darse de baja".

## What could not be done

error-not-found = No hay nada en esta dirección. Revise el enlace o empiece de nuevo desde la primera página.
error-not-signed-in = Entre primero, o envíe una llave de API válida.
error-not-allowed = Su rol no incluye esto. Pregunte a un Administrador.
error-from-elsewhere = Eso no vino de una de nuestras páginas, así que nada cambió. Abra la página e intente desde allí.
error-overtaken = Alguien más fue más rápido. Mire de nuevo e intente otra vez.
error-too-large = Eso es más de lo que podemos recibir de una vez. Acórtelo y envíelo de nuevo.
error-too-many = Fueron muchas solicitudes en poco tiempo. Espere un momento e intente de nuevo.
error-busy = No pudimos guardarlo en este momento. No se perdió nada: intente de nuevo en un momento.
error-fault = Algo falló de nuestro lado. Quedó anotado; intente de nuevo en un momento.

## What programs of ours and of others sent

error-further-rows = Ese enlace a más filas no se puede leer. Abra otra vez la bandeja de entrada.
error-lead-numbers = Los prospectos se piden por sus números. Abra otra vez la bandeja de entrada.
error-not-a-page-message = Eso no es un mensaje de una página de la agenda. Abra otra vez la agenda.
error-not-signed = Falta el encabezado X-Twilio-Signature. Solo la operadora llama a esta dirección.
