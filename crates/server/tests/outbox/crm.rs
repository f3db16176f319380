//! What reaches ServiceTitan, and what it becomes there.

use jiff::SignedDuration;
use ringback_domain::delivery::Delivery;
use ringback_domain::delivery::DeliveryKind::{CrmAbandoned, CrmBooked, CrmDismissLead};
use ringback_domain::delivery::DeliveryStatus::{Done, Due, Refused, Unknown, Withdrawn};
use ringback_domain::departure::Departure;
use ringback_domain::id::{DeliveryId, LeadId, StaffId};
use ringback_domain::lead::LeadEvent;
use ringback_domain::scheduler::{SendAfter, SyncAs};
use ringback_sandbox::{BookingStatus, Fault, FaultKind, HostileBody, LeadStatus, seeds};
use ringback_server::outbox::by_hand::Retry;
use ringback_server::outbox::{by_hand, check};
use ringback_server::store::integration::{self, SERVICETITAN};
use ringback_server::store::{Tx, appointment, lead, outbox};

use crate::faults::phone;
use crate::stories;
use crate::world::World;

stories!(
    a_leaver_stands_in_servicetitan_as_a_booking,
    a_leaver_stands_in_servicetitan_as_a_lead_when_set_so,
    leaving_again_brings_the_same_record_up_to_date,
    who_books_has_one_record_and_it_is_the_booked_one,
    a_corrected_number_takes_the_place_of_the_mistyped_one,
    a_booking_without_leaving_gets_there_too,
    a_lead_in_st_is_dismissed_only_once_the_booking_stands,
    a_page_instead_of_an_answer_dismisses_nothing,
    where_staff_have_acted_a_new_booking_is_made_and_they_are_told,
    a_dismissed_record_is_made_anew_for_who_leaves_again,
    who_comes_back_within_the_hold_leaves_no_trace,
    another_request_of_the_same_browser_has_a_record_of_its_own,
    five_minutes_is_five_minutes,
    never_is_never_also_when_it_is_switched_meanwhile,
    drop_off_switched_off_meanwhile_sends_nothing,
    not_connected_is_no_delivery_at_all,
    a_refusal_says_what_servicetitan_said_and_can_be_tried_again,
    one_press_tries_all_again_that_was_refused,
    what_was_refused_is_not_tried_again_while_a_later_record_is_in_doubt,
    wrong_credentials_wait_until_they_are_mended,
    what_the_application_may_not_do_waits_until_it_may,
    an_expired_token_is_renewed_and_nobody_notices,
    a_token_is_used_until_a_minute_before_its_end,
    patience_is_kept_when_it_is_asked_for,
    no_connection_means_later_and_once,
    who_books_elsewhere_is_not_left_standing_as_a_leaver,
    a_laptop_left_open_is_no_leaver_once_they_have_booked_elsewhere,
    who_comes_back_to_an_old_session_long_after_they_booked_is_a_leaver,
    an_older_visits_record_holds_up_no_booking,
    connected_later_a_press_sends_what_is_open,
    what_was_due_while_it_was_not_connected_goes_by_the_same_press,
    what_is_in_doubt_is_looked_for_again_once_servicetitan_is_connected_again,
    an_appointment_called_off_in_doubt_is_not_made,
    what_a_dismissal_withdrew_goes_once_the_lead_is_reopened,
    who_has_had_an_appointment_is_no_first_time_client,
    what_is_missing_in_the_settings_is_said_once_and_mended_it_goes,
    the_test_button_lists_by_name,
);

async fn a_leaver_stands_in_servicetitan_as_a_booking(w: World) {
    let lead = w.visitor("+16025550142", true).await.leaves().await;
    let done = w.until(lead, CrmAbandoned, Done).await;
    let lead = w.lead(lead).await;
    let bookings = w.sandbox.servicetitan().bookings();
    let [booking] = bookings.as_slice() else {
        panic!("one Booking, not {}", bookings.len())
    };
    assert_eq!(done.outside_id, Some(booking.id.to_string()));
    assert_eq!(booking.external_id, format!("ringback-{}", lead.reference));
    assert_eq!(booking.source, "Ringback");
    assert_eq!(booking.name, "Ana Morales");
    assert_eq!(booking.is_send_confirmation_email, Some(false));
    assert_eq!((&booking.address, booking.start), (&None, None));
    assert_eq!(booking.campaign_id, Some(seeds::CAMPAIGN_WEBSITE));
    let contacts: Vec<_> = booking.contacts.iter().map(|c| c.value.as_str()).collect();
    assert_eq!(contacts, ["+16025550142", "ana@example.com"]);
    for line in [
        "Left the online scheduler without booking.",
        "Stopped at: When should we come?",
        "Who: Ana Morales, (602) 555-0142, ana@example.com",
        "Came from: https://copperline.example/ac",
    ] {
        assert!(
            booking.summary.lines().any(|l| l == line),
            "{line} in\n{}",
            booking.summary
        );
    }
    assert!(booking.summary.contains("May be texted: yes"));
    assert!(booking.summary.ends_with(&lead.reference));
    assert!(lead.stamps.crm_sent_at.is_some() && lead.stamps.crm_done_at.is_some());
    assert!(w.has_event(lead.id, LeadEvent::CrmDone).await);
}

