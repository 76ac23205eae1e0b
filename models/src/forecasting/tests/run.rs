//! The code under test, driven as the operator drives it, and the tables that its updates make.

use std::collections::BTreeMap;

use viewtide_dataflows::history::History;
use viewtide_dataflows::snapshot::Place as RecordPlace;

use super::*;

/// A record.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub video: VideoId,
    pub snapshot: Snapshot,
    pub arrived_us: Option<i64>,
}

/// How it is run.
#[derive(Clone, Debug)]
pub struct Setting {
    pub when: When,
    pub has_models: bool,
    pub tick_records: usize,
    /// Ticks after which all but the tables is forgotten.
    pub restarts: Vec<usize>,
    /// Whether the end of the input is said, and said again after a restart.
    pub is_ended: bool,
}

pub type Key = (VideoId, Place);
/// Whose forecast, of which metric, at which horizon, with all steps or not, in which hour.
pub type ScoreKey = (ModelName, usize, u8, bool, EventTime);

/// What is stored.
#[derive(Debug, Default)]
pub struct Tables {
    pub rows: BTreeMap<Key, (ForecastRow, [Nullable; 3])>,
    pub learned: BTreeMap<VideoId, Box<[u8]>>,
    pub scores: BTreeMap<ScoreKey, terms::Terms>,
}

pub fn add(
    scores: &mut BTreeMap<ScoreKey, terms::Terms>,
    place: Place,
    row: &ForecastRow,
    actual: &[Nullable; 3],
    sign: i8,
) {
    for (metric, (forecast, actual)) in row.iter().zip(actual).enumerate() {
        let (Some(forecast), Some(actual)) = (forecast, actual.get()) else { continue };
        let hour = viewtide_dataflows::snapshot::hour_start(place.target());
        for (name, terms) in forecast.terms(actual) {
            let key = (name, metric, place.horizon, forecast.has_20_steps, hour);
            let sum = scores.entry(key).or_default();
            if sign > 0 {
                *sum += &terms
            } else {
                *sum -= &terms
            }
            if sum.is_zero() {
                scores.remove(&key);
            }
        }
    }
}

impl Tables {
    fn apply(&mut self, updates: Vec<Update>) {
        for update in updates {
            match update {
                Update::Learned(LearnedState { video, bytes }) => drop(self.learned.insert(video, bytes)),
                Update::Forecast(ForecastUpdate { video, place, change, forecast, actual }) => {
                    let stored = self.rows.get(&(video, place)).copied();
                    assert_eq!(stored.is_none(), change == ForecastChange::Issued, "{place:?} {change:?}");
                    let (row, before) =
                        stored.unwrap_or_else(|| (**forecast.as_ref().expect("a row"), Default::default()));
                    let row = match (change, forecast) {
                        (ForecastChange::Kept, Some(same)) => {
                            assert_eq!(row, *same, "what is kept stays");
                            row
                        }
                        (ForecastChange::Kept, None) => row,
                        (_, forecast) => *forecast.expect("a row"),
                    };
                    let actual = actual.unwrap_or(before);
                    add(&mut self.scores, place, &row, &before, -1);
                    add(&mut self.scores, place, &row, &actual, 1);
                    self.rows.insert((video, place), (row, actual));
                }
            }
        }
    }

    /// What a start takes from the tables.
    fn states(&self, first: EventTime, video: VideoId, newest: EventTime) -> Vec<State> {
        let of_video = self.rows.range((video, Place { issued_at: i64::MIN, horizon: 0 })..);
        let of_video = of_video.take_while(|((of, _), _)| *of == video);
        let issued = of_video.map(|((_, place), (row, _))| {
            State::Issued(video, *place, (place.target() > newest).then(|| Box::new(*row)))
        });
        let learned =
            self.learned.get(&video).map(|bytes| State::Learned(LearnedState { video, bytes: bytes.clone() }));
        [State::First(video, first)].into_iter().chain(learned).chain(issued).collect()
    }
}

