//! Raw rows and dead letters against the input: what every record should have left behind, by sorting and no dataflow.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio_postgres::{Row, Transaction};
use viewtide_dataflows::snapshot::{Counts, EventTime, Nullable, Place, Record};
use viewtide_dataflows::video_id::VideoId;

use crate::source::{DeadLetter, Input, Partition, SourceIdentity};
use crate::verify::VerifyError;
use crate::verify::gone::{Cells, Older, judge_older};
use crate::verify::prefix::Prefix;
use crate::verify::report::{Difference, DifferenceKind, VerifyReport};
use crate::verify::stored::StoredProgress;

/// Partitions whose beginning is gone, and the first offset that the input holds.
type Gone = BTreeMap<Partition, u64>;

const RAW: &str = "video_stats_processed";
const DEAD_LETTERS: &str = "dead_letters";

/// The raw row that a video's records of one event time should have left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    counts: Counts,
    folded_in: bool,
    file_source: Option<Box<str>>,
    place: Place,
    /// Where the video's records cross partitions, or came after records that are gone: what each record of the key says,
    /// since more of them than the last one may have left the row.
    all: Vec<Cells>,
    crosses: bool,
    /// Whether records of the video may be gone that came before these.
    after_gone: bool,
    /// How far behind the video's newest each of its records was folded in, microseconds.
    retention_us: i64,
}

/// Compares raw rows and dead letters with the input.
pub async fn compare(
    transaction: &Transaction<'_>,
    stored: &StoredProgress,
    prefix: Prefix,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    report.records = Some(prefix.records.len() as u64);
    report.dead_letters = Some(prefix.dead_letters.len() as u64);
    report.read_from = prefix.gone.iter().map(|(partition, begin)| (partition.to_string(), *begin)).collect();
    let (expected, whole) = expect(stored, prefix.records, &prefix.gone, report);
    compare_raw(transaction, stored, expected, &whole, &prefix.gone, report).await?;
    compare_dead_letters(transaction, stored, prefix.dead_letters, &prefix.gone, report).await
}

/// The rows that the records should have left, by key; and the videos of which the input holds every record that there was.
///
/// Those are the videos whose records are in partitions that are whole, since a video has one partition. Where the input shows
/// that a video had several, none is known to be whole.
fn expect(
    stored: &StoredProgress,
    mut records: Vec<Record>,
    gone: &Gone,
    report: &mut VerifyReport,
) -> (HashMap<(VideoId, EventTime), Expected>, HashSet<VideoId>) {
    records.sort_by_key(|record| (record.video, record.place));
    let mut expected = HashMap::with_capacity(records.len());
    let (mut late_records, mut any_crosses, mut whole) = (0, false, HashSet::new());
    for of_video in records.chunk_by(|one, other| one.video == other.video) {
        let crosses = of_video.iter().any(|record| record.place.partition != of_video[0].place.partition);
        report.crossing_videos += u64::from(crosses);
        let is_gone = |record: &Record| gone.contains_key(&Partition::of_snapshots(record.place.partition));
        let after_gone = of_video.iter().any(is_gone);
        any_crosses |= crosses;
        if !gone.is_empty() && !after_gone {
            whole.insert(of_video[0].video);
        }
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
                all: if crosses || after_gone {
                    vec![(record.snapshot.counts, record.file_source.clone())]
                } else {
                    vec![]
                },
                crosses,
                after_gone,
                retention_us,
            };
            expected
                .entry((record.video, record.snapshot.time))
                .and_modify(|before: &mut Expected| replace(before, row.clone()))
                .or_insert(row);
        }
    }
    report.late_records = Some(late_records);
    if any_crosses {
        whole.clear();
    }
    (expected, whole)
}

/// The latest record wins, but a late one never over one that was folded in.
fn replace(before: &mut Expected, mut row: Expected) {
    let mut all = std::mem::take(&mut before.all);
    all.append(&mut row.all);
    let retention_us = before.retention_us.min(row.retention_us);
    if row.folded_in || !before.folded_in {
        *before = row;
    }
    before.all = all;
    before.retention_us = retention_us;
}

