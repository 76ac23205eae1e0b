//! The Kafka source and `replay` against a real broker: what the broker that librdkafka pretends to be cannot do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use viewtide::replay::{Pace, ReplayConfig, replay};
use viewtide::source::kafka::{KafkaConfig, KafkaSource, Start};
use viewtide::source::kafka_settings::KafkaSettings;
use viewtide::source::{
    Feed, Input, Partition, Positions, Share, Source, SourceBatch, SourceError, SourceEvent, SourceIdentity, Span,
};

use crate::harness::kafka::{self, Kafka, Message};

const PATIENCE: Duration = Duration::from_secs(30);
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample_10min.csv");

fn settings(kafka: &Kafka) -> KafkaSettings {
    KafkaSettings { brokers: kafka.brokers(), overrides: Vec::new() }
}

fn source(kafka: &Kafka, topic: &str, start: Start) -> Arc<KafkaSource> {
    let config = KafkaConfig {
        input: Input::Snapshots,
        settings: settings(kafka),
        topic: topic.to_owned(),
        group: format!("viewtide-{topic}"),
        start,
        future_max_us: i64::MAX,
    };
    Arc::new(KafkaSource::open(config).expect("the source opens"))
}

fn value(views: u64) -> String {
    format!(r#"{{"timestamp":"2025-07-01 00:00:44","video_id":"7tbWmYUZLX4","viewCount":{views}}}"#)
}

fn produce(kafka: &Kafka, topic: &str, partition: i32, views: std::ops::Range<u64>, timestamp_ms: Option<i64>) {
    let values: Vec<_> = views.map(value).collect();
    kafka.produce(
        topic,
        values.iter().map(|value| Message {
            partition: Some(partition),
            value: Some(value.as_bytes()),
            timestamp_ms,
            ..Message::default()
        }),
    );
}

fn of_snapshots<const N: usize>(spans: [(u32, Span); N]) -> Positions {
    spans.into_iter().map(|(number, span)| (Partition::of_snapshots(number), span)).collect()
}

fn span(first: u64, next: u64) -> Span {
    Span { first, next }
}

/// A reader on a thread of its own, and all that it handed over.
struct Running {
    events: Receiver<SourceEvent>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), SourceError>>,
    read: SourceBatch,
    ended: bool,
}

impl Running {
    fn new(source: &Arc<KafkaSource>, share: Share, stored: Positions) -> Self {
        let (sender, events) = sync_channel(8);
        let stop = Arc::new(AtomicBool::new(false));
        let feed = Feed::new(sender, stop.clone(), Box::new(|| {}));
        let source = source.clone();
        let thread = std::thread::spawn(move || source.read(share, &stored, &feed));
        Self { events, stop, thread, read: SourceBatch::default(), ended: false }
    }

    fn alone(source: &Arc<KafkaSource>, stored: Positions) -> Self {
        Self::new(source, Share { index: 0, peers: 1 }, stored)
    }

    fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !enough(self) {
            assert!(start.elapsed() < PATIENCE, "waited for {what}; read {:?}", self.read.positions);
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(SourceEvent::Batch(batch)) => {
                    self.read.records.extend(batch.records);
                    self.read.dead_letters.extend(batch.dead_letters);
                    self.read.positions.extend(batch.positions);
                }
                Ok(SourceEvent::End) => self.ended = true,
                Ok(SourceEvent::Failed(error)) => panic!("{error}"),
                Err(_) => assert!(!self.thread.is_finished(), "the reader ended while waiting for {what}"),
            }
        }
    }

    fn until_end(&mut self) {
        self.until("the end", |running| running.ended);
    }

    fn views(&self, partition: u32) -> Vec<i64> {
        let records = self.read.records.iter().filter(|record| record.place.partition == partition);
        records.map(|record| record.snapshot.counts[0].get().expect("views")).collect()
    }

    fn stop(self) -> SourceBatch {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic").expect("a clean end");
        self.read
    }

    /// What the reader says once it ends by itself.
    fn failure(self) -> String {
        let start = Instant::now();
        while !self.thread.is_finished() {
            assert!(start.elapsed() < PATIENCE, "waited for the reader to end");
            let _ = self.events.recv_timeout(Duration::from_millis(10));
        }
        self.thread.join().expect("no panic").expect_err("a failure").to_string()
    }
}

