//! Somebody clicks through every page in Chromium: `tests/pages/` does it, and fails where a page is not as it has to be.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;
use viewtide::postgres::managed::ManagedPostgres;

use crate::harness::kafka::{self, Message};
use crate::harness::pages::{POLLS, address, get, send_polls, until_ready};
use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::harness::{target_dir, wait_for};
use crate::outages::own_server;
use crate::scenario::{DEADLINE, Input, Row, data_file, rows_of, run_args, send, topic_of};

/// What comes at once while somebody looks, and how long nothing does after it: what a page shows is of a moment, and of one that
/// lasts what SQL says can be asked too.
const BURST: usize = 20;
const PAUSE: Duration = Duration::from_millis(1_500);

/// Chromium clicking through the pages of `run`.
struct Visit {
    script: Process,
    /// The database's address, which has a password and so stands in no list of processes.
    _url: NamedTempFile,
}

impl Visit {
    fn start(scenario: &str, address: &str, database_url: &str, more: &[&str]) -> Self {
        let mut url = NamedTempFile::new().expect("a file");
        url.write_all(database_url.as_bytes()).expect("written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/main.js");
        let pictures = target_dir().join("pages").join(scenario);
        let mut args: Vec<OsString> = vec![script.into(), scenario.into(), "--page".into()];
        args.extend([format!("http://{address}").into(), "--pictures".into(), pictures.into()]);
        args.extend(["--database-url-file".into(), url.path().into()]);
        args.extend(more.iter().map(Into::into));
        Self { script: Process::start("node", &args), _url: url }
    }

    /// Waits for its end; panics with what it found.
    #[track_caller]
    fn expect_fine(self) {
        self.script.wait(DEADLINE).expect_code(0);
    }
}

fn stop(run: Process) {
    run.signal(Signal::SIGTERM);
    run.wait(DEADLINE).expect_code(0);
}

/// Waits until the run has read `records`; no page is asked, which would keep what it saw before for half a minute.
fn until_read(address: &str, records: usize) {
    wait_for("all of it", DEADLINE, || {
        let figures = get(address, "/metrics").1;
        let of_workers = figures.lines().filter(|line| line.starts_with("viewtide_records_total{"));
        let read: f64 = of_workers.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        (read == records as f64).then_some(())
    });
}

/// Real videos of channels with several, once a day, and real ones hour by hour, of which forecasts come to be scored.
fn rows() -> Vec<Row> {
    let daily = rows_of("trending_channels.csv.gz");
    let dense = rows_of("tracked_dense.csv.gz");
    let newest = dense.len() - 3_000;
    daily[..1_627].iter().chain(&dense[newest..]).cloned().collect()
}

#[test]
fn pages_agree_with_the_tables_at_every_size_while_records_arrive_and_afterwards() {
    let rows = rows();
    let (at_once, later) = rows.split_at(rows.len() - 2_000);
    let topic = topic_of("pages", 2, at_once);
    let database = Database::fresh();
    let input = Input::WithVideos(Box::new(Input::Topic(topic.clone())), data_file("sample_videos.csv.gz"));
    let mut run = viewtide(run_args(&input, &database, &["--http", "0", "--forecasts", "all", "-w", "2"]));
    let address = address(&mut run);
    until_ready(&address);
    until_read(&address, at_once.len());

    let has_looked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(|| {
            let mut rest = later;
            while !has_looked.load(Ordering::Relaxed) {
                assert!(rest.len() > BURST, "all had arrived before somebody had looked at it");
                let (burst, after) = rest.split_at(BURST);
                send(&topic, burst);
                rest = after;
                std::thread::sleep(PAUSE);
            }
            send(&topic, rest);
        });
        let visit = Visit::start("arriving", &address, &database.url(), &["--sizes", "laptop"]);
        let finished = visit.script.wait(DEADLINE);
        has_looked.store(true, Ordering::Relaxed);
        feeding.join().expect("all sent");
        finished.expect_code(0);
    });
    until_read(&address, rows.len());
    Visit::start("settled", &address, &database.url(), &["--brief"]).expect_fine();
    stop(run);
}

#[test]
fn a_title_is_shown_as_it_is_runs_nothing_and_reads_in_its_own_direction() {
    let topic = kafka::shared().fresh_topic("titles", 1);
    let database = Database::fresh();
    let flags = ["--http", "0", "--forecasts", "all"];
    let mut run = viewtide(run_args(&Input::Topic(topic.clone()), &database, &flags));
    let address = address(&mut run);
    until_ready(&address);
    send_polls(&topic);
    // Lines that end in several ways, which the stream of a page must not take for its own.
    let lines = r#"{"timestamp":"2025-07-02T05:00:00Z","video_id":"AAAAAAAAAAY","viewCount":9,"likeCount":0,
        "title":"one\rtwo\n\ndata: three","channel_id":"UCAAAAAAAAAAAAAAAAAAAAAA","channel_title":"<b>channel</b>"}"#;
    kafka::shared().produce(&topic, [Message { value: Some(lines.as_bytes()), ..Message::default() }]);
    until_read(&address, POLLS as usize + 1);
    Visit::start("titles", &address, &database.url(), &["--sizes", "phone"]).expect_fine();
    stop(run);
}

#[test]
fn of_an_empty_database_every_page_says_so() {
    let topic = kafka::shared().fresh_topic("nothing", 1);
    let database = Database::fresh();
    let mut run = viewtide(run_args(&Input::Topic(topic), &database, &["--http", "0"]));
    let address = address(&mut run);
    until_ready(&address);
    Visit::start("empty", &address, &database.url(), &[]).expect_fine();
    stop(run);
}

#[test]
fn while_postgres_is_away_pages_say_how_old_they_are_and_go_on_by_themselves_once_it_is_back() {
    let topic = kafka::shared().fresh_topic("pages-away", 1);
    send_polls(&topic);
    let folder = tempfile::tempdir().expect("a folder");
    let server = own_server(folder.path(), None);
    let (url, port) = (server.url(), server.port());
    let args = ["run", "--database-url", &url, "--http", "0", "--forecasts", "all"].map(str::to_owned);
    let mut run = viewtide(args.into_iter().chain(Input::Topic(topic).args()));
    let address = address(&mut run);
    until_ready(&address);
    until_read(&address, POLLS as usize);

    let mut visit = Visit::start("away", &address, &url, &[]);
    visit.script.wait_for_output("take the database away", DEADLINE);
    kill(Pid::from_raw(server.pid()), Signal::SIGKILL).expect("kill the server");
    drop::<ManagedPostgres>(server);
    visit.script.wait_for_output("bring the database back", DEADLINE);
    let _server = own_server(folder.path(), Some(port));
    visit.expect_fine();
    stop(run);
}
