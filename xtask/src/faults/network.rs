//! `network`: the way between the server and its database is cut, both ways or one way, for seconds or for longer
//! than the server may be thought alive. Nothing says so: packets are dropped on a router between them, a
//! network namespace of our own. Visitors reach the server by another way. Needs root.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use super::Case;
use super::report::Report;
use super::stage::{Load, Setup, Stage};
use crate::Tried;
use crate::postgres::{How, Postgres};
use crate::run::{Run, Running};

pub async fn run(case: Case<'_>) -> Tried<Report> {
    let way = Way::build(case.run).await?;
    let how = How {
        address: DATABASE.to_owned(),
        ..How::default()
    };
    let postgres = Postgres::start_so(case.run, &how).await?;
    let setup = Setup {
        before: way.inside(),
        may_refuse: true,
        addresses: Some((SERVER.parse::<IpAddr>()?, OUTSIDE.parse::<IpAddr>()?)),
        load: Load {
            // They come from one address that is not loopback: 20 requests a second are let in.
            visitors: 2,
            visit: Duration::from_millis(900),
            // A cut of 25 s, and half a minute until PostgreSQL lets go of what it still holds for us.
            patience: Duration::from_secs(120),
            ..Load::default()
        },
        ..Setup::default()
    };
    let url = Some(postgres.url());
    let mut stage = Stage::on(&case, setup, url, Some(postgres)).await?;
    let (times, mut chance) = (case.times, case.chance);
    stage
        .under_load(async |_| {
            let every = [Cut::Both, Cut::There, Cut::Back]
                .into_iter()
                .flat_map(|cut| LASTS.map(|lasts| (cut, lasts)));
            let every: Vec<_> = every.collect();
            for (cut, lasts) in chance.deal(&every, times) {
                let lasts = Duration::from_secs(lasts);
                println!("          {} for {} s", cut.said(), lasts.as_secs());
                way.cut(cut).await?;
                tokio::time::sleep(lasts).await;
                way.mend(cut).await?;
                tokio::time::sleep(chance.millis(3_000, 8_000)).await;
            }
            Ok(())
        })
        .await?;
    stage.report(format!("cut off {times} times")).await
}

/// In seconds: hardly noticed, longer than a line's silence, and longer than a server is taken for alive.
const LASTS: [u64; 3] = [2, 12, 25];

#[derive(Clone, Copy)]
enum Cut {
    Both,
    /// What the server says is lost.
    There,
    /// What the database says is lost.
    Back,
}

impl Cut {
    fn said(self) -> &'static str {
        match self {
            Cut::Both => "both ways",
            Cut::There => "to the database only",
            Cut::Back => "from the database only",
        }
    }

    /// Whose packets the router drops.
    fn to(self) -> &'static [&'static str] {
        match self {
            Cut::Both => &[DATABASE, SERVER_INSIDE],
            Cut::There => &[DATABASE],
            Cut::Back => &[SERVER_INSIDE],
        }
    }
}

// Three links of four addresses each: outside to server, outside to router, router to server.
const OUTSIDE: &str = "10.203.1.1";
const SERVER: &str = "10.203.1.2";
const DATABASE: &str = "10.203.2.1";
const ROUTER: &str = "10.203.2.2";
const ROUTER_INSIDE: &str = "10.203.3.1";
const SERVER_INSIDE: &str = "10.203.3.2";
const TO_DATABASE: &str = "10.203.2.0/30";
const TO_SERVER: &str = "10.203.3.0/30";

/// Debian's iproute2.
const IP: &str = "/usr/sbin/ip";

/// The way, and a name of its own for what it is made of.
struct Way<'a> {
    run: &'a Run,
    name: String,
}

impl Way<'_> {
    async fn build(run: &Run) -> Tried<Way<'_>> {
        if !rustix::process::geteuid().is_root() {
            return Err("network namespaces are root's to make".into());
        }
        let way = Way {
            run,
            name: format!("rb{}", std::process::id()),
        };
        let (server, router) = (way.server(), way.router());
        for space in [&server, &router] {
            way.ip(&["netns", "add", space]).await?;
            way.ip(&["-n", space, "link", "set", "lo", "up"]).await?;
        }
        way.link("a", (None, OUTSIDE), (Some(&server), SERVER))
            .await?;
        way.link("b", (None, DATABASE), (Some(&router), ROUTER))
            .await?;
        way.link(
            "c",
            (Some(&router), ROUTER_INSIDE),
            (Some(&server), SERVER_INSIDE),
        )
        .await?;
        way.ip(&["route", "add", TO_SERVER, "via", ROUTER]).await?;
        way.ip(&[
            "-n",
            &server,
            "route",
            "add",
            TO_DATABASE,
            "via",
            ROUTER_INSIDE,
        ])
        .await?;
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        way.ip(&["netns", "exec", &router, "/bin/sh", "-c", forward])
            .await?;
        Ok(way)
    }

    fn server(&self) -> String {
        format!("{}s", self.name)
    }

    fn router(&self) -> String {
        format!("{}r", self.name)
    }

    /// The words before a command line that runs where the server is.
    fn inside(&self) -> Vec<String> {
        let words = [IP, "netns", "exec", &self.server()];
        words.map(str::to_owned).into()
    }

    async fn link(
        &self,
        name: &str,
        one: (Option<&str>, &str),
        other: (Option<&str>, &str),
    ) -> Tried<()> {
        let (here, there) = (
            format!("{}{name}0", self.name),
            format!("{}{name}1", self.name),
        );
        self.ip(&["link", "add", &here, "type", "veth", "peer", "name", &there])
            .await?;
        for (end, (space, address)) in [(&here, one), (&there, other)] {
            let address = format!("{address}/30");
            let within = match space {
                None => Vec::new(),
                Some(space) => {
                    self.ip(&["link", "set", end, "netns", space]).await?;
                    vec!["-n", space]
                }
            };
            let all = |words: &[&'static str]| -> Vec<String> {
                let words = within.iter().copied().chain(words.iter().copied());
                words.map(str::to_owned).collect()
            };
            let mut give = all(&["addr", "add"]);
            give.extend([address, "dev".to_owned(), end.clone()]);
            self.ip(&give).await?;
            let mut up = all(&["link", "set"]);
            up.extend([end.clone(), "up".to_owned()]);
            self.ip(&up).await?;
        }
        Ok(())
    }

    async fn cut(&self, cut: Cut) -> Tried<()> {
        self.router_routes("add", cut).await
    }

    async fn mend(&self, cut: Cut) -> Tried<()> {
        self.router_routes("del", cut).await
    }

    /// A black hole drops what is forwarded, and says nothing.
    async fn router_routes(&self, verb: &str, cut: Cut) -> Tried<()> {
        for address in cut.to() {
            let route = format!("{address}/32");
            self.ip(&["-n", &self.router(), "route", verb, "blackhole", &route])
                .await?;
        }
        Ok(())
    }

    async fn ip(&self, words: &[impl AsRef<str>]) -> Tried<()> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let mut command = self.run.program(IP);
        command.args(&words).stdin(Stdio::null());
        let status = Running::start("ip", command)?.wait().await?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("ip {} ended with {status}", words.join(" ")).into()),
        }
    }
}

impl Drop for Way<'_> {
    /// With its namespaces its links go, too.
    fn drop(&mut self) {
        for space in [self.server(), self.router()] {
            let gone = std::process::Command::new(IP)
                .args(["netns", "del", &space])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if let Err(error) = gone {
                println!("   the namespace {space} stays: {error}");
            }
        }
    }
}