async fn a_leaver_stands_in_servicetitan_as_a_lead_when_set_so(w: World) {
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    let reference = w.lead(lead).await.reference;
    assert!(w.sandbox.servicetitan().bookings().is_empty());
    let leads = w.sandbox.servicetitan().leads();
    let [there] = leads.as_slice() else {
        panic!("one Lead, not {}", leads.len())
    };
    assert!(there.summary.as_ref().unwrap().ends_with(&reference));
    assert_eq!(there.call_reason_id, Some(seeds::REASON_UNFINISHED));
    assert_eq!(there.person.lead_phone.as_deref(), Some("+16025550142"));
    assert_eq!(there.person.lead_zip.as_deref(), Some("85004"));
    assert_eq!(there.person.lead_street, None);
}

async fn leaving_again_brings_the_same_record_up_to_date(w: World) {
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    ana.comes_back().await;
    ana.answers(|a| a.notes = "The dog is friendly".into())
        .await;
    assert_eq!(ana.leaves().await, lead);
    w.until_holds("two deliveries are done", || async {
        let all = w.deliveries(lead).await;
        all.iter().filter(|d| d.status == Done).count() == 2
    })
    .await;
    let bookings = w.sandbox.servicetitan().bookings();
    assert_eq!(bookings.len(), 1);
    assert!(bookings[0].summary.contains("2 times by now"));
    assert!(bookings[0].summary.contains("Notes: The dog is friendly"));
}

async fn who_books_has_one_record_and_it_is_the_booked_one(w: World) {
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    let window = ana.books().await;
    w.until(lead, CrmBooked, Done).await;
    w.quiet().await;
    let bookings = w.sandbox.servicetitan().bookings();
    let [booking] = bookings.as_slice() else {
        panic!("one Booking, not {}", bookings.len())
    };
    assert_eq!(booking.start, Some(window.start));
    assert_eq!(booking.address.as_ref().unwrap().street, "12 E Palm Ln");
    assert_eq!(booking.address.as_ref().unwrap().country, "USA");
    assert!(
        booking
            .summary
            .starts_with("Booked online after leaving the scheduler before.")
    );
    // The reference people say on the phone stays the one they were told first.
    let reference = booking.external_id.trim_start_matches("ringback-");
    assert!(booking.summary.contains(reference) && !booking.summary.contains("-2"));
    assert_eq!(booking.status, BookingStatus::New);
}

async fn a_corrected_number_takes_the_place_of_the_mistyped_one(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    let ana = w.visitor("+16025550142", false).await;
    ana.answers(|a| a.email = String::new()).await;
    let lead = ana.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    ana.comes_back().await;
    ana.answers(|a| {
        a.phone = "+16025550143".into();
        a.email = "ana@example.com".into();
    })
    .await;
    // Neither asking is answered, and both take effect.
    let dropped = || Fault::new(FaultKind::DroppedAfterEffect).path("contacts");
    servicetitan.set_fault(dropped().method("PATCH").times(1));
    servicetitan.set_fault(dropped().method("POST").times(1));
    ana.books().await;
    w.until_holds("the Booking is up to date", || async {
        w.passes(SignedDuration::from_secs(6));
        w.delivery(lead, CrmBooked).await.unwrap().status == Done
    })
    .await;
    let [booking] = &servicetitan.bookings()[..] else {
        panic!("one Booking")
    };
    let contacts = booking.contacts.iter();
    let contacts: Vec<_> = contacts.map(|c| (c.kind.as_str(), &*c.value)).collect();
    let corrected = [
        ("MobilePhone", "+16025550143"),
        ("Email", "ana@example.com"),
    ];
    assert_eq!(contacts, corrected);
    let asked = servicetitan.requests();
    let changes = asked
        .iter()
        .filter(|r| r.path.contains("contacts") && r.method != "GET");
    assert_eq!(changes.count(), 2, "what stands there is not asked again");
}

async fn a_booking_without_leaving_gets_there_too(w: World) {
    let ana = w.visitor("+16025550142", false).await;
    let window = ana.books().await;
    w.until_holds("the Booking stands", || async {
        w.sandbox.servicetitan().bookings().len() == 1
    })
    .await;
    let booking = w.sandbox.servicetitan().bookings().remove(0);
    assert_eq!(booking.external_id, format!("ringback-S{}", ana.session));
    assert_eq!(booking.start, Some(window.start));
    assert!(booking.summary.starts_with("Booked online."));
}

