//! A pretend outside world for the demo and the tests: a ServiceTitan, a carrier with Twilio's API, and
//! the phones its messages land on, on one port. Faults, staff, replies and the clock are moved by the
//! handles here, or over HTTP below `/control/`; people look at `/servicetitan` and `/phone`.
//!
//! It never is gentler than the real services. What they published it follows to the letter; where
//! they are silent it takes the strict side. It keeps everything in memory and knows nothing of the
//! product.

mod call;
mod carrier;
mod chance;
mod clock;
mod control;
mod faults;
mod log;
mod options;
mod pages;
mod phone;
mod server;
mod servicetitan;
mod shared;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use carrier::signature;
pub use carrier::{Direction, Message, Reply, Webhook};
pub use faults::{Fault, FaultKind, HostileBody, Party};
pub use log::LoggedRequest;
pub use options::{Credentials, Delivery, Ending, Options};
pub use servicetitan::{
    Address, Booking, BookingStatus, Contact, Lead, LeadStatus, Note, Person, seeds,
};

/// The fields the pretend services know, from the published documents; for tests that compare them with
/// what the product sends.
pub mod spec {
    pub use crate::carrier::SEND_FIELDS;
    pub use crate::servicetitan::{
        BOOKING_CREATE_FIELDS, BOOKING_UPDATE_FIELDS, Field, Kind, LEAD_CREATE_FIELDS,
        LEAD_UPDATE_FIELDS,
    };
}

use shared::Shared;

/// A running sandbox; dropping it closes its port and ends everything it does.
pub struct Sandbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on this address (port 0 picks a free one) and is ready at once.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr, options: Options) -> io::Result<Sandbox> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(&options).map_err(io::Error::other)?);
        let listener = tokio::spawn(server::listen(shared.clone(), listener, addr));
        Ok(Sandbox {
            addr,
            shared,
            listener,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of everything, without a slash at the end, like `http://127.0.0.1:8090`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The keys it accepts.
    pub fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// The pretend ServiceTitan.
    pub fn servicetitan(&self) -> ServiceTitan {
        ServiceTitan {
            shared: self.shared.clone(),
        }
    }

    /// The pretend carrier.
    pub fn carrier(&self) -> Carrier {
        Carrier {
            shared: self.shared.clone(),
        }
    }

    /// Calls to both, in the order they arrived.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log().of(None, 0)
    }

    /// What the sandbox's clock says.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Moves the sandbox's clock: tokens end, dates of records move.
    pub fn advance_clock(&self, by: SignedDuration) {
        self.shared.clock.advance(by);
        self.shared.changed();
    }

    /// Waits until `holds`, looking again whenever anything changes; false when `within` (real time) has
    /// passed first.
    pub async fn wait_until(
        &self,
        within: Duration,
        mut holds: impl FnMut(&Sandbox) -> bool,
    ) -> bool {
        let mut version = self.shared.version();
        let wait = async {
            loop {
                version.borrow_and_update();
                if holds(self) || version.changed().await.is_err() {
                    return;
                }
            }
        };
        let held = tokio::time::timeout(within, wait).await.is_ok();
        held || holds(self)
    }

    /// Waits until no message is under way and every status callback has been sent.
    pub async fn settled(&self) {
        let mut version = self.shared.version();
        while !self.shared.is_settled() {
            if version.changed().await.is_err() {
                return;
            }
        }
    }

    /// Closes the port and every connection: from now on connecting is refused outright.
    pub async fn hang_up(&self) {
        self.shared.wanted.send_replace(false);
        _ = self
            .shared
            .listening
            .subscribe()
            .wait_for(|listening| !listening)
            .await;
    }

    /// Opens the port again.
    pub async fn pick_up(&self) {
        self.shared.wanted.send_replace(true);
        _ = self
            .shared
            .listening
            .subscribe()
            .wait_for(|listening| *listening)
            .await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.listener.abort();
        self.shared.abandon_errands();
    }
}

/// The pretend ServiceTitan: what it holds, what it was asked, and its switches.
#[derive(Clone)]
pub struct ServiceTitan {
    shared: Arc<Shared>,
}

impl ServiceTitan {
    /// Its bookings, the oldest first.
    pub fn bookings(&self) -> Vec<Booking> {
        self.shared.servicetitan().bookings()
    }

    /// Its leads, the oldest first.
    pub fn leads(&self) -> Vec<Lead> {
        self.shared.servicetitan().leads()
    }

    /// Calls to it, `/connect/token` included.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log().of(Some(Party::ServiceTitan), 0)
    }

    /// Adds a fault; the first that matches a call hits it.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.faults(Party::ServiceTitan).set(fault);
        self.shared.changed();
    }

    /// Takes back its faults.
    pub fn clear_faults(&self) {
        self.shared.faults(Party::ServiceTitan).clear();
        self.shared.changed();
    }

    /// What staff do on the board with a booking: accept, convert or dismiss.
    ///
    /// # Errors
    /// A sentence when there is no such booking or the step is not open to it.
    pub fn act_on_booking(&self, id: i64, status: BookingStatus) -> Result<(), String> {
        let now = self.shared.clock.now();
        self.shared.servicetitan().act_on_booking(id, status, now)?;
        self.shared.changed();
        Ok(())
    }

    /// What staff do on the board with a lead: convert or dismiss.
    ///
    /// # Errors
    /// A sentence when there is no such lead or it is closed.
    pub fn act_on_lead(&self, id: i64, status: LeadStatus) -> Result<(), String> {
        let now = self.shared.clock.now();
        self.shared.servicetitan().act_on_lead(id, status, now)?;
        self.shared.changed();
        Ok(())
    }
}

/// The pretend carrier: its messages, its webhooks, the phones, and its switches.
#[derive(Clone)]
pub struct Carrier {
    shared: Arc<Shared>,
}

impl Carrier {
    /// Messages in both directions, the oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.carrier().messages()
    }

    /// Webhooks it sent: status callbacks and inbound texts, in order.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.shared.carrier().webhooks()
    }

    /// Calls to its API.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log().of(Some(Party::Carrier), 0)
    }

    /// Adds a fault; the first that matches a call hits it.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.faults(Party::Carrier).set(fault);
        self.shared.changed();
    }

    /// Takes back its faults.
    pub fn clear_faults(&self) {
        self.shared.faults(Party::Carrier).clear();
        self.shared.changed();
    }

    /// Says what becomes of messages from now on, and how that is told.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.shared.carrier().delivery = delivery;
        self.shared.changed();
    }

    /// Sets where texts to the business's number go; `None` for nowhere.
    pub fn set_inbound_url(&self, url: Option<&str>) {
        let number = &self.shared.credentials.from_number;
        self.shared
            .carrier()
            .set_inbound_url(number, url.map(str::to_owned));
        self.shared.changed();
    }

    /// Turns *Advanced Opt-Out* on or off: whether inbound webhooks carry `OptOutType`.
    pub fn set_advanced_opt_out(&self, on: bool) {
        self.shared.carrier().advanced_opt_out = on;
        self.shared.changed();
    }

    /// Lets the phone with this number text the business; ends once the webhook has answered.
    ///
    /// # Errors
    /// A sentence when the number or the text cannot be.
    pub async fn reply(&self, from: &str, body: &str) -> Result<Reply, String> {
        carrier::inbound::reply(&self.shared, from, body).await
    }
}
