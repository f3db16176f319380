//! The numbers that want no texts (telecom/v3): `Telecom.V3.CreateOptOutListRequest` and
//! `GetOptOutListRequest`. Numbers come in as E.164; one bad number fails the whole request.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::validation::{Field, Kind, Problem, read, required};
use super::{Answer, Call, Tenant, changed};
use crate::phone::is_e164;

const CREATE: &[Field] = &[
    required(
        "optOutType",
        Kind::OneOf(&["Unknown", "Global", "Marketing", "Other"]),
    ),
    required("contactNumbers", Kind::List(&Kind::Text)),
];
const FIND: &[Field] = &[required("contactNumbers", Kind::List(&Kind::Text))];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    opt_out_type: Option<String>,
    contact_numbers: Vec<String>,
}

impl Tenant {
    pub(super) fn list_opt_outs(&self) -> Result<Answer, Problem> {
        let data: Vec<Value> = self.opt_outs.iter().map(entry).collect();
        Ok(Answer::json(StatusCode::OK, &json!({ "data": data })))
    }

    pub(super) fn find_opt_outs(&self, call: &Call) -> Result<Answer, Problem> {
        let wanted = numbers(read(call, FIND)?)?.contact_numbers;
        let data: Vec<Value> = self
            .opt_outs
            .iter()
            .filter(|(number, _)| wanted.contains(number))
            .map(entry)
            .collect();
        Ok(Answer::json(StatusCode::OK, &json!({ "data": data })))
    }

    /// A number that is out of everything cannot be put out of marketing: `LogicalError`.
    pub(super) fn create_opt_outs(&mut self, call: &Call) -> Result<Answer, Problem> {
        let new = numbers(read(call, CREATE)?)?;
        let kind = new.opt_out_type.unwrap_or_default();
        let data: Vec<Value> = new
            .contact_numbers
            .into_iter()
            .map(|number| {
                let clash = kind == "Marketing" && self.opt_outs.get(&number).is_some_and(|known| known == "Global");
                if !clash {
                    self.opt_outs.insert(number.clone(), kind.clone());
                }
                json!({ "contactNumber": number, "status": if clash { "LogicalError" } else { "Ok" } })
            })
            .collect();
        Ok(changed(&json!({ "data": data })))
    }
}

fn entry((number, kind): (&String, &String)) -> Value {
    json!({ "contactNumber": number, "optOutType": kind })
}

fn numbers(numbers: Numbers) -> Result<Numbers, Problem> {
    if numbers.contact_numbers.is_empty() {
        return Err(Problem::field(
            "contactNumbers",
            "There must be at least one phone number.",
        ));
    }
    match numbers
        .contact_numbers
        .iter()
        .find(|number| !is_e164(number))
    {
        Some(bad) => Err(Problem::field(
            "contactNumbers",
            format!("'{bad}' is not a phone number."),
        )),
        None => Ok(numbers),
    }
}
