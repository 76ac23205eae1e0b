//! Retrainings, mirrored to a real MLflow tracking server from PyPI.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::mlflow::Mlflow;
use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::harness::wait_for;
use crate::polled::Polled;
use crate::retrain::{Retrained, pretrained, rows, wave};
use crate::scenario::{DEADLINE, Input, Size, assert_verified, run_args, start_processes, write_csv};

/// What a run of MLflow's has in a list of names and values.
fn named(run: &Value, list: &str) -> BTreeMap<String, Value> {
    let list = run["data"][list].as_array().cloned().unwrap_or_default();
    list.iter().map(|pair| (pair["key"].as_str().expect("a name").to_owned(), pair["value"].clone())).collect()
}

/// MLflow's runs, by the retraining that they are of: those that are there whole. None is there twice, not even in part.
fn mirrored(mlflow: &Mlflow) -> BTreeMap<String, Value> {
    let mut runs = BTreeMap::new();
    for run in mlflow.runs("viewtide") {
        let run_id = named(&run, "tags")["viewtide.run_id"].as_str().expect("a text").to_owned();
        assert!(runs.insert(run_id.clone(), run).is_none(), "{run_id} is there twice");
    }
    runs.retain(|_, run| named(run, "tags").contains_key("viewtide.mirrored"));
    runs
}

/// Waits until MLflow has all retrainings of the table, at least `least` of them, and compares every figure and file.
fn assert_mirrored(mlflow: &Mlflow, database: &Database, least: usize) {
    let runs = wait_for("MLflow to have all retrainings", DEADLINE, || {
        let expected = database.rows("SELECT DISTINCT run_id FROM model_metrics");
        let runs = mirrored(mlflow);
        (runs.len() == expected.len() && runs.len() >= least).then_some(runs)
    });
    for (run_id, run) in runs {
        let sql = format!("SELECT metric_name, metric_value::text FROM model_metrics WHERE run_id = '{run_id}'");
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number");
        let expected = database.rows(&sql).into_iter().map(|row| {
            let [name, value] = <[_; 2]>::try_from(row).expect("two columns");
            (name.expect("a name"), number(value))
        });
        // A figure that is none is not told.
        let expected: BTreeMap<String, f64> = expected.filter(|(_, value): &(_, f64)| value.is_finite()).collect();
        let metrics = named(&run, "metrics");
        let found = metrics.iter().map(|(name, value)| (name.clone(), value.as_f64().expect("a number")));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected, "{run_id}");

        let tags = named(&run, "tags");
        let (model, version) = (tags["viewtide.model"].as_str().expect("a text"), expected["version"]);
        assert_eq!(tags["viewtide.promoted"], if expected["promoted"] == 1.0 { "true" } else { "false" });
        let of_model = format!("FROM models WHERE model_name = '{model}' AND version = {version}");
        let stored = database.value(&format!("SELECT encode(artifact, 'hex') {of_model}"));
        let file = mlflow.file(&run, &format!("model/{model}-{version}.safetensors"));
        assert_eq!(hex(&file), stored, "{run_id}");
        let params = named(&run, "params");
        for param in ["metric", "recipe.epochs", "seeds"] {
            let path = param.replace('.', ",");
            let stored = database.value(&format!("SELECT manifest #>> '{{{path}}}' {of_model}"));
            assert_eq!(params[param].as_str().map(|text| text.replace(' ', "")), Some(stored.replace(' ', "")));
        }
        let written = database.value(&format!(
            "SELECT (extract(epoch FROM min(\"timestamp\")) * 1000)::bigint::text FROM model_metrics WHERE run_id = '{run_id}'"
        ));
        let info = &run["info"];
        assert_eq!((&info["status"], info["end_time"].to_string()), (&Value::from("FINISHED"), written));
        assert!(info["start_time"].as_i64() < info["end_time"].as_i64() && info["run_name"] == *run_id);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_retraining_is_mirrored_with_all_its_figures_and_its_file() {
    let mut mlflow = Mlflow::new();
    mlflow.start();
    let flags = ["--retrain", "1s", "--mlflow", &mlflow.uri()];
    let mut run = Retrained::start(&rows(wave), &flags, |_| pretrained("views"), "mirrored to MLflow run_id=\"views-2");
    run.running.wait_for_output("mirrored to MLflow run_id=\"comments-2", DEADLINE);
    assert_mirrored(&mlflow, &run.database, 3);
    run.stop();
}

/// A database with what `count` retrainings of the models that come with viewtide would have left.
fn with_retrainings(count: usize) -> Database {
    let database = Database::fresh();
    viewtide(["migrate", "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    viewtide(["models", "add", &pretrained("views"), "--database-url", &database.url()]).wait(DEADLINE).expect_code(0);
    database.rows(&format!(
        "INSERT INTO model_metrics (run_id, metric_name, model_name, metric_value, \"timestamp\")
         SELECT 'views-1-' || n, name, 'views', value, '2025-07-01T00:00:00Z'::timestamptz + n * interval '1 hour'
         FROM generate_series(1, {count}) AS n,
              (VALUES ('version', 1), ('promoted', 0), ('seconds', 1.5), ('loss', 0.1), ('mae_1h', 1e-30), ('nan', 'NaN'))
                  AS figure (name, value)"
    ));
    database
}

#[test]
fn while_mlflow_is_away_the_run_goes_on_and_nothing_is_lost_or_there_twice() {
    let mut mlflow = Mlflow::new();
    let database = with_retrainings(12);
    let folder = tempfile::tempdir().expect("a folder");
    let input = Input::Csv(folder.path().join("rows.csv"));
    write_csv(&folder.path().join("rows.csv"), &rows(wave));
    let args = run_args(&input, &database, &["--retrain", "off", "--mlflow", &mlflow.uri()]);
    let start = || start_processes(&args, Size { workers: 1, processes: 1 }).remove(0);
    let mut run = start();
    run.wait_for_output("retrainings wait in model_metrics for MLflow at http://127.0.0.1:", DEADLINE);
    // All is read meanwhile, and what is wrong is said once.
    wait_for("all rows", DEADLINE, || {
        (database.value("SELECT count(*)::text FROM video_stats_processed") == "4320").then_some(())
    });
    std::thread::sleep(Duration::from_secs(11));
    assert_eq!(run.stderr().matches("retrainings wait in model_metrics").count(), 1, "{}", run.stderr());

    // Killed again and again while it tells the server, at any point.
    mlflow.start();
    let mut seen = 0;
    for wait_ms in [0, 40, 80] {
        seen = wait_for("another run", DEADLINE, || Some(mlflow.runs("viewtide").len()).filter(|runs| *runs > seen));
        std::thread::sleep(Duration::from_millis(wait_ms));
        run.signal(Signal::SIGKILL);
        run.wait_for_end(DEADLINE);
        run = start();
    }
    assert_mirrored(&mlflow, &database, 12);
    // The server is started again with what it had.
    mlflow.kill();
    mlflow.start();
    assert_mirrored(&mlflow, &database, 12);
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
    assert_verified(&database, &input);
}

/// A server that takes each connection, hands over what is asked first, and gives `answer`, or none at all.
fn server(answer: Option<&'static str>) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        let mut open: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4_096];
            let read = stream.read(&mut buffer).unwrap_or_default();
            let _ = sender.send(String::from_utf8_lossy(&buffer[..read]).into_owned());
            match answer {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => open.push(stream),
            }
        }
    });
    (port, asked)
}

