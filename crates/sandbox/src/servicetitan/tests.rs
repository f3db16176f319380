//! Stories of the pretend ServiceTitan without sockets: calls go in, answers come out, `now` is ours.

use axum::http::{HeaderMap, HeaderValue, Method};
use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::call::Call;

/// A client with good credentials and a clock of its own.
struct Client {
    tenant: Tenant,
    now: Timestamp,
    token: String,
}

impl Client {
    fn new() -> Client {
        let now = "2026-05-14T16:00:00Z".parse().unwrap();
        let mut client = Client {
            tenant: Tenant::new(Credentials::default(), now),
            now,
            token: String::new(),
        };
        client.token = client.fresh_token()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        client
    }

    fn fresh_token(&mut self) -> Value {
        let ours = Credentials::default();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            ours.client_id, ours.client_secret
        );
        let (status, body) = self.token_call(&form);
        assert_eq!(status, 200);
        body
    }

    fn token_call(&mut self, form: &str) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", kind);
        self.raw(Method::POST, "/connect/token", headers, form)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", self.token);
        headers.insert("authorization", HeaderValue::from_str(&bearer).unwrap());
        headers.insert(
            "st-app-key",
            HeaderValue::from_static("ak1.sandbox-copperline"),
        );
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers
    }

    fn raw(
        &mut self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: &str,
    ) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = Call {
            method,
            path: path.into(),
            query: query.into(),
            headers,
            body: body.to_owned().into(),
        };
        let answer = self.tenant.answer(&call, self.now);
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status.as_u16(), body)
    }

    /// A call below the tenant; a second passes first, so that the rate is never in the way.
    fn call(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        self.now += SignedDuration::from_secs(1);
        let (api, rest) = path.split_once('/').unwrap();
        let version = if api == "telecom" { "v3" } else { "v2" };
        let target = format!("/{api}/{version}/tenant/1602555/{rest}");
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.raw(method, &target, self.headers(), &text)
    }

    fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, &body)
    }

    fn patch(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, &body)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, &Value::Null)
    }

    fn booked(&mut self, external_id: &str) -> i64 {
        let (status, body) = self.post(BOOKINGS, booking(external_id));
        assert_eq!(status, 200, "{body}");
        body["id"].as_i64().unwrap()
    }

    fn lead(&mut self) -> i64 {
        let (status, body) = self.post("crm/leads", lead());
        assert_eq!(status, 200, "{body}");
        body["id"].as_i64().unwrap()
    }
}

const BOOKINGS: &str = "crm/booking-provider/40000001/bookings";

fn booking(external_id: &str) -> Value {
    json!({
        "source": "Ringback", "name": "Ana Morales", "summary": "AC repair", "isFirstTimeClient": true,
        "externalId": external_id,
    })
}

fn lead() -> Value {
    json!({
        "campaignId": seeds::CAMPAIGN_WEBSITE, "summary": "AC repair", "callReasonId": seeds::REASON_UNFINISHED,
        "leadCustomerName": "Ana Morales", "leadPhone": "+16025550123",
    })
}

