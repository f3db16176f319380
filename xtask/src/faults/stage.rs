//! What a part happens on: the server, the pretend outside world that nobody hurts, the database, a steady stream of
//! visitors whose every acknowledgement goes into the ledger, some who sit at the scheduler all the while, and an
//! office that changes its mind about what leavers are to stand in ServiceTitan as.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rustix::process::Pid;

use super::caller::{self, Caller, Client};
use super::calls::Calls;
use super::ledger::{Ending, Evidence, Ledger};
use super::report::Report;
use super::rows::Rows;
use super::{Case, Engine};
use crate::postgres::Postgres;
use crate::product::{Demo, Manner, Office, Ready};
use crate::run::{Run, Running};
use crate::world::World;
use crate::{Tried, net, time, zone};

/// What is unusual about a stage.
#[derive(Default)]
pub struct Setup {
    /// Where the rows are; a fresh folder of the run's when `None`.
    pub folder: Option<PathBuf>,
    /// Words before the server's command line, like `strace …`.
    pub before: Vec<String>,
    /// Where the server listens, and where the outside world does, when that is not loopback.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Another time zone than one in which it is day.
    pub zone: Option<String>,
    /// What is done may leave it without disk or database: then it may refuse, in a sentence.
    pub may_refuse: bool,
    /// The visitors.
    pub load: Load,
}

/// The stream of visitors.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many at a time.
    pub visitors: usize,
    /// How many have a page open from the beginning to the end.
    pub sitters: usize,
    /// A visit takes at least this long, so that the pretend ServiceTitan's 60 calls a second suffice.
    pub visit: Duration,
    /// Load before the first fault.
    pub warm_up: Duration,
    /// A visitor who is not acknowledged for so long has found something broken.
    pub patience: Duration,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            visitors: 8,
            sitters: 4,
            visit: Duration::from_millis(400),
            // Until the first texts, held for 20 s, are on their way: faults have to meet them too.
            warm_up: Duration::from_secs(20),
            // A server is back within seconds of being killed.
            patience: Duration::from_secs(60),
        }
    }
}

/// Everything a part needs.
pub struct Stage<'a> {
    /// The server that is hurt.
    pub server: Server<'a>,
    /// The pretend outside world.
    pub world: World,
    /// What it was asked for.
    pub calls: Calls,
    /// What visitors were told.
    pub ledger: RefCell<Ledger>,
    /// By which they come.
    pub client: Client,
    load: Load,
    times: usize,
    may_refuse: bool,
    part: &'static str,
    _sandbox: Running,
    _postgres: Option<Postgres>,
}

impl<'a> Stage<'a> {
    /// Starts the outside world, the database and the server.
    pub async fn open(case: &Case<'a>, setup: Setup) -> Tried<Stage<'a>> {
        let postgres = match case.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Postgres::start(case.run).await?),
        };
        let url = postgres.as_ref().map(Postgres::url);
        Stage::on(case, setup, url, postgres).await
    }

    /// The same on a database of the part's own making (`None`: a file in the folder).
    pub async fn on(
        case: &Case<'a>,
        setup: Setup,
        database_url: Option<String>,
        postgres: Option<Postgres>,
    ) -> Tried<Stage<'a>> {
        let port = net::free_port()?;
        let (address, world_at) = setup.addresses.unwrap_or((net::LOOPBACK, net::LOOPBACK));
        let server_at = SocketAddr::new(address, port);
        let (sandbox, world) = sandbox(case.run, case.program, world_at, server_at).await?;
        let data = match setup.folder {
            Some(folder) => folder,
            None => case.run.fresh(case.part)?,
        };
        let manner = Manner {
            data,
            address,
            port,
            database_url,
            sandbox: Some(world.url().to_owned()),
            zone: setup.zone.unwrap_or_else(zone::by_day),
            // Where no fault of a part's disk reaches it.
            log: Some(case.run.fresh("log")?.join("log")),
            before: setup.before,
        };
        let demo = Demo::start(case.run, case.program, &manner).await?;
        let server = Server {
            run: case.run,
            program: case.program,
            started_within: Duration::ZERO,
            ready: demo.ready.clone(),
            demo,
            manner,
        };
        Ok(Stage {
            server,
            calls: Calls::follow(&world),
            world,
            ledger: RefCell::default(),
            client: caller::client(),
            load: setup.load,
            times: case.times,
            may_refuse: setup.may_refuse,
            part: case.part,
            _sandbox: sandbox,
            _postgres: postgres,
        })
    }

    /// Visitors come and go while `hurt` does its work; when it is done, each finishes the visit under way, and those
    /// who have sat there close their windows.
    pub async fn under_load(
        &mut self,
        hurt: impl AsyncFnOnce(&mut Server<'a>) -> Tried<()>,
    ) -> Tried<()> {
        let Stage {
            server,
            world,
            ledger,
            client,
            load,
            part,
            ..
        } = self;
        let (ready, load, over) = (server.ready.clone(), *load, Cell::new(false));
        let come = || Caller::new(client, &ready, part, load.patience);
        let sitters: Vec<Caller> = (0..load.sitters)
            .map(|_| come().who(Ending::Vanishes))
            .collect();
        let seated = try_join_all(sitters.iter().map(|sitter| sitter.gives_contact(ledger)));
        let seated = seated.await?;
        let visitors = join_all((0..load.visitors).map(|_| async {
            while !over.get() {
                let pause = tokio::time::sleep(load.visit);
                let caller = come().perhaps_later();
                if let Err(how) = caller.visits(world, ledger).await {
                    ledger.borrow_mut().stumbled(how.to_string());
                    pause.await;
                } else if !caller.only_stays() {
                    pause.await;
                }
            }
        }));
        let office = ready.office();
        let undecided = async {
            for kind in ["lead", "booking"].into_iter().cycle() {
                if over.get() {
                    break;
                }
                // While nobody answers, or somebody has been quicker, it stays as it was.
                let _ = office.sends_as(ready.scheduler_name(), kind).await;
                tokio::time::sleep(DECIDES_EVERY).await;
            }
        };
        let hurting = async {
            tokio::time::sleep(load.warm_up).await;
            let done = hurt(server).await;
            over.set(true);
            done
        };
        let everything = async {
            let (_, (), done) = tokio::join!(visitors, undecided, hurting);
            done?;
            tokio::time::sleep(SIT_ON).await;
            let names: Vec<&str> = sitters.iter().map(Caller::name).collect();
            let missed = missed(&office, &names).await?;
            ledger.borrow_mut().gone_too_early.extend(missed);
            Tried::Ok(())
        };
        tokio::select! {
            done = everything => done?,
            _ = join_all(sitters.iter().map(Caller::sits)) => {}
        }
        for (_, _, entry) in seated {
            ledger.borrow_mut().ended(entry, Ending::Vanishes);
        }
        Ok(())
    }

    /// Lets everything settle and gives the verdict. `did` says what the part has done, in its own words.
    pub async fn report(mut self, did: String) -> Tried<Report> {
        let office = self.server.demo.ready.office();
        let rows = self.server.rows();
        let evidence = Evidence {
            office: &office,
            world: &self.world,
            calls: &self.calls,
            rows: &rows,
            faults: &self.client.faults(),
            may_refuse: self.may_refuse,
            log: self.server.demo.log(),
            least: match self.load.visitors {
                0 => 0,
                visitors => visitors.max(self.times),
            },
        };
        let report = self.ledger.into_inner().verdict(did, &evidence).await;
        if !self.server.lives() {
            let words = self.server.last_words();
            return Err(format!("the server died by itself:\n{words}").into());
        }
        report
    }
}

