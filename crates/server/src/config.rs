//! Configuration: `ringback.toml`, then `RINGBACK_*` variables over it. Unknown keys are refused with the
//! nearest known one, so that a slip of the pen does not pass for a setting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::SignedDuration;
use ringback_domain::delivery::CRM_WORKS_FOR;
use secrecy::SecretString;
use serde::Deserialize;
use url::{Position, Url};

/// Everything that is set outside the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// What visitors, carriers and staff call us; no path.
    pub public_url: Url,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: SecretString,
    /// The key that secrets in the database are encrypted with; made at the first start.
    pub key_file: PathBuf,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// This server's name among several; one name per running server.
    pub node: String,
    /// Where other servers run too: seconds from the first `/readyz` that says no until this one takes nothing
    /// new, so that whoever spreads visitors has noticed. 0 to 600.
    #[serde(deserialize_with = "seconds")]
    pub drain_seconds: u64,
    /// `text` or `json`.
    pub log: LogFormat,
    /// Where a Prometheus finds `/metrics`; nowhere unless set. Not for the public: anybody who reaches it may read.
    pub metrics_listen: Option<SocketAddr>,
    /// ServiceTitan's token address, without a path.
    pub servicetitan_auth_url: Url,
    /// ServiceTitan's API address, without a path.
    pub servicetitan_api_url: Url,
    /// Twilio's API address, without a path.
    pub twilio_url: Url,
    /// How long the CRM may be working on a request: a property of ServiceTitan, not a setting. The pretend
    /// one is quicker.
    #[serde(skip)]
    pub crm_works_for: SignedDuration,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Every key there is: of the file, and in capitals after `RINGBACK_` of the environment.
pub const KEYS: &[&str] = &[
    "public_url",
    "listen",
    "database_url",
    "key_file",
    "trusted_proxies",
    "node",
    "drain_seconds",
    "log",
    "metrics_listen",
    "servicetitan_auth_url",
    "servicetitan_api_url",
    "twilio_url",
];

/// Twice the longest of [`KEYS`]: nothing longer is a slip of the pen.
const LONGEST_NAME: usize = 42;

/// What is wrong with the configuration, as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Default for Config {
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("a constant URL");
        Self {
            public_url: url("http://localhost:8080"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: "sqlite:ringback.db".to_owned().into(),
            key_file: PathBuf::from("ringback.key"),
            trusted_proxies: Vec::new(),
            node: "ringback".into(),
            drain_seconds: 5,
            log: LogFormat::Text,
            metrics_listen: None,
            servicetitan_auth_url: url("https://auth.servicetitan.io"),
            servicetitan_api_url: url("https://api.servicetitan.io"),
            twilio_url: url("https://api.twilio.com"),
            crm_works_for: CRM_WORKS_FOR,
        }
    }
}

impl Config {
    /// Reads the file (the one named, or `ringback.toml` where it exists) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new("ringback.toml"));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && file.is_none() => String::new(),
            Err(e) => return Err(ConfigError(format!("cannot read {}: {e}", path.display()))),
        };
        let variables =
            std::env::vars().filter(|(name, _)| name != crate::testing::POSTGRES_VARIABLE);
        Self::read(&text, variables)
    }

    /// Puts a file's text and variables together. Later wins.
    pub fn read(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table = text.parse().map_err(|e| unreadable(text, &e))?;
        for key in table.keys() {
            known(key, "ringback.toml", str::to_owned)?;
        }
        for (name, value) in variables {
            let Some(key) = name.strip_prefix("RINGBACK_") else {
                continue;
            };
            let key = key.to_lowercase();
            known(&key, "the environment", variable)?;
            let value = match key.as_str() {
                "trusted_proxies" => {
                    let nets = value
                        .split(',')
                        .map(str::trim)
                        .filter(|net| !net.is_empty());
                    toml::Value::Array(nets.map(|net| net.into()).collect())
                }
                _ => toml::Value::String(value),
            };
            table.insert(key, value);
        }
        // One at a time, so that what is said names the setting.
        for (key, value) in &table {
            let alone = toml::Table::from_iter([(key.clone(), value.clone())]);
            alone
                .try_into::<Self>()
                .map_err(|e| not_understood(key, value, e.message()))?;
        }
        let config: Self = table
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError(format!("configuration: {e}")))?;
        config.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        if !matches!(self.public_url.scheme(), "http" | "https") || self.public_url.host().is_none()
        {
            return Err(ConfigError(
                "public_url must begin with https:// (or http:// on your own machine)".into(),
            ));
        }
        if self.public_url.path() != "/" || self.public_url.query().is_some() {
            return Err(ConfigError(
                "public_url must end after the host: no path and no query".into(),
            ));
        }
        if !self.public_url.username().is_empty() || self.public_url.password().is_some() {
            return Err(ConfigError(
                "public_url must be the address alone: no user and no password before the host"
                    .into(),
            ));
        }
        if self.node.is_empty() || self.node.len() > 64 {
            return Err(ConfigError(
                "node must be a name of 1 to 64 characters".into(),
            ));
        }
        Ok(self)
    }

    /// The origin of [`Config::public_url`], such as `https://book.example.com`.
    pub fn origin(&self) -> &str {
        &self.public_url[..Position::BeforePath]
    }

    /// Whether visitors reach us by TLS: decides the cookies' `__Host-` names.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// A whole number, or, from a variable, its digits.
fn seconds<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Digits(String),
    }
    let seconds = match Written::deserialize(value)? {
        Written::Number(seconds) => Some(seconds),
        Written::Digits(digits) => digits.parse().ok(),
    };
    let within = seconds.filter(|seconds| *seconds <= 600);
    within.ok_or_else(|| serde::de::Error::custom("0 to 600 seconds"))
}