/// The names of the fields a refusal complains of.
fn wrong(body: &Value) -> Vec<&str> {
    body["errors"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_token_lasts_900_seconds_by_the_sandboxs_clock() {
    let mut client = Client::new();
    let body = client.fresh_token();
    assert_eq!(
        (body["expires_in"].as_i64(), body["token_type"].as_str()),
        (Some(900), Some("Bearer"))
    );
    client.token = body["access_token"].as_str().unwrap().to_owned();
    client.now += SignedDuration::from_secs(898);
    assert_eq!(client.get(BOOKINGS).0, 200);
    assert_eq!(client.get(BOOKINGS).0, 401);
}

#[test]
fn wrong_credentials_are_refused_as_oauth_does() {
    let mut client = Client::new();
    let mut refusal = |form: &str| {
        let (status, body) = client.token_call(form);
        assert_eq!(status, 400);
        body["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(refusal("grant_type=password"), "unsupported_grant_type");
    assert_eq!(refusal("client_id=x"), "invalid_request");
    assert_eq!(
        refusal("grant_type=client_credentials&client_id=x&client_secret=y"),
        "invalid_client"
    );
    let (status, body) = client.raw(
        Method::POST,
        "/connect/token",
        HeaderMap::new(),
        "grant_type=client_credentials",
    );
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("invalid_request")),
        "a body that is no form has no fields"
    );
}

#[test]
fn token_app_key_and_tenant_must_all_be_right_and_every_refusal_is_a_whole_problem() {
    let mut client = Client::new();
    let path = "/crm/v2/tenant/1602555/bookings";
    let mut without = |header: &str| {
        let mut headers = client.headers();
        headers.remove(header);
        client.raw(Method::GET, path, headers, "")
    };
    let (status, problem) = without("authorization");
    assert_eq!(status, 401);
    let members: Vec<&String> = problem.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["data", "errors", "status", "title", "traceId", "type"]
    );
    assert_eq!(without("st-app-key").0, 403);
    let headers = client.headers();
    assert_eq!(
        client
            .raw(
                Method::GET,
                "/crm/v2/tenant/7/bookings",
                headers.clone(),
                ""
            )
            .0,
        403
    );
    assert_eq!(
        client
            .raw(
                Method::GET,
                "/crm/v2/tenant/me/bookings",
                headers.clone(),
                ""
            )
            .0,
        404
    );
    assert_eq!(
        client
            .raw(Method::GET, "/crm/v2/tenant/1602555/jobs", headers, "")
            .0,
        404
    );
}

#[test]
fn the_61st_call_of_a_second_is_too_many() {
    let mut client = Client::new();
    let path = "/crm/v2/tenant/1602555/bookings";
    for _ in 0..60 {
        let headers = client.headers();
        assert_eq!(client.raw(Method::GET, path, headers, "").0, 200);
    }
    let call = Call {
        method: Method::GET,
        path: path.into(),
        query: String::new(),
        headers: client.headers(),
        body: Default::default(),
    };
    let answer = client.tenant.answer(&call, client.now);
    assert_eq!(answer.status, 429);
    assert!(
        answer
            .headers
            .iter()
            .any(|(name, value)| name == "retry-after" && value == "1")
    );
    client.now += SignedDuration::from_secs(1);
    assert_eq!(client.tenant.answer(&call, client.now).status, 200);
}

#[test]
fn a_booking_is_made_found_by_its_external_id_and_read() {
    let mut client = Client::new();
    let mut full = booking("rb-1");
    full["address"] = json!({"street": "1 Elm St", "unit": null, "city": "Phoenix", "state": "AZ", "zip": "85004", "country": "USA"});
    full["contacts"] = json!([{"type": "MobilePhone", "value": "+16025550123"}, {"type": "Email", "value": "ana@example.com", "memo": "home"}]);
    full["start"] = json!("2026-05-15T16:00:00Z");
    full["campaignId"] = json!(seeds::CAMPAIGN_WEBSITE);
    full["businessUnitId"] = json!(seeds::UNIT_HVAC_SERVICE);
    full["jobTypeId"] = json!(seeds::JOB_AC_REPAIR);
    full["priority"] = json!("Normal");
    full["customerType"] = json!("Residential");
    full["isSendConfirmationEmail"] = json!(false);
    let (status, made) = client.post(BOOKINGS, full);
    assert_eq!(
        (status, made["status"].as_str()),
        (200, Some("New")),
        "{made}"
    );
    assert_eq!(made["start"], "2026-05-15T16:00:00Z");
    let id = made["id"].as_i64().unwrap();
    client.booked("rb-2");
    let (_, list) = client.get(&format!("{BOOKINGS}?externalId=rb-1"));
    assert_eq!(list["data"], json!([made]));
    assert_eq!(client.get(&format!("{BOOKINGS}/{id}")).1, made);
    let (_, contacts) = client.get(&format!("{BOOKINGS}/{id}/contacts"));
    assert_eq!(contacts["data"][1]["memo"], "home");
    assert_eq!(client.get("crm/booking-provider/9/bookings").0, 404);
    assert_eq!(
        client
            .post("crm/booking-provider/9/bookings", booking("x"))
            .0,
        404
    );
}

#[test]
fn a_booking_without_a_time_reads_as_the_year_one() {
    let mut client = Client::new();
    let id = client.booked("rb-1");
    assert_eq!(
        client.get(&format!("crm/bookings/{id}")).1["start"],
        "0001-01-01T00:00:00Z"
    );
}

#[test]
fn external_ids_are_not_unique_so_that_duplicates_can_be_counted() {
    let mut client = Client::new();
    client.booked("rb-1");
    client.booked("rb-1");
    assert_eq!(
        client
            .tenant
            .bookings()
            .iter()
            .filter(|booking| booking.external_id == "rb-1")
            .count(),
        2
    );
}

#[test]
fn a_booking_of_the_wrong_shape_is_refused_and_leaves_nothing() {
    let mut client = Client::new();
    let mut refused = |change: fn(&mut Value)| {
        let mut body = booking("rb-1");
        change(&mut body);
        let (status, problem) = client.post(BOOKINGS, body);
        assert_eq!(status, 400, "{problem}");
        wrong(&problem).join(" ")
    };
    assert_eq!(refused(|b| b["status"] = json!("New")), "status");
    assert_eq!(
        refused(|b| b["address"] = json!({"zip": "85004"})),
        "address.city address.country address.state address.street"
    );
    assert_eq!(refused(|b| b["name"] = json!("")), "name");
    assert_eq!(
        refused(|b| _ = b.as_object_mut().unwrap().remove("isFirstTimeClient")),
        "isFirstTimeClient"
    );
    assert_eq!(
        refused(|b| b["contacts"] = json!([{"type": "Cell", "value": "6025550123"}])),
        "contacts[0].type"
    );
    assert_eq!(
        refused(|b| b["contacts"] = json!([{"type": "Phone", "value": "12"}])),
        "contacts[0].value"
    );
    assert_eq!(refused(|b| b["start"] = json!("2026-05-15 16:00")), "start");
    assert_eq!(refused(|b| b["priority"] = json!("urgent")), "priority");
    assert_eq!(refused(|b| b["jobTypeId"] = json!("44000001")), "jobTypeId");
    assert_eq!(refused(|b| b["jobTypeId"] = json!(1)), "jobTypeId");
    assert_eq!(
        refused(|b| b["campaignId"] = json!(seeds::CAMPAIGN_INACTIVE)),
        "campaignId"
    );
    assert!(client.tenant.bookings().is_empty());
}

#[test]
fn a_booking_can_be_changed_until_staff_act_on_it() {
    let mut client = Client::new();
    let id = client.booked("rb-1");
    let path = format!("{BOOKINGS}/{id}");
    let (status, body) = client.patch(
        &path,
        json!({"summary": "Booked online", "start": "2026-05-15T16:00:00Z"}),
    );
    assert_eq!(
        (status, body["summary"].as_str()),
        (200, Some("Booked online"))
    );
    let address = json!({"street": "1 Elm St", "unit": "", "city": "Phoenix", "state": "AZ", "zip": "85004", "country": "USA"});
    assert_eq!(client.patch(&path, json!({"address": address})).0, 200);
    for (bad, field) in [
        (json!({"campaignId": null}), "campaignId"),
        (json!({"contacts": []}), "contacts"),
        (
            json!({"isSendConfirmationEmail": false}),
            "isSendConfirmationEmail",
        ),
        (
            json!({"address": {"street": "1 Elm St", "city": "Phoenix", "state": "AZ", "zip": "85004", "country": "USA"}}),
            "address.unit",
        ),
    ] {
        let (status, problem) = client.patch(&path, bad);
        assert_eq!((status, wrong(&problem)), (400, vec![field]));
    }
    let now = client.now;
    client
        .tenant
        .act_on_booking(id, BookingStatus::Accepted, now)
        .unwrap();
    assert_eq!(client.patch(&path, json!({"summary": "x"})).0, 409);
    client
        .tenant
        .act_on_booking(id, BookingStatus::Converted, now)
        .unwrap();
    assert!(client.tenant.bookings()[0].job_id.is_some());
    assert!(
        client
            .tenant
            .act_on_booking(id, BookingStatus::Dismissed, now)
            .is_err()
    );
    assert_eq!(client.post(&format!("{path}/dismiss"), json!({})).0, 400);
    assert_eq!(client.patch(&format!("{BOOKINGS}/1"), json!({})).0, 404);
}

#[test]
fn a_booking_is_dismissed_with_a_reason_once() {
    let mut client = Client::new();
    let id = client.booked("rb-1");
    let path = format!("{BOOKINGS}/{id}/dismiss");
    assert_eq!(client.post(&path, json!({"callReasonId": 1})).0, 400);
    assert_eq!(client.post(&path, json!({"reason": "x"})).0, 400);
    let dismissal =
        json!({"callReasonId": seeds::REASON_BOOKED_ONLINE, "dismissingMemo": "booked"});
    assert_eq!(client.post(&path, dismissal.clone()), (200, Value::Null));
    assert_eq!(
        client.get(&format!("{BOOKINGS}/{id}")).1["dismissingReasonId"],
        seeds::REASON_BOOKED_ONLINE
    );
    assert_eq!(client.post(&path, dismissal).0, 400);
}

#[test]
fn contacts_are_added_changed_and_removed() {
    let mut client = Client::new();
    let id = client.booked("rb-1");
    let path = format!("{BOOKINGS}/{id}/contacts");
    assert_eq!(
        client
            .post(&path, json!({"type": "Email", "value": "nobody"}))
            .0,
        400
    );
    let (_, contact) = client.post(&path, json!({"type": "Email", "value": "ana@example.com"}));
    let one = format!("{path}/{}", contact["id"]);
    assert_eq!(
        client.patch(&one, json!({"memo": "work"})).1["memo"],
        "work"
    );
    assert_eq!(client.call(Method::DELETE, &one, &Value::Null).0, 200);
    assert_eq!(client.call(Method::DELETE, &one, &Value::Null).0, 404);
}

#[test]
fn lists_are_paged_sorted_and_filtered_and_refuse_what_they_do_not_know() {
    let mut client = Client::new();
    let ids: Vec<i64> = (0..5).map(|i| client.booked(&format!("rb-{i}"))).collect();
    let data = |page: &Value| -> Vec<i64> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_i64().unwrap())
            .collect()
    };
    let (_, first) = client.get(&format!("{BOOKINGS}?pageSize=2&includeTotal=true"));
    assert_eq!(data(&first), ids[..2]);
    assert_eq!(
        (
            &first["page"],
            &first["pageSize"],
            &first["hasMore"],
            &first["totalCount"]
        ),
        (&json!(1), &json!(2), &json!(true), &json!(5))
    );
    let (_, last) = client.get(&format!("{BOOKINGS}?pageSize=2&page=3"));
    assert_eq!(
        (data(&last), &last["hasMore"], &last["totalCount"]),
        (vec![ids[4]], &json!(false), &Value::Null)
    );
    let (_, newest) = client.get(&format!("{BOOKINGS}?sort=-CreatedOn&pageSize=1"));
    assert_eq!(data(&newest), [ids[4]]);
    let (_, some) = client.get(&format!("{BOOKINGS}?ids={},{}", ids[1], ids[3]));
    assert_eq!(data(&some), [ids[1], ids[3]]);
    let created = client.tenant.bookings()[2].created_on;
    let (_, since) = client.get(&format!("{BOOKINGS}?createdOnOrAfter={created}"));
    assert_eq!(data(&since), ids[2..]);
    let (_, before) = client.get(&format!("{BOOKINGS}?createdBefore={created}"));
    assert_eq!(data(&before), ids[..2]);
    for bad in [
        "page=0",
        "pageSize=0",
        "pageSize=5001",
        "external_id=rb-1",
        "sort=Name",
        "ids=a",
        "createdBefore=today",
        "page=1&page=2",
    ] {
        assert_eq!(client.get(&format!("{BOOKINGS}?{bad}")).0, 400, "{bad}");
    }
    let many: Vec<String> = (0..51).map(|id| id.to_string()).collect();
    assert_eq!(
        client.get(&format!("{BOOKINGS}?ids={}", many.join(","))).0,
        400
    );
}

