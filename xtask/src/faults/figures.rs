//! What the kernel knows of a process.

use rustix::process::Pid;

use crate::Tried;

/// Its memory and its files.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Bytes in memory, now.
    pub now: u64,
    /// And at the most.
    pub most: u64,
    /// How many files it has open, connections among them.
    pub files: usize,
}

impl Figures {
    /// Of this process, at this moment.
    pub fn of(pid: Pid) -> Tried<Figures> {
        let pid = pid.as_raw_nonzero();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| -> Tried<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.ok_or("the kernel does not say")?.parse::<u64>()? * 1024)
        };
        Ok(Figures {
            now: bytes("VmRSS:")?,
            most: bytes("VmHWM:")?,
            files: std::fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}
