use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;
use viewtide_dataflows::snapshot::Nullable;

use super::super::SourceBatch;
use super::super::fields::event_time;
use super::*;
use crate::limits::{BATCH_RECORDS_MAX, OVERSIZED_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

const HEADER: &str = "timestamp,video_id,viewCount,likeCount,commentCount\n";
const ROW: &str = "2025-07-01T00:00:44Z,7tbWmYUZLX4,451234,7542,1165\n";
const HOUR: i64 = 3_600_000_000;

struct Input {
    folder: TempDir,
    paths: Vec<String>,
}

impl Input {
    fn of(files: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(index, content)| {
            let path = folder.path().join(format!("{index}.csv"));
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        });
        let paths = paths.collect();
        Self { folder, paths }
    }

    fn refused(&self) -> String {
        CsvSource::open(&self.paths, HOUR).unwrap_err().to_string().replace(self.folder.path().to_str().unwrap(), "")
    }

    fn source(&self) -> CsvSource {
        let source = CsvSource::open(&self.paths, HOUR).unwrap();
        source.set_clock(event_time("2025-07-01T00:00:00Z").unwrap());
        source
    }
}

/// All that a reader hands over: its batches as one, whether it said that it is at the end, and how it ended.
struct Read {
    batch: SourceBatch,
    batches: usize,
    end: bool,
    outcome: Result<(), SourceError>,
}

fn read(source: &CsvSource, share: Share, stored: &Positions) -> Read {
    let (events, received) = sync_channel(8);
    let feed = Feed::new(events, Arc::new(AtomicBool::new(false)), Box::new(|| {}));
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || source.read(share, stored, &feed));
        let (mut batch, mut batches, mut end) = (SourceBatch::default(), 0, false);
        for event in received {
            assert!(!end, "nothing comes after the end of files");
            match event {
                SourceEvent::Batch(more) => {
                    assert!(more.records.len() + more.dead_letters.len() <= BATCH_RECORDS_MAX);
                    let before: u64 = batch.positions.get(&PARTITION).map_or(0, |span| span.next);
                    batch.records.extend(more.records);
                    batch.dead_letters.extend(more.dead_letters);
                    batch.positions.extend(more.positions);
                    assert!(batch.positions[&PARTITION].next >= before);
                    batches += 1;
                }
                SourceEvent::End => end = true,
                SourceEvent::Failed(error) => panic!("{error}"),
            }
        }
        Read { batch, batches, end, outcome: reader.join().unwrap() }
    })
}

fn from(next: u64) -> Positions {
    BTreeMap::from([(PARTITION, Span { first: 0, next })])
}

const ALONE: Share = Share { index: 0, peers: 1 };

fn whole(input: &Input) -> SourceBatch {
    let read = read(&input.source(), ALONE, &Positions::new());
    read.outcome.unwrap();
    assert!(read.end);
    read.batch
}

fn reasons(batch: &SourceBatch) -> Vec<(u64, &str)> {
    batch.dead_letters.iter().map(|letter| (letter.offset, letter.reason.as_str())).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[test]
fn reads_the_sample_of_real_data_plain_and_packed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample_10min.csv");
    let content = std::fs::read(path).unwrap();
    let plain = whole(&Input::of(&[&content]));
    assert_eq!((plain.records.len(), plain.dead_letters.len()), (2_618, 0));
    assert_eq!(plain.positions, BTreeMap::from([(PARTITION, Span { first: 0, next: 2_618 })]));
    let mut videos: Vec<_> = plain.records.iter().map(|record| record.video).collect();
    videos.sort();
    videos.dedup();
    assert_eq!(videos.len(), 3);
    // Two gzip members one after the other are one file.
    let (first, second) = content.split_at(content.len() / 2);
    let packed = whole(&Input::of(&[&[gzip(first), gzip(second)].concat()]));
    assert_eq!(packed.records, plain.records);
    for (index, record) in plain.records.iter().enumerate() {
        assert_eq!(record.place, Place { partition: 0, offset: index as u64, item: 0 });
    }
    let line = std::str::from_utf8(&content).unwrap().lines().nth(1).unwrap();
    let record = &plain.records[0];
    let [views, likes, comments] = record.snapshot.counts.map(|count| count.get().unwrap());
    let time = jiff::Timestamp::from_microsecond(record.snapshot.time).unwrap();
    assert_eq!(line, format!("{time},{},{views},{likes},{comments}", record.video));
}

