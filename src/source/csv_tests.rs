use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tempfile::TempDir;
use viewtide_dataflows::snapshot::{Nullable, Place, Record};

use super::super::times::event_time;
use super::super::{Partition, SourceBatch, Span};
use super::*;
use crate::limits::{BATCH_RECORDS_MAX, OVERSIZED_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

const HEADER: &str = "timestamp,video_id,viewCount,likeCount,commentCount\n";
const ROW: &str = "2025-07-01T00:00:44Z,7tbWmYUZLX4,451234,7542,1165\n";
const HOUR: i64 = 3_600_000_000;
const PARTITION: Partition = Partition::of_snapshots(0);

struct Files {
    folder: TempDir,
    paths: Vec<String>,
}

impl Files {
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
                    batch.metadata.extend(more.metadata);
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

fn whole(input: &Files) -> SourceBatch {
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
    let plain = whole(&Files::of(&[&content]));
    assert_eq!((plain.records.len(), plain.dead_letters.len()), (2_618, 0));
    assert_eq!(plain.positions, BTreeMap::from([(PARTITION, Span { first: 0, next: 2_618 })]));
    let mut videos: Vec<_> = plain.records.iter().map(|record| record.video).collect();
    videos.sort();
    videos.dedup();
    assert_eq!(videos.len(), 3);
    // Two gzip members one after the other are one file.
    let (first, second) = content.split_at(content.len() / 2);
    let packed = whole(&Files::of(&[&[gzip(first), gzip(second)].concat()]));
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
    let batch = whole(&Files::of(&[b"\xef\xbb\xbfcomments,title,\"videoId\",fileSource,timestamp,view_count\r\n\
          7,\"a, \"\"b\"\"\r\nc\",7tbWmYUZLX4,x.csv,2025-07-01 00:00:44,451234\r\n\r\n"]));
    let record = &batch.records[0];
    assert_eq!(record.snapshot.counts, [Nullable::some(451_234), Nullable::NULL, Nullable::some(7)]);
    assert_eq!(record.file_source.as_deref(), Some("x.csv"));
    assert_eq!((batch.records.len(), batch.dead_letters.len()), (1, 0));
    assert_eq!(batch.metadata[0].metadata.title.as_deref(), Some("a, \"b\"\r\nc"));
}

/// Rows as "Trending YouTube Video Statistics" has them.
const TRENDING: &str = include_str!("../../tests/data/trending_table.csv");

/// Counts, title, channel, category and time of publishing of each row that was taken, by the row's number.
type Said<'a> = (u64, Option<[Option<i64>; 3]>, Option<[Option<&'a str>; 4]>, Option<String>);

fn said(batch: &SourceBatch) -> Vec<Said<'_>> {
    let mut said: Vec<Said<'_>> = Vec::new();
    for record in &batch.records {
        said.push((record.place.offset, Some(record.snapshot.counts.map(Nullable::get)), None, None));
    }
    for record in &batch.metadata {
        assert_eq!((record.place.partition, record.place.item), (0, 0));
        let at = said.iter_mut().find(|(offset, ..)| *offset == record.place.offset).expect("beside its snapshot");
        let known = &record.metadata;
        let texts = [&known.title, &known.channel_id, &known.channel_title, &known.category_id];
        at.2 = Some(texts.map(|text| text.as_deref()));
        at.3 = known.published_at.map(|time| jiff::Timestamp::from_microsecond(time).unwrap().to_string());
    }
    said
}

