//! Raw rows and dead letters against the input: what every record should have left behind, by sorting and no dataflow.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio_postgres::{Row, Transaction};
use viewtide_dataflows::snapshot::{Counts, EventTime, Nullable, Place, Record};
use viewtide_dataflows::video_id::VideoId;

use crate::source::{DeadLetter, SourceIdentity};
use crate::verify::VerifyError;
use crate::verify::report::{Difference, DifferenceKind, VerifyReport};
use crate::verify::stored::StoredProgress;

const RAW: &str = "video_stats_processed";
const DEAD_LETTERS: &str = "dead_letters";

/// The raw row that a video's records of one event time should have left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    counts: Counts,
    folded_in: bool,
    file_source: Option<Box<str>>,
    place: Place,
    /// Where the video's records cross partitions, the other rows that the order of reading may have left.
    others: Vec<(Counts, Option<Box<str>>)>,
    crosses: bool,
}

/// Compares raw rows with the input.
pub async fn compare_raw(
    transaction: &Transaction<'_>,
    stored: &StoredProgress,
    records: Vec<Record>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    report.records = Some(records.len() as u64);
    let expected = expect(stored, records, report);
    compare_rows(transaction, stored, expected, report).await
}

/// The rows that the records should have left, by key.
fn expect(
    stored: &StoredProgress,
    mut records: Vec<Record>,
    report: &mut VerifyReport,
) -> HashMap<(VideoId, EventTime), Expected> {
    records.sort_by_key(|record| (record.video, record.place));
    let mut expected = HashMap::with_capacity(records.len());
    let mut late_records = 0;
    for of_video in records.chunk_by(|one, other| one.video == other.video) {
        let crosses = of_video.iter().any(|record| record.place.partition != of_video[0].place.partition);
        report.crossing_videos += u64::from(crosses);
        let mut newest = EventTime::MIN;
        for record in of_video {
            newest = newest.max(record.snapshot.time);
            let retention_us = stored.retention_us(record.place.partition, record.place.offset);
            let folded_in = record.snapshot.time >= newest.saturating_sub(retention_us);
            late_records += u64::from(!folded_in);
            let row = Expected {
                counts: record.snapshot.counts,
                folded_in,
                file_source: record.file_source.clone(),
                place: record.place,
                others: Vec::new(),
                crosses,
            };
            expected
                .entry((record.video, record.snapshot.time))
                .and_modify(|before: &mut Expected| replace(before, row.clone()))
                .or_insert(row);
        }
    }
    report.late_records = Some(late_records);
    expected
}

/// The latest record wins, but a late one never over one that was folded in.
fn replace(before: &mut Expected, row: Expected) {
    let mut others = std::mem::take(&mut before.others);
    if row.crosses {
        others.push((before.counts, before.file_source.clone()));
        others.push((row.counts, row.file_source.clone()));
    }
    if row.folded_in || !before.folded_in {
        *before = row;
    }
    before.others = others;
}

async fn compare_rows(
    transaction: &Transaction<'_>,
    stored: &StoredProgress,
    mut expected: HashMap<(VideoId, EventTime), Expected>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let reading = || VerifyError::while_doing(format!("reading {RAW}"));
    let rows = transaction
        .query_raw(
            "SELECT video_id, (extract(epoch FROM \"timestamp\") * 1000000)::bigint, view_count, like_count,
                    comment_count, folded_in, file_source
             FROM video_stats_processed ORDER BY video_id, \"timestamp\"",
            std::iter::empty::<i32>(),
        )
        .await
        .map_err(reading())?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(reading())? {
        let (id, time): (&str, EventTime) = (row.get(0), row.get(1));
        let wanted = id.parse().ok().and_then(|video: VideoId| expected.remove(&(video, time)));
        let difference = |place, kind| Difference { table: RAW, key: raw_key(id, time), place, kind };
        match wanted {
            None => report.differs(difference(None, DifferenceKind::Extra)),
            Some(wanted) => {
                let place = in_words(&stored.source, wanted.place);
                for kind in raw_differences(&row, &wanted) {
                    report.differs(difference(Some(place.clone()), kind));
                }
            }
        }
    }
    let mut missing: Vec<_> = expected.into_iter().collect();
    missing.sort_by_key(|(_, row)| row.place);
    for ((video, time), row) in missing {
        report.differs(Difference {
            table: RAW,
            key: raw_key(&video.to_string(), time),
            place: Some(in_words(&stored.source, row.place)),
            kind: DifferenceKind::Missing,
        });
    }
    Ok(())
}