#[test]
fn a_topic_that_was_created_again_is_another_one() {
    let kafka = kafka::shared();
    let topic = kafka.fresh_topic("again", 1);
    let other = kafka.fresh_topic("again", 1);
    let identity = |topic: &str| source(kafka, topic, Start::Earliest).identity().clone();
    let id = |topic: &str| match identity(topic) {
        SourceIdentity::Kafka { cluster_id, topic_id, .. } => {
            assert_eq!(cluster_id.len(), 22, "{cluster_id}");
            topic_id.expect("a real broker gives ids")
        }
        SourceIdentity::Csv { .. } => panic!("Kafka has an identity of Kafka"),
    };
    let before = id(&topic);
    assert_eq!(before.len(), 22, "{before}");
    assert_eq!(id(&topic), before);
    assert_ne!(id(&other), before);
    produce(kafka, &topic, 0, 0..10, None);
    let reading = source(kafka, &topic, Start::Earliest);
    let mut reader = Running::alone(&reading, Positions::new());
    reader.until_end();
    kafka.delete_topic(&topic);
    kafka.create_topic(&topic, 1);
    produce(kafka, &topic, 0, 100..120, None);
    let failure = reader.failure();
    assert!(failure.contains(&topic) && failure.contains("created again"), "{failure}");
    assert_ne!(id(&topic), before);
}

#[test]
fn partitions_that_are_added_are_read_from_their_beginning_by_the_worker_they_belong_to() {
    let kafka = kafka::shared();
    let topic = kafka.fresh_topic("added", 1);
    produce(kafka, &topic, 0, 0..10, None);
    // Where the very first start begins does not concern partitions that come later.
    let source = source(kafka, &topic, Start::At(i64::MAX / 2));
    let mut readers = [0, 1].map(|index| Running::new(&source, Share { index, peers: 2 }, Positions::new()));
    readers.iter_mut().for_each(Running::until_end);
    assert!(readers[0].read.records.is_empty());
    assert_eq!(readers[0].read.positions, of_snapshots([(0, span(10, 10))]));
    assert_eq!(readers[1].read.positions, Positions::new());
    kafka.add_partitions(&topic, 4);
    for partition in 1..4 {
        // The brokers may take a moment until they take records.
        produce(kafka, &topic, partition, 0..100, None);
    }
    for (reader, ours) in readers.iter_mut().zip([vec![2], vec![1, 3]]) {
        reader.until("the new partitions", |running| running.read.records.len() == 100 * ours.len());
        for partition in ours {
            assert_eq!(reader.views(partition), (0..100).collect::<Vec<_>>());
            assert_eq!(reader.read.positions[&Partition::of_snapshots(partition)], span(0, 100));
        }
    }
    produce(kafka, &topic, 0, 10..20, None);
    readers[0].until("the old partition", |running| running.views(0).len() == 10);
    for reader in readers {
        reader.stop();
    }
}

#[test]
fn the_first_start_can_begin_at_a_time_and_later_ones_go_on() {
    let kafka = kafka::shared();
    let topic = kafka.fresh_topic("at", 3);
    for (partition, from) in [(0, 0), (1, 1_000_000)] {
        for step in 0..10 {
            produce(kafka, &topic, partition, step..step + 1, Some(1_751_328_000_000 + from + step as i64 * 1_000));
        }
    }
    // Just after the record of step 3 of partition 0: the next one is the first.
    let at = Start::At(1_751_328_003_000_001);
    let mut reader = Running::alone(&source(kafka, &topic, at), Positions::new());
    reader.until_end();
    assert_eq!(reader.views(0), (4..10).collect::<Vec<_>>());
    assert_eq!(reader.views(1), (0..10).collect::<Vec<_>>());
    let positions = of_snapshots([(0, span(4, 10)), (1, span(0, 10)), (2, span(0, 0))]);
    assert_eq!(reader.stop().positions, positions);
    // On a restart the time counts no more: what is not stored was added, and begins at its beginning.
    let mut reader = Running::alone(&source(kafka, &topic, at), of_snapshots([(1, span(0, 5))]));
    reader.until_end();
    assert_eq!(reader.views(0), (0..10).collect::<Vec<_>>());
    assert_eq!(reader.views(1), (5..10).collect::<Vec<_>>());
    reader.stop();
}

