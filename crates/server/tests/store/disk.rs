//! A disk that is full, and one that fails: the store runs in a process of its own, whose system calls a
//! preloaded library answers like such a disk (`disk_faults.c`).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ringback_server::clock::Clock;
use ringback_server::store::{Engine, FATAL_EXIT_CODE, Order, Store, StoreConfig, StoreError, sql};
use ringback_server::testing::Place;

use crate::{count, put};

#[test]
fn a_full_disk_refuses_writes_keeps_reads_and_goes_on_when_there_is_room() {
    let Some(mut disk) = FaultyDisk::start() else {
        return;
    };
    assert_eq!(disk.ask("put a"), "written");
    disk.fails("full");
    // The log may have a little room of its own left from before; then not any more.
    let told: Vec<_> = (0..200)
        .map(|number| disk.ask(&format!("put {number}")))
        .collect();
    let full = told.iter().filter(|told| *told == "full").count();
    assert!(full >= 100, "{told:?}");
    assert!(
        told.iter().all(|told| told == "full" || told == "written"),
        "{told:?}"
    );
    let written = told.len() - full + 1;
    assert_eq!(
        disk.ask("count"),
        written.to_string(),
        "reads go on, and see what was acknowledged"
    );
    disk.recovers();
    assert_eq!(disk.ask("put b"), "written", "by itself, without a restart");
    assert_eq!(disk.ask("count"), (written + 1).to_string());
    assert_eq!(disk.restart_and_count(), written as i64 + 1);
}

#[test]
fn a_write_too_large_for_the_disk_is_undone_as_a_whole() {
    let Some(mut disk) = FaultyDisk::start() else {
        return;
    };
    assert_eq!(disk.ask("put a"), "written");
    disk.fails("full");
    assert_eq!(disk.ask("fill"), "full");
    assert_eq!(disk.ask("count"), "1");
    disk.recovers();
    assert_eq!(disk.ask("fill"), "written");
    assert_eq!(disk.ask("count"), "20001");
}

#[test]
fn after_a_failed_fsync_the_process_stops_and_a_restart_has_everything_acknowledged() {
    let Some(mut disk) = FaultyDisk::start() else {
        return;
    };
    for number in 0..25 {
        assert_eq!(disk.ask(&format!("put {number}")), "written");
    }
    disk.fails("fsync");
    disk.say("put lost");
    let (code, said) = disk.end();
    assert_eq!(code, Some(FATAL_EXIT_CODE));
    assert!(
        said.contains("The disk failed while the database"),
        "{said}"
    );
    assert_eq!(disk.answer(), "", "nobody was told that it was written");
    disk.recovers();
    // What was not acknowledged may be there or not; what was, is.
    let found = disk.restart_and_count();
    assert!((25..=26).contains(&found), "{found}");
}

/// A store in a process of its own, on a disk that can be told to fail.
struct FaultyDisk {
    place: Place,
    fault: PathBuf,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl FaultyDisk {
    /// `None` where there is no C compiler or no preloading; it says so.
    fn start() -> Option<Self> {
        let place = Place::fresh(Engine::Sqlite).expect("SQLite is always there");
        let folder = place
            .file()
            .expect("a file")
            .parent()
            .expect("a folder")
            .to_owned();
        let library = folder.join("disk_faults.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/disk_faults.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl")
            .status();
        if !cfg!(target_os = "linux") || !built.is_ok_and(|status| status.success()) {
            eprintln!(
                "skipped: a failing disk is played by a preloaded library, which needs Linux and cc"
            );
            return None;
        }
        let fault = folder.join("fault");
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "disk::the_process_on_the_faulty_disk",
                "--ignored",
                "--nocapture",
            ])
            .env("LD_PRELOAD", &library)
            .env("RINGBACK_DISK_FAULT", &fault)
            .env(STORE_VARIABLE, place.file().expect("a file"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process of its own");
        let questions = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self {
            place,
            fault,
            child,
            questions,
            answers,
        })
    }

    fn fails(&self, how: &str) {
        fs::write(&self.fault, how).expect("the fault is set");
    }

    fn recovers(&self) {
        fs::remove_file(&self.fault).expect("the fault was set");
    }

    fn ask(&mut self, question: &str) -> String {
        self.say(question);
        self.answer()
    }

    fn say(&mut self, question: &str) {
        writeln!(self.questions, "{question}").expect("the process listens");
    }

    /// What the store answers; empty when the process has ended without.
    fn answer(&mut self) -> String {
        let lines = self
            .answers
            .by_ref()
            .lines()
            .map(|line| line.expect("UTF-8"));
        // The test harness of the process prints lines of its own.
        let mut answers = lines.filter_map(|line| Some(line.strip_prefix(ANSWER)?.to_owned()));
        answers.next().unwrap_or_default()
    }

    /// Waits for the process to end by itself: its exit code and last words.
    fn end(&mut self) -> (Option<i32>, String) {
        let errors = self.child.stderr.take().expect("piped");
        let said = std::io::read_to_string(errors).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), said)
    }

    /// What another process finds on the disk that works again.
    fn restart_and_count(self) -> i64 {
        let Self {
            place,
            mut child,
            questions,
            ..
        } = self;
        drop(questions);
        child.wait().expect("it ends when nobody asks any more");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let store = Store::open(place.config(), Clock::system()).expect("it opens again");
        runtime.block_on(count(&store))
    }
}

const STORE_VARIABLE: &str = "RINGBACK_TEST_STORE_ON_FAULTY_DISK";
const ANSWER: &str = "answer: ";

/// Not a test by itself: what [`FaultyDisk`] runs with the library preloaded.
#[tokio::test]
#[ignore = "run by the tests of this file, in a process of its own"]
async fn the_process_on_the_faulty_disk() {
    let Some(path) = std::env::var_os(STORE_VARIABLE) else {
        return;
    };
    let config = StoreConfig::Sqlite { path: path.into() };
    let store = Store::open(&config, Clock::system()).expect("it opens");
    for question in std::io::stdin().lines() {
        let question = question.expect("UTF-8");
        let outcome = match question.split_once(' ') {
            Some(("put", id)) => put(&store, id, 1).await.map(|_| "written".to_owned()),
            None if question == "fill" => fill(&store).await.map(|()| "written".to_owned()),
            None if question == "count" => Ok(count(&store).await.to_string()),
            _ => panic!("unknown question {question}"),
        };
        let answer = match outcome {
            Ok(answer) => answer,
            Err(StoreError::Full) => "full".to_owned(),
            Err(other) => format!("{other:?}"),
        };
        println!("{ANSWER}{answer}");
    }
}

/// Some megabytes in one command.
async fn fill(store: &Store) -> Result<(), StoreError> {
    let filled = store.write(Order::Any, |tx| {
        for number in 0..20_000_i64 {
            let id = format!("{number:0200}");
            tx.execute(
                sql!("INSERT INTO node (id, epoch, until) VALUES ($1, $2, 0)"),
                &[&id, &number],
            )?;
        }
        Ok(())
    });
    filled.await
}
