//! `train`: the same models by every way, with signals or without, and what cannot be trained on.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::postgres::Database;
use crate::harness::process::{Finished, Process, viewtide};
use crate::harness::wait_for;
use crate::scenario::{DEADLINE, Input, Row, Size, data_file, rows_of, run_to_end, write_csv};

const HOUR_US: i64 = 3_600_000_000;
const DATA: &str = "sample_10min.csv";
const MODELS: [&str; 3] = ["comments.safetensors", "likes.safetensors", "views.safetensors"];

/// Starts a training from `source` into `out`: one network a model.
fn start(source: &[&str], out: &Path, more: &[&str]) -> Process {
    let words = ["train", "--seeds", "1", "--out", out.to_str().expect("UTF-8")];
    viewtide(words.iter().chain(source).chain(more))
}

fn train(source: &[&str], out: &Path, more: &[&str]) -> Finished {
    start(source, out, more).wait(DEADLINE)
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry"));
    let file = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().expect("UTF-8"), std::fs::read(entry.path()).expect("a file"))
    };
    entries.map(file).collect()
}

/// `rows` as a file of `folder`; its path.
fn csv_of(folder: &Path, name: &str, rows: &[Row]) -> String {
    let path = folder.join(name);
    write_csv(&path, rows);
    path.display().to_string()
}

#[test]
fn a_training_that_a_signal_stops_goes_on_to_the_bytes_of_an_undisturbed_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data_file(DATA).display().to_string();
    let csv = ["--csv", &data];
    let [undisturbed, stopped] = ["undisturbed", "stopped"].map(|name| folder.path().join(name));
    let epochs = ["--epochs", "60"];
    let whole = train(&csv, &undisturbed, &epochs).expect_code(0);
    let expected = files(&undisturbed);
    assert_eq!(expected.keys().collect::<Vec<_>>(), MODELS);
    for (model, bytes) in &expected {
        assert!(whole.stdout.contains(&format!("{model} ")), "{}", whole.stdout);
        assert!(whole.stdout.contains(&format!(" {} ", bytes.len())), "{}", whole.stdout);
    }

    for (checkpoint, signal) in
        [("views-seed1.checkpoint", Signal::SIGTERM), ("likes-seed1.checkpoint", Signal::SIGINT)]
    {
        let running = start(&csv, &stopped, &epochs);
        let checkpoint = stopped.join(checkpoint);
        wait_for("a checkpoint", DEADLINE, || checkpoint.exists().then_some(()));
        running.signal(signal);
        let ended = running.wait(Duration::from_secs(10)).expect_code(0);
        assert!(ended.stderr.contains("goes on from the checkpoints"), "it was not stopped: {}", ended.stderr);
        assert!(checkpoint.exists());
    }
    let gone_on = train(&csv, &stopped, &[&epochs[..], &["--threads", "3"]].concat()).expect_code(0);
    assert_eq!(gone_on.stderr.matches("going on from a checkpoint").count(), 2, "{}", gone_on.stderr);
    assert!(files(&stopped) == expected, "{:?}", files(&stopped).keys());
}

/// A server that says nothing holds it up for seconds.
#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("postgresql://nobody@{}/none", silent.local_addr().expect("an address"));
    let mut running = start(&["--database-url", &url], folder.path(), &[]);
    let _connection = silent.accept().expect("a connection");
    running.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(200));
    running.expect_running();
    running.signal(Signal::SIGTERM);
    let ended = running.wait(Duration::from_secs(2)).expect_code(1);
    assert!(ended.stderr.is_empty(), "it did not wait for the server: {}", ended.stderr);
}

#[test]
fn a_checkpoint_of_other_input_is_refused_by_name_until_told_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("models");
    let rows = rows_of(DATA);
    let all = csv_of(folder.path(), "all.csv", &rows);
    let fewer = csv_of(folder.path(), "fewer.csv", &rows[..2_000]);
    let running = start(&["--csv", &all], &out, &["--metrics", "views", "--epochs", "200"]);
    let checkpoint = out.join("views-seed1.checkpoint");
    wait_for("a checkpoint", DEADLINE, || checkpoint.exists().then_some(()));
    running.signal(Signal::SIGTERM);
    running.wait(Duration::from_secs(10)).expect_code(0);

    let short = ["--metrics", "views", "--epochs", "2"];
    let refused = |source: &str, more: &[&str], why: &str| {
        let refused = train(&["--csv", source], &out, more).expect_code(1);
        for word in [checkpoint.to_str().expect("UTF-8"), "--afresh", why] {
            assert!(refused.stderr.contains(word), "no `{word}` in {}", refused.stderr);
        }
    };
    refused(&all, &short, "another recipe");
    refused(&fewer, &["--metrics", "views", "--epochs", "200"], "another set of samples");
    std::fs::write(&checkpoint, "of something else").expect("write a file");
    refused(&all, &short, "damaged");
    train(&["--csv", &fewer], &out, &[&short[..], &["--afresh"]].concat()).expect_code(0);
    let expected = folder.path().join("expected");
    train(&["--csv", &fewer], &expected, &short).expect_code(0);
    assert!(files(&out) == files(&expected));
}

