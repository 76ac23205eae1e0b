//! Against the broker that librdkafka pretends to be. What it cannot do (transactions, added partitions, times) is tested
//! against a real one.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use viewtide_dataflows::metadata::MetadataSource;
use viewtide_dataflows::snapshot::Place;

use super::super::{DeadLetter, Gap, LostReason, Partition, SourceBatch, SourceEvent, Span};
use super::*;
use crate::limits::{ITEM_KEY_BYTES_MAX, OVERSIZED_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

mod lost;
mod videos_topic;

const TOPIC: &str = "youtube_stats";
const VIDEOS: &str = "youtube_videos";
const PATIENCE: Duration = Duration::from_secs(20);
/// 2025-07-01T00:00:00Z.
const ARRIVED_MS: i64 = 1_751_328_000_000;

struct Cluster {
    mock: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
}

impl Cluster {
    fn new(partitions: i32) -> Self {
        let mock = MockCluster::new(1).unwrap();
        mock.create_topic(TOPIC, partitions, 1).unwrap();
        let producer = rdkafka::ClientConfig::new()
            .set("bootstrap.servers", mock.bootstrap_servers())
            .set("message.max.bytes", "10000000")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        Self { mock, producer }
    }

    fn config(&self, topic: &str) -> KafkaConfig {
        KafkaConfig {
            input: Input::Snapshots,
            settings: KafkaSettings { brokers: self.mock.bootstrap_servers(), overrides: Vec::new() },
            topic: topic.to_owned(),
            group: "viewtide".to_owned(),
            start: Start::Earliest,
            future_max_us: 3_600_000_000,
        }
    }

    fn source(&self) -> Arc<KafkaSource> {
        Arc::new(KafkaSource::open(self.config(TOPIC)).unwrap())
    }

    /// A source of videos, which are on the topic of that name.
    fn videos(&self) -> Arc<KafkaSource> {
        let start = Start::At(1_000 * ARRIVED_MS + 1);
        Arc::new(KafkaSource::open(KafkaConfig { input: Input::VideosTopic, start, ..self.config(VIDEOS) }).unwrap())
    }

    fn send(&self, partition: i32, value: Option<&[u8]>) {
        self.send_to(TOPIC, partition, b"key", value);
    }

    fn send_to(&self, topic: &str, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).key(key).timestamp(ARRIVED_MS);
        if let Some(value) = value {
            record = record.payload(value);
        }
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
    }

    /// Sends `count` good records to each of `partitions`; their views are `first`, and so on.
    fn send_good(&self, partitions: i32, first: u64, count: u64) {
        for partition in 0..partitions {
            for views in first..first + count {
                self.send(partition, Some(good(views).as_bytes()));
            }
        }
        self.flush();
    }

    fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }
}

fn good(views: u64) -> String {
    format!(r#"{{"timestamp":"2025-07-01 00:00:44","video_id":"7tbWmYUZLX4","viewCount":{views}}}"#)
}

/// A reader on a thread of its own.
struct Running {
    events: Receiver<SourceEvent>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Result<(), SourceError>>>,
    read: SourceBatch,
    ends: usize,
}

impl Running {
    fn new<S: Source>(source: &Arc<S>, index: u32, peers: u32, stored: Positions) -> Self {
        let (sender, events) = sync_channel(8);
        let stop = Arc::new(AtomicBool::new(false));
        let feed = Feed::new(sender, stop.clone(), Box::new(|| {}));
        let source = source.clone();
        let thread = std::thread::spawn(move || source.read(Share { index, peers }, &stored, &feed));
        Self { events, stop, thread: Some(thread), read: SourceBatch::default(), ends: 0 }
    }

    /// Receives until `enough`.
    fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !enough(self) {
            let left = PATIENCE.checked_sub(start.elapsed()).expect("the reader hands over what is awaited");
            match self.events.recv_timeout(left).expect("the reader hands over what is awaited") {
                SourceEvent::Batch(batch) => {
                    for (partition, span) in &batch.positions {
                        let before = self.read.positions.insert(*partition, *span);
                        assert!(before.is_none_or(|before| before.next <= span.next && before.first == span.first));
                    }
                    self.read.gaps.extend(batch.gaps);
                    self.read.records.extend(batch.records);
                    self.read.metadata.extend(batch.metadata);
                    self.read.dead_letters.extend(batch.dead_letters);
                }
                SourceEvent::End => self.ends += 1,
                SourceEvent::Failed(error) => panic!("{error}"),
            }
        }
    }

    fn until_end(&mut self) {
        self.until(|running| running.ends == 1);
    }

    /// (offset, views) of one partition, in the order in which they came.
    fn of(&self, partition: u32) -> Vec<(u64, u64)> {
        let records = self.read.records.iter().filter(|record| record.place.partition == partition);
        records.map(|record| (record.place.offset, record.snapshot.counts[0].get().unwrap() as u64)).collect()
    }

    /// Tells the reader to stop, and what it says at its end.
    fn stop(&mut self) -> Result<(), SourceError> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }

    /// What the reader says once it ends by itself.
    fn outcome(&mut self) -> Result<(), SourceError> {
        let start = Instant::now();
        while !self.thread.as_ref().unwrap().is_finished() {
            assert!(start.elapsed() < PATIENCE, "the reader ends");
            let _ = self.events.recv_timeout(Duration::from_millis(10));
        }
        self.thread.take().unwrap().join().unwrap()
    }
}

