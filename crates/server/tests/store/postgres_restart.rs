//! PostgreSQL dies while a COMMIT is on its way to the disk, and hands the lost transaction's id out again; or the COMMIT
//! stands on the primary and not yet at the standby. A cluster of the story's own, whose log holds nothing of a
//! transaction before its COMMIT.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use ringback_server::clock::Clock;
use ringback_server::store::{Store, StoreConfig, StoreError};
use ringback_server::testing::POSTGRES_VARIABLE;
use tempfile::TempDir;

use crate::postgres_line::{Break, Line, one_writer};
use crate::{count, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_the_restarted_server_knows_by_anothers_id_is_not_told_as_done() {
    told_after(Cluster::stop_and_start).await;
}

/// As when the machine is short of memory: PostgreSQL recovers by itself, and counts as started when it was before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_the_recovered_server_knows_by_anothers_id_is_not_told_as_done() {
    told_after(Cluster::kill_one_backend).await;
}

async fn told_after(die: fn(&Cluster)) {
    let Some(cluster) = Cluster::start(FOR_ITSELF) else {
        return;
    };
    let line = Line::to(([127, 0, 0, 1], cluster.port).into());
    let config = StoreConfig::Postgres {
        url: cluster.url_at(line.port()).into(),
    };
    let store = Store::open_with(&config, Clock::system(), one_writer()).unwrap();
    put(&store, "a", 1).await.unwrap();
    line.break_once(Break::UntilMended);
    let writing = store.clone();
    let asked = tokio::spawn(async move { put(&writing, "b", 1).await });
    tokio::task::block_in_place(|| {
        let id = until(|| (line.breaks_left() == Some(Break::Always)).then(|| cluster.open_id()));
        die(&cluster);
        cluster.hand_out(&id);
    });
    line.mend();
    let told = asked.await.unwrap();
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    assert_eq!(store.figures().reconnects, 1, "it did ask");
    assert_eq!(count(&store).await, 1, "it does not stand");
    assert_eq!(put(&store, "b", 1).await, Ok(1), "asked again, it is done");
}

/// Whoever breaks off the wait for the standby has committed on the primary alone, with which it may be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_the_standby_may_not_have_is_told_as_done_once_it_has() {
    let Some(cluster) = Cluster::start(FOR_A_STANDBY) else {
        return;
    };
    let config = StoreConfig::Postgres {
        url: cluster.url_at(cluster.port).into(),
    };
    let store = Store::open_with(&config, Clock::system(), one_writer()).unwrap();
    tokio::task::block_in_place(|| cluster.waits_for("nobody"));
    let writing = store.clone();
    let asked = tokio::spawn(async move { put(&writing, "a", 1).await });
    tokio::task::block_in_place(|| {
        let waits = until(|| cluster.waiting_for_the_standby());
        cluster.ends(waits);
        // The outcome is asked for, and the answer waits for the standby, too.
        until(|| {
            cluster
                .waiting_for_the_standby()
                .filter(|now| *now != waits)
        });
        assert!(!asked.is_finished(), "nobody was told");
        cluster.waits_for("");
    });
    assert_eq!(asked.await.unwrap(), Ok(1));
    let figures = store.figures();
    assert_eq!(
        (figures.reconnects, figures.repeats),
        (1, 0),
        "it was found committed"
    );
    assert_eq!(count(&store).await, 1);
}

/// A PostgreSQL that goes with its folder.
struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// What its log is for.
    log: &'static str,
}

const FOR_ITSELF: &str = "-c wal_level=minimal -c max_wal_senders=0";
const FOR_A_STANDBY: &str = "-c wal_level=replica -c max_wal_senders=1";
const PASSWORD: &str = "only-for-this-run";