#[test]
fn marks_of_transactions_are_passed_and_what_was_aborted_is_not_read() {
    let kafka = kafka::shared();
    let topic = kafka.fresh_topic("transactions", 1);
    let producer: BaseProducer = kafka.client_config().set("transactional.id", &topic).create().expect("a producer");
    producer.init_transactions(PATIENCE).expect("transactions");
    let write = |views: std::ops::Range<u64>| {
        producer.begin_transaction().expect("begin");
        for views in views {
            let value = value(views);
            let record = BaseRecord::<[u8], [u8]>::to(&topic).partition(0).payload(value.as_bytes());
            producer.send(record).map_err(|(error, _)| error).expect("send");
        }
        producer.flush(PATIENCE).expect("flush");
    };
    write(0..5);
    producer.commit_transaction(PATIENCE).expect("commit");
    write(5..8);
    producer.abort_transaction(PATIENCE).expect("abort");
    write(8..10);
    producer.commit_transaction(PATIENCE).expect("commit");
    // 5 records and a mark, 3 records and a mark, 2 records and a mark.
    let reading = source(kafka, &topic, Start::Earliest);
    let mut reader = Running::alone(&reading, Positions::new());
    reader.until_end();
    assert_eq!(reader.views(0), [0, 1, 2, 3, 4, 8, 9]);
    reader
        .until("the last mark to be passed", |running| running.read.positions[&Partition::of_snapshots(0)].next == 13);
    assert_eq!(reading.lag(), Some(0));
    // To go on behind the last mark is to be at the end.
    let positions = reader.stop().positions;
    let mut reader = Running::alone(&reading, positions);
    reader.until_end();
    write(10..11);
    producer.commit_transaction(PATIENCE).expect("commit");
    reader.until("the next record", |running| !running.read.records.is_empty());
    assert_eq!(reader.views(0), [10]);
    // An open transaction is not the end of reading, only of what may be seen.
    write(11..12);
    let mut second = Running::alone(&reading, Positions::new());
    second.until_end();
    assert_eq!(second.views(0), [0, 1, 2, 3, 4, 8, 9, 10]);
    producer.commit_transaction(PATIENCE).expect("commit");
    second.until("the open transaction", |running| running.views(0).last() == Some(&11));
    second.stop();
    reader.stop();
}

#[test]
fn a_reader_waits_for_a_broker_that_was_killed() {
    let mut kafka = Kafka::start();
    let topic = kafka.fresh_topic("killed", 2);
    produce(&kafka, &topic, 0, 0..10, None);
    let reading = source(&kafka, &topic, Start::Earliest);
    let mut reader = Running::alone(&reading, Positions::new());
    reader.until_end();
    kafka.kill();
    std::thread::sleep(Duration::from_secs(3));
    kafka.restart();
    produce(&kafka, &topic, 0, 10..20, None);
    produce(&kafka, &topic, 1, 0..10, None);
    reader.until("the records after the restart", |running| running.read.records.len() == 30);
    assert_eq!(reader.views(0), (0..20).collect::<Vec<_>>());
    reader.stop();
}

#[test]
fn replay_creates_the_topic_and_sends_each_row_once() {
    let kafka = kafka::shared();
    let config = ReplayConfig {
        settings: settings(kafka),
        topic: "replayed".to_owned(),
        files: vec![SAMPLE.to_owned()],
        partitions: Some(3),
        pace: Pace::FlatOut,
    };
    for round in 1..=2 {
        let summary = replay(&config, &AtomicBool::new(false), &mut |_| {}).expect("a replay");
        assert!(summary.is_complete() && summary.progress.acknowledged == 2_618, "{summary:?}");
        let mut reader = Running::alone(&source(kafka, "replayed", Start::Earliest), Positions::new());
        reader.until_end();
        let read = reader.stop();
        assert_eq!((read.records.len(), read.dead_letters.len()), (round * 2_618, 0));
        assert_eq!(read.positions.len(), 3);
    }
}
