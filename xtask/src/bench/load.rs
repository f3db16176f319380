//! The load: constant arrival whatever the server does, and latency counted from the moment a request was
//! due, so that a server that stalls is not forgiven the requests that would have come meanwhile.
//! [`flat_out`] is the other kind, for capacities: so many callers, each asking again as soon as it is answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::unconstrained;

use super::wire::{Answer, Wire};
use crate::Tried;

/// A request, and what it is about.
pub struct Ask<T> {
    pub bytes: Vec<u8>,
    pub about: T,
}

/// How a load went.
pub struct Went {
    /// Microseconds from the due moment to the whole answer, of the good ones.
    pub took: Histogram<u64>,
    /// The same from the moment they were sent: without the line for a free connection.
    pub sent: Histogram<u64>,
    /// Answered as they should be.
    pub good: u64,
    /// Refused in good order, and how long that took.
    pub refused: Histogram<u64>,
    /// From the first due moment to the last answer.
    pub lasted: Duration,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Refused,
}

/// Up to an hour of microseconds or nanoseconds, to three figures; one that grows by itself would clamp what it
/// has no room for yet.
pub fn histogram() -> Tried<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 3_600_000_000_000, 3)?)
}

impl Went {
    /// Nothing yet.
    pub fn new() -> Tried<Went> {
        Ok(Went {
            took: histogram()?,
            sent: histogram()?,
            good: 0,
            refused: histogram()?,
            lasted: Duration::ZERO,
        })
    }

    /// Good answers a second.
    pub fn rate(&self) -> f64 {
        self.good as f64 / self.lasted.as_secs_f64()
    }

    /// And what more of the same load did after it.
    pub fn add(&mut self, more: &Went) -> Tried<()> {
        self.took.add(&more.took)?;
        self.sent.add(&more.sent)?;
        self.refused.add(&more.refused)?;
        self.good += more.good;
        self.lasted += more.lasted;
        Ok(())
    }

    /// A percentile of the good ones, in milliseconds.
    pub fn ms(&self, percentile: f64) -> f64 {
        self.took.value_at_percentile(percentile) as f64 / 1e3
    }

    /// The same from the moment they were sent.
    pub fn sent_ms(&self, percentile: f64) -> f64 {
        self.sent.value_at_percentile(percentile) as f64 / 1e3
    }

    /// `took` since it was due, `sent` since it was asked. Of a refusal counts how long the server took to say no.
    fn note(&mut self, verdict: Verdict, took: Duration, sent: Duration) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        match verdict {
            Verdict::Good => {
                self.good += 1;
                self.took.saturating_record(micros(took));
                self.sent.saturating_record(micros(sent));
            }
            Verdict::Refused => self.refused.saturating_record(micros(sent)),
        }
    }
}

/// A constant arrival.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Requests a second.
    pub rate: f64,
    /// How many.
    pub count: u64,
    /// Connections they are spread over; whoever finds none free waits, and its clock runs.
    pub connections: usize,
}

/// Connections opened at a time.
const CONNECTING: usize = 64;
/// A connection that has been idle for longer is not used again.
const IDLE: Duration = Duration::from_secs(5);

