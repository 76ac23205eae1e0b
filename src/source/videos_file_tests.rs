use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use viewtide_dataflows::metadata::{Metadata, MetadataSource};
use viewtide_dataflows::snapshot::Place;

use super::super::csv_file::needed;
use super::super::times::event_time;
use super::super::{Partition, SourceBatch, SourceEvent, Span};
use super::*;

const HEADER: &str = "video_id,title,channel_id,channel_title,category_id,published_at\n";
const PARTITION: Partition = Partition { input: Input::VideosFile, number: 0 };

/// All that is read of a file by worker `index` of two, behind the `next` rows that were read before.
fn read(content: &[u8], index: u32, next: u64) -> SourceBatch {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let source = VideosFile::open(file.path().to_str().unwrap()).unwrap();
    let stored = Positions::from([
        (PARTITION, Span { first: 0, next }),
        (Partition::of_snapshots(0), Span { first: 0, next: 99 }),
    ]);
    let (events, received) = sync_channel(8);
    let feed = Feed::new(events, Arc::new(AtomicBool::new(false)), Box::new(|| {}));
    let mut all = SourceBatch::default();
    std::thread::scope(|scope| {
        let source = &source;
        scope.spawn(move || source.read(Share { index, peers: 2 }, &stored, &feed).unwrap());
        let mut ended = false;
        for event in received {
            assert!(!ended, "nothing comes after the end of a file");
            match event {
                SourceEvent::Batch(batch) => {
                    all.metadata.extend(batch.metadata);
                    all.dead_letters.extend(batch.dead_letters);
                    all.positions.extend(batch.positions);
                    assert!(batch.records.is_empty());
                }
                SourceEvent::End => ended = true,
                SourceEvent::Failed(error) => panic!("{error}"),
            }
        }
        assert!(ended);
    });
    // The folder of a file that is temporary differs from run to run.
    all.dead_letters.iter_mut().for_each(|letter| letter.topic = String::new());
    all
}

fn whole(content: impl AsRef<[u8]>) -> SourceBatch {
    read(content.as_ref(), 0, 0)
}

