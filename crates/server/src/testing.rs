//! The harness of the tests: a fresh, empty store of either engine, gone again when it is dropped.
//!
//! PostgreSQL's server is named by `RINGBACK_TEST_POSTGRES` (`cargo xtask check` starts one); each test makes
//! a database of its own on it. Without it the PostgreSQL half of a story says so and does not run.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use tempfile::TempDir;
use url::Url;

use crate::clock::Clock;
use crate::random;
use crate::store::{Engine, Store, StoreConfig, StoreError, StoreOptions};

/// The variable that names a PostgreSQL server on which databases may be made.
pub const POSTGRES_VARIABLE: &str = "RINGBACK_TEST_POSTGRES";

/// A store of its own for one test, with a clock to move.
pub struct TestStore {
    /// The store, migrated and empty.
    pub store: Store,
    /// Its clock: `clock.advance(..)` instead of sleeping.
    pub clock: Clock,
    place: Place,
}

/// An empty place for a store: a folder of its own, or a database of its own. Goes when dropped.
pub struct Place {
    config: StoreConfig,
    kind: Kind,
}

enum Kind {
    /// Removes itself.
    Folder(#[expect(dead_code, reason = "held for its Drop")] TempDir),
    Database {
        server: Url,
        name: String,
    },
}

impl Place {
    /// A fresh one; `None` when it would be PostgreSQL and there is none.
    pub fn fresh(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::with_prefix("ringback-test-").expect("a temporary folder");
                Some(Self {
                    config: sqlite_in(folder.path()),
                    kind: Kind::Folder(folder),
                })
            }
            Engine::Postgres => {
                let Ok(server) = std::env::var(POSTGRES_VARIABLE) else {
                    eprintln!("skipped: {POSTGRES_VARIABLE} names no PostgreSQL server");
                    return None;
                };
                let server: Url = server.parse().expect("RINGBACK_TEST_POSTGRES is a URL");
                let name = format!("ringback_{}", random::token().to_lowercase());
                on_server(&server, &format!("CREATE DATABASE {name}"));
                let mut database = server.clone();
                database.set_path(&name);
                let config = StoreConfig::Postgres {
                    url: String::from(database).into(),
                };
                Some(Self {
                    config,
                    kind: Kind::Database { server, name },
                })
            }
        }
    }

    /// What to open.
    pub fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// The `database_url` of `ringback.toml`.
    pub fn database_url(&self) -> String {
        match &self.config {
            StoreConfig::Sqlite { path } => format!("sqlite:{}", path.display()),
            StoreConfig::Postgres { url } => url.expose_secret().to_owned(),
        }
    }

    /// The database file, on SQLite.
    pub fn file(&self) -> Option<PathBuf> {
        match &self.config {
            StoreConfig::Sqlite { path } => Some(path.clone()),
            StoreConfig::Postgres { .. } => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Folder(_) => {}
            Kind::Database { server, name } => {
                on_server(server, &format!("DROP DATABASE {name} WITH (FORCE)"))
            }
        }
    }
}

impl TestStore {
    /// A fresh store of this engine; `None` when it would be PostgreSQL and there is none.
    pub fn fresh(engine: Engine) -> Option<Self> {
        Self::fresh_with(engine, StoreOptions::default())
    }

