//! A whole run, put together: a source, the sink's start, and the engine between them.

use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use viewtide_dataflows::retention::{RETENTION_US_DEFAULT, Retention};
use viewtide_dataflows::series::SeriesConfig;
use viewtide_dataflows::snapshot::HOUR_US;
use viewtide_models::forecasting::When;

use crate::async_thread::AsyncThread;
use crate::engine::clock::{Clock, SystemClock};
use crate::engine::cluster::Cluster;
use crate::engine::observed::Observed;
use crate::engine::summary::RunSummary;
use crate::engine::{self, EngineConfig, EngineError};
use crate::http;
use crate::mlflow::mirror;
use crate::postgres::connect::DatabaseUrl;
use crate::retrain::{RetrainConfig, Retraining};
use crate::sink::anew::Anew;
use crate::sink::committer::Committer;
use crate::sink::outputs::Outputs;
use crate::sink::totals::SinkTotals;
use crate::sink::{ForecastConfig, SinkConfig};
use crate::source::Source;
use crate::web_server::WebServer;

/// The default of `--future-max`: an hour.
pub const FUTURE_MAX_US_DEFAULT: i64 = HOUR_US;

/// The default of `--tick`, milliseconds.
pub const TICK_MS_DEFAULT: u64 = 100;

/// What is run.
pub struct Run {
    /// Where records come from.
    pub source: Arc<dyn Source>,
    /// Where tables are; needed by process 0 only.
    pub database: Option<DatabaseUrl>,
    /// This process among those of the engine.
    pub cluster: Cluster,
    /// Which tables are computed.
    pub outputs: Outputs,
    /// What is forecast, and by what.
    pub forecasts: ForecastConfig,
    /// How long it is from one retraining of the models to the next; none where it is `None`.
    pub retrain_every: Option<Duration>,
    /// Where retrainings are mirrored to, on process 0.
    pub mlflow: Option<WebServer>,
    /// How far behind its video's newest snapshot a record is folded in, microseconds.
    pub retention_us: i64,
    /// How far ahead of its arrival a record may be, microseconds; stored, since the source has judged by it.
    pub future_max_us: i64,
    /// Milliseconds of a tick.
    pub tick_ms: u64,
    /// Where it says how it is.
    pub http: Option<TcpListener>,
    /// End once all that was there at the start is durable.
    pub exit_at_end: bool,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Raised to ask for a clean stop.
    pub stop: Arc<AtomicBool>,
}

impl Run {
    /// A run of `source` in one process of one worker, with every default and no database yet.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            database: None,
            cluster: Cluster::single(1),
            outputs: Outputs::default(),
            forecasts: ForecastConfig::default(),
            retrain_every: None,
            mlflow: None,
            retention_us: RETENTION_US_DEFAULT,
            future_max_us: FUTURE_MAX_US_DEFAULT,
            tick_ms: TICK_MS_DEFAULT,
            http: None,
            exit_at_end: false,
            clock: Arc::new(SystemClock),
            stop: Arc::default(),
        }
    }

    /// Takes over the database, loads what is stored, and keeps the tables up to date until the end of the input, a clean
    /// stop or a failure. Returns what was done, on process 0.
    pub fn run(mut self) -> Result<Option<RunSummary>, EngineError> {
        let totals = Arc::<Mutex<SinkTotals>>::default();
        let observed = Observed::new(Arc::clone(&self.source), Arc::clone(&self.clock), Arc::clone(&totals));
        let observed = Arc::new(observed);
        // Before the start, so that it can be seen that it takes its time.
        let listener = self.http.take();
        let _http = listener.map(|listener| self.serve(listener, &observed)).transpose()?;
        let committer = match &self.database {
            Some(database) if self.cluster.process == 0 => Some(Committer::start(self.sink(database), totals)?),
            _ => None,
        };
        if let Some(committer) = &committer {
            self.source.set_clock(committer.stored().first_started_at_us);
        }
        let _retraining = self.retraining(committer.as_ref())?;
        let _mirror = self.mirror()?;
        engine::run(EngineConfig {
            cluster: self.cluster,
            series: SeriesConfig {
                retention: Retention { retention_us: self.retention_us },
                growth: self.outputs.growth,
                hourly: self.outputs.hourly,
                trends: self.outputs.trends,
            },
            forecasts: self.forecasts.when,
            future_max_us: self.future_max_us,
            tick_ms: self.tick_ms,
            exit_at_end: self.exit_at_end,
            source: self.source,
            committer,
            observed,
            clock: self.clock,
            stop: self.stop,
        })
    }

    /// The sink of this run.
    fn sink(&self, database: &DatabaseUrl) -> SinkConfig {
        SinkConfig {
            database: database.clone(),
            outputs: self.outputs,
            forecasts: self.forecasts,
            retention_us: self.retention_us,
            future_max_us: self.future_max_us,
            source: self.source.identity().clone(),
            beside: self.source.beside(),
            anew: Anew(Arc::clone(&self.source)),
            now_us: self.clock.now_us(),
        }
    }

    /// What it says over HTTP, until what is returned is dropped.
    fn serve(&self, listener: TcpListener, observed: &Arc<Observed>) -> Result<AsyncThread, EngineError> {
        http::start(listener, Arc::clone(observed), self.database.clone()).map_err(EngineError::Thread)
    }

    /// Models made anew beside the run, until what is returned is dropped.
    fn retraining(&self, committer: Option<&Committer>) -> Result<Option<Retraining>, EngineError> {
        let (Some(committer), Some(database), Some(every)) = (committer, &self.database, self.retrain_every) else {
            return Ok(None);
        };
        if self.forecasts.when == When::Off {
            return Ok(None);
        }
        let incarnation = committer.stored().incarnation;
        let config = RetrainConfig { database: database.clone(), incarnation, every };
        Retraining::start(config).map(Some).map_err(EngineError::Thread)
    }

    /// Retrainings mirrored beside the run, until what is returned is dropped.
    fn mirror(&self) -> Result<Option<AsyncThread>, EngineError> {
        let (Some(server), Some(database)) = (&self.mlflow, &self.database) else { return Ok(None) };
        mirror::start(database.clone(), server.clone()).map(Some).map_err(EngineError::Thread)
    }
}
