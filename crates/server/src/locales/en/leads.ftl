# What staff read at work: signing in, the frame, the inbox, a lead, tasks.

## Signing in

sign-in = Sign in
sign-in-title = Sign in to the office
sign-in-email = Email
sign-in-password = Password
sign-in-button = Sign in
sign-in-wrong = That email and password do not go together. Check both, then try again.
sign-in-too-often = That was tried too often. Wait half a minute, then try again.
sign-in-forgotten = Password forgotten? An Administrator can make you a new link under Settings, Staff.
password-title = Choose a password
password-welcome = Welcome, { $name }
password-email = You will sign in as { $email }.
password-new = New password
password-hint = At least 10 characters. A short sentence is good.
password-button = Save and sign in
password-ended-title = This link is used up
password-ended = A link to choose a password works once and for three days. Ask an Administrator for a new one, or sign in.
error-password-short = Use at least 10 characters.
error-password-long = That is too long. Use up to 500 characters.
error-password-easy = That is easy to guess. Use something with more different letters, and not your email.

## The frame

nav-label = Office
nav-skip = Skip to the content
nav-inbox = Inbox
nav-appointments = Appointments
nav-tasks = Tasks
nav-settings = Settings
nav-overdue = Overdue
nav-unready = Something is still to be set up
nav-sound = Sound for new leads
nav-keys = Keyboard
nav-sign-out = Sign out
role-administrator = Administrator
role-office_employee = Office employee
not-allowed-title = This is for Administrators
not-allowed-sentence = Settings are changed by Administrators. Your inbox and tasks are all yours.
not-allowed-ask = Ask { $names }.
told-nothing-here = There is nothing here
told-not-done = That did not work
to-the-inbox = Back to the inbox
undo = Undo
close = Close
cancel = Cancel
you = you
copied = Copied
not-reached = The server could not be reached, so nothing was changed. Try again in a moment.
line-down = No connection at the moment. What you see may be old; it catches up by itself.
line-out = You have been signed out.
ago-seconds = { $count } s ago

keys-title = Keyboard
keys-move = Next and previous lead
keys-open = Open the lead
keys-call = Call
keys-contacted = Contacted
keys-dismiss = Dismiss
keys-note = Write a note
keys-task = Make a task
keys-undo = Undo
keys-search = Search
keys-help = This list

## The inbox

inbox-search = Name, phone or reference
inbox-filters = Which leads
inbox-live = To do
inbox-mine = Mine
inbox-recovered = Recovered
inbox-dismissed = Dismissed
inbox-all = All
inbox-more = Older leads
empty-live-title = Nobody is waiting
empty-live = When somebody leaves your scheduler without booking, they appear here within seconds, by themselves.
empty-mine-title = Nothing on your plate
empty-mine = Leads you call, claim or mark as contacted stand here.
empty-recovered-title = Nobody yet
empty-recovered = People who left and booked after all stand here.
empty-dismissed-title = Nothing set aside
empty-dismissed = Leads you dismiss stand here and can be reopened.
empty-all-title = No leads yet
empty-search-title = Nothing found
empty-search = No lead here has that name, number or reference.
empty-search-all = Search all leads
empty-search-clear = Show all of them

## A lead

lead-no-name = Somebody
lead-stopped = stopped at “{ $step }”
lead-back = Back on the scheduler
lead-times-left = left { $count } times
lead-request-one = { $count }st request from this number
lead-request-two = { $count }nd request from this number
lead-request-few = { $count }rd request from this number
lead-request-other = { $count }th request from this number
lead-said = What they told us
lead-outside = ServiceTitan and text
lead-text = Text
lead-conversation = Texts
lead-others = Other requests of this person
lead-timeline = What happened
lead-stamps = To the second
lead-window = Arrival window
lead-address = Address
lead-their-notes = Notes
lead-may-text = Text with a link
lead-may-text-yes = Asked for
lead-may-text-no = Not asked for
lead-came-from = Came from

departure-closed = closed the scheduler
departure-left = left the page
departure-lost = the connection was lost
departure-idle = stopped for ten minutes

state-new = New
state-claimed = { $name } on it, { $when }
state-contacted = Contacted by { $name }, { $when }
state-recovered-link = Booked through the text, { $when }
state-recovered-themselves = Came back and booked, { $when }
state-recovered-staff = Booked by the office, { $when }
state-dismissed = Dismissed by { $name }: { $reason }

crm-off = Not sent to ServiceTitan
crm-off-why = “Never” is chosen for this scheduler.
crm-not-connected = Not connected. This lead lives here.
crm-due = ServiceTitan at { $when }
crm-again = ServiceTitan again at { $when }
crm-sending = Going to ServiceTitan
crm-done = In ServiceTitan
crm-booked = Booked in ServiceTitan
crm-unknown = ServiceTitan: not known
crm-withdrawn = Not sent to ServiceTitan
crm-refused = ServiceTitan refused it
crm-expired = Never reached ServiceTitan
crm-kind-booking = Booking
crm-kind-lead = Lead

