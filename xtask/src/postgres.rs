//! A private PostgreSQL cluster for one run: its own folder, a free port, an unprivileged user,
//! fsync on as in earnest. It can be killed, started again, followed by a standby. Gone when dropped.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::run::{Run, Running, children_of};
use crate::time::Deadline;
use crate::{Tried, debian, net, time};

/// The running cluster.
pub struct Postgres {
    server: Running,
    folder: PathBuf,
    port: u16,
    how: How,
}

/// What is unusual about a cluster.
#[derive(Clone, Debug)]
pub struct How {
    /// Words before the server's command line, like `env NAME=VALUE`.
    pub before: Vec<String>,
    /// Where it listens, and whom it lets in: an address of this machine.
    pub address: String,
    /// More settings, like `synchronous_standby_names=*`.
    pub settings: Vec<String>,
}

impl Default for How {
    fn default() -> How {
        How {
            before: Vec::new(),
            address: "127.0.0.1".to_owned(),
            settings: Vec::new(),
        }
    }
}

/// The cluster listens for this machine only and lives for minutes; the password keeps other users of a
/// shared machine out of it all the same.
const PASSWORD: &str = "only-for-this-run";
const STARTS_WITHIN: Duration = Duration::from_secs(60);

impl Postgres {
    /// Makes a cluster and waits until it answers.
    pub async fn start(run: &Run) -> Tried<Postgres> {
        Postgres::start_so(run, &How::default()).await
    }

    /// The same with something unusual about it.
    pub async fn start_so(run: &Run, how: &How) -> Tried<Postgres> {
        Postgres::start_in(run, run.fresh("postgres")?, how).await
    }

    /// The same in this folder, which is made when it is not there.
    pub async fn start_in(run: &Run, folder: PathBuf, how: &How) -> Tried<Postgres> {
        fs::create_dir_all(&folder)?;
        let password = folder.join("password");
        fs::write(&password, PASSWORD)?;
        give_away(&[&folder, &password])?;
        initialise(run, &programs()?, user(), &folder.join("data"), &password).await?;
        Postgres::of(run, folder, how).await
    }

    /// A standby of this cluster, on a port of its own, that follows every change.
    pub async fn standby(&self, run: &Run) -> Tried<Postgres> {
        let folder = run.fresh("standby")?;
        give_away(&[&folder])?;
        self.copy_to(run, &folder).await?;
        Postgres::of(run, folder, &self.how).await
    }

    /// Forgets its rows and follows `other` from now on, at the same port as before.
    pub async fn follow(&mut self, run: &Run, other: &Postgres) -> Tried<()> {
        self.server.stop();
        fs::remove_dir_all(self.folder.join("data"))?;
        other.copy_to(run, &self.folder).await?;
        self.start_again(run).await
    }

    async fn copy_to(&self, run: &Run, folder: &Path) -> Tried<()> {
        let from = format!(
            "host={} port={} user=ringback password={PASSWORD}",
            self.how.address, self.port
        );
        let mut copy = run.program_as(programs()?.join("pg_basebackup"), user(), "KILL");
        copy.args([
            "--dbname",
            &from,
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]);
        copy.arg("--pgdata").arg(folder.join("data"));
        copy.current_dir("/").stdin(Stdio::null());
        succeeds("pg_basebackup", copy).await
    }

    async fn of(run: &Run, folder: PathBuf, how: &How) -> Tried<Postgres> {
        let port = net::free_port()?;
        let server = serve(run, &folder, port, how)?;
        let mut postgres = Postgres {
            server,
            folder,
            port,
            how: how.clone(),
        };
        postgres.wait_until_ready(run).await?;
        Ok(postgres)
    }

    /// Where it is, as a URL to its first database; new databases may be made from there.
    pub fn url(&self) -> String {
        Postgres::url_of(&[self])
    }

    /// The URL by which whoever of them takes writes is found.
    pub fn url_of(any: &[&Postgres]) -> String {
        let places: Vec<String> = any
            .iter()
            .map(|one| format!("{}:{}", one.how.address, one.port))
            .collect();
        let mut url = format!(
            "postgres://ringback:{PASSWORD}@{}/postgres",
            places.join(",")
        );
        let mut options = Vec::new();
        if any.len() > 1 {
            options.push("target_session_attrs=read-write");
        }
        // No certificates here; on loopback the product does without anyway.
        if any
            .iter()
            .any(|one| one.how.address != How::default().address)
        {
            options.push("sslmode=disable");
        }
        if !options.is_empty() {
            url = format!("{url}?{}", options.join("&"));
        }
        url
    }

    /// SIGKILL to its first process, as a crash would; the others notice and end.
    pub async fn kill(&mut self) -> Tried<()> {
        self.server.kill().await
    }

