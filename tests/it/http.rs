//! What a run says over HTTP, beside what stands in its tables.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use viewtide::postgres::managed::ManagedPostgres;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::{Database, rows as rows_at};
use crate::harness::process::{Process, viewtide};
use crate::harness::{target_dir, wait_for};
use crate::outages::own_server;
use crate::scenario::{DEADLINE, Input, rows_of, run_args, topic_of};

/// Where a run with `--http 0` listens.
fn address(run: &mut Process) -> String {
    run.wait_for_output("listening on http://", DEADLINE);
    let log = run.stderr();
    let (_, after) = log.split_once("listening on http://").expect("said");
    after.split_whitespace().next().expect("an address").to_owned()
}

/// Status and headers, in lower case, and body of what is answered to `request`.
fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.to_lowercase(), body.to_owned())
}

/// The same of what is answered to GET `path`.
pub fn get(address: &str, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

fn until_ready(address: &str) {
    wait_for("it to be ready", DEADLINE, || get(address, "/readyz").0.starts_with("http/1.1 200").then_some(()));
}

/// The figures of `/metrics`, by name with labels.
fn figures(address: &str) -> BTreeMap<String, f64> {
    let (head, body) = get(address, "/metrics");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let figure = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    body.lines().filter(|line| !line.starts_with('#')).map(figure).collect()
}

/// What promtool says of `input`, where it likes it.
fn promtool(args: &[&str], input: &str) -> String {
    let of_setup = target_dir().join("tools/promtool");
    let program = if of_setup.exists() { of_setup } else { "promtool".into() };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/prometheus");
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: `make setup-test` fetches it");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {args:?}: {said}");
    said.into_owned()
}

#[test]
fn figures_are_those_of_the_tables_and_as_prometheus_wants_them() {
    let topic = topic_of("figures", 2, &rows_of("tracked_dense.csv.gz")[..3_000]);
    kafka::shared().produce(&topic, [Message { value: Some(b"no snapshot"), ..Message::default() }]);
    let database = Database::fresh();
    let flags = ["--http", "0", "--forecasts", "all", "-w", "2"];
    let mut run = viewtide(run_args(&Input::Topic(topic), &database, &flags));
    let address = address(&mut run);
    assert_eq!(get(&address, "/healthz").1, "ok\n");
    until_ready(&address);
    wait_for("all of it", DEADLINE, || {
        let read = ["0", "1"].map(|worker| format!("viewtide_records_total{{worker=\"{worker}\"}}"));
        let figures = figures(&address);
        (read.iter().filter_map(|name| figures.get(name)).sum::<f64>() == 3_000.0).then_some(())
    });
    let found = figures(&address);
    let count = |sql: &str| database.value(sql).parse::<f64>().expect("a number");
    let expected = [
        ("viewtide_rows_written_total{table=\"video_stats_processed\"}", "SELECT count(*) FROM video_stats_processed"),
        ("viewtide_dead_letters_total", "SELECT count(*) FROM dead_letters"),
        ("viewtide_late_rows_total", "SELECT count(*) FROM video_stats_processed WHERE NOT folded_in"),
        ("viewtide_forecasts_issued_total", "SELECT count(*) FROM predictions"),
        ("viewtide_model_version{model=\"likes\"}", "SELECT version FROM models WHERE model_name = 'likes'"),
        ("viewtide_lag_records{input=\"snapshots\",partition=\"1\"}", "SELECT 0"),
        ("viewtide_database_up", "SELECT 1"),
        ("viewtide_state_loaded", "SELECT 1"),
        ("viewtide_gaps_total", "SELECT 0"),
    ];
    for (name, sql) in expected {
        assert_eq!(found.get(name), Some(&count(sql)), "{name}");
    }
    assert!(found["viewtide_forecasts_issued_total"] > 0.0 && found["viewtide_dead_letters_total"] == 1.0);
    let commits = found["viewtide_commit_seconds_count"];
    assert!(commits >= 1.0 && found["viewtide_commit_seconds_bucket{le=\"+Inf\"}"] == commits);
    assert!(found["viewtide_commit_seconds_sum"] > 0.0 && found["process_resident_memory_bytes"] > 1e6);

    assert_eq!(promtool(&["check", "metrics"], &get(&address, "/metrics").1), "");
    promtool(&["check", "rules", "viewtide.rules.yml"], "");
    promtool(&["test", "rules", "viewtide.rules.test.yml"], "");
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
    assert_known("cluster/prometheus/viewtide.rules.yml", &found);
    assert_known("cluster/grafana/viewtide.json", &found);
}

/// Every figure that a file of definitions names is one that there is.
fn assert_known(file: &str, figures: &BTreeMap<String, f64>) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a file");
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let names: Vec<&str> = words.filter(|word| word.starts_with("viewtide_") || word.starts_with("process_")).collect();
    assert!(names.len() > 10, "{file} names none");
    for name in names {
        assert!(figures.keys().any(|known| known.split('{').next() == Some(name)), "{file} names {name}");
    }
}