#[test]
fn columns_may_come_in_any_order_and_spelling_among_others() {
    let batch = whole(&Input::of(&[b"\xef\xbb\xbfcomments,title,\"videoId\",fileSource,timestamp,view_count\r\n\
          7,\"a, \"\"b\"\"\r\nc\",7tbWmYUZLX4,x.csv,2025-07-01 00:00:44,451234\r\n\r\n"]));
    let record = &batch.records[0];
    assert_eq!(record.snapshot.counts, [Nullable::some(451_234), Nullable::NULL, Nullable::some(7)]);
    assert_eq!(record.file_source.as_deref(), Some("x.csv"));
    assert_eq!((batch.records.len(), batch.dead_letters.len()), (1, 0));
}

#[test]
fn files_that_cannot_be_used_are_refused_before_anything_is_read() {
    let needed = super::super::csv_file::NEEDED;
    for (content, why) in [
        (&b""[..], "it is empty (0 bytes)"),
        (b"\n\r\n", "it has no lines"),
        (b"video_id,viewCount\n", "no column timestamp; it has: video_id,viewCount"),
        (b"timestamp,viewCount\n", "no column video_id; it has: timestamp,viewCount"),
        (b"timestamp,video_id,title\n", "no column of counts; it has: timestamp,video_id,title"),
        (b"timestamp,video_id,views,viewCount\n", "the columns views and viewCount both mean viewCount"),
        (b"timestamp,video_id,views,video_id\n", "the columns video_id and video_id both mean video_id"),
        (b"\xff\xfe\x00t\x00i", "it does not begin with a CSV header"),
        (&gzip(b""), "it has no lines"),
    ] {
        let good = format!("{HEADER}{ROW}");
        assert_eq!(
            Input::of(&[good.as_bytes(), content]).refused(),
            format!("cannot read the CSV file /1.csv: {why}; {needed}")
        );
    }
    let mut input = Input::of(&[HEADER.as_bytes()]);
    let folder = input.folder.path().to_str().unwrap().to_owned();
    input.paths.push(folder);
    assert_eq!(input.refused(), "cannot read the CSV file : it is a directory; name the files in it");
    input.paths[1] = format!("{}/none.csv", input.folder.path().display());
    assert!(input.refused().starts_with("cannot read the CSV file /none.csv: No such file"));
    input.paths[1] = input.paths[0].clone();
    assert!(input.refused().contains("/0.csv is given twice"));
    assert!(CsvSource::open(&[], HOUR).is_err());
}

#[test]
fn a_header_alone_is_an_empty_input() {
    let read = read(&Input::of(&[HEADER.as_bytes()]).source(), ALONE, &Positions::new());
    assert!(read.outcome.is_ok() && read.end);
    assert_eq!((read.batches, read.batch.positions), (1, from(0)));
}

#[test]
fn another_worker_has_nothing_to_read() {
    let input = Input::of(&[HEADER.as_bytes(), ROW.as_bytes()]);
    let source = Input { paths: input.paths[..1].to_vec(), ..input }.source();
    let read = read(&source, Share { index: 1, peers: 2 }, &Positions::new());
    assert!(read.outcome.is_ok() && read.end && read.batches == 0);
}

#[test]
fn the_identity_tells_content_and_order() {
    let (one, two) = (format!("{HEADER}{ROW}"), format!("{HEADER}{ROW}{ROW}"));
    let SourceIdentity::Csv { files } = Input::of(&[one.as_bytes(), two.as_bytes()]).source().identity().clone() else {
        panic!("CSV has an identity of CSV")
    };
    assert_eq!(files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [one.len() as u64, two.len() as u64]);
    // sha256sum of the header line alone, from coreutils.
    let SourceIdentity::Csv { files } = Input::of(&[b"timestamp,video_id,views\n"]).source().identity().clone() else {
        panic!("CSV has an identity of CSV")
    };
    assert_eq!(files[0].sha256, "891997fc72b6a10ba0c2b21ededcfda4ec2210cc31e08c117e77d466c1af8019");
}

