//! The process itself, from `/proc`, under the names that every Prometheus client library uses for it. Where
//! there is no `/proc` there are no such figures.

use std::fs;

use metrics::{counter, describe_counter, describe_gauge, gauge};

const MEMORY: &str = "process_resident_memory_bytes";
const OPEN_FILES: &str = "process_open_fds";
const MOST_FILES: &str = "process_max_fds";
const CPU: &str = "process_cpu_seconds_total";
const THREADS: &str = "process_threads";

/// The kernel counts processor time for `/proc` in hundredths of a second (USER_HZ), on every machine we run on.
const TICKS_A_SECOND: u64 = 100;

pub(super) fn describe() {
    describe_gauge!(MEMORY, "Resident memory");
    describe_gauge!(OPEN_FILES, "Open file descriptors");
    describe_gauge!(MOST_FILES, "File descriptors that may be open");
    describe_counter!(CPU, "Processor time used, in whole seconds");
    describe_gauge!(THREADS, "Threads");
}

pub(super) fn look() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kibibytes) = field(&status, "VmRSS:") {
        gauge!(MEMORY).set((kibibytes * 1024) as f64);
    }
    if let Some(threads) = field(&status, "Threads:") {
        gauge!(THREADS).set(threads as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        gauge!(OPEN_FILES).set(open.count().saturating_sub(1) as f64);
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) = field(&limits, "Max open files") {
        gauge!(MOST_FILES).set(most as f64);
    }
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let Some(ticks) = processor_ticks(&stat) {
        counter!(CPU).absolute(ticks / TICKS_A_SECOND);
    }
}

/// The first number after a line's name.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// `utime` and `stime`, the 12th and 13th field after the command's name, which may hold spaces itself.
fn processor_ticks(stat: &str) -> Option<u64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_what_the_kernel_writes() {
        assert_eq!(
            field("Name:\tx\nVmRSS:\t   5120 kB\n", "VmRSS:"),
            Some(5120)
        );
        let limits = "Max open files            1024                 524288               files";
        assert_eq!(field(limits, "Max open files"), Some(1024));
        assert_eq!(
            field("Max open files            unlimited", "Max open files"),
            None
        );
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 321 45 0 0 20 0 9 0 100";
        assert_eq!(processor_ticks(stat), Some(366));
    }
}
