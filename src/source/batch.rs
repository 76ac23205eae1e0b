//! Filling a [`SourceBatch`] up to its limits.

use viewtide_dataflows::metadata::MetadataRecord;
use viewtide_dataflows::snapshot::{EventTime, Place, Record};

use super::fields::Word;
use super::left_out::LeftOut;
use super::refusal::Refusal;
use super::{DeadLetter, Input, SourceBatch};
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, OVERSIZED_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

/// A batch that is being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    /// What is in it so far.
    pub(super) batch: SourceBatch,
    items: usize,
    bytes: usize,
    left_out: LeftOut,
}

/// Where something was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadAt<'a> {
    pub(super) input: Input,
    /// By what positions count.
    pub(super) place: Place,
    /// The topic or the file.
    pub(super) topic: &'a str,
    /// Where people find it there: the offset, or the line of a file.
    pub(super) offset: u64,
    /// When it was sent to where it was read, microseconds; where that is known.
    pub(super) arrived_us: Option<EventTime>,
    pub(super) key: Option<&'a [u8]>,
    /// The bytes as they were read.
    pub(super) payload: Option<&'a [u8]>,
}

impl ReadAt<'_> {
    fn bytes(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.payload.map_or(0, <[u8]>::len)
    }
}

/// A producer stamps its records as it likes; what Postgres or a calendar cannot hold would stop what is good as well.
fn is_a_time(arrived_us: EventTime) -> bool {
    arrived_us >= 0 && jiff::Timestamp::from_microsecond(arrived_us).is_ok()
}

impl Filling {
    /// Takes what was said there, or that it is not taken and why.
    pub(super) fn said(&mut self, at: &ReadAt<'_>, said: Result<Word, Refusal>) {
        match said {
            Ok(word) => self.word(at, word),
            Err(refusal) => self.dead_letter(at, &refusal),
        }
        self.passed(at.bytes());
    }

    /// Counts a record of so many bytes that says nothing.
    pub(super) fn passed(&mut self, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
    }

    fn word(&mut self, at: &ReadAt<'_>, word: Word) {
        let Word { video, observation, metadata, left_out } = word;
        let place = at.place;
        if let Some(observed) = observation {
            let (snapshot, file_source) = (observed.snapshot, observed.file_source);
            let arrived_us = at.arrived_us.filter(|&arrived_us| is_a_time(arrived_us)).into();
            self.batch.records.push(Record { video, place, snapshot, arrived_us, file_source });
        }
        if let Some(metadata) = metadata {
            let source = at.input.metadata_source();
            self.batch.metadata.push(MetadataRecord { video, place, source, metadata: *metadata });
        }
        if let Some(refusal) = left_out {
            self.left_out.one(at, &refusal);
        }
    }

    /// Of bytes beyond what a record may have, the first 64 KiB are kept.
    fn dead_letter(&mut self, at: &ReadAt<'_>, refusal: &Refusal) {
        let is_too_large = at.bytes() > RECORD_BYTES_MAX;
        let kept = |bytes: &[u8]| {
            let kept = if is_too_large { bytes.len().min(OVERSIZED_PAYLOAD_BYTES_MAX) } else { bytes.len() };
            bytes[..kept].to_vec()
        };
        self.batch.dead_letters.push(DeadLetter {
            input: at.input,
            topic: at.topic.to_owned(),
            partition: at.place.partition,
            offset: at.offset,
            item: at.place.item,
            position: at.place.offset,
            reason: refusal.to_string(),
            kafka_timestamp_us: at.arrived_us.filter(|&arrived_us| is_a_time(arrived_us)),
            key: at.key.map(kept),
            payload: at.payload.map(kept),
        });
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
        let next = SourceBatch {
            records: Vec::with_capacity(self.batch.records.len()),
            metadata: Vec::with_capacity(self.batch.metadata.len()),
            ..SourceBatch::default()
        };
        (self.items, self.bytes) = (0, 0);
        std::mem::replace(&mut self.batch, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_keeps_a_kafka_timestamp_that_is_a_time() {
        let letter = |arrived_us| {
            let place = Place { partition: 0, offset: 7, item: 0 };
            let at =
                ReadAt { input: Input::Snapshots, place, topic: "t", offset: 7, arrived_us, key: None, payload: None };
            let mut filling = Filling::default();
            filling.said(&at, Err(Refusal::NoValue));
            filling.take().dead_letters.remove(0).kafka_timestamp_us
        };
        for kept in [0, 1_751_328_000_000_000] {
            assert_eq!(letter(Some(kept)), Some(kept));
        }
        assert_eq!(letter(None), None);
        for odd in [-1, i64::MIN, i64::MAX] {
            assert_eq!(letter(Some(odd)), None, "{odd}");
        }
    }
}
