//! When a clock jumps: nobody is texted or noted down a second time for it, and nothing that waits is given up.

use jiff::SignedDuration;
use ringback_domain::delivery::DeliveryKind::{CrmAbandoned, TextFollowUp};
use ringback_domain::delivery::DeliveryStatus::{Done, Due, Refused, Sending, Unknown};
use ringback_domain::follow_up::{TextNote, WhyNot};
use ringback_domain::scheduler::SyncAs;
use ringback_sandbox::{Fault, FaultKind};
use ringback_server::store::prune;
use ringback_server::{jump, pruner};

use crate::faults::{all_are, phone, set_send_as};
use crate::stories;
use crate::world::World;

stories!(
    a_clock_that_jumps_forward_cuts_no_look_short,
    who_was_texted_before_the_clock_jumped_gets_no_second_text,
    what_waits_for_servicetitan_does_not_expire_because_the_clock_jumps,
    what_is_on_the_wire_when_the_clock_jumps_is_tried_again,
    a_clock_that_was_days_ahead_when_they_left_hides_no_record_that_stands,
    a_clock_years_ahead_deletes_nothing,
    who_was_texted_long_ago_gets_no_second_text,
);

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const HOLD: SignedDuration = SignedDuration::from_secs(21);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Who finds out that the clock has jumped.
#[derive(Clone, Copy, Debug)]
enum Noticed {
    /// Whoever looks after it, at once.
    AtOnce,
    /// Nobody, until the outbox looks for what is due.
    ByTheOutbox,
    /// Nobody, until what is on the wire has been answered.
    ByTheAnswer,
}

/// The machine's clock jumps, and the outbox has taken up what is due by then.
async fn jumps(w: &World, by: SignedDuration, noticed: Noticed) {
    jump::look(w.app()).await.unwrap();
    w.server.clock.machine_jumps(by);
    match noticed {
        Noticed::AtOnce => {
            jump::look(w.app()).await.unwrap();
        }
        Noticed::ByTheOutbox => {}
        Noticed::ByTheAnswer => w.app().outbox.finish().await,
    }
    w.app().outbox.ring();
    w.quiet().await;
}

async fn a_clock_that_jumps_forward_cuts_no_look_short(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    for (n, noticed) in [(0, Noticed::AtOnce), (1, Noticed::ByTheOutbox)] {
        servicetitan.set_fault(Fault::new(FaultKind::Reset).method("POST").times(1));
        let lead = w.visitor(&phone(n), false).await.leaves().await;
        w.until(lead, CrmAbandoned, Unknown).await;
        w.until_holds("it has been looked for six times", || async {
            w.passes(SignedDuration::from_secs(1));
            w.quiet().await;
            w.delivery(lead, CrmAbandoned).await.unwrap().lookups == 6
        })
        .await;
        let before = w.delivery(lead, CrmAbandoned).await.unwrap();
        jumps(&w, HOUR, noticed).await;
        let after = w.delivery(lead, CrmAbandoned).await.unwrap();
        assert_eq!((after.status, after.lookups), (Unknown, 6), "{noticed:?}");
        let moved = after.due_at.unwrap().duration_since(before.due_at.unwrap());
        let differs = (moved - HOUR).abs();
        assert!(differs < SignedDuration::from_secs(10), "{moved:?}");
        assert_eq!(servicetitan.bookings().len(), n);
        all_are(&w, &[lead], CrmAbandoned, Done).await;
        assert_eq!(servicetitan.bookings().len(), n + 1);
    }
}

async fn who_was_texted_before_the_clock_jumped_gets_no_second_text(w: World) {
    for (n, by) in [(0, DAY), (1, -DAY)] {
        let ana = phone(n);
        let lead = w.visitor(&ana, true).await.leaves().await;
        w.passes(HOLD);
        w.until(lead, TextFollowUp, Done).await;
        jumps(&w, by, Noticed::AtOnce).await;
        // Minutes later, in another browser: a day on it is another lead, and no other person.
        w.passes(SignedDuration::from_mins(5));
        let again = w.visitor(&ana, true).await.leaves().await;
        w.passes(HOLD);
        w.quiet().await;
        assert_eq!(w.texts().len(), n + 1, "{by:?}");
        if by > SignedDuration::ZERO {
            w.until(again, TextFollowUp, Refused).await;
            let why = WhyNot::RecentlyTexted;
            assert_eq!(w.lead(again).await.text_note, Some(TextNote::Not { why }));
        }
    }
    // And no longer than it should: the day counts from the text.
    w.passes(DAY);
    let later = w.visitor(&phone(1), true).await.leaves().await;
    w.passes(HOLD);
    w.until(later, TextFollowUp, Done).await;
}

