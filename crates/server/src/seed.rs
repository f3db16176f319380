//! The cast of the demo and of the tests: one believable business.

use jiff::civil::time;
use ringback_domain::business::{BusinessDetails, OpeningHours};
use ringback_domain::id::{BusinessId, SchedulerId, StaffId};
use ringback_domain::region::Region;
use ringback_domain::staff::{Role, Staff};
use ringback_domain::starts::Start;

use crate::app::App;
use crate::crm::servicetitan;
use crate::office::passwords;
use crate::random;
use crate::sms::twilio;
use crate::store::business::NewBusiness;
use crate::store::staff::NewStaff;
use crate::store::{Order, StoreError, Tx, business, integration, json, scheduler, staff};
use crate::words::Words;

/// The business of the demo and of the tests.
pub const COPPERLINE: &str = "Copperline Home Services";

/// What was seeded.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// Copperline Home Services.
    pub business: BusinessId,
    /// Its residential scheduler.
    pub scheduler: SchedulerId,
    /// The same, in URLs.
    pub public_id: String,
}

/// Where Copperline is.
pub const PHOENIX: &str = "America/Phoenix";

/// Makes Copperline Home Services of Phoenix, Arizona, with one residential scheduler.
pub fn copperline(tx: &mut Tx<'_>) -> Result<Seeded, StoreError> {
    copperline_in(tx, PHOENIX)
}

/// [`copperline`] with its clocks in another time zone: what goes out by day alone can be tried at night.
pub fn copperline_in(tx: &mut Tx<'_>, time_zone: &str) -> Result<Seeded, StoreError> {
    let business = business::create(
        tx,
        &NewBusiness {
            name: COPPERLINE.into(),
            region: Region::UnitedStates,
            time_zone: time_zone.into(),
            locale: "en".into(),
            phone: Some("+16025550100".into()),
            details: BusinessDetails {
                hours: OpeningHours::weekdays(time(8, 0, 0, 0), time(18, 0, 0, 0)),
                ..BusinessDetails::default()
            },
        },
    )?;
    let mut settings = Words::of("en").begin(Start::HeatingCooling, Region::UnitedStates);
    settings.served = vec!["850*".into()];
    let public_id = random::token()[..12].to_owned();
    let scheduler = scheduler::create(tx, business, &public_id, "Home service", &settings)?;
    Ok(Seeded {
        business,
        scheduler,
        public_id,
    })
}

/// Dana Ruiz, the Administrator, signs in with this.
pub const DANA: &str = "dana@copperline.example";
/// Sam Okafor, the Office employee.
pub const SAM: &str = "sam@copperline.example";
/// Both of them, in the demo and the tests alone.
pub const PASSWORD: &str = "copperline-demo";

/// Copperline as the demo knows it.
#[derive(Clone, Debug)]
pub struct Copperline {
    /// The business.
    pub business: BusinessId,
    /// Its residential scheduler, in URLs.
    pub public_id: String,
    /// Dana.
    pub administrator: Staff,
}

/// Copperline with its staff, connected to the sandbox by these credentials. A store that has it already
/// keeps what it has.
pub async fn demo(
    app: &App,
    sandbox: &ringback_sandbox::Credentials,
    time_zone: &str,
) -> Result<Copperline, StoreError> {
    let password_hash = tokio::task::spawn_blocking(|| passwords::hash(PASSWORD))
        .await
        .map_err(|_| StoreError::Bug("hashing a password panicked".into()))?;
    let (app_, sandbox, time_zone) = (app.clone(), sandbox.clone(), time_zone.to_owned());
    app.store
        .write(Order::Any, move |tx| {
            if let Some(kept) = standing(tx)? {
                return Ok(kept);
            }
            let seeded = copperline_in(tx, &time_zone)?;
            hire(
                tx,
                seeded.business,
                "Dana Ruiz",
                DANA,
                Role::Administrator,
                &password_hash,
            )?;
            hire(
                tx,
                seeded.business,
                "Sam Okafor",
                SAM,
                Role::OfficeEmployee,
                &password_hash,
            )?;
            connect(tx, &app_, seeded.business, &sandbox)?;
            standing(tx)?.ok_or(StoreError::NoRow)
        })
        .await
}

fn standing(tx: &mut Tx<'_>) -> Result<Option<Copperline>, StoreError> {
    let Some((administrator, _)) = staff::by_email(tx, DANA)? else {
        return Ok(None);
    };
    let business = administrator.business;
    let schedulers = scheduler::list(tx, business)?;
    let first = schedulers.into_iter().next().ok_or(StoreError::NoRow)?;
    Ok(Some(Copperline {
        business,
        public_id: first.public_id.clone(),
        administrator,
    }))
}

/// Adds somebody to a business.
pub fn hire(
    tx: &mut Tx<'_>,
    business: BusinessId,
    name: &str,
    email: &str,
    role: Role,
    password_hash: &str,
) -> Result<Option<StaffId>, StoreError> {
    let new = NewStaff {
        business,
        name: name.into(),
        email: email.into(),
        role,
        password_hash: password_hash.into(),
    };
    staff::create(tx, &new)
}

/// Connects a business to the sandbox's ServiceTitan and carrier.
pub fn connect(
    tx: &mut Tx<'_>,
    app: &App,
    business: BusinessId,
    sandbox: &ringback_sandbox::Credentials,
) -> Result<(), StoreError> {
    let st = servicetitan::Settings {
        tenant: sandbox.tenant,
        client_id: sandbox.client_id.clone(),
        booking_provider: sandbox.booking_provider,
        campaign_id: Some(ringback_sandbox::seeds::CAMPAIGN_WEBSITE),
        call_reason_id: Some(ringback_sandbox::seeds::REASON_UNFINISHED),
    };
    let st_secrets = servicetitan::Secrets {
        client_secret: sandbox.client_secret.clone(),
        app_key: sandbox.app_key.clone(),
    };
    let sealed = app.vault.seal(
        business,
        integration::SERVICETITAN,
        json::write(&st_secrets)?.as_bytes(),
    );
    integration::save(tx, business, integration::SERVICETITAN, &st, Some(&sealed))?;
    let texts = twilio::Settings {
        account_sid: sandbox.account_sid.clone(),
        api_key_sid: sandbox.api_key.clone(),
        from: sandbox.from_number.clone(),
        messaging_service_sid: String::new(),
    };
    let text_secrets = twilio::Secrets {
        api_key_secret: sandbox.api_secret.clone(),
        auth_token: sandbox.auth_token.clone(),
        auth_token_secondary: String::new(),
    };
    let sealed = app.vault.seal(
        business,
        integration::TEXTS,
        json::write(&text_secrets)?.as_bytes(),
    );
    integration::save(tx, business, integration::TEXTS, &texts, Some(&sealed))
}
