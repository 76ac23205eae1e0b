//! Flags, and what they change.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::disorder::disordered;
use crate::harness::kafka::{self, Message};
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::{Process, viewtide};
use crate::harness::wait_for;
use crate::scenario::{
    DEADLINE, Input, Row, Size, assert_verified, data_file, rows_of, run_args, run_to_end, send, tables, topic_of,
    verify, write_csv,
};

/// The same forecasts from files and from a topic, of which `live` takes other ones.
const ALL: [&str; 2] = ["--forecasts", "all"];
const ONE: Size = Size { workers: 1, processes: 1 };

#[test]
fn outputs_choose_what_is_computed() {
    let input = Input::Csv(data_file("trending_daily.csv.gz")).with_videos();
    for outputs in ["growth", "hourly", "hourly,growth", "hourly,rollups", "trends", "growth,trends"] {
        let database = Database::fresh();
        run_to_end(&input, &database, ONE, &["--outputs", outputs]);
        for (output, rows) in [
            ("growth", "SELECT count(views_delta) FROM video_stats_processed"),
            ("hourly", "SELECT count(*) FROM hourly_aggregations"),
            ("rollups", "SELECT count(*) FROM channel_hourly"),
            ("rollups", "SELECT count(*) FROM category_hourly"),
            ("rollups", "SELECT count(*) FROM total_hourly"),
            ("trends", "SELECT count(*) FROM trends"),
            ("trends", "SELECT count(*) FROM trending"),
        ] {
            let is_wanted = outputs.split(',').any(|wanted| wanted == output);
            assert_eq!(database.value(rows) != "0", is_wanted, "{outputs}: {rows}");
        }
        for always in ["video_stats_processed", "videos"] {
            assert_ne!(database.value(&format!("SELECT count(*) FROM {always}")), "0", "{always} is always there");
        }
        assert_verified(&database, &input);
        viewtide(["rebuild", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
        assert_verified(&database, &input);
    }
}

/// What is computed is changed by rebuild, which ends what runs on other terms; a run with the new ones goes on from there.
#[test]
fn rebuild_changes_what_is_computed_and_ends_what_runs() {
    let rows = rows_of("sample_10min.csv");
    let topic = topic_of("rebuilt", 2, &rows[..1_000]);
    let input = Input::Topic(topic.clone());
    let database = Database::fresh();
    run_to_end(&input, &database, ONE, &["--outputs", "growth,hourly"]);
    let refused = viewtide(run_args(&input, &database, &["--exit-at-end"])).wait(DEADLINE).expect_code(1);
    let mends = "viewtide rebuild --outputs growth,hourly,rollups,trends";
    assert!(refused.stderr.contains(mends), "{}", refused.stderr);

    let mut running = viewtide(run_args(&input, &database, &["--outputs", "growth,hourly"]));
    running.wait_for_output("state loaded", DEADLINE);
    let rebuild = |outputs: &str| {
        viewtide(["rebuild", "--database-url", &database.url(), "--outputs", outputs]).wait(DEADLINE).expect_code(0)
    };
    rebuild("growth,hourly,rollups,trends");
    assert_verified(&database, &input);
    send(&topic, &rows[1_000..1_500]);
    let ended = running.wait(DEADLINE).expect_code(1);
    assert!(ended.stderr.contains("rebuild has changed"), "{}", ended.stderr);
    run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &[]);
    assert_verified(&database, &input);
    let whole = Database::fresh();
    run_to_end(&input, &whole, ONE, &[]);
    assert_eq!(tables(&database), tables(&whole));

    // And away again.
    rebuild("growth");
    assert_eq!(database.value("SELECT count(*) FROM trends"), "0");
    send(&topic, &rows[1_500..]);
    run_to_end(&input, &database, ONE, &["--outputs", "growth"]);
    assert_verified(&database, &input);
}

/// A dataflow ranks by the trends that it has loaded: where rebuild finds them wrong, what loaded them ends.
#[test]
fn a_run_that_loaded_wrong_trends_ends_when_they_are_mended() {
    let rows = rows_of("sample_10min.csv");
    let topic = topic_of("mended", 2, &rows[..1_000]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    run_to_end(&input, &database, ONE, &[]);
    database.rows("DELETE FROM trends WHERE video_id = (SELECT min(video_id) FROM trends)");
    let mut running = viewtide(run_args(&input, &database, &[]));
    running.wait_for_output("state loaded", DEADLINE);
    viewtide(["rebuild", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    send(&topic, &rows[1_000..]);
    running.wait(DEADLINE).expect_code(1);
    run_to_end(&input, &database, ONE, &[]);
    assert_verified(&database, &input);
}

/// Processes that do not agree on what they compute say so, before anything is read.
#[test]
fn processes_with_other_flags_than_process_0_end_with_both_in_words() {
    let input = Input::Topic(topic_of("agree", 2, &rows_of("sample_10min.csv")[..100]));
    for (flag, leads, ours) in
        [("--retention", "7d", "6d"), ("--outputs", "growth,trends", "growth"), ("--future-max", "1h", "2h")]
    {
        let database = Database::fresh();
        let ports = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
        let hosts = tempfile::NamedTempFile::new().expect("a hostfile");
        let lines = ports.each_ref().map(|port| port.local_addr().expect("an address").to_string());
        std::fs::write(hosts.path(), lines.join("\n")).expect("write a hostfile");
        drop(ports);
        let start = |process: &str, value: &str| {
            let hosts = hosts.path().to_str().expect("UTF-8");
            let more = ["-n", "2", "-p", process, "--hostfile", hosts, flag, value];
            viewtide(run_args(&input, &database, &more))
        };
        let (first, second) = (start("0", leads), start("1", ours));
        let second = second.wait(DEADLINE).expect_code(1);
        assert!(second.stderr.contains(flag) && second.stderr.contains("process 0 with"), "{}", second.stderr);
        assert_ne!(first.wait(DEADLINE).code(), Some(0), "without its peer process 0 does not end well");
        assert_eq!(database.value("SELECT count(*) FROM video_stats_processed"), "0");
    }
}

/// Of inputs side by side the first commit names every partition: one that it did not name would be read from its beginning
/// by the next start, whatever --start says.
#[test]
fn a_start_in_time_beside_a_file_of_videos_is_remembered_for_every_partition() {
    let topic = kafka::shared().fresh_topic("start-beside", 4);
    let rows = rows_of("sample_10min.csv");
    send(&topic, &rows[..400]);
    std::thread::sleep(Duration::from_millis(50));
    let start = jiff::Timestamp::now().to_string();
    let input = Input::Topic(topic.clone()).with_videos();
    for _ in 0..6 {
        let database = Database::fresh();
        let run = viewtide(run_args(&input, &database, &["--start", &start, "-w", "2", "--tick", "1"]));
        let of_first_commit = first_positions(&database);
        run.signal(Signal::SIGKILL);
        drop(run.wait(DEADLINE));
        let partitions: Vec<_> = of_first_commit.as_object().expect("an object").keys().collect();
        assert_eq!(partitions, ["0", "1", "2", "3", "videos_file/0"], "the first commit names every partition");
        run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &["--start", &start]);
        assert_eq!(
            database.value("SELECT count(*) FROM video_stats_processed"),
            "0",
            "what was before the start is not read"
        );
    }
}

/// The positions of a run's first commit, as soon as there are any: the second one comes milliseconds later.
fn first_positions(database: &Database) -> serde_json::Value {
    wait_for("the tables", DEADLINE, || {
        (database.value("SELECT (to_regclass('viewtide_progress') IS NOT NULL)::text") == "true").then_some(())
    });
    let positions = with_client(&database.url(), async |client| {
        let read = client.prepare("SELECT positions::text FROM viewtide_progress WHERE tick > 0").await?;
        loop {
            if let Some(row) = client.query_opt(&read, &[]).await? {
                return Ok(row.get::<_, String>(0));
            }
        }
    });
    serde_json::from_str(&positions.expect("a connection")).expect("JSON")
}

/// Stops a run once so many records are durable.
fn stop_when_durable(run: Process, database: &Database, records: usize) {
    let durable = "SELECT coalesce(sum((span ->> 'next')::bigint), 0) \
                   FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
    wait_for("every record to be durable", DEADLINE, || {
        let exists = database.value("SELECT (to_regclass('viewtide_progress') IS NOT NULL)::text") == "true";
        (exists && database.value(durable) == records.to_string()).then_some(())
    });
    run.signal(Signal::SIGTERM);
    run.wait(Duration::from_secs(10)).expect_code(0);
}

#[test]
fn each_record_is_judged_by_the_retention_that_it_met() {
    let rows = disordered(&rows_of("tracked_dense.csv.gz")[..3_000], 3);
    let topic = topic_of("retention", 2, &rows[..1_000]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    for (part, retention) in [(0..0, "1h"), (1_000..2_000, "30d"), (2_000..3_000, "0s"), (3_000..rows.len(), "7d")] {
        send(&topic, &rows[part]);
        run_to_end(&input, &database, ONE, &["--retention", retention]);
        assert_verified(&database, &input);
    }
    let late = "SELECT count(*) FROM video_stats_processed WHERE NOT folded_in";
    let one_retention = Database::fresh();
    run_to_end(&input, &one_retention, ONE, &["--retention", "30d"]);
    assert_eq!(one_retention.value(late), "0");
    assert_ne!(database.value(late), "0");
    assert_eq!(
        database.value("SELECT jsonb_array_length(retentions) FROM viewtide_progress"),
        "4",
        "each is kept with where it began"
    );
}

#[test]
fn a_start_in_time_begins_there_and_is_remembered() {
    let topic = kafka::shared().fresh_topic("start", 3);
    let rows: Vec<Row> = rows_of("sample_10min.csv").into_iter().take(90).collect();
    let hour_ms = 3_600_000;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let values: Vec<String> = rows.iter().map(Row::json).collect();
    // The first third arrived two hours ago, the rest one.
    let messages = values.iter().enumerate().map(|(number, value)| Message {
        partition: Some((number % 3) as i32),
        key: None,
        value: Some(value.as_bytes()),
        timestamp_ms: Some(now_ms - if number < 30 { 2 * hour_ms } else { hour_ms }),
    });
    kafka::shared().produce(&topic, messages);
    let start = jiff::Timestamp::from_millisecond(now_ms - hour_ms).expect("a time").to_string();
    let (input, database) = (Input::Topic(topic), Database::fresh());
    let summary = run_to_end(&input, &database, Size { workers: 2, processes: 1 }, &["--start", &start]);
    assert_eq!(summary["records"], 60, "{summary}");
    let first = "SELECT string_agg(span ->> 'first', ',' ORDER BY partition) \
                 FROM viewtide_progress, jsonb_each(positions) AS p(partition, span)";
    assert_eq!(database.value(first), "10,10,10");
    // Where something is stored, it goes on from there whatever --start says.
    assert_eq!(run_to_end(&input, &database, ONE, &["--start", "earliest"])["records"], 0);
    verify(&database, Some(&input)).expect_code(0);
}

#[test]
fn partitions_that_are_added_are_read_from_their_beginning() {
    let rows = rows_of("sample_10min.csv");
    let topic = topic_of("added", 1, &rows[..100]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    let mut run = viewtide(run_args(&input, &database, &["-w", "2"]));
    run.wait_for_output("state loaded", DEADLINE);
    kafka::shared().add_partitions(&topic, 3);
    send(&topic, &rows[100..200]);
    stop_when_durable(run, &database, 200);
    assert_eq!(database.value("SELECT count(*) FROM video_stats_processed"), "200");
    verify(&database, Some(&input)).expect_code(0);
}

#[test]
fn a_video_in_several_partitions_is_said_and_counted() {
    let rows: Vec<Row> = rows_of("sample_10min.csv").into_iter().take(200).collect();
    let topic = kafka::shared().fresh_topic("crossing", 2);
    let values: Vec<String> = rows.iter().map(Row::json).collect();
    let messages = values.iter().enumerate().map(|(number, value)| Message {
        partition: Some((number % 2) as i32),
        value: Some(value.as_bytes()),
        ..Message::default()
    });
    kafka::shared().produce(&topic, messages);
    let (input, database) = (Input::Topic(topic), Database::fresh());
    let finished = viewtide(run_args(&input, &database, &["--exit-at-end"])).wait(DEADLINE).expect_code(0);
    assert!(finished.json()["crossed_records"].as_u64() > Some(0), "{}", finished.stdout);
    assert!(finished.stderr.contains("Key the topic by video id"), "{}", finished.stderr);
    let verified = verify(&database, Some(&input)).expect_code(0);
    assert!(verified.json()["crossing_videos"].as_u64() > Some(0), "{}", verified.stdout);
}

#[test]
fn environment_files_and_json_logs_tell_no_secret() {
    let database = Database::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let url_file = folder.path().join("database-url");
    std::fs::write(&url_file, database.url() + "\n").expect("write a file");
    let url = database.url();
    let (_, secret) = url.split_once("viewtide:").expect("a password in the URL");
    let (secret, _) = secret.split_once('@').expect("a password in the URL");

    let finished = std::process::Command::new(env!("CARGO_BIN_EXE_viewtide"))
        .args(["run", "--exit-at-end", "--log-format", "json", "--log-level", "debug"])
        .env("VIEWTIDE_CSV", data_file("sample_10min.csv"))
        .env("VIEWTIDE_DATABASE_URL_FILE", &url_file)
        .env("VIEWTIDE_TICK", "1000")
        .output()
        .expect("run");
    let said = String::from_utf8(finished.stderr).expect("UTF-8");
    assert!(finished.status.success(), "{said}");
    assert!(said.lines().count() > 3, "{said}");
    for line in said.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    assert!(!said.contains(secret), "{said}");
    assert_verified(&database, &Input::Csv(data_file("sample_10min.csv")));
}

#[test]
fn variables_that_are_meant_for_other_commands_do_not_stop_files_or_verify_alone() {
    let (csv, database) = (data_file("sample_10min.csv"), Database::fresh());
    let csv = csv.to_str().expect("UTF-8");
    let url = database.url();
    let run: &[&str] = &["run", "--csv", csv, "--exit-at-end", "--database-url", &url];
    let alone: &[&str] = &["verify", "--database-url", &url];
    let with_files: &[&str] = &["verify", "--csv", csv, "--database-url", &url];
    let brokers = [("VIEWTIDE_BROKERS", "127.0.0.1:1"), ("VIEWTIDE_VIDEOS_TOPIC", "videos")];
    let videos = [("VIEWTIDE_VIDEOS", "no-such-file.csv"), ("VIEWTIDE_VIDEOS_TOPIC", "videos")];
    for (args, variables) in [(run, brokers), (alone, videos), (with_files, brokers)] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_viewtide"));
        let finished = command.args(args).envs(variables).output().expect("run");
        assert!(finished.status.success(), "{args:?}: {}", String::from_utf8_lossy(&finished.stderr));
    }
}

#[test]
fn csv_without_an_end_waits_for_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("rows.csv");
    write_csv(&csv, &rows_of("sample_10min.csv")[..50]);
    let (input, database) = (Input::Csv(csv), Database::fresh());
    let run = viewtide(run_args(&input, &database, &["--tick", "1"]));
    stop_when_durable(run, &database, 50);
    let again = Database::fresh();
    run_to_end(&input, &again, ONE, &[]);
    assert_eq!(tables(&database), tables(&again));
}

#[test]
fn a_directory_is_read_and_replayed_as_the_files_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = rows_of("sample_10min.csv");
    let (first, second) = rows.split_at(1_000);
    write_csv(&folder.path().join("2025-01.csv"), first);
    write_csv(&folder.path().join("2025-02.csv"), second);
    std::fs::write(folder.path().join(".2025-03.csv"), "not read").expect("write a file");
    std::fs::create_dir(folder.path().join("more.csv")).expect("make a folder");
    let path = folder.path().to_str().expect("UTF-8").to_owned();

    let (input, database) = (Input::Csv(folder.path().to_owned()), Database::fresh());
    let args = run_args(&input, &database, &["--exit-at-end", ALL[0], ALL[1]]);
    let finished = viewtide(args).wait(DEADLINE).expect_code(0);
    assert!(finished.stderr.contains(".2025-03.csv more.csv"), "what is left out is said: {}", finished.stderr);
    assert_verified(&database, &input);
    let expected = Database::fresh();
    run_to_end(&Input::Csv(data_file("sample_10min.csv")), &expected, ONE, &ALL);
    assert_eq!(tables(&database), tables(&expected));

    let topic = kafka::shared().fresh_topic("folder", 2);
    let replay = ["replay", &path, "--brokers", &kafka::shared().brokers(), "--topic", &topic];
    let finished = viewtide(replay).wait(DEADLINE).expect_code(0);
    assert_eq!(finished.json()["acknowledged"], rows.len(), "{}", finished.stdout);
    let replayed = Database::fresh();
    run_to_end(&Input::Topic(topic), &replayed, ONE, &ALL);
    assert_eq!(tables(&replayed), tables(&expected));
}

#[test]
fn a_table_of_trending_videos_is_the_same_read_or_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("USvideos.csv");
    let text = "video_id,trending_date,title,channel_title,category_id,publish_time,views,likes,dislikes,comment_count,\
         comments_disabled,ratings_disabled,description\n\
         dQw4w9WgXcQ,17.14.11,\"A, \"\"B\"\" 🎵\",C,22,2017-11-13T17:13:01.000Z,748374,57527,2966,15954,False,False,\"a\n\nb\"\n\
         x_BjvhMW9TE,17.14.11,D,E,24,2017-11-12T19:05:24.000Z,3191434,0,0,0,True,True,\n\
         dQw4w9WgXcQ,17.15.11,A,C,22,2017-11-13T17:13:01.000Z,848374,67527,3966,16954,FALSE,false,\n\
         Oi-piOr_9AY,17.15.11,H,I,24,#NAME?,7,5,5,5,False,False,\n\
         #NAME?,17.15.11,F,G,24,2017-11-12T19:05:24.000Z,5,5,5,5,False,False,\n";
    std::fs::write(&csv, text).expect("write a file");
    let (input, database) = (Input::Csv(csv.clone()), Database::fresh());
    let summary = run_to_end(&input, &database, ONE, &ALL);
    assert_eq!((&summary["records"], &summary["dead_letters"]), (&4.into(), &1.into()), "{summary}");
    assert_verified(&database, &input);
    let videos = "SELECT string_agg(video_id, ',' ORDER BY video_id) FROM videos";
    assert_eq!(database.value(videos), "dQw4w9WgXcQ,x_BjvhMW9TE", "no day of publishing is no word on a video");
    let hidden = "SELECT like_count IS NULL AND comment_count IS NULL AND view_count = 3191434 \
                  FROM video_stats_processed WHERE video_id = 'x_BjvhMW9TE' AND timestamp = '2017-11-14T00:00:00Z'";
    assert_eq!(
        database.value(&format!("SELECT coalesce(bool_and(ok)::text, 'no row') FROM ({hidden}) AS t(ok)")),
        "true"
    );

    let topic = kafka::shared().fresh_topic("trending", 1);
    let path = csv.to_str().expect("UTF-8");
    let replay = ["replay", path, "--brokers", &kafka::shared().brokers(), "--topic", &topic];
    viewtide(replay).wait(DEADLINE).expect_code(0);
    let (input, replayed) = (Input::Topic(topic), Database::fresh());
    run_to_end(&input, &replayed, ONE, &ALL);
    assert_verified(&replayed, &input);
    assert_eq!(tables(&replayed), tables(&database));
}
