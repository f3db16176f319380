# What a visitor reads on the scheduler. Labels are also the accessible names.

## Steps: the headings of the pages

step-service = What do you need?
step-contact = How can we reach you?
step-time = When should we come?
step-place = Where?
step-review = Review
step-booked = You're booked
step-progress = Step { $step } of { $steps }

## Buttons

button-continue = Continue
button-back = Back
button-book = Book now
button-close = Close scheduler
button-change = Change

## Fields

field-service = Service
field-name = Full name
field-phone = Mobile phone
field-email = Email (optional)
field-text-link = Text me a link to finish if I don't book now
field-optional = { $label } (optional)
field-street = Street address
field-unit = Unit (optional)
field-notes = Notes (optional)
field-day = Day
field-window = Arrival window

# What a region calls its postal code
field-postal-zip = ZIP code
field-postal-code = Postal code
field-postal-postcode = Postcode
field-postal-eircode = Eircode

# What a region calls the town and what lies above it
field-city = City
field-town = Town or city
field-suburb = Suburb
field-state = State
field-province = Province or territory
field-state-territory = State or territory
field-county = County
field-region = State, province or region

## Coming back, leaving

continue-as = Continue as { $name }?
continue-as-yes = Yes, continue
continue-as-no = No, start again
saved-on-continue = We save your details when you continue, so that we can help you finish.
saved-on-close = We save what you enter here, also if you close this window, so that we can help you finish.