async fn a_lead_in_st_is_dismissed_only_once_the_booking_stands(w: World) {
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    let servicetitan = w.sandbox.servicetitan();
    servicetitan.set_fault(
        Fault::new(FaultKind::RateLimited { retry_after: 1 })
            .method("POST")
            .path("bookings"),
    );
    ana.books().await;
    w.until_holds("the Booking was refused for now", || async {
        let booked = w.delivery(lead, CrmBooked).await.unwrap();
        booked.status == Due && booked.attempt > 0
    })
    .await;
    assert_eq!(servicetitan.leads()[0].status, LeadStatus::Open);
    servicetitan.clear_faults();
    w.passes(SignedDuration::from_secs(5));
    w.until(lead, CrmDismissLead, Done).await;
    assert_eq!(servicetitan.bookings().len(), 1);
    assert_eq!(servicetitan.leads()[0].status, LeadStatus::Dismissed);
    assert_eq!(servicetitan.leads().len(), 1);
}

async fn a_page_instead_of_an_answer_dismisses_nothing(w: World) {
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    let servicetitan = w.sandbox.servicetitan();
    let pages = [HostileBody::Html, HostileBody::Garbage, HostileBody::Empty];
    for (n, body) in pages.into_iter().enumerate() {
        let ana = w.visitor(&phone(n), false).await;
        let lead = ana.leaves().await;
        w.until(lead, CrmAbandoned, Done).await;
        let fault = Fault::new(FaultKind::Hostile { body }).path("dismiss");
        servicetitan.set_fault(fault.times(1));
        ana.books().await;
        w.until_holds("the Lead is to be dismissed once more", || async {
            w.passes(SignedDuration::from_secs(1));
            w.delivery(lead, CrmDismissLead)
                .await
                .is_some_and(|d| d.attempt > 1)
        })
        .await;
        w.until(lead, CrmDismissLead, Done).await;
        assert_eq!(servicetitan.leads()[n].status, LeadStatus::Dismissed);
    }
}

async fn where_staff_have_acted_a_new_booking_is_made_and_they_are_told(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    for (phone, acted) in [
        ("+16025550142", BookingStatus::Dismissed),
        ("+16025550143", BookingStatus::Converted),
    ] {
        let ana = w.visitor(phone, false).await;
        let lead = ana.leaves().await;
        let done = w.until(lead, CrmAbandoned, Done).await;
        let first: i64 = done.outside_id.unwrap().parse().unwrap();
        servicetitan.act_on_booking(first, acted).unwrap();
        ana.books().await;
        let booked = w.until(lead, CrmBooked, Done).await;
        let reference = w.lead(lead).await.reference;
        let second = servicetitan
            .bookings()
            .into_iter()
            .find(|b| Some(b.id.to_string()) == booked.outside_id)
            .unwrap();
        assert_ne!(second.id, first);
        assert_eq!(second.external_id, format!("ringback-{reference}-2"));
        assert!(w.has_event(lead, LeadEvent::CrmActedOn).await);
    }
    w.quiet().await;
    assert_eq!(servicetitan.bookings().len(), 4);
}

async fn a_dismissed_record_is_made_anew_for_who_leaves_again(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    let first = w.until(lead, CrmAbandoned, Done).await.outside_id.unwrap();
    servicetitan
        .act_on_booking(first.parse().unwrap(), BookingStatus::Dismissed)
        .unwrap();
    ana.comes_back().await;
    ana.leaves().await;
    w.until_holds("a second Booking stands", || async {
        servicetitan.bookings().len() == 2
    })
    .await;
    // Whereas one that has become a job is left alone.
    let second = servicetitan.bookings()[1].id;
    servicetitan
        .act_on_booking(second, BookingStatus::Converted)
        .unwrap();
    ana.comes_back().await;
    ana.leaves().await;
    w.quiet().await;
    assert_eq!(servicetitan.bookings().len(), 2);
    assert!(w.has_event(lead, LeadEvent::CrmActedOn).await);
}

async fn who_comes_back_within_the_hold_leaves_no_trace(w: World) {
    let ana = w.visitor("+16025550142", true).await;
    let lead = ana.leaves_by(Departure::Left).await.unwrap();
    w.passes(SignedDuration::from_secs(3));
    ana.comes_back().await;
    w.passes(SignedDuration::from_secs(60));
    w.quiet().await;
    let withdrawn = w.delivery(lead, CrmAbandoned).await.unwrap();
    assert_eq!(withdrawn.status, Withdrawn);
    assert!(w.sandbox.requests().is_empty());
    assert!(w.lead(lead).await.back_since.is_some());
}

async fn five_minutes_is_five_minutes(w: World) {
    w.set(|s| s.sync.send = SendAfter::Minutes5).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.passes(SignedDuration::from_secs(4 * 60));
    w.quiet().await;
    assert!(w.sandbox.requests().is_empty());
    w.passes(SignedDuration::from_secs(60));
    w.until(lead, CrmAbandoned, Done).await;
    let left_at = w.lead(lead).await.stamps.left_at;
    let stands_since = w.sandbox.servicetitan().bookings()[0].created_on;
    crate::world::is_about(
        stands_since.duration_since(left_at),
        SignedDuration::from_mins(5),
    );
}

