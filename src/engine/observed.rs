//! What a running engine lets others see: its figures, as they stand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::clock::Clock;
use crate::sink::totals::SinkTotals;
use crate::source::{Partition, Source};

/// The figures of one process; on others than process 0 there are none of the sink.
pub struct Observed {
    source: Arc<dyn Source>,
    clock: Arc<dyn Clock>,
    totals: Arc<Mutex<SinkTotals>>,
    times_gated: Arc<AtomicU64>,
    is_loaded: AtomicBool,
}

impl Observed {
    /// Nothing has happened yet; `totals` are what the sink counts.
    pub fn new(source: Arc<dyn Source>, clock: Arc<dyn Clock>, totals: Arc<Mutex<SinkTotals>>) -> Self {
        Self { source, clock, totals, times_gated: Arc::default(), is_loaded: AtomicBool::new(false) }
    }

    /// What has become durable.
    pub fn totals(&self) -> SinkTotals {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, SinkTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that wait to be read in each partition of this process's share, where the source knows; of a few seconds ago.
    pub fn lags(&self) -> Option<BTreeMap<Partition, u64>> {
        self.source.lags()
    }

    /// The same over all partitions.
    pub fn lag(&self) -> Option<u64> {
        self.source.lag()
    }

    /// How old the last durable tick is, milliseconds; `None` where there is none. An idle input makes none, so it is only of
    /// interest while there is a lag.
    pub fn durable_age_ms(&self) -> Option<i64> {
        let tick = self.lock().durable_tick;
        (tick > 0).then(|| self.clock.now_us() / 1_000 - i64::try_from(tick).unwrap_or(i64::MAX))
    }

    /// How often a reader had to wait for the sink.
    pub fn times_gated(&self) -> u64 {
        self.times_gated.load(Ordering::Relaxed)
    }

    /// Where that is counted.
    pub(super) fn gated(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.times_gated)
    }

    /// Whether all that is stored has been loaded.
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Relaxed)
    }

    pub(super) fn loaded(&self) {
        self.is_loaded.store(true, Ordering::Relaxed);
    }
}
