//! A Kafka topic as a source.
//!
//! Each worker reads its partitions through a consumer of its own ([`super::kafka_reader`]), assigned at the stored offsets:
//! no group, no rebalancing. Beside them one thread of the process ([`super::kafka_keeper`]) looks for new partitions, for a
//! topic that was created again, and tells the consumer group, for information, how far rows are durable.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rdkafka::Offset;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tracing::{info, warn};
use viewtide_dataflows::snapshot::EventTime;

use super::kafka_errors::passes;
use super::kafka_keeper::Keeper;
use super::kafka_log::KafkaLog;
use super::kafka_offsets::Offsets;
use super::kafka_reader::Reader;
use super::kafka_settings::{KafkaSettings, left, refused};
use super::topic_id::topic_id;
use super::{
    Feed, Gap, Input, LostReason, OnLostOffsets, Partition, Positions, Share, Source, SourceError, SourceIdentity,
    Spans, spans_of,
};
use crate::limits::{KAFKA_IDLE_POLL, KAFKA_METADATA_TIMEOUT};

/// What the ids of the clusters that librdkafka pretends to be begin with.
const PRETENDED_CLUSTER: &str = "mockCluster";

/// Where the very first start begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record that the broker still has.
    Earliest,
    /// At the first record whose Kafka timestamp is this one, microseconds, or later.
    At(EventTime),
}

/// What to read, and how.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// Which input the topic is: of snapshots, or of videos.
    pub input: Input,
    /// Brokers and librdkafka's settings.
    pub settings: KafkaSettings,
    /// The topic.
    pub topic: String,
    /// The consumer group that shows lag tools how far rows are durable; nothing is ever read from it.
    pub group: String,
    /// Where to begin if nothing is stored; a topic of videos is always read from its beginning.
    pub start: Start,
    /// How much later than its Kafka timestamp a record's event time may be, microseconds.
    pub future_max_us: i64,
}

/// A topic that can be read.
pub struct KafkaSource {
    pub(super) config: KafkaConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) on_lost: OnLostOffsets,
    identity: SourceIdentity,
    log: KafkaLog,
    keeper: Keeper,
}

/// What readers and keeper tell each other.
#[derive(Default)]
pub(super) struct Shared {
    /// Partitions of the topic.
    partitions: AtomicU32,
    /// Why nothing can be read any more.
    failure: Mutex<Option<String>>,
    /// Where the partitions that this process reads stand, and where they end.
    places: Mutex<BTreeMap<u32, ReadPlace>>,
}

/// How far a partition was read, and how far it goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadPlace {
    pub(super) next: u64,
    pub(super) end: u64,
}