text-planned = Text at { $when }
text-night = Night there: text { $when }
text-not = No text
text-none = No text is planned.
text-sent = Text sent
text-delivered = Text delivered
text-failed = Text not delivered
text-unknown = Text: not known
text-unknown-why = The carrier did not say whether it went. It is not sent again.
text-link-stands-here = [their link]
text-status-queued = waiting at the carrier
text-status-sending = on its way
text-status-sent = sent
text-status-delivered = delivered
text-status-undelivered = not delivered
text-status-failed = failed
text-status-received = received

stamp-left = They left
stamp-lead = Lead saved
stamp-shown = Shown in the inbox
stamp-crm-sent = Sent to ServiceTitan
stamp-crm-done = Stands in ServiceTitan
stamp-text-sent = Text sent
stamp-text-delivered = Text delivered
stamp-first-contact = First contact
stamp-recovered = Booked
after-seconds = +{ $count } s
after-minutes = +{ $count } min
after-hours = +{ $count } h

## What staff do with it

act-call = Call
act-call-name = Call { $name }
act-write = Email
act-claim = I'm on it
act-contacted = Contacted
act-contacted-name = Mark { $name } as contacted
act-dismiss = Dismiss
act-dismiss-name = Dismiss { $name }
act-reopen = Reopen
act-retry = Try again
act-note = Add note
act-task = Add task
act-send-link = Send booking link
act-own-phone = Text from my phone
note-label = Write a note
link-not = No booking link can be sent:
sms-from-my-phone = Hi { $name }, this is { $staff } from { $business }. You started to book: { $service }. Can I help? You can also finish here: { $link }

dismiss-title = Dismiss this lead
dismiss-reason = Why?
dismiss-not_our_work = Not work we do
dismiss-too_far = Too far away
dismiss-no_answer = Never answers
dismiss-went_elsewhere = Went with somebody else
dismiss-wrong_number = Wrong number
dismiss-spam = Spam or a test
dismiss-other = Something else
dismiss-own = In your own words

did-claimed = It is yours.
did-called = Calling. The lead is yours.
did-contacted = Marked as contacted.
did-dismissed = Dismissed.
did-reopened = Back in the inbox.
did-undone = Taken back.
did-noted = Note added.
did-task-made = Task added.
did-task-done = Task done.
did-task-reopened = Task is open again.
did-link-planned = The link is on its way.
did-link-night = It is night there. The link goes out in the morning.
did-retried = Trying again.
did-saved = Saved.

refused-recovered = They have booked already. Nothing is left to do.
refused-dismissed = This lead is dismissed. Reopen it first.
refused-claimed = { $name } has it. Press Call or Contacted if you spoke to them.
refused-no-reason = Say why: choose a reason, or write it in your own words.
refused-undo = It has changed since, so there is nothing of yours to undo.
refused-empty-note = Write something first.
refused-long-note = That note is too long. Keep it under { $longest } characters.
refused-link-waits = A link is on its way already.
refused-retry = It stands otherwise by now. Look again.

## What happened

event-left = Left without booking, at “{ $step }”
event-left_again = Left again, at “{ $step }”
event-back = Back on the scheduler
event-recovered-link = Booked through the link in the text
event-recovered-themselves = Came back and booked
event-recovered-staff = Booked by the office
event-claimed = { $name } took it up
event-called = { $name } called
event-contacted = { $name } reached them
event-dismissed = { $name } dismissed it
event-reopened = { $name } reopened it
event-undone = { $name } took that back
event-note = { $name } noted
event-crm-done = { $kind } { $id } stands in ServiceTitan
event-crm-booked = { $kind } { $id } in ServiceTitan shows the booking
event-crm-trouble = ServiceTitan does not have it
event-crm-made-anew = Staff had acted in ServiceTitan already, so a new Booking was made there. Please look at both.
event-crm-left-alone = Staff had acted in ServiceTitan already, so the record there was left as it is.
event-text-sent = Text sent
event-text-delivered = Text delivered
event-text-not = No text
event-text-received = They wrote
event-opted-out = They said STOP. No more texts go to this number.
event-link-opened = They opened the link
event-task-made = { $name } added a task
event-task-done = { $name } finished a task

## Tasks

tasks-mine = Mine
tasks-all = Everybody's
tasks-overdue = Overdue
tasks-done = Done
task-new = New task
task-title = What is to be done?
task-who = Who
task-anybody = Anybody
task-due = By when ({ $zone })
task-overdue = Overdue:
task-in-an-hour = In an hour
task-in-two-hours = In two hours
task-tomorrow = Tomorrow morning
task-done-by = done by { $name }, { $when }
task-done-name = Done: { $title }
task-reopen-name = Reopen: { $title }
empty-tasks-mine-title = Nothing to do
empty-tasks-all-title = No open tasks
empty-tasks-overdue-title = Nothing is overdue
empty-tasks-done-title = Nothing done yet
empty-tasks = Tasks are made here or on a lead, with somebody to do them and a time.
error-task-title = Say what is to be done.
error-task-long = Keep it under { $longest } characters.
error-task-assignee = Choose somebody who still works here.
error-task-due = That is not a day and a time. Choose one within the next years, or leave it empty.

appointments-to-come = To come
appointments-past = Past
empty-appointments-title = No appointments yet
empty-appointments = Everything booked online stands here, also by people who never left.