async fn never_is_never_also_when_it_is_switched_meanwhile(w: World) {
    w.set(|s| s.sync.send = SendAfter::Never).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    assert!(w.delivery(lead, CrmAbandoned).await.is_none());
    w.set(|s| s.sync.send = SendAfter::Minutes5).await;
    let lead = w.visitor("+16025550143", false).await.leaves().await;
    w.set(|s| s.sync.send = SendAfter::Never).await;
    w.passes(SignedDuration::from_mins(6));
    let withdrawn = w.until(lead, CrmAbandoned, Withdrawn).await;
    assert_eq!(withdrawn.why.as_deref(), Some("switched-off"));
    assert!(w.sandbox.requests().is_empty());
}

async fn drop_off_switched_off_meanwhile_sends_nothing(w: World) {
    w.set(|s| s.sync.send = SendAfter::Minutes5).await;
    let lead = w.visitor("+16025550142", true).await.leaves().await;
    w.set(|s| s.abandoned.scheduler_drop_off = false).await;
    w.passes(SignedDuration::from_mins(6));
    w.until(lead, CrmAbandoned, Withdrawn).await;
    w.quiet().await;
    assert!(w.sandbox.requests().is_empty());
}

async fn not_connected_is_no_delivery_at_all(w: World) {
    let business = w.server.seeded.business;
    w.write(move |tx| integration::disconnect(tx, business, SERVICETITAN))
        .await;
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    ana.books().await;
    w.quiet().await;
    assert!(w.deliveries(lead).await.is_empty());
    assert!(!w.has_event(lead, LeadEvent::CrmTrouble).await);
}

async fn a_refusal_says_what_servicetitan_said_and_can_be_tried_again(w: World) {
    w.set(|s| s.sync.campaign_id = Some(4711)).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    let refused = w.until(lead, CrmAbandoned, Refused).await;
    let why = refused.why.clone().unwrap();
    assert!(
        why.starts_with("crm-refused: ") && why.contains("status 400"),
        "{why}"
    );
    assert!(w.has_event(lead, LeadEvent::CrmTrouble).await);
    w.set(|s| s.sync.campaign_id = None).await;
    let business = w.server.seeded.business;
    assert_eq!(to_retry(std::slice::from_ref(&refused)), Some(refused.id));
    let id = refused.id;
    let press = move |tx: &mut Tx<'_>| by_hand::retry(tx, business, id);
    assert_eq!(w.write(press).await, Retry::Again);
    w.until(lead, CrmAbandoned, Done).await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
    assert_eq!(w.write(press).await, Retry::Otherwise);
}

async fn wrong_credentials_wait_until_they_are_mended(w: World) {
    w.connect_servicetitan(|s| s.client_id = "somebody else".into())
        .await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until_holds("the credentials were refused", || async {
        let waits = w.delivery(lead, CrmAbandoned).await.unwrap();
        waits.status == Due && waits.why.as_deref() == Some("crm-credentials")
    })
    .await;
    let business = w.server.seeded.business;
    let kept = w
        .write(move |tx| integration::get::<serde_json::Value>(tx, business, SERVICETITAN))
        .await
        .unwrap();
    assert!(kept.checked.unwrap().1.refused);
    w.connect_servicetitan(|_| {}).await;
    // The test button finds that it works, and nothing waits for its next try.
    let check = check::servicetitan(w.app(), business).await.unwrap();
    assert!(check.unwrap().works);
    w.until(lead, CrmAbandoned, Done).await;
}

async fn one_press_tries_all_again_that_was_refused(w: World) {
    let business = w.server.seeded.business;
    w.set(|s| s.sync.campaign_id = Some(4711)).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until(lead, CrmAbandoned, Refused).await;
    let (set_aside, never_left) = (
        w.visitor("+16025550143", false).await.leaves().await,
        w.visitor("+16025550144", false).await,
    );
    w.until(set_aside, CrmAbandoned, Refused).await;
    dismiss(&w, set_aside).await;
    never_left.books().await;
    let not_taken = move |tx: &mut Tx<'_>| outbox::not_taken(tx, business, 9);
    w.until_holds("a lead and a booking are refused", || async {
        w.read(not_taken).await.len() == 2
    })
    .await;
    w.set(|s| s.sync.campaign_id = None).await;
    let press = move |tx: &mut Tx<'_>| by_hand::retry_not_taken(tx, business);
    assert_eq!(w.write(press).await, 2);
    w.until(lead, CrmAbandoned, Done).await;
    w.until_holds("both stand", || async {
        w.sandbox.servicetitan().bookings().len() == 2
    })
    .await;
    w.quiet().await;
    assert!(w.read(not_taken).await.is_empty());
    assert_eq!(w.write(press).await, 0);
}

