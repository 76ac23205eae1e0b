//! One batch as one transaction.
//!
//! Progress comes first: it takes the row's lock, so that a sink that was replaced finds out before it writes anything, and
//! `rebuild` and the sink never interleave. Keys that cannot be there go by COPY straight into the tables; all others are
//! merged by key.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use viewtide_dataflows::Tick;
use viewtide_dataflows::series::{HourUpdate, SnapshotUpdate};

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::compose::{HourRows, SnapshotRows};
use crate::sink::copy::TableCopy;
use crate::sink::encode::{
    CopyBuffer, CountParam, DEAD_LETTER_COLUMNS, HOUR_COLUMNS, IdParam, SNAPSHOT_COLUMNS, TimeParam, elapsed_seconds,
    folded_in, rates,
};
use crate::sink::gaps;
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
    /// What was no snapshot.
    pub dead_letters: Vec<DeadLetter>,
    /// What was gone before it was read.
    pub gaps: Vec<Gap>,
}

impl Commit {
    /// Composes `batch`, which comes after `positions`.
    pub fn new(batch: TickBatch, positions: &Positions) -> Self {
        let mut positions = positions.clone();
        let (mut dead_letters, mut gaps) = (Vec::new(), Vec::new());
        for facts in batch.facts {
            positions.extend(facts.positions);
            dead_letters.extend(facts.dead_letters);
            gaps.extend(facts.gaps);
        }
        Self {
            tick: batch.tick,
            positions,
            snapshots: super::compose::compose_snapshots(batch.snapshots),
            hours: super::compose::compose_hours(batch.hours),
            dead_letters,
            gaps,
        }
    }

