//! Every duty: what the server does by itself, again and again. One row each.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::app::App;
use crate::capture::{life, sweep};
use crate::metrics;
use crate::outbox;
use crate::pruner;
use crate::scheduler::holds;
use crate::store::StoreError;

type Deed = fn(App) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Something the server does by itself.
pub struct Duty {
    /// As logs call it.
    pub name: &'static str,
    /// How long it rests between two rounds. A duty that waits for its own bell rests only after a failure.
    pub rests: Duration,
    deed: Deed,
}

/// All of them.
pub const DUTIES: &[Duty] = &[
    Duty {
        name: "sweep",
        rests: Duration::from_secs(1),
        deed: |app| Box::pin(sweep::run(app)),
    },
    Duty {
        name: "outbox",
        rests: Duration::from_secs(1),
        deed: |app| Box::pin(outbox::run(app)),
    },
    Duty {
        name: "keep node",
        rests: Duration::from_secs(3),
        deed: |app| Box::pin(life::keep(app)),
    },
    Duty {
        name: "free holds",
        rests: Duration::from_secs(60),
        deed: |app| Box::pin(holds::free_expired(app)),
    },
    Duty {
        name: "tidy metrics",
        rests: metrics::TIDY_EVERY,
        deed: |_| {
            metrics::tidy();
            Box::pin(async { Ok(()) })
        },
    },
    Duty {
        name: "prune",
        rests: Duration::from_secs(600),
        deed: |app| Box::pin(pruner::run(app)),
    },
];

/// Starts them all. They end when the server drains.
pub fn start(app: &App) {
    for duty in DUTIES {
        tokio::spawn(keep(app.clone(), duty));
    }
}

async fn keep(app: App, duty: &'static Duty) {
    loop {
        // A panic in one duty must not end it for good.
        match tokio::spawn((duty.deed)(app.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                failed(duty);
                tracing::warn!(duty = duty.name, %error, "a duty will be tried again")
            }
            Err(panic) => {
                failed(duty);
                tracing::error!(duty = duty.name, %panic, "a duty panicked and will be tried again")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(duty.rests) => {}
            () = app.drained() => return,
        }
    }
}

fn failed(duty: &Duty) {
    ::metrics::counter!(metrics::DUTY_FAILURES, "duty" => duty.name).increment(1);
}
