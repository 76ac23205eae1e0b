//! Against the broker that librdkafka pretends to be; creating topics is tested against a real one.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::source::csv::CsvSource;
use crate::source::kafka::{KafkaConfig, KafkaSource, Start};
use crate::source::{DeadLetter, Feed, Input, Positions, Share, Source, SourceBatch, SourceEvent};
use viewtide_dataflows::snapshot::Record;

const TOPIC: &str = "youtube_stats";
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample_10min.csv");
const HOUR: i64 = 3_600_000_000;

fn cluster(partitions: i32) -> MockCluster<'static, DefaultProducerContext> {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(TOPIC, partitions, 1).unwrap();
    mock
}

fn config(mock: &MockCluster<'static, DefaultProducerContext>, files: &[&str]) -> ReplayConfig {
    ReplayConfig {
        settings: KafkaSettings { brokers: mock.bootstrap_servers(), overrides: Vec::new() },
        topic: TOPIC.to_owned(),
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        partitions: None,
        pace: Pace::FlatOut,
    }
}

fn run(config: &ReplayConfig) -> (Result<ReplaySummary, ReplayError>, Vec<ReplayEvent>) {
    let mut events = Vec::new();
    let outcome = replay(config, &AtomicBool::new(false), &mut |event| events.push(event));
    (outcome, events)
}

/// All that a source has from its beginning to its end.
fn read(source: impl Source) -> SourceBatch {
    let (sender, events) = sync_channel(8);
    let stop = Arc::new(AtomicBool::new(false));
    let feed = Feed::new(sender, stop.clone(), Box::new(|| {}));
    let mut all = SourceBatch::default();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || source.read(Share { index: 0, peers: 1 }, &Positions::new(), &feed));
        for event in events {
            match event {
                SourceEvent::Batch(batch) => {
                    all.records.extend(batch.records);
                    all.metadata.extend(batch.metadata);
                    all.dead_letters.extend(batch.dead_letters);
                }
                SourceEvent::End => stop.store(true, Ordering::Relaxed),
                SourceEvent::Failed(error) => panic!("{error}"),
            }
        }
        reader.join().unwrap().unwrap();
    });
    all
}

fn read_topic(mock: &MockCluster<'static, DefaultProducerContext>) -> SourceBatch {
    let config = KafkaConfig {
        input: Input::Snapshots,
        settings: KafkaSettings { brokers: mock.bootstrap_servers(), overrides: Vec::new() },
        topic: TOPIC.to_owned(),
        group: "viewtide".to_owned(),
        start: Start::Earliest,
        future_max_us: HOUR,
    };
    read(KafkaSource::open(config).unwrap())
}

fn read_csv(path: &str) -> SourceBatch {
    let source = CsvSource::open(&[path.to_owned()], HOUR).unwrap();
    source.set_clock(jiff::Timestamp::now().as_microsecond());
    read(source)
}

/// Records of each video in their order, without their places.
fn by_video(records: &[Record]) -> BTreeMap<u64, Vec<String>> {
    let mut videos: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        let shown = format!("{:?} {:?}", record.snapshot, record.file_source);
        videos.entry(record.video.0).or_default().push(shown);
    }
    videos
}

fn reasons(letters: &[DeadLetter]) -> Vec<&str> {
    let mut reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    reasons.sort_unstable();
    reasons
}

#[test]
fn a_replayed_file_is_the_file() {
    let mock = cluster(3);
    let (outcome, events) = run(&config(&mock, &[SAMPLE]));
    let summary = outcome.unwrap();
    assert_eq!(summary.progress, ReplayProgress { rows: 2_618, sent: 2_618, acknowledged: 2_618, left_out: 0 });
    assert!(summary.is_complete());
    assert!(matches!(events.last(), Some(ReplayEvent::Progress(last)) if *last == summary.progress));
    let (topic, csv) = (read_topic(&mock), read_csv(SAMPLE));
    assert_eq!(by_video(&topic.records), by_video(&csv.records));
    assert_eq!((topic.records.len(), topic.dead_letters.len()), (2_618, 0));
    // A video's records share a partition.
    let mut places: Vec<_> = topic.records.iter().map(|record| (record.video, record.place.partition)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 3);
}

