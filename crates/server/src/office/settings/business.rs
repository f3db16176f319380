//! Settings, *Business*: who it is, where, when it is open, and what a text or a page says of it. The set-up
//! asks for a part of the same, so it is read here for both.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use ringback_domain::business::{Business, BusinessDetails, OpenSpan, OpeningHours};
use ringback_domain::person::clean_line;
use ringback_domain::phone::Phone;
use ringback_domain::region::Region;
use url::Url;

use super::sheet::Sheet;
use super::{Done, saved};
use crate::app::App;
use crate::error::Error;
use crate::office::door::Caller;
use crate::office::fields::{Asked, Fields};
use crate::office::page::{self, At, Shell};
use crate::store::business::NewBusiness;
use crate::store::{Order, business};
use crate::words::{Value, Words};

/// A name begins every text, where each letter counts.
const LONGEST_NAME: usize = 60;
const LONGEST_LEGAL_NAME: usize = 120;
const LONGEST_ADDRESS: usize = 200;
const LONGEST_URL: usize = 500;
/// Days without appointments kept at once: holidays of some years.
const MOST_CLOSED_DAYS: usize = 100;
/// Empty date fields offered below the days that stand.
const EMPTY_DAYS: usize = 3;

/// The days as the form has them, Monday first, each with the key of its name.
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "day-monday"),
    (Weekday::Tuesday, "day-tuesday"),
    (Weekday::Wednesday, "day-wednesday"),
    (Weekday::Thursday, "day-thursday"),
    (Weekday::Friday, "day-friday"),
    (Weekday::Saturday, "day-saturday"),
    (Weekday::Sunday, "day-sunday"),
];

#[derive(Template)]
#[template(path = "office/settings/business.html")]
struct BusinessPage {
    shell: Shell,
    done: Option<Done>,
    sheet: Sheet,
    /// Of the business as the form began with it.
    version: i64,
    /// Somebody else has changed it meanwhile.
    overtaken: bool,
}

impl BusinessPage {
    fn regions(&self) -> Vec<(String, String)> {
        regions(self.shell.w)
    }

    fn locales(&self) -> Vec<(String, String)> {
        locales()
    }

    fn zones(&self) -> Vec<ZoneGroup> {
        zones(self.shell.w, &self.sheet.value("time_zone"), self.shell.now)
    }

    fn days(&self) -> Vec<Day> {
        days(self.shell.w, &self.sheet)
    }

    fn closed(&self) -> Vec<String> {
        let mut closed = self.sheet.all("closed");
        closed.extend(std::iter::repeat_n(String::new(), EMPTY_DAYS));
        closed
    }
}

/// `GET /office/settings/business`.
pub async fn show(
    State(app): State<App>,
    me: Caller,
    Asked(asked): Asked,
) -> Result<Response, Error> {
    let shell = load(&app, &me).await?;
    let today = shell.now.to_zoned_datetime(shell.zone()).date();
    page::html(&BusinessPage {
        sheet: filled(&shell.business, today),
        done: Done::read(&asked),
        version: shell.business.version,
        overtaken: false,
        shell,
    })
}

