//! Configuration: `ringback.toml`, then `RINGBACK_*` variables over it. Unknown keys are refused with the
//! nearest known one, so that a slip of the pen does not pass for a setting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

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
    /// `text` or `json`.
    pub log: LogFormat,
    /// ServiceTitan's token address, without a path.
    pub servicetitan_auth_url: Url,
    /// ServiceTitan's API address, without a path.
    pub servicetitan_api_url: Url,
    /// Twilio's API address, without a path.
    pub twilio_url: Url,
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
    "log",
    "servicetitan_auth_url",
    "servicetitan_api_url",
    "twilio_url",
];

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
            log: LogFormat::Text,
            servicetitan_auth_url: url("https://auth.servicetitan.io"),
            servicetitan_api_url: url("https://api.servicetitan.io"),
            twilio_url: url("https://api.twilio.com"),
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
        let mut table: toml::Table = text
            .parse()
            .map_err(|e: toml::de::Error| ConfigError(format!("ringback.toml: {e}")))?;
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
                .map_err(|e| not_understood(key, e.message()))?;
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
        if self.node.is_empty() || self.node.len() > 64 {
            return Err(ConfigError(
                "node must be a name of 1 to 64 characters".into(),
            ));
        }
        Ok(self)
    }

    /// The origin of [`Config::public_url`], such as `https://book.example.com`.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// Whether visitors reach us by TLS: decides the cookies' `__Host-` names.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }
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
    Err(ConfigError(format!(
        "`{}` in {place} is not a setting.{hint}",
        written(key)
    )))
}

/// Never with the value: the database's holds a password.
fn not_understood(key: &str, reason: &str) -> ConfigError {
    let example = match key {
        "public_url" => "\"https://book.example.com\"",
        "listen" => "\"127.0.0.1:8080\"",
        "database_url" => "\"sqlite:ringback.db\"",
        "key_file" => "\"ringback.key\"",
        "trusted_proxies" => "[\"127.0.0.1/32\"]",
        "log" => "\"text\"",
        "node" => "\"ringback\"",
        _ => "\"https://api.example.com\"",
    };
    ConfigError(format!(
        "`{key}` is not understood ({reason}). Write it like {key} = {example}"
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
            ],
        )
        .unwrap();
        assert_eq!(config.listen.port(), 80);
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
    fn a_public_url_with_a_path_is_refused() {
        assert!(read("public_url = \"https://example.com/book\"", &[]).is_err());
        assert!(read("public_url = \"ftp://example.com\"", &[]).is_err());
    }
}
