//! What is ready and what is missing, so that nothing fails silently. What is fine as it is (no ServiceTitan)
//! is said, and counts as nothing missing.

use std::sync::Arc;

use ringback_domain::business::Business;
use ringback_domain::coded;
use ringback_domain::region::Region;
use ringback_domain::scheduler::{Scheduler, SendAfter, SyncAs};
use url::{Host, Url};

use crate::crm::servicetitan;
use crate::sms::twilio;
use crate::store::integration::{self, Integration, SERVICETITAN, TEXTS};
use crate::store::{StoreError, Tx, appointment, outbox, scheduler, staff};
use crate::why;

coded! {
    /// How a point stands.
    Standing {
        /// It works.
        Ready = "ready",
        /// Somebody should know, and may leave it so.
        Said = "said",
        /// Something does not work until it is mended.
        Missing = "missing",
    }
}

/// One line of the readiness list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Key of its sentence.
    pub key: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// Where it is mended or looked at; empty when that is not a page of ours.
    pub link: String,
    /// What mends it at once: the button's words, and where it is posted to.
    pub act: Option<(&'static str, &'static str)>,
}

/// What is missing of the business's own; when there is anything, the navigation shows a dot.
pub fn open_points(tx: &mut Tx<'_>, business: &Business) -> Result<Vec<Point>, StoreError> {
    let mut points = of_business(tx, business)?;
    points.retain(|point| point.standing == Standing::Missing);
    Ok(points)
}

/// The whole list: the business's own, and the address this installation answers at.
pub fn points(
    tx: &mut Tx<'_>,
    business: &Business,
    public_url: &Url,
) -> Result<Vec<Point>, StoreError> {
    let mut points = of_business(tx, business)?;
    points.insert(1, address(public_url));
    if !outbox::not_taken(tx, business.id, 1)?.is_empty() {
        points.push(Point {
            act: Some(("point-retry", "/office/settings/servicetitan/retry")),
            ..said("ready-crm-not-taken", "")
        });
    }
    points.sort_by_key(|point| match point.standing {
        Standing::Missing => 0,
        Standing::Said => 1,
        Standing::Ready => 2,
    });
    Ok(points)
}

const BUSINESS: &str = "/office/settings/business";
const CRM: &str = "/office/settings/servicetitan";
const CARRIER: &str = "/office/settings/texts";
const STAFF: &str = "/office/settings/staff";

fn of_business(tx: &mut Tx<'_>, business: &Business) -> Result<Vec<Point>, StoreError> {
    let schedulers = scheduler::list(tx, business.id)?;
    let crm = integration::get(tx, business.id, SERVICETITAN)?;
    let carrier = integration::get(tx, business.id, TEXTS)?;
    let people = staff::list(tx, business.id)?;
    let mut points = vec![if schedulers.is_empty() {
        missing("ready-no-scheduler", "/office/settings#schedulers")
    } else {
        ready("ready-scheduler", "/office/settings#schedulers")
    }];
    if business.phone.is_none() {
        points.push(missing("ready-no-phone", BUSINESS));
    }
    points.extend(of_crm(crm.as_ref(), &schedulers));
    if appointment::not_taken(tx, business.id)? {
        points.push(missing("ready-crm-booking", "/office/appointments"));
    }
    points.extend(of_carrier(carrier.as_ref(), &schedulers, business));
    if people.iter().filter(|m| m.deactivated_at.is_none()).count() < 2 {
        points.push(said("ready-alone", STAFF));
    }
    Ok(points)
}