#[test]
fn a_table_of_trending_videos_is_snapshots_and_what_is_known_of_their_videos() {
    // With a byte order mark and the line ends that spreadsheets write.
    let batch = whole(&Files::of(&[format!("\u{feff}{}", TRENDING.replace('\n', "\r\n")).as_bytes()]));
    let time = |text: &str| Some(text.to_owned());
    let rudy = "\"Racist Superman\" | Rudy, King & Lele 🦸";
    assert_eq!(
        said(&batch),
        [
            (
                0,
                Some([Some(748_374), Some(57_527), Some(15_954)]),
                Some([Some("WE WANT TO TALK ABOUT OUR MARRIAGE"), None, Some("CaseyNeistat"), Some("22")]),
                time("2017-11-13T17:13:01Z")
            ),
            (
                1,
                Some([Some(3_191_434), None, None]),
                Some([Some(rudy), None, Some("Rudy Mancuso"), Some("23")]),
                time("2017-11-12T19:05:24Z")
            ),
            (5, Some([Some(7), Some(5), Some(5)]), None, None),
            (6, Some([Some(7), Some(5), Some(5)]), None, None),
        ]
    );
    assert_eq!(Ok(batch.records[0].snapshot.time), event_time("2017-11-14T00:00:00Z"));
    let reasons = reasons(&batch);
    let expected = [
        (7, "video_id #NAME?: a video id has 11 characters"),
        (8, "trending_date 17.32.11: "),
        (9, "no count at all"),
        (12, "comments_disabled must be true or false, not maybe"),
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for ((line, reason), (expected_line, why)) in reasons.iter().zip(expected) {
        assert!(*line == expected_line && reason.starts_with(why), "{line}: {reason}");
    }
}

#[test]
fn other_tables_of_trending_videos_are_read_as_well() {
    // "YouTube Trending Video Dataset (updated daily)".
    let daily = "video_id,title,publishedAt,channelId,channelTitle,categoryId,trending_date,tags,view_count,likes,dislikes,\
         comment_count,thumbnail_link,comments_disabled,ratings_disabled,description\n\
         7tbWmYUZLX4,\"I ASKED, \"\"WHY\"\"\",2020-08-11T19:20:14Z,UCvtRTOMP2TqYqu51xNrqAzg,Brawadis,22,\
         2020-08-12T00:00:00Z,brawadis|prank,1514614,156908,5855,35313,https://i.ytimg.com/x.jpg,False,False,\"a\n\nb\"\n";
    // "Trending YouTube Videos (113 Countries)".
    let countries = "title,channel_name,daily_rank,daily_movement,weekly_movement,snapshot_date,country,view_count,like_count,\
         comment_count,description,thumbnail_url,video_id,channel_id,video_tags,kind,publish_date,langauge\n\
         Título,Canal,1,0,49,2023-10-18,ES,99,8,7,d,u,x_BjvhMW9TE,UC1,t,youtube#video,2023-10-17 00:00:00+00:00,es\n";
    let batch = whole(&Files::of(&[daily.as_bytes(), countries.as_bytes()]));
    assert_eq!(reasons(&batch), []);
    let channel = "UCvtRTOMP2TqYqu51xNrqAzg";
    assert_eq!(
        said(&batch),
        [
            (
                0,
                Some([Some(1_514_614), Some(156_908), Some(35_313)]),
                Some([Some("I ASKED, \"WHY\""), Some(channel), Some("Brawadis"), Some("22")]),
                Some("2020-08-11T19:20:14Z".to_owned())
            ),
            (
                1,
                Some([Some(99), Some(8), Some(7)]),
                Some([Some("Título"), Some("UC1"), Some("Canal"), None]),
                Some("2023-10-17T00:00:00Z".to_owned())
            ),
        ]
    );
    let times: Vec<_> = batch.records.iter().map(|record| Ok(record.snapshot.time)).collect();
    assert_eq!(times, [event_time("2020-08-12T00:00:00Z"), event_time("2023-10-18T00:00:00Z")]);
}

#[test]
fn a_timestamp_comes_before_a_trending_date_and_an_empty_one_does_not() {
    let batch = whole(&Files::of(&[b"trending_date,video_id,views,timestamp\n\
          17.14.11,7tbWmYUZLX4,1,2025-07-01 00:00:44\n17.15.11,7tbWmYUZLX4,1,\n"]));
    let times: Vec<_> = batch.records.iter().map(|record| Ok(record.snapshot.time)).collect();
    assert_eq!(times, [event_time("2025-07-01T00:00:44Z"), event_time("2017-11-15T00:00:00Z")]);
}

#[test]
fn bad_metadata_beside_good_counts_is_left_out_and_the_counts_are_kept() {
    let long = "x".repeat(2_001);
    let batch = whole(&Files::of(&[format!(
        "timestamp,video_id,views,title,category_id,publish_time\n\
         2025-07-01 00:00:44,7tbWmYUZLX4,1,A,22,#NAME?\n2025-07-01 00:00:44,7tbWmYUZLX4,2,{long},22,\n\
         2025-07-01 00:00:44,7tbWmYUZLX4,3,A,all,\n2025-07-01 00:00:44,7tbWmYUZLX4,4,a\0b,,\n\
         2025-07-01 00:00:44,7tbWmYUZLX4,5,A,22,2025-06-30\n"
    )
    .as_bytes()]));
    assert_eq!(reasons(&batch), []);
    let views: Vec<_> = batch.records.iter().map(|record| record.snapshot.counts[0].get()).collect();
    assert_eq!(views, [1, 2, 3, 4, 5].map(Some));
    let known: Vec<_> = batch.metadata.iter().map(|record| record.place.offset).collect();
    assert_eq!(known, [4]);
}

#[test]
fn a_directory_is_the_files_in_it() {
    let input = Files::of(&[format!("{HEADER}{ROW}").as_bytes(), format!("{HEADER}{ROW}{ROW}").as_bytes()]);
    std::fs::write(input.folder.path().join("notes.txt"), "x").unwrap();
    let folder = input.folder.path().to_str().unwrap().to_owned();
    let named = input.source();
    let of_folder = CsvSource::open(std::slice::from_ref(&folder), HOUR).unwrap();
    assert_eq!(of_folder.identity(), named.identity());
    let twice = CsvSource::open(&[folder, input.paths[1].clone()], HOUR).unwrap_err().to_string();
    assert!(twice.ends_with("/1.csv is given twice; name each file once"), "{twice}");
}

#[test]
fn files_that_cannot_be_used_are_refused_before_anything_is_read() {
    let needed = super::super::csv_file::needed(Input::Snapshots);
    for (content, why) in [
        (&b""[..], "it is empty (0 bytes)"),
        (b"\n\r\n", "it has no lines"),
        (b"video_id,viewCount\n", "no column timestamp; it has: video_id,viewCount"),
        (b"timestamp,viewCount\n", "no column video_id; it has: timestamp,viewCount"),
        (b"timestamp,video_id,title\n", "no column of counts; it has: timestamp,video_id,title"),
        (b"timestamp,video_id,views,viewCount\n", "the columns views and viewCount both mean viewCount"),
        (
            b"snapshot_date,video_id,views,trending_date\n",
            "the columns snapshot_date and trending_date both mean trending_date",
        ),
        (
            b"timestamp,video_id,views,channelId,channel_id\n",
            "the columns channelId and channel_id both mean channel_id",
        ),
        (b"timestamp,video_id,views,video_id\n", "the columns video_id and video_id both mean video_id"),
        (b"\xff\xfe\x00t\x00i", "it does not begin with a CSV header"),
        (&gzip(b""), "it has no lines"),
    ] {
        let good = format!("{HEADER}{ROW}");
        assert_eq!(
            Files::of(&[good.as_bytes(), content]).refused(),
            format!("cannot read the CSV file /1.csv: {why}; {needed}")
        );
    }
    let mut input = Files::of(&[HEADER.as_bytes()]);
    input.paths.push(String::new());
    input.paths[1] = format!("{}/none.csv", input.folder.path().display());
    assert!(input.refused().starts_with("cannot read the CSV file /none.csv: No such file"));
    input.paths[1] = input.paths[0].clone();
    assert!(input.refused().contains("/0.csv is given twice"));
    assert!(CsvSource::open(&[], HOUR).is_err());
}

#[test]
fn a_header_alone_is_an_empty_input() {
    let read = read(&Files::of(&[HEADER.as_bytes()]).source(), ALONE, &Positions::new());
    assert!(read.outcome.is_ok() && read.end);
    assert_eq!((read.batches, read.batch.positions), (1, from(0)));
}

#[test]
fn another_worker_has_nothing_to_read() {
    let input = Files::of(&[HEADER.as_bytes(), ROW.as_bytes()]);
    let source = Files { paths: input.paths[..1].to_vec(), ..input }.source();
    let read = read(&source, Share { index: 1, peers: 2 }, &Positions::new());
    assert!(read.outcome.is_ok() && read.end && read.batches == 0);
}

#[test]
fn a_process_whose_clock_was_never_set_has_nothing_to_read() {
    let input = Files::of(&[format!("{HEADER}{ROW}").as_bytes()]);
    // As on every process but the first.
    let source = CsvSource::open(&input.paths, HOUR).unwrap();
    let of_another = read(&source, Share { index: 1, peers: 2 }, &Positions::new());
    of_another.outcome.unwrap();
    assert!(of_another.end && of_another.batches == 0);
    let of_the_first = read(&source, Share { index: 0, peers: 2 }, &Positions::new());
    assert!(of_the_first.outcome.unwrap_err().to_string().contains("before its clock was set"));
}

#[test]
fn the_identity_tells_content_and_order() {
    let (one, two) = (format!("{HEADER}{ROW}"), format!("{HEADER}{ROW}{ROW}"));
    let SourceIdentity::Csv { files } = Files::of(&[one.as_bytes(), two.as_bytes()]).source().identity().clone() else {
        panic!("CSV has an identity of CSV")
    };
    assert_eq!(files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [one.len() as u64, two.len() as u64]);
    // sha256sum of the header line alone, from coreutils.
    let SourceIdentity::Csv { files } = Files::of(&[b"timestamp,video_id,views\n"]).source().identity().clone() else {
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
    let input = Files::of(&[HEADER.as_bytes(), &content]);
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
    let batch = whole(&Files::of(&[&gzip(format!("{HEADER}{ROW}{long}{ROW}").as_bytes())]));
    assert_eq!(batch.records.iter().map(|record| record.place.offset).collect::<Vec<_>>(), [0, 2]);
    let letter = &batch.dead_letters[0];
    assert_eq!((letter.offset, letter.payload.as_ref().unwrap().len()), (3, OVERSIZED_PAYLOAD_BYTES_MAX));
    assert!(letter.reason.starts_with(&format!("the record has {} bytes", long.len() - 1)), "{}", letter.reason);
}

#[test]
fn of_a_gzip_file_cut_short_the_rows_before_the_cut_are_handed_over() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample_10min.csv");
    let content = std::fs::read(path).unwrap();
    let good = whole(&Files::of(&[&content]));
    let packed = gzip(&content);
    let read = read(&Files::of(&[&packed[..packed.len() * 2 / 3]]).source(), ALONE, &Positions::new());
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
    let input = Files::of(&[format!("{HEADER}{ROW}{ROW}").as_bytes()]);
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
    let read = read(&Files::of(&[format!("{HEADER}{ROW}").as_bytes()]).source(), ALONE, &from(2));
    assert!(!read.end);
    assert!(read.outcome.unwrap_err().to_string().contains("2 rows were read before"));
}

#[test]
fn a_reader_that_is_told_to_stop_stops() {
    let input = Files::of(&[format!("{HEADER}{}", ROW.repeat(20_000)).as_bytes()]);
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

/// The five columns, and those of a table of trending videos.
const HEADERS: [&str; 2] =
    [HEADER, "video_id,trending_date,title,channelId,publish_time,views,likes,comment_count,comments_disabled\n"];

/// Rows good and bad for each of them, blank lines and quotes; every row is on lines of its own.
fn file() -> impl Strategy<Value = String> {
    let few = vec![
        ROW,
        "2025-07-01T00:00:45Z,7tbWmYUZLX4,1,,\r\n",
        "\"2025-07-01T00:00:46Z\",7tbWmYUZLX4,\"2\",,\n",
        "\n",
        "\r\n",
        "bad\n",
        "2025-07-01T00:00:44Z,\"7tb\nWmYUZLX4\",1,,\n",
        ",,,,\n",
    ];
    let many = vec![
        "7tbWmYUZLX4,17.14.11,A,UC1,2017-11-13T17:13:01.000Z,5,6,7,False\n",
        "x_BjvhMW9TE,2020-08-12T00:00:00Z,\"a\r\n\"\"b\"\"\",,,5,0,0,True\r\n",
        "x_BjvhMW9TE,17.14.11,,,,5,,,\n",
        "x_BjvhMW9TE,17.14.11,A,,,,,,\n",
        "x_BjvhMW9TE,17.14.11,A,,never,5,,,\n",
        "\n",
        "bad\n",
    ];
    let [few, many] = [few, many].map(|lines| prop::collection::vec(prop::sample::select(lines), 0..40));
    prop_oneof![
        few.prop_map(|lines| format!("{}{}", HEADERS[0], lines.concat())),
        many.prop_map(|lines| format!("{}{}", HEADERS[1], lines.concat())),
    ]
}

proptest! {
    #[test]
    fn to_go_on_at_any_row_is_to_have_read_on(first in file(), second in file(), at in any::<prop::sample::Index>()) {
        let input = Files::of(&[first.as_bytes(), second.as_bytes()]);
        let all = whole(&input);
        let total = all.positions[&PARTITION].next;
        prop_assert_eq!(total as usize, all.records.len() + all.dead_letters.len());
        let at = at.index(total as usize + 1) as u64;
        let tail = read(&input.source(), ALONE, &from(at));
        prop_assert!(tail.end);
        prop_assert_eq!(&tail.batch.positions, &all.positions);
        let records = all.records.iter().filter(|record| record.place.offset >= at);
        prop_assert!(tail.batch.records.iter().eq(records));
        let metadata = all.metadata.iter().filter(|record| record.place.offset >= at);
        prop_assert!(tail.batch.metadata.iter().eq(metadata));
        let letters = tail.batch.dead_letters.len();
        prop_assert_eq!(letters + tail.batch.records.len(), (total - at) as usize);
        prop_assert_eq!(&tail.batch.dead_letters[..], &all.dead_letters[all.dead_letters.len() - letters..]);
    }

    #[test]
    fn any_bytes_end_as_snapshots_and_dead_letters_of_their_own_place(
        header in prop::sample::select(&HEADERS[..]),
        bytes: Vec<u8>,
    ) {
        let batch = whole(&Files::of(&[&[header.as_bytes(), &bytes].concat()]));
        let mut places: Vec<u64> = batch.records.iter().map(|record| record.place.offset).collect();
        places.extend(batch.dead_letters.iter().map(|letter| letter.position));
        places.sort_unstable();
        prop_assert!(places.into_iter().eq(0..batch.positions[&PARTITION].next));
        let has_snapshot = |place| batch.records.iter().any(|record| record.place == place);
        prop_assert!(batch.metadata.iter().all(|record| has_snapshot(record.place)));
        prop_assert!(batch.dead_letters.windows(2).all(|pair| pair[0].offset < pair[1].offset));
        prop_assert!(batch.dead_letters.iter().all(|letter| !letter.reason.contains('\0')));
    }
}
