//! `trends`: where each video is heading.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::trends::{Label, TrendRow};

use crate::limits::MERGE_ROWS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::{of, placeholders};
use crate::sink::compose::TrendRows;
use crate::sink::copy::TableCopy;
use crate::sink::encode::{CopyBuffer, IdParam, TREND_COLUMNS, TimeParam};
use crate::sink::tables::expect_rows;

const TABLE: &str = "trends";

/// Its statements.
pub struct TrendTable {
    copy: TableCopy,
    update: Statement,
    delete: Statement,
}

/// The label that the table names so.
pub fn label_named(name: &str) -> Option<Label> {
    let all = [Label::Spiking, Label::Rising, Label::Falling, Label::Steady];
    all.into_iter().find(|label| label.as_str() == name)
}

impl TrendTable {
    /// Prepares them.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let window = "bigint[], float8[], float8[]";
        let types = format!("text[], timestamptz[], text[], {window}, {window}, {window}, {window}");
        let update = format!(
            "UPDATE trends AS stored SET ({TREND_COLUMNS}, updated_at) = ({}, now()) \
             FROM unnest({}) AS changed({TREND_COLUMNS}) WHERE stored.video_id = changed.video_id",
            of("changed", TREND_COLUMNS),
            placeholders(&types)
        );
        let delete = "DELETE FROM trends WHERE video_id = ANY($1::text[])";
        let db = SinkError::while_doing("preparing the statements of trends");
        Ok(Self {
            copy: TableCopy::prepare(client, TABLE, TREND_COLUMNS).await?,
            update: client.prepare(&update).await.map_err(&db)?,
            delete: client.prepare(delete).await.map_err(&db)?,
        })
    }

    /// Writes `rows`.
    pub async fn write(&self, transaction: &Transaction<'_>, rows: &TrendRows) -> Result<(), SinkError> {
        let db = SinkError::while_doing("changing rows of trends");
        for videos in rows.gone.chunks(MERGE_ROWS_MAX) {
            let ids: Vec<IdParam> = videos.iter().copied().map(IdParam).collect();
            let found = transaction.execute(&self.delete, &[&ids]).await.map_err(&db)?;
            expect_rows(TABLE, videos.len(), found)?;
        }
        for rows in rows.changed.chunks(MERGE_ROWS_MAX) {
            let found = transaction.execute(&self.update, &Columns::of(rows).params()).await.map_err(&db)?;
            expect_rows(TABLE, rows.len(), found)?;
        }
        self.copy.write(transaction, &rows.new, CopyBuffer::trend).await
    }
}

/// The columns of some rows, in the order of [`TREND_COLUMNS`].
struct Columns {
    ids: Vec<IdParam>,
    as_of: Vec<TimeParam>,
    labels: Vec<Option<&'static str>>,
    windows: [WindowColumns; 4],
}

struct WindowColumns {
    gained: Vec<i64>,
    per_hour: Vec<Option<f64>>,
    acceleration: Vec<Option<f64>>,
}

impl Columns {
    fn of(rows: &[TrendRow]) -> Self {
        Self {
            ids: rows.iter().map(|row| IdParam(row.video)).collect(),
            as_of: rows.iter().map(|row| TimeParam(row.as_of)).collect(),
            labels: rows.iter().map(|row| row.label.map(Label::as_str)).collect(),
            windows: std::array::from_fn(|window| WindowColumns {
                gained: rows.iter().map(|row| row.windows[window].gained).collect(),
                per_hour: rows.iter().map(|row| row.windows[window].per_hour).collect(),
                acceleration: rows.iter().map(|row| row.windows[window].acceleration).collect(),
            }),
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&self.ids, &self.as_of, &self.labels];
        for WindowColumns { gained, per_hour, acceleration } in &self.windows {
            params.extend([gained as &(dyn ToSql + Sync), per_hour, acceleration]);
        }
        params
    }
}
