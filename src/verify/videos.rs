//! `videos` against the input: of each video the latest word of its strongest source.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// The strongest source that has one.
    strongest: Option<MetadataSource>,
    /// Its last word in each partition: where there are several, the order of reading decides which one stands.
    last: BTreeMap<u32, Metadata>,
}

impl OfVideo {
    /// Takes the next word, in order of sources and then of places.
    fn take(&mut self, record: MetadataRecord) {
        let MetadataRecord { place, source, metadata, .. } = record;
        if self.strongest != Some(source) {
            *self = Self { strongest: Some(source), last: BTreeMap::new() };
        }
        self.last.insert(place.partition, metadata);
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
        let strongest = words.as_ref().and_then(|words| words.strongest);
        let is_stronger = |source: Option<MetadataSource>| source.is_some() && source > strongest;
        if is_stronger(unknown(&not_given, row.get(6))) {
            continue;
        }
        if is_stronger(unknown(&gone, row.get(6))) {
            report.rows_of_gone_records += 1;
            continue;
        }
        let difference = |kind| Difference { table: TABLE, key: format!("({id})"), place: None, kind };
        let Some(OfVideo { strongest: Some(source), last }) = words else {
            report.differs(difference(DifferenceKind::Extra));
            continue;
        };
        report.crossing_videos += u64::from(last.len() > 1);
        if !(last.len() > 1
            && row.get::<_, &str>(6) == source_name(source)
            && last.values().any(|word| *word == stored(row)))
        {
            let latest = last.values().next_back().cloned().unwrap_or_default();
            cells(row, source, &latest).for_each(|kind| report.differs(difference(kind)));
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
