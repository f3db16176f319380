//! What the pretend ServiceTitan of Copperline Home Services has been set up with: the lists an
//! administrator finds in Settings. The IDs are fixed, so that the demo and the tests can name them.

use serde_json::{Value, json};

/// The user that calls of the API are booked under.
pub const API_USER: i64 = 7_000_001;

/// Campaign *Website scheduler*, the default one.
pub const CAMPAIGN_WEBSITE: i64 = 41_000_001;
/// Campaign *Google Ads*.
pub const CAMPAIGN_GOOGLE_ADS: i64 = 41_000_002;
/// Campaign *Spring mailer 2024*, no longer active.
pub const CAMPAIGN_INACTIVE: i64 = 41_000_003;

/// Call reason *Online scheduler, did not finish*, one for leads.
pub const REASON_UNFINISHED: i64 = 42_000_001;
/// Call reason *Price shopping*, one for leads.
pub const REASON_PRICE_SHOPPING: i64 = 42_000_002;
/// Call reason *Booked online*, used to dismiss.
pub const REASON_BOOKED_ONLINE: i64 = 42_000_003;
/// Call reason *Wrong number*, not for leads.
pub const REASON_WRONG_NUMBER: i64 = 42_000_004;

/// Business unit *HVAC - Service*.
pub const UNIT_HVAC_SERVICE: i64 = 43_000_001;
/// Business unit *Plumbing - Service*.
pub const UNIT_PLUMBING_SERVICE: i64 = 43_000_002;
/// Business unit *Commercial - Service*.
pub const UNIT_COMMERCIAL_SERVICE: i64 = 43_000_003;
/// Business unit *New Construction*.
pub const UNIT_CONSTRUCTION: i64 = 43_000_004;

/// Job type *AC Repair*.
pub const JOB_AC_REPAIR: i64 = 44_000_001;
/// Job type *Heating Repair*.
pub const JOB_HEATING_REPAIR: i64 = 44_000_002;
/// Job type *HVAC Maintenance*.
pub const JOB_HVAC_MAINTENANCE: i64 = 44_000_003;
/// Job type *HVAC Replacement Estimate*.
pub const JOB_HVAC_ESTIMATE: i64 = 44_000_004;
/// Job type *Plumbing Repair*.
pub const JOB_PLUMBING_REPAIR: i64 = 44_000_005;
/// Job type *Water Heater*.
pub const JOB_WATER_HEATER: i64 = 44_000_006;
/// Job type *Commercial Service Call*.
pub const JOB_COMMERCIAL_CALL: i64 = 44_000_007;
/// Job type *Construction Site Visit*.
pub const JOB_SITE_VISIT: i64 = 44_000_008;

/// Tag *Online scheduler*.
pub const TAG_ONLINE: i64 = 45_000_001;

pub(super) fn campaigns() -> Vec<Value> {
    let campaign = |id: i64, name: &str, active: bool, default: bool, source: &str| {
        json!({
            "id": id, "name": name, "active": active, "isDefaultCampaign": default,
            "category": { "id": 41_100_001, "name": "Digital", "active": true },
            "source": source, "otherSource": null, "businessUnit": null, "medium": "Web", "otherMedium": null,
            "campaignPhoneNumbers": [],
        })
    };
    vec![
        campaign(CAMPAIGN_WEBSITE, "Website scheduler", true, true, "Website"),
        campaign(CAMPAIGN_GOOGLE_ADS, "Google Ads", true, false, "Google"),
        campaign(
            CAMPAIGN_INACTIVE,
            "Spring mailer 2024",
            false,
            false,
            "Mailer",
        ),
    ]
}

pub(super) fn call_reasons() -> Vec<Value> {
    let reason = |id: i64, name: &str, lead: bool, active: bool| json!({ "id": id, "name": name, "isLead": lead, "active": active });
    vec![
        reason(
            REASON_UNFINISHED,
            "Online scheduler, did not finish",
            true,
            true,
        ),
        reason(REASON_PRICE_SHOPPING, "Price shopping", true, true),
        reason(REASON_BOOKED_ONLINE, "Booked online", false, true),
        reason(REASON_WRONG_NUMBER, "Wrong number", false, true),
        reason(42_000_005, "Radio spot", true, false),
    ]
}

