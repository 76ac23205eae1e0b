//! A million records that lie in Kafka, from the first poll to the last commit; beside it COPY of the final rows. Then a
//! start on what is stored.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};

use crate::extent::Extent;
use crate::harness::kafka;
use crate::harness::postgres::with_client;
use crate::harness::process::{Process, viewtide};
use crate::table::{row, spread};
use crate::{DEADLINE, Server, peak};

const RECORDS: u64 = 1_000_000;
const PARTITIONS: i32 = 4;

/// The machine is rarely quiet, so each run has its COPY right after it, on the same server, and the ratio is that of pairs.
const ROUNDS: usize = 5;

/// In which order COPY gets the final rows.
#[derive(Clone, Copy)]
enum Order {
    /// As the run left them in its tables.
    Stored,
    /// By key, which is as kind to the indexes as it can be.
    Key,
}

/// What the rounds measured.
#[derive(Default)]
struct Figures {
    one: Vec<f64>,
    two: Vec<f64>,
    without_forecasts: Vec<f64>,
    copy_stored: Vec<f64>,
    copy_key: Vec<f64>,
    peak_mb: Vec<f64>,
    restart: Vec<f64>,
    commits: Vec<f64>,
}

/// Measures and prints.
pub fn measure(server: &Server, extent: Extent) {
    let folder = tempfile::tempdir().expect("a folder");
    let input = Input { topic: extent.polls().topic(PARTITIONS, RECORDS), args: extent.args(folder.path()) };
    // Once for nothing: the broker's code gets warm and the topic comes into memory.
    server.drop_database(&input.run(server, 1, &[]).database);
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let one = input.run(server, 1, &[]);
        figures.one.push(one.seconds);
        figures.peak_mb.push(one.peak_mb);
        figures.commits.push(one.commits);
        figures.copy_stored.push(copy(server, &one.database, extent, Order::Stored));
        figures.copy_key.push(copy(server, &one.database, extent, Order::Key));
        figures.restart.push(input.restart(&one.database));
        server.drop_database(&one.database);
        let two = input.run(server, 2, &[]);
        figures.two.push(two.seconds);
        server.drop_database(&two.database);
        let without = input.run(server, 1, &["--forecasts", "off"]);
        figures.without_forecasts.push(without.seconds);
        server.drop_database(&without.database);
    }
    figures.print(extent.name());
}

impl Figures {
    fn print(&self, extent: &str) {
        let rate = |seconds: &[f64]| spread(seconds.iter().map(|seconds| RECORDS as f64 / seconds / 1_000.0), 0);
        let ratio = |run: &[f64], copy: &[f64]| spread(copy.iter().zip(run).map(|(copy, run)| copy / run), 2);
        let row = |figure: &str, measured: &str, wanted: &str| row(&format!("{extent}; {figure}"), measured, wanted);
        row("1 M from Kafka, -w 1: k records/s", &rate(&self.one), "");
        row("the same, -w 2", &rate(&self.two), "");
        row("commits of -w 1", &spread(self.commits.iter().copied(), 0), "");
        row("COPY of the rows as stored: k records/s", &rate(&self.copy_stored), "");
        row("COPY in order of keys", &rate(&self.copy_key), "");
        row("-w 1 by COPY as stored", &ratio(&self.one, &self.copy_stored), ">= 0.5");
        row("-w 1 by COPY in order of keys", &ratio(&self.one, &self.copy_key), "");
        row("-w 1 by the same with --forecasts off", &ratio(&self.one, &self.without_forecasts), ">= 0.85");
        row("-w 2 by COPY as stored", &ratio(&self.two, &self.copy_stored), "");
        row("peak memory of -w 1, MB", &spread(self.peak_mb.iter().copied(), 0), "");
        row("start on 1 M rows: s until loaded", &spread(self.restart.iter().copied(), 2), "");
    }
}

/// What is read.
struct Input {
    topic: String,
    args: Vec<String>,
}

struct Ran {
    database: String,
    seconds: f64,
    peak_mb: f64,
    commits: f64,
}

impl Input {
    fn start(&self, database: &str, workers: u32, more: &[&str]) -> Process {
        let brokers = kafka::shared().brokers();
        let workers = workers.to_string();
        let args = ["run", "--brokers", &brokers, "--topic", &self.topic, "--database-url", database, "-w", &workers];
        let args = args.iter().chain(&["--exit-at-end"]).chain(more).copied();
        viewtide(args.chain(self.args.iter().map(String::as_str)))
    }

    /// Runs over the topic into a new database; `seconds` are those from the first poll to the last commit.
    fn run(&self, server: &Server, workers: u32, more: &[&str]) -> Ran {
        let database = server.fresh_database();
        let run = self.start(&database, workers, more);
        let peak = peak::watch(&run);
        let summary = run.wait(DEADLINE).expect_code(0).json();
        assert_eq!(summary["records"], RECORDS);
        let figure = |name: &str| summary[name].as_f64().expect("a number");
        let (seconds, commits) = (figure("seconds"), figure("commits"));
        Ran { database, seconds, peak_mb: peak.join().expect("the watcher does not panic"), commits }
    }

    /// Seconds from the start of the process until it has loaded what is stored.
    fn restart(&self, database: &str) -> f64 {
        let began = Instant::now();
        let mut run = self.start(database, 1, &[]);
        run.wait_for_output("state loaded", Duration::from_secs(60));
        let seconds = began.elapsed().as_secs_f64();
        run.wait(DEADLINE).expect_code(0);
        seconds
    }
}

/// Seconds for COPY of the rows of `from` into the same tables of an empty database: binary, one connection, one
/// transaction over all tables, and the rows in memory before.
fn copy(server: &Server, from: &str, extent: Extent, order: Order) -> f64 {
    let rows: Vec<(&str, Vec<Bytes>)> = extent
        .tables()
        .into_iter()
        .map(|(table, key)| {
            let what = match order {
                Order::Stored => table.to_owned(),
                Order::Key => format!("(SELECT * FROM {table} ORDER BY {key})"),
            };
            (table, read_out(from, &what))
        })
        .collect();
    let to = server.fresh_database();
    viewtide(["migrate", "--database-url", &to]).wait(DEADLINE).expect_code(0);
    let seconds = with_client(&to, async |client| {
        let began = Instant::now();
        let transaction = client.transaction().await?;
        for (table, chunks) in rows {
            let sink = transaction.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN (FORMAT binary)")).await?;
            let mut sink = pin!(sink);
            for chunk in chunks {
                sink.feed(chunk).await?;
            }
            sink.finish().await?;
        }
        transaction.commit().await?;
        Ok(began.elapsed().as_secs_f64())
    })
    .expect("COPY");
    server.drop_database(&to);
    seconds
}

/// What COPY gives for `what`, in chunks as large as those that `run` sends: the server's own are one row each.
fn read_out(database: &str, what: &str) -> Vec<Bytes> {
    const CHUNK_BYTES: usize = 128 * 1_024;
    with_client(database, async |client| {
        let stream = client.copy_out(&format!("COPY {what} TO STDOUT (FORMAT binary)")).await?;
        let mut stream = pin!(stream);
        let mut chunks = Vec::new();
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while let Some(row) = stream.try_next().await? {
            chunk.extend_from_slice(&row);
            if chunk.len() >= CHUNK_BYTES {
                chunks.push(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES)).into());
            }
        }
        chunks.push(chunk.into());
        Ok(chunks)
    })
    .expect("the final rows")
}
