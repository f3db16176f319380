//! What a machine needs besides Rust, and how Debian provides it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::Tried;

/// Chromium as Debian installs it.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// What hurting the server takes besides: its path, Debian's package, and the parts that need it (all, when
/// none is named).
const FOR_FAULTS: [(&str, &str, &[&str]); 5] = [
    ("/usr/bin/unshare", "util-linux", &[]),
    ("/usr/bin/strace", "strace", &["crashpoints", "disk"]),
    (
        "/usr/sbin/mkfs.ext4",
        "e2fsprogs",
        &["power", "disk", "planted"],
    ),
    ("/usr/bin/mount", "mount", &["power", "disk", "planted"]),
    ("/usr/sbin/ip", "iproute2", &["network"]),
];
const FAKETIME: (&str, &[&str]) = ("libfaketime", &["clock", "dst"]);

/// Makes sure of what these parts of [`crate::faults`] need.
pub async fn ready_for_faults(parts: &[&str], install: bool) -> Tried<()> {
    let needed = |by: &[&str]| by.is_empty() || parts.iter().any(|part| by.contains(part));
    let missing = || {
        let mut missing = Vec::new();
        if postgres_programs().is_none() {
            missing.push("postgresql");
        }
        let programs = FOR_FAULTS
            .iter()
            .filter(|(path, _, by)| needed(by) && !Path::new(path).exists());
        missing.extend(programs.map(|(_, package, _)| *package));
        if needed(FAKETIME.1) && libfaketime().is_err() {
            missing.push(FAKETIME.0);
        }
        missing
    };
    provided(missing, install).await
}

/// Makes sure of what [`crate::nodes`] needs.
pub async fn ready_for_nodes(install: bool) -> Tried<()> {
    let missing = || match postgres_programs() {
        None => vec!["postgresql"],
        Some(_) => Vec::new(),
    };
    provided(missing, install).await
}

/// Makes sure of what makes a virtual environment for [`crate::schemathesis`].
pub async fn ready_for_schemathesis(install: bool) -> Tried<()> {
    let mut ask = Command::new("python3");
    let there = succeeds(ask.args(["-c", "import venv, ensurepip"])).await;
    let mut asked = there;
    if !there && install {
        install_packages(&["python3-venv"]).await?;
        asked = succeeds(&mut ask).await;
    }
    let missing = || match asked {
        false => vec!["python3-venv"],
        true => Vec::new(),
    };
    provided(missing, false).await
}

/// Makes sure everything is there: installs what is missing, or says which line would.
pub async fn ready(install: bool) -> Tried<()> {
    provided(missing_packages, install).await?;
    components(install).await
}

async fn provided(missing_packages: impl Fn() -> Vec<&'static str>, install: bool) -> Tried<()> {
    let missing = missing_packages();
    if !missing.is_empty() {
        let line = format!(
            "apt-get update && apt-get install -y --no-install-recommends {}",
            missing.join(" ")
        );
        if !install {
            return Err(format!(
                "missing on this machine: {}. Run this as root, or add --install:\n  {line}",
                missing.join(", ")
            )
            .into());
        }
        install_packages(&missing).await?;
        if let [first, ..] = missing_packages().as_slice() {
            return Err(format!("{first} is still missing after: {line}").into());
        }
    }
    Ok(())
}

async fn components(install: bool) -> Tried<()> {
    for component in ["clippy", "fmt"] {
        if !succeeds(Command::new("cargo").args([component, "--version"])).await {
            let package = if component == "fmt" {
                "rustfmt"
            } else {
                component
            };
            if !install {
                return Err(format!(
                    "cargo {component} is missing. Run: rustup component add {package}"
                )
                .into());
            }
            run(Command::new("rustup").args(["component", "add", package])).await?;
        }
    }
    Ok(())
}

/// The library that gives a program another clock. Only `cargo xtask faults` needs it.
pub fn libfaketime() -> Tried<PathBuf> {
    let found = std::fs::read_dir("/usr/lib")?
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    found.ok_or_else(|| {
        "libfaketime is missing. Run as root: apt-get install -y --no-install-recommends libfaketime"
            .into()
    })
}

/// The folder with the newest PostgreSQL server's programs.
pub fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            (programs.join("initdb").exists() && programs.join("postgres").exists())
                .then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

fn missing_packages() -> Vec<&'static str> {
    let there = |path: &str| Path::new(path).exists();
    let mut missing = Vec::new();
    if !there(CHROMIUM) {
        missing.push("chromium");
    }
    if postgres_programs().is_none() {
        missing.push("postgresql");
    }
    if !there("/usr/share/fonts/truetype/liberation") && !there("/usr/share/fonts/truetype/dejavu")
    {
        missing.push("fonts-liberation");
    }
    if !there("/usr/bin/cc") {
        missing.push("gcc");
        missing.push("libc6-dev");
    }
    missing
}

async fn install_packages(missing: &[&str]) -> Tried<()> {
    if missing.contains(&"postgresql") {
        keep_debian_from_starting_a_server().await?;
    }
    run(as_root("apt-get").args(["update", "-q"])).await?;
    let mut command = as_root("apt-get");
    command.args([
        "install",
        "-q",
        "-y",
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confold",
    ]);
    command.args(missing);
    run(&mut command).await
}

/// Debian's package makes and starts a server of its own; we only want the programs, and leave
/// nothing running.
async fn keep_debian_from_starting_a_server() -> Tried<()> {
    let settings = "/etc/postgresql-common/createcluster.conf";
    if Path::new(settings).exists() {
        return Ok(());
    }
    let script = format!(
        "mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > {settings}"
    );
    run(as_root("sh").args(["-c", &script])).await
}

fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new(program);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    } else {
        let mut command = Command::new("sudo");
        command.args(["env", "DEBIAN_FRONTEND=noninteractive", program]);
        command
    }
}

async fn run(command: &mut Command) -> Tried<()> {
    let line = format!("{:?}", command.as_std());
    println!("   {line}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .await
        .map_err(|error| format!("{line}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{line} ended with {status}").into())
    }
}

async fn succeeds(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    status.is_ok_and(|status| status.success())
}
