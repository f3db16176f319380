//! When the outside fails, or we do: nothing twice, nothing lost, and what is not known is shown as such.

use std::collections::HashSet;

use jiff::SignedDuration;
use ringback_domain::delivery::DeliveryKind::{CrmAbandoned, CrmBooked, TextFollowUp};
use ringback_domain::delivery::DeliveryStatus::{self, Claimed, Done, Sending, Unknown};
use ringback_domain::delivery::{Delivery, DeliveryKind, DeliveryState, LEASE};
use ringback_domain::departure::{Departure, Presence};
use ringback_domain::follow_up::TextNote;
use ringback_domain::id::{BusinessId, LeadId, SessionId};
use ringback_domain::lead::LeadEvent;
use ringback_domain::scheduler::SyncAs;
use ringback_sandbox::{Delivery as Reports, Fault, FaultKind, HostileBody};
use ringback_server::jump;
use ringback_server::store::outbox::{self, Channel};
use ringback_server::store::page::Owner;
use ringback_server::store::{StoreError, Tx, node, prune, session};

use crate::stories;
use crate::world::World;

stories!(
    fifty_leavers_with_every_answer_dropped_as_bookings,
    fifty_leavers_with_every_answer_dropped_as_leads,
    an_error_after_the_effect_is_seen_through_at_once,
    a_reset_record_is_asked_for_again_only_after_a_long_look,
    a_reset_text_is_never_asked_for_again,
    a_hostile_answer_is_no_answer,
    a_record_made_before_the_setting_changed_is_found_as_what_it_was_made,
    a_booking_waits_until_it_is_known_whether_the_leavers_record_stands,
    a_dead_claim_is_taken_up_at_once,
    a_record_on_the_wire_at_the_crash_is_unknown_and_then_made_once,
    a_text_on_the_wire_at_the_crash_is_unknown_and_never_sent_again,
    who_has_lost_the_claim_settles_nothing,
    a_server_that_slept_makes_no_call_whose_lease_is_over,
    a_text_of_a_server_taken_for_dead_may_leave_until_its_lease_is_over,
    two_nodes_share_the_work_and_one_takes_over_from_the_other,
    a_stop_of_the_server_waits_for_what_is_on_the_wire,
    a_crowd_stays_within_sixty_requests_a_second,
    after_an_outage_whoever_has_just_left_goes_first_and_nobody_waits_on,
    an_answer_torn_off_in_the_middle_is_looked_up,
    a_clock_that_jumps_back_holds_nothing_up,
    a_clock_that_jumps_forward_cuts_no_hold_short,
    a_clock_that_is_two_days_ahead_hides_no_record_that_stands,
);

const ANA: &str = "+16025550142";
const HOLD: SignedDuration = SignedDuration::from_secs(21);
const CROWD: usize = 50;

pub fn phone(n: usize) -> String {
    format!("+1602555{:04}", 1000 + n)
}

async fn crowd(w: &World, ticked: bool) -> Vec<LeadId> {
    let mut leads = Vec::new();
    for n in 0..CROWD {
        leads.push(w.visitor(&phone(n), ticked).await.leaves().await);
    }
    leads
}

/// Time goes by until every lead's delivery of this kind stands so.
pub async fn all_are(w: &World, leads: &[LeadId], kind: DeliveryKind, status: DeliveryStatus) {
    w.until_holds(&format!("every {kind} is {status}"), || async {
        w.passes(SignedDuration::from_secs(6));
        for lead in leads {
            if w.delivery(*lead, kind).await.map(|d| d.status) != Some(status) {
                return false;
            }
        }
        true
    })
    .await;
}

async fn fifty_leavers_with_every_answer_dropped_as_bookings(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    fifty_leavers(&w, || {
        let all = servicetitan.bookings().into_iter();
        all.map(|booking| booking.external_id).collect()
    })
    .await;
    assert!(servicetitan.leads().is_empty());
}

