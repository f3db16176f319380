//! `hostile`: strangers at the server's door who do everything wrong, while visitors come and go: they read
//! slowly or never, drip their requests, open ten thousand connections and say nothing, and send what is too
//! long or no HTTP at all. The server stays up, takes bounded memory, lets go of everything, answers nobody with
//! a fault of its own, and serves the others.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use rustix::process::{Pid, Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::Case;
use super::figures::Figures;
use super::report::{Finding, Report};
use super::stage::{Load, Setup, Stage};
use crate::Tried;
use crate::time::Deadline;

/// How many connections say nothing.
const SILENT: usize = 10_000;
/// They are all there within this.
const OPENED_WITHIN: Duration = Duration::from_secs(40);
/// How many drip, and how many never read.
const DRIPPING: usize = 300;
const NEVER_READING: usize = 200;
/// How much nonsense is said at a time.
const AT_A_TIME: usize = 6;
/// So long each.
const LASTS: Duration = Duration::from_secs(20);
/// Everybody else is served meanwhile, if slower.
const SERVED_WITHIN: Duration = Duration::from_secs(20);
/// What a server may grow by, whatever is done to it: 16 KiB for each silent connection, and room to work.
const GROWS_BY: u64 = 300 * 1024 * 1024;
/// It lets go of connections within this.
const LETS_GO_WITHIN: Duration = Duration::from_secs(30);