fn counted(range: std::ops::Range<u64>) -> Vec<(u64, u64)> {
    range.map(|number| (number, number)).collect()
}

fn of_snapshots<const N: usize>(spans: [(u32, Span); N]) -> Positions {
    spans.into_iter().map(|(number, span)| (Partition::of_snapshots(number), span)).collect()
}

fn span(first: u64, next: u64) -> Span {
    Span { first, next }
}

#[test]
fn two_readers_read_every_partition_once_and_in_order() {
    let cluster = Cluster::new(5);
    cluster.send_good(5, 0, 1_000);
    let source = cluster.source();
    let mut readers: Vec<_> = (0..2).map(|index| Running::new(&source, index, 2, Positions::new())).collect();
    readers.iter_mut().for_each(Running::until_end);
    for partition in 0..5 {
        assert_eq!(readers[partition as usize % 2].of(partition), counted(0..1_000), "{partition}");
        assert_eq!(readers[partition as usize % 2].read.positions[&Partition::of_snapshots(partition)], span(0, 1_000));
    }
    let total: usize = readers.iter().map(|reader| reader.read.records.len()).sum();
    assert_eq!(total, 5_000);
    assert_eq!(source.lag(), Some(0));
    for reader in &mut readers {
        let start = Instant::now();
        reader.stop().unwrap();
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}

#[test]
fn a_reader_without_partitions_is_at_the_end_at_once() {
    let cluster = Cluster::new(1);
    cluster.send_good(1, 0, 3);
    let mut reader = Running::new(&cluster.source(), 1, 2, Positions::new());
    reader.until_end();
    assert!(reader.read.records.is_empty() && reader.read.positions.is_empty());
    reader.stop().unwrap();
}

#[test]
fn empty_partitions_are_announced() {
    let cluster = Cluster::new(2);
    let mut reader = Running::new(&cluster.source(), 0, 1, Positions::new());
    reader.until_end();
    assert_eq!(reader.read.positions, of_snapshots([(0, span(0, 0)), (1, span(0, 0))]));
    reader.stop().unwrap();
}

#[test]
fn reading_goes_on_at_the_stored_offset_and_a_new_partition_at_its_beginning() {
    let cluster = Cluster::new(2);
    cluster.send_good(2, 0, 100);
    let mut reader = Running::new(&cluster.source(), 0, 1, of_snapshots([(1, span(7, 42))]));
    reader.until_end();
    assert_eq!(reader.of(0), counted(0..100));
    assert_eq!(reader.of(1), counted(42..100));
    assert_eq!(reader.read.positions, of_snapshots([(0, span(0, 100)), (1, span(7, 100))]));
    reader.stop().unwrap();
}

#[test]
fn what_comes_after_the_end_is_read_and_the_end_is_said_once() {
    let cluster = Cluster::new(2);
    cluster.send_good(2, 0, 10);
    let mut reader = Running::new(&cluster.source(), 0, 1, Positions::new());
    reader.until_end();
    for round in 1..=3 {
        cluster.send_good(2, 10 * round, 10);
        reader.until(|reader| reader.read.records.len() == 20 * (round as usize + 1));
    }
    assert_eq!(reader.of(0), counted(0..40));
    assert_eq!(reader.ends, 1);
    reader.stop().unwrap();
}

#[test]
fn what_is_no_snapshot_is_a_dead_letter_among_the_good_records() {
    let cluster = Cluster::new(1);
    let too_large = vec![b' '; RECORD_BYTES_MAX + 1];
    let late = good(1).replace("00:00:44", "02:00:00");
    cluster.send(0, Some(good(0).as_bytes()));
    for bad in [None, Some(&b""[..]), Some(b"\xff"), Some(b"{"), Some(&too_large), Some(late.as_bytes())] {
        cluster.send(0, bad);
    }
    cluster.send(0, Some(good(7).as_bytes()));
    cluster.flush();
    let mut reader = Running::new(&cluster.source(), 0, 1, Positions::new());
    reader.until_end();
    assert_eq!(reader.of(0), [(0, 0), (7, 7)]);
    assert_eq!(reader.read.positions[&Partition::of_snapshots(0)], span(0, 8));
    let letters = &reader.read.dead_letters;
    let told: Vec<_> = letters.iter().map(|letter| (letter.offset, letter.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "the record has no value (a tombstone)"),
            (2, "the record is empty"),
            (3, "not UTF-8: the byte at 0 is invalid"),
            (4, "not JSON: EOF while parsing an object at line 1 column 1"),
            (5, "the record has 1048580 bytes, more than the 1048576 allowed; its first 64 KiB are kept"),
            (6, "timestamp 2025-07-01 02:00:00: more than 1h after the record's Kafka timestamp, 2025-07-01T00:00:00Z"),
        ]
    );
    let payloads: Vec<_> = letters.iter().map(|letter| letter.payload.as_ref().map(Vec::len)).collect();
    assert_eq!(payloads, [None, Some(0), Some(1), Some(1), Some(OVERSIZED_PAYLOAD_BYTES_MAX), Some(late.len())]);
    let DeadLetter { topic, partition, item, key, .. } = &letters[0];
    assert_eq!((topic.as_str(), *partition, *item, key.as_deref()), (TOPIC, 0, 0, Some(&b"key"[..])));
    assert_eq!(reader.read.records[1].place, Place { partition: 0, offset: 7, item: 0 });
    reader.stop().unwrap();
}

