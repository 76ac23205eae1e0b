//! Postgres and Kafka going away in mid-run and coming back: `run` goes on by itself, and the tables are exact.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use viewtide::postgres::managed::{ManagedConfig, ManagedPostgres};

use crate::disorder::disordered;
use crate::harness::kafka::{Kafka, Message};
use crate::harness::postgres::Database;
use crate::harness::process::viewtide;
use crate::harness::wait_for;
use crate::scenario::{DEADLINE, Input, Row, Size, rows_of, run_to_end, send, tables, topic_of};

/// A server of the test's own, in a folder that both the server's account and this one can reach.
pub fn own_server(folder: &std::path::Path, port: Option<u16>) -> ManagedPostgres {
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder, open).expect("a folder that others may enter");
    ManagedPostgres::start(ManagedConfig { data_dir: Some(folder.join("data")), port }).expect("a server")
}

#[test]
fn a_postgres_that_is_killed_and_comes_back_costs_time_and_nothing_else() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz")[..4_000], 29);
    let topic = topic_of("outage", 2, &rows[..1_000]);
    let input = Input::Topic(topic.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let server = own_server(folder.path(), None);
    let (url, port) = (server.url(), server.port());
    let args = |more: &[&str]| {
        let args = ["run", "--database-url", &url, "--tick", "10"].into_iter().chain(more.iter().copied());
        args.map(str::to_owned).chain(input.args()).collect::<Vec<_>>()
    };
    let mut run = viewtide(args(&[]));
    run.wait_for_output("state loaded", DEADLINE);
    let mut server = Some(server);
    for part in rows[1_000..].chunks(1_000) {
        // The whole server, at once and without a word, while records come.
        let pid = server.as_ref().map(ManagedPostgres::pid).expect("a running server");
        let (before, after) = part.split_at(part.len() / 2);
        send(&topic, before);
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill the server");
        drop(server.take());
        // These can only be committed by the next one, so that `run` has to see that this one is gone.
        send(&topic, after);
        std::thread::sleep(Duration::from_millis(300));
        server = Some(own_server(folder.path(), Some(port)));
        run.wait_for_output("the database is back", DEADLINE);
    }
    let durable = "SELECT coalesce(sum((span ->> 'next')::bigint), 0)::text \
                   FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
    wait_for("every record to be durable", DEADLINE, || {
        let rows_now = crate::harness::postgres::rows(&url, durable).ok()?;
        (rows_now[0][0].as_deref() == Some(&rows.len().to_string())).then_some(())
    });
    run.signal(Signal::SIGTERM);
    let finished = run.wait(Duration::from_secs(10)).expect_code(0);
    assert_eq!(finished.json()["records"], rows.len(), "{}", finished.stdout);
    assert!(finished.stderr.lines().count() < 100, "an outage does not flood the log:\n{}", finished.stderr);
    let verify = ["verify", "--database-url", &url].map(str::to_owned).into_iter().chain(input.args());
    viewtide(verify).wait(DEADLINE).expect_code(0);
}

#[test]
fn a_kafka_that_is_killed_and_comes_back_costs_time_and_nothing_else() {
    let rows: Vec<Row> = rows_of("sample_10min.csv").into_iter().take(900).collect();
    let mut own = Kafka::start();
    own.create_topic("outage", 2);
    let produce = |kafka: &Kafka, part: &[Row]| {
        let values: Vec<String> = part.iter().map(Row::json).collect();
        let messages = part.iter().zip(&values).map(|(row, value)| Message {
            key: Some(row.video.as_bytes()),
            value: Some(value.as_bytes()),
            ..Message::default()
        });
        kafka.produce("outage", messages);
    };
    produce(&own, &rows[..300]);
    let database = Database::fresh();
    let (brokers, url) = (own.brokers(), database.url());
    let input = ["--brokers", &brokers, "--topic", "outage", "--database-url", &url];
    let mut run = viewtide(["run"].into_iter().chain(input));
    let mut stored = |expected: usize| {
        wait_for(&format!("{expected} rows"), DEADLINE, || {
            run.expect_running();
            let exists = database.value("SELECT (to_regclass('video_stats_processed') IS NOT NULL)::text") == "true";
            (exists && database.value("SELECT count(*) FROM video_stats_processed") == expected.to_string())
                .then_some(())
        });
    };
    stored(300);
    own.kill();
    std::thread::sleep(Duration::from_millis(500));
    own.restart();
    produce(&own, &rows[300..600]);
    stored(600);
    // Stopped, not killed: connections stay open and silent.
    own.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_millis(500));
    own.signal(Signal::SIGCONT);
    produce(&own, &rows[600..]);
    stored(900);
    run.signal(Signal::SIGTERM);
    let finished = run.wait(Duration::from_secs(10)).expect_code(0);
    assert!(finished.stderr.lines().count() < 100, "an outage does not flood the log:\n{}", finished.stderr);
    viewtide(["verify"].into_iter().chain(input)).wait(DEADLINE).expect_code(0);
    let whole = Database::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("rows.csv");
    crate::scenario::write_csv(&csv, &rows);
    // Of a topic of past hours no forecasts are issued.
    run_to_end(&Input::Csv(csv), &whole, Size { workers: 1, processes: 1 }, &["--forecasts", "off"]);
    assert_eq!(tables(&database), tables(&whole));
}
