//! The sink: whole ticks into Postgres, exactly once.
//!
//! Offsets are data: with each tick come the positions that its source reached, and ONE transaction writes all rows, the
//! dead letters and the positions. So at any moment the tables equal the batch computation over the prefix of the input
//! that `viewtide_progress` names.
//!
//! | module | one concept |
//! |---|---|
//! | [`operator`] | the end of the dataflow: gathers whole ticks and holds their capability until they are durable |
//! | [`compose`] | several ticks as one: each key of a table at most once |
//! | [`committer`] | the thread that owns the connection; retries, and resolves a COMMIT without an answer |
//! | [`takeover`] | the start: who may write, and from where it goes on |
//! | [`anew`] | topics that were created again |
//! | [`transaction`] | one batch as one transaction |
//! | [`tables`] | one file a table: its statements |
//! | [`rollups`] | what a commit changes in the sums over videos |
//! | [`forecasts`] | what a commit changes in forecasts and their scores |
//! | [`encode`] | rows as COPY and as parameters |
//! | [`gaps`] | what was gone before it was read |
//! | [`load`] | the state that a start takes from what is stored |
//! | [`outputs`], [`totals`] | which tables are computed; what was written |

pub mod anew;
mod columns;
pub mod committer;
pub mod compose;
mod copy;
pub mod encode;
pub mod forecasts;
mod gaps;
pub(crate) mod load;
pub mod operator;
pub mod outputs;
pub mod rollups;
pub mod tables;
pub mod takeover;
pub mod totals;
mod transaction;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use viewtide_dataflows::Tick;
use viewtide_dataflows::metadata::VideoRow;
use viewtide_dataflows::series::{HourUpdate, SnapshotUpdate, Tally};
use viewtide_dataflows::trending::TrendingUpdate;
use viewtide_dataflows::trends::TrendUpdate;
use viewtide_models::forecasting::When;

use crate::limits::{FORECAST_UPDATES, VIDEO_UPDATES};
use crate::postgres::connect::{ConnectError, DatabaseUrl, in_words, is_transient};
use crate::postgres::migrate::MigrateError;
use crate::registry::RegistryError;
use crate::sink::anew::Anew;
use crate::sink::outputs::Outputs;
use crate::source::{Beside, DeadLetter, Gap, Positions, SourceError, SourceIdentity};

/// What one worker's source adds to a tick beside its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Where each partition stands at the end of the tick.
    pub positions: Positions,
    /// What was no snapshot.
    pub dead_letters: Vec<DeadLetter>,
    /// What was gone before it was read.
    pub gaps: Vec<Gap>,
}

/// All that one tick, or several successive ones, changes.
#[derive(Clone, Debug, Default)]
pub struct TickBatch {
    /// The last tick in it.
    pub tick: Tick,
    /// Rows of snapshots; of one key in order of ticks.
    pub snapshots: Vec<SnapshotUpdate>,
    /// Rows of hours; of one key in order of ticks.
    pub hours: Vec<HourUpdate>,
    /// Rows of videos; of one video in order of ticks.
    pub videos: Vec<VideoRow>,
    /// Rows of trends; of one video in order of ticks.
    pub trends: Vec<TrendUpdate>,
    /// Ranks; of one rank in order of ticks.
    pub trending: Vec<TrendingUpdate>,
    /// What changes in forecasts; of one video in order of ticks.
    pub forecasts: Vec<viewtide_models::forecasting::Update>,
    /// From every worker that read something, in order of ticks.
    pub facts: Vec<SourceFacts>,
    /// From every worker that received something.
    pub tallies: Vec<Tally>,
}

/// What is forecast, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastConfig {
    /// Which forecasts are issued.
    pub when: When,
    /// Whether a database without models gets those that come with viewtide.
    pub pretrained: bool,
}

impl Default for ForecastConfig {
    fn default() -> Self {
        Self { when: When::Live, pretrained: true }
    }
}

/// What a sink needs to start.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Where the tables are.
    pub database: DatabaseUrl,
    /// Which are computed.
    pub outputs: Outputs,
    /// What is forecast, and by what.
    pub forecasts: ForecastConfig,
    /// How far behind its video's newest snapshot a record is folded in, microseconds.
    pub retention_us: i64,
    /// How far ahead of its arrival a record may be, microseconds.
    pub future_max_us: i64,
    /// Where the records come from.
    pub source: SourceIdentity,
    /// What is read beside them.
    pub beside: Beside,
    /// Which topics may be begun anew, and where.
    pub anew: Anew,
    /// The clock at this start, microseconds; kept if it is the first.
    pub now_us: i64,
}

