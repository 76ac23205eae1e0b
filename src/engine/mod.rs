//! The running dataflow: workers over threads and processes, ticks, and the gate between source and sink.
//!
//! | module | one concept |
//! |---|---|
//! | [`clock`] | the wall clock, injected, and the ticks made of it |
//! | [`cluster`] | processes, and the sockets between them |
//! | `worker` | one worker's dataflow and the loop that drives it |
//! | `lead` | what only worker 0 does: load, start, tick, report |
//! | `input` | one worker's reader and the tick that it fills |
//! | `gate` | what was sent and is not durable: the back-pressure |
//! | `signals` | what workers tell each other beside the data |
//! | [`observed`] | what it lets others see of its figures |
//! | [`summary`] | what a run did |

pub mod clock;
pub mod cluster;
mod gate;
mod input;
mod lead;
pub mod observed;
mod report;
mod signals;
pub mod summary;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use timely::WorkerConfig;
use timely::communication::WorkerGuards;
use timely::execute::execute_from;
use viewtide_dataflows::series::SeriesConfig;
use viewtide_models::forecasting::When;

use crate::engine::clock::Clock;
use crate::engine::cluster::{Cluster, ClusterError};
use crate::engine::observed::Observed;
use crate::engine::signals::Terms;
use crate::engine::summary::RunSummary;
use crate::limits::STOP_SECONDS_MAX;
use crate::sink::SinkError;
use crate::sink::committer::{Committer, Loader, Stored, Writer};
use crate::source::{Source, SourceError};

/// What an engine needs.
pub struct EngineConfig {
    /// This process among those of the engine.
    pub cluster: Cluster,
    /// What is computed, and how far back.
    pub series: SeriesConfig,
    /// Which forecasts are issued.
    pub forecasts: When,
    /// How far ahead of its arrival a record may be, microseconds.
    pub future_max_us: i64,
    /// Milliseconds of a tick.
    pub tick_ms: u64,
    /// End once all that was there at the start is durable.
    pub exit_at_end: bool,
    /// Where records come from.
    pub source: Arc<dyn Source>,
    /// Where rows go: the started committer on process 0, nothing on the others.
    pub committer: Option<Committer>,
    /// What it lets others see.
    pub observed: Arc<Observed>,
    /// Wall-clock time; that of process 0 counts.
    pub clock: Arc<dyn Clock>,
    /// Raised by somebody else to ask for a clean stop.
    pub stop: Arc<AtomicBool>,
}

/// Why an engine ended without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Reading cannot go on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Writing cannot go on.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The processes did not come together.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Somebody else's reading cannot go on.
    #[error("another process of the engine cannot read on: {0}")]
    Elsewhere(String),
    /// Processes were started with different flags.
    #[error(
        "this process runs with {what} {ours}, and process 0 with {leads}; start all processes of an engine with the same \
         input and flags"
    )]
    Disagree {
        /// Which.
        what: String,
        /// As this process has it.
        ours: String,
        /// As process 0 has it.
        leads: String,
    },
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A worker ended in a way that it cannot.
    #[error("a worker ended early: {0}")]
    Worker(String),
    /// What was read did not become durable in time.
    #[error(
        "stopped, but what was read last could not be committed within {STOP_SECONDS_MAX} s (is Postgres there, or was the \
         stored state still loading?); nothing is lost: the next start reads it again"
    )]
    StopTimedOut,
}

/// How often a process looks whether one of its workers has failed.
const FAILURE_POLL: Duration = Duration::from_millis(50);

/// What the workers of a process share.
pub(crate) struct Shared {
    series: SeriesConfig,
    forecasts: When,
    terms: Terms,
    tick_ms: u64,
    exit_at_end: bool,
    source: Arc<dyn Source>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    stored: Stored,
    writer: Mutex<Option<Writer>>,
    loader: Mutex<Option<Loader>>,
    observed: Arc<Observed>,
    failed: AtomicBool,
    failure: Mutex<Option<EngineError>>,
}

