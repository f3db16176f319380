//! The `ringback` command.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringback_server::clock::Clock;
use ringback_server::config::{Config, LogFormat};
use ringback_server::serve::{CannotStart, Server};

/// The online scheduler that notices at once when somebody leaves.
#[derive(Parser)]
#[command(version)]
struct Ringback {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Prints a one-time setup link while the store is empty.
    Serve {
        /// The configuration; `ringback.toml` where it exists.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let told = match Ringback::parse().command {
        Command::Serve { config } => serve(config).await,
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(CannotStart(sentence)) => {
            eprintln!("ringback: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(file: Option<PathBuf>) -> Result<(), CannotStart> {
    let config = Config::load(file.as_deref()).map_err(|e| CannotStart(e.to_string()))?;
    log(config.log);
    let server = Server::start(config, Clock::system()).await?;
    say_where(server.address, server.app.config.public_url.as_str());
    asked_to_stop().await;
    server.stop().await;
    Ok(())
}

fn say_where(address: SocketAddr, public_url: &str) {
    println!("Ringback listens on {address} and answers at {public_url}");
}

fn log(format: LogFormat) {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| "info".into());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
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
