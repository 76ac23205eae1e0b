//! Growth: a snapshot against its predecessor by event time.

use serde::{Deserialize, Serialize};

use crate::snapshot::{Nullable, Snapshot};

/// The difference of a snapshot to the previous one of its video; all NULL where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Growth {
    /// Views, likes, comments gained (may be negative); NULL where either count is missing.
    pub deltas: [Nullable; 3],
    /// Microseconds since the previous snapshot.
    pub elapsed_us: Nullable,
}

impl Growth {
    /// The growth of `snapshot` against `previous`.
    pub fn between(previous: Option<&Snapshot>, snapshot: &Snapshot) -> Self {
        let Some(previous) = previous else { return Self::default() };
        let delta = |metric: usize| match (previous.counts[metric].get(), snapshot.counts[metric].get()) {
            (Some(before), Some(now)) => Nullable::some(now - before),
            _ => Nullable::NULL,
        };
        Self { deltas: [delta(0), delta(1), delta(2)], elapsed_us: Nullable::some(snapshot.time - previous.time) }
    }

    /// Growth of one metric in percent of the previous count, `100 x delta / previous`; NULL where there is no
    /// predecessor, a count is missing, or the previous count is 0. `count` is the snapshot's own.
    pub fn rate(delta: Nullable, count: Nullable) -> Option<f64> {
        let (delta, count) = (delta.get()?, count.get()?);
        let previous = count - delta;
        (previous != 0).then(|| 100.0 * delta as f64 / previous as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(time: i64, views: Option<i64>) -> Snapshot {
        Snapshot { time, counts: [views.into(), Nullable::some(7), Nullable::NULL] }
    }

    #[test]
    fn is_null_without_a_predecessor_or_a_count() {
        assert_eq!(Growth::between(None, &snapshot(5, Some(1))), Growth::default());
        let growth = Growth::between(Some(&snapshot(5, None)), &snapshot(8, Some(1)));
        assert_eq!(growth.deltas, [Nullable::NULL, Nullable::some(0), Nullable::NULL]);
        assert_eq!(growth.elapsed_us, Nullable::some(3));
    }

    #[test]
    fn rate_is_percent_of_the_previous_count() {
        assert_eq!(Growth::rate(Nullable::some(50), Nullable::some(250)), Some(25.0));
        assert_eq!(Growth::rate(Nullable::some(-50), Nullable::some(150)), Some(-25.0));
        assert_eq!(Growth::rate(Nullable::some(5), Nullable::some(5)), None);
        assert_eq!(Growth::rate(Nullable::NULL, Nullable::some(5)), None);
    }
}
