//! `videos` against the input: of each video the latest word of its strongest source.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::{Row, Transaction};
use viewtide_dataflows::metadata::{Metadata, MetadataRecord, MetadataSource};
use viewtide_dataflows::video_id::VideoId;

use crate::sink::tables::videos::source_name;
use crate::source::Input;
use crate::verify::VerifyError;
use crate::verify::report::{Difference, DifferenceKind, VerifyReport};

const TABLE: &str = "videos";

/// What the input says of videos.
pub struct Words {
    /// Everything that it still holds.
    pub records: Vec<MetadataRecord>,
    /// Inputs that were read and are not given: rows that come from them are not compared.
    pub not_given: BTreeSet<Input>,
    /// Inputs of which something is gone: what it said may stand where nothing else does.
    pub gone: BTreeSet<Input>,
}

/// The words on one video.
#[derive(Default)]
struct OfVideo {
    /// The one that counts, with the partition it stands in.
    strongest: Option<(MetadataSource, u32, Metadata)>,
    /// Where those of that source cross partitions, the others that the order of reading may have left.
    others: Vec<Metadata>,
    crosses: bool,
}

impl OfVideo {
    /// Takes the next word, in order of places.
    fn take(&mut self, record: MetadataRecord) {
        let MetadataRecord { place, source, metadata, .. } = record;
        match self.strongest.take() {
            Some(stronger) if stronger.0 > source => self.strongest = Some(stronger),
            Some((before, partition, latest)) if before == source => {
                self.crosses |= partition != place.partition;
                self.others.push(latest);
                self.strongest = Some((source, place.partition, metadata));
            }
            _ => *self = Self { strongest: Some((source, place.partition, metadata)), ..Self::default() },
        }
    }
}

/// Compares the table with what the input says.
pub async fn compare(
    transaction: &Transaction<'_>,
    words: Words,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let Words { mut records, not_given, gone } = words;
    records.sort_by_key(|record| (record.video, record.source, record.place));
    let mut expected = HashMap::<VideoId, OfVideo>::new();
    for record in records {
        expected.entry(record.video).or_default().take(record);
    }
    let rows = transaction
        .query(
            "SELECT video_id, title, channel_id, channel_title, category_id,
                    (extract(epoch FROM published_at) * 1000000)::bigint, source
             FROM videos ORDER BY video_id",
            &[],
        )
        .await
        .map_err(VerifyError::while_doing("reading videos"))?;
    report.rows.insert(TABLE, rows.len() as u64);
    let unknown = |inputs: &BTreeSet<Input>, name: &str| {
        inputs.iter().map(|input| input.metadata_source()).find(|source| source_name(*source) == name)
    };
    for row in &rows {
        let id: &str = row.get(0);
        let words = id.parse().ok().and_then(|video: VideoId| expected.remove(&video));
        if unknown(&not_given, row.get(6)).is_some() {
            continue;
        }
        let strongest = words.as_ref().and_then(|words| words.strongest.as_ref()).map(|(source, ..)| *source);
        if unknown(&gone, row.get(6)).is_some_and(|source| Some(source) > strongest) {
            report.rows_of_gone_records += 1;
            continue;
        }
        let difference = |kind| Difference { table: TABLE, key: format!("({id})"), place: None, kind };
        match words.and_then(|words| Some((words.strongest?, words.others, words.crosses))) {
            None => report.differs(difference(DifferenceKind::Extra)),
            Some(((source, _, latest), others, crosses)) => {
                if !(crosses && others.contains(&stored(row))) {
                    cells(row, source, &latest).for_each(|kind| report.differs(difference(kind)));
                }
            }
        }
    }
    let mut missing: Vec<VideoId> = expected.into_keys().collect();
    missing.sort_unstable();
    for video in missing {
        let kind = DifferenceKind::Missing;
        report.differs(Difference { table: TABLE, key: format!("({video})"), place: None, kind });
    }
    Ok(())
}

fn stored(row: &Row) -> Metadata {
    let text = |column: usize| row.get::<_, Option<&str>>(column).map(Box::from);
    Metadata {
        title: text(1),
        channel_id: text(2),
        channel_title: text(3),
        category_id: text(4),
        published_at: row.get(5),
    }
}

/// The cells that differ.
fn cells(row: &Row, source: MetadataSource, expected: &Metadata) -> impl Iterator<Item = DifferenceKind> {
    let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
    let columns = |metadata: &Metadata, source: &str| {
        [
            ("title", text(&metadata.title)),
            ("channel_id", text(&metadata.channel_id)),
            ("channel_title", text(&metadata.channel_title)),
            ("category_id", text(&metadata.category_id)),
            ("published_at", metadata.published_at.map(|time_us| format!("{time_us} us"))),
            ("source", Some(source.to_owned())),
        ]
    };
    let pairs = columns(&stored(row), row.get(6)).into_iter().zip(columns(expected, source_name(source)));
    pairs
        .filter(|(stored, expected)| stored != expected)
        .map(|((column, stored), (_, expected))| DifferenceKind::Cell { column: column.to_owned(), stored, expected })
}
