//! `cargo xtask kills`: `kill -9` of the server again and again under load, against a ledger of what it
//! had acknowledged. The outside world is a sandbox in a process of its own, which survives and
//! remembers what it was sent.
//!
//! `caller.rs` is a visitor over HTTP, `ledger.rs` keeps what was acknowledged and gives the verdict.

mod caller;
mod ledger;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::postgres::Postgres;
use crate::product::{Demo, Manner};
use crate::run::{Run, Running};
use crate::tally::Tally;
use crate::world::World;
use crate::{Tried, net, product, time, zone};

use caller::Caller;
use ledger::Ledger;

/// How it is to be done.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How often the server is killed, per engine
    #[arg(long, default_value_t = 50)]
    times: usize,
    /// Only this engine
    #[arg(long)]
    engine: Option<Engine>,
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Visitors at a time.
const VISITORS: usize = 4;
/// A visitor takes at least this long, so that the pretend ServiceTitan's 60 calls a second suffice.
const VISIT: Duration = Duration::from_millis(400);

/// Load before the first kill.
const WARM_UP: Duration = Duration::from_secs(20);

/// The command: one engine or both; true when nothing was lost and nothing done twice.
pub async fn run(root: &Path, options: &Options) -> Tried<bool> {
    let run = Run::open()?;
    let program = product::build(&run, root).await?;
    let mut tally = Tally::default();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if options.engine.is_none_or(|only| only == engine) {
            tally.add(kills(&run, &program, engine, options.times).await?);
        }
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// Kills the server `times` times, lets everything settle, prints the verdict.
pub async fn kills(run: &Run, program: &Path, engine: Engine, times: usize) -> Tried<Tally> {
    println!("   {engine:?}: {times} kills under load");
    let postgres = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(run).await?),
    };
    let port = net::free_port()?;
    let (_sandbox, world) = sandbox(run, program, port).await?;
    let manner = Manner {
        data: run.fresh("kills")?,
        port,
        database_url: postgres.as_ref().map(Postgres::url),
        sandbox: Some(world.url().to_owned()),
        zone: zone::by_day(),
    };
    let mut server = Demo::start(run, program, &manner).await?;
    let ready = server.ready.clone();
    let ledger = RefCell::new(Ledger::default());
    let over = Cell::new(false);

    let visitors = try_join_all((0..VISITORS).map(|_| async {
        while !over.get() {
            let pause = tokio::time::sleep(VISIT);
            Caller::new(&ready).visit(&ledger).await?;
            pause.await;
        }
        Tried::Ok(())
    }));
    let killing = async {
        // Until the first texts, held for 20 s, are on their way: kills have to meet them too.
        tokio::time::sleep(WARM_UP).await;
        let mut pauses = Pauses(0x9E37_79B9_7F4A_7C15);
        for _ in 0..times {
            tokio::time::sleep(pauses.next()).await;
            server.kill().await?;
            server = Demo::start(run, program, &manner).await?;
        }
        over.set(true);
        Tried::Ok(())
    };
    tokio::try_join!(visitors, killing)?;
    let office = server.ready.office();
    let ledger = ledger.into_inner();
    let verdict = ledger.verdict(&office, &world).await;
    if !server.lives() {
        return Err(format!("the server died by itself:\n{}", server.last_words()).into());
    }
    verdict
}

/// A sandbox that nobody kills.
async fn sandbox(run: &Run, program: &Path, server_port: u16) -> Tried<(Running, World)> {
    let port = net::free_port()?;
    let mut command = run.program(program);
    command.args(["sandbox", "--listen", &format!("127.0.0.1:{port}")]);
    let inbound = format!("http://127.0.0.1:{server_port}/hooks/texts/inbound");
    command.args(["--inbound-url", &inbound]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let program = Running::start("ringback sandbox", command)?;
    let world = World::of(&format!("http://127.0.0.1:{port}/"))?;
    time::until("the sandbox to answer", Duration::from_secs(30), || async {
        Ok(world.state().await.ok())
    })
    .await?;
    Ok((program, world))
}

/// How long the server is left alone before each kill: 50 to 1,250 ms, the same every time, without a
/// rhythm that its own timers could share.
struct Pauses(u64);

impl Pauses {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(50 + self.0 % 1200)
    }
}
