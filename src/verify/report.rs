//! What was compared, and what differs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::limits::DIFFERENCES_SHOWN_MAX;

/// One cell or row that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row's key, in words.
    pub key: String,
    /// The place in the input that it comes from, where that is known.
    pub place: Option<String>,
    /// What differs.
    #[serde(flatten)]
    pub kind: DifferenceKind,
}

/// How something differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DifferenceKind {
    /// A row that should be there is not.
    Missing,
    /// A row that is there should not be.
    Extra,
    /// A cell holds something else.
    Cell {
        /// The column.
        column: String,
        /// What is there; NULL where absent.
        stored: Option<String>,
        /// What should be.
        expected: Option<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{} {}: ", self.table, self.key)?;
        let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
        match &self.kind {
            DifferenceKind::Missing => f.write_str("the row is missing"),
            DifferenceKind::Extra => f.write_str("the row should not be there"),
            DifferenceKind::Cell { column, stored, expected } => {
                write!(f, "{column} is {}, should be {}", cell(stored), cell(expected))
            }
        }
    }
}

/// What `verify` found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerifyReport {
    /// The tick that the tables are at.
    pub tick: u64,
    /// Rows compared, by table; raw rows only where the input was given.
    pub rows: BTreeMap<&'static str, u64>,
    /// Records of the input, where it was given.
    pub records: Option<u64>,
    /// Dead letters of the input, where it was given.
    pub dead_letters: Option<u64>,
    /// Records that came late, where the input was given.
    pub late_records: Option<u64>,
    /// Partitions whose beginning is gone from the input, and the first offset that is compared.
    pub read_from: BTreeMap<String, u64>,
    /// Raw rows that only records which are gone explain, and which cannot be compared.
    pub rows_of_gone_records: u64,
    /// Dead letters at places that are gone.
    pub dead_letters_of_gone_records: u64,
    /// Videos whose records cross partitions: the order of those is taken as it was stored.
    pub crossing_videos: u64,
    /// Inputs beside the snapshots that were read and are not given: what comes from them was not compared.
    pub not_compared: Vec<String>,
    /// Inputs beside the snapshots that are given and that no run has read.
    pub never_read: Vec<String>,
    /// Differences, by table.
    pub differences: BTreeMap<&'static str, u64>,
    /// The first of them.
    #[serde(skip)]
    pub first: Vec<Difference>,
    /// How long it took.
    pub seconds: f64,
}

impl VerifyReport {
    /// Takes note of a difference.
    pub fn differs(&mut self, difference: Difference) {
        *self.differences.entry(difference.table).or_default() += 1;
        if self.first.len() < DIFFERENCES_SHOWN_MAX {
            self.first.push(difference);
        }
    }

    /// Takes note of `count` more differences of `table` that are not shown.
    pub fn differs_more(&mut self, table: &'static str, count: u64) {
        if count > 0 {
            *self.differences.entry(table).or_default() += count;
        }
    }

    /// What could not be compared since the input does not hold it any more, if anything, in words.
    pub fn rest_of_input(&self) -> Option<String> {
        let places: Vec<String> = self
            .read_from
            .iter()
            .take(DIFFERENCES_SHOWN_MAX)
            .map(|(partition, offset)| format!("partition {partition} from offset {offset}"))
            .collect();
        let more = if self.read_from.len() > places.len() { ", .." } else { "" };
        (!places.is_empty()).then(|| {
            format!(
                "the topic no longer holds all that was read from it. Compared was what it holds ({}{more}): each of those \
                 records must have its row. {} row(s) and {} dead letter(s) are left by records that are gone, and were not \
                 compared",
                places.join(", "),
                self.rows_of_gone_records,
                self.dead_letters_of_gone_records
            )
        })
    }

    /// Whether all is as it should be.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}