pub async fn run(case: Case<'_>) -> Tried<Report> {
    may_open_many()?;
    let setup = Setup {
        load: Load {
            warm_up: Duration::from_secs(3),
            patience: SERVED_WITHIN,
            ..Load::default()
        },
        ..Setup::default()
    };
    let mut stage = Stage::open(&case, setup).await?;
    let door = Door {
        address: stage.server.ready.address()?,
        scheduler: stage.server.ready.scheduler_name().to_owned(),
        faults: RefCell::default(),
        answered: Cell::default(),
    };
    let (times, mut chance) = (case.times, case.chance);
    let (mut held, mut stood) = (Vec::new(), Vec::new());
    let mut grown = 0;
    stage
        .under_load(async |server| {
            let before = Figures::of(server.pid())?;
            for _ in 0..times {
                println!("          {SILENT} connections say nothing");
                let silent = door.silent().await;
                let theirs = all_accepted(server.pid()).await?;
                let ours = silent.iter().filter(|stream| stands(stream)).count();
                println!("          {ours} of them stand; the server has {theirs} files open");
                if ours < SILENT || theirs < SILENT {
                    stood.push(format!(
                        "{ours} connections stood at our end, {theirs} files at the server's, of {SILENT}"
                    ));
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
                drop(silent);
                println!("          {DRIPPING} drip their heads, {DRIPPING} their bodies");
                let drips = (0..2 * DRIPPING).map(|n| door.drips(n % 2 == 0));
                join_all(drips).await;
                println!("          {NEVER_READING} ask and never read");
                join_all((0..NEVER_READING).map(|_| door.never_reads())).await;
                println!("          what is too long, and what is no HTTP");
                // Some of it the server waits out: a few at a time, and not one after the other.
                let all = nonsense(&door.scheduler, &mut chance);
                stream::iter(&all)
                    .for_each_concurrent(AT_A_TIME, |message| door.says(message))
                    .await;
                door.line_nonsense().await;
            }
            let deadline = Deadline::after(LETS_GO_WITHIN);
            // Visitors come and go all the while, and logs and databases have their files.
            let room = before.files + 64;
            loop {
                let now = Figures::of(server.pid())?;
                if now.files <= room {
                    break;
                }
                if deadline.passed() {
                    held.push(format!(
                        "{} files are open, {} were",
                        now.files, before.files
                    ));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            grown = Figures::of(server.pid())?.most.saturating_sub(before.now);
            Ok(())
        })
        .await?;
    let mebibytes = grown / 1024 / 1024;
    let too_much = (grown > GROWS_BY).then(|| format!("it grew by {mebibytes} MiB"));
    let did = format!(
        "everything wrong, {times} times; {} answers; the server grew by {mebibytes} MiB at the most",
        door.answered.get()
    );
    let faults = door.faults.take();
    let mut report = stage.report(did).await?;
    report.findings.extend([
        Finding::of("no answer is a fault of the server's own", faults),
        Finding::of("its memory is bounded", too_much.into_iter().collect()),
        Finding::of("10,000 silent connections really stood", stood),
        Finding::of("it lets go of every connection", held),
    ]);
    Ok(report)
}

/// As many files as the machine lets us; the server inherits it.
fn may_open_many() -> Tried<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    match limit.current {
        Some(most) if most < SILENT as u64 + 1_000 => Err(format!(
            "only {most} files may be open: ulimit -Hn has to be {} or more",
            SILENT + 1_000
        )
        .into()),
        _ => Ok(()),
    }
}

/// How many files the server has open, once it has taken every silent connection out of the kernel's queue, or has
/// had the time to.
async fn all_accepted(server: Pid) -> Tried<usize> {
    let deadline = Deadline::after(Duration::from_secs(5));
    loop {
        let files = Figures::of(server)?.files;
        if files >= SILENT || deadline.passed() {
            return Ok(files);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the other end has not closed it.
fn stands(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

struct Door {
    address: SocketAddr,
    scheduler: String,
    faults: RefCell<Vec<String>>,
    answered: Cell<usize>,
}

impl Door {
    /// All at once. Of a server that is half full, the latest who say nothing are let go after 10 s: on a slow
    /// machine some have gone before the last has come, and others take their places.
    async fn silent(&self) -> Vec<TcpStream> {
        let mut silent = Vec::with_capacity(SILENT);
        let deadline = Deadline::after(OPENED_WITHIN);
        while silent.len() < SILENT && !deadline.passed() {
            while silent.len() < SILENT && !deadline.passed() {
                let some = join_all((0..250).map(|_| TcpStream::connect(self.address))).await;
                silent.extend(some.into_iter().flatten());
            }
            silent.retain(stands);
        }
        silent
    }

    /// A head or a body that comes a byte at a time.
    async fn drips(&self, head: bool) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else {
            return;
        };
        let begun = match head {
            true => format!("GET /s/{} HTTP/1.1\r\nHost: x\r\nX-Drip: ", self.scheduler),
            false => format!(
                "POST /s/{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n",
                self.scheduler
            ),
        };
        let deadline = Deadline::after(LASTS);
        let mut alive = stream.write_all(begun.as_bytes()).await.is_ok();
        while alive && !deadline.passed() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            alive = stream.write_all(b"a").await.is_ok();
        }
    }

    /// Asks for page after page and reads nothing.
    async fn never_reads(&self) {
        let Ok(socket) = TcpSocket::new_v4() else {
            return;
        };
        let _ = socket.set_recv_buffer_size(2_048);
        let Ok(mut stream) = socket.connect(self.address).await else {
            return;
        };
        let ask = format!("GET /s/{} HTTP/1.1\r\nHost: x\r\n\r\n", self.scheduler).repeat(200);
        let asking = stream.write_all(ask.as_bytes());
        let _ = tokio::time::timeout(Duration::from_secs(5), asking).await;
        tokio::time::sleep(LASTS).await;
    }

    /// Sends these bytes and looks at what is answered, if anything is.
    async fn says(&self, message: &[u8]) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else {
            return;
        };
        let conversation = async {
            // It may close before it has read all of it.
            let _ = stream.write_all(message).await;
            let mut answer = vec![0; 4_096];
            let read = stream.read(&mut answer).await.unwrap_or_default();
            String::from_utf8_lossy(&answer[..read]).into_owned()
        };
        let said = tokio::time::timeout(Duration::from_secs(15), conversation).await;
        let said = said.unwrap_or_default();
        let Some(status) = said
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
        else {
            return;
        };
        self.answered.set(self.answered.get() + 1);
        if status.starts_with('5') {
            let begins = String::from_utf8_lossy(&message[..message.len().min(80)]).into_owned();
            self.faults
                .borrow_mut()
                .push(format!("{status} to {begins:?}"));
        }
    }

    /// A presence line that is opened in order, and then gets what it cannot read.
    async fn line_nonsense(&self) {
        let upgrade = format!(
            "GET /line/{} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.scheduler,
            address = self.address
        );
        let frames: [&[u8]; 6] = [
            // Not masked; a length of 2^63; a reserved code; a piece of what never began; a flood of pings; no UTF-8.
            b"\x81\x02{}",
            b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
            b"\x83\x80\0\0\0\0",
            b"\x80\x80\0\0\0\0",
            &b"\x89\x80\0\0\0\0".repeat(20_000),
            b"\x81\x82\0\0\0\0\xc3\x28",
        ];
        for frame in frames {
            self.says(&[upgrade.as_bytes(), frame].concat()).await;
        }
    }
}

/// Requests that are too long, wrong, or none.
fn nonsense(scheduler: &str, chance: &mut super::chance::Chance) -> Vec<Vec<u8>> {
    let steps = format!("/s/{scheduler}");
    let post = |head: &str, body: &[u8]| -> Vec<u8> {
        let head = format!("POST {steps} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n");
        [head.as_bytes(), body].concat()
    };
    let form = "Content-Type: application/x-www-form-urlencoded";
    let long = vec![b'a'; 12 * 1024 * 1024];
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    let mut all = vec![
        // Too long.
        post(&format!("{form}\r\nContent-Length: {}", long.len()), &long),
        post(
            &format!("{form}\r\nContent-Length: 99999999999999"),
            b"zip=1",
        ),
        post(
            &format!("{form}\r\nTransfer-Encoding: chunked"),
            &chunked(&long),
        ),
        get(&format!("/{}", "a".repeat(200_000))),
        get(&format!("{steps}?{}", "a=1&".repeat(4_000))),
        format!(
            "GET {steps} HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
            "a".repeat(1 << 20)
        )
        .into_bytes(),
        format!(
            "GET {steps} HTTP/1.1\r\nHost: x\r\n{}\r\n",
            "X-Many: 1\r\n".repeat(5_000)
        )
        .into_bytes(),
        format!(
            "GET {steps} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n",
            "a=b; ".repeat(2_000)
        )
        .into_bytes(),
        // Wrong.
        post(&format!("{form}\r\nContent-Length: -5"), b"zip=1"),
        post(
            &format!("{form}\r\nContent-Length: 5\r\nContent-Length: 6"),
            b"zip=1",
        ),
        post(
            &format!("{form}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"),
            b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ),
        post(
            &format!("{form}\r\nTransfer-Encoding: chunked"),
            b"zz\r\nzip=1\r\n0\r\n\r\n",
        ),
        post(
            &format!("{form}\r\nTransfer-Encoding: chunked"),
            b"FFFFFFFFFFFFFFFFF\r\n",
        ),
        post(
            "Content-Type: application/json\r\nContent-Length: 14",
            b"{\"a\":\"\\ud800\"}",
        ),
        post(&format!("{form}\r\nContent-Length: 12"), b"zip=%00%ff%f"),
        post(
            &format!("{form}\r\nContent-Length: 11"),
            b"name=\xff\xfe\xc3\x28\x00a",
        ),
        post(
            "Content-Type: multipart/form-data; boundary=\r\nContent-Length: 4",
            b"----",
        ),
        get("/%00"),
        get("/s/%ff%fe"),
        get("/assets/../../../../etc/passwd"),
        get("/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
        get("http://elsewhere.example/s/x"),
        get("/r/not-a-token"),
        get("/api/v1/leads?limit=-1"),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_vec(),
        b"GET / HTTP/3.7\r\nHost: x\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\nHost: x\nX: \x01\x02\n\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        // None: a TLS client's first words, nothing but ends of lines, bytes.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"\r\n".repeat(50_000),
    ];
    for _ in 0..50 {
        let length = chance.between(1, 4_000);
        all.push((0..length).map(|_| chance.next() as u8).collect());
    }
    all
}

/// A body in pieces that say nothing of its whole length.
fn chunked(body: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(body.len() + body.len() / 1_000);
    for piece in body.chunks(8_192) {
        all.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        all.extend(piece);
        all.extend(b"\r\n");
    }
    all.extend(b"0\r\n\r\n");
    all
}
