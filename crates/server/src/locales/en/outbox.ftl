# What goes out, and what became of it: summaries in ServiceTitan, and why a record or a text did or did not go.

## The summary of a Booking or Lead in ServiceTitan, one line per fact

summary-left = Left the online scheduler without booking.
summary-left-again = Left the online scheduler without booking, { $times } times by now.
summary-booked = Booked online.
summary-booked-after-leaving = Booked online after leaving the scheduler before.
summary-wants = Wants: { $service }
summary-when-chosen = When: { $window } (chosen, not booked)
summary-when-agreed = When: { $window } (agreed)
summary-when-open = When: not chosen yet
summary-stopped = Stopped at: { $step }
summary-who = Who: { $person }
summary-where = Where: { $place }
summary-notes = Notes: { $notes }
summary-text-yes = May be texted: yes, asked for on { $at }
summary-text-no = May be texted: no
summary-from = Came from: { $page }
summary-campaign = Campaign: { $tags }
summary-reference = Ringback reference: { $reference }

## Why no text goes: the rules

why-not-switched_off = Follow-up texts are switched off for this scheduler.
why-not-no_phone = No phone number was given.
why-not-no_consent = The box for a text was not ticked.
why-not-opted_out = They asked not to be texted.
why-not-not_textable = This number cannot get texts.
why-not-booked = They have booked.
why-not-out_of_area = They asked for a place that you do not serve.
why-not-back = They are on the scheduler again.
why-not-staff_has_it = Staff have contacted them or set the lead aside.
why-not-already_texted = This lead has had its text.
why-not-recently_texted = This number had a text in the last 24 hours.
why-not-no_sender = Texts are not set up.
why-not-too_late = More than 48 hours have passed since they left.
why-not-no_hour = Texts go by day only, and there was no such hour within 48 hours.

## What became of a delivery

why-booked = They have booked.
why-back = They came back to the scheduler.
why-switched-off = Switched off in the scheduler's settings since.
why-dismissed = The lead was dismissed before.
why-cancelled = The appointment was cancelled before.
why-not-connected = ServiceTitan was not connected when this was due. Once it is, what is open can be sent under Settings, ServiceTitan.
why-expired = It waited too long to be worth sending.
why-interrupted = The server stopped while this was on its way. It is being looked up.
why-opted-out = They asked not to be texted.

why-crm-later = ServiceTitan did not take it yet. It will be tried again.
why-crm-later-said = ServiceTitan did not take it yet: { $said }. It will be tried again.
why-crm-credentials = ServiceTitan does not accept the credentials. Check them under Settings, ServiceTitan; it will be tried again.
why-crm-forbidden = ServiceTitan does not let the API application do this. Check its tenant and app key, and its scopes in ServiceTitan; it will be tried again.
why-crm-forbidden-said = ServiceTitan does not let the API application do this: { $said }. Check its tenant and app key, and its scopes in ServiceTitan; it will be tried again.
why-crm-refused = ServiceTitan refused it.
why-crm-refused-said = ServiceTitan refused it: { $said }
why-crm-unknown = We could not learn whether ServiceTitan took it. We are looking.
why-crm-unknown-said = We could not learn whether ServiceTitan took it: { $said }. We are looking.
why-crm-needs-campaign = A Lead in ServiceTitan needs a campaign. Choose one in the scheduler's settings; it will then go by itself.
why-crm-needs-provider = A Booking in ServiceTitan needs a booking provider. Choose one under Settings, ServiceTitan; it will then go by itself.
why-crm-needs-call-reason = Dismissing a Lead in ServiceTitan needs a call reason. Choose one under Settings, ServiceTitan; it will then go by itself.

why-text-later = The carrier did not take it yet. It will be tried again.
why-text-later-said = The carrier did not take it yet: { $said }. It will be tried again.
why-text-unknown = We could not learn whether the carrier took it. It will not be sent again.
why-text-unknown-said = We could not learn whether the carrier took it: { $said }. It will not be sent again.
why-text-credentials = The carrier does not accept the credentials. Check them under Settings, Text messages; it will be tried again.
why-text-auth-token = The carrier accepts the API key, but not the auth token. Texts go out, but replies, STOP and delivery reports cannot be believed: copy the auth token again.
why-text-bad-number = The carrier says this is not a number that can get texts.
why-text-opted-out = This number said STOP, the carrier says.
why-text-region-off = The carrier account may not text this country. Switch the country on at the carrier.
why-text-bad-sender = The carrier does not accept the sender. Check it under Settings, Text messages.
why-text-not-registered = The sender is not registered for texting. Register it at the carrier.
why-text-blocked = The carrier blocked it.
why-text-unreachable = The phone could not be reached.
why-text-too-long = The text is too long. Shorten it in the scheduler's settings.
why-text-refused = The carrier refused it.
why-text-refused-said = The carrier refused it: { $said }

## What a test call said

why-crm-no-answer = ServiceTitan did not answer.
why-crm-no-answer-said = ServiceTitan did not answer: { $said }
why-crm-unknown-provider = ServiceTitan answers, but knows no booking provider with this ID. Choose one from the list.
why-text-no-answer = The carrier did not answer.
why-text-no-answer-said = The carrier did not answer: { $said }
error-twilio-account-sid = The Account SID begins with AC, followed by 32 digits and letters a to f.
error-twilio-api-key-sid = The API key SID begins with SK, followed by 32 digits and letters a to f.
error-twilio-messaging-service-sid = The Messaging Service SID begins with MG, followed by 32 digits and letters a to f.
error-twilio-sender = Enter the number texts come from, or a Messaging Service SID.