async fn what_was_refused_is_not_tried_again_while_a_later_record_is_in_doubt(w: World) {
    let business = w.server.seeded.business;
    let servicetitan = w.sandbox.servicetitan();
    w.set(|s| s.sync.campaign_id = Some(4711)).await;
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    let refused = w.until(lead, CrmAbandoned, Refused).await;
    w.set(|s| s.sync.campaign_id = None).await;
    assert_eq!(to_retry(&w.deliveries(lead).await), Some(refused.id));
    ana.comes_back().await;
    servicetitan.set_fault(Fault::new(FaultKind::Reset).method("POST").times(1));
    ana.leaves().await;
    w.until(lead, CrmAbandoned, Unknown).await;
    // ServiceTitan may still be making the later one: a second would stand beside it.
    assert_eq!(to_retry(&w.deliveries(lead).await), None);
    let press = move |tx: &mut Tx<'_>| by_hand::retry(tx, business, refused.id);
    assert_eq!(w.write(press).await, Retry::Waits);
    w.quiet().await;
    assert!(servicetitan.bookings().is_empty());
    w.spends(SignedDuration::from_mins(6)).await;
    w.until(lead, CrmAbandoned, Done).await;
    // Now it is known: what is asked for once more changes the one that stands.
    assert_eq!(w.write(press).await, Retry::Again);
    w.until_holds("both are done", || async {
        let all = w.deliveries(lead).await;
        all.iter().all(|d| d.status == Done)
    })
    .await;
    assert_eq!(servicetitan.bookings().len(), 1);
}

fn to_retry(deliveries: &[Delivery]) -> Option<DeliveryId> {
    by_hand::to_retry(deliveries).map(|delivery| delivery.id)
}

async fn what_the_application_may_not_do_waits_until_it_may(w: World) {
    w.connect_servicetitan(|s| s.tenant = 7).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until_holds("it is not let in", || async {
        let waits = w.delivery(lead, CrmAbandoned).await.unwrap();
        let why = waits.why.unwrap_or_default();
        waits.status == Due && why.starts_with("crm-forbidden: ") && why.contains("status 403")
    })
    .await;
    let business = w.server.seeded.business;
    let kept =
        move |tx: &mut Tx<'_>| integration::get::<serde_json::Value>(tx, business, SERVICETITAN);
    let (_, check) = w.read(kept).await.unwrap().checked.unwrap();
    assert!(check.refused && check.said.starts_with("crm-forbidden: "));
    w.connect_servicetitan(|_| {}).await;
    let check = check::servicetitan(w.app(), business).await.unwrap();
    assert!(check.unwrap().works);
    w.until(lead, CrmAbandoned, Done).await;
}

async fn connected_later_a_press_sends_what_is_open(w: World) {
    let business = w.server.seeded.business;
    w.write(move |tx| integration::disconnect(tx, business, SERVICETITAN))
        .await;
    let waiting = w.visitor("+16025550142", false).await.leaves().await;
    let booked = w.visitor("+16025550143", false).await;
    let recovered = booked.leaves().await;
    let window = booked.books().await;
    let called_off = w.visitor("+16025550144", false).await;
    let gone = called_off.leaves().await;
    called_off.books().await;
    cancel(&w, gone).await;
    w.connect_servicetitan(|_| {}).await;
    let press = move |tx: &mut Tx<'_>| by_hand::send_open(tx, business, StaffId::new(1));
    assert_eq!(w.write(press).await, 2);
    w.until(waiting, CrmAbandoned, Done).await;
    w.until(recovered, CrmBooked, Done).await;
    assert_eq!(w.write(press).await, 0);
    let bookings = w.sandbox.servicetitan().bookings();
    assert_eq!(bookings.len(), 2);
    assert!(bookings.iter().any(|b| b.start == Some(window.start)));
}

async fn what_was_due_while_it_was_not_connected_goes_by_the_same_press(w: World) {
    let business = w.server.seeded.business;
    w.set(|s| s.sync.send = SendAfter::Minutes5).await;
    w.sandbox.hang_up().await;
    let waiting = w.visitor("+16025550142", false).await.leaves().await;
    let booked = w.visitor("+16025550143", false).await;
    let recovered = booked.leaves().await;
    booked.books().await;
    w.until_holds("the booking was tried", || async {
        let booked = w.delivery(recovered, CrmBooked).await.unwrap();
        booked.status == Due && booked.attempt > 0
    })
    .await;
    w.write(move |tx| integration::disconnect(tx, business, SERVICETITAN))
        .await;
    w.sandbox.pick_up().await;
    w.spends(SignedDuration::from_mins(6)).await;
    for (lead, kind) in [(waiting, CrmAbandoned), (recovered, CrmBooked)] {
        let withdrawn = w.until(lead, kind, Withdrawn).await;
        assert_eq!(withdrawn.why.as_deref(), Some("not-connected"));
    }
    w.connect_servicetitan(|_| {}).await;
    let press = move |tx: &mut Tx<'_>| by_hand::send_open(tx, business, StaffId::new(1));
    assert_eq!(w.write(press).await, 2);
    w.until(waiting, CrmAbandoned, Done).await;
    w.until(recovered, CrmBooked, Done).await;
}