#[test]
fn bad_rows_are_dead_letters_and_the_good_ones_around_them_go_in() {
    let rows = "\
2025-07-01T00:00:44Z,7tbWmYUZLX4,1,,
2025-07-01T00:00:44Z,7tbWmYUZLX4,1e9,,
2025-07-01T00:00:44Z,7tbWmYUZLX4,-1,,

2025-07-01T00:00:44Z,7tbWmYUZLX4,\"12,345\",,
2025-07-01T00:00:44Z,7tbWmYUZLX4,10000000000000,,
2025-07-01T00:00:44Z,7tbWmYUZLX4,,,
0001-01-01T00:00:00Z,7tbWmYUZLX4,1,,
9999-12-30T00:00:00Z,7tbWmYUZLX4,1,,
2025-07-01T02:00:00Z,7tbWmYUZLX4,1,,
2025-07-01,7tbWmYUZLX4,1,,
2025-07-01T00:00:44Z,7tbWmYUZLX,1,,
2025-07-01T00:00:44Z,7tbWmYUZLX44,1,,
2025-07-01T00:00:44Z,7tbWmYUZLX5,1,,
2025-07-01T00:00:44Z,,1,,
,7tbWmYUZLX4,1,,
2025-07-01T00:00:44Z,7tbWmYUZLX4,1
2025-07-01T00:00:44Z,7tbWmYUZLX4,1,,,
2025-07-01T00:00:44Z,7tbWmYUZLX4,2,,
";
    let mut content = format!("{HEADER}{rows}").into_bytes();
    content.extend_from_slice(b"2025-07-01T00:00:44Z,7tbWmYUZLX4,3,,\xff\n2025-07-01T00:00:44Z,7tbWmYUZLX4,4,,");
    let input = Input::of(&[HEADER.as_bytes(), &content]);
    let batch = whole(&input);
    let count = "must be a whole number from 0 to 1000000000000, not";
    let late = "more than 1h after the clock of the first start, 2025-07-01T00:00:00Z";
    assert_eq!(
        reasons(&batch),
        [
            (3, format!("viewCount {count} 1e9").as_str()),
            (4, &format!("viewCount {count} -1")),
            (6, &format!("viewCount {count} 12,345")),
            (7, &format!("viewCount {count} 10000000000000")),
            (8, "no count at all: at least one of viewCount, likeCount, commentCount is needed"),
            (9, "timestamp 0001-01-01T00:00:00Z: before 2005-04-23, when the first video went public"),
            (10, &format!("timestamp 9999-12-30T00:00:00Z: {late}")),
            (11, &format!("timestamp 2025-07-01T02:00:00Z: {late}")),
            (12, "timestamp 2025-07-01: a date alone is no time"),
            (13, "video_id 7tbWmYUZLX: a video id has 11 characters"),
            (14, "video_id 7tbWmYUZLX44: a video id has 11 characters"),
            (15, "video_id 7tbWmYUZLX5: the last character of a video id is one of 048AEIMQUYcgkosw"),
            (16, "no video_id"),
            (17, "no timestamp"),
            (18, "the row has 3 fields, the header 5"),
            (19, "the row has 6 fields, the header 5"),
            (21, "not UTF-8: the byte at 36 is invalid"),
        ]
    );
    let views = |record: &Record| (record.place.offset, record.snapshot.counts[0].get().unwrap());
    assert_eq!(batch.records.iter().map(views).collect::<Vec<_>>(), [(0, 1), (17, 2), (19, 4)]);
    assert_eq!(batch.positions, from(20));
    let letter = &batch.dead_letters[2];
    assert_eq!((letter.topic.as_str(), letter.partition, letter.item), (input.paths[1].as_str(), 0, 0));
    assert_eq!(letter.payload.as_deref(), Some(&b"2025-07-01T00:00:44Z,7tbWmYUZLX4,\"12,345\",,"[..]));
}

#[test]
fn a_row_too_large_is_cut_and_reading_goes_on_behind_it() {
    let long = format!("2025-07-01T00:00:44Z,7tbWmYUZLX4,{},,\n", "1".repeat(3 * RECORD_BYTES_MAX));
    let batch = whole(&Input::of(&[&gzip(format!("{HEADER}{ROW}{long}{ROW}").as_bytes())]));
    assert_eq!(batch.records.iter().map(|record| record.place.offset).collect::<Vec<_>>(), [0, 2]);
    let letter = &batch.dead_letters[0];
    assert_eq!((letter.offset, letter.payload.as_ref().unwrap().len()), (3, OVERSIZED_PAYLOAD_BYTES_MAX));
    assert!(letter.reason.starts_with(&format!("the record has {} bytes", long.len() - 1)), "{}", letter.reason);
}

