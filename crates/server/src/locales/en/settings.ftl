# What the Administrator reads while setting things up: the set-up and the settings.

save = Save
save-and-test = Save and test
connect = Connect
disconnect = Disconnect
disconnect-now = Yes, disconnect
test-connection = Test connection
copy = Copy
form-wrong = Something needs another look. Nothing has been saved yet.
language-name = English
choose-none = None
choose-unlisted = { $id } (not on the list)
checked-saved = Tested with what is saved, { $at }.
checked-typed = Tested just now with what stands in this form. It is not saved yet.
checked-typed-again = Secrets are not shown again: type them once more before you save.
checked-not-yet = Saved, and not tested since.
secret-saved = Saved
secret-saved-ends = Saved, ends in …{ $end }
secret-hint = Is never shown again.
secret-keep = Leave it empty to keep what is saved.
secret-unreadable = The saved credentials cannot be opened: the key file has changed. Put the old key file back, or enter the credentials again.

done-saved = Saved.
done-connected = Saved. The connection works.
done-not-connected = Saved. The connection does not work yet.
done-tested = Tested.
done-disconnected = Disconnected. Its credentials are deleted.
done-role = The role is changed.
done-deactivated = They are signed out and cannot sign in any more.
done-reactivated = They can sign in again.
done-sent = What was open is on its way to ServiceTitan.
done-none-to-send = Everything open is in ServiceTitan or on its way already, or its scheduler sends none.
done-retried = What ServiceTitan had not taken is being tried again.
done-none-to-retry = There is nothing left that ServiceTitan has not taken.
done-revoked = The key opens nothing any more.

## What was typed wrong

wrong-too-long = Keep it under { $longest } characters.
wrong-business-name = Enter the name your customers know.
wrong-region = Choose a region from the list.
wrong-time-zone = Choose a time zone from the list.
wrong-hours = Enter when you open and when you close, like 08:00 and 17:00.
wrong-hours-order = Closing time must be after opening time.
wrong-never-open = Tick at least one day, or nobody can book.
wrong-date = { $typed } is not a date. Write it like 2026-12-25.
wrong-too-many-days = Keep at most { $most } closed days.
wrong-url = Enter a web address like https://example.com/privacy, or leave it empty.
wrong-number = Enter a whole number, digits only.
wrong-tenant = Enter the tenant ID, a number.
wrong-client-id = Enter the client ID.
wrong-client-secret = Enter the client secret.
wrong-app-key = Enter the app key.
wrong-secret-letters = Copy it again: it may hold letters, digits and signs, without spaces.
wrong-auth-token = Enter the auth token of the account.
wrong-api-key-secret = Enter the secret of this API key.
wrong-person-name = Enter a name.
wrong-person-email = Enter an email address like name@example.com.
wrong-email-taken = Somebody signs in with this email already.
wrong-role = Choose a role.
wrong-key-name = Say what the key is for.
wrong-start = Choose one to begin with.
refused-last-administrator = This is the last Administrator. Make somebody else an Administrator first.
refused-deactivated = Let them in again first, then make the link.

## The overview

settings-overview = Overview
settings-business = Business
settings-texts = Text messages
settings-staff = Staff
settings-keys = API keys
settings-readiness = Is everything ready?
settings-schedulers = Schedulers
settings-no-schedulers = There is no scheduler yet. Add one below.
settings-open-page = Open page
settings-details = Scheduler Details
settings-add-scheduler = Add a scheduler
scheduler-name = Name (optional)
scheduler-name-hint = For your own lists; visitors do not see it.
standing-ready = Ready
standing-said = Good to know
standing-missing = Missing
point-open = Open
point-retry = Try all again