    /// Rows that it writes, by table.
    pub fn rows(&self) -> [(&'static str, u64); 4] {
        let snapshots = self.snapshots.appended.len() + self.snapshots.merged.len() + self.snapshots.regrown.len();
        [
            ("video_stats_processed", snapshots as u64),
            ("hourly_aggregations", (self.hours.new.len() + self.hours.changed.len()) as u64),
            ("dead_letters", self.dead_letters.len() as u64),
            ("lost_offsets", self.gaps.len() as u64),
        ]
    }
}

/// The statements of a connection, prepared once.
pub struct Statements {
    progress: Statement,
    stored: Statement,
    copy_snapshots: TableCopy,
    copy_hours: TableCopy,
    copy_dead_letters: TableCopy,
    merge_snapshots: Statement,
    regrow: Statement,
    update_hours: Statement,
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
        let snapshot_types = "text[], timestamptz[], bigint[], bigint[], bigint[], float8[], float8[], float8[], bigint[], \
                              bigint[], bigint[], float8[], bool[], text[]";
        let merge_snapshots = format!(
            "INSERT INTO video_stats_processed AS stored ({SNAPSHOT_COLUMNS}) SELECT * FROM unnest({}) \
             ON CONFLICT (video_id, \"timestamp\") DO UPDATE SET ({SNAPSHOT_COLUMNS}, processed_at) = ({}, now()) \
             WHERE EXCLUDED.folded_in OR NOT stored.folded_in",
            placeholders(snapshot_types),
            of("EXCLUDED", SNAPSHOT_COLUMNS)
        );
        let regrow = "UPDATE video_stats_processed AS stored
             SET views_growth_rate = r.a, likes_growth_rate = r.b, comments_growth_rate = r.c, views_delta = r.d,
                 likes_delta = r.e, comments_delta = r.f, elapsed_seconds = r.g, processed_at = now()
             FROM unnest($1::text[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[],
                         $7::bigint[], $8::bigint[], $9::float8[]) AS r(video_id, at, a, b, c, d, e, f, g)
             WHERE stored.video_id = r.video_id AND stored.\"timestamp\" = r.at AND stored.folded_in";
        let hour_types = "text[], timestamptz[], float8[], float8[], float8[], bigint[], bigint[], bigint[], bigint[], \
                          bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], \
                          bigint[], bigint[], bigint[]";
        let update_hours = format!(
            "UPDATE hourly_aggregations AS stored SET ({HOUR_COLUMNS}, updated_at) = ({}, now()) \
             FROM unnest({}) AS changed({HOUR_COLUMNS}) \
             WHERE stored.video_id = changed.video_id AND stored.hour_start = changed.hour_start",
            of("changed", HOUR_COLUMNS),
            placeholders(hour_types)
        );
        client.batch_execute(BY_KEY).await.map_err(&db)?;
        Ok(Self {
            progress: client.prepare(PROGRESS).await.map_err(&db)?,
            stored: client.prepare(STORED).await.map_err(&db)?,
            copy_snapshots: TableCopy::prepare(client, "video_stats_processed", SNAPSHOT_COLUMNS).await?,
            copy_hours: TableCopy::prepare(client, "hourly_aggregations", HOUR_COLUMNS).await?,
            copy_dead_letters: TableCopy::prepare(client, "dead_letters", DEAD_LETTER_COLUMNS).await?,
            merge_snapshots: client.prepare(&merge_snapshots).await.map_err(&db)?,
            regrow: client.prepare(regrow).await.map_err(&db)?,
            update_hours: client.prepare(&update_hours).await.map_err(&db)?,
        })
    }
}

/// `$1::type, $2::type, ..` for a list of types.
fn placeholders(types: &str) -> String {
    let placeholder = |(index, ty): (usize, &str)| format!("${}::{}", index + 1, ty.trim());
    types.split(',').enumerate().map(placeholder).collect::<Vec<_>>().join(", ")
}

/// `row.column, ..` for a list of columns.
fn of(row: &str, columns: &str) -> String {
    columns.split(',').map(|column| format!("{row}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

/// Who writes, and after which tick.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Our incarnation.
    pub incarnation: i64,
    /// The last tick that was committed.
    pub durable: Tick,
}

/// Writes `commit`, or nothing.
///
/// # Errors
/// [`SinkError::Fenced`] and [`SinkError::Lagged`] where it is not our turn. After a transient error the outcome may be
/// unknown: the caller resolves it by what is stored.
pub async fn write(client: &mut Client, statements: &Statements, turn: Turn, commit: &Commit) -> Result<(), SinkError> {
    let transaction = client.transaction().await.map_err(SinkError::while_doing("beginning a transaction"))?;
    take_turn(&transaction, statements, turn, commit).await?;
    write_snapshots(&transaction, statements, &commit.snapshots).await?;
    write_hours(&transaction, statements, &commit.hours).await?;
    // First, since where a partition begins anew its dead letters of before make room.
    gaps::write(&transaction, &commit.gaps).await?;
    statements.copy_dead_letters.write(&transaction, &commit.dead_letters, CopyBuffer::dead_letter).await?;
    transaction.commit().await.map_err(SinkError::while_doing("committing"))
}

async fn take_turn(
    client: &tokio_postgres::Transaction<'_>,
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

async fn write_snapshots(
    client: &tokio_postgres::Transaction<'_>,
    statements: &Statements,
    rows: &SnapshotRows,
) -> Result<(), SinkError> {
    statements.copy_snapshots.write(client, &rows.appended, CopyBuffer::snapshot).await?;
    let db = SinkError::while_doing("merging rows into video_stats_processed");
    for rows in rows.merged.chunks(MERGE_ROWS_MAX) {
        let key = Keys::of_snapshots(rows);
        let counts = [0, 1, 2].map(|metric| counts(rows, |row| row.snapshot.counts[metric]));
        let growth = GrowthColumns::of(rows);
        let folded_in: Vec<bool> = rows.iter().map(folded_in).collect();
        let sources: Vec<Option<&str>> = rows.iter().map(|row| row.file_source.as_deref()).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key.ids, &key.times, &counts[0], &counts[1], &counts[2]];
        params.extend(growth.params());
        params.extend([&folded_in as &(dyn ToSql + Sync), &sources]);
        client.execute(&statements.merge_snapshots, &params).await.map_err(&db)?;
    }
    for rows in rows.regrown.chunks(MERGE_ROWS_MAX) {
        let key = Keys::of_snapshots(rows);
        let growth = GrowthColumns::of(rows);
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key.ids, &key.times];
        params.extend(growth.params());
        let found = client.execute(&statements.regrow, &params).await.map_err(&db)?;
        if found != rows.len() as u64 {
            return Err(SinkError::Rows { table: "video_stats_processed", expected: rows.len() as u64, found });
        }
    }
    Ok(())
}

async fn write_hours(
    client: &tokio_postgres::Transaction<'_>,
    statements: &Statements,
    rows: &HourRows,
) -> Result<(), SinkError> {
    let hour = |buffer: &mut CopyBuffer, update: &HourUpdate| buffer.hour(&update.row);
    statements.copy_hours.write(client, &rows.new, hour).await?;
    for rows in rows.changed.chunks(MERGE_ROWS_MAX) {
        let ids: Vec<IdParam> = rows.iter().map(|update| IdParam(update.row.video)).collect();
        let times: Vec<TimeParam> = rows.iter().map(|update| TimeParam(update.row.hour_start)).collect();
        let averages: [Vec<Option<f64>>; 3] =
            [0, 1, 2].map(|metric| rows.iter().map(|update| update.row.stats[metric].average()).collect());
        let columns: Vec<Vec<CountParam>> = (0..15)
            .map(|column| {
                let (kind, metric) = (column / 3, column % 3);
                rows.iter()
                    .map(|update| {
                        let stats = &update.row.stats[metric];
                        CountParam([stats.gained, stats.min, stats.max, stats.first, stats.last][kind])
                    })
                    .collect()
            })
            .collect();
        let records: Vec<i64> = rows.iter().map(|update| i64::from(update.row.records)).collect();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&ids, &times];
        params.extend(averages.iter().map(|column| column as &(dyn ToSql + Sync)));
        params.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
        params.push(&records);
        let found = client
            .execute(&statements.update_hours, &params)
            .await
            .map_err(SinkError::while_doing("updating rows of hourly_aggregations"))?;
        if found != rows.len() as u64 {
            return Err(SinkError::Rows { table: "hourly_aggregations", expected: rows.len() as u64, found });
        }
    }
    Ok(())
}

struct Keys {
    ids: Vec<IdParam>,
    times: Vec<TimeParam>,
}

impl Keys {
    fn of_snapshots(rows: &[SnapshotUpdate]) -> Self {
        Self {
            ids: rows.iter().map(|row| IdParam(row.video)).collect(),
            times: rows.iter().map(|row| TimeParam(row.snapshot.time)).collect(),
        }
    }
}

fn counts(
    rows: &[SnapshotUpdate],
    count: impl Fn(&SnapshotUpdate) -> viewtide_dataflows::snapshot::Nullable,
) -> Vec<CountParam> {
    rows.iter().map(|row| CountParam(count(row))).collect()
}

/// The growth columns of some rows.
struct GrowthColumns {
    rates: [Vec<Option<f64>>; 3],
    deltas: [Vec<CountParam>; 3],
    elapsed: Vec<Option<f64>>,
}

impl GrowthColumns {
    fn of(rows: &[SnapshotUpdate]) -> Self {
        Self {
            rates: [0, 1, 2].map(|metric| rows.iter().map(|row| rates(row)[metric]).collect()),
            deltas: [0, 1, 2].map(|metric| counts(rows, |row| row.growth.deltas[metric])),
            elapsed: rows.iter().map(|row| elapsed_seconds(&row.growth)).collect(),
        }
    }

    /// In the order of [`SNAPSHOT_COLUMNS`].
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let [rate_a, rate_b, rate_c] = &self.rates;
        let [delta_a, delta_b, delta_c] = &self.deltas;
        vec![rate_a, rate_b, rate_c, delta_a, delta_b, delta_c, &self.elapsed]
    }
}