/// `POST /office/settings/business`: all of it at once. A form that somebody else's change has overtaken is
/// refused with a sentence; what was typed stays.
pub async fn save(State(app): State<App>, me: Caller, fields: Fields) -> Result<Response, Error> {
    let id = me.business();
    let shell = load(&app, &me).await?;
    let version = fields.one("version").parse().unwrap_or(0);
    let mut sheet = Sheet::sent(fields);
    let Some(new) = read(&mut sheet, shell.w) else {
        let page = BusinessPage {
            shell,
            done: None,
            sheet,
            version,
            overtaken: false,
        };
        return page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let changed = Business {
        id,
        name: new.name,
        region: new.region,
        time_zone: new.time_zone,
        locale: new.locale,
        phone: new.phone,
        details: new.details,
        version,
    };
    let stands = app
        .store
        .write(Order::Business(id.get()), move |tx| {
            business::save(tx, &changed)
        })
        .await?;
    if stands {
        return Ok(saved("/office/settings/business", Done::Saved));
    }
    // Saved once more, it takes the place of what stands now.
    let shell = load(&app, &me).await?;
    let page = BusinessPage {
        version: shell.business.version,
        overtaken: true,
        done: None,
        sheet,
        shell,
    };
    page::html_as(StatusCode::CONFLICT, &page)
}

async fn load(app: &App, me: &Caller) -> Result<Shell, Error> {
    let me = me.clone();
    let shell = app.store.read(move |tx| Shell::load(tx, &me, At::Settings));
    Ok(shell.await?)
}

/// The form as the business stands; closed days that have passed are let go.
fn filled(business: &Business, today: Date) -> Sheet {
    let details = &business.details;
    let phone = business.phone.as_deref();
    let phone = phone.map_or_else(String::new, |phone| {
        page::shown_phone(phone, business.region)
    });
    let mut values = vec![
        ("name".to_owned(), business.name.clone()),
        ("region".to_owned(), business.region.to_string()),
        ("time_zone".to_owned(), business.time_zone.clone()),
        ("locale".to_owned(), business.locale.clone()),
        ("phone".to_owned(), phone),
        ("legal_name".to_owned(), details.legal_name.clone()),
        (
            "mailing_address".to_owned(),
            details.mailing_address.clone(),
        ),
        ("privacy_url".to_owned(), details.privacy_url.clone()),
    ];
    values.extend(filled_hours(&details.hours));
    let closed = details.closed_days.iter().filter(|day| **day >= today);
    values.extend(closed.map(|day| ("closed".to_owned(), day.to_string())));
    Sheet::filled(values)
}

/// The hours' part of a form.
pub fn filled_hours(hours: &OpeningHours) -> Vec<(String, String)> {
    let mut values = Vec::new();
    // A closed day shows the hours it would open with, so that one tick is enough.
    let usual = hours.days.iter().flatten().next().copied();
    for (n, (weekday, _)) in DAYS.iter().enumerate() {
        let span = hours.on(*weekday);
        if span.is_some() {
            values.push((format!("open-{n}"), "on".into()));
        }
        if let Some(span) = span.or(usual) {
            values.push((format!("from-{n}"), clock(span.from)));
            values.push((format!("to-{n}"), clock(span.to)));
        }
    }
    values
}

/// As `<input type="time">` writes it.
fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Reads a business out of a form, or says at each field what is wrong. A part that the form does not ask for
/// (the set-up is shorter) is left at its beginning.
pub fn read(sheet: &mut Sheet, w: &Words) -> Option<NewBusiness> {
    let name = line(sheet, w, "name", LONGEST_NAME);
    if name.is_empty() {
        sheet.wrong("name", w.say("wrong-business-name"));
    }
    let region = sheet.value("region").parse().ok();
    if region.is_none() {
        sheet.wrong("region", w.say("wrong-region"));
    }
    let time_zone = sheet.value("time_zone");
    if time_zone.is_empty() || TimeZone::get(&time_zone).is_err() {
        sheet.wrong("time_zone", w.say("wrong-time-zone"));
    }
    let locale = Some(sheet.value("locale"))
        .filter(|locale| Words::locales().any(|known| known == locale))
        .unwrap_or_else(|| w.locale().to_owned());
    let phone = read_phone(sheet, w, region.unwrap_or(Region::Other));
    let hours = read_hours(sheet, w);
    let closed_days = read_closed(sheet, w);
    let legal_name = line(sheet, w, "legal_name", LONGEST_LEGAL_NAME);
    let mailing_address = line(sheet, w, "mailing_address", LONGEST_ADDRESS);
    let privacy_url = read_url(sheet, w);
    if !sheet.is_right() {
        return None;
    }
    Some(NewBusiness {
        name,
        region: region?,
        time_zone,
        locale,
        phone,
        details: BusinessDetails {
            hours,
            closed_days,
            legal_name,
            mailing_address,
            privacy_url,
        },
    })
}

/// One line of text of at most so many characters.
pub fn line(sheet: &mut Sheet, w: &Words, name: &str, longest: usize) -> String {
    let line = clean_line(&sheet.value(name));
    if line.chars().count() > longest {
        sheet.wrong(name, w.with("wrong-too-long", &[("longest", longest)]));
    }
    line
}

fn read_phone(sheet: &mut Sheet, w: &Words, region: Region) -> Option<String> {
    let typed = Some(sheet.value("phone")).filter(|typed| !typed.is_empty())?;
    match Phone::parse(&typed, region) {
        Ok(phone) => Some(phone.to_string()),
        Err(error) => {
            sheet.wrong("phone", w.say(error.key()));
            None
        }
    }
}

fn read_hours(sheet: &mut Sheet, w: &Words) -> OpeningHours {
    let mut days = [None; 7];
    for (n, day) in days.iter_mut().enumerate() {
        if !sheet.ticked(&format!("open-{n}")) {
            continue;
        }
        let time = |end: &str| sheet.value(&format!("{end}-{n}")).parse::<Time>().ok();
        match (time("from"), time("to")) {
            (Some(from), Some(to)) if from < to => *day = Some(OpenSpan { from, to }),
            (Some(_), Some(_)) => sheet.wrong(&format!("hours-{n}"), w.say("wrong-hours-order")),
            _ => sheet.wrong(&format!("hours-{n}"), w.say("wrong-hours")),
        }
    }
    if days.iter().all(Option::is_none) {
        sheet.wrong("hours-0", w.say("wrong-never-open"));
    }
    OpeningHours { days }
}

fn read_closed(sheet: &mut Sheet, w: &Words) -> Vec<Date> {
    let mut days = Vec::new();
    for typed in sheet.all("closed") {
        match typed.parse::<Date>() {
            Ok(day) => days.push(day),
            Err(_) => sheet.wrong("closed", w.with("wrong-date", &[("typed", typed)])),
        }
    }
    days.sort_unstable();
    days.dedup();
    if days.len() > MOST_CLOSED_DAYS {
        let most = [("most", MOST_CLOSED_DAYS)];
        sheet.wrong("closed", w.with("wrong-too-many-days", &most));
    }
    days
}

fn read_url(sheet: &mut Sheet, w: &Words) -> String {
    let typed = line(sheet, w, "privacy_url", LONGEST_URL);
    if typed.is_empty() {
        return typed;
    }
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    // People leave the scheme out.
    let whole = if typed.contains("://") {
        typed.clone()
    } else {
        format!("https://{typed}")
    };
    match Url::parse(&whole) {
        Ok(url) if is_web(&url) && url.host_str().is_some_and(|host| host.contains('.')) => {
            url.into()
        }
        _ => {
            sheet.wrong("privacy_url", w.say("wrong-url"));
            typed
        }
    }
}

/// The regions to choose from: word and name.
pub fn regions(w: &Words) -> Vec<(String, String)> {
    let regions = Region::ALL.iter();
    regions
        .map(|region| (region.to_string(), w.say(region.name_key())))
        .collect()
}

/// The languages to choose from, each under its own name.
pub fn locales() -> Vec<(String, String)> {
    Words::locales()
        .map(|locale| (locale.to_owned(), Words::of(locale).say("language-name")))
        .collect()
}

/// Time zones of one region.
pub struct ZoneGroup {
    /// The region's word; empty for a zone that is in no list.
    pub region: String,
    /// The region's name.
    pub name: String,
    /// IANA name, how it is shown, whether it is the chosen one.
    pub zones: Vec<(String, String, bool)>,
}

/// The time zones to choose from, by region; the one that stands comes along even when no list has it.
pub fn zones(w: &Words, chosen: &str, now: Timestamp) -> Vec<ZoneGroup> {
    let mut groups: Vec<ZoneGroup> = Region::ALL
        .iter()
        .map(|region| ZoneGroup {
            region: region.to_string(),
            name: w.say(region.name_key()),
            zones: region
                .time_zones()
                .iter()
                .map(|zone| ((*zone).to_owned(), zone_shown(zone, now), *zone == chosen))
                .collect(),
        })
        .collect();
    let listed = groups
        .iter()
        .any(|group| group.zones.iter().any(|(_, _, is)| *is));
    if !listed && TimeZone::get(chosen).is_ok() {
        let zone = (chosen.to_owned(), zone_shown(chosen, now), true);
        groups.insert(
            0,
            ZoneGroup {
                region: String::new(),
                name: w.say("zone-chosen"),
                zones: vec![zone],
            },
        );
    }
    groups
}

/// `Phoenix (UTC−7)`.
fn zone_shown(zone: &str, now: Timestamp) -> String {
    let place = zone.rsplit('/').next().unwrap_or(zone).replace('_', " ");
    let Ok(tz) = TimeZone::get(zone) else {
        return place;
    };
    let seconds = tz.to_offset(now).seconds();
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{place} (UTC)"),
        (hours, 0) => format!("{place} (UTC{sign}{hours})"),
        (hours, minutes) => format!("{place} (UTC{sign}{hours}:{minutes:02})"),
    }
}