    /// SIGKILL to all of it, as when the machine loses power; returns when it is gone.
    pub async fn lose_power(&mut self) -> Tried<()> {
        // Its children lead groups of their own. Without their parent they end by themselves, in a while.
        let children = children_of(self.server.pid());
        self.server.kill().await?;
        for child in &children {
            let _ = rustix::process::kill_process(*child, Signal::KILL);
        }
        let alive = |child: &Pid| rustix::process::test_kill_process(*child).is_ok();
        time::until("PostgreSQL to be gone", STARTS_WITHIN, || async {
            Ok((!children.iter().any(alive)).then_some(()))
        })
        .await
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.server.ended().is_none()
    }

    /// A fast, orderly end.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts it again over the same rows, at the same port.
    pub async fn start_again(&mut self, run: &Run) -> Tried<()> {
        let deadline = Deadline::after(STARTS_WITHIN);
        loop {
            // While processes of a killed server still end, it refuses to start.
            self.server = serve(run, &self.folder, self.port, &self.how)?;
            match self.wait_until_ready(run).await {
                Err(error) if deadline.passed() => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                ready => return ready,
            }
        }
    }

    /// Makes a standby the one that takes writes.
    pub async fn promote(&self, run: &Run) -> Tried<()> {
        let mut promote = run.program_as(programs()?.join("pg_ctl"), user(), "KILL");
        promote.args(["promote", "--wait", "--silent", "--pgdata"]);
        promote.arg(self.folder.join("data"));
        promote.current_dir("/").stdin(Stdio::null());
        succeeds("pg_ctl promote", promote).await
    }

    async fn wait_until_ready(&mut self, run: &Run) -> Tried<()> {
        let (port, address) = (self.port.to_string(), self.how.address.clone());
        let programs = programs()?;
        let deadline = Deadline::after(STARTS_WITHIN);
        loop {
            let mut ask = run.program(programs.join("pg_isready"));
            ask.args(["-q", "-h", &address, "-p", &port]);
            ask.stdin(Stdio::null());
            if Running::start("pg_isready", ask)?.wait().await?.success() {
                return Ok(());
            }
            let ended = self.server.ended();
            if ended.is_some() || deadline.passed() {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("PostgreSQL does not answer; its log says:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// Starts the server over a folder that stands.
fn serve(run: &Run, folder: &Path, port: u16, how: &How) -> Tried<Running> {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    let program = programs()?.join("postgres");
    let mut command = match how.before.split_first() {
        None => run.program_as(&program, user(), "INT"),
        Some((first, others)) => {
            let mut command = run.program_as(first, user(), "INT");
            command.args(others).arg(&program);
            command
        }
    };
    command
        .arg("-D")
        .arg(folder.join("data"))
        .current_dir(folder);
    let ours = [
        format!("port={port}"),
        format!("listen_addresses={}", how.address),
        format!("unix_socket_directories={}", folder.display()),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "max_connections=300".to_owned(),
        "shared_buffers=64MB".to_owned(),
    ];
    for setting in ours.iter().chain(&how.settings) {
        command.args(["-c", setting]);
    }
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let server = Running::start("PostgreSQL", command)?;
    Ok(server.ends_with(Signal::INT, Duration::from_secs(20)))
}

fn programs() -> Tried<PathBuf> {
    debian::postgres_programs().ok_or_else(|| "PostgreSQL's server programs are missing".into())
}

/// PostgreSQL does not run as root.
fn user() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("postgres")
}

fn give_away(paths: &[&PathBuf]) -> Tried<()> {
    let Some(user) = user() else { return Ok(()) };
    let (uid, gid) = ids_of(user)?;
    for path in paths {
        chown(path, Some(uid), Some(gid))?;
    }
    Ok(())
}

async fn succeeds(name: &str, command: tokio::process::Command) -> Tried<()> {
    let status = Running::start(name, command)?.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{name} ended with {status}").into()),
    }
}

async fn initialise(
    run: &Run,
    programs: &Path,
    user: Option<&str>,
    data: &Path,
    password: &Path,
) -> Tried<()> {
    let mut command = run.program_as(programs.join("initdb"), user, "KILL");
    command
        .arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(password);
    command.args([
        "--username=ringback",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // Every machine has it, and unlike C it knows letters beyond ASCII.
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    succeeds("initdb", command).await?;
    // Where it does not listen on loopback, the others of the run's own network come in by password as well.
    let rules = data.join("pg_hba.conf");
    let more = "host all all all scram-sha-256\nhost replication all all scram-sha-256\n";
    fs::OpenOptions::new()
        .append(true)
        .open(rules)?
        .write_all(more.as_bytes())?;
    Ok(())
}

/// The user and group ids of `user`, from /etc/passwd.
fn ids_of(user: &str) -> Tried<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    for line in users.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [name, _, uid, gid, ..] = fields.as_slice()
            && *name == user
        {
            return Ok((uid.parse()?, gid.parse()?));
        }
    }
    Err(format!("there is no user {user} on this machine").into())
}
