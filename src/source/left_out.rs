//! What is said of videos beside good counts and is left out since it is bad: counted, and said in the log with a reason.

use std::time::Instant;

use tracing::warn;

use super::batch::ReadAt;
use super::refusal::Refusal;
use crate::limits::METADATA_LOG_INTERVAL;

/// Of one reader, for the topic or the file that it reads: the first is said, then one at most every
/// [`METADATA_LOG_INTERVAL`], and how many there were at the end.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    topic: String,
    all: u64,
    said: u64,
    said_at: Option<Instant>,
}

impl LeftOut {
    /// Counts one, read there.
    pub(super) fn one(&mut self, at: &ReadAt<'_>, refusal: &Refusal) {
        if self.topic != at.topic {
            self.end();
            at.topic.clone_into(&mut self.topic);
        }
        if self.admit(Instant::now()) {
            warn!(
                topic = at.topic,
                partition = at.place.partition,
                offset = at.offset,
                item = at.place.item,
                left_out = self.all,
                "the counts of a record are kept, but what it says of its video is left out: {refusal}"
            );
        }
    }

    /// Whether this one is said.
    fn admit(&mut self, now: Instant) -> bool {
        self.all += 1;
        let admitted = self.said_at.is_none_or(|before| now.duration_since(before) >= METADATA_LOG_INTERVAL);
        if admitted {
            (self.said, self.said_at) = (self.all, Some(now));
        }
        admitted
    }

    /// How many there were, if that is not said yet; the next one is the first of another topic.
    fn finish(&mut self) -> Option<u64> {
        let (all, said) = (std::mem::take(&mut self.all), std::mem::take(&mut self.said));
        self.said_at = None;
        (all > said).then_some(all)
    }

    fn end(&mut self) {
        if let Some(left_out) = self.finish() {
            warn!(topic = self.topic, left_out, "what records say of their videos was left out; their counts are kept");
        }
    }
}

impl Drop for LeftOut {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_is_said_then_one_an_interval_and_how_many_there_were_at_the_end() {
        let mut left_out = LeftOut::default();
        let start = Instant::now();
        let said: Vec<bool> =
            [0, 1, 29, 30, 31].iter().map(|second| left_out.admit(start + Duration::from_secs(*second))).collect();
        assert_eq!(said, [true, false, false, true, false]);
        assert_eq!(left_out.finish(), Some(5));
        assert_eq!(left_out.finish(), None, "of another topic there were none");
        assert!(left_out.admit(start));
        assert_eq!(left_out.finish(), None, "all of it was said");
    }
}
