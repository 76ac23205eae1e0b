//! `hourly_aggregations`: each video's hours.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::series::HourUpdate;

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::{of, placeholders};
use crate::sink::compose::HourRows;
use crate::sink::copy::TableCopy;
use crate::sink::encode::{CopyBuffer, CountParam, HOUR_COLUMNS, IdParam, TimeParam};
use crate::sink::tables::expect_rows;

const TABLE: &str = "hourly_aggregations";

/// Its statements.
pub struct HourTable {
    copy: TableCopy,
    update: Statement,
}

impl HourTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let types = "text[], timestamptz[], float8[], float8[], float8[], bigint[], bigint[], bigint[], bigint[], \
                     bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], \
                     bigint[], bigint[], bigint[]";
        let update = format!(
            "UPDATE hourly_aggregations AS stored SET ({HOUR_COLUMNS}, updated_at) = ({}, now()) \
             FROM unnest({}) AS changed({HOUR_COLUMNS}) \
             WHERE stored.video_id = changed.video_id AND stored.hour_start = changed.hour_start",
            of("changed", HOUR_COLUMNS),
            placeholders(types)
        );
        let db = SinkError::while_doing("preparing the statements of hourly_aggregations");
        Ok(Self {
            copy: TableCopy::prepare(client, TABLE, HOUR_COLUMNS).await?,
            update: client.prepare(&update).await.map_err(&db)?,
        })
    }

    /// Writes `rows`.
    pub async fn write(&self, transaction: &Transaction<'_>, rows: &HourRows) -> Result<(), SinkError> {
        let hour = |buffer: &mut CopyBuffer, update: &HourUpdate| buffer.hour(&update.row);
        self.copy.write(transaction, &rows.new, hour).await?;
        let db = SinkError::while_doing("updating rows of hourly_aggregations");
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
            let found = transaction.execute(&self.update, &params).await.map_err(&db)?;
            expect_rows(TABLE, rows.len(), found)?;
        }
        Ok(())
    }
}
