//! What the listener, the pretend services, the switches and the tests' handles share, and the one
//! signal that something changed.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::call::{Answer, Call};
use crate::carrier::{Account, callbacks};
use crate::clock::Clock;
use crate::faults::{FaultKind, Faults, Moment, Party};
use crate::log::{Log, LoggedRequest};
use crate::options::{Credentials, Options};
use crate::servicetitan::Tenant;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) credentials: Credentials,
    /// The pages show times in it.
    pub(crate) time_zone: String,
    /// Sends webhooks; follows no redirect, as the real carrier's would lose its form.
    pub(crate) http: reqwest::Client,
    tenant: Mutex<Tenant>,
    account: Mutex<Account>,
    tenant_faults: Mutex<Faults>,
    account_faults: Mutex<Faults>,
    log: Mutex<Log>,
    version: watch::Sender<u64>,
    errands: Mutex<JoinSet<()>>,
    under_way: AtomicUsize,
    /// Whether the listener should be there.
    pub(crate) wanted: watch::Sender<bool>,
    /// Whether it is.
    pub(crate) listening: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(options: &Options) -> Result<Shared, reqwest::Error> {
        // Another part of the program may have chosen a provider already; then that one serves.
        _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .build()?;
        let clock = Clock::default();
        Ok(Shared {
            tenant: Mutex::new(Tenant::new(options.credentials.clone(), clock.now())),
            account: Mutex::new(Account::new(options)),
            tenant_faults: Mutex::new(Faults::new(options.seed)),
            account_faults: Mutex::new(Faults::new(options.seed.wrapping_add(1))),
            log: Mutex::default(),
            version: watch::Sender::new(1),
            errands: Mutex::default(),
            under_way: AtomicUsize::new(0),
            wanted: watch::Sender::new(true),
            listening: watch::Sender::new(true),
            credentials: options.credentials.clone(),
            time_zone: options.time_zone.clone(),
            clock,
            http,
        })
    }

    pub(crate) fn servicetitan(&self) -> MutexGuard<'_, Tenant> {
        lock(&self.tenant)
    }

    pub(crate) fn carrier(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    pub(crate) fn faults(&self, party: Party) -> MutexGuard<'_, Faults> {
        match party {
            Party::ServiceTitan => lock(&self.tenant_faults),
            Party::Carrier => lock(&self.account_faults),
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    /// Has the pretend service carry out a call.
    pub(crate) fn carry_out(&self, party: Party, call: &Call) -> Answer {
        let now = self.clock.now();
        match party {
            Party::ServiceTitan => self.servicetitan().answer(call, now),
            Party::Carrier => self.carrier().answer(call, now),
        }
    }

    pub(crate) fn draw(
        &self,
        party: Party,
        moment: Moment,
        method: &Method,
        path: &str,
    ) -> Option<FaultKind> {
        let fault = self.faults(party).draw(moment, method, path);
        if fault.is_some() {
            self.changed();
        }
        fault
    }

    pub(crate) fn record(&self, call: LoggedRequest) {
        self.log().add(call);
        self.changed();
    }

    /// Says that there is something new to see.
    pub(crate) fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// The number of the last change; changes when anything does.
    pub(crate) fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Starts a message on its way; the receiver ends when it has got there.
    pub(crate) fn start_delivery(self: &Arc<Self>, sid: String) -> oneshot::Receiver<()> {
        let (done, ended) = oneshot::channel();
        let shared = self.clone();
        self.run(async move {
            callbacks::deliver(shared, sid).await;
            _ = done.send(());
        });
        ended
    }

    /// Runs an errand that ends with the sandbox.
    pub(crate) fn run(self: &Arc<Self>, errand: impl Future<Output = ()> + Send + 'static) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(self.clone());
        let mut errands = lock(&self.errands);
        while errands.try_join_next().is_some() {}
        errands.spawn(async move {
            let _under_way = under_way;
            errand.await;
        });
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn abandon_errands(&self) {
        lock(&self.errands).abort_all();
    }
}

/// An errand that has not ended; counted out however it ends.
struct UnderWay(Arc<Shared>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.changed();
    }
}

/// A panic in one call must not make every later one fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
