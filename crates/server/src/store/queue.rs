//! A bounded line of waiting work, from async tasks to store threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// First in, first out; refuses when `limit` are waiting; closes once and is then emptied.
pub(super) struct Queue<T> {
    line: Mutex<Line<T>>,
    arrival: Condvar,
    limit: usize,
}

struct Line<T> {
    waiting: VecDeque<T>,
    /// Threads that wait for work and have not been woken. Only they need waking, which is a call to the kernel.
    asleep: usize,
    closed: bool,
}

/// Why a [`Queue`] does not take any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The limit is reached.
    Full,
    /// The store is shutting down.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            line: Mutex::new(Line {
                waiting: VecDeque::new(),
                asleep: 0,
                closed: false,
            }),
            arrival: Condvar::new(),
            limit,
        }
    }

    /// Puts `work` at the end of the line. Never blocks.
    pub(super) fn push(&self, work: T) -> Result<(), Refusal> {
        let mut line = self.line();
        if line.closed {
            return Err(Refusal::Closed);
        }
        if line.waiting.len() >= self.limit {
            return Err(Refusal::Full);
        }
        line.waiting.push_back(work);
        let sleeps = line.asleep > 0;
        line.asleep -= usize::from(sleeps);
        drop(line);
        if sleeps {
            self.arrival.notify_one();
        }
        Ok(())
    }

    /// The next in line; waits for it. `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<T> {
        let mut line = self.line();
        loop {
            if let Some(work) = line.waiting.pop_front() {
                return Some(work);
            }
            if line.closed {
                return None;
            }
            line.asleep += 1;
            line = self
                .arrival
                .wait(line)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next in line if somebody is waiting.
    pub(super) fn next_waiting(&self) -> Option<T> {
        self.line().waiting.pop_front()
    }

    /// How many are waiting.
    pub(super) fn depth(&self) -> usize {
        self.line().waiting.len()
    }

    /// Whether it takes nothing more.
    pub(super) fn is_closed(&self) -> bool {
        self.line().closed
    }

    /// Takes nothing more; what is in line is still served.
    pub(super) fn close(&self) {
        self.line().closed = true;
        self.arrival.notify_all();
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        // No code of ours runs under this lock, so a poisoned one is still whole.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn refuses_over_its_limit_and_empties_after_closing() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(queue.push(3), Err(Refusal::Full));
        queue.close();
        assert_eq!(queue.push(4), Err(Refusal::Closed));
        assert_eq!(
            (queue.next(), queue.next(), queue.next()),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn whoever_sleeps_is_woken_for_every_piece_of_work() {
        let queue = Queue::new(1);
        // Somebody who is never woken must not keep the test waiting.
        let until = |done: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !done() {
                if begun.elapsed() > Duration::from_secs(10) {
                    queue.close();
                    panic!("somebody sleeps beside work");
                }
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            let worker = scope.spawn(|| std::iter::from_fn(|| queue.next()).collect::<Vec<_>>());
            for work in 0..100 {
                until(&|| queue.push(work).is_ok());
                // Now and then the worker has fallen asleep before there is more, and now and then not.
                if work % 3 == 0 {
                    until(&|| queue.depth() == 0 && queue.line().asleep == 1);
                }
            }
            queue.close();
            assert_eq!(worker.join().unwrap(), (0..100).collect::<Vec<_>>());
        });
    }

    #[test]
    fn closing_wakes_whoever_waits() {
        let queue = Queue::<i32>::new(1);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.next());
            queue.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
