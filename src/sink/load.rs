//! The state that a start takes from what is stored: what is known of each video, its trend, the folded-in snapshots that memory
//! keeps with its anchors, and what is known of forecasts.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Transaction};
use viewtide_dataflows::metadata::{Metadata, VideoRow};
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::series::Loaded;
use viewtide_dataflows::snapshot::{Nullable, Snapshot};
use viewtide_dataflows::trends::{TrendRow, TrendWindow};
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::blend::Forecaster;
use viewtide_models::forecasting::{LearnedState, State, StoredModel, When};

use crate::limits::LOAD_CHUNK_ROWS;
use crate::registry::stored::InUse;
use crate::sink::tables::predictions::{READ_COLUMNS, StoredForecast, read_row};
use crate::sink::tables::trends::label_named;
use crate::sink::tables::videos::source_named;
use crate::sink::{ForecastConfig, SinkError};

/// Rows of the stored state.
#[derive(Debug)]
pub enum LoadedRows {
    /// What is known of videos.
    Videos(Vec<VideoRow>),
    /// Trends.
    Trends(Vec<TrendRow>),
    /// Snapshots; those of one video in order of time.
    Snapshots(Vec<Loaded>),
    /// What is known of forecasts.
    Forecasts(Vec<State>),
    /// What forecasts are made by.
    Models(Vec<StoredModel>),
}

const VIDEOS: &str = "
    SELECT video_id, title, channel_id, channel_title, category_id,
           (extract(epoch FROM published_at) * 1000000)::bigint, source
    FROM videos";

const TRENDS: &str = "
    SELECT video_id, (extract(epoch FROM as_of) * 1000000)::bigint, label,
           views_gained_1h, views_per_hour_1h, views_acceleration_1h,
           views_gained_6h, views_per_hour_6h, views_acceleration_6h,
           views_gained_24h, views_per_hour_24h, views_acceleration_24h,
           views_gained_7d, views_per_hour_7d, views_acceleration_7d
    FROM trends";

/// The videos of `table`, one row each and a NULL at the end: walks the primary key from video to video, so that it costs no
/// look at the rows between. The queries below begin with it.
pub(crate) fn videos_of(table: &str) -> String {
    format!(
        "WITH RECURSIVE videos AS (
             (SELECT video_id FROM {table} ORDER BY video_id LIMIT 1)
             UNION ALL
             SELECT (SELECT t.video_id FROM {table} t WHERE t.video_id > v.video_id ORDER BY t.video_id LIMIT 1)
             FROM videos v WHERE v.video_id IS NOT NULL
         ) "
    )
}