async fn fifty_leavers_with_every_answer_dropped_as_leads(w: World) {
    w.set(|s| s.sync.send_as = SyncAs::Lead).await;
    let servicetitan = w.sandbox.servicetitan();
    fifty_leavers(&w, || {
        let all = servicetitan.leads().into_iter();
        all.map(|lead| lead.person.lead_phone.unwrap()).collect()
    })
    .await;
    assert!(servicetitan.bookings().is_empty());
}

async fn fifty_leavers(w: &World, records: impl Fn() -> Vec<String>) {
    let (servicetitan, carrier) = (w.sandbox.servicetitan(), w.sandbox.carrier());
    carrier.set_delivery(Reports {
        lost: true,
        ..Default::default()
    });
    // Neither an answer to what takes effect, nor to any question about it.
    servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    servicetitan.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
    carrier.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    carrier.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
    let leads = crowd(w, true).await;
    w.passes(HOLD);
    all_are(w, &leads, CrmAbandoned, Unknown).await;
    all_are(w, &leads, TextFollowUp, Unknown).await;
    // Every one of them is shown as unknown.
    for lead in &leads {
        assert_eq!(w.lead(*lead).await.text_note, Some(TextNote::Unknown));
        assert!(w.has_event(*lead, LeadEvent::CrmTrouble).await);
        assert!(w.has_event(*lead, LeadEvent::TextNot).await);
    }
    let once_each = || {
        let (records, texts) = (records(), w.texts());
        assert_eq!((records.len(), texts.len()), (CROWD, CROWD));
        assert_eq!(records.iter().collect::<HashSet<_>>().len(), CROWD);
        let numbers: HashSet<_> = texts.iter().map(|text| &text.to).collect();
        assert_eq!(numbers.len(), CROWD);
    };
    once_each();
    w.spends(SignedDuration::from_mins(10)).await;
    once_each();
    // Questions are answered again; what takes effect still is not.
    servicetitan.clear_faults();
    carrier.clear_faults();
    servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    carrier.set_fault(Fault::new(FaultKind::DroppedAfterEffect));
    all_are(w, &leads, CrmAbandoned, Done).await;
    all_are(w, &leads, TextFollowUp, Done).await;
    once_each();
    for lead in &leads {
        let note = w.lead(*lead).await.text_note;
        assert!(matches!(note, Some(TextNote::Sent | TextNote::Delivered)));
        assert!(w.has_event(*lead, LeadEvent::CrmDone).await);
    }
}

async fn an_error_after_the_effect_is_seen_through_at_once(w: World) {
    w.sandbox.servicetitan().set_fault(
        Fault::new(FaultKind::ServerError)
            .method("POST")
            .times(1)
            .after_effect(),
    );
    let lead = w.visitor(ANA, false).await.leaves().await;
    let done = w.until(lead, CrmAbandoned, Done).await;
    assert_eq!((done.attempt, done.lookups), (1, 0));
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn a_reset_record_is_asked_for_again_only_after_a_long_look(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    servicetitan.set_fault(Fault::new(FaultKind::Reset).method("POST").times(1));
    let lead = w.visitor(ANA, false).await.leaves().await;
    w.until(lead, CrmAbandoned, Unknown).await;
    let begun = w.now();
    w.until_holds("it is asked for again", || async {
        w.passes(SignedDuration::from_secs(2));
        w.quiet().await;
        servicetitan.bookings().len() == 1
    })
    .await;
    // ServiceTitan may work on a request for 100 seconds.
    let waited = w.now().duration_since(begun);
    assert!(waited > SignedDuration::from_secs(100), "{waited:?}");
    assert!(waited < SignedDuration::from_mins(6), "{waited:?}");
    let done = w.until(lead, CrmAbandoned, Done).await;
    assert_eq!(done.attempt, 2);
}

async fn a_reset_text_is_never_asked_for_again(w: World) {
    let carrier = w.sandbox.carrier();
    carrier.set_fault(Fault::new(FaultKind::Reset).method("POST"));
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Unknown).await;
    carrier.clear_faults();
    for _ in 0..60 {
        w.passes(SignedDuration::from_hours(1));
        w.quiet().await;
    }
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!((text.status, text.attempt), (Unknown, 1));
    assert_eq!((text.due_at, text.lookups), (None, 4));
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Unknown));
    assert!(w.texts().is_empty());
    // Nobody looks any more; after its keeping it goes as settled ones do, unless it is the newest of all.
    let prune = async || {
        let prune = |tx: &mut Tx<'_>| {
            let now = tx.now();
            prune::prune(tx, now, 100)
        };
        w.write(prune).await
    };
    w.passes(SignedDuration::from_hours(80 * 24));
    w.visitor(&phone(1), false).await.leaves().await;
    prune().await;
    assert!(w.delivery(lead, TextFollowUp).await.is_some());
    w.passes(SignedDuration::from_hours(20 * 24));
    prune().await;
    assert!(w.delivery(lead, TextFollowUp).await.is_none());
}

