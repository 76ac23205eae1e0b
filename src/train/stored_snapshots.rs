//! All snapshots that are stored, read into memory.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, IsolationLevel, Row};
use viewtide_dataflows::snapshot::{Nullable, Snapshot};
use viewtide_dataflows::video_id::{VideoId, VideoIdError};

use crate::verify::VerifyError;
use crate::verify::stored::StoredProgress;

/// Why they cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredSnapshotsError {
    /// The tables are not there, are of an older version, or the server said no.
    #[error(transparent)]
    Tables(#[from] VerifyError),
    /// A row that viewtide did not write.
    #[error(
        "video_stats_processed has a video_id `{id}`, which is none ({error}); delete the row, and run `viewtide verify`"
    )]
    Video {
        /// What stands there.
        id: String,
        /// What is wrong with it.
        error: VideoIdError,
    },
}

const READ: &str = "
    SELECT video_id, (extract(epoch FROM \"timestamp\") * 1000000)::bigint, view_count, like_count, comment_count
    FROM video_stats_processed
    WHERE folded_in
    ORDER BY video_id, \"timestamp\"";

/// Hands every snapshot that is folded in to `take`, video by video in order of time, all as of one moment, also while a sink
/// goes on writing; until all are handed over or `stop` is set. Rows come as a stream. Returns how many there were.
///
/// In which order they came is not stored: what goes by it, as the origins of forecasts do, finds the earliest snapshot of an
/// hour where the input may have had a later one first.
///
/// # Errors
/// A database without tables of viewtide, or with older ones; what the server says.
pub async fn read_stored(
    client: &mut Client,
    stop: &AtomicBool,
    take: &mut dyn FnMut(VideoId, Snapshot),
) -> Result<u64, StoredSnapshotsError> {
    let db = || VerifyError::while_doing("reading video_stats_processed");
    let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
    let transaction = begun.await.map_err(db())?;
    StoredProgress::read(&transaction).await?;
    let rows = transaction.query_raw(READ, std::iter::empty::<&(dyn ToSql + Sync)>()).await.map_err(db())?;
    let mut rows = pin!(rows);
    let mut snapshots = 0;
    while let Some(row) = rows.try_next().await.map_err(db())? {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        take(video_id(&row)?, snapshot(&row));
        snapshots += 1;
    }
    Ok(snapshots)
}

pub(crate) fn video_id(row: &Row) -> Result<VideoId, StoredSnapshotsError> {
    let id: &str = row.get(0);
    id.parse().map_err(|error| StoredSnapshotsError::Video { id: id.to_owned(), error })
}

pub(crate) fn snapshot(row: &Row) -> Snapshot {
    let count = |column: usize| Nullable::from(row.get::<_, Option<i64>>(column));
    Snapshot { time: row.get(1), counts: [count(2), count(3), count(4)] }
}