async fn what_is_in_doubt_is_looked_for_again_once_servicetitan_is_connected_again(w: World) {
    let business = w.server.seeded.business;
    w.set(|s| s.sync.send = SendAfter::Never).await;
    let reset = Fault::new(FaultKind::Reset).method("POST").path("bookings");
    w.sandbox.servicetitan().set_fault(reset.times(2));
    let mut booked = Vec::new();
    for phone in ["+16025550142", "+16025550143"] {
        let ana = w.visitor(phone, false).await;
        let lead = ana.leaves().await;
        ana.books().await;
        w.until(lead, CrmBooked, Unknown).await;
        // A look falls into the gap: there is no connection, or its secrets do not open.
        if booked.is_empty() {
            w.write(move |tx| integration::disconnect(tx, business, SERVICETITAN))
                .await;
        } else {
            let settings = serde_json::json!({});
            w.write(move |tx| {
                integration::save(tx, business, SERVICETITAN, &settings, Some(b"another key"))
            })
            .await;
        }
        w.spends(SignedDuration::from_mins(2)).await;
        assert_eq!(w.delivery(lead, CrmBooked).await.unwrap().status, Unknown);
        w.connect_servicetitan(|_| {}).await;
        booked.push(lead);
    }
    w.spends(SignedDuration::from_mins(6)).await;
    for lead in booked {
        w.until(lead, CrmBooked, Done).await;
    }
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 2);
}

async fn an_appointment_called_off_in_doubt_is_not_made(w: World) {
    w.set(|s| s.sync.send = SendAfter::Never).await;
    let reset = Fault::new(FaultKind::Reset).method("POST").path("bookings");
    w.sandbox.servicetitan().set_fault(reset.times(1));
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    ana.books().await;
    w.until(lead, CrmBooked, Unknown).await;
    cancel(&w, lead).await;
    w.spends(SignedDuration::from_mins(8)).await;
    let withdrawn = w.until(lead, CrmBooked, Withdrawn).await;
    assert_eq!(withdrawn.why.as_deref(), Some("cancelled"));
    assert!(w.sandbox.servicetitan().bookings().is_empty());
}

/// The office calls off what came of this lead.
async fn cancel(w: &World, lead: LeadId) {
    let business = w.server.seeded.business;
    let booked = w.lead(lead).await.appointment.expect("booked");
    w.write(move |tx| {
        let mut found = appointment::get(tx, business, booked)?;
        appointment::cancel(tx, &mut found, StaffId::new(1))
    })
    .await
    .expect("it was agreed");
}

async fn what_a_dismissal_withdrew_goes_once_the_lead_is_reopened(w: World) {
    w.set(|s| s.sync.send = SendAfter::Minutes5).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    dismiss(&w, lead).await;
    w.passes(SignedDuration::from_mins(6));
    let withdrawn = w.until(lead, CrmAbandoned, Withdrawn).await;
    assert_eq!(withdrawn.why.as_deref(), Some("dismissed"));
    let business = w.server.seeded.business;
    let reopen = move |tx: &mut Tx<'_>| {
        let mut found = lead::get(tx, business, lead)?.expect("the lead");
        found.reopen().expect("it was dismissed");
        lead::save(tx, &found)?;
        by_hand::send_reopened(tx, &found, StaffId::new(1))
    };
    w.write(reopen).await;
    w.until(lead, CrmAbandoned, Done).await;
    w.write(reopen).await;
    assert_eq!(w.deliveries(lead).await.len(), 2, "once is enough");
}

async fn dismiss(w: &World, lead: LeadId) {
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let mut found = lead::get(tx, business, lead)?.expect("the lead");
        let done = found.dismiss("spam", StaffId::new(1), tx.now());
        done.expect("it was open");
        lead::save(tx, &found)
    })
    .await;
}

async fn who_has_had_an_appointment_is_no_first_time_client(w: World) {
    let first_time = async |lead| {
        let id = w.until(lead, CrmAbandoned, Done).await.outside_id.unwrap();
        let bookings = w.sandbox.servicetitan().bookings();
        let made = bookings.iter().find(|b| b.id.to_string() == id);
        made.unwrap().is_first_time_client
    };
    let ana = w.visitor("+16025550142", false).await;
    let lead = ana.leaves().await;
    assert!(first_time(lead).await);
    ana.books().await;
    w.until(lead, CrmBooked, Done).await;
    w.passes(SignedDuration::from_hours(1));
    let by_number = w.visitor("+16025550142", false).await;
    by_number.answers(|a| a.email = String::new()).await;
    assert!(!first_time(by_number.leaves().await).await);
    let by_email = w.visitor("+16025550143", false).await;
    assert!(!first_time(by_email.leaves().await).await);
    let somebody_else = w.visitor("+16025550144", false).await;
    somebody_else
        .answers(|a| a.email = "ben@example.com".into())
        .await;
    assert!(first_time(somebody_else.leaves().await).await);
}

