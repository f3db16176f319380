//! The product as these commands meet it: a program to build and start, a ready file, an API.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use serde_json::Value;

use crate::Tried;
use crate::run::{Run, Running};
use crate::time::Deadline;

/// Builds the product and says where its program is.
pub async fn build(run: &Run, root: &Path) -> Tried<PathBuf> {
    let mut command = run.program("cargo");
    command
        .args(["build", "--workspace", "--bins"])
        .current_dir(root)
        .stdin(Stdio::null());
    if !Running::start("cargo build", command)?
        .wait()
        .await?
        .success()
    {
        return Err("the product does not build".into());
    }
    built()
}

/// Where the program is, once built: beside our own.
pub fn built() -> Tried<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("ringback");
    if program.exists() {
        Ok(program)
    } else {
        Err(format!("{} is not there", program.display()).into())
    }
}

/// How a demo is to be started.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Its rows; kept when it is started again.
    pub data: PathBuf,
    /// The address it listens at.
    pub address: IpAddr,
    /// And the port; 0 takes a free one.
    pub port: u16,
    /// Another database than a file in `data`.
    pub database_url: Option<String>,
    /// A sandbox that lives longer than the demo.
    pub sandbox: Option<String>,
    /// The business's time zone.
    pub zone: String,
    /// Its log; in `data` when `None`.
    pub log: Option<PathBuf>,
    /// Words before its command line, like `strace …`.
    pub before: Vec<String>,
}

/// A running demo; ended when dropped.
pub struct Demo {
    program: Running,
    log: PathBuf,
    /// What the ready file says.
    pub ready: Ready,
}

/// The ready file of a demo.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Ready {
    pub url: String,
    pub scheduler: String,
    pub inbox: String,
    pub stage: String,
    pub email: String,
    pub password: String,
    pub api_key: String,
    pub sandbox: SandboxUrls,
}

/// Where the pretend outside world shows itself.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct SandboxUrls {
    pub servicetitan: String,
}

impl Demo {
    /// Starts a demo and waits until it answers.
    pub async fn start(run: &Run, program: &Path, manner: &Manner) -> Tried<Demo> {
        fs::create_dir_all(&manner.data)?;
        let ready_file = manner.data.join("ready.json");
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        let log = manner
            .log
            .clone()
            .unwrap_or_else(|| manner.data.join("log"));
        let file = fs::File::options().create(true).append(true).open(&log)?;
        let mut command = match manner.before.split_first() {
            None => run.program(program),
            Some((first, others)) => {
                let mut command = run.program(first);
                command.args(others).arg(program);
                command
            }
        };
        let listen = SocketAddr::new(manner.address, manner.port);
        command.args(["demo", "--listen", &listen.to_string()]);
        command
            .arg("--ready-file")
            .arg(&ready_file)
            .arg("--data")
            .arg(&manner.data);
        command.args(["--zone", &manner.zone, "--real-time"]);
        for (option, value) in [
            ("--database-url", &manner.database_url),
            ("--sandbox", &manner.sandbox),
        ] {
            if let Some(value) = value {
                command.args([option, value]);
            }
        }
        command.current_dir(&manner.data);
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut program = Running::start("ringback demo", command)?;
        let deadline = Deadline::after(Duration::from_secs(60));
        loop {
            let written = fs::read_to_string(&ready_file).unwrap_or_default();
            if let Ok(ready) = serde_json::from_str(&written) {
                return Ok(Demo {
                    program,
                    log,
                    ready,
                });
            }
            if let Some(status) = program.ended() {
                return Err(
                    format!("ringback demo ended with {status}:\n{}", last_lines(&log)).into(),
                );
            }
            if deadline.passed() {
                return Err(format!("no ready file within 60 s:\n{}", last_lines(&log)).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL, as when it crashes.
    pub async fn kill(&mut self) -> Tried<()> {
        self.program.kill().await
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.program.pid()
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        last_lines(&self.log)
    }

    /// Its log, over every start that wrote into it.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.program.ended().is_none()
    }
}

impl Ready {
    /// The server's address.
    pub fn address(&self) -> Tried<SocketAddr> {
        let url = reqwest::Url::parse(&self.url)?;
        let found = url.socket_addrs(|| None)?;
        found
            .into_iter()
            .find(SocketAddr::is_ipv4)
            .ok_or_else(|| format!("{} has no address", self.url).into())
    }

    /// The scheduler's public name, the last part of its URL.
    pub fn scheduler_name(&self) -> &str {
        self.scheduler
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
    }

    /// The office's API.
    pub fn office(&self) -> Office {
        Office {
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap_or_default(),
            url: self.url.trim_end_matches('/').to_owned(),
            key: self.api_key.clone(),
        }
    }
}

/// The office API, as another program of the business uses it.
#[derive(Clone)]
pub struct Office {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Office {
    /// Every lead there is, newest first.
    pub async fn leads(&self) -> Tried<Vec<Value>> {
        let mut leads = Vec::new();
        let mut page = String::new();
        loop {
            let mut answer = self.get(&format!("/api/v1/leads?limit=200{page}")).await?;
            match answer["data"].take() {
                Value::Array(more) => leads.extend(more),
                other => return Err(format!("leads are a list, not {other}").into()),
            }
            match &answer["next"] {
                Value::Null => return Ok(leads),
                Value::String(next) => page = format!("&after={next}"),
                next => return Err(format!("next is a text or null, not {next}").into()),
            }
        }
    }

    /// The newest so many leads, as the first page of a list.
    pub async fn newest(&self, limit: usize) -> Tried<Vec<Value>> {
        let mut answer = self.get(&format!("/api/v1/leads?limit={limit}")).await?;
        match answer["data"].take() {
            Value::Array(leads) => Ok(leads),
            other => Err(format!("leads are a list, not {other}").into()),
        }
    }

    /// The leads of the person with this name.
    pub async fn leads_of(&self, name: &str) -> Tried<Vec<Value>> {
        let leads = self.leads().await?;
        Ok(leads
            .into_iter()
            .filter(|lead| lead["person"]["name"] == name)
            .collect())
    }

    /// As what this scheduler's leavers stand in ServiceTitan from now on: `booking` or `lead`.
    pub async fn sends_as(&self, scheduler: &str, kind: &str) -> Tried<()> {
        let path = format!("/api/v1/schedulers/{scheduler}/settings");
        let mut settings = self.get(&path).await?;
        settings["sync_to_servicetitan"]["send_as"] = kind.into();
        let request = self.client.put(format!("{}{path}", self.url));
        let answer = request
            .bearer_auth(&self.key)
            .json(&settings)
            .send()
            .await?;
        answer.error_for_status()?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Tried<Value> {
        let url = format!("{}{path}", self.url);
        let request = self.client.get(&url).bearer_auth(&self.key);
        let answer = request
            .send()
            .await
            .map_err(|e| format!("GET {path}: {e:?}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(format!("GET {path}: {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