/// Sends `count` requests at a constant rate. `ask` makes the n-th, `heard` judges its answer.
pub async fn open_loop<T>(
    to: SocketAddr,
    arrival: Arrival,
    ask: impl Fn(u64) -> Ask<T>,
    heard: impl Fn(T, &Answer<'_>) -> Tried<Verdict>,
) -> Tried<Went> {
    let connect = || async move { Tried::Ok((Wire::connect(to, None).await?, Instant::now())) };
    let connecting = stream::iter(0..arrival.connections).map(|_| connect());
    let wires: Vec<_> = connecting.buffered(CONNECTING).try_collect().await?;
    let begun = Instant::now() + Duration::from_millis(20);
    let due = Mutex::new(pace(begun, arrival));
    // One for all: twelve thousand histograms would be gigabytes to clear while the clock runs.
    let went = RefCell::new(Went::new()?);
    let (due, ask, heard, all) = (&due, &ask, &heard, &went);
    let workers = wires.into_iter().map(|(mut wire, mut used)| async move {
        loop {
            let next = due.lock().await.recv().await;
            let Some((number, at)) = next else {
                return Tried::Ok(());
            };
            // A server may close what has been idle for ten seconds; a browser would connect again as well.
            if used.elapsed() > IDLE {
                wire = Wire::connect(to, None).await?;
            }
            let asked = ask(number);
            let sent = Instant::now();
            let answer = wire.ask(&asked.bytes).await?;
            // Before the answer is judged: reading a calendar takes the judge longer than some answers take.
            used = Instant::now();
            let verdict = heard(asked.about, &answer)?;
            let (took, waited) = (used.duration_since(at), used.duration_since(sent));
            all.borrow_mut().note(verdict, took, waited);
        }
    });
    // tokio lets a task do so much at a time and sends it to the end of the line: with all of them in one task, some
    // of twelve thousand would hear their answers ten seconds late.
    unconstrained(try_join_all(workers)).await?;
    let lasted = begun.elapsed();
    Ok(Went {
        lasted,
        ..went.into_inner()
    })
}

/// The due moments, told as they come by a thread of their own: an async timer is good to a millisecond only.
fn pace(begun: Instant, arrival: Arrival) -> UnboundedReceiver<(u64, Instant)> {
    let (tell, told) = unbounded_channel();
    std::thread::spawn(move || {
        for number in 0..arrival.count {
            let at = begun + Duration::from_secs_f64(number as f64 / arrival.rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if tell.send((number, at)).is_err() {
                return;
            }
        }
    });
    told
}

/// So many callers on so many connections: who is answered lets the next one ask.
#[derive(Clone, Copy, Debug)]
pub struct Callers {
    /// Connections, which take turns.
    pub connections: usize,
    /// How many ask at a time.
    pub at_once: usize,
}

impl Callers {
    /// Each asks again as soon as it is answered.
    pub fn all(callers: usize) -> Callers {
        Callers {
            connections: callers,
            at_once: callers,
        }
    }
}

/// `callers` ask as fast as they are answered, for `lasts`.
pub async fn flat_out<T>(
    to: SocketAddr,
    callers: Callers,
    lasts: Duration,
    ask: impl Fn(u64) -> Ask<T>,
    heard: impl Fn(T, &Answer<'_>) -> Tried<Verdict>,
) -> Tried<Went> {
    let connecting = stream::iter(0..callers.connections).map(|_| Wire::connect(to, None));
    let wires: Vec<_> = connecting.buffered(CONNECTING).try_collect().await?;
    let turns = Semaphore::new(callers.at_once);
    let number = Cell::new(0);
    let went = RefCell::new(Went::new()?);
    let begun = Instant::now();
    let (turns, number, ask, heard, all) = (&turns, &number, &ask, &heard, &went);
    let workers = wires.into_iter().map(|mut wire| async move {
        loop {
            // First come, first served: every connection has its turn.
            let _turn = turns.acquire().await?;
            if begun.elapsed() >= lasts {
                return Tried::Ok(());
            }
            let asked = ask(number.replace(number.get() + 1));
            let at = Instant::now();
            let answer = wire.ask(&asked.bytes).await?;
            let took = at.elapsed();
            let verdict = heard(asked.about, &answer)?;
            all.borrow_mut().note(verdict, took, took);
        }
    });
    unconstrained(try_join_all(workers)).await?;
    let lasted = begun.elapsed();
    Ok(Went {
        lasted,
        ..went.into_inner()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that stalls once is charged for everything that came due meanwhile.
    #[tokio::test]
    async fn a_stall_is_charged_to_everybody_who_waited() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let to = listener.local_addr().unwrap();
        let stall = Duration::from_millis(100);
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 64];
            for number in 0.. {
                if stream.read(&mut asked).await.unwrap_or(0) == 0 {
                    return;
                }
                if number == 0 {
                    tokio::time::sleep(stall).await;
                }
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        };
        let arrival = Arrival {
            rate: 1000.0,
            count: 50,
            connections: 1,
        };
        let ask = |_| Ask {
            bytes: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            about: (),
        };
        let asking = open_loop(to, arrival, ask, |(), answer| {
            assert_eq!(answer.status, 204);
            Ok(Verdict::Good)
        });
        let (went, ()) = tokio::join!(asking, serving);
        let went = went.unwrap();
        assert_eq!(went.good, 50);
        // The last came due 50 ms into the stall and waited the other half of it.
        assert!(went.took.min() >= 40_000, "{}", went.took.min());
        assert!(went.took.max() >= 99_000, "{}", went.took.max());
    }
}