impl Cluster {
    /// Where stories run on PostgreSQL and its server's programs are at hand.
    fn start(log: &'static str) -> Option<Self> {
        std::env::var_os(POSTGRES_VARIABLE)?;
        let Some(programs) = programs() else {
            eprintln!("skipped: the server programs of PostgreSQL are not here");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .unwrap()
            .port();
        let cluster = Self {
            programs,
            folder: TempDir::with_prefix("ringback-test-").unwrap(),
            port,
            log,
        };
        let password = cluster.folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if is_root() {
            succeeds(
                Command::new("chown")
                    .args(["-R", "postgres"])
                    .arg(cluster.folder.path()),
            );
        }
        let initdb = ["--username=ringback", "--auth=scram-sha-256", "--pwfile"];
        let others = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        cluster.runs("initdb", |command| {
            command.args(initdb).arg(&password).args(others);
        });
        cluster.serve();
        Some(cluster)
    }

    fn serve(&self) {
        let folder = self.folder.path().display();
        // Nothing but a COMMIT writes the log, and nobody else has transactions.
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off \
             {} -c wal_writer_delay=10s -c autovacuum=off",
            self.port, self.log
        );
        self.runs("pg_ctl", |command| {
            command.args(["start", "--wait", "--silent", "-o", &settings, "--log"]);
            command.arg(self.folder.path().join("log"));
        });
    }

    fn stop(&self) {
        self.runs("pg_ctl", |command| {
            command.args(["stop", "--wait", "--silent", "--mode=immediate"]);
        });
    }

    fn stop_and_start(&self) {
        self.stop();
        self.serve();
    }

    /// From now on a COMMIT waits for the standby of this name; for none when it is empty.
    fn waits_for(&self, standby: &str) {
        let mut client = self.connected().unwrap();
        let name = format!("ALTER SYSTEM SET synchronous_standby_names = '{standby}'");
        client.batch_execute(&name).unwrap();
        client.batch_execute("SELECT pg_reload_conf()").unwrap();
        until(|| {
            let shown = client.query_one("SHOW synchronous_standby_names", &[]);
            (shown.unwrap().get::<_, String>(0) == standby).then_some(())
        });
    }

    /// Whose COMMIT waits for the standby.
    fn waiting_for_the_standby(&self) -> Option<i32> {
        const WAITS: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let mut client = self.connected().unwrap();
        client.query_opt(WAITS, &[]).unwrap().map(|row| row.get(0))
    }

    fn ends(&self, pid: i32) {
        let mut client = self.connected().unwrap();
        client
            .query_one("SELECT pg_terminate_backend($1)", &[&pid])
            .unwrap();
    }

    fn kill_one_backend(&self) {
        let mut idle = self.connected().unwrap();
        let idle_pid: i32 = idle
            .query_one("SELECT pg_backend_pid()", &[])
            .unwrap()
            .get(0);
        succeeds(Command::new("kill").args(["-KILL", &idle_pid.to_string()]));
    }

    /// The id of the transaction that is open.
    fn open_id(&self) -> String {
        const OPEN: &str =
            "SELECT CAST(backend_xid AS TEXT) FROM pg_stat_activity WHERE backend_xid IS NOT NULL";
        let mut client = self.connected().unwrap();
        client.query_one(OPEN, &[]).unwrap().get(0)
    }

    /// Commits transactions until one has had this id.
    fn hand_out(&self, id: &str) {
        let mut client = until(|| self.connected().ok());
        let handed_out = (0..100).any(|_| {
            let next = client.query_one("SELECT CAST(pg_current_xact_id() AS TEXT)", &[]);
            next.unwrap().get::<_, String>(0) == id
        });
        assert!(handed_out, "{id} is handed out again");
    }

    fn connected(&self) -> Result<Client, postgres::Error> {
        Client::connect(&self.url_at(self.port), NoTls)
    }

    fn url_at(&self, port: u16) -> String {
        format!("postgres://ringback:{PASSWORD}@127.0.0.1:{port}/postgres")
    }

    /// One of PostgreSQL's programs over this folder, as the user it wants.
    fn runs(&self, program: &str, with: impl FnOnce(&mut Command)) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        with(&mut command);
        command.arg("--pgdata").arg(self.folder.path().join("data"));
        succeeds(command.current_dir("/"));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs
        .filter(|programs| programs.join("initdb").exists())
        .max()
}

/// PostgreSQL does not run as root.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn succeeds(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} ended with {status}");
}

/// What there is before long.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}
