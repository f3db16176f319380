# Scheduler Details, as the Administrator reads them. The names of the three sections and their controls are
# those of ServiceTitan's Scheduling Pro.

scheduler-to-embed = Put it on your website
scheduler-overtaken = Somebody else has changed this scheduler since you opened it, so nothing was saved. What you typed is still here. Look at what is saved now; to put yours in its place, save again.
scheduler-overtaken-look = See what is saved now
unsaved = Not saved yet

section-abandoned = Abandoned Sessions
section-abandoned-toggle = Scheduler Drop-off
section-abandoned-hint = On: whoever gave a phone number or an email and leaves without booking becomes a lead. Off: nobody does, and nothing is sent.
save-contact = Save contact details
save-contact-hint = The page tells visitors which.
save-contact-on_continue = When they press Continue
save-contact-also_on_close = Also when they close the scheduler

section-sync = Sync to ServiceTitan
section-sync-not-connected = ServiceTitan is not connected. Leads live in your inbox; what is chosen here counts once it is.
section-sync-connect = Connect ServiceTitan
section-sync-send = Send abandoned session to me in ST
section-sync-as = As
section-sync-as-hint = A Booking waits under Calls, Bookings. A Lead waits under Follow Up and needs a campaign.
sync-as-booking = Booking
sync-as-lead = Lead
sync-as-connected = As under Settings, ServiceTitan
sync-campaign = Campaign
sync-campaign-hint = Names come from ServiceTitan. Press Test under Settings, ServiceTitan to read them anew.
sync-call-reason = Call reason
sync-call-reason-hint = For Leads, and for dismissing them.

send-customer_closes = Customer closes scheduler
send-5_minutes = 5 minutes after
send-15_minutes = 15 minutes after
send-30_minutes = 30 minutes after
send-1_hour = 1 hour after
send-4_hours = 4 hours after
send-24_hours = 24 hours after
send-never = Never

section-text = Follow-Up SMS
section-text-not-connected = No text sender is set up, so no texts go out.
section-text-connect = Set up text messages
section-text-send = Send message after
section-text-send-hint = One text for each lead, only to people who ticked the box, from { $from } to { $to } where they are and where you are.
section-text-words = The text
section-text-words-hint = Blanks are filled in: { "{" }business{ "}" }, { "{" }name{ "}" }, { "{" }service{ "}" }, { "{" }link{ "}" }.
section-text-preview = On their phone:
text-cost = { $parts ->
    [one] { $units } characters, one part
   *[other] { $units } characters, { $parts } parts
}
text-cost-ucs2 = { $parts ->
    [one] { $units } characters, one part. A special character makes parts shorter.
   *[other] { $units } characters, { $parts } parts. A special character makes parts shorter.
}
consent-title = Words beside the box
consent-label = What the box says besides its label
consent-hint = Kept with every consent, word for word. It must say how to stop texts (STOP).

section-services = What people can ask for
service-one = A service
service-title = Service
service-help = Below it (optional)
service-minutes = Minutes
service-emergency = Emergency
service-add = Add a service
many-hint = Empty a title to remove it; the last row is for a new one. After saving there is room for one more.
remove = Remove

section-questions = Your own questions
section-questions-hint = Every question costs a few bookings. Ask what you need before you come.
question-one = A question
question-label = Question
question-step = Asked at
question-kind = Answered with
question-choices = Choices, one per line
question-required = Must be answered
question-add = Add a question
answer-text = A line of text
answer-choice = One of several
answer-yes_no = Yes or no

section-windows = When you come
section-windows-hint = Arrival windows on every open day, within your opening hours.
window-one = An arrival window
window-from = From
window-to = To
window-capacity = Visits
window-add = Add a window
scheduler-lead-time = Earliest arrival, minutes from now
scheduler-lead-time-hint = 120 is two hours.
scheduler-horizon = Days ahead that can be booked
scheduler-horizon-hint = 1 to 365.

section-page = The page
scheduler-own-name = Name
scheduler-own-name-hint = For you and your colleagues; visitors do not see it.
scheduler-audience = Whom it serves
scheduler-audience-hint = ServiceTitan gets it as the customer type.
audience-residential = Homes
audience-commercial = Businesses and managed property
scheduler-headline = Headline
scheduler-thanks = Words at the end
scheduler-order = Order of the steps
order-contact = Contact details first, then the time
order-time = The time first, then contact details
scheduler-address-required = The address must be complete to book
scheduler-served = Where you work
scheduler-served-hint = { $code } like { $example }, or beginnings like { $beginning }*, with commas between them. Empty: everywhere.

section-holds = Second thoughts
section-holds-hint = What cannot be taken back waits a moment, in case they come back. 0 to 60 seconds.
hold-record = ServiceTitan waits, seconds
hold-record-hint = Not after a press on Close: then it goes at once.
hold-text = The text waits, seconds
hold-text-hint = Always, also at “Customer closes scheduler”.

section-embed = Put it on your website
section-embed-hint = One line, anywhere in the page. It adds a button; any element of yours with data-ringback-open opens it too.
section-hosted = The page of its own
section-hosted-hint = Or link to the page of its own:
scheduler-sites = Websites that may show it
scheduler-sites-hint = Such as www.example.com, one per line. Empty: any website.

wrong-scheduler-name = Give it a name.
wrong-choice = Choose one from the list.
wrong-number-between = Enter a whole number from { $least } to { $most }.
wrong-consent-stop = Say how to stop texts: the word STOP must be in it.
wrong-no-service = Keep at least one service, or nobody can ask for anything.
wrong-choices = Write at least two different choices, one per line.
wrong-window = A window needs a beginning and a later end.
wrong-no-window = Keep at least one arrival window, or nobody can book.
wrong-served = “{ $code }” is neither a whole code nor a beginning with a star.
wrong-site = “{ $site }” is not a website. Write it like www.example.com.
wrong-too-many = That is more than 500. Use beginnings with a star.
