//! strace's fault injection: a system call that kills its caller, fails or dawdles, at its n-th time. The
//! words that stand before the server's command line.

use std::path::Path;

/// Where Debian installs it.
pub const STRACE: &str = "/usr/bin/strace";

/// The words before a command line so that `inject` happens at these calls, in every thread: as in
/// `--inject=CALLS:INJECT`. Each thread counts its own calls.
pub fn before(calls: &str, inject: &str) -> Vec<String> {
    let mut words: Vec<String> = [
        STRACE,
        "--follow-forks",
        "--quiet=all",
        "--output=/dev/null",
    ]
    .map(str::to_owned)
    .into();
    // Only these calls stop for it, and all others run at full speed. (Debian 12's strace 6.1 then forgets
    // to send the signals it was asked for.)
    if !inject.starts_with("signal") {
        words.push("--seccomp-bpf".to_owned());
    }
    words.push(format!("--trace={calls}"));
    words.push(format!("--inject={calls}:{inject}"));
    words.push("--".to_owned());
    // Should strace be killed, what it watches goes with it.
    if Path::new("/usr/bin/setpriv").exists() {
        words.extend(["/usr/bin/setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
    }
    words
}
