//! The sink: whole ticks into Postgres, exactly once.

use serde::{Deserialize, Serialize};
use viewtide_dataflows::Tick;
use viewtide_dataflows::series::{HourUpdate, SnapshotUpdate, Tally};

use crate::source::{DeadLetter, Positions};

/// What one worker's source adds to a tick beside its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Where each partition stands at the end of the tick.
    pub positions: Positions,
    /// What was no snapshot.
    pub dead_letters: Vec<DeadLetter>,
}

/// All that one tick, or several successive ones, changes.
#[derive(Clone, Debug, Default)]
pub struct TickBatch {
    /// The last tick in it.
    pub tick: Tick,
    /// Rows of snapshots; of one key in order of ticks.
    pub snapshots: Vec<SnapshotUpdate>,
    /// Rows of hours; of one key in order of ticks.
    pub hours: Vec<HourUpdate>,
    /// From every worker that read something.
    pub facts: Vec<SourceFacts>,
    /// From every worker that received something.
    pub tallies: Vec<Tally>,
}
