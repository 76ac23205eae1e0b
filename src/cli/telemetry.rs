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

/// Threads of timely that carry the connection with another process, by name; they panic when it breaks.
const PEER_THREADS: [&str; 2] = ["timely:recv-", "timely:send-"];

/// Makes a panic in any thread end the process, with its cause. Without it a worker that panics leaves the others of its
/// process waiting for it for ever. No destructor and no exit handler runs: what was not committed is read again.
///
/// Where another process of the engine ended, its own last words are the cause; here one line says so.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        if let Some(peer) = PEER_THREADS.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            eprintln!(
                "viewtide: lost the connection with process {peer} of this engine, so this one ends too; what process \
                 {peer} said last is the cause. Start them together again: they continue from what is stored"
            );
            std::process::exit(1);
        }
        let backtrace = std::backtrace::Backtrace::capture();
        eprintln!("viewtide: thread '{name}' panicked, so the process ends: {panic}\n{backtrace}");
        std::process::abort();
    }));
}
