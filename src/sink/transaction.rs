//! One batch as one transaction.
//!
//! Progress comes first: it takes the row's lock, so that a sink that was replaced finds out before it writes anything, and
//! `rebuild` and the sink never interleave. Then the stored hours of videos that moved to another channel or category move
//! with them, before anything of this batch is added to them.

use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::Tick;
use viewtide_dataflows::metadata::VideoRow;
use viewtide_dataflows::trending::TrendingUpdate;

use crate::sink::compose::{
    HourRows, SnapshotRows, TrendRows, compose_hours, compose_snapshots, compose_trending, compose_trends,
    compose_videos,
};
use crate::sink::copy::TableCopy;
use crate::sink::encode::{CopyBuffer, DEAD_LETTER_COLUMNS};
use crate::sink::forecasts::{ForecastRows, compose_forecasts};
use crate::sink::gaps;
use crate::sink::outputs::Outputs;
use crate::sink::rollups::{Directory, Rollups};
use crate::sink::tables::forecaster_state::ForecasterStateTable;
use crate::sink::tables::hours::HourTable;
use crate::sink::tables::predictions::PredictionTable;
use crate::sink::tables::rollups::RollupTables;
use crate::sink::tables::scores::{ScoreTable, ScoredHours};
use crate::sink::tables::snapshots::SnapshotTable;
use crate::sink::tables::trending::TrendingTable;
use crate::sink::tables::trends::TrendTable;
use crate::sink::tables::videos::VideoTable;
use crate::sink::takeover::json;
use crate::sink::{SinkError, TickBatch};
use crate::source::{DeadLetter, Gap, Positions};

/// A batch, composed and ready to be written any number of times.
pub struct Commit {
    /// The last tick in it.
    pub tick: Tick,
    /// Where every partition stands after it.
    pub positions: Positions,
    /// Rows of snapshots.
    pub snapshots: SnapshotRows,
    /// Rows of hours.
    pub hours: HourRows,
    /// What is known of videos.
    pub videos: Vec<VideoRow>,
    /// What the hours and the videos change in the roll-ups.
    pub rollups: Rollups,
    /// Rows of trends.
    pub trends: TrendRows,
    /// Ranks.
    pub trending: Vec<TrendingUpdate>,
    /// Forecasts.
    pub forecasts: ForecastRows,
    /// What was no snapshot.
    pub dead_letters: Vec<DeadLetter>,
    /// What was gone before it was read.
    pub gaps: Vec<Gap>,
}

impl Commit {
    /// Composes `batch`, which comes after `positions`; `directory` tells where videos count before it.
    pub fn new(batch: TickBatch, positions: &Positions, outputs: Outputs, directory: &mut Directory) -> Self {
        let mut positions = positions.clone();
        let (mut dead_letters, mut gaps) = (Vec::new(), Vec::new());
        for facts in batch.facts {
            positions.extend(facts.positions);
            dead_letters.extend(facts.dead_letters);
            gaps.extend(facts.gaps);
        }
        let hours = compose_hours(batch.hours);
        let videos = compose_videos(batch.videos);
        let rollups = match outputs.rollups {
            true => Rollups::of(directory, hours.new.iter().chain(&hours.changed), &videos),
            false => Rollups::default(),
        };
        Self {
            tick: batch.tick,
            positions,
            snapshots: compose_snapshots(batch.snapshots),
            hours,
            videos,
            rollups,
            trends: compose_trends(batch.trends),
            trending: compose_trending(batch.trending),
            forecasts: compose_forecasts(batch.forecasts),
            dead_letters,
            gaps,
        }
    }

