//! Which count of a snapshot says something.
//!
//! A count that the API did not give says nothing. Nor does a like or comment count of 0 of a video that had more than a few:
//! collectors write 0 for what was hidden, and the API now and then answers 0 by mistake.

use viewtide_dataflows::snapshot::Snapshot;

use super::Metric;

/// A counter above this does not fall to 0 in earnest.
const ZERO_IN_EARNEST_MAX: i64 = 10;

/// Whether a 0 of `metric` is missing where `known` was counted at another time.
pub(super) fn hides_zero(metric: Metric, known: i64) -> bool {
    metric != Metric::Views && known > ZERO_IN_EARNEST_MAX
}

/// The count of `metric`, unless it is missing; `zero_is_missing` is what [`hides_zero`] says.
pub(super) fn count(snapshot: &Snapshot, metric: Metric, zero_is_missing: bool) -> Option<i64> {
    snapshot.counts[metric as usize].get().filter(|count| !(zero_is_missing && *count == 0))
}