async fn what_is_missing_in_the_settings_is_said_once_and_mended_it_goes(w: World) {
    w.connect_servicetitan(|s| s.booking_provider = 0).await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until_holds("it was tried more than once", || async {
        w.passes(SignedDuration::from_secs(2));
        w.delivery(lead, CrmAbandoned).await.unwrap().attempt > 2
    })
    .await;
    w.quiet().await;
    let waits = w.delivery(lead, CrmAbandoned).await.unwrap();
    assert_eq!(waits.why.as_deref(), Some("crm-needs-provider"));
    let told = w.events(lead).await;
    let trouble = told.iter().filter(|e| e.kind == LeadEvent::CrmTrouble);
    assert_eq!(trouble.count(), 1);
    w.connect_servicetitan(|_| {}).await;
    let business = w.server.seeded.business;
    check::servicetitan(w.app(), business).await.unwrap();
    w.until(lead, CrmAbandoned, Done).await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn an_expired_token_is_renewed_and_nobody_notices(w: World) {
    let first = w.visitor("+16025550142", false).await.leaves().await;
    w.until(first, CrmAbandoned, Done).await;
    w.sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::ExpiredToken).times(1));
    let second = w.visitor("+16025550143", false).await.leaves().await;
    let done = w.until(second, CrmAbandoned, Done).await;
    assert_eq!(done.attempt, 1);
    assert_eq!(tokens_asked(&w), 2);
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 2);
}

async fn a_token_is_used_until_a_minute_before_its_end(w: World) {
    for (phone, minutes, tokens) in [
        ("+16025550142", 0, 1),
        ("+16025550143", 13, 1),
        ("+16025550144", 2, 2),
    ] {
        w.passes(SignedDuration::from_mins(minutes));
        let lead = w.visitor(phone, false).await.leaves().await;
        w.until(lead, CrmAbandoned, Done).await;
        assert_eq!(tokens_asked(&w), tokens, "after {minutes} more minutes");
    }
    let unauthorised = |r: &ringback_sandbox::LoggedRequest| r.status == Some(401);
    assert!(!w.sandbox.requests().iter().any(unauthorised));
}

fn tokens_asked(w: &World) -> usize {
    let asked = w.sandbox.servicetitan().requests();
    asked.iter().filter(|r| r.path == "/connect/token").count()
}

