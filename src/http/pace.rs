//! How many records become durable in a second, over the last few.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::observed::Observed;

/// How far back.
pub(super) const SPAN: Duration = Duration::from_secs(10);

/// How often it is looked.
const STEP: Duration = Duration::from_secs(1);

/// Looks at how many there were.
#[derive(Default)]
pub(super) struct Pace(Mutex<VecDeque<(Instant, u64)>>);

impl Pace {
    /// Looks again and again.
    pub(super) async fn look_at(self: Arc<Self>, observed: Arc<Observed>) {
        loop {
            self.add(Instant::now(), observed.totals().records());
            tokio::time::sleep(STEP).await;
        }
    }

    fn add(&self, at: Instant, records: u64) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push_back((at, records));
        // One that is as old as the span stays.
        while looks.get(1).is_some_and(|(second, _)| at.duration_since(*second) >= SPAN) {
            looks.pop_front();
        }
    }

    /// Records a second; `None` until there are two looks.
    pub(super) fn records_per_second(&self) -> Option<f64> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ((first_at, first), (last_at, last)) = (looks.front()?, looks.back()?);
        let seconds = last_at.duration_since(*first_at).as_secs_f64();
        (seconds > 0.0).then(|| last.saturating_sub(*first) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_over_the_last_seconds_alone() {
        let (pace, begin) = (Pace::default(), Instant::now());
        assert_eq!(pace.records_per_second(), None);
        for second in 0..=30 {
            // 100 a second for 20 seconds, then nothing.
            pace.add(begin + Duration::from_secs(second), 100 * second.min(20));
            if second == 20 {
                assert_eq!(pace.records_per_second(), Some(100.0));
            }
            if second == 25 {
                assert_eq!(pace.records_per_second(), Some(50.0));
            }
        }
        assert_eq!(pace.records_per_second(), Some(0.0));
    }
}
