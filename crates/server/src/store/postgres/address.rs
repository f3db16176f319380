//! Where the database is, and how to speak to it: TLS to whatever is not this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::config::{Host, SslMode};
use ::postgres::{Client, Config};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::connection::describe;

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be silent under an unanswered request before it counts as dead.
const SILENCE_PATIENCE: Duration = Duration::from_secs(15);

/// Where the database is and how to speak to it.
pub(in crate::store) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Address {
    pub(super) fn read(url: &SecretString) -> Result<Self, StoreError> {
        let (text, own_roots) = take_root_certificates(url.expose_secret());
        let mut config = Config::from_str(&text).map_err(|error| {
            StoreError::Refused(format!(
                "database_url is not an address of PostgreSQL: {}.",
                describe(&error)
            ))
        })?;
        config.application_name("ringback");
        config.connect_timeout(CONNECT_PATIENCE);
        config.keepalives_idle(SILENCE_PATIENCE);
        config.tcp_user_timeout(SILENCE_PATIENCE);
        // Unless told otherwise: no TLS on this very machine, and never without it to another one.
        if !text.contains("sslmode=") {
            let local = is_local(&config);
            config.ssl_mode(if local {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(trusted_roots(own_roots.as_deref())?)
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
        })
    }

    pub(in crate::store) fn connect(&self) -> Result<Client, ::postgres::Error> {
        let mut client = self.config.connect(self.tls.clone())?;
        client.batch_execute(
            "SET synchronous_commit = on; SET timezone = 'UTC'; SET lock_timeout = '5s'; \
             SET statement_timeout = '20s'; SET idle_in_transaction_session_timeout = '8s'",
        )?;
        Ok(client)
    }
}

/// libpq's `sslrootcert=FILE`, which the client does not know, and its `verify-…` modes, which are all this
/// client ever does: the address without them, and the file.
fn take_root_certificates(url: &str) -> (String, Option<PathBuf>) {
    let Some((address, options)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mut file = None;
    let mut kept = Vec::new();
    for option in options.split('&') {
        match option.split_once('=') {
            Some(("sslrootcert", path)) => file = Some(PathBuf::from(path)),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(option),
        }
    }
    (format!("{address}?{}", kept.join("&")), file)
}

/// Whose signatures we believe: the usual authorities, or those in `file` alone.
fn trusted_roots(file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let Some(file) = file else {
        return Ok(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        });
    };
    let unreadable = |error: &dyn fmt::Display| {
        StoreError::Refused(format!(
            "sslrootcert {} cannot be used: {error}.",
            file.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"there is no certificate in it"));
    }
    Ok(roots)
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}
