//! The state that a start takes from what is stored: per video the folded-in snapshots that memory keeps, and the newest one
//! before them.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Client;
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::series::Loaded;
use viewtide_dataflows::snapshot::{Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;

use crate::limits::LOAD_CHUNK_SNAPSHOTS;
use crate::sink::SinkError;

/// Walks the primary key from video to video, and for each reads just what memory keeps, so that its cost does not grow with
/// the history. The memory start is `Retention::memory_start` in SQL.
const LOAD: &str = "
    WITH RECURSIVE videos AS (
        (SELECT video_id FROM video_stats_processed ORDER BY video_id LIMIT 1)
        UNION ALL
        SELECT (SELECT s.video_id FROM video_stats_processed s WHERE s.video_id > v.video_id ORDER BY s.video_id LIMIT 1)
        FROM videos v WHERE v.video_id IS NOT NULL
    )
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
        (SELECT s.\"timestamp\", s.view_count, s.like_count, s.comment_count
         FROM video_stats_processed s
         WHERE s.video_id = v.video_id AND s.folded_in AND s.\"timestamp\" < newest.memory_start
         ORDER BY s.\"timestamp\" DESC LIMIT 1)
        UNION ALL
        (SELECT s.\"timestamp\", s.view_count, s.like_count, s.comment_count
         FROM video_stats_processed s
         WHERE s.video_id = v.video_id AND s.folded_in AND s.\"timestamp\" >= newest.memory_start
         ORDER BY s.\"timestamp\")
    ) AS kept
    WHERE v.video_id IS NOT NULL";

/// Hands the state over in chunks, each video in order of time, until all is handed over or `take` says no.
pub async fn load(
    client: &mut Client,
    retention: Retention,
    mut take: impl FnMut(Vec<Loaded>) -> bool,
) -> Result<(), SinkError> {
    let db = SinkError::while_doing("loading the stored state");
    let transaction = client.transaction().await.map_err(&db)?;
    // Statistics may be missing after a bulk load; the index is right whatever they say.
    let planner = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off";
    transaction.batch_execute(planner).await.map_err(&db)?;
    let memory_us = retention.memory_us() as f64;
    let mut rows = pin!(transaction.query_raw(LOAD, [&memory_us]).await.map_err(&db)?);
    let mut chunk = Vec::with_capacity(LOAD_CHUNK_SNAPSHOTS);
    while let Some(row) = rows.try_next().await.map_err(&db)? {
        let id: &str = row.get(0);
        let video: VideoId =
            id.parse().map_err(|error| SinkError::Progress(format!("stands beside a video_id `{id}`: {error}")))?;
        let count = |column: usize| Nullable::from(row.get::<_, Option<i64>>(column));
        chunk.push(Loaded { video, snapshot: Snapshot { time: row.get(1), counts: [count(2), count(3), count(4)] } });
        if chunk.len() == LOAD_CHUNK_SNAPSHOTS
            && !take(std::mem::replace(&mut chunk, Vec::with_capacity(LOAD_CHUNK_SNAPSHOTS)))
        {
            return Ok(());
        }
    }
    take(chunk);
    Ok(())
}
