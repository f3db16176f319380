//! Deliveries to the CRM: the rules asked, the call made. What a record says is in `crm/request.rs`, what becomes of
//! a call in `crm/settled.rs`; how a record is made, found and changed is `crate::crm`'s.

mod request;
mod settled;

use std::sync::Arc;

use jiff::SignedDuration;
use ringback_domain::delivery::{CRM_WORKS_FOR, Delivery, DeliveryState, Found, Outcome};
use secrecy::ExposeSecret as _;

pub(super) use self::request::DISMISSED;
use self::request::Request;
pub(super) use self::settled::trouble;
use self::settled::{health, settle_look, settle_sent};
use super::{Health, Taken, by_steady_clock, in_time, is_look, jitter, with_its_time, write_down};
use crate::app::App;
use crate::clock::Moment;
use crate::crm::Trouble;
use crate::crm::record::{self, Job};
use crate::crm::servicetitan::{Account, Credentials, Hosts, Secrets, ServiceTitan, Settings};
use crate::on_wire::Wire;
use crate::store::integration::{Integration, SERVICETITAN};
use crate::store::{Order, StoreError, Tx, lead, outbox};
use crate::vault::Vault;

/// A record that was claimed alone is prepared in the transaction of its claim: one fsync less before the first byte
/// leaves. Of a pile each is prepared by itself, so that nobody waits for all of them.
pub(super) fn prepare_if_alone(
    tx: &mut Tx<'_>,
    vault: &Vault,
    claimed: Vec<Delivery>,
) -> Result<Vec<Taken>, StoreError> {
    match claimed.as_slice() {
        [alone] if !alone.kind.is_text() && !is_look(alone) => {
            let alone = alone.clone();
            Ok(vec![match prepare(tx, vault, &alone)? {
                Some(going) => Taken::OnWire(alone, Box::new(going)),
                None => Taken::Settled(alone),
            }])
        }
        _ => Ok(claimed.into_iter().map(Taken::Claimed).collect()),
    }
}

/// Carries out a delivery that is ours since then, or looks up what became of one.
pub(super) async fn deliver(
    app: &App,
    taken: Taken,
    mut since: Moment,
) -> Result<Health, StoreError> {
    let (claimed, going) = match taken {
        Taken::Claimed(claimed) => {
            // Its lease begins anew with the wire.
            since = app.clock.moment();
            let order = Order::Session(claimed.session.get());
            let vault = app.vault.clone();
            let prepared = claimed.clone();
            let prepare = move |tx: &mut Tx<'_>| {
                let prepared = with_its_time(tx, &prepared)?;
                prepare(tx, &vault, &prepared)
            };
            let going = by_steady_clock(app, order, prepare).await?;
            (claimed, going)
        }
        Taken::OnWire(claimed, going) => (claimed, Some(*going)),
        Taken::Settled(claimed) => (claimed, None),
    };
    let Some(going) = going else {
        return Ok(Health::Well);
    };
    super::about_lead(&going.job.record.reference);
    let account = app.outbox.account(app, &going);
    let wire = Wire::new(app.clock.clone(), since);
    if is_look(&claimed) {
        look(app, &account, going, wire).await
    } else {
        send(app, &account, going, wire).await
    }
}

/// A delivery whose rules have been asked and whose record is written.
#[derive(Clone)]
pub(super) struct Going {
    delivery: Delivery,
    job: Job,
    credentials: Credentials,
}

async fn send(
    app: &App,
    account: &Account,
    going: Going,
    wire: Wire,
) -> Result<Health, StoreError> {
    let servicetitan = ServiceTitan::new(account);
    let carried = in_time(wire, record::carry_out(&servicetitan, &going.job))
        .await
        .unwrap_or_else(|| {
            Err(Trouble::Unknown {
                answered: false,
                said: "no answer in time".into(),
            })
        });
    let health = health(carried.as_ref().err());
    let delivery = going.delivery.clone();
    write_down(app, &delivery, move |tx| settle_sent(tx, &going, &carried)).await?;
    Ok(health)
}