#[test]
fn a_lead_needs_a_campaign_and_a_reason_or_a_date() {
    let mut client = Client::new();
    let mut refused = |change: fn(&mut Value)| {
        let mut body = lead();
        change(&mut body);
        let (status, problem) = client.post("crm/leads", body);
        assert_eq!(status, 400, "{problem}");
        wrong(&problem).join(" ")
    };
    assert_eq!(refused(|b| b["callReasonId"] = Value::Null), "callReasonId");
    assert_eq!(
        refused(|b| _ = b.as_object_mut().unwrap().remove("campaignId")),
        "campaignId"
    );
    assert_eq!(
        refused(|b| b["callReasonId"] = json!(seeds::REASON_WRONG_NUMBER)),
        "callReasonId"
    );
    assert_eq!(refused(|b| b["externalId"] = json!("x")), "externalId");
    assert_eq!(refused(|b| b["customerId"] = json!(5)), "customerId");
    assert_eq!(refused(|b| b["tagTypeIds"] = json!([1])), "tagTypeIds");
    assert!(client.tenant.leads().is_empty());
    let mut dated = lead();
    dated["callReasonId"] = Value::Null;
    dated["followUpDate"] = json!("2026-05-14T17:00:00Z");
    assert_eq!(client.post("crm/leads", dated).0, 200);
}

