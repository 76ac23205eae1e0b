//! Sending: an idempotent producer whose acknowledgements are counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer};
use tracing::info;

use super::ReplayError;
use crate::limits::{KAFKA_METADATA_TIMEOUT, KAFKA_REFRESH_INTERVAL, REPLAY_STOP_MAX};
use crate::source::SourceError;
use crate::source::kafka::{known_partitions, reach};
use crate::source::kafka_log::KafkaLog;
use crate::source::kafka_settings::{KafkaSettings, refused};

/// How long to wait until the client has room again; it sends far more than its queue holds in a second.
const FULL_QUEUE_POLL: Duration = Duration::from_millis(1);

/// A record on its way to a topic.
pub(crate) struct Outgoing<'a> {
    /// The topic; one of those that the sender was connected for.
    pub(crate) topic: &'a str,
    /// Decides on the partition.
    pub(crate) key: Option<&'a [u8]>,
    /// The record itself.
    pub(crate) value: &'a [u8],
    /// Its time, milliseconds since 1970; the time of sending where absent.
    pub(crate) timestamp_ms: Option<i64>,
}

/// What to do about a topic that is not there.
#[derive(Clone, Copy)]
pub(crate) enum Missing {
    /// Create it with so many partitions.
    Created(u32),
    /// Say so, in these words of brokers and topic.
    Said(fn(&str, &str) -> SourceError),
}

/// Why a record was not sent.
pub(crate) enum Unsent {
    /// No broker would take it.
    Refused(String),
    /// There is no point in sending more: the replay was stopped, or an earlier record has failed.
    Stopped,
}

/// What became of the records that were sent.
#[derive(Default)]
struct Deliveries {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    first_failure: Mutex<Option<String>>,
}

impl Deliveries {
    fn fail(&self, why: String) {
        self.first_failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }
}

/// Receives acknowledgements, and what the client has to say.
struct Context {
    log: KafkaLog,
    deliveries: Arc<Deliveries>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => drop(self.deliveries.acknowledged.fetch_add(1, Ordering::Relaxed)),
            Err((error, _)) => {
                self.deliveries.failed.fetch_add(1, Ordering::Relaxed);
                self.deliveries.fail(error.to_string());
            }
        }
    }
}

/// Sends records, each once.
pub(crate) struct Sender {
    producer: ThreadedProducer<Context, NoCustomPartitioner>,
    deliveries: Arc<Deliveries>,
    stopped_at: Option<Instant>,
}

impl Sender {
    /// Connects, and makes sure that `topics` are there; what is done about one that is not, `missing` says.
    pub(crate) fn connect<'t>(
        settings: &KafkaSettings,
        topics: impl IntoIterator<Item = &'t str>,
        missing: Missing,
    ) -> Result<Self, ReplayError> {
        let log = KafkaLog::default();
        let producer = settings.producer()?;
        for topic in topics {
            ensure_topic(settings, topic, missing, &log)?;
        }
        let deliveries = Arc::new(Deliveries::default());
        let context = Context { log, deliveries: deliveries.clone() };
        let producer =
            ThreadedProducer::from_config_and_context(&producer, context).map_err(|error| refused(&error))?;
        Ok(Self { producer, deliveries, stopped_at: None })
    }

    /// Hands a record to the client, waiting for room.
    pub(crate) fn send(&self, outgoing: &Outgoing<'_>, stop: &AtomicBool) -> Result<(), Unsent> {
        let mut record = BaseRecord::<[u8], [u8]>::to(outgoing.topic).payload(outgoing.value);
        record.key = outgoing.key;
        record.timestamp = outgoing.timestamp_ms;
        loop {
            if stop.load(Ordering::Relaxed) || self.deliveries.failed.load(Ordering::Relaxed) > 0 {
                return Err(Unsent::Stopped);
            }
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(FULL_QUEUE_POLL);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    return Err(Unsent::Refused(format!(
                        "a record of {} bytes is more than the client sends (-X message.max.bytes)",
                        outgoing.value.len()
                    )));
                }
                Err((error, _)) => {
                    // Counted as failed, so that the replay cannot end well.
                    self.deliveries.failed.fetch_add(1, Ordering::Relaxed);
                    self.deliveries.fail(error.to_string());
                    return Err(Unsent::Stopped);
                }
            }
        }
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.deliveries.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits for acknowledgements, for `timeout` at most; whether there is more to wait for. Once stopped it does not wait
    /// for ever for brokers that are away.
    pub(crate) fn waits(&mut self, timeout: Duration, stop: &AtomicBool) -> bool {
        // An error means that records are still under way, which their number tells as well.
        let _ = self.producer.flush(timeout);
        if stop.load(Ordering::Relaxed) {
            let stopped_at = *self.stopped_at.get_or_insert_with(Instant::now);
            if stopped_at.elapsed() >= REPLAY_STOP_MAX {
                return false;
            }
        }
        self.producer.in_flight_count() > 0
    }

    /// The first failure.
    pub(crate) fn why(&self) -> String {
        let first = self.deliveries.first_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        first.or_else(|| self.producer.context().log.last_trouble()).unwrap_or_else(|| "stopped".to_owned())
    }
}

fn ensure_topic(settings: &KafkaSettings, topic: &str, missing: Missing, log: &KafkaLog) -> Result<(), ReplayError> {
    let brokers = &settings.brokers;
    // A consumer, since to ask as a producer would make some brokers create the topic with their own defaults.
    let consumer =
        BaseConsumer::from_config_and_context(&settings.admin()?, log.clone()).map_err(|error| refused(&error))?;
    match (reach(&consumer, brokers, topic).map_err(SourceError::from)?, missing) {
        (None, Missing::Said(no_topic)) => Err(no_topic(brokers, topic).into()),
        (None, Missing::Created(partitions)) => create_topic(settings, topic, partitions, log, &consumer),
        (Some(found), Missing::Created(asked)) if found != asked => {
            info!(topic, found, asked, "the topic is there already and is left as it is");
            Ok(())
        }
        (Some(_), _) => Ok(()),
    }
}

fn create_topic(
    settings: &KafkaSettings,
    topic: &str,
    partitions: u32,
    log: &KafkaLog,
    consumer: &BaseConsumer<KafkaLog>,
) -> Result<(), ReplayError> {
    let failed = |why: &dyn std::fmt::Display| ReplayError::Topic { topic: topic.to_owned(), why: why.to_string() };
    let admin =
        AdminClient::from_config_and_context(&settings.admin()?, log.clone()).map_err(|error| refused(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let partitions = i32::try_from(partitions).map_err(|error| failed(&error))?;
    // As many replicas as the brokers take for their default.
    let new = [NewTopic::new(topic, partitions, TopicReplication::Fixed(-1))];
    let options = AdminOptions::new().operation_timeout(Some(KAFKA_METADATA_TIMEOUT));
    let created = runtime.block_on(admin.create_topics(&new, &options)).map_err(|error| failed(&error))?;
    for result in created {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(failed(&code)),
        }
    }
    // Brokers learn of a topic one after the other.
    let start = Instant::now();
    while start.elapsed() < KAFKA_METADATA_TIMEOUT {
        if known_partitions(consumer, topic, KAFKA_REFRESH_INTERVAL).is_ok_and(|known| known.is_some()) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(failed(&"it was created, but the brokers do not know it yet; try again"))
}