async fn look(
    app: &App,
    account: &Account,
    going: Going,
    wire: Wire,
) -> Result<Health, StoreError> {
    let servicetitan = ServiceTitan::new(account);
    let found = in_time(wire, record::look(&servicetitan, &going.job))
        .await
        .unwrap_or_else(|| {
            Err(Trouble::TryLater {
                after: None,
                said: "no answer in time".into(),
            })
        });
    let health = health(found.as_ref().err());
    let delivery = going.delivery.clone();
    let works_for = app.config.crm_works_for;
    write_down(app, &delivery, move |tx| {
        settle_look(tx, &going, &found, works_for)
    })
    .await?;
    Ok(health)
}

// Before the call.

/// Asks the rules now, writes the record, and puts the delivery on the wire: one transaction. `None` when
/// there is nothing to send, or the claim is not ours any more.
fn prepare(
    tx: &mut Tx<'_>,
    vault: &Vault,
    claimed: &Delivery,
) -> Result<Option<Going>, StoreError> {
    let request = Request::read(tx, claimed)?;
    if !is_look(claimed)
        && let Some((state, why)) = request.not_wanted(claimed, tx.now())
    {
        outbox::settle(tx, claimed, &state, claimed.lookups, Some(why))?;
        request.tell_inboxes(tx);
        return Ok(None);
    }
    let connection = request.connection.as_ref();
    let Some(credentials) = connection.and_then(|c| credentials(vault, c)) else {
        let (state, why) = match (is_look(claimed), connection.is_some()) {
            // Nobody to ask: it stays unknown, and is asked for once somebody can be.
            (true, _) => {
                let works_for = CRM_WORKS_FOR;
                let found = Found::CouldNotLook;
                let (state, _) = claimed.after_look(found, tx.now(), jitter(), works_for);
                (state, "crm-unknown")
            }
            (false, false) => {
                let why = "not-connected";
                (DeliveryState::Withdrawn { why: why.into() }, why)
            }
            (false, true) => {
                // The key file is another one. Typing the secrets again mends it, and hurries what waits.
                let outcome = Outcome::TryLater {
                    after: Some(SignedDuration::from_mins(5)),
                    why: "crm-credentials".into(),
                };
                let state = claimed.after(outcome, tx.now(), jitter());
                (state, "crm-credentials")
            }
        };
        outbox::settle(tx, claimed, &state, claimed.lookups, Some(why))?;
        request.tell_inboxes(tx);
        return Ok(None);
    };
    let mut delivery = claimed.clone();
    if !is_look(claimed) {
        if !outbox::put_on_wire(tx, claimed, None)? {
            return Ok(None);
        }
        delivery.attempt += 1;
    }
    let job = request.job(tx, &delivery)?;
    if let Some(mut lead) = request.lead {
        lead.stamps.crm_sent_at.get_or_insert(tx.now());
        lead::save(tx, &lead)?;
    }
    Ok(Some(Going {
        delivery,
        job,
        credentials,
    }))
}

fn credentials(vault: &Vault, connection: &Integration<Settings>) -> Option<Credentials> {
    let sealed = connection.secret.as_ref()?;
    let opened = vault.unseal(connection.business, SERVICETITAN, sealed);
    let opened = opened
        .inspect_err(|error| tracing::error!(%error, "the secrets of ServiceTitan"))
        .ok()?;
    let secrets: Secrets = serde_json::from_slice(opened.expose_secret()).ok()?;
    Some(Credentials::new(&connection.settings, secrets))
}

impl super::Outbox {
    /// The account of a business, kept over deliveries for its token and its pace; a new one when its
    /// credentials have changed.
    fn account(&self, app: &App, going: &Going) -> Arc<Account> {
        let (business, credentials) = (going.delivery.business, &going.credentials);
        let hosts = hosts(app);
        let mut accounts = self.accounts();
        if let Some(account) = accounts.get(&business)
            && account.serves(&hosts, credentials)
        {
            return Arc::clone(account);
        }
        let (calls, clock) = (app.calls.clone(), app.clock.clone());
        let account = Arc::new(Account::new(calls, hosts, clock, credentials.clone()));
        accounts.insert(business, Arc::clone(&account));
        account
    }
}

/// Where ServiceTitan answers.
pub(super) fn hosts(app: &App) -> Hosts {
    Hosts {
        auth: app.config.servicetitan_auth_url.to_string(),
        api: app.config.servicetitan_api_url.to_string(),
    }
}
