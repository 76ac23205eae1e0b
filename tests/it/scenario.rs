//! What the end-to-end tests have in common: inputs, runs over them, and the tables that come out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use tempfile::TempPath;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::Database;
use crate::harness::process::{Finished, Process, viewtide};

/// Longer than any run of these tests takes on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// A real data file of the project.
pub fn data_file(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [root.join("data").join(name), root.join("tests/data").join(name)];
    places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no data file {name}"))
}

/// Every real data file.
pub const DATA_FILES: [&str; 5] = [
    "tracked_dense.csv.gz",
    "sample_10min.csv",
    "trending_intraday.csv.gz",
    "trending_daily.csv.gz",
    "tracked_daily.csv",
];

/// One row of an input, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub timestamp: String,
    pub video: String,
    pub counts: [String; 3],
}

impl Row {
    /// Event time, microseconds.
    pub fn time_us(&self) -> i64 {
        self.timestamp.parse::<jiff::Timestamp>().expect("a time of the data").as_microsecond()
    }

    /// The same with `more` views, where it has any.
    pub fn with_more_views(mut self, more: i64) -> Self {
        if let Ok(views) = self.counts[0].parse::<i64>() {
            self.counts[0] = (views + more).to_string();
        }
        self
    }

    /// The plain JSON form.
    pub fn json(&self) -> String {
        let mut json = format!(r#"{{"timestamp":"{}","video_id":"{}""#, self.timestamp, self.video);
        for (name, count) in ["viewCount", "likeCount", "commentCount"].into_iter().zip(&self.counts) {
            if !count.is_empty() {
                write!(json, r#","{name}":{count}"#).expect("write to a string");
            }
        }
        json + "}"
    }
}

/// The rows of a data file, in its order.
pub fn rows_of(name: &str) -> Vec<Row> {
    let bytes = std::fs::read(data_file(name)).expect("read a data file");
    let mut text = String::new();
    if name.ends_with(".gz") {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gunzip a data file");
    } else {
        text = String::from_utf8(bytes).expect("a data file in UTF-8");
    }
    let row = |line: &str| {
        let mut fields = line.split(',').map(str::to_owned);
        let mut next = || fields.next().expect("five fields");
        Row { timestamp: next(), video: next(), counts: [next(), next(), next()] }
    };
    text.lines().skip(1).map(row).collect()
}

/// Writes rows as a CSV file.
pub fn write_csv(path: &Path, rows: &[Row]) {
    let mut text = "timestamp,video_id,viewCount,likeCount,commentCount\n".to_owned();
    for row in rows {
        let [views, likes, comments] = &row.counts;
        writeln!(text, "{},{},{views},{likes},{comments}", row.timestamp, row.video).expect("write to a string");
    }
    std::fs::write(path, text).expect("write a CSV file");
}

/// A new topic on the shared broker that holds `rows`, keyed by video.
pub fn topic_of(prefix: &str, partitions: i32, rows: &[Row]) -> String {
    let topic = kafka::shared().fresh_topic(prefix, partitions);
    send(&topic, rows);
    topic
}

/// Sends `rows` to a topic on the shared broker, keyed by video.
pub fn send(topic: &str, rows: &[Row]) {
    let values: Vec<String> = rows.iter().map(Row::json).collect();
    kafka::shared().produce(
        topic,
        rows.iter().zip(&values).map(|(row, value)| Message {
            key: Some(row.video.as_bytes()),
            value: Some(value.as_bytes()),
            ..Message::default()
        }),
    );
}

/// Where a run reads.
#[derive(Clone, Debug)]
pub enum Input {
    Csv(PathBuf),
    Topic(String),
    /// One of the above, with a file of videos beside it.
    WithVideos(Box<Input>, PathBuf),
    /// A topic, with one of videos beside it.
    WithVideosTopic(Box<Input>, String),
}

impl Input {
    pub fn args(&self) -> Vec<String> {
        match self {
            Self::Csv(path) => vec!["--csv".into(), path.display().to_string()],
            Self::Topic(topic) => vec!["--brokers".into(), kafka::shared().brokers(), "--topic".into(), topic.clone()],
            Self::WithVideosTopic(input, topic) => {
                let mut args = input.args();
                args.extend(["--videos-topic".into(), topic.clone()]);
                args
            }
            Self::WithVideos(input, videos) => {
                let mut args = input.args();
                args.extend(["--videos".into(), videos.display().to_string()]);
                args
            }
        }
    }
}

impl Input {
    /// The same with the real file of videos beside it.
    pub fn with_videos(self) -> Self {
        Self::WithVideos(Box::new(self), data_file("videos.csv.gz"))
    }
}

/// Workers and processes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub workers: usize,
    pub processes: usize,
}

/// The sizes that every result must be equal at.
pub const SIZES: [Size; 4] = [
    Size { workers: 1, processes: 1 },
    Size { workers: 2, processes: 1 },
    Size { workers: 4, processes: 1 },
    Size { workers: 1, processes: 2 },
];

/// Arguments of `run` from `input` into `database`.
pub fn run_args(input: &Input, database: &Database, more: &[&str]) -> Vec<String> {
    let mut args = vec!["run".to_owned()];
    args.extend(input.args());
    args.extend(["--database-url".to_owned(), database.url()]);
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    args
}

/// Runs to the end of `input` and returns the summary.
pub fn run_to_end(input: &Input, database: &Database, size: Size, more: &[&str]) -> serde_json::Value {
    let more: Vec<&str> = more.iter().copied().chain(["--exit-at-end"]).collect();
    let mut processes = start_processes(&run_args(input, database, &more), size);
    let others: Vec<Process> = processes.split_off(1);
    let first = processes.pop().expect("process 0").wait(DEADLINE).expect_code(0);
    for other in others {
        other.wait(Duration::from_secs(20)).expect_code(0);
    }
    first.json()
}

/// Starts every process of a run.
pub fn start_processes(args: &[String], size: Size) -> Vec<Process> {
    let hosts = (size.processes > 1).then(|| Arc::new(hostfile(size.processes)));
    let start = |process: usize| {
        let mut args = args.to_vec();
        args.extend(["-w".to_owned(), size.workers.to_string()]);
        if let Some(hosts) = &hosts {
            args.extend(["-n".to_owned(), size.processes.to_string(), "-p".to_owned(), process.to_string()]);
            args.extend(["--hostfile".to_owned(), hosts.display().to_string()]);
        }
        viewtide(args).keeping(hosts.clone())
    };
    (0..size.processes).map(start).collect()
}

/// Free addresses, one a process.
fn hostfile(processes: usize) -> TempPath {
    let listeners: Vec<_> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let addresses: Vec<String> =
        listeners.iter().map(|listener| listener.local_addr().expect("an address").to_string()).collect();
    let path = tempfile::NamedTempFile::new().expect("a hostfile").into_temp_path();
    std::fs::write(&path, addresses.join("\n")).expect("write a hostfile");
    path
}

/// `viewtide verify` of `database`, against `input` where there is one.
pub fn verify(database: &Database, input: Option<&Input>) -> Finished {
    let mut args = vec!["verify".to_owned(), "--database-url".to_owned(), database.url()];
    args.extend(input.map(Input::args).unwrap_or_default());
    viewtide(args).wait(DEADLINE)
}

/// Panics unless `verify` holds from the database alone and against `input`.
#[track_caller]
pub fn assert_verified(database: &Database, input: &Input) {
    verify(database, None).expect_code(0);
    verify(database, Some(input)).expect_code(0);
}

/// Every table that `run` writes and `verify` compares, but dead letters.
pub const TABLES: [&str; 8] = [
    "video_stats_processed",
    "hourly_aggregations",
    "videos",
    "channel_hourly",
    "category_hourly",
    "total_hourly",
    "trends",
    "trending",
];

/// Tables of forecasts that must be equal from run to run.
const FORECAST_TABLES: [&str; 3] = ["predictions", "forecast_score_hours", "forecaster_state"];

/// Everything that must be equal from run to run, by table: the number of rows, and a digest of all of them without times
/// of writing. Of dead letters without their place and bytes, which differ from input to input.
pub type Tables = BTreeMap<&'static str, (String, String)>;

/// The tables of `database`.
pub fn tables(database: &Database) -> Tables {
    let digest = |columns: &str, table: &str| {
        let sql = format!(
            "SELECT count(*)::text, coalesce(md5(string_agg(line, E'\\n' ORDER BY line COLLATE \"C\")), '') \
             FROM (SELECT ({columns})::text AS line FROM {table}) AS lines"
        );
        let rows = database.rows(&sql);
        let cell = |index: usize| rows[0][index].clone().expect("no NULL");
        (cell(0), cell(1))
    };
    let columns = |table: &str| {
        database.value(&format!(
            "SELECT 'ROW(' || string_agg(quote_ident(column_name), ',' ORDER BY ordinal_position) || ')' \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' \
             AND column_name NOT IN ('processed_at', 'created_at', 'updated_at')"
        ))
    };
    let mut tables = Tables::new();
    for table in TABLES.into_iter().chain(FORECAST_TABLES) {
        tables.insert(table, digest(&columns(table), table));
    }
    tables.insert("dead_letters", digest("ROW(reason)", "dead_letters"));
    tables
}