/// Who of these, who are still there, is a lead: but for those who have said nothing for ten minutes.
async fn missed(office: &Office, names: &[&str]) -> Tried<Vec<String>> {
    let leads = time::until("the office's list", Duration::from_secs(60), || async {
        Ok(office.leads().await.ok())
    });
    let leads = leads.await?;
    let theirs = leads.iter().filter_map(|lead| {
        let name = lead["person"]["name"].as_str()?;
        let missed = names.contains(&name) && lead["departure"] != "idle";
        missed.then(|| {
            format!(
                "{name} sits at the scheduler, and is a lead: {}",
                lead["departure"]
            )
        })
    });
    Ok(theirs.collect())
}

/// The server, again and again over the same rows, at the same address.
pub struct Server<'a> {
    run: &'a Run,
    program: &'a Path,
    demo: Demo,
    /// How it is started; may be changed between two starts.
    pub manner: Manner,
    /// What it said of itself at its first start; the API key holds on.
    pub ready: Ready,
    started_within: Duration,
}

/// Whoever sits there does so until the server would miss them if they were gone: its grace after a start, and a look.
/// The texts of the last leavers are held for longer anyway.
const SIT_ON: Duration = Duration::from_secs(12);

/// Leavers are to be Bookings in ST for so long, then Leads, and so on.
const DECIDES_EVERY: Duration = Duration::from_secs(5);

/// A machine that starts the server within this is at leisure.
const STARTS_WITHIN: Duration = Duration::from_millis(1_500);

impl Server<'_> {
    /// SIGKILL, as when it crashes.
    pub async fn kill(&mut self) -> Tried<()> {
        self.demo.kill().await
    }

    /// Starts it over the same rows and waits until it answers.
    pub async fn start(&mut self) -> Tried<()> {
        let starting = time::Watch::start();
        self.demo = Demo::start(self.run, self.program, &self.manner).await?;
        self.started_within = starting.elapsed();
        Ok(())
    }

    /// So long on a machine at leisure; longer on one that is busy, where visitors would else never get through
    /// between two starts.
    pub fn lives_for(&self, time: Duration) -> Duration {
        let slower = self.started_within.div_duration_f64(STARTS_WITHIN);
        time.mul_f64(slower.max(1.0))
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.demo.pid()
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.demo.lives()
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        self.demo.last_words()
    }

    /// Its rows, read past it.
    pub fn rows(&self) -> Rows {
        match &self.manner.database_url {
            Some(url) => Rows::Postgres(url.clone()),
            None => Rows::Sqlite(self.manner.data.join("ringback.db")),
        }
    }
}

/// A sandbox that nobody kills.
pub async fn sandbox(
    run: &Run,
    program: &Path,
    at: IpAddr,
    server_at: SocketAddr,
) -> Tried<(Running, World)> {
    let listen = SocketAddr::new(at, net::free_port()?);
    let mut command = run.program(program);
    command.args(["sandbox", "--listen", &listen.to_string()]);
    let inbound = format!("http://{server_at}/hooks/texts/inbound");
    command.args(["--inbound-url", &inbound]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let program = Running::start("ringback sandbox", command)?;
    let world = World::of(&format!("http://{listen}/"))?;
    time::until("the sandbox to answer", Duration::from_secs(30), || async {
        Ok(world.state().await.ok())
    })
    .await?;
    Ok((program, world))
}