fn raw_key(id: &str, time: EventTime) -> String {
    let time = Timestamp::from_microsecond(time).map_or_else(|_| format!("{time} us"), |time| time.to_string());
    format!("({id}, {time})")
}

fn in_words(source: &SourceIdentity, place: Place) -> String {
    match source {
        SourceIdentity::Kafka { topic, .. } => {
            format!("topic {topic}, partition {}, offset {}", place.partition, place.offset)
        }
        SourceIdentity::Csv { .. } => format!("row {} of the CSV files, from 0", place.offset),
    }
}

/// What differs between a stored raw row and the one that should be there.
fn raw_differences(row: &Row, wanted: &Expected) -> Vec<DifferenceKind> {
    let counts: Counts = [2, 3, 4].map(|column| Nullable::from(row.get::<_, Option<i64>>(column)));
    let folded_in: bool = row.get(5);
    let file_source: Option<&str> = row.get(6);
    if wanted.crosses && wanted.others.iter().any(|(other, from)| *other == counts && from.as_deref() == file_source) {
        return Vec::new();
    }
    let mut differences = Vec::new();
    let mut cell = |column: &str, stored: Option<String>, expected: Option<String>| {
        if stored != expected {
            differences.push(DifferenceKind::Cell { column: column.to_owned(), stored, expected });
        }
    };
    for (metric, column) in ["view_count", "like_count", "comment_count"].into_iter().enumerate() {
        let text = |count: Nullable| count.get().map(|count| count.to_string());
        cell(column, text(counts[metric]), text(wanted.counts[metric]));
    }
    if !wanted.crosses {
        cell("folded_in", Some(folded_in.to_string()), Some(wanted.folded_in.to_string()));
    }
    cell("file_source", file_source.map(str::to_owned), wanted.file_source.as_deref().map(str::to_owned));
    differences
}

/// (topic, partition, offset, item).
type LetterKey = (String, i32, i64, i32);

/// Compares dead letters with the input, but those of inputs that were not given.
pub async fn compare_dead_letters(
    transaction: &Transaction<'_>,
    letters: Vec<DeadLetter>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    report.dead_letters = Some(letters.len() as u64);
    let mut expected: HashMap<LetterKey, DeadLetter> = letters
        .into_iter()
        .map(|letter| {
            let key = (letter.topic.clone(), letter.partition as i32, letter.offset as i64, letter.item as i32);
            (key, letter)
        })
        .collect();
    let rows = transaction
        .query(
            "SELECT topic, \"partition\", kafka_offset, item, reason, key, payload FROM dead_letters
             WHERE topic <> ALL($1) ORDER BY topic, \"partition\", kafka_offset, item",
            &[&report.not_compared],
        )
        .await
        .map_err(VerifyError::while_doing(format!("reading {DEAD_LETTERS}")))?;
    report.rows.insert(DEAD_LETTERS, rows.len() as u64);
    for row in &rows {
        let key: LetterKey = (row.get(0), row.get(1), row.get(2), row.get(3));
        let difference = |kind| Difference { table: DEAD_LETTERS, key: letter_key(&key), place: None, kind };
        let Some(wanted) = expected.remove(&key) else {
            report.differs(difference(DifferenceKind::Extra));
            continue;
        };
        let bytes = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let same = [
            row.get::<_, Option<&[u8]>>(5) == wanted.key.as_deref(),
            row.get::<_, Option<&[u8]>>(6) == wanted.payload.as_deref(),
        ];
        let cells = [
            ("reason", row.get::<_, &str>(4) == wanted.reason, Some(row.get(4)), Some(wanted.reason.clone())),
            ("key", same[0], bytes(row.get(5)), bytes(wanted.key.as_deref())),
            ("payload", same[1], bytes(row.get(6)), bytes(wanted.payload.as_deref())),
        ];
        for (column, _, stored, expected) in cells.into_iter().filter(|(_, same, ..)| !same) {
            report.differs(difference(DifferenceKind::Cell { column: column.to_owned(), stored, expected }));
        }
    }
    let mut missing: Vec<_> = expected.into_keys().collect();
    missing.sort();
    for key in missing {
        report.differs(Difference {
            table: DEAD_LETTERS,
            key: letter_key(&key),
            place: None,
            kind: DifferenceKind::Missing,
        });
    }
    Ok(())
}

fn letter_key((topic, partition, offset, item): &LetterKey) -> String {
    format!("({topic}, partition {partition}, offset {offset}, item {item})")
}
