//! What cannot be done is refused with a message that says what to do, and nothing is half done.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::process::{Finished, viewtide};
use crate::scenario::{
    DEADLINE, Input, Size, assert_verified, data_file, rows_of, run_args, run_to_end, tables, topic_of,
};

/// Runs with these arguments, which must be refused with `code` and each of `words`.
#[track_caller]
fn refused(args: &[&str], code: i32, words: &[&str]) -> Finished {
    let began = Instant::now();
    let finished = viewtide(args.iter().copied()).wait(DEADLINE).expect_code(code);
    for word in words {
        assert!(finished.stderr.contains(word), "no `{word}` in: {}", finished.stderr);
    }
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
    finished
}

fn csv() -> String {
    data_file("sample_10min.csv").display().to_string()
}

/// A port of this machine that nobody listens on.
fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

#[test]
fn a_database_that_cannot_be_reached_is_named() {
    let nobody = format!("postgresql://ann:s3cret@127.0.0.1:{}/stats", dead_port());
    for command in [vec!["run", "--csv", &csv()], vec!["verify"], vec!["rebuild"], vec!["migrate"]] {
        let args: Vec<&str> = command.iter().copied().chain(["--database-url", &nobody]).collect();
        let words = ["cannot connect to database stats at 127.0.0.1", "as ann", "refused", "is the server running"];
        let said = refused(&args, 1, &words);
        assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
    }
    let database = Database::fresh();
    let url = database.url();
    let (head, place) = url.split_once('@').expect("a URL with a password");
    let (user, _) = head.rsplit_once(':').expect("a user");
    let wrong = format!("{user}:wr0ng@{place}");
    let said = refused(
        &["migrate", "--database-url", &wrong],
        1,
        &["password authentication failed", "28P01", "check user and password"],
    );
    assert!(!said.stderr.contains("wr0ng"), "{}", said.stderr);
    let gone = url.replace(url.rsplit_once('/').expect("a database").1, "no_such_database");
    refused(&["migrate", "--database-url", &gone], 1, &["no_such_database", "3D000", "createdb"]);
    refused(&["migrate", "--database-url", "not a url"], 1, &["the database URL is not understood"]);
}

#[test]
fn brokers_that_are_not_there_and_topics_that_do_not_exist_are_named() {
    let database = Database::fresh();
    let nobody = format!("127.0.0.1:{}", dead_port());
    refused(
        &["run", "--brokers", &nobody, "--database-url", &database.url()],
        1,
        &["cannot reach the brokers", &nobody, "check --brokers"],
    );
    let brokers = kafka::shared().brokers();
    refused(
        &["run", "--brokers", &brokers, "--topic", "no-such-topic", "--database-url", &database.url()],
        1,
        &["has no topic no-such-topic", "create it"],
    );
    let topic = topic_of("videos", 1, &[]);
    refused(
        &["run", "--brokers", &brokers, "--topic", &topic, "--videos-topic", "no-such-topic"],
        1,
        &["has no topic no-such-topic", "create it", "--videos-topic"],
    );
    refused(
        &["run", "--brokers", &brokers, "--topic", &topic, "--videos-topic", &topic],
        2,
        &["--topic and --videos-topic both name", "snapshots or videos"],
    );
    refused(
        &["replay", &csv(), "--brokers", &brokers, "--topic", "no-such-topic"],
        1,
        &["no-such-topic", "--partitions"],
    );
    refused(
        &["run", "--brokers", &brokers, "-X", "enable.auto.commit=true", "--database-url", &database.url()],
        1,
        &["enable.auto.commit cannot be changed", "in Postgres"],
    );
    refused(&["run", "--brokers", &brokers, "-X", "no.such.setting=1"], 1, &["no.such.setting"]);
    assert_eq!(database.value("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"), "0");
}

