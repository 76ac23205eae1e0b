//! How fast rows are sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use viewtide_dataflows::snapshot::EventTime;

use crate::limits::REPLAY_SLEEP_MAX;

/// How fast rows are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the brokers take them.
    FlatOut,
    /// So many a second, above 0.
    PerSecond(f64),
    /// So many times as fast as the snapshots were made, above 0. A row earlier than the one before it is sent at once.
    EventTime(f64),
}

/// Says when the next row is due.
#[derive(Debug)]
pub(super) struct Metronome {
    pace: Pace,
    start: Instant,
    rows: u64,
    previous: Option<EventTime>,
    /// Seconds after the start at which the next row is due.
    due_seconds: f64,
}

impl Metronome {
    pub(super) fn start(pace: Pace) -> Self {
        Self { pace, start: Instant::now(), rows: 0, previous: None, due_seconds: 0.0 }
    }

    /// How long after the start a row with this event time is due.
    fn due(&mut self, event_time: Option<EventTime>) -> Duration {
        match self.pace {
            Pace::FlatOut => {}
            Pace::PerSecond(rate) => self.due_seconds = self.rows as f64 / rate,
            Pace::EventTime(speed) => {
                if let (Some(now), Some(previous)) = (event_time, self.previous) {
                    self.due_seconds += now.saturating_sub(previous).max(0) as f64 / 1e6 / speed;
                }
                self.previous = event_time.or(self.previous);
            }
        }
        self.rows += 1;
        // Longer than a Duration holds is for ever.
        Duration::try_from_secs_f64(self.due_seconds).unwrap_or(Duration::MAX)
    }

    /// Waits until a row with this event time is due; false once `stop` is set.
    pub(super) fn wait(&mut self, event_time: Option<EventTime>, stop: &AtomicBool) -> bool {
        let due = self.due(event_time);
        loop {
            if stop.load(Ordering::Relaxed) {
                return false;
            }
            match due.checked_sub(self.start.elapsed()) {
                Some(left) if !left.is_zero() => std::thread::sleep(left.min(REPLAY_SLEEP_MAX)),
                _ => return true,
            }
        }
    }

    /// When rows with these event times are due.
    #[cfg(test)]
    pub(super) fn dues(pace: Pace, event_times: &[Option<EventTime>]) -> Vec<Duration> {
        let mut metronome = Self::start(pace);
        event_times.iter().map(|time| metronome.due(*time)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(pace: Pace, seconds: &[Option<i64>]) -> Vec<u128> {
        let times: Vec<_> = seconds.iter().map(|seconds| seconds.map(|seconds| seconds * 1_000_000)).collect();
        Metronome::dues(pace, &times).iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn rows_are_due_at_even_distances() {
        assert_eq!(milliseconds(Pace::PerSecond(4.0), &[None; 4]), [0, 250, 500, 750]);
        assert_eq!(milliseconds(Pace::FlatOut, &[Some(5), Some(500)]), [0, 0]);
    }

    #[test]
    fn rows_are_due_as_their_events_were_and_a_step_back_takes_no_time() {
        let times = [Some(100), Some(110), None, Some(105), Some(115)];
        assert_eq!(milliseconds(Pace::EventTime(10.0), &times), [0, 1_000, 1_000, 1_000, 2_000]);
    }

    #[test]
    fn a_wait_without_end_can_be_stopped() {
        let mut metronome = Metronome::start(Pace::PerSecond(1e-300));
        assert!(metronome.wait(None, &AtomicBool::new(false)));
        assert!(!metronome.wait(None, &AtomicBool::new(true)));
    }
}