fn forecasts(setting: &Setting) -> StreamForecasts {
    let mut forecasts = StreamForecasts::new(setting.when, Retention::default());
    if setting.has_models {
        for metric in crate::task::Metric::ALL {
            let path = format!("{}/pretrained/{}.safetensors", env!("CARGO_MANIFEST_DIR"), metric.name());
            let artifact = Some(std::fs::read(path).unwrap().into());
            forecasts.switch(StoredModel { metric, version: 1, artifact });
        }
    }
    forecasts
}

#[derive(Default)]
struct Video {
    history: History,
    known: Known,
    /// All that was folded in: the table of snapshots.
    table: BTreeMap<EventTime, Snapshot>,
}

pub fn run(arrivals: &[Arrival], setting: Setting) -> Tables {
    let retention = Retention::default();
    let (mut forecasts, mut tables) = (self::forecasts(&setting), Tables::default());
    let mut videos = BTreeMap::<VideoId, Video>::new();
    for (tick, arrivals) in arrivals.chunks(setting.tick_records).enumerate() {
        let mut order: Vec<VideoId> = Vec::new();
        for arrival in arrivals {
            if !order.contains(&arrival.video) {
                order.push(arrival.video);
            }
        }
        let mut updates = Vec::new();
        for id in &order {
            let video = videos.entry(*id).or_default();
            for arrival in arrivals.iter().filter(|arrival| arrival.video == *id) {
                let snapshot = arrival.snapshot;
                if video.history.newest().is_some_and(|newest| retention.is_late(snapshot.time, newest)) {
                    continue;
                }
                let upsert = video.history.upsert(snapshot);
                video.table.insert(snapshot.time, snapshot);
                let record = Record {
                    video: *id,
                    place: RecordPlace { partition: 0, offset: 0, item: 0 },
                    snapshot,
                    arrived_us: arrival.arrived_us.into(),
                    file_source: None,
                };
                forecasts.fold(&mut video.known, &video.history, &record, upsert);
            }
            forecasts.settle(&mut video.known, &video.history);
            video.history.forget_before(retention.memory_start(video.history.newest().unwrap()));
        }
        forecasts.predict();
        for id in &order {
            forecasts.finish(*id, &mut videos.get_mut(id).unwrap().known, &mut updates);
        }
        tables.apply(updates);
        if setting.restarts.contains(&tick) {
            forecasts = restart(&setting, &tables, &mut videos);
        }
    }
    if setting.is_ended {
        tables.apply(end(&mut forecasts, &mut videos));
        let mut forecasts = restart(&setting, &tables, &mut videos);
        assert!(end(&mut forecasts, &mut videos).is_empty(), "issued twice");
    }
    tables
}

/// All but the tables is forgotten, and taken from them.
fn restart(setting: &Setting, tables: &Tables, videos: &mut BTreeMap<VideoId, Video>) -> StreamForecasts {
    let mut forecasts = forecasts(setting);
    for (id, video) in videos {
        let (mut history, mut known) = (History::default(), Known::default());
        video.table.values().for_each(|snapshot| _ = history.upsert(*snapshot));
        let first = *video.table.keys().next().unwrap();
        let newest = history.newest().unwrap();
        tables.states(first, *id, newest).into_iter().for_each(|state| forecasts.load(&mut known, state));
        (video.history, video.known) = (history, known);
    }
    forecasts
}

/// No record follows.
fn end(forecasts: &mut StreamForecasts, videos: &mut BTreeMap<VideoId, Video>) -> Vec<Update> {
    let (mut ended, mut updates) = (Vec::new(), Vec::new());
    for (id, video) in &mut *videos {
        if forecasts.end(&mut video.known, &video.history) {
            forecasts.settle(&mut video.known, &video.history);
            ended.push(*id);
        }
    }
    forecasts.predict();
    for id in ended {
        forecasts.finish(id, &mut videos.get_mut(&id).unwrap().known, &mut updates);
    }
    updates
}