/// For each video reads just what memory keeps, so that its cost does not grow with the history: from the start of memory on,
/// and before it the newest snapshot and the newest with a view count. The memory start is `Retention::memory_start` in SQL. (Of
/// a video that has had no view count for long, the look for the newest one does go back that long.)
const SNAPSHOTS: &str = "
    SELECT v.video_id, (extract(epoch FROM kept.\"timestamp\") * 1000000)::bigint,
           kept.view_count, kept.like_count, kept.comment_count
    FROM videos v
    CROSS JOIN LATERAL (
        SELECT date_trunc('hour', s.\"timestamp\" - $1 * interval '1 microsecond', 'UTC') AS memory_start
        FROM video_stats_processed s
        WHERE s.video_id = v.video_id AND s.folded_in
        ORDER BY s.\"timestamp\" DESC LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT s.\"timestamp\", s.view_count, s.like_count, s.comment_count
            FROM video_stats_processed s
            WHERE s.video_id = v.video_id AND s.folded_in AND s.\"timestamp\" < newest.memory_start
                  AND s.view_count IS NOT NULL
            ORDER BY s.\"timestamp\" DESC LIMIT 1
        ) AS viewed
        UNION ALL
        SELECT * FROM (
            SELECT s.\"timestamp\", s.view_count, s.like_count, s.comment_count
            FROM video_stats_processed s
            WHERE s.video_id = v.video_id AND s.folded_in AND s.\"timestamp\" < newest.memory_start
            ORDER BY s.\"timestamp\" DESC LIMIT 1
        ) AS latest
        UNION ALL
        (SELECT s.\"timestamp\", s.view_count, s.like_count, s.comment_count
         FROM video_stats_processed s
         WHERE s.video_id = v.video_id AND s.folded_in AND s.\"timestamp\" >= newest.memory_start
         ORDER BY s.\"timestamp\")
    ) AS kept
    WHERE v.video_id IS NOT NULL";

/// The time of each video's first folded-in snapshot: what its age counts from.
const FIRSTS: &str = "
    SELECT v.video_id, (extract(epoch FROM first.\"timestamp\") * 1000000)::bigint
    FROM videos v
    CROSS JOIN LATERAL (
        SELECT s.\"timestamp\" FROM video_stats_processed s
        WHERE s.video_id = v.video_id AND s.folded_in ORDER BY s.\"timestamp\" LIMIT 1
    ) AS first
    WHERE v.video_id IS NOT NULL";

const LEARNED: &str = "SELECT video_id, state FROM forecaster_state";

/// The forecasts whose target is ahead, or whose actual may still change: by those that have some, so that a database of long
/// histories and few forecasts costs little. The first column after those of the row is whether the target is ahead.
const ISSUED: &str = "
    SELECT {COLUMNS}, p.prediction_timestamp > newest.\"timestamp\"
    FROM videos v
    CROSS JOIN LATERAL (
        SELECT s.\"timestamp\" FROM video_stats_processed s
        WHERE s.video_id = v.video_id AND s.folded_in ORDER BY s.\"timestamp\" DESC LIMIT 1
    ) AS newest
    JOIN predictions p ON p.video_id = v.video_id
         AND p.issued_at >= date_trunc('hour', newest.\"timestamp\" - $1 * interval '1 microsecond', 'UTC')
    WHERE v.video_id IS NOT NULL";

/// Hands the state over in chunks, until all is handed over or `take` says no; returns what is known of the models in use.
pub async fn load(
    client: &mut Client,
    retention: Retention,
    forecasts: ForecastConfig,
    mut take: impl FnMut(LoadedRows) -> bool,
) -> Result<InUse, SinkError> {
    let db = SinkError::while_doing("loading the stored state");
    let forecasts = forecasts.when != When::Off;
    let mut in_use = InUse::default();
    if forecasts && !take(LoadedRows::Models(in_use.changes(client).await?)) {
        return Ok(in_use);
    }
    let transaction = client.transaction().await.map_err(&db)?;
    // Statistics may be missing after a bulk load; the index is right whatever they say.
    let planner = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off";
    transaction.batch_execute(planner).await.map_err(&db)?;
    let goes_on = in_chunks(&transaction, VIDEOS, &[], video, |rows| take(LoadedRows::Videos(rows))).await?
        && in_chunks(&transaction, TRENDS, &[], trend, |rows| take(LoadedRows::Trends(rows))).await?;
    let memory_us = retention.memory_us() as f64;
    let of_snapshots = videos_of("video_stats_processed");
    let goes_on = goes_on
        && in_chunks(&transaction, &format!("{of_snapshots}{SNAPSHOTS}"), &[&memory_us], snapshot, |rows| {
            take(LoadedRows::Snapshots(rows))
        })
        .await?;
    if goes_on && forecasts {
        let mut take = |rows| take(LoadedRows::Forecasts(rows));
        let issued_rows = videos_of("predictions") + &ISSUED.replace("{COLUMNS}", READ_COLUMNS);
        let _ = in_chunks(&transaction, &format!("{of_snapshots}{FIRSTS}"), &[], first, &mut take).await?
            && in_chunks(&transaction, LEARNED, &[], learned, &mut take).await?
            && in_chunks(&transaction, &issued_rows, &[&memory_us], issued, &mut take).await?;
    }
    Ok(in_use)
}

fn first(row: &Row) -> Result<State, SinkError> {
    Ok(State::First(video_id(row)?, row.get(1)))
}

fn learned(row: &Row) -> Result<State, SinkError> {
    let bytes: &[u8] = row.get(1);
    Forecaster::from_bytes(bytes)
        .map_err(|error| SinkError::Progress(format!("stands beside a damaged row of forecaster_state: {error}")))?;
    Ok(State::Learned(LearnedState { video: video_id(row)?, bytes: bytes.into() }))
}

fn issued(row: &Row) -> Result<State, SinkError> {
    let StoredForecast { video, place, row: forecast, .. } = read_row(row)?;
    let is_ahead: bool = row.get(row.len() - 1);
    Ok(State::Issued(video, place, is_ahead.then(|| Box::new(forecast))))
}

/// Hands over what a query gives, each row as `read` reads it; false once `take` has said no.
async fn in_chunks<T>(
    transaction: &Transaction<'_>,
    query: &str,
    params: &[&(dyn ToSql + Sync)],
    read: impl Fn(&Row) -> Result<T, SinkError>,
    mut take: impl FnMut(Vec<T>) -> bool,
) -> Result<bool, SinkError> {
    let db = SinkError::while_doing("loading the stored state");
    let params = params.iter().map(|param| *param as &(dyn ToSql + Sync));
    let mut rows = pin!(transaction.query_raw(query, params).await.map_err(&db)?);
    let mut chunk = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(&db)? {
        chunk.push(read(&row)?);
        if chunk.len() == LOAD_CHUNK_ROWS && !take(std::mem::take(&mut chunk)) {
            return Ok(false);
        }
    }
    Ok(take(chunk))
}

fn video_id(row: &Row) -> Result<VideoId, SinkError> {
    let id: &str = row.get(0);
    id.parse().map_err(|error| SinkError::Progress(format!("stands beside a video_id `{id}`: {error}")))
}

fn snapshot(row: &Row) -> Result<Loaded, SinkError> {
    let count = |column: usize| Nullable::from(row.get::<_, Option<i64>>(column));
    let snapshot = Snapshot { time: row.get(1), counts: [count(2), count(3), count(4)] };
    Ok(Loaded { video: video_id(row)?, snapshot })
}

fn video(row: &Row) -> Result<VideoRow, SinkError> {
    let text = |column: usize| row.get::<_, Option<&str>>(column).map(Box::from);
    let name: &str = row.get(6);
    let source = source_named(name).ok_or_else(|| {
        SinkError::Progress(format!("stands beside rows of videos from `{name}`, which is no source"))
    })?;
    let metadata = Metadata {
        title: text(1),
        channel_id: text(2),
        channel_title: text(3),
        category_id: text(4),
        published_at: row.get(5),
    };
    Ok(VideoRow { video: video_id(row)?, source, metadata })
}

fn trend(row: &Row) -> Result<TrendRow, SinkError> {
    let windows = std::array::from_fn(|window| {
        let column = 3 + 3 * window;
        TrendWindow { gained: row.get(column), per_hour: row.get(column + 1), acceleration: row.get(column + 2) }
    });
    let label = match row.get::<_, Option<&str>>(2) {
        None => None,
        Some(name) => Some(label_named(name).ok_or_else(|| {
            SinkError::Progress(format!("stands beside rows of trends labelled `{name}`, which is no label"))
        })?),
    };
    Ok(TrendRow { video: video_id(row)?, as_of: row.get(1), label, windows })
}