async fn a_hostile_answer_is_no_answer(w: World) {
    for (n, body) in [
        (0, HostileBody::Html),
        (1, HostileBody::Garbage),
        (2, HostileBody::Huge),
    ] {
        let fault = || {
            Fault::new(FaultKind::Hostile { body })
                .method("POST")
                .times(1)
                .after_effect()
        };
        w.sandbox.servicetitan().set_fault(fault());
        w.sandbox.carrier().set_fault(fault());
        let lead = w.visitor(&phone(n), true).await.leaves().await;
        w.passes(HOLD);
        all_are(&w, &[lead], CrmAbandoned, Done).await;
        all_are(&w, &[lead], TextFollowUp, Done).await;
    }
    w.quiet().await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 3);
    assert_eq!(w.texts().len(), 3);
}

async fn a_record_made_before_the_setting_changed_is_found_as_what_it_was_made(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    for (n, made_as, then) in [
        (0, SyncAs::Booking, SyncAs::Lead),
        (1, SyncAs::Lead, SyncAs::Booking),
    ] {
        set_send_as(&w, made_as).await;
        servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect).times(1));
        servicetitan.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
        let lead = w.visitor(&phone(n), false).await.leaves().await;
        w.until(lead, CrmAbandoned, Unknown).await;
        set_send_as(&w, then).await;
        servicetitan.clear_faults();
        all_are(&w, &[lead], CrmAbandoned, Done).await;
    }
    w.spends(SignedDuration::from_mins(4)).await;
    assert_eq!(servicetitan.bookings().len(), 1);
    assert_eq!(servicetitan.leads().len(), 1);
}

pub async fn set_send_as(w: &World, send_as: SyncAs) {
    match send_as {
        SyncAs::Booking => w.set(|s| s.sync.send_as = SyncAs::Booking).await,
        SyncAs::Lead => w.set(|s| s.sync.send_as = SyncAs::Lead).await,
    }
}

async fn a_booking_waits_until_it_is_known_whether_the_leavers_record_stands(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect).times(1));
    servicetitan.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
    let ana = w.visitor(ANA, false).await;
    let lead = ana.leaves().await;
    w.until(lead, CrmAbandoned, Unknown).await;
    let window = ana.books().await;
    w.spends(SignedDuration::from_mins(3)).await;
    assert_eq!(w.delivery(lead, CrmBooked).await.unwrap().attempt, 0);
    assert_eq!(servicetitan.bookings().len(), 1);
    servicetitan.clear_faults();
    all_are(&w, &[lead], CrmBooked, Done).await;
    let bookings = servicetitan.bookings();
    assert_eq!(bookings.len(), 1);
    assert_eq!(bookings[0].start, Some(window.start));
}

// A server that died. Its node is in no row any more, as after its time is over.

fn dead() -> Owner {
    Owner {
        node: "a node that died".into(),
        epoch: 7,
    }
}

/// They leave, and in the same instant the dead node has claimed what is due of that channel, and has put it
/// on the wire.
async fn leaves_into_the_hands_of_a_dead_node(
    w: &World,
    channel: Channel,
    on_the_wire: bool,
) -> (LeadId, Delivery) {
    w.set(|s| s.holds.text_seconds = 0).await;
    let ana = w.visitor(ANA, true).await.session;
    let business = w.server.seeded.business;
    w.write(move |tx| {
        let lead = leaves(tx, business, ana)?;
        let mut claimed = outbox::claim(tx, &dead(), business, channel, 10)?.remove(0);
        claimed.status = Claimed;
        if on_the_wire {
            assert!(outbox::put_on_wire(tx, &claimed, Some("our-id"))?);
            claimed.status = Sending;
        }
        Ok((lead, claimed))
    })
    .await
}