ready-scheduler = Visitors can book on your scheduler.
ready-no-scheduler = There is no scheduler yet, so nobody can book.
ready-address = Your public address uses https and can be reached.
ready-address-local = Only this machine can reach the public address. Set public_url in ringback.toml to the address visitors use.
ready-address-insecure = The public address has no https, so browsers will not keep visitors' sessions in a frame. Put a certificate in front, then set public_url in ringback.toml.
ready-no-phone = Visitors do not see a phone number to call.
ready-crm = ServiceTitan is connected and answers.
ready-crm-off = Not connected to ServiceTitan. That is fine: your leads live in the inbox.
ready-crm-refused = ServiceTitan does not accept the credentials. What is due waits until they are mended.
ready-crm-forbidden = ServiceTitan does not let the API application do all it has to. What is due waits until its tenant, app key and scopes are right.
ready-crm-provider = Choose the booking provider, so that records can be made in ServiceTitan.
ready-crm-untested = ServiceTitan is connected and has not been tested since the last change.
ready-crm-failed = The last test of ServiceTitan did not go well.
ready-crm-campaign = A scheduler sends Leads to ServiceTitan, which needs a campaign and a call reason.
ready-crm-booking = ServiceTitan has not taken an appointment that was booked online. Look at it under Appointments, and try again.
ready-crm-not-taken = ServiceTitan has not taken some of your leads or appointments. Each says why. Mend that, then try them all again.
ready-texts = Text messages are connected.
ready-texts-off = Text messages are not set up, so nobody who leaves gets the link they asked for.
ready-texts-unwanted = No texts: every scheduler has Send message after set to Never.
ready-texts-refused = The carrier does not accept the credentials, so no texts go out.
ready-texts-untested = Text messages are set up and have not been tested since the last change.
ready-texts-failed = The last test of text messages did not go well.
ready-texts-register = Carriers let texts through once your number is registered with them.
ready-no-mailing-address = Canadian law asks for your postal address behind every text.
ready-no-privacy = There is no link to your privacy page beside the box for texts. Carriers look for one.
ready-alone = You are the only one who can sign in. Add your colleagues.

## The business

business-who = Who you are
business-overtaken = Somebody else has changed the business since you opened it, so nothing was saved. What you typed is still here. Look at what is saved now; to put yours in its place, save again.
business-name = Business name
business-name-hint = As customers know it. It begins every text.
business-phone = Office phone (optional)
business-phone-hint = Visitors can call it from every page.
business-locale = Language
business-locale-hint = Of this office and your texts. Visitors get their own where we speak it.
business-where = Where you are
business-region = Region
business-region-hint = Decides how phone numbers, addresses and dates are written.
business-time-zone = Time zone
business-time-zone-hint = Your hours and arrival windows are meant here.
zone-chosen = Chosen
business-hours = Opening hours
business-hours-hint = Visits are offered within these hours.
day-monday = Monday
day-tuesday = Tuesday
day-wednesday = Wednesday
day-thursday = Thursday
day-friday = Friday
day-saturday = Saturday
day-sunday = Sunday
hours-opens = { $day }, opens
hours-closes = { $day }, closes
business-closed = Closed days
business-closed-hint = Holidays and other days without visits. Empty a field to take the day off the list.
business-closed-day = Closed on
business-law = For texts and the small print
business-legal-name = Legal name (optional)
business-legal-name-hint = Kept with every consent, where it differs from the business name.
business-mailing-address = Postal address (optional)
business-mailing-address-hint = Shown behind the link of a text. Canada asks for it.
business-privacy-url = Privacy page (optional)
business-privacy-url-hint = Linked beside the box for texts. Carriers look for it.

## ServiceTitan

servicetitan-off = Not connected. That is fine: your leads live in the inbox. Connect ServiceTitan to have a Booking or Lead made there for each of them.
crm-works = ServiceTitan answers. Records are made there.
crm-credentials-here = ServiceTitan does not accept these credentials: the tenant, client ID, client secret and app key have to belong together. Until they do, nothing is sent.
crm-account = Your API application
crm-account-hint = In ServiceTitan: Settings, Integrations, API Application Access. The app key comes from the developer portal.
crm-tenant = Tenant ID
crm-tenant-hint = A number; ServiceTitan shows it beside the client ID.
crm-client-id = Client ID
crm-client-secret = Client secret
crm-app-key = App key
crm-filing = Where records go
crm-filing-later = Once the connection has been tested, you choose the booking provider, campaign and call reason by their names.
crm-provider = Booking provider
crm-provider-id = Booking provider ID (optional for now)
crm-provider-hint = In ServiceTitan: Settings, Integrations, Booking Providers.
crm-campaign = Usual campaign
crm-campaign-hint = For schedulers that name none. A Lead needs one.
crm-call-reason = Usual call reason
crm-call-reason-hint = For schedulers that name none. Says why a Lead was dismissed.
crm-send-open = Send what is open
crm-send-open-hint = Leads still to be worked and appointments to come, from before ServiceTitan was connected, go there too.
crm-disconnect-hint = The credentials are deleted here. Records in ServiceTitan stay; new leads stay in the inbox.

## Text messages

