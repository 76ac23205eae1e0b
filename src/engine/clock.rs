//! The clock, injected so that tests can turn it, and the ticker that makes ticks of it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use viewtide_dataflows::Tick;

/// Wall-clock time.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_us(&self) -> i64;
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
    }
}

/// Makes ticks: one every `tick_ms` of elapsed time, each the larger of the previous one plus one and wall-clock
/// milliseconds rounded down to `tick_ms`. Elapsed time is monotonic, so ticks go on when the wall clock is set back.
pub struct Ticker {
    clock: Arc<dyn Clock>,
    tick_ms: u64,
    last: Tick,
    due: Instant,
}

impl Ticker {
    /// A ticker whose first tick lies above `stored`, the last one that was committed, and is due at once.
    pub fn new(clock: Arc<dyn Clock>, tick_ms: u64, stored: Tick, now: Instant) -> Self {
        Self { clock, tick_ms: tick_ms.max(1), last: stored, due: now }
    }

    /// The next tick, once it is due.
    pub fn poll(&mut self, now: Instant) -> Option<Tick> {
        if now < self.due {
            return None;
        }
        let wall_ms = u64::try_from(self.clock.now_us() / 1_000).unwrap_or(0);
        self.last = (self.last + 1).max(wall_ms - wall_ms % self.tick_ms);
        self.due = now + Duration::from_millis(self.tick_ms);
        Some(self.last)
    }

    /// How long until the next tick is due.
    pub fn until_due(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct TurnedClock(AtomicI64);

    impl Clock for TurnedClock {
        fn now_us(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn ticks_move_on_when_the_clock_is_set_back_or_jumps_ahead() {
        let hour_us = 3_600_000_000;
        let clock = Arc::new(TurnedClock(AtomicI64::new(1_000_000_123_456)));
        let start = Instant::now();
        let mut ticker = Ticker::new(clock.clone(), 100, 7, start);
        assert_eq!(ticker.poll(start), Some(1_000_000_100));
        assert_eq!(ticker.poll(start + Duration::from_millis(99)), None);

        clock.0.fetch_sub(hour_us, Ordering::Relaxed);
        assert_eq!(ticker.poll(start + Duration::from_millis(100)), Some(1_000_000_101));
        assert_eq!(ticker.poll(start + Duration::from_millis(200)), Some(1_000_000_102));

        clock.0.fetch_add(24 * hour_us, Ordering::Relaxed);
        assert_eq!(ticker.poll(start + Duration::from_millis(300)), Some(1_000_000_100 + 23 * 3_600_000));
    }

    #[test]
    fn the_first_tick_lies_above_the_stored_one() {
        let clock = Arc::new(TurnedClock(AtomicI64::new(0)));
        let now = Instant::now();
        assert_eq!(Ticker::new(clock, 10, 41, now).poll(now), Some(42));
    }
}