/// Titles that a page must bear.
const TITLES: [&str; 5] =
    ["<script>alert('1')</script>", "\"quoted\" & 'so' </td></table>", "שלום עולם 🎬", "日本語のタイトル", "plain"];

/// Thirty hours of a video of a channel each, the last one alone much faster; and one video with a single snapshot and no likes.
fn polls() -> Vec<String> {
    let value = |hour: i64, last: char, title: &str, views: i64, likes: &str| {
        let time = jiff::Timestamp::from_second(1_751_328_000 + 3_600 * hour).expect("a time");
        let title = serde_json::to_string(title).expect("JSON");
        format!(
            r#"{{"timestamp":"{time}","video_id":"AAAAAAAAAA{last}","viewCount":{views},"likeCount":{likes},"title":{title},
                "channel_id":"UCAAAAAAAAAAAAAAAAAAAAAA","channel_title":"<b>channel</b>"}}"#
        )
    };
    let mut polls = Vec::new();
    for hour in 0..30 {
        for ((place, title), last) in (1..).zip(TITLES).zip("AEIMQ".chars()) {
            let gain = if place == 5 { 1_000_000 } else { 100 * place };
            polls.push(value(hour, last, title, 5_000 + gain * hour, "7"));
        }
    }
    polls.push(value(29, 'U', "alone", 3, "null"));
    polls
}

#[test]
fn the_page_shows_what_stands_in_the_tables_whatever_a_title_is() {
    let topic = kafka::shared().fresh_topic("page", 1);
    let database = Database::fresh();
    let mut run = viewtide(run_args(&Input::Topic(topic.clone()), &database, &["--http", "0", "--forecasts", "off"]));
    let address = address(&mut run);
    until_ready(&address);
    let empty = get(&address, "/").1;
    assert!(empty.contains("No video has gained any views in this window yet."), "{empty}");

    let polls = polls();
    kafka::shared()
        .produce(&topic, polls.iter().map(|value| Message { value: Some(value.as_bytes()), ..Message::default() }));
    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&get(&address, path).1).expect("JSON") };
    wait_for("all of it", DEADLINE, || (json("/api/overview")["now"]["records"] == 151).then_some(()));
    for hours in [1, 6, 24, 168] {
        let path = format!("/api/overview?window={hours}");
        let sql = format!(
            "SELECT json_agg(json_build_object('video_id', video_id, 'title', title, 'channel_title', channel_title,
                        'views_gained', views_gained, 'views_per_hour', views_per_hour, 'label', label) ORDER BY rank)::text
             FROM trending JOIN videos USING (video_id) JOIN trends USING (video_id)
             WHERE scope = 'all' AND window_hours = {hours}"
        );
        let stored: serde_json::Value = serde_json::from_str(&database.value(&sql)).expect("JSON");
        let shown = wait_for("what was read to be old enough", DEADLINE, || {
            let shown = json(&path);
            (shown["risers"].as_array().map(Vec::len) == stored.as_array().map(Vec::len)).then_some(shown)
        });
        for (shown, stored) in shown["risers"].as_array().expect("rows").iter().zip(stored.as_array().expect("rows")) {
            for (column, value) in stored.as_object().expect("columns") {
                // Postgres writes whole doubles without a point.
                let is_same = value.is_number() && shown[column].as_f64() == value.as_f64() || &shown[column] == value;
                assert!(is_same, "{hours} h, {column}: {} and {value}", shown[column]);
            }
            let gains = shown["views_gained_hourly"].as_array().expect("hours");
            assert_eq!((gains.len(), gains.iter().filter(|gain| !gain.is_null()).count()), (48, 29));
        }
        assert_page_shows(&get(&address, &format!("/?window={hours}")).1, &stored);
    }
    assert_eq!(get(&address, "/?window=5").0.split("\r\n").next(), Some("http/1.1 400 bad request"));
    assert_eq!(get(&address, "/api/overview?window=x").0.split("\r\n").next(), Some("http/1.1 400 bad request"));
    let outlier = &json("/api/overview")["outliers"][0];
    let score = "SELECT max(outlier_score)::text FROM video_trends";
    // Medians are looked at every half minute.
    if !outlier.is_null() {
        assert_eq!(outlier["outlier_score"].as_f64(), database.value(score).parse().ok());
    }
    assert_eq!(events(&address, 2).len(), 2);
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
}