async fn patience_is_kept_when_it_is_asked_for(w: World) {
    w.sandbox
        .servicetitan()
        .set_fault(Fault::new(FaultKind::RateLimited { retry_after: 30 }).times(1));
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until_holds("it waits", || async {
        let waits = w.delivery(lead, CrmAbandoned).await.unwrap();
        waits.status == Due && waits.attempt == 1
    })
    .await;
    let asked = w.sandbox.requests().len();
    w.passes(SignedDuration::from_secs(10));
    w.quiet().await;
    assert_eq!(w.sandbox.requests().len(), asked);
    w.passes(SignedDuration::from_secs(20));
    w.until(lead, CrmAbandoned, Done).await;
    let posts = w.sandbox.servicetitan().requests();
    let posts: Vec<_> = posts
        .iter()
        .filter(|r| r.path.ends_with("/bookings") && r.method == "POST")
        .map(|r| r.at)
        .collect();
    assert!(posts[1].duration_since(posts[0]) >= SignedDuration::from_secs(30));
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn no_connection_means_later_and_once(w: World) {
    w.sandbox.hang_up().await;
    let lead = w.visitor("+16025550142", false).await.leaves().await;
    w.until_holds("it was tried", || async {
        w.delivery(lead, CrmAbandoned).await.unwrap().attempt > 0
    })
    .await;
    w.sandbox.pick_up().await;
    w.until_holds("it gets there", || async {
        w.passes(SignedDuration::from_secs(1));
        !w.sandbox.servicetitan().bookings().is_empty()
    })
    .await;
    w.until(lead, CrmAbandoned, Done).await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn who_books_elsewhere_is_not_left_standing_as_a_leaver(w: World) {
    let on_the_laptop = w.visitor("+16025550142", false).await;
    let lead = on_the_laptop.leaves().await;
    w.until(lead, CrmAbandoned, Done).await;
    let on_the_phone = w.visitor("+16025550142", false).await;
    on_the_phone.books().await;
    w.until_holds("the booking got there", || async {
        let bookings = w.sandbox.servicetitan().bookings();
        bookings.iter().any(|b| b.start.is_some())
    })
    .await;
    w.quiet().await;
    let open: Vec<_> = w
        .sandbox
        .servicetitan()
        .bookings()
        .into_iter()
        .filter(|b| b.status == BookingStatus::New)
        .collect();
    assert_eq!(open.len(), 1, "one record is left to work on");
    assert!(open[0].start.is_some(), "and it is the booked one");
}

async fn a_laptop_left_open_is_no_leaver_once_they_have_booked_elsewhere(w: World) {
    let laptop = w.visitor("+16025550142", true).await;
    let returning = w.visitor("+16025550142", true).await;
    let lead = returning.leaves().await;
    let on_the_phone = w.visitor("+16025550142", true).await;
    on_the_phone.books().await;
    assert_eq!(laptop.leaves_by(Departure::Closed).await, None);
    returning.comes_back().await;
    returning.leaves_by(Departure::Left).await;
    let (again, events) = (w.lead(lead).await, w.events(lead).await);
    assert_eq!(
        (again.times_left, again.back_since),
        (1, None),
        "{events:?}"
    );
    // Whoever asks again after they have booked is a new request.
    let later = w.visitor("+16025550142", true).await;
    assert!(later.leaves_by(Departure::Closed).await.is_some());
}

async fn who_comes_back_to_an_old_session_long_after_they_booked_is_a_leaver(w: World) {
    let business = w.server.seeded.business;
    for (n, by_phone) in [(0, false), (1, true)] {
        let laptop = w.visitor(&phone(n), false).await;
        let at_work = w.visitor(&phone(n), false).await;
        let on_the_phone = w.visitor(&phone(n), false).await;
        if by_phone {
            let lead = on_the_phone.leaves().await;
            w.write(move |tx| {
                let mut lead = lead::get(tx, business, lead)?.unwrap();
                lead.booked_by_staff(tx.now()).unwrap();
                lead::save(tx, &lead)
            })
            .await;
        } else {
            on_the_phone.books().await;
        }
        assert_eq!(laptop.leaves_by(Departure::Closed).await, None);
        w.passes(SignedDuration::from_hours(30));
        at_work.comes_back().await;
        assert!(at_work.leaves_by(Departure::Closed).await.is_some());
    }
}

async fn an_older_visits_record_holds_up_no_booking(w: World) {
    w.set(|settings| settings.sync.send = SendAfter::Hour1)
        .await;
    let on_the_laptop = w.visitor("+16025550142", false).await;
    let lead = on_the_laptop.leaves().await;
    let on_the_phone = w.visitor("+16025550142", false).await;
    assert_eq!(on_the_phone.leaves().await, lead);
    let records = w.deliveries(lead).await;
    let waiting = records.iter().filter(|d| d.status == Due).count();
    assert_eq!(waiting, 1, "{records:?}");
    on_the_phone.books().await;
    w.until(lead, CrmBooked, Done).await;
}

async fn the_test_button_lists_by_name(w: World) {
    let business = w.server.seeded.business;
    let check = check::servicetitan(w.app(), business).await.unwrap();
    let check = check.expect("saved");
    assert!(check.works, "{check:?}");
    let names = |named: &[ringback_server::crm::Named]| -> Vec<String> {
        named.iter().map(|n| n.name.clone()).collect()
    };
    assert!(names(&check.choices.campaigns).contains(&"Website scheduler".to_owned()));
    assert!(!names(&check.choices.campaigns).contains(&"Spring mailer 2024".to_owned()));
    assert!(
        names(&check.choices.call_reasons).contains(&"Online scheduler, did not finish".to_owned())
    );
    assert!(!check.choices.booking_providers.is_empty());
    w.connect_servicetitan(|s| s.booking_provider = 1).await;
    let check = check::servicetitan(w.app(), business)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (check.works, check.said.as_str()),
        (false, "crm-unknown-provider")
    );
    w.connect_servicetitan(|s| s.client_id = "somebody else".into())
        .await;
    let check = check::servicetitan(w.app(), business)
        .await
        .unwrap()
        .unwrap();
    assert!(check.refused && check.said == "crm-credentials");
    let check = check::texts(w.app(), business).await.unwrap().unwrap();
    assert!(check.works, "{check:?}");
}

async fn another_request_of_the_same_browser_has_a_record_of_its_own(w: World) {
    let (business, ana) = (
        w.server.seeded.business,
        w.visitor("+16025550142", false).await,
    );
    let first = ana.leaves().await;
    w.until(first, CrmAbandoned, Done).await;
    // The office books her by phone; then she asks for something else.
    w.write(move |tx| {
        let mut lead = lead::get(tx, business, first)?.unwrap();
        lead.booked_by_staff(tx.now()).unwrap();
        lead::save(tx, &lead)
    })
    .await;
    ana.comes_back().await;
    ana.asks_for_something_else().await;
    let second = ana.leaves().await;
    assert_ne!(second, first);
    w.until(second, CrmAbandoned, Done).await;
    let stood: Vec<_> = w.sandbox.servicetitan().bookings();
    let named = stood.iter().map(|booking| booking.external_id.clone());
    let mut wanted = Vec::new();
    for lead in [first, second] {
        wanted.push(format!("ringback-{}", w.lead(lead).await.reference));
    }
    assert_eq!(named.collect::<Vec<_>>(), wanted);
}
