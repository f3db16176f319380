//! Where benchmarks play: a seeded business in a folder that is copied for each of them, a pretend outside
//! world in a process of its own, and the product as a release build of `ringback serve`.
//!
//! The server's limits by address are on. It is told, as behind any reverse proxy, to believe loopback about
//! whom it speaks for, and every visitor comes from an address of their own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::product::{Demo, Manner, Ready};
use crate::run::{Run, Running};
use crate::world::World;
use crate::{Tried, net, time};

use super::wire::Wire;

/// The stage of one run.
pub struct Stage {
    pub run: Run,
    pub root: PathBuf,
    pub program: PathBuf,
    /// What the seeded business's people and programs sign in with; its URLs are those of another time.
    pub ready: Ready,
    seeded: PathBuf,
    _sandbox: Running,
    pub world: World,
}

/// A running server.
pub struct Server {
    program: Running,
    pub address: SocketAddr,
    pub data: PathBuf,
    /// From the start of the process to its first good `/readyz`.
    pub ready_after: Duration,
}

/// How long a start may take at the very most.
const PATIENCE: Duration = Duration::from_secs(120);

impl Stage {
    /// Seeds a business once, with a demo that is ended in good order.
    pub async fn set(root: &Path, program: PathBuf) -> Tried<Stage> {
        let run = Run::open()?;
        let (sandbox, world) = sandbox(&run, &program).await?;
        let seeded = run.fresh("seeded")?;
        let manner = Manner {
            data: seeded.clone(),
            address: net::LOOPBACK,
            port: 0,
            database_url: None,
            sandbox: Some(world.url().to_owned()),
            zone: crate::zone::by_day(),
            before: Vec::new(),
            log: None,
        };
        let demo = Demo::start(&run, &program, &manner).await?;
        let ready = demo.ready.clone();
        drop(demo);
        Ok(Stage {
            run,
            root: root.to_owned(),
            program,
            ready,
            seeded,
            _sandbox: sandbox,
            world,
        })
    }

    /// A fresh copy of the seeded business.
    pub fn fresh(&self, name: &str) -> Tried<PathBuf> {
        self.copy(&self.seeded, name)
    }

    /// A fresh copy of a folder's database and key.
    pub fn copy(&self, from: &Path, name: &str) -> Tried<PathBuf> {
        let data = self.run.fresh(name)?;
        for file in ["ringback.db", "ringback.db-wal", "ringback.key"] {
            if from.join(file).exists() {
                fs::copy(from.join(file), data.join(file))?;
            }
        }
        Ok(data)
    }

    /// Signs in to the office; the cookie that says so.
    pub async fn sign_in(&self, server: &Server, from: Ipv4Addr) -> Tried<String> {
        let address = server.address;
        let mut form = reqwest::Url::parse("http://form/")?;
        form.query_pairs_mut()
            .append_pair("email", &self.ready.email)
            .append_pair("password", &self.ready.password);
        let form = form.query().unwrap_or_default();
        let asked = format!(
            "POST /office/sign-in HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n\
             x-forwarded-for: {from}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            form.len()
        );
        let mut wire = Wire::connect(address, None).await?;
        let answer = wire.ask(asked.as_bytes()).await?;
        let cookie = answer.cookie().map(str::to_owned);
        cookie.ok_or_else(|| format!("signing in was answered with {}", answer.status).into())
    }

    /// Starts a server over a folder and waits until it is ready.
    pub async fn serve(&self, data: &Path) -> Tried<Server> {
        let port = net::free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let file = fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))?;
        let mut command = self.run.program(&self.program);
        let database = data.join("ringback.db");
        let key = data.join("ringback.key");
        let outside = self.world.url();
        command
            .arg("serve")
            .current_dir(data)
            .env("RINGBACK_PUBLIC_URL", format!("http://{address}"))
            .env("RINGBACK_LISTEN", address.to_string())
            .env(
                "RINGBACK_DATABASE_URL",
                format!("sqlite:{}", database.display()),
            )
            .env("RINGBACK_KEY_FILE", key)
            .env("RINGBACK_TRUSTED_PROXIES", "127.0.0.0/8")
            .env("RINGBACK_SERVICETITAN_AUTH_URL", outside)
            .env("RINGBACK_SERVICETITAN_API_URL", outside)
            .env("RINGBACK_TWILIO_URL", outside)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let begun = Instant::now();
        let mut program = Running::start("ringback serve", command)?;
        let asked = format!(
            "GET /readyz HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: 10.255.255.1\r\n\r\n"
        );
        loop {
            if let Ok(mut wire) = Wire::connect(address, None).await
                && let Ok(answer) = wire.ask(asked.as_bytes()).await
                && answer.status == 200
            {
                return Ok(Server {
                    program,
                    address,
                    data: data.to_owned(),
                    ready_after: begun.elapsed(),
                });
            }
            if program.ended().is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(data.join("log")).unwrap_or_default();
                return Err(format!("ringback serve did not become ready:\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Server {
    /// SIGKILL, as when it crashes.
    pub async fn kill(mut self) -> Tried<()> {
        self.program.kill().await
    }

    /// Transactions committed since the file was made, as SQLite itself counts them in the first page of the
    /// log's shared index (`iChange`, <https://sqlite.org/walformat.html#the_wal_index_header>).
    pub fn commits(&self) -> Tried<u32> {
        let index = fs::read(self.data.join("ringback.db-shm"))?;
        let word = index.get(8..12).ok_or("the log has no shared index")?;
        Ok(u32::from_ne_bytes(word.try_into()?))
    }

    /// How many leads stand in the database, read beside the server.
    pub fn leads(&self) -> Tried<u64> {
        let sql = "SELECT COUNT(*) FROM lead";
        let count: i64 = self.look()?.query_row(sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Waits until there are so many leads.
    pub async fn until_leads(&self, count: u64, patience: Duration) -> Tried<()> {
        time::until(&format!("{count} leads"), patience, || async {
            Ok((self.leads()? >= count).then_some(()))
        })
        .await
    }

    /// The database, to be read beside the server.
    pub fn look(&self) -> Tried<rusqlite::Connection> {
        let connection = rusqlite::Connection::open(self.data.join("ringback.db"))?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> Tried<u64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Processor time used so far, all threads.
    pub fn processor(&self) -> Tried<Duration> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name in brackets may hold anything; the fields begin behind it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no processor time")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok());
        let ticks = ticks(11).zip(ticks(12)).ok_or("no processor time")?;
        // USER_HZ is 100 on every Linux there is.
        Ok(Duration::from_millis((ticks.0 + ticks.1) * 10))
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!(
            "/proc/{}/{file}",
            self.program.pid().as_raw_nonzero()
        ))
    }
}

/// A sandbox that outlives every server. Replies from its phone have nowhere to go.
async fn sandbox(run: &Run, program: &Path) -> Tried<(Running, World)> {
    let port = net::free_port()?;
    let mut command = run.program(program);
    command.args(["sandbox", "--listen", &format!("127.0.0.1:{port}")]);
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