#[test]
fn a_response_is_as_many_snapshots_as_it_has_items() {
    let cluster = Cluster::new(1);
    let response = include_bytes!("../../../tests/data/videos_list.json");
    let bad_item = include_bytes!("../../../tests/data/videos_list_bad_item.json");
    let empty = br#"{"kind":"youtube#videoListResponse","items":[]}"#;
    let long_key = vec![b'k'; ITEM_KEY_BYTES_MAX + 1];
    for (key, value) in [(&b"key"[..], &response[..]), (b"key", bad_item), (&long_key, bad_item), (b"key", empty)] {
        cluster.send_to(TOPIC, 0, key, Some(value));
    }
    cluster.flush();
    let mut reader = Running::new(&cluster.source(), 0, 1, Positions::new());
    reader.until_end();
    let place = |offset, item| Place { partition: 0, offset, item };
    let expected: Vec<_> = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 3), (2, 1), (2, 3)]
        .map(|(offset, item)| place(offset, item))
        .into();
    let places: Vec<_> = reader.read.records.iter().map(|record| record.place).collect();
    assert_eq!(places, expected);
    assert!(reader.read.records.iter().all(|record| record.snapshot.time == 1_000 * ARRIVED_MS));
    let known: Vec<_> = reader.read.metadata.iter().map(|record| record.place).collect();
    assert_eq!(known, expected);
    assert!(reader.read.metadata.iter().all(|record| record.source == MetadataSource::Snippet));
    let letters = &reader.read.dead_letters;
    assert_eq!(letters.iter().map(|letter| (letter.offset, letter.item)).collect::<Vec<_>>(), [(1, 2), (2, 2)]);
    assert!(letters[0].reason.ends_with("not 1.2M"), "{}", letters[0].reason);
    let bad: serde_json::Value = serde_json::from_slice(letters[0].payload.as_ref().unwrap()).unwrap();
    assert_eq!((&bad["id"], letters[0].key.as_deref()), (&"x_BjvhMW9TE".into(), Some(&b"key"[..])));
    assert_eq!(letters[1].key.as_ref().map(Vec::len), Some(ITEM_KEY_BYTES_MAX));
    assert_eq!(reader.read.positions[&Partition::of_snapshots(0)], span(0, 4));
    reader.stop().unwrap();
}