/// A line of the opening hours.
pub struct Day {
    /// 0 is Monday.
    pub n: usize,
    /// In full.
    pub name: String,
    /// Whether it is ticked.
    pub open: bool,
    /// `08:00`.
    pub from: String,
    /// `17:00`.
    pub to: String,
    /// What is wrong with it.
    pub trouble: Option<String>,
    /// The accessible name of `from`.
    pub opens: String,
    /// The accessible name of `to`.
    pub closes: String,
}

/// The lines of the opening hours, Monday first.
pub fn days(w: &Words, sheet: &Sheet) -> Vec<Day> {
    let day = |(n, (_, key)): (usize, &(Weekday, &str))| {
        let name = w.say(key);
        let named = |key: &str| w.with(key, &[("day", Value::from(name.as_str()))]);
        Day {
            n,
            open: sheet.ticked(&format!("open-{n}")),
            from: sheet.value(&format!("from-{n}")),
            to: sheet.value(&format!("to-{n}")),
            trouble: sheet.trouble(&format!("hours-{n}")).map(str::to_owned),
            opens: named("hours-opens"),
            closes: named("hours-closes"),
            name,
        }
    };
    DAYS.iter().enumerate().map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn sheet(body: &str) -> Sheet {
        Sheet::sent(Fields::read(body.as_bytes()))
    }

    const COPPERLINE: &str = "name=Copperline+Home+Services&region=us&time_zone=America/Phoenix\
        &phone=(602)+555-0100&open-0=on&from-0=08:00&to-0=18:00";

    #[test]
    fn a_business_is_read_as_it_was_typed() {
        let mut sheet = sheet(&format!(
            "{COPPERLINE}&closed=2026-12-25&closed=&closed=2026-11-26&closed=2026-12-25&privacy_url=copperline.example/privacy"
        ));
        let read = read(&mut sheet, Words::of("en")).unwrap();
        assert_eq!(read.name, "Copperline Home Services");
        assert_eq!(read.region, Region::UnitedStates);
        assert_eq!(read.phone.as_deref(), Some("+16025550100"));
        assert_eq!(read.locale, "en");
        let monday = read.details.hours.on(Weekday::Monday).unwrap();
        assert_eq!(
            (monday.from, monday.to),
            (time(8, 0, 0, 0), time(18, 0, 0, 0))
        );
        assert!(read.details.hours.on(Weekday::Tuesday).is_none());
        assert_eq!(
            read.details.closed_days,
            [date(2026, 11, 26), date(2026, 12, 25)]
        );
        assert_eq!(
            read.details.privacy_url,
            "https://copperline.example/privacy"
        );
    }

    #[test]
    fn every_slip_has_a_sentence_at_its_field() {
        let slips = [
            ("name=", "name"),
            ("region=moon", "region"),
            ("time_zone=Phoenix", "time_zone"),
            ("time_zone=", "time_zone"),
            ("phone=12", "phone"),
            ("from-0=", "hours-0"),
            ("to-0=07:00", "hours-0"),
            ("open-0=", "hours-0"),
            ("closed=Christmas", "closed"),
            ("privacy_url=javascript://x.example/", "privacy_url"),
            ("privacy_url=our+page", "privacy_url"),
        ];
        for (slip, field) in slips {
            // The first value of a name counts: the slip goes in front.
            let mut sheet = sheet(&format!("{slip}&{COPPERLINE}"));
            assert!(read(&mut sheet, Words::of("en")).is_none(), "{slip}");
            let trouble = sheet.trouble(field).unwrap_or_default();
            assert!(
                trouble.ends_with('.') || trouble.ends_with('}'),
                "{slip}: {trouble}"
            );
        }
        let mut sheet = sheet(&format!("name={}&{COPPERLINE}", "x".repeat(61)));
        assert!(read(&mut sheet, Words::of("en")).is_none());
    }

    #[test]
    fn what_is_shown_reads_back_the_same_without_days_gone_by() {
        let w = Words::of("en");
        let mut first = sheet(&format!("{COPPERLINE}&closed=2026-12-25&closed=2020-01-01"));
        let read_first = read(&mut first, w).unwrap();
        let business = Business {
            id: ringback_domain::id::BusinessId::new(1),
            name: read_first.name.clone(),
            region: read_first.region,
            time_zone: read_first.time_zone.clone(),
            locale: read_first.locale.clone(),
            phone: read_first.phone.clone(),
            details: read_first.details.clone(),
            version: 3,
        };
        let mut shown = filled(&business, date(2026, 11, 23));
        assert_eq!(shown.value("phone"), "(602) 555-0100");
        let again = read(&mut shown, w).unwrap();
        assert_eq!(again.details.hours, read_first.details.hours);
        assert_eq!(again.details.closed_days, [date(2026, 12, 25)]);
    }

    #[test]
    fn a_zone_that_no_list_has_can_stand_and_offsets_are_true() {
        let now: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(zone_shown("America/Phoenix", now), "Phoenix (UTC−7)");
        assert_eq!(zone_shown("Asia/Kolkata", now), "Kolkata (UTC+5:30)");
        assert_eq!(zone_shown("America/St_Johns", now), "St Johns (UTC−2:30)");
        let groups = zones(Words::of("en"), "Europe/Vienna", now);
        assert_eq!(groups[0].zones[0].0, "Europe/Vienna");
        assert!(groups[0].zones[0].2);
        let groups = zones(Words::of("en"), "nonsense", now);
        assert_eq!(groups.len(), Region::ALL.len());
    }
}
