//! kill -9 at random moments, with readers watching: at every moment the tables are exact for the prefix that progress
//! names, and in the end they are those of an undisturbed run.

use std::collections::BTreeSet;
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
use crate::metadata::Topics;
use crate::scenario::{
    DEADLINE, Size, assert_verified, rows_of, run_args, run_to_end, start_processes, tables, verify, write_csv,
};

const KILLS: usize = 20;
const READS: u64 = 10_000;
const READERS: usize = 4;
const RECORDS: usize = 6_000;

/// Sums that must be equal, and the tick, in one snapshot of the database: of hours and deltas; of the total and all hours; of
/// channels and the hours of the videos that they have now; of categories likewise.
const READ: &str = "
    SELECT (SELECT coalesce(sum(total_views_gained), 0) FROM hourly_aggregations)::text,
           (SELECT coalesce(sum(views_delta), 0) FROM video_stats_processed)::text,
           (SELECT (coalesce(sum(views_gained), 0), coalesce(sum(comments_gained), 0), coalesce(sum(active_videos), 0),
                    coalesce(sum(total_records), 0)) FROM total_hourly)::text,
           (SELECT (coalesce(sum(total_views_gained), 0), coalesce(sum(total_comments_gained), 0), count(*),
                    coalesce(sum(total_records), 0)) FROM hourly_aggregations)::text,
           (SELECT array_agg((channel_id, views, records) ORDER BY channel_id) FROM (
                SELECT channel_id, sum(views_gained) AS views, sum(total_records) AS records
                FROM channel_hourly GROUP BY channel_id) AS c)::text,
           (SELECT array_agg((channel_id, views, records) ORDER BY channel_id) FROM (
                SELECT channel_id, sum(coalesce(total_views_gained, 0)) AS views, sum(total_records) AS records
                FROM hourly_aggregations JOIN videos USING (video_id)
                WHERE channel_id IS NOT NULL GROUP BY channel_id) AS c)::text,
           (SELECT array_agg((category_id, videos) ORDER BY category_id) FROM (
                SELECT category_id, sum(active_videos) AS videos FROM category_hourly GROUP BY category_id) AS c)::text,
           (SELECT array_agg((category_id, videos) ORDER BY category_id) FROM (
                SELECT category_id, count(*) AS videos FROM hourly_aggregations JOIN videos USING (video_id)
                WHERE category_id IS NOT NULL GROUP BY category_id) AS c)::text,
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
                let tick = row.get::<_, i64>(8);
                let sum = |column: usize| row.get::<_, Option<String>>(column);
                assert_eq!(sum(0), sum(1), "at tick {tick} the hours do not add up to the deltas");
                assert_eq!(sum(2), sum(3), "at tick {tick} the total is not the sum of all hours");
                assert_eq!(sum(4), sum(5), "at tick {tick} a channel is not the sum of its videos");
                assert_eq!(sum(6), sum(7), "at tick {tick} a category is not the sum of its videos");
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
    let topics = Topics::fresh();
    let (topic, input) = (topics.snapshots.clone(), topics.input());
    let videos: Vec<&str> = rows.iter().map(|row| row.video.as_str()).collect::<BTreeSet<_>>().into_iter().collect();

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
        // Every run has videos to move, the first time from nowhere.
        let mut words = Vec::new();
        for video in &videos {
            if kill == 0 || rng.random_ratio(1, 4) {
                let place = rng.random_range(0..3);
                words.push((*video, ["UC-one", "UC-two", "UC-three"][place], ["10", "24"][place % 2]));
            }
        }
        topics.say(&words);
        let size = Size { workers: 1 + kill % 3, processes: 1 + usize::from(kill % 5 == 4) };
        let mut processes =
            start_processes(&run_args(&input, &database, &["--tick", "10", "--forecasts", "all"]), size);
        sleep(Duration::from_millis(rng.random_range(50..1_500)));
        let victim = rng.random_range(0..processes.len());
        processes[victim].signal(Signal::SIGKILL);
        for process in &mut processes {
            // A survivor ends by itself once its peer is gone; one that had not met it yet would wait for it a minute.
            if process.end_within(Duration::from_secs(20)).is_none() {
                assert!(!process.stderr().contains("state loaded"), "{}", process.stderr());
                process.signal(Signal::SIGKILL);
                process.wait_for_end(DEADLINE);
            }
        }
        drop(processes);
        // A process that was killed before it made the first commit has left no prefix to verify.
        if database.value("SELECT count(*) FROM viewtide_progress") == "1" {
            verify(&database, Some(&input)).expect_code(0);
        }
    }
    replay.wait(DEADLINE).expect_code(0);
    run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &["--forecasts", "all"]);
    while reads.load(Ordering::Relaxed) < READS && readers.iter().all(|reader| !reader.is_finished()) {
        sleep(Duration::from_millis(50));
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().expect("a reader saw a violation");
    }

    assert_verified(&database, &input);
    let undisturbed = Database::fresh();
    run_to_end(&input, &undisturbed, Size { workers: 1, processes: 1 }, &["--forecasts", "all"]);
    assert_eq!(tables(&database), tables(&undisturbed));
    assert_eq!(
        database.value("SELECT count(*) FROM video_stats_processed WHERE folded_in"),
        undisturbed.value("SELECT count(*) FROM video_stats_processed WHERE folded_in")
    );
}
