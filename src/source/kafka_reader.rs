//! One worker's reader of a Kafka topic: its partitions, polled in a loop, handed over in batches.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, Timestamp};
use tracing::{debug, info};
use viewtide_dataflows::snapshot::{EventTime, Place};

use super::batch::{Filling, ReadAt};
use super::fields::Wanted;
use super::json;
use super::kafka::{KafkaSource, ReadPlace, known_partitions};
use super::kafka_errors::passes;
use super::kafka_log::KafkaLog;
use super::kafka_offsets::{Offsets, index};
use super::refusal::{Clock, Refusal};
use super::times::Horizon;
use super::{
    Feed, Gap, Input, LostReason, OnLostOffsets, Partition, Positions, Share, SourceError, SourceEvent, Span, Spans,
    spans_of,
};
use crate::limits::{
    ITEM_KEY_BYTES_MAX, KAFKA_IDLE_POLL, KAFKA_METADATA_TIMEOUT, KAFKA_POSITION_INTERVAL, KAFKA_REFRESH_INTERVAL,
    KAFKA_RESET_INTERVAL, KAFKA_RESETS_MAX, RECORD_BYTES_MAX,
};

/// A partition that this reader reads.
struct Reading {
    span: Span,
    /// Where it ended at the start; `None` once that was reached, or if it was found later.
    end: Option<u64>,
    /// Whether `span` is yet to be handed over.
    moved: bool,
}

/// The client has given up partitions, and does not say which.
struct GivenUp {
    look_at: Instant,
    /// Where each partition of ours stood when the client last said so. One that it gave up does not move on from there.
    stood: BTreeMap<u32, u64>,
}

pub(super) struct Reader<'a> {
    source: &'a KafkaSource,
    consumer: &'a BaseConsumer<KafkaLog>,
    share: Share,
    feed: &'a Feed,
    /// By number; `None` where another worker reads it.
    partitions: Vec<Option<Reading>>,
    /// Those whose `moved` is set.
    moved: Vec<u32>,
    /// Partitions that have not reached their `end`.
    behind: usize,
    end_said: bool,
    positions_checked: Instant,
    adopt_at: Instant,
    /// Since when the client has given up partitions, whose next record is gone, and when to look which.
    given_up: Option<GivenUp>,
    /// Times in a row that the broker would not give what it has.
    resets: u32,
    filling: Filling,
}

