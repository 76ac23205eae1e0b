//! Logs and panics.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, TelemetryArgs};

/// Sends log lines to standard error, in the form and from the level that `args` say.
pub fn start(args: &TelemetryArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&args.log_level)
        .map_err(|error| anyhow::anyhow!("--log-level {}: {error}", args.log_level))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
        LogFormat::Human => {
            subscriber.with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
        }
    }
    Ok(())
}

/// Makes a panic in any thread end the process, with its cause. Without it a worker that panics leaves the others of its
/// process waiting for it for ever. No destructor and no exit handler runs: what was not committed is read again.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let backtrace = std::backtrace::Backtrace::capture();
        eprintln!("viewtide: thread '{name}' panicked, so the process ends: {panic}\n{backtrace}");
        std::process::abort();
    }));
}