#[test]
fn a_lead_is_found_by_phone_date_and_status() {
    let mut client = Client::new();
    let id = client.lead();
    let mut count = |query: &str| {
        client.get(&format!("crm/leads?{query}")).1["data"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(count("leadPhone=%2B16025550123"), Some(1));
    assert_eq!(
        count("leadPhone=+16025550123"),
        Some(0),
        "a plus that was not encoded is a space"
    );
    assert_eq!(
        count("createdOnOrAfter=2026-05-14T16:00:00Z&status=Open"),
        Some(1)
    );
    assert_eq!(count("createdBefore=2026-05-14T16:00:00Z"), Some(0));
    assert_eq!(count("status=Dismissed"), Some(0));
    assert_eq!(count("status=open"), None);
    assert_eq!(
        count("withoutCustomer=true&isCaptureSourceForm=false"),
        Some(1)
    );
    assert_eq!(count("customerZip=85004"), Some(0));
    let (_, page) = client.get(&format!("crm/leads?ids={id}&genPermUrl=true"));
    assert!(
        page["data"][0]["leadUrl"]
            .as_str()
            .unwrap()
            .ends_with(&id.to_string())
    );
}

#[test]
fn a_lead_is_changed_followed_up_noted_and_dismissed_while_open() {
    let mut client = Client::new();
    let path = format!("crm/leads/{}", client.lead());
    assert_eq!(
        client
            .patch(&path, json!({"summary": "Back again", "leadZip": "85004"}))
            .1["leadZip"],
        "85004"
    );
    assert_eq!(
        client
            .patch(&path, json!({"callReasonId": seeds::REASON_UNFINISHED}))
            .0,
        400
    );
    let (status, body) = client.post(
        &format!("{path}/follow-up"),
        json!({"followUpDate": "2026-05-14T18:00:00Z", "text": "call"}),
    );
    assert_eq!((status, body["pinToTop"].as_bool()), (200, Some(false)));
    assert_eq!(
        client
            .post(
                &format!("{path}/notes"),
                json!({"text": "left by email", "pinToTop": true})
            )
            .1["isPinned"],
        true
    );
    assert_eq!(
        client.get(&format!("{path}/notes")).1["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(client.post(&format!("{path}/dismiss"), json!({})).0, 400);
    let reason = json!({"dismissingReasonId": seeds::REASON_BOOKED_ONLINE});
    assert_eq!(
        client.post(&format!("{path}/dismiss"), reason.clone()),
        (200, Value::Null)
    );
    assert_eq!(client.get(&path).1["status"], "Dismissed");
    assert_eq!(client.post(&format!("{path}/dismiss"), reason).0, 400);
    assert_eq!(client.patch(&path, json!({"summary": "x"})).0, 400);
    assert_eq!(client.get("crm/leads/1").0, 404);
}

#[test]
fn a_lead_made_from_a_booking_dismisses_it() {
    let mut client = Client::new();
    let booking = client.booked("rb-1");
    let mut body = lead();
    body["bookingId"] = json!(booking);
    assert_eq!(
        client.post("crm/leads", body.clone()).1["bookingId"],
        booking
    );
    assert_eq!(client.tenant.bookings()[0].status, BookingStatus::Dismissed);
    assert_eq!(client.post("crm/leads", body).0, 400);
}

#[test]
fn a_lead_form_needs_no_campaign() {
    let mut client = Client::new();
    let (status, body) = client.post(
        "crm/leads/form?id=7",
        json!({"name": "Ana", "phoneNumber": "6025550123"}),
    );
    assert_eq!(status, 200);
    let (_, list) = client.get("crm/leads?isCaptureSourceForm=true");
    assert_eq!(list["data"][0]["id"], body["leadId"]);
}

#[test]
fn lookups_list_what_is_active_by_name() {
    let mut client = Client::new();
    let (_, campaigns) = client.get("marketing/campaigns");
    assert_eq!(campaigns["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        client.get("marketing/campaigns?active=Any").1["data"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(client.get("marketing/campaigns?active=true").0, 400);
    assert_eq!(
        client.get("marketing/campaigns?name=google").1["data"][0]["id"],
        seeds::CAMPAIGN_GOOGLE_ADS
    );
    for list in [
        "jbce/call-reasons",
        "settings/business-units",
        "settings/tag-types",
        "jpm/job-types",
        "dispatch/zones",
        "dispatch/arrival-windows",
        "crm/booking-provider-tags",
    ] {
        let (status, page) = client.get(list);
        assert_eq!(status, 200, "{list}");
        assert!(!page["data"].as_array().unwrap().is_empty(), "{list}");
    }
    assert_eq!(client.get("jpm/campaigns").0, 404);
    assert_eq!(
        client.get("dispatch/business-hours").1["weekdays"][0]["fromHour"],
        8
    );
}

#[test]
fn a_booking_provider_is_made_once() {
    let mut client = Client::new();
    let (status, tag) = client.post(
        "crm/booking-provider-tags",
        json!({"tagName": "Second", "description": "d"}),
    );
    assert_eq!((status, tag.get("active")), (200, None));
    assert_eq!(
        client
            .post(
                "crm/booking-provider-tags",
                json!({"tagName": "Second", "description": "d"})
            )
            .0,
        409
    );
    let path = format!("crm/booking-provider/{}/bookings", tag["id"]);
    assert_eq!(client.post(&path, booking("rb-1")).0, 200);
    assert_eq!(
        client.get(BOOKINGS).1["data"],
        json!([]),
        "a provider sees its own bookings only"
    );
    assert_eq!(
        client.get("crm/bookings").1["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn opt_outs_are_kept_by_number() {
    let mut client = Client::new();
    let path = "telecom/optinouts/optouts";
    let numbers = json!(["+16025550123"]);
    assert_eq!(
        client
            .post(
                path,
                json!({"optOutType": "Global", "contactNumbers": numbers})
            )
            .1["data"][0]["status"],
        "Ok"
    );
    assert_eq!(
        client
            .post(
                path,
                json!({"optOutType": "Marketing", "contactNumbers": numbers})
            )
            .1["data"][0]["status"],
        "LogicalError"
    );
    assert_eq!(
        client
            .post(
                &format!("{path}/getlist"),
                json!({"contactNumbers": ["+16025550199", "+16025550123"]})
            )
            .1["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        client
            .post(
                &format!("{path}/getlist"),
                json!({"contactNumbers": ["602"]})
            )
            .0,
        400
    );
    assert_eq!(
        client
            .post(&format!("{path}/getlist"), json!({"contactNumbers": []}))
            .0,
        400
    );
}

#[test]
fn a_body_must_be_json_and_say_so() {
    let mut client = Client::new();
    let target = "/crm/v2/tenant/1602555/leads";
    let mut headers = client.headers();
    assert_eq!(
        client.raw(Method::POST, target, headers.clone(), "{").0,
        400
    );
    headers.remove("content-type");
    assert_eq!(
        client
            .raw(Method::POST, target, headers, &lead().to_string())
            .0,
        415
    );
}