fn refused(content: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let path = file.path().to_str().unwrap();
    VideosFile::open(path).unwrap_err().to_string().replace(path, "FILE")
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

#[test]
fn rows_say_what_is_known_of_videos() {
    let content = format!(
        "{HEADER}7tbWmYUZLX4,\"a, \"\"b\"\"\r\nc 🎵\",UC1,B,22,2025-06-30T14:00:06+02:00\r\n\n\
         x_BjvhMW9TE,,,,,\nOi-piOr_9AY,,,,,2025-06-30\n"
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content.as_bytes()).unwrap();
    for content in [content.clone().into_bytes(), packed.finish().unwrap()] {
        let batch = whole(content);
        let read: Vec<_> = batch.metadata.iter().map(|record| (record.video.to_string(), &record.metadata)).collect();
        let expected = [
            Metadata {
                title: text("a, \"b\"\r\nc 🎵"),
                channel_id: text("UC1"),
                channel_title: text("B"),
                category_id: text("22"),
                published_at: Some(event_time("2025-06-30T12:00:06Z").unwrap()),
            },
            Metadata::default(),
            Metadata { published_at: Some(event_time("2025-06-30T00:00:00Z").unwrap()), ..Metadata::default() },
        ];
        let videos = ["7tbWmYUZLX4", "x_BjvhMW9TE", "Oi-piOr_9AY"].map(str::to_owned);
        assert_eq!(read, videos.into_iter().zip(&expected).collect::<Vec<_>>());
        for (row, record) in batch.metadata.iter().enumerate() {
            assert_eq!(record.source, MetadataSource::VideosFile);
            assert_eq!(record.place, Place { partition: 0, offset: row as u64, item: 0 });
        }
        assert_eq!(batch.positions, Positions::from([(PARTITION, Span { first: 0, next: 3 })]));
        assert!(batch.dead_letters.is_empty());
    }
}

#[test]
fn columns_may_come_in_any_order_and_spelling_and_be_few() {
    let batch = whole("\u{feff}views,categoryId,videoId,timestamp\nx,22,7tbWmYUZLX4,y\n");
    assert_eq!(batch.metadata[0].metadata, Metadata { category_id: text("22"), ..Metadata::default() });
    let batch = whole("publishedAt,channelTitle,title,channelId,video_id\n2025-06-30,B,A,UC1,7tbWmYUZLX4\n");
    let Metadata { title, channel_id, channel_title, category_id, published_at } = batch.metadata[0].metadata.clone();
    assert_eq!((title, channel_id, channel_title, category_id), (text("A"), text("UC1"), text("B"), None));
    assert_eq!(published_at.ok_or(()), event_time("2025-06-30T00:00:00Z").map_err(|_| ()));
}

#[test]
fn files_that_cannot_be_used_are_refused() {
    let needed = needed(Input::VideosFile);
    for (content, why) in [
        (&b""[..], "it is empty (0 bytes)"),
        (b"title,channel_id\n", "no column video_id; it has: title,channel_id"),
        (b"timestamp,video_id,views\n", "no column of what is known of videos; it has: timestamp,video_id,views"),
        (b"video_id,title,channelId,channel_id\n", "the columns channelId and channel_id both mean channel_id"),
    ] {
        assert_eq!(refused(content), format!("cannot read the CSV file FILE: {why}; {needed}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let error = VideosFile::open(folder.path().to_str().unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("it is a directory; name a file"), "{error}");
}

#[test]
fn bad_rows_are_dead_letters_and_the_good_ones_around_them_go_in() {
    let nul = "a\0b";
    let long = "x".repeat(2_001);
    let content = format!(
        "{HEADER}7tbWmYUZLX4,A,,,,\n7tbWmYUZLX5,A,,,,\n,A,,,,\n\n7tbWmYUZLX4,{nul},,,,\n7tbWmYUZLX4,A,,{long},,\n\
         7tbWmYUZLX4,A,,,,yesterday\n7tbWmYUZLX4,A\n7tbWmYUZLX4,B,,,,\n"
    );
    let batch = whole(content);
    let told: Vec<_> =
        batch.dead_letters.iter().map(|letter| (letter.offset, letter.position, &letter.reason)).collect();
    let expected = [
        (3, 1, "video_id 7tbWmYUZLX5: the last character of a video id is one of 048AEIMQUYcgkosw"),
        (4, 2, "no video_id"),
        (6, 3, "title contains a NUL character, which Postgres text cannot hold"),
        (7, 4, "channel_title has 2001 bytes, more than the 2000 allowed"),
        (8, 5, "published_at yesterday: "),
        (9, 6, "the row has 2 fields, the header 6"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((line, row, reason), (expected_line, expected_row, why)) in told.into_iter().zip(expected) {
        assert!((line, row) == (expected_line, expected_row) && reason.starts_with(why), "{line} {row}: {reason}");
    }
    let letter = &batch.dead_letters[1];
    assert_eq!((letter.input, letter.partition, letter.item), (Input::VideosFile, 0, 0));
    assert_eq!(letter.payload.as_deref(), Some(&b",A,,,,"[..]));
    let titles: Vec<_> = batch.metadata.iter().map(|record| record.metadata.title.as_deref()).collect();
    assert_eq!(titles, [Some("A"), Some("B")]);
}

#[test]
fn worker_0_reads_it() {
    let batch = read(format!("{HEADER}7tbWmYUZLX4,A,,,,\n").as_bytes(), 1, 0);
    assert!(batch.metadata.is_empty() && batch.positions.is_empty());
}

/// Rows good and bad, blank lines and quotes.
fn rows() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "7tbWmYUZLX4,A,UC1,B,22,2025-06-30T14:00:06Z\n",
        "x_BjvhMW9TE,,,,,\r\n",
        "\"Oi-piOr_9AY\",\"a\n\"\"b\"\"\",,,,2025-06-30\n",
        "\n",
        "bad\n",
        "7tbWmYUZLX4,A,,,,never\n",
        ",,,,,\n",
    ]);
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn to_go_on_at_any_row_is_to_have_read_on(rows in rows(), at in any::<prop::sample::Index>()) {
        let content = format!("{HEADER}{rows}");
        let all = whole(&content);
        let total = all.positions[&PARTITION].next;
        prop_assert_eq!(total as usize, all.metadata.len() + all.dead_letters.len());
        let at = at.index(total as usize + 1) as u64;
        let tail = read(content.as_bytes(), 0, at);
        prop_assert_eq!(&tail.positions, &all.positions);
        prop_assert!(tail.metadata.iter().eq(all.metadata.iter().filter(|record| record.place.offset >= at)));
        prop_assert!(tail.dead_letters.iter().eq(all.dead_letters.iter().filter(|letter| letter.position >= at)));
    }

    #[test]
    fn any_bytes_end_as_words_and_dead_letters_of_their_own_place(bytes: Vec<u8>) {
        let batch = whole([HEADER.as_bytes(), &bytes].concat());
        let mut places: Vec<u64> = batch.metadata.iter().map(|record| record.place.offset).collect();
        places.extend(batch.dead_letters.iter().map(|letter| letter.position));
        places.sort_unstable();
        prop_assert!(places.into_iter().eq(0..batch.positions[&PARTITION].next));
        prop_assert!(batch.dead_letters.windows(2).all(|pair| pair[0].offset < pair[1].offset));
        prop_assert!(batch.dead_letters.iter().all(|letter| !letter.reason.contains('\0')));
    }
}
