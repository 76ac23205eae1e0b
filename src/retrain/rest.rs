//! Training that steps back where the core is wanted by others.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::limits::{RETRAIN_BUSY_SHARE, RETRAIN_CORE_SHARE};

/// Rests between the steps of a training.
///
/// A low priority alone is not enough: on busy cores whoever wakes up for a moment, as each statement of a commit has it, still
/// waits for the end of a slice of time. And on a machine with nothing else to do a rest would be time lost.
pub(super) struct Rest {
    begin: Instant,
    used: Duration,
}

impl Rest {
    /// Before the first step.
    pub(super) fn new() -> Self {
        Self { begin: Instant::now(), used: used() }
    }

    /// After a step: rests where this thread had to wait for a core in it.
    pub(super) fn rest(&mut self) {
        let elapsed = self.begin.elapsed();
        let waited = elapsed.saturating_sub(used().saturating_sub(self.used));
        std::thread::sleep(due(elapsed, waited));
        *self = Self::new();
    }
}

/// How long the rest after a step is, which took `elapsed` and was kept from a core for `waited` of it.
fn due(elapsed: Duration, waited: Duration) -> Duration {
    let is_wanted = waited > elapsed.mul_f64(RETRAIN_BUSY_SHARE);
    if is_wanted { elapsed.mul_f64(1.0 / RETRAIN_CORE_SHARE - 1.0) } else { Duration::ZERO }
}

/// The time that this thread was on a core.
fn used() -> Duration {
    // A clock of the kernel, which does not go back.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn rests_only_where_others_want_the_core() {
        assert_eq!(due(100 * MS, MS), Duration::ZERO);
        assert_eq!(due(100 * MS, 10 * MS), 300 * MS);
        // The clocks are what they are taken for: one sleeps, one works.
        let begin = used();
        std::thread::sleep(50 * MS);
        assert!(used() - begin < 25 * MS);
        let (begin, clock) = (used(), Instant::now());
        while used() - begin < 20 * MS {
            assert!(clock.elapsed() < Duration::from_secs(60), "the time on a core does not go on");
        }
    }
}
