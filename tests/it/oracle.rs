//! Every table, cell by cell and bit by bit, against the oracle in `tests/oracle`: Python that was written from the design
//! alone and shares nothing with `run`, `verify` or `rebuild`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use csv_core::{ReadFieldResult, Reader};

use crate::disorder::disordered;
use crate::harness::postgres::Database;
use crate::harness::process::Process;
use crate::scenario::{DATA_FILES, DEADLINE, Input, Size, data_file, rows_of, run_to_end, write_csv};

/// What the oracle computes, and how many of the first columns are the key.
const TABLES: [(&str, usize); 10] = [
    ("video_stats_processed", 2),
    ("hourly_aggregations", 2),
    ("channel_hourly", 2),
    ("category_hourly", 2),
    ("total_hourly", 1),
    ("trends", 1),
    ("trending", 3),
    ("videos", 1),
    ("video_trends", 1),
    ("dead_letters", 4),
];

/// Columns that the oracle does not have: times of writing, and what a dead letter says of itself.
const NOT_COMPARED: [&str; 9] = [
    "processed_at",
    "created_at",
    "updated_at",
    "received_at",
    "reason",
    "key",
    "payload",
    // Of Kafka only.
    "before_gap",
    "kafka_timestamp",
];

const HOUR_US: i64 = 3_600_000_000;

/// How many differences are said of all that there are.
const SHOWN_MAX: usize = 10;

/// A row after its key; `None` is NULL.
type Cells = Vec<Option<String>>;

/// One table: the names of its columns, and its rows by their key. Instants are microseconds since 1970, doubles the hex
/// digits of their bits.
struct Table {
    columns: Vec<String>,
    key_columns: usize,
    rows: BTreeMap<Vec<String>, Cells>,
}

impl Table {
    fn new(name: &str, key_columns: usize, columns: Vec<String>, all: impl IntoIterator<Item = Cells>) -> Self {
        let mut rows = BTreeMap::new();
        for mut key in all {
            let cells = key.split_off(key_columns);
            let key: Vec<String> = key.into_iter().map(|cell| cell.expect("no NULL in a key")).collect();
            assert!(rows.insert(key.clone(), cells).is_none(), "{name} has two rows {key:?}");
        }
        Self { columns, key_columns, rows }
    }
}

/// Runs the oracle and reads its tables.
fn oracle_tables(database: &Database, files: &[PathBuf], videos: Option<&Path>) -> BTreeMap<&'static str, Table> {
    let facts = database.rows(
        "SELECT to_char(first_started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), future_max_us, \
         jsonb_array_length(retentions), retentions -> 0 ->> 'retention_us' FROM viewtide_progress",
    );
    let fact = |index: usize| facts[0][index].clone().expect("no NULL");
    let number = |index: usize| fact(index).parse::<i64>().expect("a number");
    assert_eq!((number(1), number(2)), (HOUR_US, 1), "the oracle knows one retention, and one hour ahead");
    assert_eq!(number(3) % HOUR_US, 0, "the oracle takes whole hours of retention");

    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/oracle.py");
    let mut args: Vec<OsString> = vec!["-B".into(), script.into(), "--out".into(), folder.path().into()];
    args.extend(["--now".into(), fact(0).into()]);
    args.extend(["--retention-hours".into(), (number(3) / HOUR_US).to_string().into()]);
    if let Some(videos) = videos {
        args.extend(["--videos".into(), videos.into()]);
    }
    args.extend(files.iter().map(Into::into));
    Process::start("python3", &args).wait(DEADLINE).expect_code(0);

    let table = |(name, key_columns): (&'static str, usize)| {
        let bytes = std::fs::read(folder.path().join(name).with_extension("csv")).expect("a table of the oracle");
        let mut records = csv_records(&bytes).into_iter();
        let columns = records.next().expect("a header");
        let null_if_empty = |cell: String| (!cell.is_empty()).then_some(cell);
        let rows = records.map(|record| record.into_iter().map(null_if_empty).collect());
        (name, Table::new(name, key_columns, columns, rows))
    };
    TABLES.into_iter().map(table).collect()
}

