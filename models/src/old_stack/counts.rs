//! What the old stack reads of snapshots: those that have all counts, and growth rates.

use viewtide_dataflows::snapshot::{EventTime, Snapshot};

/// Times and counts, by [`crate::task::Metric`], of the snapshots that have all of them.
pub(super) fn whole(snapshots: &[Snapshot]) -> Vec<(EventTime, [f64; 3])> {
    snapshots
        .iter()
        .filter_map(|snapshot| {
            let [views, likes, comments] = snapshot.counts.map(|count| count.get().map(|count| count as f64));
            Some((snapshot.time, [views?, likes?, comments?]))
        })
        .collect()
}

/// Growth in percent of the counts before; 0 where that is 0.
pub(super) fn growth_percent(before: &[f64; 3], now: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|counter| match before[counter] {
        0.0 => 0.0,
        before => 100.0 * (now[counter] - before) / before,
    })
}
