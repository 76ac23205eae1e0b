//! All videos of one worker: their histories, and a tick's records brought to them.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

use crate::forecasting::Forecasting;
use crate::history::History;
use crate::snapshot::Record;
use crate::video_id::VideoId;

use super::net::{RecordAt, Updates, VideoTick};
use super::{EndOfInput, Loaded, SeriesConfig, Tally};

/// Seed of the index. The exchange between workers hashes with another, or the videos of one worker would share bits.
const INDEX_SEED: u64 = 0x7669_6577_7469_6465;

/// The end of a chain of links.
const NONE: u32 = u32::MAX;

/// The state of the operator on one worker.
pub(super) struct Videos<F: Forecasting> {
    config: SeriesConfig,
    worker: u32,
    forecasting: F,
    index: HashMap<VideoId, u32, FixedState>,
    videos: Vec<Video<F::Video>>,
    tick: VideoTick,
    /// One for each record of the tick, chained by video; this and the next two are empty between ticks.
    links: Vec<Link>,
    /// The videos of the tick, in order of their first record's arrival.
    active: Vec<u32>,
    /// One video's records of the tick.
    run: Vec<RecordAt>,
}

struct Video<K> {
    id: VideoId,
    history: History,
    /// What its forecasts rest on beside the history.
    known: K,
    /// Where its latest record came from; a video that was only loaded has none.
    partition: Option<u32>,
    /// Its first and last link of the tick.
    first_link: u32,
    last_link: u32,
}

struct Link {
    record: RecordAt,
    next: u32,
}

impl<F: Forecasting> Videos<F> {
    pub(super) fn new(config: SeriesConfig, worker: u32, forecasting: F) -> Self {
        Self {
            config,
            worker,
            forecasting,
            index: HashMap::with_hasher(FixedState::with_seed(INDEX_SEED)),
            videos: Vec::new(),
            tick: VideoTick::default(),
            links: Vec::new(),
            active: Vec::new(),
            run: Vec::new(),
        }
    }

    /// Takes a row of an earlier run into memory.
    pub(super) fn load(&mut self, loaded: Loaded) {
        let slot = self.slot(loaded.video);
        self.videos[slot as usize].history.upsert(loaded.snapshot);
    }

    /// Forecasts by `model` from now on.
    pub(super) fn switch(&mut self, model: F::Model) {
        self.forecasting.switch(model);
    }

    /// Takes what an earlier run stored of a video's forecasts into memory.
    pub(super) fn load_known(&mut self, state: F::State) {
        let slot = self.slot(F::video_of(&state));
        self.forecasting.load(&mut self.videos[slot as usize].known, state);
    }

    /// Applies all records of a tick. `updates` gathers what changes, and `flush`, called after each video, may take it.
    pub(super) fn apply(
        &mut self,
        mut chunks: Vec<Vec<Record>>,
        updates: &mut Updates<F::Update>,
        mut flush: impl FnMut(&mut Updates<F::Update>),
    ) -> Tally {
        let mut predicted = 0;
        let mut tally = Tally { worker: self.worker, ..Tally::default() };
        self.link(&chunks);
        tally.records = self.links.len() as u64;
        for position in 0..self.active.len() {
            let slot = self.active[position] as usize;
            self.gather(slot, &chunks);
            let video = &mut self.videos[slot];
            self.tick.begin(&video.history);
            for &at in &self.run {
                let record = at.of(&chunks);
                tally.crossed +=
                    u64::from(video.partition.is_some_and(|partition| partition != record.place.partition));
                video.partition = Some(record.place.partition);
                match self.tick.fold(&mut video.history, record, at, &self.config) {
                    Some(upsert) => self.forecasting.fold(&mut video.known, &video.history, record, upsert),
                    None => tally.late += 1,
                }
            }
            self.tick.emit(video.id, &video.history, &mut chunks, &self.config, updates);
            self.forecasting.settle(&mut video.known, &video.history);
            if let Some(newest) = video.history.newest() {
                video.history.forget_before(self.config.retention.memory_start(newest));
            }
            if self.forecasting.is_full() {
                self.predict(predicted..position + 1, updates);
                predicted = position + 1;
            }
            flush(updates);
        }
        self.predict(predicted..self.active.len(), updates);
        flush(updates);
        self.active.clear();
        self.links.clear();
        tally
    }

    /// No record of these videos follows those that were applied. `updates` and `flush` are as in [`Self::apply`].
    pub(super) fn end(
        &mut self,
        end: EndOfInput,
        updates: &mut Updates<F::Update>,
        mut flush: impl FnMut(&mut Updates<F::Update>),
    ) {
        let mut predicted = 0;
        for slot in 0..self.videos.len() {
            let video = &mut self.videos[slot];
            if !end.is_of(video.id) || !self.forecasting.end(&mut video.known, &video.history) {
                continue;
            }
            self.forecasting.settle(&mut video.known, &video.history);
            self.active.push(slot as u32);
            if self.forecasting.is_full() {
                self.predict(predicted..self.active.len(), updates);
                predicted = self.active.len();
                flush(updates);
            }
        }
        self.predict(predicted..self.active.len(), updates);
        flush(updates);
        self.active.clear();
    }

    /// Forecasts for the videos at these places among those of the tick.
    fn predict(&mut self, places: Range<usize>, updates: &mut Updates<F::Update>) {
        self.forecasting.predict();
        for &slot in &self.active[places] {
            let video = &mut self.videos[slot as usize];
            self.forecasting.finish(video.id, &mut video.known, &mut updates.forecasts);
        }
    }

    fn slot(&mut self, video: VideoId) -> u32 {
        *self.index.entry(video).or_insert_with(|| {
            let slot = u32::try_from(self.videos.len()).expect("fewer than 2^32 videos");
            self.videos.push(Video {
                id: video,
                history: History::default(),
                known: F::Video::default(),
                partition: None,
                first_link: NONE,
                last_link: NONE,
            });
            slot
        })
    }

    /// Chains the tick's records by video, in order of arrival.
    fn link(&mut self, chunks: &[Vec<Record>]) {
        for (chunk, records) in chunks.iter().enumerate() {
            for (index, record) in records.iter().enumerate() {
                let slot = self.slot(record.video);
                let video = &mut self.videos[slot as usize];
                let link = u32::try_from(self.links.len()).expect("fewer than 2^32 records in a tick");
                if video.first_link == NONE {
                    video.first_link = link;
                    self.active.push(slot);
                } else {
                    self.links[video.last_link as usize].next = link;
                }
                video.last_link = link;
                let record = RecordAt { chunk: chunk as u32, index: index as u32 };
                self.links.push(Link { record, next: NONE });
            }
        }
    }

    /// Gathers a video's records of the tick in order of places, and undoes its chain.
    fn gather(&mut self, slot: usize, chunks: &[Vec<Record>]) {
        self.run.clear();
        let mut link = self.videos[slot].first_link;
        while link != NONE {
            self.run.push(self.links[link as usize].record);
            link = self.links[link as usize].next;
        }
        self.videos[slot].first_link = NONE;
        // Records of one partition arrive in order; only those that cross partitions do not.
        if !self.run.is_sorted_by_key(|at| at.of(chunks).place) {
            self.run.sort_by_key(|at| at.of(chunks).place);
        }
    }
}
