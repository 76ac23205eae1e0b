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

/// The count at `time` on the line between two snapshots of it, which do not lie at the same time.
///
/// The differences are exact integers made doubles; then every operation is rounded once, in this order.
pub(super) fn between((from_us, from): (i64, i64), (to_us, to): (i64, i64), time: i64) -> f64 {
    from as f64 + (to - from) as f64 * ((time - from_us) as f64 / (to_us - from_us) as f64)
}