#[test]
fn rows_that_are_no_snapshots_become_the_same_dead_letters_and_broken_ones_are_left_out() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        b"timestamp,video_id,viewCount,likeCount,file_source\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,1,007,\"a \"\"b\"\".csv\"\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,1e9,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,\"12,345\",,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,-1,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,10000000000000,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,99999999999999999999999999,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX5,1,,\n\
          2025-07-01T00:00:44Z,,1,,\n\
          0001-01-01T00:00:44Z,7tbWmYUZLX4,1,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,1,,a\0b\n\
          ,,,,\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4\n\
          2025-07-01T00:00:44Z,7tbWmYUZLX4,1,,\xff\n\
          2025-07-01T00:00:45Z,7tbWmYUZLX4,0,,\n",
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let mock = cluster(2);
    let (outcome, events) = run(&config(&mock, &[path]));
    let summary = outcome.unwrap();
    assert_eq!(summary.progress, ReplayProgress { rows: 15, sent: 13, acknowledged: 13, left_out: 2 });
    assert!(!summary.is_complete());
    let left_out: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ReplayEvent::LeftOut { file, line, reason } => Some((file.as_str(), *line, reason.as_str())),
            ReplayEvent::Progress(_) => None,
        })
        .collect();
    assert_eq!(
        left_out,
        [(path, 14, "the row has 2 fields, the header 5"), (path, 15, "not UTF-8: the byte at 36 is invalid"),]
    );
    let (topic, csv) = (read_topic(&mock), read_csv(path));
    assert_eq!(by_video(&topic.records), by_video(&csv.records));
    assert_eq!(topic.records.len(), 2);
    let mut all = reasons(&topic.dead_letters);
    all.extend(left_out.iter().map(|(_, _, reason)| *reason));
    all.sort_unstable();
    assert_eq!(all, reasons(&csv.dead_letters));
}

#[test]
fn a_record_that_is_not_acknowledged_fails_the_replay() {
    let mock = cluster(1);
    mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 100]);
    let (outcome, _) = run(&config(&mock, &[SAMPLE]));
    match outcome.unwrap_err() {
        ReplayError::NotAcknowledged { progress, why, .. } => {
            assert!(progress.acknowledged < progress.sent, "{progress:?}");
            assert!(why.contains("Topic authorization failed"), "{why}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_damaged_file_is_found_before_anything_is_sent() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&std::fs::read(SAMPLE).unwrap()).unwrap();
    let packed = packed.finish().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&packed[..packed.len() / 2]).unwrap();
    let mock = cluster(1);
    let (outcome, _) = run(&config(&mock, &[SAMPLE, file.path().to_str().unwrap()]));
    assert!(outcome.unwrap_err().to_string().contains("cut short"));
    assert!(read_topic(&mock).records.is_empty());
}

#[test]
fn a_file_given_twice_is_refused_as_it_is_where_it_is_read() {
    let mock = cluster(1);
    let (outcome, _) = run(&config(&mock, &[SAMPLE, SAMPLE]));
    let refused = outcome.unwrap_err().to_string();
    assert!(refused.ends_with("sample_10min.csv is given twice; name each file once"), "{refused}");
    let read = CsvSource::open(&[SAMPLE.to_owned(), SAMPLE.to_owned()], HOUR).unwrap_err();
    assert_eq!(refused, read.to_string());
    assert!(read_topic(&mock).records.is_empty());
}

#[test]
fn what_a_file_says_of_videos_is_replayed_as_well() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(
        "timestamp,trending_date,video_id,views,title,channelId,channel_name,categoryId,publish_time\n\
         2025-07-01T00:00:44Z,17.14.11,7tbWmYUZLX4,1,\"a \"\"b\"\" 🎵\",UC1,B,022,2025-06-30T14:00:06+02:00\n\
         ,17.14.11,7tbWmYUZLX4,2,A,,,22,#NAME?\n\
         never,17.14.11,7tbWmYUZLX4,3,A,,,22,\n\
         ,17.15.11,7tbWmYUZLX4,4,,,,,\n"
            .as_bytes(),
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let mock = cluster(1);
    let (outcome, _) = run(&config(&mock, &[path]));
    assert!(outcome.unwrap().is_complete());
    let (topic, csv) = (read_topic(&mock), read_csv(path));
    assert_eq!(by_video(&topic.records), by_video(&csv.records));
    assert_eq!(reasons(&topic.dead_letters), reasons(&csv.dead_letters));
    assert_eq!((topic.records.len(), topic.dead_letters.len(), topic.metadata.len()), (3, 1, 1));
    assert_eq!(topic.metadata, csv.metadata);
}

#[test]
fn a_topic_that_is_not_there_is_said() {
    let mock = cluster(1);
    let (outcome, _) = run(&ReplayConfig { topic: "other".to_owned(), ..config(&mock, &[SAMPLE]) });
    assert!(outcome.unwrap_err().to_string().contains("has no topic other; create it"));
}

#[test]
fn a_replay_that_is_stopped_ends_with_what_was_acknowledged() {
    let mock = cluster(1);
    let stop = AtomicBool::new(false);
    let config = ReplayConfig { pace: Pace::PerSecond(100.0), ..config(&mock, &[SAMPLE]) };
    let summary = replay(&config, &stop, &mut |event| {
        if matches!(event, ReplayEvent::Progress(progress) if progress.sent >= 20) {
            stop.store(true, Ordering::Relaxed);
        }
    })
    .unwrap();
    assert!(summary.stopped && !summary.is_complete());
    assert_eq!(summary.progress.sent, summary.progress.acknowledged);
    // At a hundred a second, and a look every tenth of a second.
    assert!((20..1_000).contains(&summary.progress.sent), "{summary:?}");
    assert_eq!(read_topic(&mock).records.len() as u64, summary.progress.sent);
}
