//! The gate between source and sink: timely has no back-pressure of its own, so each worker counts what it has sent and
//! the durable frontier has not passed, and stops reading while that is too much.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use viewtide_dataflows::Tick;

use crate::source::Positions;

/// One closed tick of one worker's source that is not known to be durable.
struct InFlight {
    tick: Tick,
    bytes: usize,
    positions: Positions,
}

/// What one worker's source has sent and is not yet durable.
pub struct Gate {
    in_flight: VecDeque<InFlight>,
    bytes: usize,
    bytes_max: usize,
    /// How often it closed, and others that count with it.
    times_closed: Arc<AtomicU64>,
}

impl Gate {
    /// A gate that closes once more than `bytes_max` bytes are in flight, and counts in `times_closed` how often it does.
    pub fn new(bytes_max: usize, times_closed: Arc<AtomicU64>) -> Self {
        Self { in_flight: VecDeque::new(), bytes: 0, bytes_max, times_closed }
    }

    /// A tick was closed and sent.
    pub fn sent(&mut self, tick: Tick, bytes: usize, positions: Positions) {
        let was_open = self.is_open();
        self.bytes += bytes;
        self.in_flight.push_back(InFlight { tick, bytes, positions });
        if was_open && !self.is_open() {
            self.times_closed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets go of every tick for which `is_durable` holds; returns the positions that are durable by that, if any are.
    pub fn release(&mut self, is_durable: impl Fn(&Tick) -> bool) -> Option<Positions> {
        let mut durable: Option<Positions> = None;
        while let Some(oldest) = self.in_flight.front()
            && is_durable(&oldest.tick)
        {
            if let Some(released) = self.in_flight.pop_front() {
                self.bytes -= released.bytes;
                durable.get_or_insert_default().extend(released.positions);
            }
        }
        durable
    }

    /// Whether the source may go on; `open_bytes` are in the tick that is still open.
    pub fn admits(&self, open_bytes: usize) -> bool {
        self.bytes + open_bytes <= self.bytes_max
    }

    /// What it closes at.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    fn is_open(&self) -> bool {
        self.admits(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Partition, Span};

    #[test]
    fn closes_at_its_limit_and_opens_with_the_durable_frontier() {
        let position = |next| Positions::from([(Partition::of_snapshots(3), Span { first: 0, next })]);
        let times_closed = Arc::<AtomicU64>::default();
        let mut gate = Gate::new(100, Arc::clone(&times_closed));
        gate.sent(5, 60, position(10));
        assert!(gate.admits(40) && !gate.admits(41));
        gate.sent(6, 60, position(20));
        gate.sent(9, 1, position(21));
        assert!(!gate.admits(0));
        assert_eq!(times_closed.load(Ordering::Relaxed), 1);
        assert_eq!(gate.release(|&tick| tick < 5), None);
        assert_eq!(gate.release(|&tick| tick < 9), Some(position(20)));
        assert!(gate.admits(99));
        assert_eq!(gate.release(|_| true), Some(position(21)));
    }
}