/// They leave at this very moment.
pub fn leaves(tx: &mut Tx<'_>, business: BusinessId, id: SessionId) -> Result<LeadId, StoreError> {
    let mut session = session::get(tx, business, id)?;
    session.page_went(Departure::Closed, false, Presence::NOBODY, tx.now());
    session::judge(tx, &mut session)?;
    Ok(session.lead.expect("a lead"))
}

async fn a_dead_claim_is_taken_up_at_once(w: World) {
    let claimed_at = w.server.clock.now();
    let (lead, dead) = leaves_into_the_hands_of_a_dead_node(&w, Channel::Crm, false).await;
    let done = w.until(lead, CrmAbandoned, Done).await;
    assert!(done.fence > dead.fence);
    // Its lease would still run.
    assert!(w.server.clock.now() < claimed_at + LEASE);
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn a_record_on_the_wire_at_the_crash_is_unknown_and_then_made_once(w: World) {
    let (lead, _) = leaves_into_the_hands_of_a_dead_node(&w, Channel::Crm, true).await;
    let unknown = w.until(lead, CrmAbandoned, Unknown).await;
    assert_eq!(unknown.why.as_deref(), Some("interrupted"));
    assert!(w.has_event(lead, LeadEvent::CrmTrouble).await);
    all_are(&w, &[lead], CrmAbandoned, Done).await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn a_text_on_the_wire_at_the_crash_is_unknown_and_never_sent_again(w: World) {
    let (lead, _) = leaves_into_the_hands_of_a_dead_node(&w, Channel::Text, true).await;
    w.until(lead, TextFollowUp, Unknown).await;
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Unknown));
    for _ in 0..60 {
        w.passes(SignedDuration::from_hours(1));
        w.quiet().await;
    }
    assert!(w.texts().is_empty());
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    assert_eq!((text.status, text.due_at), (Unknown, None));
}

async fn who_has_lost_the_claim_settles_nothing(w: World) {
    let (lead, stale) = leaves_into_the_hands_of_a_dead_node(&w, Channel::Crm, false).await;
    let done = w.until(lead, CrmAbandoned, Done).await;
    let late = stale.clone();
    let (wrote, sent) = w
        .write(move |tx| {
            let state = DeliveryState::Refused { why: "late".into() };
            let wrote = outbox::settle(tx, &late, &state, 0, Some("late"))?;
            Ok((wrote, outbox::put_on_wire(tx, &late, None)?))
        })
        .await;
    assert!(!wrote && !sent);
    let after = w.delivery(lead, CrmAbandoned).await.unwrap();
    assert_eq!((after.status, after.why), (Done, None));
    assert_eq!(after.outside_id, done.outside_id);
}

async fn a_server_that_slept_makes_no_call_whose_lease_is_over(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    // It is on the wire and waits for its token.
    let slow = Fault::new(FaultKind::Slow { ms: 1_500 });
    servicetitan.set_fault(slow.path("/connect/token").times(1));
    let lead = w.visitor(ANA, false).await.leaves().await;
    w.until(lead, CrmAbandoned, Sending).await;
    w.server.clock.machine_jumps(LEASE);
    w.app().outbox.finish().await;
    assert!(
        servicetitan.bookings().is_empty(),
        "another may have made it by now"
    );
    all_are(&w, &[lead], CrmAbandoned, Done).await;
    assert_eq!(servicetitan.bookings().len(), 1);
}

async fn a_text_of_a_server_taken_for_dead_may_leave_until_its_lease_is_over(w: World) {
    let (lead, _) = leaves_into_the_hands_of_a_dead_node(&w, Channel::Text, true).await;
    w.until(lead, TextFollowUp, Unknown).await;
    let business = w.server.seeded.business;
    let on_wire = move |tx: &mut Tx<'_>| outbox::is_text_going(tx, business, ANA);
    assert!(w.read(on_wire).await);
    w.passes(LEASE);
    assert!(!w.read(on_wire).await);
}

