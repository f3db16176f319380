//! The log: lines on standard error, for people or as one JSON object each. What a line may hold is everybody's
//! matter who writes one: ids and words of ours, never a name, a number, an address or what somebody typed.
//! A lead's way is found by its reference (`R-7F3K`) or its session's number (`S17`): `store/news.rs`.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Begins to log. `usual` is the filter where `RUST_LOG` says nothing.
pub fn begin(format: LogFormat, usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual.into());
    let subscriber = subscriber(format, filter, std::io::stderr);
    // A second beginning (a test's) changes nothing.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// What [`begin`] begins with, onto any writer.
pub fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // Colours are for people at a terminal, not for files.
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => Box::new(builder.finish()),
        // Fields beside `message`, and those of the innermost span under `span`: one level, easy to search.
        LogFormat::Json => Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .finish(),
        ),
    }
}
