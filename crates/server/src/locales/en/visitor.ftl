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
start-over = Not you? Start over
saved-on-continue = We save your details when you continue, so that we can help you finish.
saved-on-close = We save what you enter here, also if you close this window, so that we can help you finish.

## The head of every page

call-us = Call us
call-now = Call { $number }
privacy = Privacy
title-problem = Please check: { $title }
trouble-sending = We could not reach our server. Nothing you typed is lost: check your connection, then press the button again.

## What do you need?

choose = Choose…
answer-yes = Yes
answer-no = No
service-call-now = Call now
urgent-call = This sounds urgent. A call is the fastest way to get help.
out-of-area = We don't come to { $code } yet
out-of-area-explained = { $business } does not serve this area online. Please call us: we may know a way to help.

## When should we come?

windows-explained = Choose an arrival window. We hold it for you while you finish.
times-are-local = Times are local to { $city }.
more-days = More days
nearest-windows = Nearest free windows
no-windows = There is no free window to book online right now. Please call us and we will find a time.
window-gone = Somebody has just taken that window. Please choose another one.
window-gone-no-other = Somebody has just taken that window, and no other is free online. Please call us and we will find a time.
held-for-you = { $window } is held for you for 10 minutes.

## Review and the end

review-service = What you need
review-contact = How we reach you
review-time = Arrival window
review-place = Address
question-answered = { $question }: { $answer }
booked-change = Need to change something? Call us:
booked-cancelled = Your appointment was cancelled
booked-cancelled-sentence = The office has called it off. Call if that surprises you, or book another time.
button-another = Book another visit

## Coming back, leaving, the link in a text

continue-as-explained = Somebody began a visit in this browser. If it was not you, start again: nothing of theirs is shown.
visit-ended = Your visit had ended. Please check this step; what you typed is still here.
closed-title = Scheduler closed
closed-explained = You can close this window. Your answers wait for you for a while.
closed-open = Open it again
link-title = Finish your booking
link-explained = Everything you entered is still here. Press Continue to go on where you stopped.
link-with = With
link-ended = This link has ended
link-ended-explained = Links in texts work for three days. Please start again: it takes about a minute.
link-start = Start again
link-ended-plain = This link has ended. Please start again on the website where you began.

## On the business's own website

embed-open = Book online
embed-title = Online scheduler
embed-silent = The scheduler does not answer. Please try again in a moment, or call us.
