//! kill -9 at random moments, with readers watching: at every moment the tables are exact for the prefix that progress
//! names, and in the end they are those of an undisturbed run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disorder::disordered;
use crate::harness::kafka;
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::viewtide;
use crate::scenario::{
    DEADLINE, Input, Size, assert_verified, rows_of, run_args, run_to_end, start_processes, tables, verify, write_csv,
};

const KILLS: usize = 20;
const READS: u64 = 10_000;
const READERS: usize = 4;
const RECORDS: usize = 6_000;

/// One read: the sums of both tables and the tick, in one snapshot of the database.
const READ: &str = "
    SELECT (SELECT coalesce(sum(total_views_gained), 0) FROM hourly_aggregations)::text,
           (SELECT coalesce(sum(views_delta), 0) FROM video_stats_processed)::text,
           (SELECT coalesce(max(tick), 0) FROM viewtide_progress)::bigint";

/// Loops until told to stop, and counts its reads.
fn reader(url: String, stop: Arc<AtomicBool>, reads: Arc<AtomicU64>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        with_client(&url, async |client| {
            let read = client.prepare(READ).await?;
            let mut last_tick = 0;
            while !stop.load(Ordering::Relaxed) {
                client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                let row = client.query_one(&read, &[]).await?;
                client.batch_execute("COMMIT").await?;
                let (hours, deltas, tick) = (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(2));
                assert_eq!(hours, deltas, "at tick {tick} the hours do not add up to the deltas");
                assert!(tick >= last_tick, "the tick fell from {last_tick} to {tick}");
                last_tick = tick;
                reads.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
        .expect("a reader's connection");
    })
}

#[test]
fn twenty_kills_leave_exact_tables_at_every_moment() {
    let rows: Vec<_> = disordered(&rows_of("tracked_dense.csv.gz")[..RECORDS], 23);
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("disordered.csv");
    write_csv(&csv, &rows);
    let topic = kafka::shared().fresh_topic("crash", 4);
    let input = Input::Topic(topic.clone());

    let database = Database::fresh();
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..READERS).map(|_| reader(database.url(), Arc::clone(&stop), Arc::clone(&reads))).collect();

    let replay = viewtide([
        "replay",
        csv.to_str().expect("UTF-8"),
        "--brokers",
        &kafka::shared().brokers(),
        "--topic",
        &topic,
        "--rate",
        "200",
    ]);
    let seed: u64 = rand::random();
    println!("seed of the kills: {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for kill in 0..KILLS {
        let size = Size { workers: 1 + kill % 3, processes: 1 + usize::from(kill % 5 == 4) };
        let mut processes = start_processes(&run_args(&input, &database, &["--tick", "10"]), size);
        sleep(Duration::from_millis(rng.random_range(50..1_500)));
        let victim = rng.random_range(0..processes.len());
        processes[victim].signal(Signal::SIGKILL);
        for process in &mut processes {
            // A survivor ends by itself once its peer is gone.
            process.wait_for_end(Duration::from_secs(20));
        }
        drop(processes);
        // A process that was killed before it made the first commit has left no prefix to verify.
        if database.value("SELECT count(*) FROM viewtide_progress") == "1" {
            verify(&database, Some(&input)).expect_code(0);
        }
    }
    replay.wait(DEADLINE).expect_code(0);
    run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &[]);
    while reads.load(Ordering::Relaxed) < READS && readers.iter().all(|reader| !reader.is_finished()) {
        sleep(Duration::from_millis(50));
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().expect("a reader saw a violation");
    }

    assert_verified(&database, &input);
    let undisturbed = Database::fresh();
    run_to_end(&input, &undisturbed, Size { workers: 1, processes: 1 }, &[]);
    assert_eq!(tables(&database), tables(&undisturbed));
    assert_eq!(
        database.value("SELECT count(*) FROM video_stats_processed WHERE folded_in"),
        undisturbed.value("SELECT count(*) FROM video_stats_processed WHERE folded_in")
    );
}
