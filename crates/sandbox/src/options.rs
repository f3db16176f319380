//! How a sandbox is set up: the credentials it accepts and how its carrier behaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The keys the sandbox accepts; also what the demo seeds its business with. All of them are made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// ServiceTitan: the tenant's number.
    pub tenant: i64,
    /// ServiceTitan: OAuth client id.
    pub client_id: String,
    /// ServiceTitan: OAuth client secret.
    pub client_secret: String,
    /// ServiceTitan: the header `ST-App-Key`.
    pub app_key: String,
    /// ServiceTitan: the number of the booking provider in the path.
    pub booking_provider: i64,
    /// Carrier: `AC` and 32 hex digits.
    pub account_sid: String,
    /// Carrier: signs webhooks, and may send together with the account SID.
    pub auth_token: String,
    /// Carrier: an API key's SID, `SK` and 32 hex digits.
    pub api_key: String,
    /// Carrier: the API key's secret.
    pub api_secret: String,
    /// Carrier: the messaging service the number belongs to, `MG` and 32 hex digits.
    pub messaging_service_sid: String,
    /// Carrier: the number texts come from, E.164.
    pub from_number: String,
}

impl Default for Credentials {
    fn default() -> Credentials {
        Credentials {
            tenant: 1_602_555,
            client_id: "cid.sandbox-copperline".into(),
            client_secret: "cs1.sandbox-only-not-a-secret".into(),
            app_key: "ak1.sandbox-copperline".into(),
            booking_provider: 40_000_001,
            account_sid: "AC5a4db0c0ffee5a4db0c0ffee5a4db0c0".into(),
            auth_token: "5a4db0c0ffee5a4db0c0ffee5a4db0c1".into(),
            api_key: "SK5a4db0c0ffee5a4db0c0ffee5a4db0c2".into(),
            api_secret: "sandbox-only-not-a-secret".into(),
            messaging_service_sid: "MG5a4db0c0ffee5a4db0c0ffee5a4db0c3".into(),
            from_number: "+16025550100".into(),
        }
    }
}

/// Where the business of the demo is.
const PHOENIX: &str = "America/Phoenix";

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The keys it accepts.
    pub credentials: Credentials,
    /// Where texts to the business's number go: its inbound webhook. Also settable later.
    pub inbound_url: Option<String>,
    /// How the carrier tells what became of a message.
    pub delivery: Delivery,
    /// The carrier's *Advanced Opt-Out*: inbound webhooks carry `OptOutType`.
    pub advanced_opt_out: bool,
    /// The dice for faults with a share; the same seed hits the same calls.
    pub seed: u64,
    /// The zone the board and the phone show times in, and name: an IANA name.
    pub time_zone: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            credentials: Credentials::default(),
            inbound_url: None,
            delivery: Delivery::default(),
            advanced_opt_out: false,
            seed: 0,
            time_zone: PHOENIX.into(),
        }
    }
}

/// What becomes of messages, and how the status callbacks about it arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// How it ends.
    pub ending: Ending,
    /// The pause before each step, in milliseconds of real time.
    pub pause_ms: u64,
    /// The last callback comes first.
    pub reversed: bool,
    /// Every callback comes twice.
    pub duplicated: bool,
    /// No callback comes at all.
    pub lost: bool,
    /// All callbacks come before the answer to the request that sent the message.
    pub early: bool,
}

/// How a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It arrives.
    Delivered,
    /// The carrier takes it and never says more.
    Sent,
    /// The carrier takes it and gives it up with this error code, like 30003.
    Undelivered(u32),
    /// It never leaves, with this error code, like 30008.
    Failed(u32),
}

impl Default for Delivery {
    fn default() -> Delivery {
        Delivery {
            ending: Ending::Delivered,
            pause_ms: 200,
            reversed: false,
            duplicated: false,
            lost: false,
            early: false,
        }
    }
}

impl Delivery {
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
}
