//! The cast of the demo and of the tests: one believable business.

use jiff::civil::time;
use ringback_domain::business::{BusinessDetails, OpeningHours};
use ringback_domain::id::{BusinessId, SchedulerId};
use ringback_domain::region::Region;
use ringback_domain::starts::Start;

use crate::random;
use crate::store::business::NewBusiness;
use crate::store::{StoreError, Tx, business, scheduler};
use crate::words::Words;

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

/// Makes Copperline Home Services of Phoenix, Arizona, with one residential scheduler.
pub fn copperline(tx: &mut Tx<'_>) -> Result<Seeded, StoreError> {
    let business = business::create(
        tx,
        &NewBusiness {
            name: "Copperline Home Services".into(),
            region: Region::UnitedStates,
            time_zone: "America/Phoenix".into(),
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
