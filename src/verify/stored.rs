//! What progress says of the tables.

use serde::de::DeserializeOwned;
use tokio_postgres::Transaction;

use crate::sink::outputs::Outputs;
use crate::sink::takeover::RetentionInForce;
use crate::source::{Beside, Positions, SourceIdentity};
use crate::verify::VerifyError;

/// The row of `viewtide_progress`.
#[derive(Clone, Debug)]
pub struct StoredProgress {
    /// The last committed tick.
    pub tick: u64,
    /// The prefix of the input that is stored.
    pub positions: Positions,
    /// Where the records come from.
    pub source: SourceIdentity,
    /// What is read beside them.
    pub beside: Beside,
    /// Which tables are computed.
    pub outputs: Outputs,
    /// Each retention that was in force, in order.
    pub retentions: Vec<RetentionInForce>,
    /// How far ahead of its arrival a record may be, microseconds.
    pub future_max_us: i64,
    /// The clock of the first start, microseconds since 1970.
    pub first_started_at_us: i64,
}

const READ: &str = "
    SELECT tick, positions::text, source::text, array_to_string(outputs, ','), retentions::text, future_max_us,
           (extract(epoch FROM first_started_at) * 1000000)::bigint, beside::text
    FROM viewtide_progress";

impl StoredProgress {
    /// Reads it.
    pub async fn read(transaction: &Transaction<'_>) -> Result<Self, VerifyError> {
        let exists = transaction
            .query_one("SELECT to_regclass('viewtide_progress') IS NOT NULL", &[])
            .await
            .map_err(VerifyError::while_doing("looking for the tables"))?;
        if !exists.get::<_, bool>(0) {
            return Err(VerifyError::Empty);
        }
        let row = transaction.query_opt(READ, &[]).await.map_err(VerifyError::while_doing("reading progress"))?;
        let row = row.ok_or(VerifyError::Empty)?;
        Ok(Self {
            tick: u64::try_from(row.get::<_, i64>(0)).unwrap_or(0),
            positions: parse("positions", row.get(1))?,
            source: parse("source", row.get(2))?,
            outputs: row
                .get::<_, &str>(3)
                .parse()
                .map_err(|error| VerifyError::Progress(format!("outputs: {error}")))?,
            retentions: parse("retentions", row.get(4))?,
            future_max_us: row.get(5),
            first_started_at_us: row.get(6),
            beside: parse("beside", row.get(7))?,
        })
    }

    /// The retention that a record at this place met, microseconds.
    pub fn retention_us(&self, partition: u32, offset: u64) -> i64 {
        let in_force = |retention: &&RetentionInForce| retention.since.get(&partition).copied().unwrap_or(0) <= offset;
        self.retentions.iter().rev().find(in_force).map_or(0, |retention| retention.retention_us)
    }
}

fn parse<T: DeserializeOwned>(column: &str, json: &str) -> Result<T, VerifyError> {
    serde_json::from_str(json).map_err(|error| VerifyError::Progress(format!("{column}: {error}")))
}