/// Whether to go on.
#[derive(PartialEq)]
enum Flow {
    On,
    Stop,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        source: &'a KafkaSource,
        consumer: &'a BaseConsumer<KafkaLog>,
        share: Share,
        feed: &'a Feed,
    ) -> Self {
        let now = Instant::now();
        Self {
            source,
            consumer,
            share,
            feed,
            partitions: Vec::new(),
            moved: Vec::new(),
            behind: 0,
            end_said: false,
            positions_checked: now,
            adopt_at: now,
            given_up: None,
            resets: 0,
            filling: Filling::default(),
        }
    }

    pub(super) fn read(mut self, stored: &Positions) -> Result<(), SourceError> {
        let known = self.source.shared.partitions();
        let stored = spans_of(stored, self.source.config.input);
        if let Some((partition, _)) = stored.range(known..).find(|(partition, _)| self.is_ours(**partition)) {
            return Err(SourceError::new(format!(
                "Kafka topic {} has {known} partitions, but partition {partition} was read before: the topic was created \
                 again. Start again with --on-lost-offsets earliest to read the new one from its first record, or on an \
                 empty database",
                self.source.config.topic
            )));
        }
        self.adopt(known, &stored, true)?;
        match self.poll_on() {
            Ok(()) => Ok(()),
            // What was read before is good, and shall be durable before the error is said.
            Err(error) if self.hand_over() == Flow::On => Err(error),
            Err(_) => Ok(()),
        }
    }

    fn poll_on(&mut self) -> Result<(), SourceError> {
        loop {
            if self.feed.stopped() {
                return Ok(());
            }
            let wait = if self.filling.is_empty() && self.moved.is_empty() { KAFKA_IDLE_POLL } else { Duration::ZERO };
            let flow = match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    self.take(&message);
                    if self.filling.is_full() { self.hand_over() } else { Flow::On }
                }
                Some(Err(error)) => {
                    self.error(&error)?;
                    Flow::On
                }
                None => self.pause()?,
            };
            if flow == Flow::Stop {
                return Ok(());
            }
            if let Some(GivenUp { stood, .. }) = self.given_up.take_if(|given_up| Instant::now() >= given_up.look_at) {
                self.lost(&stood)?;
            }
            if self.source.shared.partitions() as usize > self.partitions.len() && Instant::now() >= self.adopt_at {
                self.adopt_new()?;
            }
        }
    }

    /// Nothing is there to read right now.
    fn pause(&mut self) -> Result<Flow, SourceError> {
        if let Some(failure) = self.source.shared.failure() {
            return Err(failure);
        }
        if self.positions_checked.elapsed() >= KAFKA_POSITION_INTERVAL || (self.behind == 0 && !self.end_said) {
            self.pass_control_records();
        }
        Ok(self.hand_over())
    }

    fn is_ours(&self, partition: u32) -> bool {
        partition % self.share.peers == self.share.index
    }

    fn offsets(&self) -> Offsets<'a> {
        Offsets { consumer: self.consumer, topic: &self.source.config.topic }
    }

    /// Begins to read our partitions below `known` that are not read yet. Their positions are handed over at once, so that
    /// from the first commit on it is stored where each of them began.
    fn adopt(&mut self, known: u32, stored: &Spans, at_start: bool) -> Result<(), SourceError> {
        let new: Vec<u32> = (self.partitions.len() as u32..known).filter(|number| self.is_ours(*number)).collect();
        let extents = self
            .offsets()
            .extents(&new, KAFKA_METADATA_TIMEOUT)
            .map_err(|error| self.offsets().failed("look up the offsets of its partitions", &error))?;
        let spans = self.offsets().starts(&extents, self.source.config.start, stored, self.source.on_lost)?;
        let at = spans.iter().map(|(partition, span)| (*partition, offset(span.next)));
        if !spans.is_empty() {
            self.offsets()
                .list(at)
                .and_then(|list| self.consumer.incremental_assign(&list))
                .map_err(|error| self.offsets().failed("begin to read its partitions", &error))?;
        }
        self.partitions.resize_with(known as usize, || None);
        for (partition, span) in spans {
            if let Some(before) = stored.get(&partition).filter(|before| before.next != span.next) {
                let gap = self.gap(partition, before.next, span.next);
                self.filling.batch.gaps.push(gap);
            }
            let end = extents[&partition].end;
            let behind = at_start && span.next < end;
            self.behind += usize::from(behind);
            let end_at_start = behind.then_some(end);
            self.partitions[partition as usize] = Some(Reading { span, end: end_at_start, moved: true });
            self.moved.push(partition);
            self.source.shared.places().insert(partition, ReadPlace { next: span.next, end });
            debug!(partition, from = span.next, end, worker = self.share.index, "reading a partition");
        }
        Ok(())
    }

    fn adopt_new(&mut self) -> Result<(), SourceError> {
        self.adopt_at = Instant::now() + KAFKA_REFRESH_INTERVAL;
        // This client has to know of them as well.
        let topic = &self.source.config.topic;
        let known = match known_partitions(self.consumer, topic, KAFKA_REFRESH_INTERVAL) {
            Ok(Some(known)) => known.min(self.source.shared.partitions()),
            Ok(None) | Err(_) => return Ok(()),
        };
        let before = self.partitions.len();
        // Partitions found while others are read begin at their beginning: `stored` is anything but empty.
        let stored = Spans::from([(u32::MAX, Span { first: 0, next: 0 })]);
        match self.adopt(known, &stored, false) {
            Ok(()) => info!(topic, before, known, worker = self.share.index, "new partitions are read"),
            Err(error) => debug!("new partitions could not be read yet: {error}"),
        }
        Ok(())
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let (number, at) = (index(message.partition()), u64::try_from(message.offset()).unwrap_or(0));
        let Some(Some(partition)) = self.partitions.get_mut(number as usize) else { return };
        if at < partition.span.next {
            // It was handed over already; to hand it over again would count it twice.
            debug!(partition = number, offset = at, "a record that was read before came again");
            return;
        }
        partition.span.next = at + 1;
        self.resets = 0;
        if !partition.moved {
            partition.moved = true;
            self.moved.push(number);
        }
        if partition.end.is_some_and(|end| partition.span.next >= end) {
            partition.end = None;
            self.behind -= 1;
        }
        self.said(message, Place { partition: number, offset: at, item: 0 });
    }

    /// Takes what a record says, item by item.
    fn said(&mut self, message: &BorrowedMessage<'_>, place: Place) {
        let config = &self.source.config;
        let filling = &mut self.filling;
        let (topic, offset, key) = (config.topic.as_str(), place.offset, message.key());
        let arrived_us = arrived_us(message.timestamp());
        let whole = ReadAt { input: config.input, place, topic, offset, arrived_us, key, payload: message.payload() };
        let bytes = message.payload_len() + message.key_len();
        if bytes > RECORD_BYTES_MAX {
            return filling.said(&whole, Err(Refusal::TooLarge { bytes: bytes as u64 }));
        }
        let Some(payload) = message.payload() else { return filling.said(&whole, Err(Refusal::NoValue)) };
        let horizon = Horizon { arrived_us, future_max_us: config.future_max_us, clock: Clock::Kafka };
        let wanted = match config.input {
            Input::Snapshots => Wanted::Snapshots(horizon),
            Input::VideosTopic | Input::VideosFile => Wanted::Videos,
        };
        let mut items = 0;
        json::read(payload, &wanted, |item| {
            items += 1;
            let at = match item.number {
                0 => whole,
                number => ReadAt {
                    place: Place { item: number, ..place },
                    key: key.map(|key| &key[..key.len().min(ITEM_KEY_BYTES_MAX)]),
                    payload: Some(item.payload),
                    ..whole
                },
            };
            filling.said(&at, item.said);
        });
        if items == 0 {
            filling.passed(bytes);
        }
    }

    fn error(&mut self, error: &KafkaError) -> Result<(), SourceError> {
        match error {
            KafkaError::PartitionEOF(partition) => {
                if let Some(Some(partition)) = self.partitions.get_mut(index(*partition) as usize)
                    && partition.end.take().is_some()
                {
                    self.behind -= 1;
                }
                Ok(())
            }
            KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.give_up();
                Ok(())
            }
            KafkaError::MessageConsumption(code) if passes(*code) => {
                debug!("Kafka: {error}; trying on");
                Ok(())
            }
            KafkaError::MessageConsumptionFatal(_) => {
                let why = self.consumer.client().fatal_error().map(|(_, why)| format!(": {why}")).unwrap_or_default();
                Err(self.offsets().failed("read on", &format!("{error}{why}")))
            }
            other => Err(self.offsets().failed("read on", other)),
        }
    }

    /// The client has given up a partition. It says so once for each, also after all of them are read again; so they are
    /// looked at together, once it has said it for the last time.
    fn give_up(&mut self) {
        let wait = match self.source.on_lost {
            OnLostOffsets::Earliest => KAFKA_RESET_INTERVAL,
            OnLostOffsets::Stop => Duration::ZERO,
        };
        let stood = self.ours().map(|(number, partition)| (number, partition.span.next)).collect();
        self.given_up = Some(GivenUp { look_at: Instant::now() + wait, stood });
    }

    /// Records that were to be read next are gone: goes on at the first that is there, where it may, or says which.
    fn lost(&mut self, stood: &BTreeMap<u32, u64>) -> Result<(), SourceError> {
        let ours: Vec<u32> = self.ours().map(|(number, _)| number).collect();
        let extents = self
            .offsets()
            .extents(&ours, KAFKA_METADATA_TIMEOUT)
            .map_err(|error| self.offsets().failed("read on: records are gone, and to look up which", &error))?;
        let next: Vec<_> = self.ours().map(|(number, partition)| (number, partition.span.next)).collect();
        let extent = |number: &u32| extents.get(number).copied();
        let lost: Vec<_> = next
            .iter()
            .filter_map(|(number, next)| Some((*number, *next, extent(number)?)))
            .filter(|(_, next, extent)| !extent.holds(*next))
            .collect();
        // One that is shorter than what was read may be another one by now; that is for the next start to find out.
        let refused =
            lost.iter().find(|(_, next, extent)| self.source.on_lost == OnLostOffsets::Stop || *next > extent.end);
        if let Some((number, next, extent)) = refused {
            return Err(self.offsets().lost(*number, *next, *extent));
        }
        if lost.is_empty() {
            self.resets += 1;
            if self.source.on_lost == OnLostOffsets::Stop || self.resets > KAFKA_RESETS_MAX {
                return Err(self.offsets().failed("read on", &"the broker said that the next record to read is gone"));
            }
        } else {
            self.resets = 0;
        }
        for (number, next, extent) in &lost {
            let gap = self.gap(*number, *next, extent.begin);
            self.filling.batch.gaps.push(gap);
            self.move_to(*number, extent.begin);
        }
        // Of the others, each that the client may have given up as well.
        let stands = |(number, next): &(u32, u64)| stood.get(number) == Some(next);
        let is_lost = |number: u32| lost.iter().any(|(it, ..)| *it == number);
        let others = next.into_iter().filter(|partition| stands(partition) && !is_lost(partition.0));
        self.assign_again(lost.iter().map(|(number, _, extent)| (*number, extent.begin)).chain(others).collect())
    }

    /// What was to be read at `first_lost`, and is read on at `next_read`.
    fn gap(&self, partition: u32, first_lost: u64, next_read: u64) -> Gap {
        Gap {
            input: self.source.config.input,
            topic: self.source.config.topic.clone(),
            partition,
            first_lost,
            next_read: Some(next_read),
            reason: if next_read > first_lost { LostReason::Deleted } else { LostReason::Truncated },
            topic_id_before: self.source.topic_id(),
            topic_id_after: self.source.topic_id(),
        }
    }

    /// The client gives up a partition whose next record is gone, so it is given to it anew.
    fn assign_again(&self, partitions: Vec<(u32, u64)>) -> Result<(), SourceError> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.offsets()
            .list(partitions.iter().map(|(number, next)| (*number, offset(*next))))
            .and_then(|list| {
                self.consumer.incremental_unassign(&list)?;
                self.consumer.incremental_assign(&list)
            })
            .map_err(|error| self.offsets().failed("read on behind records that are gone", &error))
    }

    /// Everything before `next` is passed.
    fn move_to(&mut self, number: u32, next: u64) {
        let Some(Some(partition)) = self.partitions.get_mut(number as usize) else { return };
        partition.span.next = next;
        if !partition.moved {
            partition.moved = true;
            self.moved.push(number);
        }
        if partition.end.is_some_and(|end| next >= end) {
            partition.end = None;
            self.behind -= 1;
        }
    }

    fn ours(&self) -> impl Iterator<Item = (u32, &Reading)> {
        self.partitions.iter().enumerate().filter_map(|(number, partition)| Some((number as u32, partition.as_ref()?)))
    }

    /// Moves past what takes offsets and is no record (marks of transactions): the client knows how far it came.
    fn pass_control_records(&mut self) {
        self.positions_checked = Instant::now();
        let Ok(positions) = self.consumer.position() else { return };
        for element in positions.elements() {
            let Offset::Offset(position) = element.offset() else { continue };
            let (number, position) = (index(element.partition()), u64::try_from(position).unwrap_or(0));
            let Some(Some(partition)) = self.partitions.get_mut(number as usize) else { continue };
            if position > partition.span.next {
                partition.span.next = position;
                if !partition.moved {
                    partition.moved = true;
                    self.moved.push(number);
                }
            }
        }
    }

    /// Hands over what there is, and that the end was reached.
    fn hand_over(&mut self) -> Flow {
        if !self.moved.is_empty() {
            let mut places = self.source.shared.places();
            for number in self.moved.drain(..) {
                let Some(Some(partition)) = self.partitions.get_mut(number as usize) else { continue };
                partition.moved = false;
                let input = self.source.config.input;
                self.filling.batch.positions.insert(Partition { input, number }, partition.span);
                places.entry(number).or_default().next = partition.span.next;
            }
        }
        if !self.filling.is_empty() && !self.feed.send(SourceEvent::Batch(self.filling.take())) {
            return Flow::Stop;
        }
        if self.behind == 0 && !self.end_said {
            self.end_said = true;
            if !self.feed.send(SourceEvent::End) {
                return Flow::Stop;
            }
        }
        Flow::On
    }
}

/// A record of before Kafka 0.10 has no time.
fn arrived_us(timestamp: Timestamp) -> Option<EventTime> {
    timestamp.to_millis().map(|time_ms| time_ms.saturating_mul(1_000))
}

fn offset(next: u64) -> Offset {
    Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX))
}
