//! One run of a command: its folder, its mark, and the programs it starts.
//!
//! Whatever way a run ends (done, failed, Ctrl-C, panic), its programs end with it and its folder is
//! gone: each program leads a process group of its own, a [`Running`] ends the whole group when it is
//! dropped, and the kernel ends the program should we be killed outright (`setpriv --pdeathsig`).
//! What this program does with its programs lives elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Tried;
use crate::time::Deadline;

/// The variable every program we start inherits, so that none can be left running unseen. Not one of
/// `RINGBACK_*`: those are settings of the product, which refuses what it does not know.
const MARK: &str = "XTASK_RUN";

/// One run: a folder that is removed at the end and a mark on everything started.
pub struct Run {
    folder: TempDir,
    mark: String,
}

impl Run {
    /// Makes the folder, under the system's own temporary folder.
    pub fn open() -> Tried<Run> {
        let folder = tempfile::Builder::new().prefix("ringback-").tempdir()?;
        // PostgreSQL runs as another user below this folder and has to pass through it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let mark = folder.path().display().to_string();
        Ok(Run { folder, mark })
    }

    /// The run's own folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A fresh folder inside the run's, named after `name`.
    pub fn fresh(&self, name: &str) -> Tried<PathBuf> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(self.folder.path())?;
        Ok(folder.keep())
    }

    /// A command line for `program` that will die with us; add arguments, then [`Running::start`].
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        self.program_as(program, None, "KILL")
    }

    /// The same as another user, and with the signal (`KILL`, `INT`) to be sent should we be killed.
    pub fn program_as(
        &self,
        program: impl AsRef<OsStr>,
        user: Option<&str>,
        dying: &str,
    ) -> Command {
        let mut command = if Path::new("/usr/bin/setpriv").exists() {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--pdeathsig", dying]);
            if let Some(user) = user {
                command.args(["--reuid", user, "--regid", user, "--init-groups"]);
            }
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env(MARK, &self.mark);
        command.env("TMPDIR", self.folder.path());
        // What cargo has told us of ourselves is no business of another cargo's: build scripts that look at it
        // (ring's) would run again, and everything above them be built again.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|of| text.starts_with(of))
            {
                command.env_remove(name);
            }
        }
        command.process_group(0);
        command
    }

    /// What still runs of all that was started, as `pid command line`; nothing, when all is well.
    pub fn left_running(&self) -> Vec<(Pid, String)> {
        let mark = format!("{MARK}={}", self.mark);
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter_map(|process| {
                let pid = Pid::from_raw(process.file_name().to_str()?.parse().ok()?)?;
                let environment = fs::read(process.path().join("environ")).ok()?;
                environment
                    .split(|byte| *byte == 0)
                    .find(|line| *line == mark.as_bytes())?;
                let line = fs::read(process.path().join("cmdline")).ok()?;
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                (!line.is_empty()).then_some((pid, line))
            })
            .collect()
    }
}

/// The processes whose parent this one is.
pub fn children_of(parent: Pid) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let parent = parent.as_raw_nonzero().to_string();
    processes
        .flatten()
        .filter_map(|process| {
            let pid = Pid::from_raw(process.file_name().to_str()?.parse().ok()?)?;
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            // After the name in brackets: the state, the parent.
            let theirs = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
            (theirs == parent).then_some(pid)
        })
        .collect()
}

/// A program that runs until it ends or this is dropped.
pub struct Running {
    child: Child,
    group: Pid,
    name: String,
    gently: Signal,
    patience: Duration,
}

impl Running {
    /// Starts it. `name` is for sentences.
    pub fn start(name: &str, mut command: Command) -> Tried<Running> {
        let child = command
            .spawn()
            .map_err(|error| format!("{name} did not start: {error}"))?;
        let pid = child.id().ok_or_else(|| format!("{name} ended at once"))?;
        let group = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or("a process id is positive")?;
        Ok(Running {
            child,
            group,
            name: name.to_owned(),
            gently: Signal::TERM,
            patience: Duration::from_secs(5),
        })
    }

    /// Ask it to end with `signal`, and give it `patience` before it is killed.
    pub fn ends_with(mut self, signal: Signal, patience: Duration) -> Running {
        self.gently = signal;
        self.patience = patience;
        self
    }

    /// The process, to take its output or its input.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The process id, which is also the id of its group.
    pub fn pid(&self) -> Pid {
        self.group
    }

    /// SIGKILL to the program and whatever belongs to it, as a crash would; returns when it is gone. What has
    /// ended already is gone.
    pub async fn kill(&mut self) -> Tried<()> {
        match kill_process_group(self.group, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(format!("{} could not be killed: {error}", self.name).into()),
        }
        self.wait().await?;
        // Whoever belongs to it may take a moment longer, and still hold its port.
        let deadline = Deadline::after(Duration::from_secs(2));
        while test_kill_process_group(self.group).is_ok() && !deadline.passed() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> Tried<ExitStatus> {
        self.child
            .wait()
            .await
            .map_err(|error| format!("{}: {error}", self.name).into())
    }

    /// How it ended, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it gently, then firmly, and waits until its group is gone.
    pub fn stop(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.group, self.gently);
            let deadline = Deadline::after(self.patience);
            while self.ended().is_none() && !deadline.passed() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // The leader may be gone while others of its group live on, and still write into our folder.
        let _ = kill_process_group(self.group, Signal::KILL);
        let deadline = Deadline::after(Duration::from_secs(2));
        while (self.ended().is_none() || test_kill_process_group(self.group).is_ok())
            && !deadline.passed()
        {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
