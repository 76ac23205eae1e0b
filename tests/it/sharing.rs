//! Several at one database: starts at the same time, `verify` and `rebuild` beside a run, and hands that do not belong there.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::disorder::disordered;
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::viewtide;
use crate::harness::wait_for;
use crate::scenario::{
    DEADLINE, Input, Row, Size, assert_verified, rows_of, run_args, run_to_end, send, tables, topic_of,
};

const ONE: Size = Size { workers: 1, processes: 1 };

#[test]
fn of_two_first_starts_at_once_one_writes_and_the_other_ends() {
    let rows = rows_of("sample_10min.csv");
    let input = Input::Topic(topic_of("together", 2, &rows));
    for _ in 0..4 {
        let database = Database::fresh();
        let starts: Vec<_> = (0..3).map(|_| viewtide(run_args(&input, &database, &["--exit-at-end"]))).collect();
        let codes: Vec<_> = starts.into_iter().map(|start| start.wait(DEADLINE)).collect();
        for ended in &codes {
            let fenced = ended.code() == Some(1) && ended.stderr.contains("another viewtide has taken over");
            assert!(ended.code() == Some(0) || fenced, "{}", ended.stderr);
        }
        assert!(codes.iter().any(|ended| ended.code() == Some(0)), "somebody finishes");
        assert_verified(&database, &input);
    }
}

#[test]
fn a_start_that_hangs_is_named_to_those_who_wait_for_it() {
    let database = Database::fresh();
    let input = Input::Csv(crate::scenario::data_file("sample_10min.csv"));
    let lock = "SELECT pg_advisory_lock(x'7669657774696465'::bigint)";
    let holder = with_client(&database.url(), async |client| {
        client.batch_execute(lock).await?;
        let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        let began = Instant::now();
        let ended = viewtide(run_args(&input, &database, &["--exit-at-end"])).wait(DEADLINE).expect_code(1);
        assert!(began.elapsed() < Duration::from_secs(40));
        assert!(ended.stderr.contains(&format!("server process {pid}")), "{}", ended.stderr);
        assert!(ended.stderr.contains("pg_terminate_backend"), "{}", ended.stderr);
        Ok(pid)
    });
    assert!(holder.expect("a holder of the lock") > 0);
    assert_eq!(database.value("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"), "0");
    run_to_end(&input, &database, ONE, &[]);
    assert_verified(&database, &input);
}

#[test]
fn verify_holds_and_rebuild_changes_nothing_while_a_run_commits() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz")[..8_000], 31);
    let topic = topic_of("beside", 2, &rows[..4_000]);
    let input = Input::Topic(topic.clone());
    let database = Database::fresh();
    let mut run = viewtide(run_args(&input, &database, &["--tick", "10"]));
    run.wait_for_output("state loaded", DEADLINE);
    let ticks = || database.value("SELECT coalesce(max(tick), 0) FROM viewtide_progress");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let count = |args: &[String]| viewtide(args.to_vec()).wait(DEADLINE).expect_code(0);
    let (mut verified, mut moved) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for part in rows[4_000..].chunks(200) {
                send(&topic, part);
                std::thread::sleep(Duration::from_millis(100));
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let before = ticks();
            let url = ["--database-url".to_owned(), database.url()];
            count(&[vec!["verify".to_owned()], url.to_vec()].concat());
            count(&[vec!["verify".to_owned()], url.to_vec(), input.args()].concat());
            count(&[vec!["rebuild".to_owned()], url.to_vec()].concat());
            verified += 1;
            moved += u32::from(ticks() != before);
        }
    });
    assert!(verified >= 2 && moved >= 2, "{verified} rounds, in {moved} of which something was committed");
    stored(&database, &rows);
    run.signal(Signal::SIGTERM);
    run.wait(Duration::from_secs(10)).expect_code(0);
    assert_verified(&database, &input);
    let whole = Database::fresh();
    run_to_end(&input, &whole, ONE, &[]);
    assert_eq!(tables(&database), tables(&whole));
}

/// Waits until every record is durable.
fn stored(database: &Database, rows: &[Row]) {
    let read = "SELECT coalesce(sum((span ->> 'next')::bigint), 0)::text
                FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
    wait_for("every record to be durable", DEADLINE, || (database.value(read) == rows.len().to_string()).then_some(()));
}

/// What somebody does to the database under a running `viewtide`, what it says then, and whether the next start goes on.
const WRONG_HANDS: [(&str, &str, bool); 4] = [
    ("UPDATE viewtide_progress SET tick = tick - 1", "had acknowledged tick", true),
    ("DELETE FROM viewtide_progress", "viewtide_progress has lost its row", false),
    ("UPDATE viewtide_progress SET incarnation = incarnation + 1", "another viewtide has taken over", true),
    ("DROP TABLE hourly_aggregations", "hourly_aggregations", false),
];

#[test]
fn what_others_do_to_the_tables_ends_the_run_with_the_cause_and_loses_nothing() {
    let rows = rows_of("sample_10min.csv");
    let (first, then) = rows.split_at(rows.len() / 2);
    for (deed, cause, goes_on) in WRONG_HANDS {
        let topic = topic_of("hands", 2, first);
        let input = Input::Topic(topic.clone());
        let database = Database::fresh();
        let run = viewtide(run_args(&input, &database, &[]));
        wait_for("the first half", DEADLINE, || {
            let exists = database.value("SELECT (to_regclass('video_stats_processed') IS NOT NULL)::text") == "true";
            (exists && database.value("SELECT count(*) FROM video_stats_processed") == first.len().to_string())
                .then_some(())
        });
        database.rows(deed);
        send(&topic, then);
        let ended = run.wait(DEADLINE).expect_code(1);
        assert!(ended.stderr.contains(cause), "{deed}:\n{}", ended.stderr);
        if goes_on {
            run_to_end(&input, &database, ONE, &[]);
            assert_verified(&database, &input);
        }
    }
}
