//! What progress says of the tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use tokio_postgres::{Row, Transaction};

use crate::postgres::migrate;
use crate::sink::outputs::Outputs;
use crate::sink::takeover::RetentionInForce;
use crate::source::{Beside, Input, LostReason, Partition, Positions, SourceIdentity};
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
    /// What was gone before it was read, in order.
    pub gaps: Vec<StoredGap>,
}

/// A row of `lost_offsets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGap {
    /// The partition.
    pub partition: Partition,
    /// The first offset that was not read.
    pub first_lost: u64,
    /// Where reading went on, if the partition is still there.
    pub next_read: Option<u64>,
    /// Whether the partition began anew there: what was read before is of other records.
    pub begins_anew: bool,
    /// Whether the whole topic was created again.
    pub created_again: bool,
}

const READ_GAPS: &str = "SELECT topic, \"partition\", first_lost, next_read, reason FROM lost_offsets ORDER BY id";

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
        let gaps = transaction.query(READ_GAPS, &[]).await.map_err(VerifyError::while_doing("reading lost_offsets"))?;
        let mut stored = Self {
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
            gaps: Vec::new(),
        };
        stored.gaps = gaps.iter().filter_map(|row| stored.gap(row)).collect();
        Ok(stored)
    }

    /// A row of `lost_offsets`, where it is about an input that is still read.
    fn gap(&self, row: &Row) -> Option<StoredGap> {
        let number = |column: usize| row.get::<_, Option<i64>>(column).and_then(|number| u64::try_from(number).ok());
        let (first_lost, next_read) = (number(2)?, number(3));
        let created_again = row.get::<_, &str>(4) == LostReason::CreatedAgain.name();
        Some(StoredGap {
            partition: self.partition_of(row.get(0), row.get(1))?,
            first_lost,
            next_read,
            begins_anew: created_again || next_read.is_none_or(|next| next <= first_lost),
            created_again,
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

    /// The partition that the tables call by its topic and number.
    pub fn partition_of(&self, topic: &str, number: i32) -> Option<Partition> {
        let inputs =
            std::iter::once((Input::Snapshots, &self.source)).chain(self.beside.iter().map(|(i, id)| (*i, id)));
        let is_it =
            |identity: &SourceIdentity| matches!(identity, SourceIdentity::Kafka { topic: it, .. } if it == topic);
        let (input, _) = inputs.into_iter().find(|(_, identity)| is_it(identity))?;
        Some(Partition { input, number: u32::try_from(number).ok()? })
    }

    /// Partitions that began anew, and at which offset: what was read of them before is of other records. Where a topic was
    /// created again, that is each of its partitions: with another number of them a video's records go to another one, which
    /// may be one that the old topic did not have, and begins where it was first read.
    pub fn begun_anew(&self) -> BTreeMap<Partition, u64> {
        let created_again: BTreeSet<Input> =
            self.gaps.iter().filter(|gap| gap.created_again).map(|gap| gap.partition.input).collect();
        let of_created_again = self.positions.iter().filter(|(partition, _)| created_again.contains(&partition.input));
        let mut anew: BTreeMap<_, _> = of_created_again.map(|(partition, span)| (*partition, span.first)).collect();
        for gap in self.gaps.iter().filter(|gap| gap.begins_anew) {
            match (gap.next_read, self.positions.get(&gap.partition)) {
                (Some(next), _) => drop(anew.insert(gap.partition, next)),
                // It went; one of its number that is there was added later.
                (None, Some(span)) => drop(anew.insert(gap.partition, span.first)),
                (None, None) => drop(anew.remove(&gap.partition)),
            }
        }
        anew
    }

    /// Whether what is at this place was gone before it was read.
    pub fn is_lost(&self, partition: Partition, offset: u64) -> bool {
        let of_partition = self.gaps.iter().rev().filter(|gap| gap.partition == partition);
        of_partition
            .take_while(|gap| !gap.begins_anew)
            .any(|gap| gap.first_lost <= offset && gap.next_read.is_none_or(|next| offset < next))
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
