//! What is late, and what memory keeps: both judged against a video's own newest event time, so that a back-fill which
//! reads one video's three years and then the next one's is as exact as a live stream, and no result depends on ticks or
//! workers.

use crate::snapshot::{EventTime, HOUR_US, hour_start};

/// The default of `--retention`: 7 days.
pub const RETENTION_US_DEFAULT: i64 = 7 * 24 * HOUR_US;

/// The longest retention, 10 years: memory holds that much of every video.
pub const RETENTION_US_MAX: i64 = 3_650 * 24 * HOUR_US;

/// Memory keeps at least this much, however short the retention: the longest window of a trend.
const MEMORY_US_MIN: i64 = 7 * 24 * HOUR_US;

/// Memory keeps this much more: the longest horizon of a forecast (24 h) and the longest gap that is bridged (6 h).
const MEMORY_US_EXTRA: i64 = 30 * HOUR_US;

/// How far back of a video's newest event time a record is still folded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Microseconds, `0..=RETENTION_US_MAX`.
    pub retention_us: i64,
}

impl Retention {
    /// Whether a record of a video whose newest event time is `newest` is late: stored, but not folded in.
    pub fn is_late(self, time: EventTime, newest: EventTime) -> bool {
        time < newest.saturating_sub(self.retention_us)
    }

    /// The start of the oldest hour that memory keeps of a video whose newest event time is `newest`. Before it, the
    /// newest snapshot stays as the predecessor of what follows, and the newest with a view count for the trends.
    pub fn memory_start(self, newest: EventTime) -> EventTime {
        hour_start(newest.saturating_sub(self.memory_us()))
    }

    /// How far back of a video's newest event time memory reaches, microseconds, before whole hours are taken.
    pub fn memory_us(self) -> i64 {
        self.retention_us.max(MEMORY_US_MIN) + MEMORY_US_EXTRA
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { retention_us: RETENTION_US_DEFAULT }
    }
}