/// The records of a CSV file.
fn csv_records(mut bytes: &[u8]) -> Vec<Vec<String>> {
    let (mut reader, mut buffer) = (Reader::new(), [0; 4096]);
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (result, read, written) = reader.read_field(bytes, &mut buffer);
        bytes = &bytes[read..];
        field.extend_from_slice(&buffer[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                record.push(String::from_utf8(std::mem::take(&mut field)).expect("UTF-8"));
                if record_end {
                    records.push(std::mem::take(&mut record));
                }
            }
            ReadFieldResult::End => return records,
        }
    }
}

/// The table `name` of the database with the columns of the oracle's, in their order. Other columns than those, and than
/// what is not compared, must not be.
fn stored_table(database: &Database, name: &str, oracle: &Table) -> Table {
    let types: BTreeMap<String, String> = database
        .rows(&format!(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{name}'"
        ))
        .into_iter()
        .map(|row| (row[0].clone().expect("a name"), row[1].clone().expect("a type")))
        .filter(|(column, _)| !NOT_COMPARED.contains(&column.as_str()))
        .collect();
    assert_eq!(types.keys().collect::<BTreeSet<_>>(), oracle.columns.iter().collect(), "columns of {name}");
    let expressions: Vec<String> = oracle
        .columns
        .iter()
        .map(|column| match types[column].as_str() {
            "timestamp with time zone" => format!("(extract(epoch FROM \"{column}\") * 1000000)::bigint"),
            "double precision" => format!("encode(float8send(\"{column}\"), 'hex')"),
            "bigint" | "integer" | "smallint" | "boolean" | "text" => format!("\"{column}\""),
            other => panic!("{name}.{column} is {other}: the comparison does not know how to read it"),
        })
        .collect();
    let rows = database.rows(&format!("SELECT {} FROM {name}", expressions.join(", ")));
    Table::new(name, oracle.key_columns, oracle.columns.clone(), rows)
}

/// Adds to `found` what differs between two tables.
fn compare(name: &str, oracle: &Table, stored: &Table, found: &mut Vec<String>) {
    let shown = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_owned());
    let keys: BTreeSet<&Vec<String>> = oracle.rows.keys().chain(stored.rows.keys()).collect();
    for key in keys {
        let at = format!("{name} {}", key.join(" "));
        match (oracle.rows.get(key), stored.rows.get(key)) {
            (Some(expected), Some(cells)) => {
                let columns = &oracle.columns[oracle.key_columns..];
                for ((column, expected), cell) in columns.iter().zip(expected).zip(cells) {
                    if expected != cell {
                        found.push(format!("{at} {column}: oracle {}, ours {}", shown(expected), shown(cell)));
                    }
                }
            }
            (Some(_), None) => found.push(format!("{at}: oracle has this row, ours not")),
            (None, Some(_)) => found.push(format!("{at}: ours has this row, the oracle not")),
            (None, None) => unreachable!("a key of one of them"),
        }
    }
}

/// Every cell in which `database` differs from the oracle over the CSV `files` in this order and the metadata `videos`.
pub fn differences(database: &Database, files: &[PathBuf], videos: Option<&Path>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, oracle) in oracle_tables(database, files, videos) {
        compare(name, &oracle, &stored_table(database, name, &oracle), &mut found);
    }
    found
}