async fn two_nodes_share_the_work_and_one_takes_over_from_the_other(w: World) {
    let business = w.server.seeded.business;
    let other = w.write(|tx| node::begin(tx, "the other node")).await;
    let first = w.visitor(ANA, false).await.session;
    let owner = other.clone();
    let (lead, mut theirs) = w
        .write(move |tx| {
            let lead = leaves(tx, business, first)?;
            let claimed = outbox::claim(tx, &owner, business, Channel::Crm, 1)?;
            Ok((lead, claimed))
        })
        .await;
    // It takes at most half of what a crowd leaves behind; ours takes the rest.
    let takes = async {
        for _ in 0..4 * CROWD {
            let owner = other.clone();
            let claimed = w
                .write(move |tx| {
                    node::renew(tx, &owner)?;
                    outbox::claim(tx, &owner, business, Channel::Crm, 1)
                })
                .await;
            theirs.extend(claimed);
            if theirs.len() == CROWD / 2 {
                break;
            }
        }
    };
    let (mut leads, ()) = tokio::join!(crowd(&w, false), takes);
    leads.push(lead);
    w.until_holds("ours are done", || async {
        let owner = other.clone();
        w.write(move |tx| node::renew(tx, &owner)).await;
        w.sandbox.servicetitan().bookings().len() + theirs.len() == leads.len()
    })
    .await;
    assert!(theirs.iter().all(|claimed| claimed.fence == 1));
    // The other node dies: what it held is taken over, and nothing is made twice.
    w.passes(SignedDuration::from_secs(15));
    all_are(&w, &leads, CrmAbandoned, Done).await;
    assert_eq!(w.sandbox.servicetitan().bookings().len(), leads.len());
}

async fn a_stop_of_the_server_waits_for_what_is_on_the_wire(mut w: World) {
    let slow = Fault::new(FaultKind::Slow { ms: 800 }).method("POST");
    w.sandbox.servicetitan().set_fault(slow);
    let lead = w.visitor(ANA, false).await.leaves().await;
    w.until(lead, CrmAbandoned, Sending).await;
    w.server = w.server.restart().await;
    let done = w.delivery(lead, CrmAbandoned).await.unwrap();
    assert_eq!((done.status, done.attempt), (Done, 1));
    assert_eq!(w.sandbox.servicetitan().bookings().len(), 1);
}

async fn a_crowd_stays_within_sixty_requests_a_second(w: World) {
    let mut leads = crowd(&w, false).await;
    for n in CROWD..2 * CROWD {
        leads.push(w.visitor(&phone(n), false).await.leaves().await);
    }
    w.until_holds("all stand there", || async {
        w.sandbox.servicetitan().bookings().len() == leads.len()
    })
    .await;
    let asked = w.sandbox.servicetitan().requests();
    assert!(asked.iter().all(|request| request.status == Some(200)));
    let calls: Vec<_> = asked
        .iter()
        .filter(|request| request.path != "/connect/token")
        .map(|request| request.at)
        .collect();
    for window in calls.windows(61) {
        let span = window[60].duration_since(window[0]);
        assert!(span > SignedDuration::from_millis(950), "61 in {span:?}");
    }
}

async fn after_an_outage_whoever_has_just_left_goes_first_and_nobody_waits_on(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    // Down altogether: not even a token is to be had.
    servicetitan.set_fault(Fault::new(FaultKind::ServerError).path("/"));
    let mut leads = crowd(&w, false).await;
    w.spends(SignedDuration::from_mins(10)).await;
    assert!(servicetitan.bookings().is_empty());
    servicetitan.clear_faults();
    leads.push(w.visitor(&phone(CROWD), false).await.leaves().await);
    // The narrow lane's rest, once.
    w.passes(SignedDuration::from_secs(6));
    w.until_holds(
        "everybody stands there, whatever they were to wait",
        || async { servicetitan.bookings().len() == leads.len() },
    )
    .await;
    let newest = w.lead(leads[CROWD]).await.reference;
    let mut stood = servicetitan.bookings();
    stood.sort_by_key(|booking| booking.id);
    let place = stood
        .iter()
        .position(|booking| booking.external_id.ends_with(&newest));
    // What had been on the wire already, at the most, was quicker.
    assert!(place.is_some_and(|place| place <= 16), "{place:?}");
}