/// The variable that a setting can also be.
fn variable(key: &str) -> String {
    format!("RINGBACK_{}", key.to_uppercase())
}

fn known(key: &str, place: &str, written: fn(&str) -> String) -> Result<(), ConfigError> {
    if KEYS.contains(&key) {
        return Ok(());
    }
    let nearest = KEYS
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
    let hint = nearest
        .map(|known| format!(" Did you mean `{}`?", written(known)))
        .unwrap_or_default();
    // What is no name may be anything, a password too: a line with its two sides changed about.
    let named = if is_a_name(key) {
        format!("`{}`", written(key))
    } else {
        "A line".to_owned()
    };
    Err(ConfigError(format!(
        "{named} in {place} is not a setting.{hint}"
    )))
}

/// Whether somebody may have meant this as the name of a setting.
fn is_a_name(key: &str) -> bool {
    (1..=LONGEST_NAME).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// Where, and not what: the line may hold a password.
fn unreadable(text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    ConfigError(format!(
        "ringback.toml, line {line}, cannot be read. Write key = \"value\", one on each line"
    ))
}

/// Never with the value: the database's holds a password, and may stand under another key by mistake.
fn not_understood(key: &str, value: &toml::Value, reason: &str) -> ConfigError {
    let example = match key {
        "public_url" => "\"https://book.example.com\"",
        "listen" => "\"127.0.0.1:8080\"",
        "metrics_listen" => "\"127.0.0.1:9464\"",
        "database_url" => "\"sqlite:ringback.db\"",
        "key_file" => "\"ringback.key\"",
        "trusted_proxies" => "[\"127.0.0.1/32\"]",
        "log" => "\"text\"",
        "node" => "\"ringback\"",
        "drain_seconds" => "5",
        _ => "\"https://api.example.com\"",
    };
    // As it stands, or as Rust quotes it.
    let repeats = value.as_str().is_some_and(|value| {
        let quoted = format!("{value:?}");
        reason.contains(value) || reason.contains(&quoted)
    });
    let reason = if repeats {
        String::new()
    } else {
        format!(" ({reason})")
    };
    ConfigError(format!(
        "`{key}` is not understood{reason}. Write it like {key} = {example}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(
            text,
            variables
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let config = read(
            "listen = \"0.0.0.0:80\"\ndatabase_url = \"sqlite:a.db\"",
            &[
                ("RINGBACK_DATABASE_URL", "sqlite:b.db"),
                ("RINGBACK_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1/32"),
                ("RINGBACK_DRAIN_SECONDS", "20"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen.port(), 80);
        assert_eq!(config.drain_seconds, 20);
        assert_eq!(config.database_url.expose_secret(), "sqlite:b.db");
        assert_eq!(config.trusted_proxies.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let told = read("databse_url = \"x\"", &[]).unwrap_err().to_string();
        assert!(
            told.contains("`databse_url`") && told.contains("`database_url`"),
            "{told}"
        );
        let told = read("", &[("RINGBACK_PUBLIC", "x")])
            .unwrap_err()
            .to_string();
        assert!(told.contains("`RINGBACK_PUBLIC_URL`"), "{told}");
    }

    #[test]
    fn a_value_that_is_not_understood_is_named_with_one_that_is() {
        for (text, named) in [
            ("listen = \"8080\"", "listen = \"127.0.0.1:8080\""),
            (
                "public_url = \"book.example.com\"",
                "public_url = \"https://",
            ),
            (
                "trusted_proxies = [\"localhost\"]",
                "trusted_proxies = [\"127.0.0.1/32\"]",
            ),
            ("drain_seconds = 601", "drain_seconds = 5"),
        ] {
            let told = read(text, &[]).unwrap_err().to_string();
            assert!(told.contains(named), "{told}");
        }
        let told = read("database_url = [\"postgres://u:hunter2@h/d\"]", &[])
            .unwrap_err()
            .to_string();
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn a_password_is_not_told_wherever_it_stands() {
        let line = "listen = \"127.0.0.1:80\"\ndatabase_url = \"postgres://u:hunter2@h/d";
        let told = read(line, &[]).unwrap_err().to_string();
        assert!(
            told.contains("line 2") && !told.contains("hunter2"),
            "{told}"
        );
        let told = read("\"postgres://u:hunter2@h/d\" = \"database_url\"", &[]);
        let told = told.unwrap_err().to_string();
        assert!(
            told.starts_with("A line in") && !told.contains("hunter2"),
            "{told}"
        );
        let told = read("", &[("RINGBACK_postgres://u:hunter2@h/d", "")]);
        let told = told.unwrap_err().to_string().to_lowercase();
        assert!(
            told.contains("a line in") && !told.contains("hunter2"),
            "{told}"
        );
        // A reason may repeat a value as Rust quotes it.
        let told = read("", &[("RINGBACK_PUBLIC_URL", "\"hunter2\"@h")]);
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("`public_url`") && !told.contains("hunter2"),
            "{told}"
        );
        let told = read("log = \"hunter2\"", &[]).unwrap_err().to_string();
        assert!(
            told.contains("`log`") && !told.contains("hunter2"),
            "{told}"
        );
    }

    #[test]
    fn a_public_url_with_a_path_is_refused() {
        assert!(read("public_url = \"https://example.com/book\"", &[]).is_err());
        assert!(read("public_url = \"https://dana@example.com\"", &[]).is_err());
        assert!(read("public_url = \"ftp://example.com\"", &[]).is_err());
    }
}
