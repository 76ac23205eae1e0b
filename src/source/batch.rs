//! Filling a [`SourceBatch`] up to its limits.

use viewtide_dataflows::snapshot::Record;

use super::{DeadLetter, SourceBatch};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, OVERSIZED_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

/// A batch that is being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    /// What is in it so far.
    pub(super) batch: SourceBatch,
    items: usize,
    bytes: usize,
}

impl Filling {
    /// Takes a record that was `bytes` large.
    pub(super) fn record(&mut self, record: Record, bytes: usize) {
        self.batch.records.push(record);
        self.count(bytes);
    }

    /// Takes a dead letter; of bytes beyond what a record may have, the first 64 KiB are kept.
    pub(super) fn dead_letter(&mut self, mut letter: DeadLetter) {
        let mut bytes = 0;
        for part in [&mut letter.key, &mut letter.payload].into_iter().flatten() {
            bytes += part.len();
        }
        if bytes > RECORD_BYTES_MAX {
            for part in [&mut letter.key, &mut letter.payload].into_iter().flatten() {
                part.truncate(OVERSIZED_PAYLOAD_BYTES_MAX);
                part.shrink_to_fit();
            }
        }
        self.batch.dead_letters.push(letter);
        self.count(bytes);
    }

    fn count(&mut self, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
    }

    /// Whether nothing more shall go in.
    pub(super) fn is_full(&self) -> bool {
        self.items >= BATCH_RECORDS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Whether there is nothing to hand over.
    pub(super) fn is_empty(&self) -> bool {
        self.items == 0 && self.batch.positions.is_empty()
    }

    /// What is in it; the next one starts empty, with room for as many.
    pub(super) fn take(&mut self) -> SourceBatch {
        let room = self.batch.records.len();
        let next = SourceBatch { records: Vec::with_capacity(room), ..SourceBatch::default() };
        (self.items, self.bytes) = (0, 0);
        std::mem::replace(&mut self.batch, next)
    }
}
