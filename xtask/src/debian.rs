//! What a machine needs besides Rust, and how Debian provides it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::Tried;

/// Chromium as Debian installs it.
pub const CHROMIUM: &str = "/usr/bin/chromium";

/// Makes sure everything is there: installs what is missing, or says which line would.
pub async fn ready(install: bool) -> Tried<()> {
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