/// A mutex whose holder panicked: the process is ending anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The sink's end for the dataflow, on worker 0.
    fn take_writer(&self, worker: usize) -> Option<Writer> {
        if worker == 0 { lock(&self.writer).take() } else { None }
    }

    /// The stored state, on worker 0.
    fn take_loader(&self, worker: usize) -> Option<Loader> {
        if worker == 0 { lock(&self.loader).take() } else { None }
    }

    fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Ends every worker of this process at once; the first error is the cause.
    fn fail(&self, error: EngineError) {
        self.fail_after_drain(error);
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Makes `error` the outcome, once what was read before it is durable.
    fn fail_after_drain(&self, error: EngineError) {
        lock(&self.failure).get_or_insert(error);
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// Waits for the workers. Where one of several processes has failed it does not wait for the sockets between them, which stay
/// open until the others end; the others end when this process does.
fn join(guards: WorkerGuards<()>, shared: &Shared, has_peers: bool) -> Result<(), EngineError> {
    let (joined, results) = channel();
    std::thread::Builder::new()
        .name("join".to_owned())
        .spawn(move || drop(joined.send(guards.join().into_iter().collect::<Result<Vec<()>, _>>())))
        .map_err(EngineError::Thread)?;
    loop {
        match results.recv_timeout(FAILURE_POLL) {
            Ok(ended) => return ended.map(drop).map_err(EngineError::Worker),
            Err(RecvTimeoutError::Timeout) if has_peers && shared.has_failed() => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Worker("the thread that waits for it is gone".to_owned()));
            }
        }
    }
}

/// What this process reads and computes.
fn terms(config: &EngineConfig) -> Terms {
    let SeriesConfig { retention, growth, hourly, trends } = config.series;
    let beside = config.source.beside();
    let inputs = beside.iter().map(|(input, identity)| (input.to_string(), identity.to_string()));
    let us = |us: i64| format!("{us} us");
    [
        ("the input".to_owned(), config.source.identity().to_string()),
        ("--retention".to_owned(), us(retention.retention_us)),
        ("--future-max".to_owned(), us(config.future_max_us)),
        ("--outputs".to_owned(), format!("growth {growth}, hourly {hourly}, trends {trends}")),
        ("--forecasts".to_owned(), config.forecasts.to_string()),
    ]
    .into_iter()
    .chain(inputs)
    .collect()
}

/// Runs this process's workers until the end of the input, a clean stop or a failure. Returns what was done, on process 0.
pub fn run(config: EngineConfig) -> Result<Option<RunSummary>, EngineError> {
    let terms = terms(&config);
    let EngineConfig {
        cluster, series, forecasts, tick_ms, exit_at_end, source, committer, observed, clock, stop, ..
    } = config;
    let leads = committer.is_some();
    let (stored, writer, loader, committing) = match committer {
        Some(committer) => {
            let parts = committer.into_parts();
            (parts.stored, Some(parts.writer), Some(parts.loader), Some(parts.thread))
        }
        None => (Stored::default(), None, None, None),
    };
    let (builders, guard) = cluster.connect()?;
    let shared = Arc::new(Shared {
        series,
        forecasts,
        terms,
        tick_ms,
        exit_at_end,
        source,
        clock,
        stop,
        stored,
        writer: Mutex::new(writer),
        loader: Mutex::new(loader),
        observed,
        failed: AtomicBool::new(false),
        failure: Mutex::new(None),
    });
    let started = Instant::now();
    let working = Arc::clone(&shared);
    // Spinning would take the cores from Postgres and Kafka, and idle CPU from everybody.
    let worker_config = WorkerConfig::default().idle_spin(Duration::ZERO);
    let guards = execute_from(builders, guard, worker_config, move |worker| worker::work(worker, &working))
        .map_err(EngineError::Worker)?;
    join(guards, &shared, cluster.processes() > 1)?;
    if let Some(error) = lock(&shared.failure).take() {
        // The sink may still wait for Postgres; the process ends without it, and what it had not committed is read again.
        return Err(error);
    }
    if let Some(thread) = committing {
        thread.join();
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(leads.then(|| shared.observed.totals().summary(seconds, cluster.peers())))
}