#[test]
fn of_a_gzip_file_cut_short_the_rows_before_the_cut_are_handed_over() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample_10min.csv");
    let content = std::fs::read(path).unwrap();
    let good = whole(&Input::of(&[&content]));
    let packed = gzip(&content);
    let read = read(&Input::of(&[&packed[..packed.len() * 2 / 3]]).source(), ALONE, &Positions::new());
    let rows = read.batch.records.len();
    assert!(!read.end && rows > 1_000 && rows < 2_618, "{rows}");
    assert_eq!(read.batch.records, good.records[..rows]);
    assert_eq!(read.batch.positions, from(rows as u64));
    let message = read.outcome.unwrap_err().to_string();
    assert!(
        message.contains("0.csv cannot be read any further at line ") && message.contains("cut short"),
        "{message}"
    );
    let line: usize = message.split("at line ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
    assert_eq!(line, rows + 2, "the first line that is not whole, behind the header");
}

#[test]
fn a_file_that_shrinks_or_grows_after_the_check_is_read_as_it_was() {
    let input = Input::of(&[format!("{HEADER}{ROW}{ROW}").as_bytes()]);
    let source = input.source();
    std::fs::write(&input.paths[0], format!("{HEADER}{ROW}{ROW}{ROW}")).unwrap();
    let grown = read(&source, ALONE, &Positions::new());
    assert!(grown.end && grown.batch.records.len() == 2);
    std::fs::write(&input.paths[0], format!("{HEADER}{ROW}")).unwrap();
    let shrunk = read(&source, ALONE, &Positions::new());
    assert!(!shrunk.end && shrunk.batch.records.len() == 1);
    assert!(shrunk.outcome.unwrap_err().to_string().contains("shorter than it was at the start"));
}

#[test]
fn fewer_rows_than_were_read_before_are_an_error() {
    let read = read(&Input::of(&[format!("{HEADER}{ROW}").as_bytes()]).source(), ALONE, &from(2));
    assert!(!read.end);
    assert!(read.outcome.unwrap_err().to_string().contains("2 rows were read before"));
}

#[test]
fn a_reader_that_is_told_to_stop_stops() {
    let input = Input::of(&[format!("{HEADER}{}", ROW.repeat(20_000)).as_bytes()]);
    let (events, received) = sync_channel(1);
    let stop = Arc::new(AtomicBool::new(false));
    let feed = Feed::new(events, stop.clone(), Box::new(|| {}));
    let source = &input.source();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || source.read(ALONE, &Positions::new(), &feed));
        received.recv().unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap().unwrap();
    });
    assert!(!received.try_iter().any(|event| matches!(event, SourceEvent::End)));
}

/// Rows good and bad, blank lines and quotes; every row is on lines of its own.
fn rows() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        ROW,
        "2025-07-01T00:00:45Z,7tbWmYUZLX4,1,,\r\n",
        "\"2025-07-01T00:00:46Z\",7tbWmYUZLX4,\"2\",,\n",
        "\n",
        "\r\n",
        "bad\n",
        "2025-07-01T00:00:44Z,\"7tb\nWmYUZLX4\",1,,\n",
        ",,,,\n",
    ]);
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn to_go_on_at_any_row_is_to_have_read_on(first in rows(), second in rows(), at in any::<prop::sample::Index>()) {
        let input = Input::of(&[format!("{HEADER}{first}").as_bytes(), format!("{HEADER}{second}").as_bytes()]);
        let all = whole(&input);
        let total = all.positions[&PARTITION].next;
        prop_assert_eq!(total as usize, all.records.len() + all.dead_letters.len());
        let at = at.index(total as usize + 1) as u64;
        let tail = read(&input.source(), ALONE, &from(at));
        prop_assert!(tail.end);
        prop_assert_eq!(&tail.batch.positions, &all.positions);
        let records = all.records.iter().filter(|record| record.place.offset >= at);
        prop_assert!(tail.batch.records.iter().eq(records));
        let letters = tail.batch.dead_letters.len();
        prop_assert_eq!(letters + tail.batch.records.len(), (total - at) as usize);
        prop_assert_eq!(&tail.batch.dead_letters[..], &all.dead_letters[all.dead_letters.len() - letters..]);
    }

    #[test]
    fn any_bytes_end_as_snapshots_and_dead_letters_of_their_own_place(bytes: Vec<u8>) {
        let batch = whole(&Input::of(&[&[HEADER.as_bytes(), &bytes].concat()]));
        prop_assert_eq!(batch.positions[&PARTITION].next as usize, batch.records.len() + batch.dead_letters.len());
        prop_assert!(batch.dead_letters.windows(2).all(|pair| pair[0].offset < pair[1].offset));
        prop_assert!(batch.dead_letters.iter().all(|letter| !letter.reason.contains('\0')));
    }
}