/// What is stored gives the models of the files that it came from; where those are out of order, of the same in order.
#[test]
fn from_postgres_and_from_files_the_models_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let ordered = rows_of(DATA);
    // Each hour backwards: its first snapshot to arrive is its last one in time.
    let mut disordered = ordered.clone();
    disordered.sort_by_key(|row| (row.time_us().div_euclid(HOUR_US), -row.time_us()));
    assert_ne!(disordered, ordered);
    let short = ["--epochs", "2", "--leave-out", "jKlA7wS3SkE"];
    let out = |name: &str| folder.path().join(name);
    let [in_order, out_of_order] = [("ordered.csv", &ordered), ("disordered.csv", &disordered)].map(|(name, rows)| {
        let csv = csv_of(folder.path(), name, rows);
        let database = Database::fresh();
        run_to_end(&Input::Csv(csv.clone().into()), &database, Size { workers: 1, processes: 1 }, &[]);
        // What came too late for its video is in no aggregate, and in no model either.
        database.rows(
            "INSERT INTO video_stats_processed (video_id, \"timestamp\", view_count, like_count, folded_in) \
             SELECT video_id, \"timestamp\" + interval '1 second', 7, 7, false FROM video_stats_processed",
        );
        let [from_csv, stored] = ["csv", "stored"].map(|kind| out(&format!("{name}-{kind}")));
        train(&["--csv", &csv], &from_csv, &short).expect_code(0);
        train(&["--database-url", &database.url()], &stored, &short).expect_code(0);
        [from_csv, stored].map(|folder| files(&folder))
    });
    assert_eq!(in_order[0].keys().collect::<Vec<_>>(), MODELS);
    assert!(in_order[0] == in_order[1], "from files and from what they gave");
    assert!(out_of_order[1] == in_order[1], "what is stored is in order");
    assert!(out_of_order[0] != in_order[0], "files out of order have other origins");
    let model = String::from_utf8_lossy(&in_order[0]["views.safetensors"]).into_owned();
    let listed = ["eeMTs8R3tOY", "qK9k2J-ZkGU", "jKlA7wS3SkE"].map(|id| model.contains(id));
    assert_eq!(listed, [true, true, false], "the model names the videos that it knows");
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("models");
    let rows = rows_of(DATA);
    let refused = |source: &[&str], more: &[&str], code: i32, words: &[&str]| {
        let refused = train(source, &out, more).expect_code(code);
        for word in words {
            assert!(refused.stderr.contains(word), "{source:?} {more:?}: no `{word}` in {}", refused.stderr);
        }
    };
    let header = csv_of(folder.path(), "header.csv", &[]);
    refused(&["--csv", &header], &[], 1, &["no snapshot is in the CSV files"]);
    let bad = Row { timestamp: "never".to_owned(), ..rows[0].clone() };
    let bad = csv_of(folder.path(), "bad.csv", &[bad]);
    refused(&["--csv", &bad], &[], 1, &["no snapshot is in the CSV files", "bad.csv, line 2", "never"]);
    refused(&["--csv", "/none.csv"], &[], 1, &["/none.csv"]);
    let short = csv_of(folder.path(), "short.csv", &rows[..40]);
    refused(&["--csv", &short], &[], 1, &["nothing to learn: 40 snapshot(s)", "more than a day"]);
    let all = csv_of(folder.path(), "all.csv", &rows);
    let ids = ["--leave-out", "jKlA7wS3SkE", "qK9k2J-ZkGU", "eeMTs8R3tOY"];
    refused(&["--csv", &all], &ids, 1, &["all 3 video(s) are left out", "jKlA7wS3SkE"]);
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("write a file");
    let below = file.join("models");
    let unwritable = train(&["--csv", &all], &below, &[]).expect_code(1);
    assert!(unwritable.stderr.contains(below.to_str().expect("UTF-8")), "{}", unwritable.stderr);
    assert!(unwritable.stderr.contains("--out"), "{}", unwritable.stderr);

    let nobody = "postgresql://nobody@127.0.0.1:1/none";
    refused(&["--database-url", nobody], &[], 1, &["cannot connect", "is the server running"]);
    refused(&["--database-url", nobody, "--csv", &all], &[], 2, &["--csv cannot be used with --database-url"]);
    let database = Database::fresh();
    refused(&["--database-url", &database.url()], &[], 1, &["has no tables of viewtide", "viewtide run"]);
    run_to_end(&Input::Csv(header.into()), &database, Size { workers: 1, processes: 1 }, &[]);
    refused(&["--database-url", &database.url()], &[], 1, &["no snapshot is stored yet", "viewtide run"]);
    assert!(!out.exists() || files(&out).is_empty(), "nothing was made of any of it");
}

#[test]
fn one_video_without_comments_makes_two_models_and_warnings() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("models");
    let only = rows_of(DATA).into_iter().filter(|row| row.video == "eeMTs8R3tOY");
    let rows: Vec<Row> = only
        .map(|mut row| {
            row.counts[2].clear();
            row
        })
        .collect();
    let csv = csv_of(folder.path(), "one.csv", &rows);
    let made = train(&["--csv", &csv], &out, &["--epochs", "1"]).expect_code(0);
    assert_eq!(files(&out).keys().collect::<Vec<_>>(), MODELS[1..]);
    for word in ["there is one video to train on", "comments get no model", "metric=\"views\"", "samples="] {
        assert!(made.stderr.contains(word), "no `{word}` in {}", made.stderr);
    }
    assert!(!made.stdout.contains("comments") && made.stdout.contains("likes.safetensors"), "{}", made.stdout);
}