#[test]
fn a_server_that_never_answers_costs_the_run_nothing() {
    let (port, asked) = server(None);
    let mut polled = Polled::start(&["--retrain", "off"]);
    polled.restart(&["--retrain", "off", "--mlflow", format!("http://127.0.0.1:{port}").leak()]);
    asked.recv_timeout(DEADLINE).expect("a question");
    // While it is waited for, rows come and a stop does not take its time.
    polled.poll(20);
    polled.until("SELECT count(*) > 0 FROM predictions WHERE issued_at >= '2025-07-03T00:00:00Z'");
    let begin = std::time::Instant::now();
    polled.stop();
    assert!(begin.elapsed() < Duration::from_secs(20), "verify included: {:?}", begin.elapsed());
}

#[test]
fn user_and_password_are_given_to_the_server_and_never_shown() {
    let answers = [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nwho? you?",
            "refuses experiments/get-by-name with status 401: who? you?",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>",
            "answers experiments/get-by-name with <html>hi</html>",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://ann:s3cret@127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "with status 302: nothing",
        ),
    ];
    for (answer, said) in answers {
        let (port, asked) = server(Some(answer));
        let database = with_retrainings(1);
        let folder = tempfile::tempdir().expect("a folder");
        write_csv(&folder.path().join("rows.csv"), &rows(wave)[..50]);
        let input = Input::Csv(folder.path().join("rows.csv"));
        let mut run: Process =
            viewtide(run_args(&input, &database, &["--mlflow", &format!("http://ann:s3cret@127.0.0.1:{port}/at/")]));
        run.wait_for_output(said, DEADLINE);
        let asked = asked.recv_timeout(DEADLINE).expect("a question").to_lowercase();
        assert!(
            asked.starts_with("get /at/api/2.0/mlflow/experiments/get-by-name?experiment_name=viewtide "),
            "{asked}"
        );
        assert!(asked.contains("authorization: basic yw5uonmzy3jlda==\r\n"), "{asked}");
        run.signal(Signal::SIGTERM);
        let finished = run.wait(DEADLINE).expect_code(0);
        assert!(!finished.stderr.contains("s3cret") && !finished.stdout.contains("s3cret"), "{}", finished.stderr);
    }
    for wrong in ["ann:s3cret@host", "ftp://ann:s3cret@host"] {
        let refused = viewtide(["run", "--brokers", "127.0.0.1:1", "--mlflow", wrong]).wait(DEADLINE).expect_code(2);
        assert!(refused.stderr.contains("--mlflow") && !refused.stderr.contains("s3cret"), "{}", refused.stderr);
    }
}
