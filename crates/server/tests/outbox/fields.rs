//! Every field we ever send, with its type from the published specifications (ServiceTitan's OpenAPI for
//! crm v2; Twilio's `twilio_api_v2010`). A field that is not in these tables must not be sent. The sandbox
//! refuses unknown fields too; this is the list to read.

use jiff::{SignedDuration, Timestamp};
use ringback_domain::delivery::DeliveryKind::{
    CrmAbandoned, CrmBooked, CrmDismissLead, TextFollowUp,
};
use ringback_domain::delivery::DeliveryStatus::Done;
use ringback_domain::scheduler::SyncAs;
use ringback_domain::session::Address;
use ringback_sandbox::{LoggedRequest, Party, seeds};
use ringback_server::outbox::check;
use serde_json::Value;

use crate::stories;
use crate::world::World;
use Type::{Bool, Contacts, DateTime, E164, Id, Literal, Object, OneOf, Seconds, Sid, Text, Uri};

stories!(every_field_we_send_is_in_the_specifications);

#[derive(Clone, Copy, Debug)]
enum Type {
    Text,
    Bool,
    /// int64
    Id,
    /// date-time, UTC
    DateTime,
    OneOf(&'static [&'static str]),
    Literal(&'static str),
    Object(&'static [Field]),
    Contacts,
    E164,
    Sid(&'static str),
    /// 1 to 36000, in a form
    Seconds,
    /// With a host name and our fragment.
    Uri,
}

/// Name, type, and whether it must be there.
type Field = (&'static str, Type, bool);

const PRIORITY: Type = OneOf(&["Low", "Normal", "High", "Urgent"]);
const CUSTOMER: Type = OneOf(&["Residential", "Commercial"]);

/// `Crm.V2.AddressModel`
static ADDRESS: &[Field] = &[
    ("street", Text, true),
    ("unit", Text, false),
    ("city", Text, true),
    ("state", Text, true),
    ("zip", Text, true),
    ("country", Text, true),
];
/// `Crm.V2.AddressPatchModel`
static ADDRESS_PATCH: &[Field] = &[
    ("street", Text, true),
    ("unit", Text, true),
    ("city", Text, true),
    ("state", Text, true),
    ("zip", Text, true),
    ("country", Text, true),
];
/// `Crm.V2.CreateBookingRequest`
static NEW_BOOKING: &[Field] = &[
    ("source", Literal("Ringback"), true),
    ("name", Text, true),
    ("address", Object(ADDRESS), false),
    ("contacts", Contacts, false),
    ("customerType", CUSTOMER, false),
    ("start", DateTime, false),
    ("summary", Text, true),
    ("campaignId", Id, false),
    ("businessUnitId", Id, false),
    ("jobTypeId", Id, false),
    ("priority", PRIORITY, false),
    ("isFirstTimeClient", Bool, true),
    ("isSendConfirmationEmail", Bool, false),
    ("externalId", Text, true),
];
/// `Crm.V2.UpdateBookingRequest`
static UPDATE_BOOKING: &[Field] = &[
    ("name", Text, false),
    ("address", Object(ADDRESS_PATCH), false),
    ("customerType", CUSTOMER, false),
    ("start", DateTime, false),
    ("summary", Text, false),
    ("campaignId", Id, false),
    ("businessUnitId", Id, false),
    ("jobTypeId", Id, false),
    ("priority", PRIORITY, false),
];
const CONTACT: Type = OneOf(&["Phone", "Email", "Fax", "MobilePhone"]);
/// `Crm.V2.BookingContactModel` in a new Booking, and `ContactCreateRequest`
static NEW_CONTACT: &[Field] = &[("type", CONTACT, true), ("value", Text, true)];
/// `Crm.V2.UpdateBookingContactRequest`
static UPDATE_CONTACT: &[Field] = &[("type", CONTACT, false), ("value", Text, false)];
/// `Crm.V2.DismissBookingModel`
static DISMISS_BOOKING: &[Field] = &[("callReasonId", Id, false), ("dismissingMemo", Text, false)];
/// `Crm.V2.LeadCreateRequest`
static NEW_LEAD: &[Field] = &[
    ("campaignId", Id, true),
    ("summary", Text, true),
    ("callReasonId", Id, false),
    ("followUpDate", DateTime, false),
    ("businessUnitId", Id, false),
    ("jobTypeId", Id, false),
    ("priority", PRIORITY, false),
    ("leadCustomerName", Text, false),
    ("leadPhone", Text, false),
    ("leadEmail", Text, false),
    ("leadStreet", Text, false),
    ("leadUnit", Text, false),
    ("leadCity", Text, false),
    ("leadState", Text, false),
    ("leadZip", Text, false),
    ("leadCountry", Text, false),
];
/// `Crm.V2.LeadUpdateRequest`
static UPDATE_LEAD: &[Field] = &[
    ("campaignId", Id, false),
    ("summary", Text, false),
    ("businessUnitId", Id, false),
    ("jobTypeId", Id, false),
    ("priority", PRIORITY, false),
    ("leadCustomerName", Text, false),
    ("leadPhone", Text, false),
    ("leadEmail", Text, false),
    ("leadStreet", Text, false),
    ("leadUnit", Text, false),
    ("leadCity", Text, false),
    ("leadState", Text, false),
    ("leadZip", Text, false),
    ("leadCountry", Text, false),
];
/// `Crm.V2.DismissLeadRequest`
static DISMISS_LEAD: &[Field] = &[("dismissingReasonId", Id, true)];
/// OAuth client credentials.
static TOKEN: &[Field] = &[
    ("grant_type", Literal("client_credentials"), true),
    ("client_id", Text, true),
    ("client_secret", Text, true),
];
/// `POST Messages.json`
static MESSAGE: &[Field] = &[
    ("To", E164, true),
    ("From", E164, false),
    ("MessagingServiceSid", Sid("MG"), false),
    ("Body", Text, false),
    ("StatusCallback", Uri, false),
    ("ValidityPeriod", Seconds, false),
];
/// What lists are asked with, by the last part of the path.
static QUERIES: &[(&str, &[&str])] = &[
    ("bookings", &["page", "pageSize", "externalId"]),
    ("contacts", &["page", "pageSize"]),
    ("leads", &["page", "pageSize", "createdOnOrAfter"]),
    ("campaigns", &["page", "pageSize", "active"]),
    ("call-reasons", &["page", "pageSize", "active"]),
    ("booking-provider-tags", &["page", "pageSize"]),
    ("Messages.json", &["To", "PageSize"]),
];

fn is(kind: Type, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        Text => text.is_some(),
        Bool => value.is_boolean(),
        Id => value.is_i64(),
        DateTime => text.is_some_and(|t| t.ends_with('Z') && t.parse::<Timestamp>().is_ok()),
        OneOf(words) => text.is_some_and(|t| words.contains(&t)),
        Literal(word) => text == Some(word),
        Object(fields) => {
            check(fields, value);
            true
        }
        Contacts => value.as_array().is_some_and(|contacts| {
            for contact in contacts {
                check(NEW_CONTACT, contact);
            }
            true
        }),
        E164 => text.is_some_and(|t| {
            t.strip_prefix('+')
                .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        }),
        Sid(prefix) => text.is_some_and(|t| t.starts_with(prefix) && t.len() == 34),
        Seconds => text
            .and_then(|t| t.parse::<u32>().ok())
            .is_some_and(|n| (1..=36_000).contains(&n)),
        Uri => text.is_some_and(|t| {
            let url: url::Url = t.parse().expect("a URL");
            url.fragment() == Some("rc=5&rp=all")
                && !url.host_str().expect("a host").contains('_')
                && url.query().is_some_and(|q| q.starts_with("m="))
        }),
    }
}

#[track_caller]
fn check(fields: &[Field], body: &Value) {
    let sent = body.as_object().expect("an object");
    for (name, value) in sent {
        let Some((_, kind, _)) = fields.iter().find(|(known, ..)| known == name) else {
            panic!("{name} is in no specification")
        };
        assert!(is(*kind, value), "{name} should be {kind:?}, is {value}");
    }
    for (name, _, required) in fields {
        assert!(!required || sent.contains_key(*name), "{name} is missing");
    }
}

fn table(request: &LoggedRequest) -> &'static [Field] {
    let parts: Vec<_> = request.path.trim_matches('/').split('/').collect();
    let has = |part: &str| parts.contains(&part);
    match (request.method.as_str(), parts.last().copied()) {
        ("POST", Some("token")) => TOKEN,
        ("POST", Some("Messages.json")) => MESSAGE,
        ("POST", Some("bookings")) => NEW_BOOKING,
        ("POST", Some("leads")) => NEW_LEAD,
        ("POST", Some("contacts")) if has("bookings") => NEW_CONTACT,
        ("PATCH", _) if has("contacts") => UPDATE_CONTACT,
        ("POST", Some("dismiss")) if has("bookings") => DISMISS_BOOKING,
        ("POST", Some("dismiss")) => DISMISS_LEAD,
        ("PATCH", _) if has("bookings") => UPDATE_BOOKING,
        ("PATCH", _) if has("leads") => UPDATE_LEAD,
        other => panic!("a call nobody wrote down: {other:?} {}", request.path),
    }
}

async fn every_field_we_send_is_in_the_specifications(w: World) {
    // Everything we know of somebody, and nothing but a phone: as a Booking and as a Lead.
    for (n, send_as) in [SyncAs::Booking, SyncAs::Lead].into_iter().enumerate() {
        w.set(match send_as {
            SyncAs::Booking => |s| {
                s.sync.send_as = SyncAs::Booking;
                s.services[0].job_type_id = Some(seeds::JOB_AC_REPAIR);
                s.services[0].business_unit_id = Some(seeds::UNIT_HVAC_SERVICE);
                s.services[0].emergency = true;
            },
            SyncAs::Lead => |s| s.sync.send_as = SyncAs::Lead,
        })
        .await;
        let full = w.visitor(&format!("+1602555014{n}"), true).await;
        full.answers(|a| {
            a.notes = "Gate code 1234".into();
            a.address = Address {
                street: "12 E Palm Ln".into(),
                unit: "4B".into(),
                city: "Phoenix".into(),
                state: "AZ".into(),
            };
        })
        .await;
        let lead = full.leaves().await;
        w.until(lead, CrmAbandoned, Done).await;
        full.comes_back().await;
        full.leaves().await;
        w.passes(SignedDuration::from_secs(21));
        w.until(lead, TextFollowUp, Done).await;
        full.books().await;
        w.until(lead, CrmBooked, Done).await;
        let bare = w.visitor(&format!("+1602555015{n}"), false).await;
        bare.answers(|a| {
            (a.name, a.email) = (String::new(), String::new());
            a.postal_code = String::new();
        })
        .await;
        let lead = bare.leaves().await;
        w.until(lead, CrmAbandoned, Done).await;
    }
    // Somebody corrects their number, and gives an email after all.
    w.set(|s| s.sync.send_as = SyncAs::Booking).await;
    let mistyped = w.visitor("+16025550155", false).await;
    mistyped.answers(|a| a.email = String::new()).await;
    let lead = mistyped.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    mistyped
        .answers(|a| {
            a.phone = "+16025550156".into();
            a.email = "ana@example.com".into();
        })
        .await;
    mistyped.books().await;
    w.until(lead, CrmBooked, Done).await;
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    // A Lead without a call reason is followed up by its date; a sibling's Booking is dismissed.
    w.connect_servicetitan(|s| s.call_reason_id = None).await;
    let lead = w.visitor("+16025550160", false).await.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    w.connect_servicetitan(|_| {}).await;
    w.set(|s| s.sync.send_as = SyncAs::Booking).await;
    let sibling = w.visitor("+16025550161", false).await.leaves().await;
    w.until(sibling, CrmAbandoned, Done).await;
    // What is on its way has a token that a day would end under it.
    w.quiet().await;
    w.passes(SignedDuration::from_hours(25));
    let again = w.visitor("+16025550161", false).await;
    let lead = again.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    again.books().await;
    w.until(lead, CrmDismissLead, Done).await;
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    // A Messaging Service sends, without a number and with one of its own.
    let number = w.credentials().from_number.clone();
    for (phone, from) in [
        ("+16025550164", None),
        ("+16025550165", Some(number.as_str())),
    ] {
        let service = w.credentials().messaging_service_sid.clone();
        w.connect_texts_as(|settings| {
            settings.messaging_service_sid = service;
            settings.from = from.map_or_else(String::new, str::to_owned);
        })
        .await;
        let lead = w.visitor(phone, true).await.leaves().await;
        w.passes(SignedDuration::from_secs(21));
        w.until(lead, TextFollowUp, Done).await;
    }
    w.connect_texts().await;
    let dismissed = w.visitor("+16025550163", false).await;
    let lead = dismissed.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    dismissed.books().await;
    w.until(lead, CrmDismissLead, Done).await;
    let business = w.server.seeded.business;
    check::servicetitan(w.app(), business).await.unwrap();
    check::texts(w.app(), business).await.unwrap();
    w.quiet().await;

    let mut seen = std::collections::BTreeSet::new();
    for request in w.sandbox.requests() {
        let status = request.status.expect("no faults here");
        assert!(
            status < 300,
            "{} {}: {status}",
            request.method,
            request.path
        );
        if request.path != "/connect/token" {
            let scheme = match request.party {
                Party::ServiceTitan => "Bearer",
                Party::Carrier => "Basic",
            };
            assert!(request.header("authorization").unwrap().starts_with(scheme));
        }
        if request.party == Party::ServiceTitan && request.path != "/connect/token" {
            assert!(request.header("st-app-key").is_some());
        }
        if request.method == "GET" {
            check_query(&request);
        } else {
            assert_eq!(request.query, "");
            let fields = table(&request);
            check(fields, &request.body);
            let sent = request.body.as_object().unwrap();
            seen.extend(
                sent.keys()
                    .map(|name| format!("{:p} {name}", fields.as_ptr())),
            );
        }
    }
    // Nor does a table name what is never sent.
    for (what, fields) in [
        ("new booking", NEW_BOOKING),
        ("update booking", UPDATE_BOOKING),
        ("new contact", NEW_CONTACT),
        ("update contact", UPDATE_CONTACT),
        ("dismiss booking", DISMISS_BOOKING),
        ("new lead", NEW_LEAD),
        ("update lead", UPDATE_LEAD),
        ("dismiss lead", DISMISS_LEAD),
        ("token", TOKEN),
        ("message", MESSAGE),
    ] {
        for (name, ..) in fields {
            assert!(
                seen.contains(&format!("{:p} {name}", fields.as_ptr())),
                "{what}: {name} is never sent"
            );
        }
    }
}

fn check_query(request: &LoggedRequest) {
    let last = request.path.rsplit('/').next().unwrap();
    let asked = url::form_urlencoded::parse(request.query.as_bytes());
    let known = QUERIES.iter().find(|(list, _)| *list == last);
    for (name, _) in asked {
        let (_, names) = known.unwrap_or_else(|| panic!("{} takes no query", request.path));
        assert!(
            names.contains(&&*name) || name == "PageSize",
            "{name} in {}",
            request.path
        );
    }
}