impl Shared {
    pub(super) fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Relaxed)
    }

    pub(super) fn set_partitions(&self, partitions: u32) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, message: String) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
    }

    pub(super) fn failure(&self) -> Option<SourceError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(SourceError::new)
    }

    pub(super) fn places(&self) -> MutexGuard<'_, BTreeMap<u32, ReadPlace>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KafkaSource {
    /// Connects, and makes sure that the topic is there.
    ///
    /// # Errors
    /// A setting that is refused; brokers that do not answer within [`KAFKA_METADATA_TIMEOUT`]; an unknown topic.
    pub fn open(config: KafkaConfig) -> Result<Self, SourceError> {
        let no_topic = match config.input {
            Input::Snapshots => no_topic(&config.settings.brokers, &config.topic),
            Input::VideosTopic | Input::VideosFile => no_videos_topic(&config.settings.brokers, &config.topic),
        };
        Self::connect(config)?.ok_or(no_topic)
    }

    /// Connects; `None` where the brokers have no such topic, or do not let it be read, of which a warning tells: nobody named
    /// it.
    ///
    /// # Errors
    /// A setting that is refused; brokers that do not answer within [`KAFKA_METADATA_TIMEOUT`].
    pub fn open_if_there(config: KafkaConfig) -> Result<Option<Self>, SourceError> {
        let topic = config.topic.clone();
        let forbidden = match Self::connect(config) {
            Ok(None) => return Ok(None),
            Ok(Some(source)) if source.may_be_read()? => return Ok(Some(source)),
            Ok(Some(_)) => "it may be looked at, but not be read".to_owned(),
            Err(Unreached::Forbidden(error)) => error.to_string(),
            Err(Unreached::Failed(error)) => return Err(error),
        };
        warn!(topic, "a topic that was not asked for is taken for absent: {forbidden}");
        Ok(None)
    }

    fn connect(mut config: KafkaConfig) -> Result<Option<Self>, Unreached> {
        if config.input != Input::Snapshots {
            // What is known of a video was said once, whenever that was.
            config.start = Start::Earliest;
        }
        let log = KafkaLog::default();
        let consumer = consumer(&config, log.clone())?;
        let start = Instant::now();
        let Some(partitions) = reach(&consumer, &config.settings.brokers, &config.topic)? else { return Ok(None) };
        let client = consumer.client();
        let cluster_id = client.fetch_cluster_id(left(start, KAFKA_METADATA_TIMEOUT)).unwrap_or_default();
        // The in-process broker of the demo never answers; its topics live no longer than the process.
        let topic_id = match cluster_id.starts_with(PRETENDED_CLUSTER) {
            true => None,
            false => topic_id(client, &config.topic, left(start, KAFKA_METADATA_TIMEOUT))
                .map_err(|error| SourceError::new(format!("Kafka topic {}: {error}; try again", config.topic)))?,
        };
        info!(topic = config.topic, topic_id, cluster_id, partitions, "connected to Kafka");
        let identity = SourceIdentity::Kafka { cluster_id, topic: config.topic.clone(), topic_id: topic_id.clone() };
        let shared = Arc::new(Shared::default());
        shared.set_partitions(partitions);
        let keeper = Keeper::start(consumer, config.topic.clone(), topic_id, shared.clone());
        Ok(Some(Self { config, shared, on_lost: OnLostOffsets::Stop, identity, log, keeper }))
    }

    /// Whether the brokers let the topic be read, and not only be looked at.
    fn may_be_read(&self) -> Result<bool, SourceError> {
        let consumer = consumer(&self.config, self.log.clone())?;
        let offsets = Offsets { consumer: &consumer, topic: &self.config.topic };
        offsets
            .list([(0, Offset::OffsetTail(1))])
            .and_then(|list| consumer.assign(&list))
            .map_err(|error| offsets.failed("begin to read it", &error))?;
        let start = Instant::now();
        while start.elapsed() < KAFKA_METADATA_TIMEOUT {
            match consumer.poll(KAFKA_IDLE_POLL) {
                Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::TopicAuthorizationFailed))) => {
                    return Ok(false);
                }
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(true),
                // Whatever else is wrong is for the reader to say.
                _ => {}
            }
        }
        Ok(true)
    }

    /// The same, which does `on_lost` where records are gone before they were read.
    pub fn on_lost_offsets(mut self, on_lost: OnLostOffsets) -> Self {
        self.on_lost = on_lost;
        self
    }

    /// The topic's own id.
    pub(super) fn topic_id(&self) -> Option<String> {
        id_of(&self.identity)
    }
}

impl Source for KafkaSource {
    fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        let consumer = consumer(&self.config, self.log.clone())?;
        Reader::new(self, &consumer, share, feed).read(stored)
    }

    fn on_lost_offsets(&self) -> OnLostOffsets {
        self.on_lost
    }

    fn begun_anew(&self, input: Input, before: &SourceIdentity, stored: &Spans) -> Result<Vec<Gap>, SourceError> {
        let (id_before, id_after) = (id_of(before), self.topic_id());
        let is_same = id_after.is_some() && id_before == id_after;
        if input != self.config.input || self.on_lost == OnLostOffsets::Stop || is_same {
            return Ok(Vec::new());
        }
        let consumer = consumer(&self.config, self.log.clone())?;
        let offsets = Offsets { consumer: &consumer, topic: &self.config.topic };
        let there: Vec<u32> = stored.range(..self.shared.partitions()).map(|(partition, _)| *partition).collect();
        let extents = offsets
            .extents(&there, KAFKA_METADATA_TIMEOUT)
            .map_err(|error| offsets.failed("look up the offsets of its partitions", &error))?;
        // A broker that gives topics no id shows it by what is missing.
        let is_shorter =
            stored.iter().any(|(partition, span)| extents.get(partition).is_none_or(|extent| extent.end < span.next));
        if before.created_again(&self.identity).is_none() && !is_shorter {
            return Ok(Vec::new());
        }
        let gap = |(partition, span): (&u32, &super::Span)| Gap {
            input,
            topic: self.config.topic.clone(),
            partition: *partition,
            first_lost: span.next,
            next_read: extents.get(partition).map(|extent| extent.begin),
            reason: LostReason::CreatedAgain,
            topic_id_before: id_before.clone(),
            topic_id_after: id_after.clone(),
        };
        Ok(stored.iter().map(gap).collect())
    }

    /// So that the consumer group shows it. Returns at once; what goes wrong is of no consequence and only logged.
    fn durable(&self, positions: &Positions) {
        let spans = spans_of(positions, self.config.input);
        if !spans.is_empty() {
            self.keeper.committed(spans);
        }
    }

    /// As of a few seconds ago.
    fn lags(&self) -> Option<BTreeMap<Partition, u64>> {
        let input = self.config.input;
        let lag = |(number, place): (&u32, &ReadPlace)| {
            (Partition { input, number: *number }, place.end.saturating_sub(place.next))
        };
        Some(self.shared.places().iter().map(lag).collect())
    }
}

