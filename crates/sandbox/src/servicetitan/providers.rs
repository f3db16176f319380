//! Booking providers, "booking provider tags" in ServiceTitan (crm/v2): whose bookings a client makes.
//! `Crm.V2.CreateBookingProviderTagRequest` and `UpdateBookingProviderTagRequest`.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listing::{Listed, Listing};
use super::validation::{Field, Kind, Problem, optional, read, required};
use super::{Answer, Call, Tenant, changed, path_id};
use crate::options::Credentials;

const CREATE: &[Field] = &[
    required("tagName", Kind::Text),
    required("description", Kind::Text),
];

const UPDATE: &[Field] = &[
    optional("tagName", Kind::Text),
    optional("description", Kind::Text),
];

/// A booking provider, "tag" in ServiceTitan's settings.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProviderTag {
    id: i64,
    tag_name: String,
    description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    created_on: Timestamp,
    modified_on: Timestamp,
    active: bool,
}

impl ProviderTag {
    pub(super) fn seeded(credentials: &Credentials, now: Timestamp) -> ProviderTag {
        ProviderTag {
            id: credentials.booking_provider,
            tag_name: "Ringback".into(),
            description: "Bookings from the online scheduler".into(),
            kind: "V2Api",
            created_on: now,
            modified_on: now,
            active: true,
        }
    }
}

impl Listed for ProviderTag {
    fn id(&self) -> i64 {
        self.id
    }
    fn created_on(&self) -> Timestamp {
        self.created_on
    }
    fn modified_on(&self) -> Timestamp {
        self.modified_on
    }
    fn json(&self) -> Value {
        json!(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderBody {
    tag_name: Option<String>,
    description: Option<String>,
}

impl Tenant {
    /// The provider with this id in the path.
    pub(super) fn provider(&self, id: &str) -> Result<i64, Problem> {
        let id = path_id(id)?;
        match self.providers.iter().any(|tag| tag.id == id) {
            true => Ok(id),
            false => Err(Problem::not_found("Booking provider", id)),
        }
    }

    pub(super) fn list_providers(&self, call: &Call) -> Result<Answer, Problem> {
        let listing = Listing::read(call, &["name"])?;
        let name = listing.text("name");
        listing.page(
            self.providers
                .iter()
                .filter(|tag| name.is_none_or(|name| tag.tag_name == name)),
        )
    }

    pub(super) fn get_provider(&self, id: &str) -> Result<Answer, Problem> {
        let id = path_id(id)?;
        let tag = self.providers.iter().find(|tag| tag.id == id);
        tag.map(|tag| Answer::json(StatusCode::OK, &json!(tag)))
            .ok_or_else(|| Problem::not_found("Booking provider tag", id))
    }

    pub(super) fn create_provider(
        &mut self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let new: ProviderBody = read(call, CREATE)?;
        let (tag_name, description) = (
            new.tag_name.unwrap_or_default(),
            new.description.unwrap_or_default(),
        );
        if self.providers.iter().any(|tag| tag.tag_name == tag_name) {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                format!("There is a booking provider tag '{tag_name}' already."),
            ));
        }
        let id = self.next_id();
        let tag = ProviderTag {
            id,
            tag_name,
            description,
            kind: "V2Api",
            created_on: now,
            modified_on: now,
            active: true,
        };
        let answer = changed(&without_active(&tag));
        self.providers.push(tag);
        Ok(answer)
    }

    pub(super) fn update_provider(
        &mut self,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let update: ProviderBody = read(call, UPDATE)?;
        let id = path_id(id)?;
        let tag = self.providers.iter_mut().find(|tag| tag.id == id);
        let tag = tag.ok_or_else(|| Problem::not_found("Booking provider tag", id))?;
        tag.tag_name = update.tag_name.unwrap_or_else(|| tag.tag_name.clone());
        tag.description = update
            .description
            .unwrap_or_else(|| tag.description.clone());
        tag.modified_on = now;
        Ok(changed(&without_active(tag)))
    }
}

/// The responses to creating and updating a tag lack `active`; those to reading one have it.
fn without_active(tag: &ProviderTag) -> Value {
    let mut body = json!(tag);
    if let Some(members) = body.as_object_mut() {
        members.remove("active");
    }
    body
}
