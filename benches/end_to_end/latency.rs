//! From produce to commit: each record's time from when it is handed to the producer until another connection sees that its
//! offset is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::extent::Extent;
use crate::harness::postgres::{rows, with_client};
use crate::harness::process::viewtide;
use crate::harness::{kafka, wait_for};
use crate::polls::VIDEOS;
use crate::table::row;
use crate::{Server, stop};

const PARTITIONS: usize = 4;
const RECORDS_PER_SECOND: u64 = 1_000;
const SECONDS: u64 = 20;
/// Connections are made and code is warmed up.
const WARM_UP_SECONDS: u64 = 2;

/// Measures and prints.
pub fn measure(server: &Server, extent: Extent) {
    let folder = tempfile::tempdir().expect("a folder");
    // Trends need something to look back on: five hours.
    let before = if extent == Extent::All { 30 * VIDEOS } else { 0 };
    let topic = kafka::shared().fresh_topic("latency", PARTITIONS as i32);
    extent.polls().produce(&topic, before, |number| Some(partition(number) as i32));
    let database = server.fresh_database();
    let brokers = kafka::shared().brokers();
    let args = ["run", "--brokers", &brokers, "--topic", &topic, "--database-url", &database, "--tick", "10"];
    let mut run = viewtide(args.map(str::to_owned).into_iter().chain(extent.args(folder.path())));
    run.wait_for_output("state loaded", Duration::from_secs(30));
    let stored =
        format!("SELECT 1 FROM (SELECT count(*) AS n FROM video_stats_processed) AS stored WHERE n = {before}");
    wait_for("what lies in the topic", Duration::from_secs(60), || {
        rows(&database, &stored).is_ok_and(|found| !found.is_empty()).then_some(())
    });

    let done = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (done, database) = (Arc::clone(&done), database.clone());
        move || watch(&database, &done)
    });
    let sent = produce(&topic, extent, before);
    done.store(true, Ordering::Relaxed);
    let durable = watcher.join().expect("the watcher does not panic");
    stop(run);
    server.drop_database(&database);

    let mut latencies_ms: Vec<f64> = Vec::new();
    for (partition, sent) in sent.iter().enumerate() {
        for (offset, &at) in sent.iter().enumerate().skip((WARM_UP_SECONDS * RECORDS_PER_SECOND) as usize / PARTITIONS)
        {
            let offset = before / PARTITIONS as u64 + offset as u64;
            let seen = durable.iter().find(|(_, next)| next[partition] > offset).expect("every record is durable");
            latencies_ms.push(seen.0.duration_since(at).as_secs_f64() * 1_000.0);
        }
    }
    latencies_ms.sort_by(f64::total_cmp);
    let at = |share: f64| format!("{:.1}", latencies_ms[((latencies_ms.len() - 1) as f64 * share) as usize]);
    let extent = extent.name();
    row(&format!("{extent}; produce to commit, 1,000/s: p50, ms"), &at(0.50), "<= 30");
    row(&format!("{extent}; the same: p99, ms"), &at(0.99), "<= 100");
    row(&format!("{extent}; the same: slowest, ms"), &at(1.0), "");
}

/// Where record `number` goes.
fn partition(number: u64) -> usize {
    (number % VIDEOS) as usize % PARTITIONS
}

/// Sends at an even rate what comes after the first `before`; when each record of each partition was handed over.
fn produce(topic: &str, extent: Extent, before: u64) -> Vec<Vec<Instant>> {
    let mut config = kafka::shared().client_config();
    config.set("linger.ms", "0");
    let producer: ThreadedProducer<DefaultProducerContext> = config.create().expect("a producer");
    let mut sent = vec![Vec::new(); PARTITIONS];
    let began = Instant::now();
    for number in 0..RECORDS_PER_SECOND * SECONDS {
        let due = began + Duration::from_nanos(number * 1_000_000_000 / RECORDS_PER_SECOND);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let partition = partition(number);
        let (key, value) = extent.polls().message(before + number);
        let record = BaseRecord::to(topic).partition(partition as i32).key(&key).payload(&value);
        sent[partition].push(Instant::now());
        producer.send(record).map_err(|(error, _)| error).expect("room in the producer's queue");
    }
    producer.flush(Duration::from_secs(10)).expect("every record acknowledged");
    sent
}

/// Looks every millisecond which offsets are durable, until `done` and a little longer.
fn watch(database: &str, done: &AtomicBool) -> Vec<(Instant, [u64; PARTITIONS])> {
    let mut seen = Vec::new();
    with_client(database, async |client| {
        let read = client
            .prepare(
                "SELECT coalesce((positions #>> '{0,next}')::bigint, 0), coalesce((positions #>> '{1,next}')::bigint, 0),
                        coalesce((positions #>> '{2,next}')::bigint, 0), coalesce((positions #>> '{3,next}')::bigint, 0)
                 FROM viewtide_progress",
            )
            .await?;
        let mut last_look = None;
        while last_look.is_none_or(|at: Instant| at.elapsed() < Duration::from_secs(2)) {
            let row = client.query_one(&read, &[]).await?;
            let next = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column) as u64);
            if seen.last().is_none_or(|(_, last)| *last != next) {
                seen.push((Instant::now(), next));
            }
            if done.load(Ordering::Relaxed) {
                last_look.get_or_insert_with(Instant::now);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    })
    .expect("a connection to watch by");
    seen
}