fn id_of(identity: &SourceIdentity) -> Option<String> {
    match identity {
        SourceIdentity::Kafka { topic_id, .. } => topic_id.clone(),
        SourceIdentity::Csv { .. } => None,
    }
}

fn consumer(config: &KafkaConfig, log: KafkaLog) -> Result<BaseConsumer<KafkaLog>, SourceError> {
    let settings = config.settings.consumer(&config.group)?;
    BaseConsumer::from_config_and_context(&settings, log).map_err(|error| refused(&error))
}

/// Why a topic could not be looked at.
#[derive(Debug)]
pub(crate) enum Unreached {
    /// The brokers say nothing of it to this user.
    Forbidden(SourceError),
    /// Anything else.
    Failed(SourceError),
}

impl From<SourceError> for Unreached {
    fn from(error: SourceError) -> Self {
        Self::Failed(error)
    }
}

impl From<Unreached> for SourceError {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::Forbidden(error) | Unreached::Failed(error) => error,
        }
    }
}

/// How many partitions `topic` has; `None` if there is no such topic.
///
/// # Errors
/// Brokers that do not answer within [`KAFKA_METADATA_TIMEOUT`], and why; or what they say is wrong with the topic.
pub(crate) fn reach(consumer: &BaseConsumer<KafkaLog>, brokers: &str, topic: &str) -> Result<Option<u32>, Unreached> {
    let looked = look(consumer, topic, KAFKA_METADATA_TIMEOUT).map_err(|error| {
        // Log lines wait in the queue until the consumer is polled; they tell why.
        while consumer.poll(std::time::Duration::ZERO).is_some() {}
        let error = Offsets { consumer, topic }.failed(&format!("reach the brokers {brokers}"), &error);
        SourceError::new(format!("{error}; check --brokers, and security settings given by -X"))
    })?;
    looked.map_err(|code| {
        let said =
            |what_to_do| SourceError::new(format!("Kafka topic {topic}: {brokers} say of it: {code}; {what_to_do}"));
        match code {
            RDKafkaErrorCode::TopicAuthorizationFailed => {
                Unreached::Forbidden(said("give this user the right to describe and to read or write it"))
            }
            code if passes(code) => Unreached::Failed(said("it passes by itself; try again")),
            _ => Unreached::Failed(said("name another topic, or mend this one")),
        }
    })
}

/// What to say of a topic of dead letters that is not there.
pub(crate) fn no_topic_to_resend_to(brokers: &str, topic: &str) -> SourceError {
    SourceError::new(format!("Kafka at {brokers} has no topic {topic}; create it, or name another with --to-topic"))
}

/// What to say of a topic that is not there.
pub(crate) fn no_topic(brokers: &str, topic: &str) -> SourceError {
    SourceError::new(format!(
        "Kafka at {brokers} has no topic {topic}; create it (`viewtide replay --partitions N` does), or name another with \
         --topic"
    ))
}

/// What to say of a topic of videos that was named and is not there.
fn no_videos_topic(brokers: &str, topic: &str) -> SourceError {
    SourceError::new(format!("Kafka at {brokers} has no topic {topic}; create it, or name another with --videos-topic"))
}

/// How many partitions `topic` has; `None` if there is no such topic.
pub(crate) fn known_partitions(
    consumer: &BaseConsumer<KafkaLog>,
    topic: &str,
    timeout: std::time::Duration,
) -> KafkaResult<Option<u32>> {
    look(consumer, topic, timeout)?.map_err(KafkaError::MetadataFetch)
}

/// The same, or what the brokers say is wrong with the topic.
fn look(
    consumer: &BaseConsumer<KafkaLog>,
    topic: &str,
    timeout: std::time::Duration,
) -> KafkaResult<Result<Option<u32>, RDKafkaErrorCode>> {
    let metadata = consumer.fetch_metadata(Some(topic), timeout)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(Ok(None)) };
    Ok(match found.error().map(RDKafkaErrorCode::from) {
        None => Ok(Some(found.partitions().len() as u32)),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(code),
    })
}

#[cfg(test)]
#[path = "kafka_tests/mod.rs"]
mod tests;