/// Panics where a table of `database`, which a run over the CSV `files` in this order and the metadata `videos` has left,
/// differs from the oracle in any cell.
#[track_caller]
pub fn assert_oracle(database: &Database, files: &[PathBuf], videos: Option<&Path>) {
    let found = differences(database, files, videos);
    let shown = found.iter().take(SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{files:?} with {videos:?}: {} cells differ, among them\n{shown}", found.len());
}

const SIZE: Size = Size { workers: 2, processes: 1 };

#[test]
fn the_oracle_passes_its_own_cases() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/test_oracle.py");
    let ended = Process::start("python3", &["-B".into(), script.into()]).wait(Duration::from_secs(60)).expect_code(0);
    assert!(ended.stderr.contains("\nOK"), "{}", ended.stderr);
}

#[test]
fn every_file_equals_the_oracle_with_and_without_metadata() {
    let metadata = data_file("videos.csv.gz");
    for file in DATA_FILES {
        let path = data_file(file);
        for videos in [None, Some(metadata.as_path())] {
            let csv = Input::Csv(path.clone());
            let input = if videos.is_some() { csv.with_videos() } else { csv };
            let database = Database::fresh();
            run_to_end(&input, &database, SIZE, &[]);
            assert_oracle(&database, std::slice::from_ref(&path), videos);
        }
    }
}

#[test]
fn late_repeated_and_corrected_records_equal_the_oracle() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, seed) in [("tracked_dense.csv.gz", 23), ("trending_daily.csv.gz", 29)] {
        let csv = folder.path().join(file).with_extension("csv");
        write_csv(&csv, &disordered(&rows_of(file), seed));
        let database = Database::fresh();
        let summary = run_to_end(&Input::Csv(csv.clone()).with_videos(), &database, SIZE, &[]);
        assert!(summary["late_rows"].as_u64() > Some(10), "some came 8 days late: {summary}");
        assert_oracle(&database, &[csv], Some(&data_file("videos.csv.gz")));
    }
}

/// Two files, one after the other, of every dialect: other spellings and order of columns, a byte-order mark, CRLF, quotes,
/// fields over several lines, empty lines, offsets and fractions of seconds; and rows that are no snapshots between them.
#[test]
fn csv_of_every_dialect_equals_the_oracle() {
    const FIRST: &[u8] = b"\xef\xbb\xbfcomment_count,note,file_source,view_count,like_count,timestamp,video_id\r\n\
        ,,,007,,2025-07-01 00:00:44,dQw4w9WgXcQ\r\n\
        \r\n\
        1,\"two\r\nlines, \"\"quoted\"\"\",\"a,b\",12,,\"2025-07-01T02:30:00.5+02:00\",dQw4w9WgXcQ\r\n\
        1,\"two\nlines\",,-12,,2025-07-01T00:30:00Z,dQw4w9WgXcQ\r\n\
        1,,,1000000000000,0,2025-07-01T00:00:00.000001-00:30,dQw4w9WgXcQ\r\n\
        1,,,1000000000001,0,2025-07-01T00:00:00.000002-00:30,dQw4w9WgXcQ\r\n\
        \r\n\
        1,\xc3\xa9,\xf0\x9f\x8e\xac,5,0,2005-04-23T00:00:00Z,jNQXAC9IVRw\r\n\
        1,\xc3,,5,0,2005-04-23T00:00:00Z,jNQXAC9IVRw\r\n\
        1,,,5,0,2005-04-22T23:59:59.999999Z,jNQXAC9IVRw\r\n\
        1,,,5,0,2025-02-29T00:00:00Z,jNQXAC9IVRw\r\n\
        1,,,5,0,2025-07-01,jNQXAC9IVRw\r\n\
        ,,,,,2025-07-01T00:00:00Z,jNQXAC9IVRw\r\n\
        ,,x,,3,2025-07-01T00:00:00Z,jNQXAC9IVRw\r\n\
        ,,x,,3,2025-07-01T00:00:00Z,jNQXAC9IVRx\r\n\
        ,,x,,3,2025-07-01T00:00:00Z,jNQXAC9IVRw,\r\n";
    const SECOND: &[u8] = b"videoId,timestamp,viewCount,likeCount,commentCount,fileSource\n\
        jNQXAC9IVRw,2005-04-23T00:00:00Z,6,,,late\n\
        jNQXAC9IVRw,2005-04-23T00:00:01Z,7,,,late\n\
        jNQXAC9IVRw,2005-04-23T00:00:01Z,8,,,later\n\
        dQw4w9WgXcQ,2025-07-01T00:00:44Z,0,1.5,,\n\
        dQw4w9WgXcQ,2025-07-01T00:00:44Z,0,1,,\n\
        dQw4w9WgXcQ,2025-07-03T00:00:44Z,9,1,";
    let folder = tempfile::tempdir().expect("a folder");
    let files = [(folder.path().join("first.csv"), FIRST), (folder.path().join("second.csv"), SECOND)];
    let files = files.map(|(path, bytes)| {
        std::fs::write(&path, bytes).expect("write a CSV file");
        path
    });
    let database = Database::fresh();
    let second = files[1].to_str().expect("UTF-8");
    run_to_end(&Input::Csv(files[0].clone()), &database, SIZE, &["--csv", second]);
    assert_oracle(&database, &files, None);
}

