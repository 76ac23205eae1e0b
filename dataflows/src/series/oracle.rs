//! The tables by definition, computed from scratch and without a thought for speed. Shares nothing with the operator
//! but the row types: neither histories nor growth nor hours nor trends are computed by its code.

use std::collections::BTreeMap;

use crate::growth::Growth;
use crate::hourly::{HourRow, HourStats};
use crate::snapshot::{Counts, EventTime, Nullable, Record};
use crate::trends::{TrendRow, oracle::trend};
use crate::video_id::VideoId;

const HOUR_US: i64 = 3_600_000_000;

/// A row of the table of snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow {
    pub counts: Counts,
    pub growth: Growth,
    pub folded_in: bool,
    pub file_source: Option<Box<str>>,
}

/// The tables, by video and time; trends by video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    pub snapshots: BTreeMap<(VideoId, EventTime), SnapshotRow>,
    pub hours: BTreeMap<(VideoId, EventTime), HourRow>,
    pub trends: BTreeMap<VideoId, TrendRow>,
}

/// What was stored of the records so far.
#[derive(Default)]
pub struct Oracle {
    videos: BTreeMap<VideoId, BTreeMap<EventTime, Stored>>,
}

struct Stored {
    counts: Counts,
    file_source: Option<Box<str>>,
    folded_in: bool,
}

impl Oracle {
    /// Stores the next record in the order of the input; true if it is late.
    pub fn store(&mut self, record: &Record, retention_us: i64) -> bool {
        let rows = self.videos.entry(record.video).or_default();
        let newest = rows.iter().filter(|(_, row)| row.folded_in).map(|(&time, _)| time).max();
        let late = newest.is_some_and(|newest| newest - record.snapshot.time > retention_us);
        let folded_in_is_there = rows.get(&record.snapshot.time).is_some_and(|row| row.folded_in);
        if !(late && folded_in_is_there) {
            let Record { snapshot, file_source, .. } = record.clone();
            rows.insert(snapshot.time, Stored { counts: snapshot.counts, file_source, folded_in: !late });
        }
        late
    }

    /// The tables of all that was stored.
    pub fn tables(&self, growth_wanted: bool, hourly_wanted: bool, trends_wanted: bool) -> Tables {
        let mut tables = Tables::default();
        for (&video, rows) in &self.videos {
            let folded: Vec<(EventTime, Counts)> =
                rows.iter().filter(|(_, row)| row.folded_in).map(|(&time, row)| (time, row.counts)).collect();
            let growths: BTreeMap<EventTime, Growth> =
                (0..folded.len()).map(|i| (folded[i].0, growth(&folded, i))).collect();
            for (&time, row) in rows {
                let growth = growths.get(&time).filter(|_| growth_wanted).copied().unwrap_or_default();
                let file_source = row.file_source.clone();
                let row = SnapshotRow { counts: row.counts, growth, folded_in: row.folded_in, file_source };
                tables.snapshots.insert((video, time), row);
            }
            let views: Vec<_> = folded.iter().map(|&(time, counts)| (time, counts[0].get())).collect();
            tables.trends.extend(trend(video, &views).filter(|_| trends_wanted).map(|row| (video, row)));
            let mut hours: Vec<i64> = folded.iter().map(|(time, _)| time.div_euclid(HOUR_US)).collect();
            hours.dedup();
            for hour in hours.into_iter().filter(|_| hourly_wanted) {
                let of_hour: Vec<_> = folded.iter().filter(|(time, _)| time.div_euclid(HOUR_US) == hour).collect();
                let stats = |metric: usize| {
                    let counts: Vec<i64> = of_hour.iter().filter_map(|(_, counts)| counts[metric].get()).collect();
                    let deltas: Vec<i64> =
                        of_hour.iter().filter_map(|(time, _)| growths[time].deltas[metric].get()).collect();
                    HourStats {
                        count: counts.len() as u32,
                        sum: counts.iter().sum(),
                        min: counts.iter().min().copied().into(),
                        max: counts.iter().max().copied().into(),
                        first: counts.first().copied().into(),
                        last: counts.last().copied().into(),
                        gained: (!deltas.is_empty()).then(|| deltas.iter().sum()).into(),
                    }
                };
                let hour_start = hour * HOUR_US;
                let stats = [stats(0), stats(1), stats(2)];
                let row = HourRow { video, hour_start, records: of_hour.len() as u32, stats };
                tables.hours.insert((video, hour_start), row);
            }
        }
        tables
    }
}

/// The growth of the `i`-th of a video's folded-in rows.
fn growth(folded: &[(EventTime, Counts)], i: usize) -> Growth {
    if i == 0 {
        return Growth { deltas: [Nullable::NULL; 3], elapsed_us: Nullable::NULL };
    }
    let ((time_before, before), (time, now)) = (folded[i - 1], folded[i]);
    let delta = |metric: usize| now[metric].get().and_then(|now| Some(now - before[metric].get()?));
    Growth {
        deltas: [delta(0).into(), delta(1).into(), delta(2).into()],
        elapsed_us: Nullable::some(time - time_before),
    }
}