#[test]
fn a_broker_that_goes_away_and_comes_back_is_waited_for() {
    let cluster = Cluster::new(1);
    cluster.send_good(1, 0, 10);
    let mut reader = Running::new(&cluster.source(), 0, 1, Positions::new());
    reader.until_end();
    cluster.mock.broker_down(1).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(!reader.thread.as_ref().unwrap().is_finished());
    cluster.mock.broker_up(1).unwrap();
    cluster.send_good(1, 10, 10);
    reader.until(|reader| reader.read.records.len() == 20);
    assert_eq!(reader.of(0), counted(0..20));
    reader.stop().unwrap();
}

#[test]
fn a_broker_that_is_away_when_a_reader_starts_is_waited_for() {
    let cluster = Cluster::new(2);
    cluster.send_good(2, 0, 10);
    let source = cluster.source();
    cluster.mock.broker_down(1).unwrap();
    let mut reader = Running::new(&source, 0, 1, Positions::new());
    std::thread::sleep(Duration::from_secs(2));
    cluster.mock.broker_up(1).unwrap();
    reader.until(|reader| reader.read.records.len() == 20);
    assert_eq!(reader.of(0), counted(0..10));
    reader.stop().unwrap();
}

#[test]
fn a_stop_is_quick_while_the_broker_is_away() {
    let cluster = Cluster::new(1);
    let source = cluster.source();
    let mut reader = Running::new(&source, 0, 1, Positions::new());
    reader.until_end();
    cluster.mock.broker_down(1).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    reader.stop().unwrap();
    drop((reader, source));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn a_topic_that_is_not_there_is_said_at_the_start() {
    let cluster = Cluster::new(1);
    let error = KafkaSource::open(cluster.config("other")).err().unwrap().to_string();
    assert!(error.contains("has no topic other; create it"), "{error}");
}

#[test]
fn brokers_that_are_not_there_are_said_within_seconds() {
    let cluster = Cluster::new(1);
    let mut config = cluster.config(TOPIC);
    config.settings.brokers = "127.0.0.1:1".to_owned();
    let start = Instant::now();
    let error = KafkaSource::open(config).err().unwrap().to_string();
    assert!(start.elapsed() < KAFKA_METADATA_TIMEOUT + Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(error.contains("cannot reach the brokers 127.0.0.1:1"), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn the_group_is_told_what_is_durable() {
    let cluster = Cluster::new(2);
    cluster.send_good(2, 0, 10);
    let source = cluster.source();
    source.durable(&of_snapshots([(0, span(0, 3)), (1, span(0, 9))]));
    drop(source);
    let group: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", cluster.mock.bootstrap_servers())
        .set("group.id", "viewtide")
        .create()
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_range(TOPIC, 0, 1);
    let committed = group.committed_offsets(list, PATIENCE).unwrap();
    let offsets: Vec<_> = committed.elements().iter().map(|element| element.offset()).collect();
    assert_eq!(offsets, [Offset::Offset(3), Offset::Offset(9)]);
}

#[test]
fn the_identity_names_cluster_and_topic() {
    let cluster = Cluster::new(1);
    let source = cluster.source();
    let SourceIdentity::Kafka { cluster_id, topic, topic_id } = source.identity() else {
        panic!("Kafka has an identity of Kafka")
    };
    assert!(cluster_id.starts_with(PRETENDED_CLUSTER));
    assert_eq!(topic, TOPIC);
    assert_eq!(*topic_id, None);
}

#[test]
fn lag_is_what_was_not_read_yet() {
    let cluster = Cluster::new(1);
    cluster.send_good(1, 0, 10);
    let source = cluster.source();
    let mut reader = Running::new(&source, 0, 1, Positions::new());
    reader.until_end();
    reader.stop().unwrap();
    cluster.send_good(1, 10, 5);
    let start = Instant::now();
    while source.lag() != Some(5) {
        assert!(start.elapsed() < PATIENCE, "{:?}", source.lag());
        std::thread::sleep(Duration::from_millis(50));
    }
}
