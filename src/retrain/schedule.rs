//! The thread that retrains, and when it does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;
use viewtide_models::artifact::Artifact;
use viewtide_models::task::Metric;

use crate::postgres::connect::{DatabaseUrl, connect};
use crate::registry::RegistryError;
use crate::registry::stored::usable;
use crate::retrain::RetrainError;
use crate::retrain::recent::recent;
use crate::retrain::register::{Registered, register};
use crate::retrain::round::{Challenger, challenge};

/// How often the thread looks whether to stop.
const STOP_POLL: Duration = Duration::from_millis(50);

/// The lowest priority that a thread can have beside others.
const NICENESS: i32 = 19;

/// What a retraining needs.
#[derive(Clone, Debug)]
pub struct RetrainConfig {
    /// Where the tables are.
    pub database: DatabaseUrl,
    /// Of the sink beside which it works; once another one has the tables nothing is written.
    pub incarnation: i64,
    /// How long from one to the next.
    pub every: Duration,
}

/// Retrains until it is dropped.
pub struct Retraining {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Retraining {
    /// Begins to wait for the first one.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(config: RetrainConfig) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let worker = Worker { config, stop: Arc::clone(&stop), runtime };
        let thread = std::thread::Builder::new().name("retrain".to_owned()).spawn(move || {
            // Of this thread alone, as Linux has it: what else runs comes first.
            if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
                tracing::warn!("retraining cannot take a lower priority: {error}");
            }
            worker.work();
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Retraining {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has ended the process before this.
            let _ = thread.join();
        }
    }
}

struct Worker {
    config: RetrainConfig,
    stop: Arc<AtomicBool>,
    runtime: Runtime,
}

/// A model in use, where it can be read.
struct Incumbent {
    version: Option<i32>,
    artifact: Option<Artifact>,
}

impl Worker {
    fn work(&self) {
        let mut due = match self.interruptibly(self.since_last()) {
            None => return,
            Some(Ok(since)) => self.config.every.saturating_sub(since),
            Some(Err(error)) => {
                tracing::warn!("cannot see when models were trained last, the next time is in a while: {error}");
                self.config.every
            }
        };
        while self.sleep(due) {
            if let Err(error) = self.retrain() {
                tracing::warn!("the models were not trained anew: {error}");
            }
            due = self.config.every;
        }
    }

    /// Until `work` is done; `None` once it is to stop.
    fn interruptibly<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async {
            tokio::select! {
                done = work => Some(done),
                () = async { while !self.is_stopped() { tokio::time::sleep(STOP_POLL).await } } => None,
            }
        })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// False once it is to stop.
    fn sleep(&self, duration: Duration) -> bool {
        self.interruptibly(async { tokio::time::sleep(duration).await }).is_some()
    }

    async fn connect(&self) -> Result<Client, RegistryError> {
        Ok(connect(&self.config.database, "viewtide retrain").await?)
    }

    /// How long ago the last one was written, so that starts one after the other do not put it off for ever.
    async fn since_last(&self) -> Result<Duration, RegistryError> {
        let sql = "SELECT extract(epoch FROM now() - max(\"timestamp\"))::double precision FROM model_metrics";
        let row = self.connect().await?.query_one(sql, &[]).await;
        let row = row.map_err(RegistryError::while_doing("reading model_metrics"))?;
        let seconds =
            row.get::<_, Option<f64>>(0).map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Ok(seconds.unwrap_or_default())
    }

    /// Trains a model of each counter. What cannot be done for one of them is said, and the others are trained.
    fn retrain(&self) -> Result<(), RetrainError> {
        let began = Timestamp::now();
        let begin = Instant::now();
        let read = self.interruptibly(async {
            let mut client = self.connect().await?;
            Ok::<_, RetrainError>(recent(&mut client, began.as_millisecond()).await?)
        });
        let Some(read) = read else { return Ok(()) };
        let (videos, since) = read?;
        for metric in Metric::ALL {
            let Some(incumbent) = self.interruptibly(self.incumbent(metric)) else { return Ok(()) };
            let Incumbent { version, artifact } = incumbent?;
            let challenger = match challenge(metric, &videos, since, artifact.as_ref(), &self.stop) {
                Ok(Some(challenger)) => challenger,
                Ok(None) if self.is_stopped() => return Ok(()),
                Ok(None) => {
                    tracing::info!(model = metric.name(), videos = videos.len(), "too little is stored to train on");
                    continue;
                }
                Err(error) => {
                    tracing::warn!("the model was not trained anew: {error}");
                    continue;
                }
            };
            let registered = self.interruptibly(async {
                let mut client = self.connect().await?;
                register(&mut client, self.config.incarnation, &challenger, version, &format!("{began:.0}")).await
            });
            let Some(registered) = registered else { return Ok(()) };
            say(&challenger, registered?, begin.elapsed());
        }
        Ok(())
    }

    /// What is in use. One that is damaged is none: anything is better.
    async fn incumbent(&self, metric: Metric) -> Result<Incumbent, RegistryError> {
        let sql = "SELECT version, artifact FROM models WHERE metric = $1 AND status = 'active'";
        let row = self.connect().await?.query_opt(sql, &[&metric.name()]).await;
        let row = row.map_err(RegistryError::while_doing("reading the model in use"))?;
        Ok(Incumbent {
            version: row.as_ref().map(|row| row.get(0)),
            artifact: row.and_then(|row| usable(metric, row.get(1)).ok()),
        })
    }
}

fn say(challenger: &Challenger, registered: Registered, elapsed: Duration) {
    let model = challenger.artifact.manifest.metric.name();
    let (loss, in_use) = (challenger.judgement.loss, challenger.incumbent.as_ref().map(|incumbent| incumbent.loss));
    let (version, said) = match registered {
        Registered::Promoted(switched) => (switched.version, "retrained, and better than what was in use"),
        Registered::Rejected(version) => (version, "retrained, but not better than what is in use"),
        Registered::Added(version) => (version, "retrained, but another model was put into use meanwhile"),
    };
    let seconds = elapsed.as_secs_f64();
    tracing::info!(model, version, loss, in_use, samples = challenger.samples[0], seconds, "{said}");
}
