//! Somebody new: an empty folder, `ringback serve`, the setup link, the keys of a sandbox, one line on a
//! website, the first lead.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::browser::{Frame, Tab};
use crate::e2e::host::{Host, OPEN};
use crate::e2e::scene::Scene;
use crate::e2e::visitor::Visitor;
use crate::run::Running;
use crate::world::World;
use crate::{Tried, net, time};

/// Long enough for any program here to say its first words.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn to_the_first_lead(scene: &Scene<'_>) -> Tried<()> {
    let (port, sandbox_port) = (net::free_port()?, net::free_port()?);
    let url = format!("http://127.0.0.1:{port}");
    let folder = scene.run.fresh("newcomer")?;
    let (_sandbox, keys) = sandbox(scene, &folder, &url, sandbox_port).await?;
    let world = World::of(&format!("http://127.0.0.1:{sandbox_port}/"))?;
    let (_server, link) = server(scene, &folder, &url, sandbox_port).await?;

    let office = scene.window(&scene.browser.person().await?).await?;
    let snippet = sets_up(&office, &link).await?;
    connects(&office, &url, &keys).await?;
    scene.no_complaints(&office)?;
    office.go(&format!("{url}/office")).await?;

    let website = Host::with(&snippet).await?;
    let theirs = scene.window(&scene.browser.person().await?).await?;
    theirs.go(&website.page()).await?;
    theirs.page().press(OPEN).await?;
    let scheduler = theirs.frame("/s/").await?;
    let visitor = Visitor::new();
    visitor.gives_contact(&scheduler, false).await?;
    theirs.close().await?;
    office.page().shows(&visitor.name).await?;
    time::until("the Booking in ST", Duration::from_secs(30), || async {
        let records = world.records("bookings", &visitor.e164()).await?;
        Ok((records.len() == 1).then_some(()))
    })
    .await
}

/// The one page of the set-up; gives the line to put on a website.
async fn sets_up(office: &Tab, link: &str) -> Tried<String> {
    office.go(link).await?;
    let page = office.page();
    page.fill("Your name", "Dana Ruiz").await?;
    page.fill("Email", "dana@copperline.example").await?;
    page.fill("Password", "a short sentence is good").await?;
    page.fill("Business name", "Copperline Home Services")
        .await?;
    // By night this browser lives where it is day, and the set-up takes its word for where the business is.
    page.find("combobox", "Region")
        .await?
        .choose("United States")
        .await?;
    page.find("radio", "Residential service: heating and cooling")
        .await?
        .click()
        .await?;
    page.press("Set up").await?;
    page.shows("You are ready").await?;
    let snippet = page
        .evaluate("document.querySelector('#snippet').innerText")
        .await?;
    Ok(snippet
        .as_str()
        .ok_or("the page shows a line for the website")?
        .to_owned())
}

/// ServiceTitan and the carrier, by what `ringback sandbox` printed.
async fn connects(office: &Tab, url: &str, keys: &Keys) -> Tried<()> {
    let page = office.page();
    office
        .go(&format!("{url}/office/settings/servicetitan"))
        .await?;
    fills(
        &page,
        keys,
        &["Tenant ID", "Client ID", "Client secret", "App key"],
    )
    .await?;
    page.fill(
        "Booking provider ID (optional for now)",
        keys.get("Booking provider")?,
    )
    .await?;
    page.press("Connect").await?;
    page.shows("ServiceTitan answers.").await?;
    office.go(&format!("{url}/office/settings/texts")).await?;
    fills(
        &page,
        keys,
        &["Account SID", "API key secret", "Auth token"],
    )
    .await?;
    page.fill("API key SID (optional)", keys.get("API key SID")?)
        .await?;
    page.fill("Number", keys.get("From number")?).await?;
    page.press("Connect").await?;
    page.shows("The carrier answers.").await
}

async fn fills(page: &Frame, keys: &Keys, labels: &[&str]) -> Tried<()> {
    for label in labels {
        page.fill(label, keys.get(label)?).await?;
    }
    Ok(())
}

/// What `ringback sandbox` printed: a label, spaces, a value.
struct Keys(Vec<String>);

impl Keys {
    fn get(&self, label: &str) -> Tried<&str> {
        let value = self
            .0
            .iter()
            .find_map(|line| line.trim().strip_prefix(label));
        value
            .map(str::trim)
            .ok_or_else(|| format!("the sandbox prints no {label}").into())
    }
}

async fn sandbox(
    scene: &Scene<'_>,
    folder: &PathBuf,
    url: &str,
    port: u16,
) -> Tried<(Running, Keys)> {
    let mut command = scene.run.program(&scene.program);
    command.args(["sandbox", "--listen", &format!("127.0.0.1:{port}")]);
    command
        .args(["--inbound-url", &format!("{url}/hooks/texts/inbound")])
        .current_dir(folder);
    let (program, mut lines) = speaking("ringback sandbox", command)?;
    let mut printed = Vec::new();
    until_it_prints(
        &mut lines,
        &format!("http://127.0.0.1:{port}/phone"),
        &mut printed,
    )
    .await?;
    Ok((program, Keys(printed)))
}

async fn server(
    scene: &Scene<'_>,
    folder: &PathBuf,
    url: &str,
    sandbox_port: u16,
) -> Tried<(Running, String)> {
    let sandbox = format!("http://127.0.0.1:{sandbox_port}");
    let mut command = scene.run.program(&scene.program);
    command.arg("serve").current_dir(folder);
    command
        .env("RINGBACK_LISTEN", url.trim_start_matches("http://"))
        .env("RINGBACK_PUBLIC_URL", url);
    for outside in [
        "SERVICETITAN_AUTH_URL",
        "SERVICETITAN_API_URL",
        "TWILIO_URL",
    ] {
        command.env(format!("RINGBACK_{outside}"), &sandbox);
    }
    let (program, mut lines) = speaking("ringback serve", command)?;
    let mut printed = Vec::new();
    let line = until_it_prints(&mut lines, "/setup/", &mut printed).await?;
    let link = line
        .split_whitespace()
        .find(|word| word.contains("/setup/"));
    Ok((program, link.ok_or("the line has a link")?.to_owned()))
}

/// Starts a program and listens to what it prints.
fn speaking(name: &str, mut command: Command) -> Tried<(Running, Lines<BufReader<ChildStdout>>)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut program = Running::start(name, command)?;
    let output = program
        .child()
        .stdout
        .take()
        .ok_or("the output was asked for")?;
    Ok((program, BufReader::new(output).lines()))
}

/// Reads on until a line contains `part`; keeps every line.
async fn until_it_prints(
    lines: &mut Lines<BufReader<ChildStdout>>,
    part: &str,
    printed: &mut Vec<String>,
) -> Tried<String> {
    let reading = async {
        while let Some(line) = lines.next_line().await? {
            printed.push(line.clone());
            if line.contains(part) {
                return Ok(line);
            }
        }
        Err(format!("it ended without printing {part}").into())
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .map_err(|_| format!("it did not print {part}"))?
}