async fn what_waits_for_servicetitan_does_not_expire_because_the_clock_jumps(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    // As on a machine that has started without a network and with a clock that stood still.
    servicetitan.set_fault(Fault::new(FaultKind::ServerError).path("/connect"));
    let mut leads = Vec::new();
    for (n, noticed) in [(0, Noticed::AtOnce), (1, Noticed::ByTheOutbox)] {
        leads.push(w.visitor(&phone(n), false).await.leaves().await);
        w.until_holds("it was tried in vain", || async {
            w.passes(SignedDuration::from_secs(6));
            w.quiet().await;
            let waits = w.delivery(leads[n], CrmAbandoned).await.unwrap();
            waits.status == Due && waits.why.is_some()
        })
        .await;
        jumps(&w, DAY * 31, noticed).await;
        for lead in &leads {
            let waits = w.delivery(*lead, CrmAbandoned).await.unwrap();
            assert_eq!(waits.status, Due, "{noticed:?}");
        }
    }
    servicetitan.clear_faults();
    all_are(&w, &leads, CrmAbandoned, Done).await;
    // The clock is set back; what was planned by the wrong one does not wait, and what waits has its time.
    let later = FaultKind::RateLimited { retry_after: 1 };
    servicetitan.set_fault(Fault::new(later).path("/crm"));
    let lead = w.visitor(&phone(2), false).await.leaves().await;
    jumps(&w, DAY * -62, Noticed::AtOnce).await;
    let waits = w.delivery(lead, CrmAbandoned).await.unwrap();
    let lives = waits.expires_at.duration_since(w.now());
    assert!(lives > DAY * 29 && lives <= DAY * 30, "{lives:?}");
}

async fn what_is_on_the_wire_when_the_clock_jumps_is_tried_again(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    // Answered long after somebody has looked at the clock; and mostly before anybody has.
    let slow = [(1_000, Noticed::AtOnce)];
    let fast = [(250, Noticed::ByTheAnswer); 3];
    for (n, (ms, noticed)) in slow.into_iter().chain(fast).enumerate() {
        // The token has run out, so that each call waits for a new one.
        w.passes(HOUR);
        servicetitan.set_fault(Fault::new(FaultKind::Slow { ms }).path("/connect"));
        let later = FaultKind::RateLimited { retry_after: 60 };
        servicetitan.set_fault(Fault::new(later).path("/crm"));
        let lead = w.visitor(&phone(n), false).await.leaves().await;
        let sent = w.until(lead, CrmAbandoned, Sending).await;
        jumps(&w, DAY * 31, noticed).await;
        let tried = w.delivery(lead, CrmAbandoned).await.unwrap();
        let tried = (tried.status, tried.attempt);
        assert_eq!(tried, (Due, sent.attempt), "{noticed:?}");
        servicetitan.clear_faults();
        all_are(&w, &[lead], CrmAbandoned, Done).await;
    }
}

async fn a_clock_that_was_days_ahead_when_they_left_hides_no_record_that_stands(w: World) {
    let servicetitan = w.sandbox.servicetitan();
    for (n, made_as) in [(0, SyncAs::Booking), (1, SyncAs::Lead)] {
        set_send_as(&w, made_as).await;
        jumps(&w, DAY * 4, Noticed::AtOnce).await;
        servicetitan.set_fault(Fault::new(FaultKind::DroppedAfterEffect).times(1));
        servicetitan.set_fault(Fault::new(FaultKind::ServerError).method("GET"));
        let lead = w.visitor(&phone(n), false).await.leaves().await;
        w.until(lead, CrmAbandoned, Unknown).await;
        // It is set right before anybody could look.
        jumps(&w, DAY * -4, Noticed::AtOnce).await;
        servicetitan.clear_faults();
        all_are(&w, &[lead], CrmAbandoned, Done).await;
    }
    assert_eq!(servicetitan.bookings().len(), 1);
    assert_eq!(servicetitan.leads().len(), 1);
}

async fn a_clock_years_ahead_deletes_nothing(w: World) {
    let lead = w.visitor(&phone(0), true).await.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    let years = DAY * 7 * 366;
    for by in [years, -years, years] {
        jumps(&w, by, Noticed::AtOnce).await;
        // A server that has just started, and one that goes on.
        for _ in 0..2 {
            pruner::run(w.app().clone()).await.unwrap();
        }
        assert_eq!(w.lead(lead).await.id, lead);
        assert_eq!(w.deliveries(lead).await.len(), 2);
    }
}

async fn who_was_texted_long_ago_gets_no_second_text(w: World) {
    let ana = w.visitor(&phone(0), true).await;
    let lead = ana.leaves().await;
    w.passes(HOLD);
    w.until(lead, TextFollowUp, Done).await;
    w.until_holds("it is delivered", || async {
        w.lead(lead).await.text_note == Some(TextNote::Delivered)
    })
    .await;
    w.passes(DAY * 100);
    w.visitor(&phone(1), false).await.leaves().await;
    let deleted = w.write(|tx| {
        let now = tx.now();
        prune::prune(tx, now, 100)
    });
    assert!(deleted.await > 0);
    assert!(w.delivery(lead, TextFollowUp).await.is_none());
    ana.comes_back().await;
    assert_eq!(ana.leaves().await, lead);
    w.passes(HOLD);
    w.quiet().await;
    assert_eq!(w.texts().len(), 1);
    assert_eq!(w.lead(lead).await.text_note, Some(TextNote::Delivered));
}
