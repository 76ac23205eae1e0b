//! README.md, as its reader would follow it: every command in it is run, and every name in it exists; of the tutorial every name
//! and every statement.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::harness::wait_for;
use crate::metabase;
use crate::scenario::{DEADLINE, Input, SIZES, data_file, run_to_end};

fn text_of(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn readme() -> String {
    text_of("README.md")
}

/// Every command line of viewtide in `text`, in its order: what is in a code block, and what a row of the table of commands
/// begins with.
fn commands(text: &str) -> Vec<String> {
    let command = |line: &str| {
        let line = line.split(" #").next().unwrap_or(line).trim();
        let line = line.strip_prefix("target/release/").unwrap_or(line);
        line.strip_prefix("viewtide ").map(str::to_owned)
    };
    let lines = text.lines().filter_map(|line| match line.strip_prefix("    ") {
        Some(of_block) => Some(of_block),
        None => line.strip_prefix("| `")?.split('`').next(),
    });
    lines.filter_map(command).collect()
}

/// What the placeholders of the README stand for here.
struct Place {
    folder: tempfile::TempDir,
    topic: String,
    database: Database,
    of_csv: Database,
    metabase: metabase::Place,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(data_file("sample_10min.csv"), folder.path().join("a.csv")).expect("a.csv");
        std::fs::copy(data_file("tracked_dense.csv.gz"), folder.path().join("b.csv.gz")).expect("b.csv.gz");
        let topic = kafka::shared().fresh_topic("readme", 2);
        let metabase = metabase::Place::new();
        Self { folder, topic, database: Database::fresh(), of_csv: Database::fresh(), metabase }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args(&self, command: &str) -> Vec<String> {
        let brokers = kafka::shared().brokers();
        let word = |word: &str| match word {
            "kafka1:9092,kafka2:9092" | "kafka1:9092" | "B" => brokers.clone(),
            "youtube_stats" | "T" => self.topic.clone(),
            "a.csv" | "b.csv.gz" | "letters.jsonl" => self.file(word).display().to_string(),
            "URL" | "http://localhost:3000" => self.metabase.metabase.url(),
            "FILE.." => self.file("a.csv").display().to_string(),
            "models" | "models/views.safetensors" => self.file(word).display().to_string(),
            other => other.to_owned(),
        };
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        let mut args: Vec<String> = [name.to_owned()].into_iter().chain(rest.split_whitespace().map(word)).collect();
        let is_train = args[0] == "train";
        if is_train {
            // Enough to see that it works.
            args.extend(["--epochs".to_owned(), "1".to_owned()]);
        }
        if args[0] == "metabase" {
            // Its tables are where the role may be given a password, which stands in a file.
            args.extend(self.metabase.database_and_password());
            if !command.contains("--email") {
                args.extend(["--email".to_owned(), "you@example.org".to_owned()]);
            }
            return args;
        }
        let reads_files = command.contains("--csv") && is_train;
        let needs_none = reads_files || ["replay", "demo", "evaluate"].contains(&args[0].as_str());
        if !needs_none && !command.contains("--file") {
            // There is more to learn from in the file than in the topic.
            let database = if command.contains("--csv") || is_train { &self.of_csv } else { &self.database };
            args.extend(["--database-url".to_owned(), database.url()]);
        }
        args
    }
}

fn stop(process: Process) {
    process.signal(Signal::SIGTERM);
    process.wait(Duration::from_secs(10)).expect_code(0);
}

#[test]
fn every_command_works_in_the_order_of_the_page() {
    let text = readme();
    let place = Place::new();
    let record = text.lines().map(str::trim).find(|line| line.starts_with("{\"timestamp\"")).expect("a record");
    let message = Message { key: Some(b"7tbWmYUZLX4"), value: Some(record.as_bytes()), ..Message::default() };
    kafka::shared().produce(&place.topic, [message]);
    let views = "SELECT view_count::text FROM video_stats_processed WHERE video_id = '7tbWmYUZLX4'";
    let commands = commands(&text);
    for command in &commands {
        let mut process = viewtide(place.args(command));
        match command.split_whitespace().next() {
            Some("demo") => {
                process.wait_for_output("the tables stay up until you press Ctrl-C", DEADLINE);
                assert!(process.stderr().contains("the page: http://127.0.0.1:"), "{}", process.stderr());
                stop(process);
            }
            Some("run") if !command.contains("--exit-at-end") => {
                process.wait_for_output("state loaded", DEADLINE);
                wait_for("the record's row", DEADLINE, || (place.database.rows(views).len() == 1).then_some(()));
                stop(process);
            }
            _ => drop(process.wait(DEADLINE).expect_code(0)),
        }
    }
    assert_eq!(commands.len(), 22, "a command was added or is no longer recognised: {commands:?}");
    assert_eq!(place.database.value(views), "451234");
    assert_eq!(place.database.value("SELECT count(*) FROM dead_letters"), "0");
}

#[test]
fn every_name_exists() {
    let text = readme();
    let database = Database::fresh();
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    let letters = ["list", "export", "replay"].map(|command| vec!["dead-letters", command]);
    let models = ["list", "add", "promote", "rollback"].map(|command| vec!["models", command]);
    let commands = ["run", "verify", "replay", "rebuild", "migrate", "demo", "evaluate", "train", "metabase"];
    let commands = commands.map(|command| vec![command]);
    let help: String = commands
        .into_iter()
        .chain(letters)
        .chain(models)
        .map(|command| viewtide(command.into_iter().chain(["--help"])).wait(DEADLINE).expect_code(0).stdout)
        .collect();
    let exists = |name: &str| {
        let sql = format!(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'
             AND '{name}' IN (table_name, column_name)"
        );
        let is_setting = format!("SELECT count(*) FROM pg_settings WHERE name = '{name}'");
        database.value(&sql) != "0" || database.value(&is_setting) != "0"
    };
    let (mut flags, mut names) = (0, 0);
    for quoted in text.split('`').skip(1).step_by(2) {
        for flag in quoted.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")), "{flag}");
            flags += 1;
        }
        let is_name =
            |word: &str| word.contains('_') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        // These are fields of a record and not columns.
        if is_name(quoted) && !["view_count", "youtube_videos"].contains(&quoted) {
            assert!(exists(quoted), "{quoted}");
            names += 1;
        }
    }
    assert!(flags >= 10 && names >= 8, "{flags} flags and {names} names were looked for");
    expect_targets(&text);
}

