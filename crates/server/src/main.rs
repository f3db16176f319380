//! The `ringback` command.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringback_sandbox::Sandbox;
use ringback_server::clock::Clock;
use ringback_server::config::{Config, LogFormat};
use ringback_server::demo::{self, Demo};
use ringback_server::office::{setup, sign_in};
use ringback_server::serve::{CannotStart, Server};
use ringback_server::{doctor, logs, seed, store};
use secrecy::ExposeSecret;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The online scheduler that notices at once when somebody leaves.
#[derive(Parser)]
#[command(version)]
struct Ringback {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Prints a one-time setup link while the database is empty.
    Serve(WithConfig),
    /// Run everything on this machine with a seeded business, a pretend ServiceTitan and a pretend phone.
    Demo {
        /// Keep the demo's rows in this folder; otherwise they go with it.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Written as JSON once the demo answers.
        #[arg(long)]
        ready_file: Option<PathBuf>,
        /// Another database than a file in the folder.
        #[arg(long)]
        database_url: Option<String>,
        /// A sandbox that runs elsewhere (`ringback sandbox`) and outlives the demo.
        #[arg(long)]
        sandbox: Option<url::Url>,
        /// Where the business's clocks are; texts go out from 8:00 to 21:00 there.
        #[arg(long, default_value = seed::PHOENIX)]
        zone: String,
        /// Keep this machine's time also by night, when no text goes out.
        #[arg(long)]
        real_time: bool,
    },
    /// Run the pretend ServiceTitan and phone alone, and print what to fill in to use them.
    Sandbox {
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
        /// Where replies from the pretend phone are sent.
        #[arg(long, default_value = "http://localhost:8080/hooks/texts/inbound")]
        inbound_url: String,
        /// Where the business's clocks are: the board and the phone show that time.
        #[arg(long, default_value = seed::PHOENIX)]
        zone: String,
    },
    /// Say what is wrong, and what to do.
    Doctor(WithConfig),
    /// Print a one-time link with which somebody who has lost their password sets a new one. Stop the server first.
    Password {
        /// The email they sign in with.
        email: String,
        #[command(flatten)]
        with: WithConfig,
    },
    /// Copy the database to a file while the server runs.
    Backup {
        /// The new file; it must not exist.
        file: PathBuf,
        #[command(flatten)]
        with: WithConfig,
    },
}

#[derive(clap::Args)]
struct WithConfig {
    /// The configuration; `ringback.toml` where it exists.
    #[arg(long)]
    config: Option<PathBuf>,
}