/// Every row of `stored` stands in the page, in its order and escaped, and nothing of a title is taken for HTML.
fn assert_page_shows(page: &str, stored: &serde_json::Value) {
    let mut rest = page;
    for row in stored.as_array().expect("rows") {
        let escape =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let title = escape(row["title"].as_str().expect("a title"));
        let (_, after) = rest.split_once(&format!(">{title}</bdi></a>")).unwrap_or_else(|| panic!("{title}:\n{rest}"));
        rest = after;
    }
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(page.contains("&lt;b&gt;channel&lt;/b&gt;") && !page.contains("<b>"), "{page}");
    // All that it loads is its own.
    for from in page.split(" src=\"").skip(1).chain(page.split("<link ").skip(1)) {
        assert!(!from.split('>').next().expect("a tag").contains("//"), "{from}");
    }
}

/// The first events of the live page.
fn events(address: &str, count: usize) -> Vec<String> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
    let request = format!("GET /live?window=24 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let (mut heard, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        let read = stream.read(&mut buffer).expect("something more");
        heard.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&heard);
        let events: Vec<String> = text.split("data: ").skip(1).map(str::to_owned).collect();
        if events.len() >= count || read == 0 {
            assert!(events.iter().all(|event| event.starts_with("<h1>Overview</h1>")), "{text}");
            return events;
        }
    }
}

#[test]
fn while_postgres_is_away_it_says_so_and_counts_how_often_readers_reach_their_limit() {
    let topic = kafka::shared().fresh_topic("away", 1);
    let folder = tempfile::tempdir().expect("a folder");
    let server = own_server(folder.path(), None);
    let (url, port) = (server.url(), server.port());
    let args = ["run", "--database-url", &url, "--http", "0", "--forecasts", "off"].map(str::to_owned);
    let mut run = viewtide(args.into_iter().chain(Input::Topic(topic.clone()).args()));
    let address = address(&mut run);
    until_ready(&address);
    assert!(!get(&address, "/").1.contains("cannot be read"));
    let pid = server.pid();
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill the server");
    drop::<ManagedPostgres>(server);
    // 120 MB that are no snapshots.
    let large = vec![b'x'; 800_000];
    let letter = Message { value: Some(&large), ..Message::default() };
    kafka::shared().produce(&topic, std::iter::repeat_n(letter, 150));
    let away = wait_for("the limit to be reached", DEADLINE, || {
        let figures = figures(&address);
        (figures["viewtide_readers_gated_total"] >= 1.0).then_some(figures)
    });
    assert_eq!(away["viewtide_database_up"], 0.0);
    assert!(!away.keys().any(|name| name.starts_with("viewtide_model_version")));
    let (head, body) = get(&address, "/readyz");
    assert!(head.starts_with("http/1.1 503") && body.contains("cannot connect to database"), "{head}\n{body}");
    assert!(!body.contains(url.split(['/', ':', '@']).nth(4).expect("a password")), "{body}");
    assert_eq!(get(&address, "/healthz").1, "ok\n");
    let page = get(&address, "/").1;
    assert!(page.contains("The tables cannot be read: cannot connect to database"), "{page}");
    assert!(page.contains("What follows was read ") && page.contains("Dead letters"), "{page}");
    // The line in the log counts as it goes on, too.
    run.wait_for_output("times_gated=1", DEADLINE);

    let _server = own_server(folder.path(), Some(port));
    until_ready(&address);
    let letters = "SELECT count(*)::text FROM dead_letters";
    wait_for("all of it", DEADLINE, || (rows_at(&url, letters).ok()?[0][0].as_deref() == Some("150")).then_some(()));
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
}

#[test]
fn others_are_kept_out_and_connections_that_say_nothing_do_not_keep_anybody_out() {
    let database = Database::fresh();
    let topic = kafka::shared().fresh_topic("http", 1);
    let run_with = |http: &str| viewtide(run_args(&Input::Topic(topic.clone()), &database, &["--http", http]));
    let mut run = run_with("0");
    let address = address(&mut run);
    let policy = "default-src 'none'";
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n", "421"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", "405"),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n", "404"),
    ] {
        let (head, _) = ask(&address, &format!("{request}Connection: close\r\n\r\n"));
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{request}: {head}");
        assert!(head.contains(policy) && head.contains("nosniff"), "{head}");
    }
    assert!(ask(&address, "what?\r\n\r\n").0.starts_with("http/1.1 400"));
    // More than are served at once, each of which says half a word.
    let silent: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).expect("a connection");
            stream.write_all(b"GET /healthz HT").expect("sent");
            stream
        })
        .collect();
    assert_eq!(get(&address, "/healthz").1, "ok\n");
    drop(silent);

    let taken = run_with(&address).wait(DEADLINE).expect_code(1);
    assert!(taken.stderr.contains(&format!("--http: cannot listen on {address}: ")), "{}", taken.stderr);
    let wrong = run_with("localhost").wait(DEADLINE).expect_code(2);
    assert!(wrong.stderr.contains("write a port"), "{}", wrong.stderr);
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
    let mut open = run_with("0.0.0.0:0");
    open.wait_for_output("it asks nobody for a password", DEADLINE);
    open.signal(Signal::SIGTERM);
    open.wait(DEADLINE).expect_code(0);
}