    /// Rows that it writes, by table.
    pub fn rows(&self) -> [(&'static str, usize); 11] {
        let Self { snapshots, hours, rollups, trends, .. } = self;
        [
            ("video_stats_processed", snapshots.appended.len() + snapshots.merged.len() + snapshots.regrown.len()),
            ("hourly_aggregations", hours.new.len() + hours.changed.len()),
            ("videos", self.videos.len()),
            ("channel_hourly", rollups.channels.len()),
            ("category_hourly", rollups.categories.len()),
            ("total_hourly", rollups.total.len()),
            ("trends", trends.new.len() + trends.changed.len() + trends.gone.len()),
            ("trending", self.trending.len()),
            ("predictions", self.forecasts.count()),
            ("dead_letters", self.dead_letters.len()),
            ("lost_offsets", self.gaps.len()),
        ]
    }
}

/// The statements of a connection, prepared once.
pub struct Statements {
    progress: Statement,
    stored: Statement,
    snapshots: SnapshotTable,
    hours: HourTable,
    videos: VideoTable,
    rollups: RollupTables,
    trends: TrendTable,
    trending: TrendingTable,
    predictions: PredictionTable,
    scores: ScoreTable,
    forecaster_state: ForecasterStateTable,
    dead_letters: TableCopy,
}

const PROGRESS: &str = "
    UPDATE viewtide_progress SET tick = $1, positions = $2::text::jsonb, committed_at = now()
    WHERE singleton AND incarnation = $3 AND tick = $4";

/// Rows are changed one by one, each found by its key. The planner would rather read a whole table where it takes it to be
/// small, as it does until somebody has counted its rows; and what it then takes to be dear it would compile for 40 ms.
const BY_KEY: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

const STORED: &str = "SELECT incarnation, tick FROM viewtide_progress";

impl Statements {
    /// Prepares them on `client`.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let db = SinkError::while_doing("preparing the sink's statements");
        client.batch_execute(BY_KEY).await.map_err(&db)?;
        Ok(Self {
            progress: client.prepare(PROGRESS).await.map_err(&db)?,
            stored: client.prepare(STORED).await.map_err(&db)?,
            snapshots: SnapshotTable::prepare(client).await?,
            hours: HourTable::prepare(client).await?,
            videos: VideoTable::prepare(client).await?,
            rollups: RollupTables::prepare(client).await?,
            trends: TrendTable::prepare(client).await?,
            trending: TrendingTable::prepare(client).await?,
            predictions: PredictionTable::prepare(client).await?,
            scores: ScoreTable::prepare(client).await?,
            forecaster_state: ForecasterStateTable::prepare(client).await?,
            dead_letters: TableCopy::prepare(client, "dead_letters", DEAD_LETTER_COLUMNS).await?,
        })
    }
}

/// Who writes, and after which tick.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Our incarnation.
    pub incarnation: i64,
    /// The last tick that was committed.
    pub durable: Tick,
}

/// Writes `commit`, or nothing; `hours` are those that may have scores.
///
/// # Errors
/// [`SinkError::Fenced`] and [`SinkError::Lagged`] where it is not our turn. After a transient error the outcome may be
/// unknown: the caller resolves it by what is stored.
pub async fn write(
    client: &mut Client,
    statements: &Statements,
    turn: Turn,
    commit: &Commit,
    hours: &mut ScoredHours,
) -> Result<(), SinkError> {
    let transaction = client.transaction().await.map_err(SinkError::while_doing("beginning a transaction"))?;
    take_turn(&transaction, statements, turn, commit).await?;
    statements.rollups.move_hours(&transaction, &commit.rollups).await?;
    statements.videos.write(&transaction, &commit.videos).await?;
    statements.snapshots.write(&transaction, &commit.snapshots).await?;
    statements.hours.write(&transaction, &commit.hours).await?;
    statements.rollups.add(&transaction, &commit.rollups).await?;
    statements.trends.write(&transaction, &commit.trends).await?;
    statements.trending.write(&transaction, &commit.trending).await?;
    let mut scores = commit.forecasts.scores();
    statements.predictions.write(&transaction, &commit.forecasts, &mut scores).await?;
    statements.scores.add(&transaction, &scores, hours).await?;
    statements.forecaster_state.write(&transaction, &commit.forecasts.learned).await?;
    // Before the dead letters, since where a partition begins anew those of before make room.
    gaps::write(&transaction, &commit.gaps).await?;
    statements.dead_letters.write(&transaction, &commit.dead_letters, CopyBuffer::dead_letter).await?;
    transaction.commit().await.map_err(SinkError::while_doing("committing"))
}

async fn take_turn(
    client: &Transaction<'_>,
    statements: &Statements,
    turn: Turn,
    commit: &Commit,
) -> Result<(), SinkError> {
    let db = SinkError::while_doing("writing progress");
    let (tick, durable) = (commit.tick as i64, turn.durable as i64);
    let positions = json(&commit.positions)?;
    let updated =
        client.execute(&statements.progress, &[&tick, &positions, &turn.incarnation, &durable]).await.map_err(&db)?;
    if updated == 1 {
        return Ok(());
    }
    let stored = client.query_opt(&statements.stored, &[]).await.map_err(&db)?;
    Err(not_our_turn(stored.map(|row| (row.get(0), row.get::<_, i64>(1) as Tick)), turn))
}

/// Why progress is not as we left it; `stored` is (incarnation, tick).
pub fn not_our_turn(stored: Option<(i64, Tick)>, turn: Turn) -> SinkError {
    match stored {
        None => SinkError::Progress("has lost its row".to_owned()),
        Some((incarnation, _)) if incarnation != turn.incarnation => {
            SinkError::Fenced { ours: turn.incarnation, stored: incarnation }
        }
        Some((_, tick)) if tick < turn.durable => SinkError::Lagged { stored: tick, acknowledged: turn.durable },
        Some((_, tick)) => SinkError::Progress(format!(
            "is at tick {tick}, and this sink, the only one that may write, is at {}",
            turn.durable
        )),
    }
}
