# Sentences for what went wrong: each says what to do next.

## What a visitor typed

error-name = Enter your name.
error-phone-empty = Enter a mobile phone number.
error-phone-not-a-number = That is not a phone number. Enter one with its area code.
error-phone-too-short = That phone number is too short. Enter it with its area code.
error-phone-too-long = That phone number is too long. Please check it.
error-phone-no-such-number = No phone has that number. Please check it.
error-phone-unknown-country = No country has that country code. Please check the number.
error-phone-country-missing = Begin the phone number with + and the country code.
error-email = Enter an email address like name@example.com, or leave it empty.
error-email-too-long = That email address is too long. Please check it.
error-postal-zip = Enter a ZIP code, like { $example }.
error-postal-code = Enter a postal code, like { $example }.
error-postal-postcode = Enter a postcode, like { $example }.
error-postal-eircode = Enter an Eircode, like { $example }.
error-street = Enter the street address.
error-city = Enter the town or city.
error-state = Choose one from the list.
error-service = Choose what you need.
error-window = Choose an arrival window.
error-answer = Please answer this.
error-choice = Choose one of the answers.
error-not-a-form = That was not sent by the scheduler's form. Open the scheduler again and press the button there.
error-other-site = That did not come from the scheduler's own page. Open the scheduler again and press the button there.

## What the business wrote as its text

error-wording-too-long = That text is too long. Keep it under { $longest } characters.
error-wording-unknown-blank = We cannot fill in "{ $blank }". Use business, name, service or link in braces.
error-wording-control = There is a character in it that cannot be shown. Type the text anew.
error-wording-lone-brace = A brace stands alone. Write blanks like { "{" }link{ "}" }.
error-wording-link-missing = The text needs { "{" }link{ "}" }, or nobody can come back.
error-wording-business-missing = The text needs { "{" }business{ "}" }: a text must say whom it is from.
error-wording-stop-missing = The text must say how to opt out, such as "Reply STOP to opt out".

## What could not be done

error-not-found = There is nothing at this address. Check the link, or start again from the first page.
error-not-signed-in = Sign in first, or send a valid API key.
error-not-allowed = Your role does not include this. Ask an Administrator.
error-from-elsewhere = That did not come from one of our own pages, so nothing was changed. Open the page itself and try there.
error-overtaken = Somebody else was quicker. Look again, then try once more.
error-too-large = That is more than we can take in one go. Shorten it, then send it again.
error-too-many = That was a lot in a short time. Wait a moment, then try again.
error-busy = We could not save that just now. Nothing is lost: try again in a moment.
error-fault = Something went wrong on our side. It has been noted; try again in a moment.

## What programs of ours and of others sent

error-further-rows = That link to further rows cannot be read. Open the inbox again.
error-lead-numbers = Leads are asked for by their numbers. Open the inbox again.
error-not-a-page-message = That is not a message of a scheduler's page. Open the scheduler again.
error-not-signed = The header X-Twilio-Signature is missing. Only the carrier calls this address.
