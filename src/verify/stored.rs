//! What progress says of the tables.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use tokio_postgres::Transaction;

use crate::postgres::migrate;
use crate::sink::outputs::Outputs;
use crate::sink::takeover::RetentionInForce;
use crate::source::{Beside, Input, Positions, SourceIdentity};
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
        let is_current =
            migrate::is_current(transaction).await.map_err(VerifyError::while_doing("looking at the schema"))?;
        if !is_current {
            return Err(VerifyError::Older);
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

    /// Refuses an input that is another than the one that was read.
    pub fn check_same(&self, input: Input, given: Option<&SourceIdentity>) -> Result<(), VerifyError> {
        let stored = match input {
            Input::Snapshots => Some(&self.source),
            _ => self.beside.get(&input),
        };
        match (stored, given) {
            (Some(stored), Some(given)) if stored != given => {
                Err(VerifyError::OtherInput { stored: stored.to_string(), given: given.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Topics and files of these inputs beside the snapshots, as dead letters name them.
    pub fn names_of(&self, inputs: &BTreeSet<Input>) -> Vec<String> {
        let of_inputs = inputs.iter().filter_map(|input| self.beside.get(input));
        of_inputs.flat_map(SourceIdentity::names).map(str::to_owned).collect()
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
