//! A million records that lie in Kafka, from the first poll to the last commit; beside it COPY of the final rows.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};

use crate::harness::kafka;
use crate::harness::postgres::with_client;
use crate::harness::process::{Process, viewtide};
use crate::{Server, line, polls, spread};

const RECORDS: u64 = 1_000_000;
const PARTITIONS: i32 = 4;
const ROUNDS: usize = 3;
const DEADLINE: Duration = Duration::from_secs(300);

/// Measures and prints.
pub fn measure(server: &Server) {
    let topic = polls::topic(PARTITIONS, RECORDS);
    let mut seconds = [Vec::new(), Vec::new()];
    let (mut copy_seconds, mut ratios, mut peak_mb) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        for (workers, seconds) in [1, 2].into_iter().zip(&mut seconds) {
            let database = server.fresh_database();
            let (run, peak) = run(&topic, &database, workers);
            seconds.push(run);
            if workers == 1 {
                peak_mb = peak_mb.max(peak);
                let copy = copy(&database, &server.fresh_database());
                copy_seconds.push(copy);
                ratios.push(copy / run);
            }
        }
    }
    let rate = |seconds: &[f64]| spread(&seconds.iter().map(|s| RECORDS as f64 / s / 1_000.0).collect::<Vec<_>>());
    line("1 M records of 10,000 videos, 4 partitions, -w 1: k records/s", &rate(&seconds[0]), "");
    line("the same, -w 2", &rate(&seconds[1]), "");
    line("COPY of the same final rows, one transaction: k records/s", &rate(&copy_seconds), "");
    line("-w 1 by COPY", &spread(&ratios), ">= 0.5");
    line("peak memory of run -w 1, MB", &format!("{peak_mb:.0}"), "");
}

/// Runs over the topic; seconds from the first poll to the last commit, and the peak of resident memory in MB.
fn run(topic: &str, database: &str, workers: u32) -> (f64, f64) {
    let brokers = kafka::shared().brokers();
    let workers = workers.to_string();
    let args = ["run", "--brokers", &brokers, "--topic", topic, "--database-url", database, "-w", &workers];
    let run = viewtide(args.into_iter().chain(["--exit-at-end"]));
    let peak = peak_mb(&run);
    let summary = run.wait(DEADLINE).expect_code(0).json();
    assert_eq!(summary["records"], RECORDS);
    (summary["seconds"].as_f64().expect("seconds"), peak.join().expect("the watcher does not panic"))
}

/// Watches a process until it ends.
fn peak_mb(process: &Process) -> std::thread::JoinHandle<f64> {
    let status = format!("/proc/{}/status", process.pid());
    std::thread::spawn(move || {
        let mut peak = 0.0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:")) else { break };
            let kb: f64 = line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0.0);
            peak = kb / 1_024.0;
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    })
}

/// Seconds for COPY of the rows of `from` into the same tables of an empty database, in binary, in one transaction.
fn copy(from: &str, to: &str) -> f64 {
    viewtide(["migrate", "--database-url", to]).wait(DEADLINE).expect_code(0);
    let tables = ["video_stats_processed", "hourly_aggregations"];
    let rows = tables.map(|table| {
        with_client(from, async |client| {
            let stream = client.copy_out(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await?;
            let mut chunks = Vec::<Bytes>::new();
            let mut stream = pin!(stream);
            while let Some(chunk) = stream.try_next().await? {
                chunks.push(chunk);
            }
            Ok(chunks)
        })
        .expect("the final rows")
    });
    let began = Instant::now();
    with_client(to, async |client| {
        let transaction = client.transaction().await?;
        for (table, chunks) in tables.into_iter().zip(rows) {
            let sink = transaction.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await?;
            let mut sink = pin!(sink);
            for chunk in chunks {
                sink.feed(chunk).await?;
            }
            sink.finish().await?;
        }
        transaction.commit().await
    })
    .expect("COPY");
    began.elapsed().as_secs_f64()
}