/// The comparison, against a database in which somebody changed what it has to find.
#[test]
fn one_bit_a_null_and_a_row_more_or_less_are_found() {
    let path = data_file("sample_10min.csv");
    let files = std::slice::from_ref(&path);
    let database = Database::fresh();
    run_to_end(&Input::Csv(path.clone()), &database, SIZE, &[]);
    assert_oracle(&database, files, None);
    let some = |table: &str, condition: &str| {
        format!("ctid = (SELECT ctid FROM {table} WHERE {condition} ORDER BY 1 LIMIT 1)")
    };
    let (stats, hours) = ("video_stats_processed", "hourly_aggregations");
    for (change, table, expected) in [
        // The next double above.
        (
            format!(
                "UPDATE {stats} SET elapsed_seconds = elapsed_seconds + 1.2e-13 WHERE {}",
                some(stats, "elapsed_seconds = 600")
            ),
            stats,
            "elapsed_seconds: oracle 4082c00000000000, ours 4082c00000000001",
        ),
        (
            format!("UPDATE {stats} SET views_growth_rate = '-0' WHERE {}", some(stats, "views_growth_rate = 0")),
            stats,
            "views_growth_rate: oracle 0000000000000000, ours 8000000000000000",
        ),
        (
            format!("UPDATE {hours} SET total_views_gained = NULL WHERE {}", some(hours, "total_views_gained = 0")),
            hours,
            "total_views_gained: oracle 0, ours NULL",
        ),
        (
            format!("UPDATE {stats} SET file_source = '' WHERE {}", some(stats, "true")),
            stats,
            "file_source: oracle NULL, ours ",
        ),
        (format!("DELETE FROM {hours} WHERE {}", some(hours, "true")), hours, "oracle has this row, ours not"),
        (
            format!(
                "INSERT INTO {hours} (video_id, hour_start, total_records) VALUES ('x', '2020-01-01 00:00:00Z', 1)"
            ),
            hours,
            "hourly_aggregations x 1577836800000000: ours has this row, the oracle not",
        ),
        (
            "INSERT INTO dead_letters (topic, partition, kafka_offset, item, reason) VALUES ('x', 0, 2, 0, '')"
                .to_owned(),
            "dead_letters",
            "dead_letters x 0 2 0: ours has this row, the oracle not",
        ),
    ] {
        database.rows(&format!("CREATE TABLE kept AS TABLE {table}"));
        database.rows(&change);
        let found = differences(&database, files, None);
        assert!(found.len() == 1 && found[0].ends_with(expected), "{change}: {found:?}, expected {expected}");
        database.rows(&format!("TRUNCATE {table}; INSERT INTO {table} TABLE kept; DROP TABLE kept"));
    }
    assert_oracle(&database, files, None);
}
