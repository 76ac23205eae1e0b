//! Programs that are wrong on purpose, and clocks that are: built in this process from the library's own parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use viewtide::engine::clock::Clock;
use viewtide::postgres::connect::DatabaseUrl;
use viewtide::run::{FUTURE_MAX_US_DEFAULT, Run};
use viewtide::source::kafka::{KafkaConfig, KafkaSource, Start};
use viewtide::source::kafka_settings::KafkaSettings;
use viewtide::source::{
    Feed, Input as SourceInput, Positions, Share, Source, SourceError, SourceEvent, SourceIdentity,
};

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::wait_for;
use crate::scenario::{Input, assert_verified, rows_of, send, topic_of, verify};

fn kafka_source(topic: &str) -> KafkaSource {
    open(&kafka::shared().brokers(), topic)
}

fn open(brokers: &str, topic: &str) -> KafkaSource {
    let settings = KafkaSettings { brokers: brokers.to_owned(), overrides: Vec::new() };
    KafkaSource::open(KafkaConfig {
        input: SourceInput::Snapshots,
        settings,
        topic: topic.to_owned(),
        group: "faults".to_owned(),
        start: Start::Earliest,
        future_max_us: FUTURE_MAX_US_DEFAULT,
    })
    .expect("open the topic")
}

fn run(source: impl Source, database: &Database) -> Run {
    Run { database: Some(DatabaseUrl::parse(&database.url()).expect("a URL")), ..Run::new(Arc::new(source)) }
}

/// A source that loses the record at one place on its way, as a faulty reader would.
struct Losing {
    inner: KafkaSource,
    partition: u32,
    offset: u64,
}

impl Source for Losing {
    fn identity(&self) -> &SourceIdentity {
        self.inner.identity()
    }

    fn read(&self, share: Share, stored: &Positions, feed: &Feed) -> Result<(), SourceError> {
        let (sender, events): (_, Receiver<SourceEvent>) = sync_channel(4);
        let stop = Arc::new(AtomicBool::new(false));
        let inner = Feed::new(sender, Arc::clone(&stop), Box::new(|| ()));
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || self.inner.read(share, stored, &inner));
            while !reading.is_finished() {
                let Ok(mut event) = events.recv_timeout(Duration::from_millis(10)) else {
                    stop.store(feed.stopped(), Ordering::Relaxed);
                    continue;
                };
                if let SourceEvent::Batch(batch) = &mut event {
                    batch.records.retain(|record| {
                        (record.place.partition, record.place.offset) != (self.partition, self.offset)
                    });
                }
                if !feed.send(event) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            reading.join().expect("the reader does not panic")
        })
    }
}

#[test]
fn a_record_lost_behind_the_source_is_found_and_named() {
    let rows: Vec<_> = rows_of("sample_10min.csv").into_iter().take(600).collect();
    let topic = topic_of("losing", 3, &rows);
    let database = Database::fresh();
    let offset = 17;
    let partition = (0..3)
        .find(|&partition| kafka::shared().end_offset(&topic, partition) > offset)
        .expect("a partition with enough records");
    let source = Losing { inner: kafka_source(&topic), partition: partition as u32, offset: offset as u64 };
    Run { exit_at_end: true, ..run(source, &database) }.run().expect("a run that knows nothing of its fault");

    verify(&database, None).expect_code(0);
    let found = verify(&database, Some(&Input::Topic(topic))).expect_code(1);
    assert!(found.stderr.contains(&format!("partition {partition}")), "{}", found.stderr);
    assert!(found.stderr.contains(&format!("offset {offset}")), "{}", found.stderr);
}

/// A source whose reader has a bug.
struct Panicking(KafkaSource);

impl Source for Panicking {
    fn identity(&self) -> &SourceIdentity {
        self.0.identity()
    }

    fn read(&self, _: Share, _: &Positions, _: &Feed) -> Result<(), SourceError> {
        panic!("a bug that a test put there");
    }
}

/// Set where this test binary runs once more, as the process that shall end.
const DOOMED: &str = "TEST_PANICS_ON_TOPIC";

#[test]
fn a_panic_in_any_thread_ends_the_process_with_its_cause() {
    if let (Ok(topic), Ok(url)) = (std::env::var(DOOMED), std::env::var("TEST_DATABASE")) {
        viewtide::cli::telemetry::abort_on_panic();
        let settings = std::env::var("TEST_BROKERS").expect("set with the others");
        let source = Panicking(open(&settings, &topic));
        let database = Some(DatabaseUrl::parse(&url).expect("a URL"));
        let ended = Run { database, ..Run::new(Arc::new(source)) }.run();
        panic!("the engine went on without its reader: {ended:?}");
    }
    let topic = kafka::shared().fresh_topic("panic", 1);
    let database = Database::fresh();
    let own_name = "faults::a_panic_in_any_thread_ends_the_process_with_its_cause";
    let doomed = std::process::Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", own_name, "--nocapture"])
        .env(DOOMED, &topic)
        .env("TEST_DATABASE", database.url())
        .env("TEST_BROKERS", kafka::shared().brokers())
        .output()
        .expect("run this binary once more");
    let said = String::from_utf8_lossy(&doomed.stderr);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&doomed.status), Some(6), "SIGABRT; it said: {said}");
    assert!(said.contains("thread 'reader-0' panicked") && said.contains("a bug that a test put there"), "{said}");
}

/// A clock that is ahead of the machine's by what was turned.
struct TurnedClock(AtomicI64);

impl Clock for TurnedClock {
    fn now_us(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond() + self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn commits_go_on_when_the_clock_is_set_back_an_hour_and_forward_a_day() {
    const HOUR_US: i64 = 3_600_000_000;
    let rows: Vec<_> = rows_of("sample_10min.csv").into_iter().take(400).collect();
    let topic = topic_of("clock", 2, &rows[..50]);
    let database = Database::fresh();
    let clock = Arc::new(TurnedClock(AtomicI64::new(0)));
    let stop = Arc::new(AtomicBool::new(false));
    let engine = Run {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        stop: Arc::clone(&stop),
        tick_ms: 10,
        ..run(kafka_source(&topic), &database)
    };
    let engine = std::thread::spawn(move || engine.run().expect("a run through turned clocks"));
    let committed = |expected: usize| {
        wait_for(&format!("{expected} rows"), Duration::from_secs(30), || {
            let exists = database.value("SELECT (to_regclass('video_stats_processed') IS NOT NULL)::text") == "true";
            let count = if exists { database.value("SELECT count(*) FROM video_stats_processed") } else { "0".into() };
            (count == expected.to_string()).then_some(())
        });
        database.value("SELECT tick FROM viewtide_progress").parse::<i64>().expect("a tick")
    };
    // A start commits what it finds at the tick after the stored one, whatever the clock says; what comes later, by
    // the clock.
    committed(50);
    send(&topic, &rows[50..100]);
    let before = committed(100);
    clock.0.store(-HOUR_US, Ordering::Relaxed);
    send(&topic, &rows[100..200]);
    let set_back = committed(200);
    assert!(set_back > before && set_back < before + 3_600_000, "ticks creep on: {before}, then {set_back}");
    clock.0.store(24 * HOUR_US, Ordering::Relaxed);
    send(&topic, &rows[200..400]);
    let ahead = committed(400);
    assert!(ahead >= before + 24 * 3_600_000, "ticks follow the clock ahead: {before}, then {ahead}");
    stop.store(true, Ordering::Relaxed);
    engine.join().expect("the engine does not panic");
    assert_verified(&database, &Input::Topic(topic));
}
