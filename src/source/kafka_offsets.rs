//! Offsets of partitions: where they begin and end, and where to begin to read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::kafka::Start;
use super::kafka_errors::passes;
use super::kafka_log::KafkaLog;
use super::kafka_settings::left;
use super::{OnLostOffsets, SourceError, Span, Spans};
use crate::limits::{KAFKA_LOOK_UP_PAUSE, KAFKA_METADATA_TIMEOUT};

/// The offsets that a partition has: from the first one that the broker still keeps to the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Extent {
    /// Whether reading can go on at `next`.
    pub(super) fn holds(self, next: u64) -> bool {
        (self.begin..=self.end).contains(&next)
    }
}

/// Asks about some partitions of one topic.
pub(super) struct Offsets<'a> {
    pub(super) consumer: &'a BaseConsumer<KafkaLog>,
    pub(super) topic: &'a str,
}

impl Offsets<'_> {
    /// A list of partitions for librdkafka.
    pub(super) fn list<I: IntoIterator<Item = (u32, Offset)>>(&self, partitions: I) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in partitions {
            list.add_partition_offset(self.topic, number(partition), offset)?;
        }
        Ok(list)
    }

    /// For each partition the offset that `at` means; all of them in one request per broker.
    fn resolve(&self, partitions: &[u32], at: Offset, timeout: Duration) -> KafkaResult<BTreeMap<u32, Option<u64>>> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let start = Instant::now();
        loop {
            match self.try_resolve(partitions, at, left(start, timeout)) {
                // A topic that was made a moment ago, or whose leader is another one since.
                Err(error) if error.rdkafka_error_code().is_some_and(passes) && start.elapsed() < timeout => {
                    std::thread::sleep(KAFKA_LOOK_UP_PAUSE);
                }
                resolved => return resolved,
            }
        }
    }

    fn try_resolve(
        &self,
        partitions: &[u32],
        at: Offset,
        timeout: Duration,
    ) -> KafkaResult<BTreeMap<u32, Option<u64>>> {
        let list = self.list(partitions.iter().map(|partition| (*partition, at)))?;
        let answer = self.consumer.offsets_for_times(list, timeout)?;
        let mut resolved = BTreeMap::new();
        for element in answer.elements() {
            element.error()?;
            let offset = match element.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok(),
                _ => None,
            };
            resolved.insert(index(element.partition()), offset);
        }
        Ok(resolved)
    }

    /// One end of each partition; the broker takes "the beginning" and "the end" as times.
    fn ends(&self, partitions: &[u32], at: Offset, timeout: Duration) -> KafkaResult<BTreeMap<u32, u64>> {
        let resolved = self.resolve(partitions, at, timeout)?;
        resolved
            .into_iter()
            .map(|(partition, offset)| match offset {
                Some(offset) => Ok((partition, offset)),
                None => Err(rdkafka::error::KafkaError::OffsetFetch(rdkafka::types::RDKafkaErrorCode::NoOffset)),
            })
            .collect()
    }

    /// Where each partition ends: behind the last record that a reader may see.
    pub(super) fn end(&self, partitions: &[u32], timeout: Duration) -> KafkaResult<BTreeMap<u32, u64>> {
        self.ends(partitions, Offset::End, timeout)
    }

    /// Where each partition begins and ends.
    pub(super) fn extents(&self, partitions: &[u32], timeout: Duration) -> KafkaResult<BTreeMap<u32, Extent>> {
        let start = Instant::now();
        let begin = self.ends(partitions, Offset::Beginning, timeout)?;
        let end = self.ends(partitions, Offset::End, left(start, timeout))?;
        Ok(begin.into_iter().map(|(partition, begin)| (partition, Extent { begin, end: end[&partition] })).collect())
    }

    /// Where to begin to read partitions of which nothing is stored: `start` on the very first start; the beginning later,
    /// since such a partition was added meanwhile. And where to go on with those of which something is stored: where they
    /// stood, or, where that is gone and it may, at the beginning.
    pub(super) fn starts(
        &self,
        extents: &BTreeMap<u32, Extent>,
        start: Start,
        stored: &Spans,
        on_lost: OnLostOffsets,
    ) -> Result<Spans, SourceError> {
        let new: Vec<u32> = extents.keys().copied().filter(|partition| !stored.contains_key(partition)).collect();
        let mut spans = Spans::new();
        for (partition, span) in stored.iter().filter(|(partition, _)| extents.contains_key(partition)) {
            let extent = extents[partition];
            let next = match (extent.holds(span.next), on_lost) {
                (true, _) => span.next,
                (false, OnLostOffsets::Earliest) => extent.begin,
                (false, OnLostOffsets::Stop) => return Err(self.lost(*partition, span.next, extent)),
            };
            spans.insert(*partition, Span { next, ..*span });
        }
        let times = match start {
            Start::At(time_us) if stored.is_empty() => {
                let time_ms = time_us.div_euclid(1_000) + i64::from(time_us.rem_euclid(1_000) > 0);
                self.resolve(&new, Offset::Offset(time_ms.max(0)), KAFKA_METADATA_TIMEOUT)
                    .map_err(|error| self.failed("look up where --start begins", &error))?
            }
            _ => BTreeMap::new(),
        };
        for partition in new {
            let extent = extents[&partition];
            let first = match times.get(&partition) {
                // No record is that late: what comes is.
                Some(found) => found.unwrap_or(extent.end),
                None => extent.begin,
            };
            spans.insert(partition, Span { first, next: first });
        }
        Ok(spans)
    }

    /// What to say of records that are gone.
    pub(super) fn lost(&self, partition: u32, next: u64, extent: Extent) -> SourceError {
        let what = if next > extent.end {
            "the partition is shorter than what was read from it: records were lost, or the topic was created again"
        } else {
            "records were deleted before they were read (the topic's retention)"
        };
        SourceError::new(format!(
            "Kafka topic {} partition {partition}: the next record to read is {next}, but the broker has {} to {}; {what}. \
             The tables are exact up to there. Restore the records; or start again with --on-lost-offsets earliest, which \
             reads on at offset {} and keeps the gap in the table lost_offsets; or start on an empty database",
            self.topic, extent.begin, extent.end, extent.begin
        ))
    }

    /// What to say of a request that failed.
    pub(super) fn failed(&self, doing: &str, error: &dyn std::fmt::Display) -> SourceError {
        let why = self.consumer.context().last_trouble();
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        SourceError::new(format!("Kafka topic {}: cannot {doing}: {error}{why}", self.topic))
    }
}

/// A partition as librdkafka numbers it.
pub(super) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// A partition as we number it; librdkafka has none below 0.
pub(super) fn index(partition: i32) -> u32 {
    u32::try_from(partition).unwrap_or(u32::MAX)
}