fn of_crm(
    crm: Option<&Integration<servicetitan::Settings>>,
    schedulers: &[Arc<Scheduler>],
) -> Vec<Point> {
    let Some(crm) = crm.filter(|crm| crm.secret.is_some()) else {
        return vec![said("ready-crm-off", CRM)];
    };
    let mut points = vec![match &crm.checked {
        Some((_, check)) if check.refused && why::key(&check.said) == "crm-forbidden" => {
            missing("ready-crm-forbidden", CRM)
        }
        Some((_, check)) if check.refused => missing("ready-crm-refused", CRM),
        _ if crm.settings.booking_provider == 0 => missing("ready-crm-provider", CRM),
        None => said("ready-crm-untested", CRM),
        Some((_, check)) if check.works => ready("ready-crm", CRM),
        Some(_) => missing("ready-crm-failed", CRM),
    }];
    // A Lead in ST needs a campaign, and a call reason to be dismissed once they have booked.
    let unfiled = schedulers.iter().filter(|scheduler| {
        let sync = &scheduler.settings.sync;
        sync.send_as == SyncAs::Lead
            && sync.send != SendAfter::Never
            && (sync.campaign_id.or(crm.settings.campaign_id).is_none()
                || sync
                    .call_reason_id
                    .or(crm.settings.call_reason_id)
                    .is_none())
    });
    points.extend(unfiled.map(|scheduler| Point {
        link: details(scheduler),
        ..missing("ready-crm-campaign", "")
    }));
    points
}

fn of_carrier(
    carrier: Option<&Integration<twilio::Settings>>,
    schedulers: &[Arc<Scheduler>],
    business: &Business,
) -> Vec<Point> {
    let wanted = schedulers
        .iter()
        .any(|scheduler| scheduler.settings.follow_up.send != SendAfter::Never);
    let Some(carrier) = carrier.filter(|carrier| carrier.secret.is_some()) else {
        return vec![if wanted {
            missing("ready-texts-off", CARRIER)
        } else {
            said("ready-texts-unwanted", CARRIER)
        }];
    };
    let mut points = vec![match &carrier.checked {
        Some((_, check)) if check.refused => missing("ready-texts-refused", CARRIER),
        None => said("ready-texts-untested", CARRIER),
        Some((_, check)) if check.works => ready("ready-texts", CARRIER),
        Some(_) => missing("ready-texts-failed", CARRIER),
    }];
    if matches!(business.region, Region::UnitedStates | Region::Canada) {
        points.push(said("ready-texts-register", CARRIER));
    }
    // CASL, section 6(2): a message says how its sender is reached, the postal address included.
    if business.region == Region::Canada && business.details.mailing_address.is_empty() {
        points.push(missing("ready-no-mailing-address", BUSINESS));
    }
    if business.details.privacy_url.is_empty() {
        points.push(said("ready-no-privacy", BUSINESS));
    }
    points
}

/// Whether the world can reach this address, as far as the address tells.
pub fn is_reachable(public_url: &Url) -> bool {
    match public_url.host() {
        Some(Host::Domain(name)) => name != "localhost" && !name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_unspecified()),
        Some(Host::Ipv6(ip)) => !(ip.is_loopback() || ip.is_unspecified()),
        None => false,
    }
}

/// How the address of this installation stands.
pub fn address(public_url: &Url) -> Point {
    match public_url.scheme() {
        _ if !is_reachable(public_url) => missing("ready-address-local", ""),
        "https" => ready("ready-address", ""),
        _ => missing("ready-address-insecure", ""),
    }
}

fn details(scheduler: &Scheduler) -> String {
    format!("/office/settings/schedulers/{}", scheduler.public_id)
}

fn ready(key: &'static str, link: &str) -> Point {
    point(key, Standing::Ready, link)
}

fn said(key: &'static str, link: &str) -> Point {
    point(key, Standing::Said, link)
}

fn missing(key: &'static str, link: &str) -> Point {
    point(key, Standing::Missing, link)
}

fn point(key: &'static str, standing: Standing, link: &str) -> Point {
    Point {
        key,
        standing,
        link: link.to_owned(),
        act: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_only_this_machine_reaches_is_missing_and_one_without_tls_too() {
        let of = |url: &str| address(&Url::parse(url).unwrap());
        for local in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "https://[::1]/",
            "http://192.168.1.4",
        ] {
            assert_eq!(of(local).key, "ready-address-local", "{local}");
        }
        assert_eq!(of("http://book.example.com").key, "ready-address-insecure");
        assert_eq!(of("https://book.example.com").standing, Standing::Ready);
    }
}
