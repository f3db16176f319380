//! When a clock jumps: nobody is texted or noted down a second time for it, and nothing that waits is given up.

use jiff::SignedDuration;
use ringback_domain::delivery::DeliveryKind::CrmAbandoned;
use ringback_domain::delivery::DeliveryStatus::{Done, Unknown};
use ringback_sandbox::{Fault, FaultKind};
use ringback_server::jump;

use crate::faults::{all_are, phone};
use crate::stories;
use crate::world::World;

stories!(a_clock_that_jumps_forward_cuts_no_look_short,);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Who finds out that the clock has jumped.
#[derive(Clone, Copy, Debug)]
enum Noticed {
    /// Whoever looks after it, at once.
    AtOnce,
    /// Nobody, until the outbox looks for what is due.
    ByTheOutbox,
}

/// The machine's clock jumps, and the outbox has taken up what is due by then.
async fn jumps(w: &World, by: SignedDuration, noticed: Noticed) {
    jump::look(w.app()).await.unwrap();
    w.server.clock.machine_jumps(by);
    if let Noticed::AtOnce = noticed {
        jump::look(w.app()).await.unwrap();
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
