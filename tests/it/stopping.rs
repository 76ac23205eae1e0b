//! SIGTERM, SIGINT, and a second signal.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::kafka;
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::viewtide;
use crate::harness::wait_for;
use crate::scenario::{
    DEADLINE, Input, Row, Size, assert_verified, data_file, rows_of, run_args, run_to_end, send, start_processes,
    topic_of,
};

#[test]
fn a_signal_commits_what_was_read_and_ends_within_five_seconds() {
    for (signal, processes) in [(Signal::SIGTERM, 1), (Signal::SIGINT, 2)] {
        let topic = kafka::shared().fresh_topic("stopping", 4);
        let input = Input::Topic(topic.clone());
        let database = Database::fresh();
        let mut running = start_processes(&run_args(&input, &database, &[]), Size { workers: 2, processes });
        let replay = viewtide([
            "replay",
            data_file("tracked_dense.csv.gz").to_str().expect("UTF-8"),
            "--brokers",
            &kafka::shared().brokers(),
            "--topic",
            &topic,
            "--rate",
            "20000",
        ]);
        wait_for("rows", DEADLINE, || {
            let exists = database.value("SELECT (to_regclass('video_stats_processed') IS NOT NULL)::text") == "true";
            (exists && database.value("SELECT count(*) FROM video_stats_processed") != "0").then_some(())
        });
        let asked = Instant::now();
        // Any process will do: it tells the others.
        running[processes - 1].signal(signal);
        let rest = running.split_off(1);
        let first = running.pop().expect("process 0").wait(Duration::from_secs(10)).expect_code(0);
        rest.into_iter().for_each(|process| drop(process.wait(Duration::from_secs(10)).expect_code(0)));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());

        let records = first.json()["records"].as_u64().expect("a number");
        let durable = database.value(
            "SELECT sum((span ->> 'next')::bigint - (span ->> 'first')::bigint) \
             FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)",
        );
        assert_eq!(records.to_string(), durable, "what was read is what is durable");
        replay.wait(DEADLINE).expect_code(0);
        assert_verified(&database, &input);
        run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
        assert_verified(&database, &input);
    }
}

/// While somebody holds a lock on the tables nothing can be committed.
#[test]
fn a_stop_without_postgres_has_a_deadline_and_a_second_signal_ends_at_once() {
    let rows = rows_of("sample_10min.csv");
    let topic = kafka::shared().fresh_topic("second", 2);
    let input = Input::Topic(topic.clone());
    let database = Database::fresh();
    for (part, signals) in [(&rows[..1_000], 1), (&rows[1_000..], 2)] {
        let mut running = viewtide(run_args(&input, &database, &["--tick", "10"]));
        running.wait_for_output("state loaded", DEADLINE);
        let asked = with_client(&database.url(), async |client| {
            let lock = client.transaction().await?;
            lock.batch_execute("LOCK TABLE video_stats_processed IN ACCESS EXCLUSIVE MODE").await?;
            send(&topic, part);
            let waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND database = \
                           (SELECT oid FROM pg_database WHERE datname = current_database())";
            while !lock.query_one(waiting, &[]).await?.get::<_, bool>(0) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let asked = Instant::now();
            for _ in 0..signals {
                running.signal(Signal::SIGINT);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            running.wait_for_end(Duration::from_secs(10));
            Ok(asked.elapsed())
        })
        .expect("a lock on the table");
        let ended = running.wait(Duration::from_secs(1)).expect_code(1);
        if signals == 1 {
            assert!((4..7).contains(&asked.as_secs()), "{asked:?}");
            assert!(ended.stderr.contains("the next start reads it again"), "{}", ended.stderr);
        } else {
            assert!(asked < Duration::from_secs(1), "{asked:?}");
        }
    }
    run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
    assert_verified(&database, &input);
    assert_eq!(database.value("SELECT count(*) FROM video_stats_processed"), rows.len().to_string());
}

#[test]
fn a_process_that_loses_its_peer_says_so_and_ends() {
    let topic = kafka::shared().fresh_topic("peer", 2);
    let input = Input::Topic(topic);
    let database = Database::fresh();
    for lost in [0, 1] {
        let mut processes = start_processes(&run_args(&input, &database, &[]), Size { workers: 1, processes: 2 });
        processes[0].wait_for_output("state loaded", DEADLINE);
        let survivor = processes.remove(1 - lost);
        processes[0].signal(Signal::SIGKILL);
        let ended = survivor.wait(Duration::from_secs(5)).expect_code(1);
        let said = format!("lost the connection with process {lost} of this engine");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}

/// Once a stop cut the loading of the state short, and what had been read meanwhile was computed on half of it.
#[test]
fn a_stop_while_the_state_loads_never_commits_on_half_of_it() {
    // Many videos, so that loading takes far longer than reading the few corrections that come next.
    let rows: Vec<Row> = rows_of("trending_intraday.csv.gz").into_iter().take(60_000).collect();
    let topic = topic_of("loading", 2, &rows);
    let input = Input::Topic(topic.clone());
    let database = Database::fresh();
    run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &[]);
    for correction in 1..=3 {
        let corrected: Vec<Row> =
            rows.iter().step_by(300).cloned().map(|row| row.with_more_views(correction)).collect();
        send(&topic, &corrected);
        let run = viewtide(run_args(&input, &database, &["--tick", "1"]));
        wait_for("a start", DEADLINE, || run.stderr().contains("took over").then_some(()));
        std::thread::sleep(Duration::from_millis(40));
        run.signal(Signal::SIGTERM);
        run.wait(Duration::from_secs(10)).expect_code(0);
        assert_verified(&database, &input);
    }
    run_to_end(&input, &database, Size { workers: 1, processes: 1 }, &[]);
    assert_verified(&database, &input);
}
