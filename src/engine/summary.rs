//! What a run did, as the one line of JSON that it ends with.

use std::collections::BTreeMap;

use serde::Serialize;

/// Figures of one run, from its start to its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunSummary {
    /// Records that `series` received and that were committed.
    pub records: u64,
    /// The same for each worker.
    pub records_per_worker: Vec<u64>,
    /// Dead letters written.
    pub dead_letters: u64,
    /// Records that came too late to be folded in.
    pub late_rows: u64,
    /// Records of a video that was last seen in another partition.
    pub crossed_records: u64,
    /// Gaps in the input, written to `lost_offsets`.
    pub gaps: u64,
    /// Transactions.
    pub commits: u64,
    /// The last committed tick.
    pub tick: u64,
    /// Rows written, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// From the first poll to the last commit.
    pub seconds: f64,
    /// Records by seconds.
    pub records_per_second: f64,
}
