//! `presence`: what an open page costs. Lines are opened as pages open them; memory is the slope between 5,000
//! and 15,000, so that what the server holds anyway does not count; the kernel's share is told apart.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::departure::begin_visits;
use super::report::{Goal, Sample};
use super::stage::{Server, Stage};
use super::visitors::{Scheduler, visitor_address};
use crate::Tried;

/// Lines between which the slope is taken.
const FEW: usize = 5_000;
const MANY: usize = 15_000;
/// After the last line has opened, before memory is read: every line has been pinged once.
const SETTLES: Duration = Duration::from_secs(7);
/// Processor time at rest is taken over two rounds of pings.
const REST: Duration = Duration::from_secs(10);
/// Lines that open at a time.
const ABREAST: usize = 64;

/// One repetition.
pub async fn once(stage: &Stage) -> Tried<Vec<Sample>> {
    let data = stage.fresh("presence")?;
    let server = stage.serve(&data).await?;
    let scheduler = Scheduler::find(server.address, stage.ready.scheduler_name()).await?;
    let cookies = begin_visits(&scheduler, MANY as u64).await?;
    let mut lines = Lines::default();
    lines.open(&scheduler, &cookies, FEW).await?;
    let few = Memory::of(&server).await?;
    lines.open(&scheduler, &cookies, MANY).await?;
    let many = Memory::of(&server).await?;
    let before = server.processor()?;
    tokio::time::sleep(REST).await;
    let at_rest = (server.processor()? - before).as_secs_f64() / REST.as_secs_f64();
    lines.all_live()?;
    server.kill().await?;

    let between = (MANY - FEW) as f64;
    let kib = |few: u64, many: u64| (many as f64 - few as f64) / between / 1024.0;
    let load = format!("{MANY} lines in one process, each pinged every 5 s");
    Ok(vec![
        Sample {
            load: load.clone(),
            goal: Goal::AtMost(12.0),
            more: vec![("process_mib_at_15000", many.process as f64 / 1_048_576.0)],
            ..Sample::new("presence", kib(few.process, many.process), "KiB/line")
        },
        Sample {
            load: "half of what sockets and slabs grew: the other half is the client's".to_owned(),
            ..Sample::new(
                "presence_kernel",
                kib(few.kernel, many.kernel) / 2.0,
                "KiB/line",
            )
        },
        Sample {
            load,
            ..Sample::new("presence_at_rest", at_rest * 100.0, "% of a core")
        },
    ])
}

/// Open lines; each is read by a task, which answers pings.
#[derive(Default)]
struct Lines {
    tasks: JoinSet<Tried<()>>,
}

impl Lines {
    /// Opens lines until there are `count`.
    async fn open(&mut self, scheduler: &Scheduler, cookies: &[String], count: usize) -> Tried<()> {
        let mut opening = futures_util::stream::iter(self.tasks.len()..count)
            .map(|number| line(scheduler, number, &cookies[number]))
            .buffer_unordered(ABREAST);
        while let Some(line) = opening.next().await {
            let mut line = line?;
            self.tasks.spawn(async move {
                while let Some(message) = line.next().await {
                    message?;
                }
                Err("the server closed a line".into())
            });
        }
        Ok(())
    }

    /// A line that has ended is an error.
    fn all_live(&mut self) -> Tried<()> {
        match self.tasks.try_join_next() {
            None => Ok(()),
            Some(ended) => ended?,
        }
    }
}

/// The connection of an open page.
pub type Line = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

/// Opens a visitor's line as their page does, and waits until the server has it.
pub async fn line(scheduler: &Scheduler, number: usize, cookie: &str) -> Tried<Line> {
    let mut request =
        format!("ws://{}/line/{}", scheduler.address, scheduler.name).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("origin", format!("http://{}", scheduler.address).parse()?);
    headers.insert("cookie", cookie.parse()?);
    let from = visitor_address(number as u64).to_string();
    headers.insert("x-forwarded-for", from.parse()?);
    let socket = TcpSocket::new_v4()?;
    // Each loopback address has ports of its own.
    let source = Ipv4Addr::new(127, 0, 1, u8::try_from(1 + number / 10_000)?);
    socket.bind(SocketAddr::from((source, 0)))?;
    let stream = socket.connect(scheduler.address).await?;
    let (mut line, _) = client_async(request, stream).await?;
    let attach = json!({ "t": "attach", "n": 1, "page": "bench", "hidden": false });
    line.send(Message::text(attach.to_string())).await?;
    let told = line.next().await.ok_or("a line without an answer")??;
    match told.to_text()? {
        r#"{"t":"ok"}"# => Ok(line),
        other => Err(format!("a line was told {other}").into()),
    }
}

/// Bytes.
struct Memory {
    process: u64,
    kernel: u64,
}

impl Memory {
    async fn of(server: &Server) -> Tried<Memory> {
        tokio::time::sleep(SETTLES).await;
        Ok(Memory {
            process: server.memory()?,
            kernel: kernel()?,
        })
    }
}

/// Socket buffers and slabs of the whole machine.
fn kernel() -> Tried<u64> {
    let sockets = fs::read_to_string("/proc/net/sockstat")?;
    let pages = sockets
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))
        .and_then(|line| line.split(" mem ").nth(1))
        .ok_or("no memory of sockets in /proc/net/sockstat")?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let slab = memory
        .lines()
        .find_map(|line| line.strip_prefix("Slab:"))
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no Slab in /proc/meminfo")?;
    Ok(pages.trim().parse::<u64>()? * 4096 + slab.parse::<u64>()? * 1024)
}