/// Why the sink cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The models that forecasts are made by.
    #[error(transparent)]
    Models(#[from] RegistryError),
    /// What is stored was made from something else.
    #[error(
        "the tables were made with {what} {stored}, and this run has {ours}; nothing was changed. Run with what is stored, \
         or into an empty database"
    )]
    Mismatch {
        /// What differs.
        what: String,
        /// As stored.
        stored: String,
        /// Of this run.
        ours: String,
    },
    /// Another file of videos.
    #[error(
        "the tables were made with --videos {stored}, and this run has {ours}; nothing was changed. Run with what is stored, or \
         without --videos (what it said stays), or take back what it said with `viewtide rebuild --forget-videos-file` and \
         start again"
    )]
    OtherVideosFile {
        /// As stored.
        stored: String,
        /// Of this run.
        ours: String,
    },
    /// Other tables are computed.
    #[error(
        "the tables were made with --outputs {stored}, and this run has {ours}; nothing was changed. Run with what is stored, \
         or change what is computed with `viewtide rebuild --outputs {ours}`"
    )]
    OtherOutputs {
        /// As stored.
        stored: String,
        /// Of this run.
        ours: String,
    },
    /// Forecasts were made before, and shall not be made now.
    #[error(
        "the table predictions has forecasts, and this run is with --forecasts off: what came of them would no longer be kept. \
         Nothing was changed. Run with --forecasts live or all"
    )]
    ForecastsOff,
    /// The topic is not the one that was read, although it has its name.
    #[error(
        "Kafka topic {topic} was deleted and created again since it was read (its id was {before} and is {after}); the tables \
         are exact for the old one, and nothing was changed. Start again with --on-lost-offsets earliest, which reads the new \
         one from its first record and keeps in the table lost_offsets where the old one was left; or on an empty database"
    )]
    CreatedAgain {
        /// Its name.
        topic: String,
        /// The id of the one that was read.
        before: String,
        /// The id of the one that there is.
        after: String,
    },
    /// Where a topic begins anew cannot be found out.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A later start took over.
    #[error(
        "another viewtide has taken over the tables (incarnation {stored}, this is {ours}), or rebuild has changed what this \
         one goes by, so it ends; what it had not committed, the next one reads"
    )]
    Fenced {
        /// Our incarnation.
        ours: i64,
        /// The one in the database.
        stored: i64,
    },
    /// The database forgot a commit that it had acknowledged.
    #[error(
        "the database is at tick {stored}, but had acknowledged tick {acknowledged}: it is a replica that lagged, or was \
         restored. This process ends; the next start goes on from what is stored"
    )]
    Lagged {
        /// In the database.
        stored: Tick,
        /// Acknowledged before.
        acknowledged: Tick,
    },
    /// A backend would not end.
    #[error(
        "the sink before this one (server process {pid}) did not end within {seconds} s; end it with SELECT \
         pg_terminate_backend({pid}), then start again"
    )]
    Backend {
        /// Its server process.
        pid: i32,
        /// How long was waited.
        seconds: u64,
    },
    /// The row that keeps progress is gone or damaged.
    #[error("viewtide_progress {0}; make the tables anew in an empty database")]
    Progress(String),
    /// A row that must be there is not: somebody else changed the table.
    #[error(
        "{table}: {expected} rows were to change and {found} did; somebody else changed the table. Run viewtide \
             verify to see where"
    )]
    Rows {
        /// The table.
        table: &'static str,
        /// As the dataflow knows it.
        expected: u64,
        /// As the table has it.
        found: u64,
    },
    /// The server said no.
    #[error("{what}: {}", in_words(error))]
    Db {
        /// What was being done.
        what: Cow<'static, str>,
        /// The server's word.
        error: tokio_postgres::Error,
    },
    /// The sink's thread could not be started or is gone.
    #[error("the sink's thread: {0}")]
    Thread(String),
}

impl SinkError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Db { error, .. } => is_transient(error),
            Self::Connect(error) => error.is_transient(),
            Self::Models(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Says what was being done when the server said no.
    pub(crate) fn while_doing(what: impl Into<Cow<'static, str>>) -> impl Fn(tokio_postgres::Error) -> Self {
        let what = what.into();
        move |error| Self::Db { what: what.clone(), error }
    }
}

impl TickBatch {
    /// Rows that change; one of `videos` may move many others.
    pub fn updates(&self) -> usize {
        let rows = self.snapshots.len() + self.hours.len() + self.trends.len() + self.trending.len();
        let rows = rows + FORECAST_UPDATES * self.forecasts.len();
        rows + VIDEO_UPDATES * self.videos.len()
    }

    /// Adds the tick after it.
    pub fn append(&mut self, mut next: Self) {
        self.tick = next.tick;
        self.snapshots.append(&mut next.snapshots);
        self.hours.append(&mut next.hours);
        self.videos.append(&mut next.videos);
        self.trends.append(&mut next.trends);
        self.trending.append(&mut next.trending);
        self.forecasts.append(&mut next.forecasts);
        self.facts.append(&mut next.facts);
        self.tallies.append(&mut next.tallies);
    }
}