pub(super) fn business_units() -> Vec<Value> {
    let unit = |id: i64, name: &str, trade: &str, division: &str| {
        json!({
            "id": id, "active": true, "name": name, "officialName": "Copperline Home Services LLC",
            "email": "office@copperline.example", "currency": "USD", "phoneNumber": "6025550100",
            "invoiceHeader": null, "invoiceMessage": null, "defaultTaxRate": 0.086,
            "authorizationParagraph": null, "acknowledgementParagraph": null,
            "address": {
                "street": "410 N Copper Ave", "unit": null, "city": "Phoenix", "state": "AZ", "zip": "85004",
                "country": "USA", "latitude": null, "longitude": null, "isManualCoordinates": false, "isMilitary": false,
            },
            "materialSku": null, "quickbooksClass": null, "accountCode": null, "franchiseId": null,
            "conceptCode": null, "corporateContractNumber": null,
            "trade": { "id": id + 100_000, "name": trade }, "division": { "id": id + 200_000, "name": division },
            "tagTypeIds": [], "tenant": null, "externalData": [],
        })
    };
    vec![
        unit(UNIT_HVAC_SERVICE, "HVAC - Service", "HVAC", "Residential"),
        unit(
            UNIT_PLUMBING_SERVICE,
            "Plumbing - Service",
            "Plumbing",
            "Residential",
        ),
        unit(
            UNIT_COMMERCIAL_SERVICE,
            "Commercial - Service",
            "HVAC",
            "Commercial",
        ),
        unit(
            UNIT_CONSTRUCTION,
            "New Construction",
            "HVAC",
            "Construction",
        ),
    ]
}

pub(super) fn job_types() -> Vec<Value> {
    let job = |id: i64, name: &str, units: &[i64], hours: i64, class: &str| {
        json!({
            "id": id, "name": name, "businessUnitIds": units, "skills": [], "tagTypeIds": [], "priority": "Normal",
            "duration": hours * 3600, "soldThreshold": null, "class": class, "summary": "", "noCharge": false,
            "enforceRecurringServiceEventSelection": null, "invoiceSignaturesRequired": false, "externalData": [],
            "active": true, "isSmartDispatched": false,
        })
    };
    vec![
        job(
            JOB_AC_REPAIR,
            "AC Repair",
            &[UNIT_HVAC_SERVICE],
            2,
            "Service",
        ),
        job(
            JOB_HEATING_REPAIR,
            "Heating Repair",
            &[UNIT_HVAC_SERVICE],
            2,
            "Service",
        ),
        job(
            JOB_HVAC_MAINTENANCE,
            "HVAC Maintenance",
            &[UNIT_HVAC_SERVICE],
            1,
            "Maintenance",
        ),
        job(
            JOB_HVAC_ESTIMATE,
            "HVAC Replacement Estimate",
            &[UNIT_HVAC_SERVICE],
            2,
            "Sales",
        ),
        job(
            JOB_PLUMBING_REPAIR,
            "Plumbing Repair",
            &[UNIT_PLUMBING_SERVICE],
            2,
            "Service",
        ),
        job(
            JOB_WATER_HEATER,
            "Water Heater",
            &[UNIT_PLUMBING_SERVICE],
            3,
            "Service",
        ),
        job(
            JOB_COMMERCIAL_CALL,
            "Commercial Service Call",
            &[UNIT_COMMERCIAL_SERVICE],
            3,
            "Service",
        ),
        job(
            JOB_SITE_VISIT,
            "Construction Site Visit",
            &[UNIT_CONSTRUCTION],
            2,
            "Sales",
        ),
    ]
}

pub(super) fn tag_types() -> Vec<Value> {
    let tag = |id: i64, name: &str, code: &str, color: &str| {
        json!({
            "id": id, "name": name, "color": color, "code": code, "importance": null, "isConversionOpportunity": false,
            "allowToUseOnTimesheetActivity": false, "isVisibleOnDispatchBoard": true, "active": true,
        })
    };
    vec![
        tag(TAG_ONLINE, "Online scheduler", "ONL", "#0b5fff"),
        tag(45_000_002, "VIP", "VIP", "#b45309"),
    ]
}

pub(super) fn zones() -> Vec<Value> {
    let zips: Vec<String> = (85_001..=85_099).map(|zip| zip.to_string()).collect();
    vec![json!({
        "id": 46_000_001, "active": true, "name": "Phoenix", "zips": zips, "cities": ["Phoenix"], "territoryNumbers": [],
        "locnNumbers": [], "createdBy": API_USER, "serviceDaysEnabled": false, "serviceDays": [],
        "businessUnits": [UNIT_HVAC_SERVICE, UNIT_PLUMBING_SERVICE, UNIT_COMMERCIAL_SERVICE, UNIT_CONSTRUCTION],
        "technicians": [],
    })]
}

pub(super) fn arrival_windows() -> Vec<Value> {
    let window = |id: i64, start: &str| json!({ "id": id, "start": start, "duration": "04:00:00", "businessUnitIds": [UNIT_HVAC_SERVICE, UNIT_PLUMBING_SERVICE], "active": true });
    vec![
        window(47_000_001, "08:00:00"),
        window(47_000_002, "12:00:00"),
    ]
}

pub(super) fn business_hours() -> Value {
    json!({
        "weekdays": [{ "fromHour": 8, "toHour": 17 }],
        "saturday": [{ "fromHour": 8, "toHour": 12 }],
        "sunday": [],
    })
}
