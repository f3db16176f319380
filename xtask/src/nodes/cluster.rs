//! Three servers over one private PostgreSQL, a pretend outside world beside them, a balancer before them.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::balancer::{self, Balancer};
use crate::faults::rows::Rows;
use crate::faults::stage;
use crate::postgres::Postgres;
use crate::product::{Demo, Manner, Ready};
use crate::run::{Run, Running};
use crate::world::World;
use crate::{Tried, net, time, zone};

/// By name: the first of the living sees to what the dead have left.
const NAMES: [&str; 3] = ["anna", "berta", "clara"];
/// What a server says that finds itself taken for dead.
const FENCED: &str = "other servers took this one for dead";
/// A server that is asked to stop says no to readiness for a second, moves its pages, finishes its calls.
const STOPS_WITHIN: Duration = Duration::from_secs(40);
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// All of it; ended when dropped.
pub struct Cluster<'a> {
    run: &'a Run,
    program: &'a Path,
    old: Option<&'a Path>,
    folder: PathBuf,
    ready: Ready,
    world: World,
    ports: Vec<u16>,
    servers: [RefCell<Option<Running>>; 3],
    _balancer: Balancer,
    _sandbox: Running,
    postgres: Postgres,
}

impl<'a> Cluster<'a> {
    /// Seeds the database with the demo's business, then starts the servers and waits until they answer.
    /// The last of them runs an earlier version, if there is one.
    pub async fn start(
        run: &'a Run,
        program: &'a Path,
        old: Option<&'a Path>,
    ) -> Tried<Cluster<'a>> {
        raise_limit_of_files();
        let postgres = Postgres::start(run).await?;
        let folder = run.fresh("nodes")?;
        let listener = balancer::listen().await?;
        let address = listener.local_addr()?;
        let (sandbox, world) = stage::sandbox(run, program, address.ip(), address).await?;
        let manner = Manner {
            data: folder.clone(),
            address: address.ip(),
            port: net::free_port()?,
            database_url: Some(postgres.url()),
            sandbox: Some(world.url().to_owned()),
            zone: zone::by_day(),
            log: None,
            before: Vec::new(),
        };
        let seeding = Demo::start(run, program, &manner).await?;
        let at_demo = seeding.ready.clone();
        drop(seeding);
        let url = format!("http://{address}");
        let ready = Ready {
            scheduler: at_demo.scheduler.replace(&at_demo.url, &url),
            url,
            ..at_demo
        };
        let mut ports = Vec::new();
        for _ in NAMES {
            ports.push(net::free_port()?);
        }
        let servers: Vec<_> = ports
            .iter()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], *port)))
            .collect();
        let cluster = Cluster {
            run,
            program,
            old,
            folder,
            ready,
            world,
            ports,
            servers: Default::default(),
            _balancer: Balancer::start(listener, &servers),
            _sandbox: sandbox,
            postgres,
        };
        for number in 0..NAMES.len() {
            cluster.start_again(number).await?;
        }
        Ok(cluster)
    }

    /// Where visitors find it: the balancer.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The pretend outside world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The rows, read past the servers.
    pub fn rows(&self) -> Rows {
        Rows::Postgres(self.postgres.url())
    }

    /// SIGKILL.
    pub async fn kill(&self, number: usize) -> Tried<()> {
        let server = self.servers[number].take();
        server.ok_or("it runs")?.kill().await
    }

    /// SIGSTOP for so long: it holds its connections, answers nobody, and goes on as if nothing had been.
    pub async fn stop(&self, number: usize, lasts: Duration) -> Tried<()> {
        let pid = self.servers[number].borrow().as_ref().map(Running::pid);
        let pid = pid.ok_or("it runs")?;
        kill_process(pid, Signal::STOP)?;
        tokio::time::sleep(lasts).await;
        Ok(kill_process(pid, Signal::CONT)?)
    }

    /// How often a server has found itself taken for dead.
    pub fn fenced(&self) -> usize {
        let logs = (0..NAMES.len()).map(|number| fs::read_to_string(self.log(number)));
        logs.map(|log| log.unwrap_or_default().matches(FENCED).count())
            .sum()
    }

    /// Starts it under its name and waits until it says that it is ready.
    pub async fn start_again(&self, number: usize) -> Tried<()> {
        let log = self.log(number);
        let file = fs::File::options().create(true).append(true).open(&log)?;
        let last = number + 1 == NAMES.len();
        let program = self.old.filter(|_| last).unwrap_or(self.program);
        let mut command = self.run.program(program);
        command.arg("serve").current_dir(&self.folder);
        for (key, value) in [
            ("PUBLIC_URL", self.ready.url.clone()),
            ("LISTEN", format!("127.0.0.1:{}", self.ports[number])),
            ("DATABASE_URL", self.postgres.url()),
            (
                "KEY_FILE",
                self.folder.join("ringback.key").display().to_string(),
            ),
            ("NODE", NAMES[number].to_owned()),
            // The balancer asks twice a second.
            ("DRAIN_SECONDS", "2".to_owned()),
            ("SERVICETITAN_AUTH_URL", self.world.url().to_owned()),
            ("SERVICETITAN_API_URL", self.world.url().to_owned()),
            ("TWILIO_URL", self.world.url().to_owned()),
        ] {
            command.env(format!("RINGBACK_{key}"), value);
        }
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut server = Running::start("ringback serve", command)?;
        let url = format!("http://127.0.0.1:{}/readyz", self.ports[number]);
        let client = reqwest::Client::new();
        let answers = time::until("a server to be ready", STARTS_WITHIN, || async {
            let answer = client.get(&url).send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(()))
        });
        if let Err(error) = answers.await {
            let ended = server.ended();
            let said = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{error}; it ended: {ended:?}; its log:\n{said}").into());
        }
        self.servers[number].replace(Some(server));
        Ok(())
    }

    /// SIGTERM, waits for its orderly end, and starts it again.
    pub async fn roll(&self, number: usize) -> Tried<()> {
        let mut server = self.servers[number].take().ok_or("it runs")?;
        kill_process(server.pid(), Signal::TERM).map_err(|error| format!("SIGTERM: {error}"))?;
        let ended = tokio::time::timeout(STOPS_WITHIN, server.wait()).await;
        let status = ended.map_err(|_| "a server did not stop within 40 s of SIGTERM")??;
        if !status.success() {
            return Err(format!("a server that was asked to stop ended with {status}").into());
        }
        self.start_again(number).await
    }

    /// What the servers said that they should not have had to.
    pub fn complaints(&self) -> Vec<String> {
        let logs = (0..NAMES.len()).map(|number| fs::read_to_string(self.log(number)));
        let lines = logs.flat_map(|log| {
            let log = log.unwrap_or_default();
            log.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        lines
            .filter(|line| line.contains("ERROR") || line.contains("panicked"))
            .collect()
    }

    fn log(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}.log", NAMES[number]))
    }
}

/// Thousands of connections pass through this process and the servers it starts.
fn raise_limit_of_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it may not be raised the run says which connection failed.
    let _ = setrlimit(Resource::Nofile, limit);
}
