//! The snapshots that are trained on: of the last two weeks, of some of the videos.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, IsolationLevel};
use viewtide_dataflows::snapshot::{EventTime, HOUR_US};
use viewtide_models::task::Videos;

use crate::limits::{RETRAIN_SNAPSHOTS_MAX, RETRAIN_VIDEOS_MAX};
use crate::sink::load::videos_of;
use crate::train::stored_snapshots::{StoredSnapshotsError, snapshot, video_id};
use crate::verify::VerifyError;

/// How far back origins are trained on.
pub(super) const ORIGINS_US: i64 = 7 * 24 * HOUR_US;

/// How far back an origin sees, which snapshots are read for beside them; an age is not told apart beyond it either.
const REACH_US: i64 = 7 * 24 * HOUR_US;

/// Of many videos others each time. The walk over the key costs one look at the index a video.
const CHOSEN: &str = "
    , chosen AS (
        SELECT video_id FROM videos WHERE video_id IS NOT NULL
        ORDER BY hashtextextended(video_id, $1) LIMIT $2
    )
    SELECT s.video_id, (extract(epoch FROM s.\"timestamp\") * 1000000)::bigint, s.view_count, s.like_count, s.comment_count
    FROM chosen c
    CROSS JOIN LATERAL (
        SELECT n.\"timestamp\" FROM video_stats_processed n
        WHERE n.video_id = c.video_id AND n.folded_in ORDER BY n.\"timestamp\" DESC LIMIT 1
    ) AS newest
    JOIN video_stats_processed s ON s.video_id = c.video_id AND s.folded_in
         AND s.\"timestamp\" >= newest.\"timestamp\" - $3 * interval '1 microsecond'";

/// The snapshots of the last two weeks of each video, and when the first origin is that is to be trained on. What is read depends
/// on `draw` where there are more videos than are trained on.
///
/// # Errors
/// What the server says; a row that viewtide did not write.
pub(super) async fn recent(client: &mut Client, draw: i64) -> Result<(Videos, EventTime), StoredSnapshotsError> {
    let db = || VerifyError::while_doing("reading what is to be trained on");
    let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
    let transaction = begun.await.map_err(db())?;
    // Statistics may be missing after a bulk load; the index is right whatever they say. Workers would take the sink's cores.
    let planner = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off;
                   SET LOCAL max_parallel_workers_per_gather = 0";
    transaction.batch_execute(planner).await.map_err(db())?;
    let (videos_max, back_us) = (RETRAIN_VIDEOS_MAX, (ORIGINS_US + REACH_US) as f64);
    let params: [&(dyn ToSql + Sync); 3] = [&draw, &videos_max, &back_us];
    let sql = videos_of("video_stats_processed").trim_end().to_owned() + CHOSEN;
    let rows = transaction.query_raw(&sql, params).await.map_err(db())?;
    let mut rows = pin!(rows);
    let (mut videos, mut snapshots, mut newest) = (Videos::default(), 0, EventTime::MIN);
    while let Some(row) = rows.try_next().await.map_err(db())? {
        let snapshot = snapshot(&row);
        newest = newest.max(snapshot.time);
        videos.observe(video_id(&row)?, snapshot);
        snapshots += 1;
        if snapshots == RETRAIN_SNAPSHOTS_MAX {
            tracing::info!(
                snapshots,
                videos = videos.len(),
                "retraining on some of the videos: there are more than fit"
            );
            break;
        }
    }
    Ok((videos, newest.saturating_sub(ORIGINS_US)))
}