texts-off = Not connected. Visitors who leave get no text, and every lead says so. Connect a Twilio account to send the link they ask for.
texts-work = The carrier answers. Texts can go out.
text-credentials-here = The carrier does not accept these credentials: the SIDs and their secrets have to belong together. Until they do, no texts go out.
texts-account = Your Twilio account
texts-account-hint = In the Twilio Console: Account, API keys and tokens.
texts-account-sid = Account SID
texts-account-sid-hint = Begins with AC.
texts-auth-token = Auth token
texts-auth-token-hint = Proves that messages to us come from Twilio.
texts-api-key-sid = API key SID (optional)
texts-api-key-sid-hint = Begins with SK. Without a key, the auth token sends.
texts-api-key-secret = API key secret
texts-secondary = Changing the auth token
texts-auth-token-secondary = Secondary auth token
texts-secondary-hint = Both tokens are accepted while Twilio changes over.
texts-forget-secondary = Forget the secondary token
texts-sender = Who texts come from
texts-from = Number
texts-from-hint = One of your Twilio numbers.
texts-service = Messaging Service SID
texts-service-hint = Begins with MG. Either this or a number; with both, the number must belong to it.
texts-hooks = Paste this into Twilio
texts-hooks-hint = At your number (or Messaging Service), under "A message comes in": Webhook, HTTP POST, this address. STOP and replies then reach you.
texts-hooks-status = Nothing else is needed: each text tells Twilio itself where to report what became of it.
texts-hooks-local = Twilio cannot reach this address: it is known to this machine or network only. Set public_url in ringback.toml to the address visitors use.
texts-register = Registration with carriers
texts-register-us = Carriers in the United States block texts from numbers they do not know. Before you send, register your brand and campaign (A2P 10DLC, one to three weeks) or verify your toll-free number (three to five days) in the Twilio Console.
texts-register-ca = Canadian numbers need no registration to text within Canada. Texts that reach the United States do: register there (A2P 10DLC) or verify a toll-free number in the Twilio Console.
texts-register-au = A plain number needs no registration. A name as the sender must stand in the ACMA register, or phones show it as unverified.
texts-register-other = Ask your carrier whether your number must be registered in your country before it may text.
texts-register-paste = The form asks how people agree and what a text looks like. Paste these:
texts-register-sample = A sample message
texts-register-flow = How people agree
texts-register-flow-words = People ask for this one text themselves while they book a visit on our website: they enter their mobile number and tick an empty box labelled "Text me a link to finish if I don't book now". Beside it stands: "{ $consent }" Booking works without ticking it. One text per request goes out, only to somebody who ticked the box and then left, from { $from } to { $to } their time.
texts-disconnect-hint = The credentials are deleted here, and no more texts go out. Who has said STOP stays remembered.

## Staff

staff-people = People
staff-add = Add somebody
staff-add-button = Add and make a link
staff-name = Name
staff-email = Email
staff-email-hint = They sign in with it.
staff-role = Role
staff-office-employee-hint = Works leads, tasks and conversations.
staff-administrator-hint = The same, and sets everything up.
staff-correct = Correct name or email
staff-change-role = Change
staff-no-password = Has not chosen a password yet
staff-deactivated = Cannot sign in
staff-deactivate = Deactivate
staff-reactivate = Let in again
staff-link = Password link
staff-link-title = A link for { $name }
staff-link-hint = Pass it on yourself. It opens once, within { $hours } hours, to choose a password, and is not shown again.

## API keys

keys-hint = For programs that read your leads and settings.
keys-description = Description for programmers
keys-none = There are no keys.
keys-make = Make a key
keys-name = What is it for?
keys-name-hint = Like "Reports" or "Our website".
keys-made = Your new key
keys-made-hint = Copy it now: it is not shown again.
keys-made-at = Made { $at }
keys-revoked-at = Revoked { $at }
keys-revoke = Revoke
keys-try = To try one:

## The set-up

setup-title = Set up Ringback
setup-lead = One page, about three minutes. Everything can be changed later.
setup-you = You
setup-your-name = Your name
setup-your-email = Email
setup-your-email-hint = You will sign in with it.
setup-password = Password
setup-password-hint = At least { $shortest } characters. A short sentence is good.
setup-business = Your business
setup-phone = Office phone (optional)
setup-scheduler = Your first scheduler
setup-start = What it begins with
setup-start-hint = Services, questions and words to begin with. All of it is yours to change.
setup-button = Set up
setup-ended-title = This link opens nothing any more
setup-used = Ringback is set up. Sign in to go on.
setup-unknown = A set-up link works once, for 24 hours, and only the newest one. Start the server again to get a fresh one; where Ringback is set up already, sign in.

welcome-title = You are ready
welcome-try = Try it
welcome-try-hint = Open your scheduler, enter a name and a phone number, continue, then close it without booking. The lead stands in your inbox within seconds.
welcome-open-page = Open your scheduler
welcome-open-inbox = Open the inbox
welcome-page-address = The address of your scheduler
welcome-embed = Put it on your website
welcome-embed-hint = Paste this line before the end of the page, on every page that should show the button.
welcome-embed-more = A button of your own opens it too:
welcome-next = What else to do
welcome-details = Change services, questions and hours