/// Every `make` in a code block is of a target that there is.
fn expect_targets(text: &str) {
    let makefile = text_of("Makefile");
    let of_block = text.lines().filter_map(|line| line.strip_prefix("    "));
    let mut found = 0;
    for target in of_block.filter_map(|line| line.split_once("make ")?.1.split_whitespace().next()) {
        assert!(makefile.contains(&format!("\n{target}: ")), "make {target}");
        found += 1;
    }
    assert!(found > 1, "no target was looked at");
}

/// What it starts and ends, and what it sends, is tested with `make up`.
#[test]
fn what_the_tutorial_names_is_there() {
    let text = text_of("docs/tutorial.md");
    expect_targets(&text);
    assert!(text_of("scripts/chain/engine.sh").contains("RUN_FLAGS"));
    let of_block: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    for file in of_block.iter().flat_map(|line| line.split([' ', '\''])).filter(|word| word.starts_with("data/")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(), "{file}");
    }
    let place = Place::new();
    for command in commands(&text) {
        let args = place
            .args(&command)
            .into_iter()
            .map(|word| if word == "127.0.0.1:9092" { kafka::shared().brokers() } else { word });
        let args: Vec<String> = args.chain(["--topic".to_owned(), place.topic.clone()]).collect();
        viewtide(args).wait(DEADLINE).expect_code(0);
    }
    let input = Input::Topic(place.topic.clone());
    run_to_end(&input, &place.database, SIZES[1], &["--videos", "data/sample_videos.csv.gz"]);
    let mut statements = 0;
    for statement in of_block.join("\n").split_inclusive(';').filter_map(|part| Some(&part[part.find("SELECT ")?..])) {
        assert_eq!(place.database.rows(statement).len(), 10, "{statement}");
        statements += 1;
    }
    assert_eq!(statements, 2);
}
