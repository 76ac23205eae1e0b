//! `trending`: the videos that gain most.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::trending::{SCOPE_ALL, Scope, TrendingUpdate};

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::placeholders;
use crate::sink::encode::IdParam;

/// Its statements. It is small, and a rank that is new or gone depends on those beside it: rows are written whichever
/// there are.
pub struct TrendingTable {
    upsert: Statement,
    delete: Statement,
}

/// A scope as the table names it.
fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::All => SCOPE_ALL,
        Scope::Category(id) => id,
    }
}

impl TrendingTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let upsert = format!(
            "INSERT INTO trending (scope, window_hours, rank, video_id, views_gained, views_per_hour) \
             SELECT * FROM unnest({}) ON CONFLICT (scope, window_hours, rank) DO UPDATE \
             SET (video_id, views_gained, views_per_hour, updated_at) = \
             (EXCLUDED.video_id, EXCLUDED.views_gained, EXCLUDED.views_per_hour, now())",
            placeholders("text[], int[], int[], text[], bigint[], float8[]")
        );
        let delete = "DELETE FROM trending AS stored USING unnest($1::text[], $2::int[], $3::int[]) AS gone(s, w, r)
             WHERE stored.scope = gone.s AND stored.window_hours = gone.w AND stored.rank = gone.r";
        let db = SinkError::while_doing("preparing the statements of trending");
        Ok(Self {
            upsert: client.prepare(&upsert).await.map_err(&db)?,
            delete: client.prepare(delete).await.map_err(&db)?,
        })
    }

    /// Writes `rows`, each key once.
    pub async fn write(&self, transaction: &Transaction<'_>, rows: &[TrendingUpdate]) -> Result<(), SinkError> {
        let db = SinkError::while_doing("changing rows of trending");
        let (there, gone): (Vec<&TrendingUpdate>, Vec<_>) = rows.iter().partition(|update| update.row.is_some());
        for rows in gone.chunks(MERGE_ROWS_MAX) {
            transaction.execute(&self.delete, &Keys::of(rows).params()).await.map_err(&db)?;
        }
        for rows in there.chunks(MERGE_ROWS_MAX) {
            let key = Keys::of(rows);
            let ranked = || rows.iter().filter_map(|update| update.row.as_ref());
            let ids: Vec<IdParam> = ranked().map(|row| IdParam(row.video)).collect();
            let gained: Vec<i64> = ranked().map(|row| row.views_gained).collect();
            let per_hour: Vec<Option<f64>> = ranked().map(|row| row.views_per_hour).collect();
            let mut params = key.params();
            params.extend([&ids as &(dyn ToSql + Sync), &gained, &per_hour]);
            transaction.execute(&self.upsert, &params).await.map_err(&db)?;
        }
        Ok(())
    }
}

struct Keys<'a> {
    scopes: Vec<&'a str>,
    windows: Vec<i32>,
    ranks: Vec<i32>,
}

impl<'a> Keys<'a> {
    fn of(rows: &[&'a TrendingUpdate]) -> Self {
        Self {
            scopes: rows.iter().map(|update| scope_name(&update.scope)).collect(),
            windows: rows.iter().map(|update| update.window_hours as i32).collect(),
            ranks: rows.iter().map(|update| update.rank as i32).collect(),
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.scopes, &self.windows, &self.ranks]
    }
}