impl WithConfig {
    fn load(&self) -> Result<Config, CannotStart> {
        Config::load(self.config.as_deref()).map_err(|e| CannotStart(e.to_string()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let told = match Ringback::parse().command {
        Command::Serve(with) => serve(&with).await,
        Command::Demo {
            data,
            listen,
            ready_file,
            database_url,
            sandbox,
            zone,
            real_time,
        } => {
            demo(demo::Options {
                data,
                listen,
                ready_file,
                database_url,
                sandbox,
                time_zone: zone,
                real_time,
            })
            .await
        }
        Command::Sandbox {
            listen,
            inbound_url,
            zone,
        } => sandbox(listen, inbound_url, zone).await,
        Command::Doctor(with) => doctor(&with).await,
        Command::Password { email, with } => password(&email, &with).await,
        Command::Backup { file, with } => backup(&file, &with).await,
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(CannotStart(sentence)) => {
            eprintln!("ringback: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(with: &WithConfig) -> Result<(), CannotStart> {
    let config = with.load()?;
    logs::begin(config.log, "info");
    let server = Server::start(config, Clock::system()).await?;
    println!(
        "Ringback listens on {} and answers at {}",
        server.address,
        server.app.config.origin()
    );
    match setup::link(&server.app).await {
        Ok(Some(link)) => println!("Set it up here, within 24 hours: {link}"),
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "no setup link could be made"),
    }
    let gave_up = tokio::select! {
        () = asked_to_stop() => false,
        () = server.gives_up() => true,
    };
    tokio::select! {
        () = server.stop() => {}
        // Asked twice: whoever asks does not want to wait.
        () = asked_to_stop() => {}
    }
    match gave_up {
        true => Err(CannotStart(
            "it has stopped by itself; the log says why".into(),
        )),
        false => Ok(()),
    }
}

async fn demo(options: demo::Options) -> Result<(), CannotStart> {
    logs::begin(LogFormat::Text, "warn");
    let demo = Demo::start(options).await?;
    println!("{}", demo.told);
    asked_to_stop().await;
    demo.stop().await;
    Ok(())
}

async fn sandbox(listen: SocketAddr, inbound_url: String, zone: String) -> Result<(), CannotStart> {
    demo::known_zone(&zone)?;
    let options = ringback_sandbox::Options {
        inbound_url: Some(inbound_url),
        time_zone: zone.clone(),
        ..ringback_sandbox::Options::default()
    };
    let sandbox = Sandbox::start(listen, options).await.map_err(|e| {
        CannotStart(format!(
            "cannot listen on {listen}: {e}. Name a free port with --listen."
        ))
    })?;
    let (url, c) = (sandbox.url(), sandbox.credentials());
    let told = format!(
        "A pretend ServiceTitan and a pretend carrier. Nothing here reaches the real ones.\n\n\
         Start Ringback with\n\
         \x20 RINGBACK_SERVICETITAN_AUTH_URL={url} RINGBACK_SERVICETITAN_API_URL={url} RINGBACK_TWILIO_URL={url}\n\n\
         Settings > ServiceTitan\n\
         \x20 Tenant ID         {}\n  Client ID         {}\n  Client secret     {}\n  App key           {}\n  Booking provider  {}\n\n\
         Settings > Text messages\n\
         \x20 Account SID       {}\n  API key SID       {}\n  API key secret    {}\n  Auth token        {}\n  From number       {}\n\n\
         Look at\n  {url}/servicetitan\n  {url}/phone\n\n\
         Both show the time of {zone}{}.\n",
        c.tenant,
        c.client_id,
        c.client_secret,
        c.app_key,
        c.booking_provider,
        c.account_sid,
        c.api_key,
        c.api_secret,
        c.auth_token,
        c.from_number,
        if zone == seed::PHOENIX {
            "; name your own zone with --zone"
        } else {
            ""
        },
    );
    // At once: whoever reads us may stop reading at any line.
    print!("{told}");
    asked_to_stop().await;
    Ok(())
}

async fn doctor(with: &WithConfig) -> Result<(), CannotStart> {
    let config = with.load()?;
    logs::begin(config.log, "error");
    let (report, healthy) = doctor::examine(config).await;
    print!("{report}");
    if healthy {
        Ok(())
    } else {
        Err(CannotStart(
            "something is wrong; see above for what to do".into(),
        ))
    }
}

async fn password(email: &str, with: &WithConfig) -> Result<(), CannotStart> {
    let config = with.load()?;
    logs::begin(config.log, "error");
    match sign_in::link_for(config, email).await? {
        Some(link) => {
            println!("Start the server, then open this link once, within a day:\n\n  {link}")
        }
        None => return Err(CannotStart(format!("nobody signs in with {email} here"))),
    }
    Ok(())
}

async fn backup(file: &std::path::Path, with: &WithConfig) -> Result<(), CannotStart> {
    let config = with.load()?;
    let place = config
        .database_url
        .expose_secret()
        .parse()
        .map_err(|e: store::StoreError| CannotStart(e.to_string()))?;
    let target = file.to_owned();
    let bytes = tokio::task::spawn_blocking(move || store::backup(&place, &target))
        .await
        .expect("a backup does not panic")
        .map_err(|e| CannotStart(e.to_string()))?;
    println!(
        "{} ({bytes} bytes). Keep {} in another place: without it the saved keys are of no use.",
        file.display(),
        config.key_file.display()
    );
    Ok(())
}

/// Ctrl-C, or what a supervisor sends.
async fn asked_to_stop() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the process may listen to its signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