async fn an_answer_torn_off_in_the_middle_is_looked_up(w: World) {
    let (servicetitan, carrier) = (w.sandbox.servicetitan(), w.sandbox.carrier());
    carrier.set_delivery(Reports {
        lost: true,
        ..Default::default()
    });
    servicetitan.set_fault(Fault::new(FaultKind::TornAnswer).method("POST"));
    carrier.set_fault(Fault::new(FaultKind::TornAnswer).method("POST"));
    let lead = w.visitor(ANA, true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, CrmAbandoned, Unknown).await;
    w.until(lead, TextFollowUp, Unknown).await;
    servicetitan.clear_faults();
    carrier.clear_faults();
    all_are(&w, &[lead], CrmAbandoned, Done).await;
    all_are(&w, &[lead], TextFollowUp, Done).await;
    assert_eq!(servicetitan.bookings().len(), 1);
    assert_eq!(w.texts().len(), 1);
}

/// The machine's clock jumps, and whoever looks after it has noticed.
async fn jumps(w: &World, by: SignedDuration) {
    jump::look(w.app()).await.unwrap();
    w.server.clock.machine_jumps(by);
    jump::look(w.app()).await.unwrap();
}

async fn a_clock_that_jumps_back_holds_nothing_up(w: World) {
    let lead = w
        .visitor(ANA, true)
        .await
        .leaves_by(Departure::Lost)
        .await
        .unwrap();
    jumps(&w, SignedDuration::from_hours(-24)).await;
    let due = w
        .delivery(lead, CrmAbandoned)
        .await
        .unwrap()
        .due_at
        .unwrap();
    assert!(due.duration_since(w.now()) <= SignedDuration::from_secs(8));
    w.passes(HOLD);
    all_are(&w, &[lead], CrmAbandoned, Done).await;
    all_are(&w, &[lead], TextFollowUp, Done).await;
    // Nor a lane that was asked for patience.
    let later = FaultKind::RateLimited { retry_after: 30 };
    w.sandbox
        .servicetitan()
        .set_fault(Fault::new(later).times(1));
    let next = w.visitor(&phone(1), false).await.leaves().await;
    w.until_holds("it was asked for patience", || async {
        w.delivery(next, CrmAbandoned).await.unwrap().why.is_some()
    })
    .await;
    jumps(&w, SignedDuration::from_hours(-24)).await;
    w.passes(SignedDuration::from_secs(31));
    all_are(&w, &[next], CrmAbandoned, Done).await;
}

async fn a_clock_that_jumps_forward_cuts_no_hold_short(w: World) {
    let lead = w.visitor(ANA, true).await.leaves().await;
    jumps(&w, SignedDuration::from_hours(24)).await;
    let text = w.delivery(lead, TextFollowUp).await.unwrap();
    let left = text.due_at.unwrap().duration_since(w.now());
    let hold = SignedDuration::from_secs(20);
    assert!(
        text.status == DeliveryStatus::Due && left <= hold,
        "{text:?}"
    );
    assert!(left > SignedDuration::ZERO || text.attempt > 0, "{left:?}");
    w.passes(hold);
    all_are(&w, &[lead], TextFollowUp, Done).await;
}

async fn a_clock_that_is_two_days_ahead_hides_no_record_that_stands(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    w.server.clock.advance(SignedDuration::from_hours(48));
    for (n, made_as) in [(0, SyncAs::Booking), (1, SyncAs::Lead)] {
        set_send_as(&w, made_as).await;
        servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect).times(1));
        let lead = w.visitor(&phone(n), false).await.leaves().await;
        all_are(&w, &[lead], CrmAbandoned, Done).await;
    }
    assert_eq!(servicetitan.bookings().len(), 1);
    assert_eq!(servicetitan.leads().len(), 1);
}