/// Everything in the schema: its tables, their rows, and when they were changed last.
fn fingerprint(database: &Database) -> String {
    database.value(
        "SELECT coalesce(string_agg(relname || ' ' || pg_stat_get_tuples_inserted(oid) || ' ' || \
         pg_stat_get_tuples_updated(oid) || ' ' || pg_relation_size(oid), E'\\n' ORDER BY relname), '') \
         FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    )
}

#[test]
fn a_database_of_somebody_else_or_of_a_newer_viewtide_is_left_alone() {
    let foreign = Database::fresh();
    foreign.rows("CREATE TABLE video_stats_processed (a int); INSERT INTO video_stats_processed VALUES (1)");
    let newer = Database::fresh();
    viewtide(["migrate", "--database-url", &newer.url()]).wait(DEADLINE).expect_code(0);
    newer.rows("INSERT INTO refinery_schema_history VALUES (99, 'later', '2030-01-01', '1')");
    let other = Database::fresh();
    other.rows(
        "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name text, applied_on text, checksum text); \
         INSERT INTO refinery_schema_history VALUES (1, 'users', '2020-01-01', '1')",
    );
    for (database, words) in [
        (&foreign, ["tables that viewtide did not make (video_stats_processed)", "of its own"]),
        (&newer, ["schema version 99, this viewtide knows versions up to ", "or a newer one"]),
        (&other, ["tables that viewtide did not make (a migration 1 named users)", "of its own"]),
    ] {
        let before = fingerprint(database);
        refused(&["run", "--csv", &csv(), "--exit-at-end", "--database-url", &database.url()], 1, &words);
        refused(&["migrate", "--database-url", &database.url()], 1, &words);
        assert_eq!(fingerprint(database), before);
    }
}

#[test]
fn another_source_or_other_outputs_than_stored_are_refused_and_a_running_sink_goes_on() {
    let rows = rows_of("sample_10min.csv");
    let input = Input::Topic(topic_of("stored", 2, &rows[..500]));
    let other = Input::Topic(topic_of("other", 2, &rows[..5]));
    let database = Database::fresh();
    let mut running = viewtide(run_args(&input, &database, &[]));
    running.wait_for_output("state loaded", DEADLINE);
    let Input::Topic(topic) = &input else { unreachable!("it is a topic") };
    let Input::Topic(other_topic) = &other else { unreachable!("it is a topic") };
    let stored = |input: &Input, more: &[&str], words: &[&str]| {
        let args = run_args(input, &database, more);
        refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), 1, words);
    };
    stored(&other, &[], &["the source", topic, other_topic, "empty database"]);
    stored(&Input::Csv(data_file("sample_10min.csv")), &[], &["the source", topic, "sample_10min.csv"]);
    stored(&input, &["--outputs", "growth"], &["--outputs", "growth,hourly"]);
    stored(&input, &["--future-max", "2h"], &["--future-max", "1h", "2h"]);

    crate::scenario::send(topic, &rows[500..]);
    crate::harness::wait_for("the running one to take what came later", DEADLINE, || {
        (database.value("SELECT count(*) FROM video_stats_processed") == rows.len().to_string()).then_some(())
    });
    assert_eq!(database.value("SELECT incarnation FROM viewtide_progress"), "1", "nobody took over");
    drop(running);
    assert_verified(&database, &input);
    let whole = Database::fresh();
    run_to_end(&input, &whole, Size { workers: 1, processes: 1 }, &[]);
    assert_eq!(tables(&database), tables(&whole));
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_2() {
    let hostfile = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(hostfile.path(), "127.0.0.1:2101\n").expect("write a hostfile");
    let short = hostfile.path().to_str().expect("UTF-8");
    let table = data_file("trending_table.csv").display().to_string();
    let table = table.as_str();
    for (args, words) in [
        (vec![], "Usage: viewtide"),
        (vec!["fly"], "unrecognized subcommand"),
        (vec!["run", "--tick", "100ms"], "a bare number of milliseconds"),
        (vec!["run", "--retention", "7"], "write for example 7d"),
        (vec!["run", "--outputs", "growth,charts"], "`charts` is no output"),
        (vec!["run", "--start", "noon"], "write `earliest`, or a time"),
        (vec!["run", "--csv", "a.csv", "--brokers", "b:1"], "cannot be used with"),
        (vec!["run", "--videos", "v.csv"], "--videos needs --brokers <BROKERS> or --csv <FILE>"),
        (vec!["verify", "--videos", "v.csv"], "see `viewtide verify --help`"),
        (vec!["run", "--csv", "a.csv", "--videos-topic", "v"], "cannot be used with"),
        (vec!["run", "--videos-topic", "v"], "--brokers <BROKERS>"),
        (vec!["run", "--csv", table, "--videos", table], "--csv and --videos both name"),
        (vec!["run"], "no input: give --brokers"),
        (vec!["run", "--csv", "a.csv", "-n", "2", "-p", "2"], "processes are numbered 0 to 1"),
        (vec!["run", "--csv", "a.csv", "-w", "0"], "a process has 1 to"),
        (vec!["run", "--csv", "a.csv", "-n", "2", "--hostfile", short], "names 1 process(es), and -n says 2"),
        (vec!["run", "--brokers", "b:1", "-X", "linger"], "written key=value"),
        (vec!["verify", "--csv", "a.csv", "--brokers", "b:1"], "see `viewtide verify --help`"),
        (vec!["replay", "a.csv"], "--brokers"),
        (vec!["replay", "a.csv", "--brokers", "b:1", "--rate", "0"], "a number above 0"),
        (vec!["replay", "a.csv", "--brokers", "b:1", "--rate", "5", "--speed", "2"], "cannot be used with"),
    ] {
        refused(&args, 2, &[words]);
    }
}
