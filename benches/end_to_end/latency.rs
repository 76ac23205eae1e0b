//! From produce to commit: each record's time from when it is handed to the producer until another connection sees that its
//! offset is durable.

use std::time::{Duration, Instant};

use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::extent::Extent;
use crate::harness::postgres::{rows, with_client};
use crate::harness::process::{Process, viewtide};
use crate::harness::{kafka, wait_for};
use crate::polls::VIDEOS;
use crate::table::row;
use crate::{DEADLINE, Server, stop};

/// Partitions of its topic.
pub const PARTITIONS: usize = 4;
/// Connections are made and code is warmed up.
const WARM_UP_SECONDS: u64 = 5;

/// What is sent at an even rate while a run is watched.
pub struct Load<'a> {
    /// Where it goes, in [`PARTITIONS`] partitions.
    pub topic: &'a str,
    /// Records that are in the topic already, as many in each partition.
    pub before: u64,
    /// Records a second.
    pub per_second: u64,
    /// How long.
    pub seconds: u64,
    /// How long the producer gathers, which counts as latency too: at 0 each record is a request, and a broker is busy with some
    /// thousands of them a second.
    pub linger_ms: u64,
    /// Key and value of each record, from 0; the number says to which partition it goes.
    pub message: &'a dyn Fn(u64) -> (String, String),
}

/// Measures and prints.
pub fn measure(server: &Server, extent: Extent) {
    let folder = tempfile::tempdir().expect("a folder");
    // Trends need something to look back on: five hours.
    let before = if extent == Extent::All { 30 * VIDEOS } else { 0 };
    let topic = kafka::shared().fresh_topic("latency", PARTITIONS as i32);
    extent.polls().produce(&topic, before, |number| Some(partition(number) as i32));
    let database = server.fresh_database();
    let run = start(&database, &topic, &extent.args(folder.path()), before);
    let message = |number| extent.polls().message(before + number);
    let load = Load { topic: &topic, before, per_second: 1_000, seconds: 20, linger_ms: 0, message: &message };
    let latencies_ms = load.latencies_ms(&database);
    stop(run);
    server.drop_database(&database);

    let extent = extent.name();
    row(&format!("{extent}; produce to commit, 1,000/s: p50, ms"), &at_share(&latencies_ms, 0.50), "<= 30");
    row(&format!("{extent}; the same: p99, ms"), &at_share(&latencies_ms, 0.99), "<= 100");
    row(&format!("{extent}; the same: slowest, ms"), &at_share(&latencies_ms, 1.0), "");
}

/// A run with ticks of 10 ms, once `stored` records are in its tables.
pub fn start(database: &str, topic: &str, flags: &[String], stored: u64) -> Process {
    let brokers = kafka::shared().brokers();
    let args = ["run", "--brokers", &brokers, "--topic", topic, "--database-url", database, "--tick", "10"];
    let mut run = viewtide(args.into_iter().map(str::to_owned).chain(flags.iter().cloned()));
    run.wait_for_output("state loaded", DEADLINE);
    let stored =
        format!("SELECT 1 FROM (SELECT count(*) AS n FROM video_stats_processed) AS stored WHERE n = {stored}");
    wait_for("what lies in the topic", DEADLINE, || {
        run.expect_running();
        rows(database, &stored).is_ok_and(|found| !found.is_empty()).then_some(())
    });
    run
}

/// The latency below which this share of them lies.
pub fn at_share(latencies_ms: &[f64], share: f64) -> String {
    format!("{:.1}", latencies_ms[((latencies_ms.len() - 1) as f64 * share) as usize])
}

impl Load<'_> {
    /// Sends it, and sees when each record is durable; in order, without those of the first seconds.
    pub fn latencies_ms(&self, database: &str) -> Vec<f64> {
        let all = self.before + self.per_second * self.seconds;
        let watcher = std::thread::spawn({
            let database = database.to_owned();
            move || watch(&database, all / PARTITIONS as u64)
        });
        let sent = self.produce();
        let durable = watcher.join().expect("the watcher does not panic");
        let warm_up = (WARM_UP_SECONDS * self.per_second) as usize / PARTITIONS;
        let mut latencies_ms: Vec<f64> = Vec::new();
        for (partition, sent) in sent.iter().enumerate() {
            for (offset, &at) in sent.iter().enumerate().skip(warm_up) {
                let offset = self.before / PARTITIONS as u64 + offset as u64;
                let seen = durable.iter().find(|(_, next)| next[partition] > offset).expect("every record is durable");
                latencies_ms.push(seen.0.duration_since(at).as_secs_f64() * 1_000.0);
            }
        }
        latencies_ms.sort_by(f64::total_cmp);
        latencies_ms
    }

    /// When each record of each partition was handed over.
    fn produce(&self) -> Vec<Vec<Instant>> {
        let mut config = kafka::shared().client_config();
        config.set("linger.ms", self.linger_ms.to_string());
        let producer: ThreadedProducer<DefaultProducerContext> = config.create().expect("a producer");
        let mut sent = vec![Vec::new(); PARTITIONS];
        let began = Instant::now();
        for number in 0..self.per_second * self.seconds {
            let due = began + Duration::from_nanos(number * 1_000_000_000 / self.per_second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let partition = partition(number);
            let (key, value) = (self.message)(number);
            let record = BaseRecord::to(self.topic).partition(partition as i32).key(&key).payload(&value);
            sent[partition].push(Instant::now());
            producer.send(record).map_err(|(error, _)| error).expect("room in the producer's queue");
        }
        producer.flush(Duration::from_secs(10)).expect("every record acknowledged");
        sent
    }
}

/// Where record `number` goes.
pub fn partition(number: u64) -> usize {
    number as usize % PARTITIONS
}

/// Looks every millisecond which offsets are durable, until `until` are in each partition.
fn watch(database: &str, until: u64) -> Vec<(Instant, [u64; PARTITIONS])> {
    let mut seen = Vec::new();
    with_client(database, async |client| {
        let read = client
            .prepare(
                "SELECT coalesce((positions #>> '{0,next}')::bigint, 0), coalesce((positions #>> '{1,next}')::bigint, 0),
                        coalesce((positions #>> '{2,next}')::bigint, 0), coalesce((positions #>> '{3,next}')::bigint, 0)
                 FROM viewtide_progress",
            )
            .await?;
        let begin = Instant::now();
        while seen.last().is_none_or(|(_, next): &(_, [u64; PARTITIONS])| next.iter().any(|next| *next < until)) {
            assert!(begin.elapsed() < DEADLINE, "not all records become durable");
            let row = client.query_one(&read, &[]).await?;
            let next = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column) as u64);
            if seen.last().is_none_or(|(_, last)| *last != next) {
                seen.push((Instant::now(), next));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    })
    .expect("a connection to watch by");
    seen
}