async fn compare_raw(
    transaction: &Transaction<'_>,
    stored: &StoredProgress,
    mut expected: HashMap<(VideoId, EventTime), Expected>,
    whole: &HashSet<VideoId>,
    gone: &Gone,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let reading = || VerifyError::while_doing(format!("reading {RAW}"));
    // The newest row of a video says what may have come late; needed only where records are gone.
    let partly = gone.keys().any(|partition| partition.input == Input::Snapshots);
    let newest = if partly { "max(\"timestamp\") OVER (PARTITION BY video_id)" } else { "\"timestamp\"" };
    let sql = format!(
        "SELECT video_id, (extract(epoch FROM \"timestamp\") * 1000000)::bigint, view_count, like_count,
                comment_count, folded_in, file_source, (extract(epoch FROM {newest}) * 1000000)::bigint
         FROM video_stats_processed ORDER BY video_id, \"timestamp\""
    );
    let rows = transaction.query_raw(&sql, std::iter::empty::<i32>()).await.map_err(reading())?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(reading())? {
        let (id, time): (&str, EventTime) = (row.get(0), row.get(1));
        let video = id.parse::<VideoId>().ok();
        let wanted = video.and_then(|video| expected.remove(&(video, time)));
        let may_be_gone = partly && video.is_some_and(|video| !whole.contains(&video));
        let difference = |place, kind| Difference { table: RAW, key: raw_key(id, time), place, kind };
        match wanted {
            None if may_be_gone => report.rows_of_gone_records += 1,
            None => report.differs(difference(None, DifferenceKind::Extra)),
            Some(mut wanted) => {
                if wanted.after_gone && time < row.get::<_, EventTime>(7).saturating_sub(wanted.retention_us) {
                    let (cells, folded_in) = (cells_of(&row), row.get(5));
                    match judge_older(&cells, folded_in, &wanted.all, !wanted.crosses) {
                        Older::Holds => continue,
                        Older::OnlyGoneExplains => {
                            report.rows_of_gone_records += 1;
                            continue;
                        }
                        Older::MustBe((counts, file_source)) => {
                            (wanted.counts, wanted.file_source) = (*counts, file_source.clone());
                            wanted.folded_in = folded_in;
                        }
                    }
                }
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
    format!("({id}, {})", time_in_words(time))
}

fn time_in_words(time: EventTime) -> String {
    Timestamp::from_microsecond(time).map_or_else(|_| format!("{time} us"), |time| time.to_string())
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
    let cells = cells_of(row);
    let folded_in: bool = row.get(5);
    if wanted.crosses && wanted.all.len() > 1 && wanted.all.contains(&cells) {
        return Vec::new();
    }
    let (counts, file_source) = cells;
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
    cell("file_source", file_source.map(String::from), wanted.file_source.as_deref().map(str::to_owned));
    differences
}

/// What a record has left in a row.
fn cells_of(row: &Row) -> Cells {
    let counts = [2, 3, 4].map(|column| Nullable::from(row.get::<_, Option<i64>>(column)));
    (counts, row.get::<_, Option<&str>>(6).map(Box::from))
}

/// (topic, partition, offset, item).
type LetterKey = (String, i32, i64, i32);

/// Compares dead letters with the input, but those of inputs that were not given.
async fn compare_dead_letters(
    transaction: &Transaction<'_>,
    stored: &StoredProgress,
    letters: Vec<DeadLetter>,
    gone: &Gone,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let mut expected: HashMap<LetterKey, DeadLetter> = letters
        .into_iter()
        .map(|letter| {
            let key = (letter.topic.clone(), letter.partition as i32, letter.offset as i64, letter.item as i32);
            (key, letter)
        })
        .collect();
    let rows = transaction
        .query(
            "SELECT topic, \"partition\", kafka_offset, item, reason, key, payload, before_gap,
                    (extract(epoch FROM kafka_timestamp) * 1000000)::bigint
             FROM dead_letters
             WHERE topic <> ALL($1) ORDER BY topic, \"partition\", kafka_offset, item",
            &[&report.not_compared],
        )
        .await
        .map_err(VerifyError::while_doing(format!("reading {DEAD_LETTERS}")))?;
    report.rows.insert(DEAD_LETTERS, rows.len() as u64);
    for row in &rows {
        let key: LetterKey = (row.get(0), row.get(1), row.get(2), row.get(3));
        let difference = |kind| Difference { table: DEAD_LETTERS, key: letter_key(&key), place: None, kind };
        // Of the topic before it was created again.
        if row.get::<_, i64>(7) != 0 {
            report.dead_letters_of_gone_records += 1;
            continue;
        }
        let Some(wanted) = expected.remove(&key) else {
            let partition = stored.partition_of(&key.0, key.1);
            let begin = partition.and_then(|partition| Some((partition, *gone.get(&partition)?)));
            let offset = key.2.unsigned_abs();
            match begin {
                Some((partition, begin)) if offset < begin && !stored.is_lost(partition, offset) => {
                    report.dead_letters_of_gone_records += 1;
                }
                _ => report.differs(difference(DifferenceKind::Extra)),
            }
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
            (
                "kafka_timestamp",
                row.get::<_, Option<i64>>(8) == wanted.kafka_timestamp_us,
                row.get::<_, Option<i64>>(8).map(time_in_words),
                wanted.kafka_timestamp_us.map(time_in_words),
            ),
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
