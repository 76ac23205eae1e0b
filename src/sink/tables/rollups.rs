//! `channel_hourly`, `category_hourly` and `total_hourly`: kept additively, so that no commit costs more for the history.

use std::sync::Arc;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::snapshot::EventTime;

use crate::limits::{MERGE_ROWS_MAX, MERGE_VIDEOS_MAX};
use crate::sink::SinkError;
use crate::sink::encode::{IdParam, TimeParam};
use crate::sink::rollups::{Difference, Membership, Move, Rollups};

/// The statements of all three.
pub struct RollupTables {
    channels: KeyedTable,
    categories: KeyedTable,
    add_total: Statement,
}

const SUMS: &str = "views_gained, likes_gained, comments_gained, active_videos, total_records";

/// Adds what is inserted to what is stored.
const ADD: &str = "DO UPDATE SET views_gained = stored.views_gained + EXCLUDED.views_gained,
     likes_gained = stored.likes_gained + EXCLUDED.likes_gained,
     comments_gained = stored.comments_gained + EXCLUDED.comments_gained,
     active_videos = stored.active_videos + EXCLUDED.active_videos,
     total_records = stored.total_records + EXCLUDED.total_records, updated_at = now()";

impl RollupTables {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let add_total = format!(
            "INSERT INTO total_hourly AS stored (hour_start, {SUMS}) SELECT * FROM unnest($1::timestamptz[], \
             $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) ON CONFLICT (hour_start) {ADD}"
        );
        let db = SinkError::while_doing("preparing the statements of total_hourly");
        Ok(Self {
            channels: KeyedTable::prepare(client, "channel_hourly", "channel_id").await?,
            categories: KeyedTable::prepare(client, "category_hourly", "category_id").await?,
            add_total: client.prepare(&add_total).await.map_err(&db)?,
        })
    }

    /// Moves the hours that are stored; to be called before this commit's hours and videos are written.
    pub async fn move_hours(&self, transaction: &Transaction<'_>, rollups: &Rollups) -> Result<(), SinkError> {
        for moves in rollups.moves.chunks(MERGE_VIDEOS_MAX) {
            self.channels.move_hours(transaction, moves, |membership| membership.channel.as_ref()).await?;
            self.categories.move_hours(transaction, moves, |membership| membership.category.as_ref()).await?;
        }
        Ok(())
    }

    /// Adds the differences; to be called after [`Self::move_hours`].
    pub async fn add(&self, transaction: &Transaction<'_>, rollups: &Rollups) -> Result<(), SinkError> {
        self.channels.add(transaction, &rollups.channels).await?;
        self.categories.add(transaction, &rollups.categories).await?;
        for rows in rollups.total.chunks(MERGE_ROWS_MAX) {
            let hours: Vec<TimeParam> = rows.iter().map(|(hour, _)| TimeParam(*hour)).collect();
            let sums = SumColumns::of(rows.iter().map(|(_, difference)| difference));
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&hours];
            params.extend(sums.params());
            transaction
                .execute(&self.add_total, &params)
                .await
                .map_err(SinkError::while_doing("adding to total_hourly"))?;
        }
        Ok(())
    }
}

/// A roll-up by something that a video may have.
struct KeyedTable {
    add: Statement,
    move_hours: Statement,
    sweep: Statement,
}

impl KeyedTable {
    async fn prepare(client: &Client, table: &'static str, key: &'static str) -> Result<Self, SinkError> {
        let add = format!(
            "INSERT INTO {table} AS stored ({key}, hour_start, {SUMS}) SELECT * FROM unnest($1::text[], \
             $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
             ON CONFLICT ({key}, hour_start) {ADD}"
        );
        // One row at the old place is taken from, one at the new is given to.
        let move_hours = format!(
            "INSERT INTO {table} AS stored ({key}, hour_start, {SUMS})
             SELECT place.id, hour.hour_start, sum(place.sign * coalesce(hour.total_views_gained, 0)),
                    sum(place.sign * coalesce(hour.total_likes_gained, 0)),
                    sum(place.sign * coalesce(hour.total_comments_gained, 0)), sum(place.sign),
                    sum(place.sign * hour.total_records)
             FROM unnest($1::text[], $2::text[], $3::text[]) AS moved(video_id, old_id, new_id)
             CROSS JOIN LATERAL (VALUES (moved.old_id, -1), (moved.new_id, 1)) AS place(id, sign)
             JOIN hourly_aggregations AS hour USING (video_id)
             WHERE place.id IS NOT NULL
             GROUP BY place.id, hour.hour_start
             ON CONFLICT ({key}, hour_start) {ADD}"
        );
        let sweep = format!("DELETE FROM {table} WHERE {key} = ANY($1::text[]) AND total_records = 0");
        let db = SinkError::while_doing("preparing the statements of roll-ups");
        Ok(Self {
            add: client.prepare(&add).await.map_err(&db)?,
            move_hours: client.prepare(&move_hours).await.map_err(&db)?,
            sweep: client.prepare(&sweep).await.map_err(&db)?,
        })
    }

    async fn move_hours(
        &self,
        transaction: &Transaction<'_>,
        moves: &[Move],
        id: impl Fn(&Membership) -> Option<&Arc<str>>,
    ) -> Result<(), SinkError> {
        let moves: Vec<_> = moves.iter().filter(|moved| id(&moved.from) != id(&moved.to)).collect();
        if moves.is_empty() {
            return Ok(());
        }
        let videos: Vec<IdParam> = moves.iter().map(|moved| IdParam(moved.video)).collect();
        let ids = |side: fn(&Move) -> &Membership| -> Vec<Option<&str>> {
            moves.iter().map(|moved| id(side(moved)).map(|id| &**id)).collect()
        };
        let (from, to) = (ids(|moved| &moved.from), ids(|moved| &moved.to));
        let db = SinkError::while_doing("moving hours between roll-ups");
        transaction.execute(&self.move_hours, &[&videos, &from, &to]).await.map_err(&db)?;
        let mut left: Vec<&str> = from.into_iter().flatten().collect();
        left.sort_unstable();
        left.dedup();
        transaction.execute(&self.sweep, &[&left]).await.map_err(&db)?;
        Ok(())
    }

    async fn add(
        &self,
        transaction: &Transaction<'_>,
        rows: &[(Arc<str>, EventTime, Difference)],
    ) -> Result<(), SinkError> {
        for rows in rows.chunks(MERGE_ROWS_MAX) {
            let ids: Vec<&str> = rows.iter().map(|(id, ..)| &**id).collect();
            let hours: Vec<TimeParam> = rows.iter().map(|(_, hour, _)| TimeParam(*hour)).collect();
            let sums = SumColumns::of(rows.iter().map(|(.., difference)| difference));
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&ids, &hours];
            params.extend(sums.params());
            transaction.execute(&self.add, &params).await.map_err(SinkError::while_doing("adding to roll-ups"))?;
        }
        Ok(())
    }
}

/// The columns of [`SUMS`].
struct SumColumns([Vec<i64>; 5]);

impl SumColumns {
    fn of<'a>(differences: impl Iterator<Item = &'a Difference>) -> Self {
        let mut columns: [Vec<i64>; 5] = Default::default();
        for Difference { gained: [views, likes, comments], active_videos, records } in differences {
            for (column, sum) in columns.iter_mut().zip([views, likes, comments, active_videos, records]) {
                column.push(*sum);
            }
        }
        Self(columns)
    }

    fn params(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        self.0.iter().map(|column| column as &(dyn ToSql + Sync))
    }
}
