//! Bugs planted on purpose, into a copy of the source tree: a checker that has never failed proves nothing.
//!
//! All of them go into one copy, each behind a switch of its own in the environment; with none switched on
//! the copy is the product again. Here: the table, the copy and its build. What shows each of them is in
//! `planted.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::ledger::invariant;
use crate::Tried;
use crate::run::{Run, Running};

/// Names what is switched on, divided by commas.
pub const SWITCH: &str = "XTASK_PLANTED";

/// A planted bug.
pub struct Plant {
    /// As in [`SWITCH`].
    pub name: &'static str,
    /// Which invariant has to catch it; others may, too.
    pub caught_by: &'static str,
    changes: &'static [Change],
}

/// A text that stands in the file exactly once, and what stands there instead; `PLANTED` in it is the
/// condition that the switch is on.
struct Change {
    file: &'static str,
    text: &'static str,
    instead: &'static str,
}

/// The bugs.
pub const PLANTS: &[Plant] = &[
    Plant {
        name: "acknowledge before fsync",
        caught_by: invariant::KEPT,
        changes: &[
            Change {
                file: "crates/server/src/store/log.rs",
                text: "&& let Err(error) = self.file.sync_data()",
                instead: "&& !PLANTED && let Err(error) = self.file.sync_data()",
            },
            Change {
                file: "crates/server/src/store/postgres/address.rs",
                text: "        )?;\n        Ok(client)\n",
                instead: "        )?;\n        if PLANTED { client.batch_execute(\"SET synchronous_commit = off\")?; }\n        Ok(client)\n",
            },
        ],
    },
    Plant {
        name: "retry on 500 for texts",
        caught_by: invariant::ONE_TEXT,
        changes: &[Change {
            file: "crates/server/src/sms/twilio.rs",
            text: "(status, _) if status.is_server_error() => Trouble::Unknown {",
            instead: "(status, _) if status.is_server_error() && PLANTED => later(\"status 500\"),
        (status, _) if status.is_server_error() => Trouble::Unknown {",
        }],
    },
    Plant {
        name: "settle without fence",
        caught_by: invariant::AGREE,
        changes: &[
            Change {
                file: "crates/server/src/store/outbox.rs",
                text: "    let settled_at = state.due_at().is_none().then(|| tx.now());\n",
                instead: "    let settled_at = state.due_at().is_none().then(|| tx.now());
    let newest: Option<i64> = if PLANTED {
        tx.first(sql!(\"SELECT fence FROM delivery WHERE id = $1\"), &[&ours.id], |row| row.get(\"fence\"))?
    } else {
        None
    };
    let fence = newest.unwrap_or(ours.fence);\n",
            },
            Change {
                file: "crates/server/src/store/outbox.rs",
                text: "            &ours.fence,\n            &state.status().as_str(),",
                instead: "            &fence,\n            &state.status().as_str(),",
            },
        ],
    },
    Plant {
        name: "opt-out checked only when queued",
        caught_by: invariant::STOPPED,
        changes: &[
            Change {
                file: "crates/server/src/outbox/text.rs",
                text: "opted_out: opt_out::is_out(",
                instead: "opted_out: !PLANTED && opt_out::is_out(",
            },
            Change {
                file: "crates/server/src/sms/stop.rs",
                text: r#"outbox::withdraw_texts_to(tx, business, phone, "not-opted_out")?"#,
                instead: r#"if PLANTED { Vec::new() } else { outbox::withdraw_texts_to(tx, business, phone, "not-opted_out")? }"#,
            },
        ],
    },
    Plant {
        name: "lookup skipped after a timeout",
        caught_by: invariant::ONE_RECORD,
        changes: &[
            Change {
                file: "crates/server/src/outbox/crm/request.rs",
                text: "doubtful: self.is_doubtful(tx, delivery)?,",
                instead: "doubtful: !PLANTED && self.is_doubtful(tx, delivery)?,",
            },
            Change {
                file: "crates/domain/src/delivery.rs",
                text: "            Outcome::Unknown { .. } => DeliveryState::Unknown {",
                instead: "            Outcome::Unknown { .. } if PLANTED && !self.kind.is_text() => self.due_again(now),
            Outcome::Unknown { .. } => DeliveryState::Unknown {",
            },
        ],
    },
];

/// No bug but a situation: the first delivery to the CRM dawdles after it was claimed, past its lease.
pub const DAWDLE: Plant = Plant {
    name: "dawdle",
    caught_by: "",
    changes: &[
        Change {
            file: "crates/server/src/outbox/crm.rs",
            text: "[alone] if !alone.kind.is_text() && !is_look(alone) => {",
            instead: "[alone] if !PLANTED && !alone.kind.is_text() && !is_look(alone) => {",
        },
        Change {
            file: "crates/server/src/outbox/crm.rs",
            text: "            let going = by_steady_clock(app, order, prepare).await?;\n",
            instead: "            static FIRST: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);
            if PLANTED && FIRST.swap(false, std::sync::atomic::Ordering::Relaxed) {
                tokio::time::sleep(std::time::Duration::from_secs(52)).await;
            }
            let going = by_steady_clock(app, order, prepare).await?;\n",
        },
    ],
};

/// Plants them all into a copy of the source tree below `target/`, builds it there, and says where the
/// program is. The product's own folder stays as it is.
pub async fn build(run: &Run, root: &Path) -> Tried<PathBuf> {
    let program = std::env::current_exe()?;
    let built = program.parent().ok_or("a program lies in a folder")?;
    let ground = root.join("target/planted");
    let (source, target) = (ground.join("source"), ground.join("target"));
    copy_source(root, &source)?;
    for plant in PLANTS.iter().chain([&DAWDLE]) {
        for change in plant.changes {
            let file = source.join(change.file);
            let planted = change.planted(plant.name, &fs::read_to_string(&file)?)?;
            fs::write(&file, planted)?;
        }
    }
    if !target.exists() {
        seed(run, built, &target.join("debug")).await?;
    }
    let mut cargo = run.program("cargo");
    // The same selection as the product's own build: another one has other features, and builds anew.
    cargo.args(["build", "--workspace", "--bins", "--quiet", "--offline"]);
    cargo.current_dir(&source).stdin(Stdio::null());
    cargo.env("CARGO_TARGET_DIR", &target);
    if !Running::start("cargo build", cargo)?
        .wait()
        .await?
        .success()
    {
        return Err("the copy with the planted bugs does not build".into());
    }
    Ok(target.join("debug/ringback"))
}

impl Change {
    fn planted(&self, name: &str, before: &str) -> Tried<String> {
        let count = before.matches(self.text).count();
        if count != 1 {
            return Err(format!(
                "{}: the text that “{name}” replaces stands there {count} times, not once: {}",
                self.file, self.text
            )
            .into());
        }
        let switched_on = format!(
            "std::env::var(\"{SWITCH}\").is_ok_and(|names| names.split(',').any(|on| on == \"{name}\"))"
        );
        let instead = self.instead.replace("PLANTED", &switched_on);
        Ok(before.replacen(self.text, &instead, 1))
    }
}

/// Everything but what is built and what git keeps. A file that is the same stays as it is, so that only what
/// has changed is built again.
fn copy_source(from: &Path, to: &Path) -> Tried<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if name == "target" || name == ".git" {
            continue;
        }
        let copy = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy_source(&path, &copy)?;
        } else if fs::read(&path)? != fs::read(&copy).unwrap_or_default() {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}

/// What is built of other people's crates need not be built again: linked, not copied, and never written to.
async fn seed(run: &Run, from: &Path, to: &Path) -> Tried<()> {
    fs::create_dir_all(to)?;
    for (folder, how) in [("deps", "-al"), ("build", "-al"), (".fingerprint", "-a")] {
        let mut copy = run.program("cp");
        copy.arg(how)
            .arg(from.join(folder))
            .arg(to)
            .stdin(Stdio::null());
        if !Running::start("cp", copy)?.wait().await?.success() {
            return Err(format!("{folder} could not be copied").into());
        }
        for entry in fs::read_dir(to.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = ["ringback", "libringback", "xtask", "libxtask"];
            if ours.iter().any(|ours| name.starts_with(ours)) {
                match entry.file_type()?.is_dir() {
                    true => fs::remove_dir_all(entry.path())?,
                    false => fs::remove_file(entry.path())?,
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_can_still_be_planted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for plant in PLANTS.iter().chain([&DAWDLE]) {
            for change in plant.changes {
                let before = fs::read_to_string(root.join(change.file)).unwrap();
                let after = change.planted(plant.name, &before).unwrap();
                assert_ne!(before, after, "{}", plant.name);
            }
        }
    }

    #[test]
    fn a_text_that_is_not_there_once_is_an_error() {
        let change = &PLANTS[1].changes[0];
        assert!(change.planted("x", "").is_err());
        assert!(change.planted("x", &change.text.repeat(2)).is_err());
    }
}
