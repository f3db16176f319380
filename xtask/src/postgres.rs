//! A private PostgreSQL cluster for one run: its own folder, a free port, an unprivileged user,
//! fsync on as in earnest. Gone when dropped.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::run::{Run, Running};
use crate::{Tried, debian, net, time};

/// The running cluster.
pub struct Postgres {
    _server: Running,
    folder: PathBuf,
    port: u16,
}

/// The cluster listens on loopback only and lives for minutes; the password keeps other users of a
/// shared machine out of it all the same.
const PASSWORD: &str = "only-for-this-run";

impl Postgres {
    /// Makes a cluster and waits until it answers.
    pub async fn start(run: &Run) -> Tried<Postgres> {
        let programs =
            debian::postgres_programs().ok_or("PostgreSQL's server programs are missing")?;
        let user = rustix::process::geteuid().is_root().then_some("postgres");
        let folder = run.fresh("postgres")?;
        let password = folder.join("password");
        fs::write(&password, PASSWORD)?;
        if let Some(user) = user {
            let (uid, gid) = ids_of(user)?;
            for path in [&folder, &password] {
                chown(path, Some(uid), Some(gid))?;
            }
        }
        let data = folder.join("data");
        initialise(run, &programs, user, &data, &password).await?;

        let port = net::free_port()?;
        let log = fs::File::create(folder.join("log"))?;
        let mut command = run.program_as(programs.join("postgres"), user, "INT");
        command.arg("-D").arg(&data).current_dir(&folder);
        let listen = format!("port={port}");
        let socket = format!("unix_socket_directories={}", folder.display());
        for setting in [
            listen.as_str(),
            "listen_addresses=127.0.0.1",
            socket.as_str(),
            "fsync=on",
            "synchronous_commit=on",
            "max_connections=300",
            "shared_buffers=64MB",
        ] {
            command.args(["-c", setting]);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let server =
            Running::start("PostgreSQL", command)?.ends_with(Signal::INT, Duration::from_secs(20));
        let mut postgres = Postgres {
            _server: server,
            folder,
            port,
        };
        postgres.wait_until_ready(run, &programs).await?;
        Ok(postgres)
    }

    /// Where it is, as a URL to its first database; new databases may be made from there.
    pub fn url(&self) -> String {
        format!(
            "postgres://ringback:{PASSWORD}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    async fn wait_until_ready(&mut self, run: &Run, programs: &Path) -> Tried<()> {
        let port = self.port.to_string();
        let answers = time::until("PostgreSQL to answer", Duration::from_secs(60), || async {
            let mut ask = run.program(programs.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port])
                .stdin(Stdio::null());
            let answer = Running::start("pg_isready", ask)?.wait().await?;
            Ok(answer.success().then_some(()))
        });
        if let Err(error) = answers.await {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            return Err(format!("{error}; its log says:\n{log}").into());
        }
        Ok(())
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
        "--locale=C",
        "--no-sync",
    ]);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = Running::start("initdb", command)?.wait().await?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("initdb ended with {status}").into())
    }
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
