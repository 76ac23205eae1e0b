//! `video_stats_processed`: snapshots and their growth.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::series::SnapshotUpdate;
use viewtide_dataflows::snapshot::Nullable;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::{of, placeholders};
use crate::sink::compose::SnapshotRows;
use crate::sink::copy::TableCopy;
use crate::sink::encode::{
    CopyBuffer, CountParam, IdParam, SNAPSHOT_COLUMNS, TimeParam, elapsed_seconds, folded_in, rates,
};
use crate::sink::tables::expect_rows;

const TABLE: &str = "video_stats_processed";

/// Its statements.
pub struct SnapshotTable {
    copy: TableCopy,
    merge: Statement,
    regrow: Statement,
}

impl SnapshotTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let db = SinkError::while_doing("preparing the statements of video_stats_processed");
        let types = "text[], timestamptz[], bigint[], bigint[], bigint[], float8[], float8[], float8[], bigint[], \
                     bigint[], bigint[], float8[], bool[], text[]";
        let merge = format!(
            "INSERT INTO video_stats_processed AS stored ({SNAPSHOT_COLUMNS}) SELECT * FROM unnest({}) \
             ON CONFLICT (video_id, \"timestamp\") DO UPDATE SET ({SNAPSHOT_COLUMNS}, processed_at) = ({}, now()) \
             WHERE EXCLUDED.folded_in OR NOT stored.folded_in",
            placeholders(types),
            of("EXCLUDED", SNAPSHOT_COLUMNS)
        );
        let regrow = "UPDATE video_stats_processed AS stored
             SET views_growth_rate = r.a, likes_growth_rate = r.b, comments_growth_rate = r.c, views_delta = r.d,
                 likes_delta = r.e, comments_delta = r.f, elapsed_seconds = r.g, processed_at = now()
             FROM unnest($1::text[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[],
                         $7::bigint[], $8::bigint[], $9::float8[]) AS r(video_id, at, a, b, c, d, e, f, g)
             WHERE stored.video_id = r.video_id AND stored.\"timestamp\" = r.at AND stored.folded_in";
        Ok(Self {
            copy: TableCopy::prepare(client, TABLE, SNAPSHOT_COLUMNS).await?,
            merge: client.prepare(&merge).await.map_err(&db)?,
            regrow: client.prepare(regrow).await.map_err(&db)?,
        })
    }

    /// Writes `rows`.
    pub async fn write(&self, transaction: &Transaction<'_>, rows: &SnapshotRows) -> Result<(), SinkError> {
        self.copy.write(transaction, &rows.appended, CopyBuffer::snapshot).await?;
        let db = SinkError::while_doing("merging rows into video_stats_processed");
        for rows in rows.merged.chunks(MERGE_ROWS_MAX) {
            let key = Keys::of(rows);
            let counts = [0, 1, 2].map(|metric| counts(rows, |row| row.snapshot.counts[metric]));
            let growth = GrowthColumns::of(rows);
            let folded_in: Vec<bool> = rows.iter().map(folded_in).collect();
            let sources: Vec<Option<&str>> = rows.iter().map(|row| row.file_source.as_deref()).collect();
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key.ids, &key.times, &counts[0], &counts[1], &counts[2]];
            params.extend(growth.params());
            params.extend([&folded_in as &(dyn ToSql + Sync), &sources]);
            transaction.execute(&self.merge, &params).await.map_err(&db)?;
        }
        for rows in rows.regrown.chunks(MERGE_ROWS_MAX) {
            let key = Keys::of(rows);
            let growth = GrowthColumns::of(rows);
            let mut params: Vec<&(dyn ToSql + Sync)> = vec![&key.ids, &key.times];
            params.extend(growth.params());
            let found = transaction.execute(&self.regrow, &params).await.map_err(&db)?;
            expect_rows(TABLE, rows.len(), found)?;
        }
        Ok(())
    }
}

struct Keys {
    ids: Vec<IdParam>,
    times: Vec<TimeParam>,
}

impl Keys {
    fn of(rows: &[SnapshotUpdate]) -> Self {
        Self {
            ids: rows.iter().map(|row| IdParam(row.video)).collect(),
            times: rows.iter().map(|row| TimeParam(row.snapshot.time)).collect(),
        }
    }
}

fn counts(rows: &[SnapshotUpdate], count: impl Fn(&SnapshotUpdate) -> Nullable) -> Vec<CountParam> {
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