    /// [`TestStore::fresh`] with other limits.
    pub fn fresh_with(engine: Engine, options: StoreOptions) -> Option<Self> {
        let place = Place::fresh(engine)?;
        let clock = Clock::system();
        let store =
            Store::open_with(place.config(), clock.clone(), options).expect("a fresh store opens");
        Some(Self {
            store,
            clock,
            place,
        })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Stops it and starts it again on the same rows, as a restart of the server does.
    pub async fn reopen(&mut self) -> Result<(), StoreError> {
        self.store.close().await;
        self.store = Store::open(self.place.config(), self.clock.clone())?;
        Ok(())
    }
}

fn sqlite_in(folder: &Path) -> StoreConfig {
    StoreConfig::Sqlite {
        path: folder.join("ringback.db"),
    }
}

/// Runs one statement on the server itself. The synchronous client wants a thread without a runtime.
fn on_server(server: &Url, sql: &str) {
    std::thread::scope(|scope| {
        let run = || {
            let mut client = postgres::Client::connect(server.as_str(), postgres::NoTls)
                .expect("PostgreSQL answers");
            client
                .batch_execute(sql)
                .expect("the server makes and drops databases");
        };
        scope.spawn(run).join().expect("the statement ran");
    });
}

/// Makes two tests of every story, one per engine: `on_both_engines!(a_lead_is_kept, …)`, where each story is
/// an `async fn(TestStore)`; with `server:` in front, an `async fn(TestServer)`.
#[macro_export]
macro_rules! on_both_engines {
    (server: $($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $story() {
                let world = $crate::testing::TestServer::start($crate::store::Engine::Sqlite).await;
                super::$story(world.expect("SQLite is always there")).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $story() {
                if let Some(world) = $crate::testing::TestServer::start($crate::store::Engine::Postgres).await {
                    super::$story(world).await;
                }
            })+
        }
    };
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let world = $crate::testing::TestStore::fresh($crate::store::Engine::Sqlite);
                super::$story(world.expect("SQLite is always there")).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                if let Some(world) = $crate::testing::TestStore::fresh($crate::store::Engine::Postgres) {
                    super::$story(world).await;
                }
            })+
        }
    };
}

/// The whole server on a free port, on a fresh store, with Copperline in it and a clock to move.
pub struct TestServer {
    /// The running server.
    pub server: crate::serve::Server,
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// Its clock.
    pub clock: Clock,
    /// Who is in the store.
    pub seeded: crate::seed::Seeded,
    keys: TempDir,
    place: Place,
}

impl TestServer {
    /// A fresh one; `None` when it would be PostgreSQL and there is none.
    pub async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |_| {}).await
    }

    /// [`TestServer::start`] with a changed configuration (sandbox addresses, say).
    pub async fn start_with(
        engine: Engine,
        change: impl FnOnce(&mut crate::config::Config),
    ) -> Option<Self> {
        let place = Place::fresh(engine)?;
        let listener = crate::serve::listen(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let keys = TempDir::with_prefix("ringback-keys-").expect("a temporary folder");
        let mut config = crate::config::Config {
            public_url: Url::parse(&url).expect("a URL"),
            database_url: place.database_url().into(),
            key_file: keys.path().join("ringback.key"),
            ..crate::config::Config::default()
        };
        change(&mut config);
        let clock = Clock::system();
        let server = crate::serve::Server::start_on(listener, config, clock.clone())
            .await
            .expect("a server on a fresh store");
        let seeded = server
            .app
            .store
            .write(crate::store::Order::Any, crate::seed::copperline)
            .await
            .expect("a seeded business");
        Some(Self {
            server,
            url,
            clock,
            seeded,
            keys,
            place,
        })
    }

    /// What is shared by everything in it.
    pub fn app(&self) -> &crate::app::App {
        &self.server.app
    }

    /// Another node over the same rows, with the same clock; and where it answers.
    pub async fn another_node(&self, name: &str) -> (crate::serve::Server, String) {
        let listener = crate::serve::listen(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let config = crate::config::Config {
            node: name.into(),
            drain_seconds: 1,
            ..self.app().config.clone()
        };
        let server = crate::serve::Server::start_on(listener, config, self.clock.clone());
        (server.await.expect("a second node"), url)
    }

    /// Stops it, and starts it again on the same rows and the same port.
    pub async fn restart(self) -> Self {
        self.restart_after(|| {}).await
    }

    /// [`TestServer::restart`], with something that happens while it is away.
    pub async fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        let Self {
            server,
            url,
            clock,
            seeded,
            keys,
            place,
        } = self;
        let (address, config) = (server.address, server.app.config.clone());
        server.stop().await;
        meanwhile();
        let listener = crate::serve::listen(address).expect("the same port");
        let server = crate::serve::Server::start_on(listener, config, clock.clone())
            .await
            .expect("the same store");
        Self {
            server,
            url,
            clock,
            seeded,
            keys,
            place,
        }
    }

    /// Where its rows are.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
