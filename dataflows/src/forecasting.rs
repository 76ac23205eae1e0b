//! What `series` asks of whoever forecasts, so that forecasts see each video's history record by record, and the dataflow knows
//! nothing of how they are made.
//!
//! For each video of a tick: [`Forecasting::fold`] once for each record that was folded in, in order, then
//! [`Forecasting::settle`]. Once enough videos have settled, and at the end of the tick: [`Forecasting::predict`], then
//! [`Forecasting::finish`] for each of them in the same order. So what is costly is done for many videos at once, and what depends
//! on the order of records sees it. Where the input has ended, [`Forecasting::end`] stands for the records of a video.

use timely::ExchangeData;

use crate::history::{History, Upsert};
use crate::snapshot::Record;
use crate::video_id::VideoId;

/// Makes forecasts of the videos of one worker.
pub trait Forecasting: 'static {
    /// What is known of one video between ticks.
    type Video: Default;
    /// What an earlier run stored of a video.
    type State: ExchangeData;
    /// What forecasts are made by, the same on all workers.
    type Model: ExchangeData + Clone;
    /// What changes in what is forecast.
    type Update: ExchangeData;

    /// Of which video a state is.
    fn video_of(state: &Self::State) -> VideoId;

    /// Forecasts by `model` from the next record on.
    fn switch(&mut self, model: Self::Model);

    /// Takes what an earlier run stored.
    fn load(&mut self, video: &mut Self::Video, state: Self::State);

    /// A record was folded into `history`, which did what `upsert` says.
    fn fold(&mut self, video: &mut Self::Video, history: &History, record: &Record, upsert: Upsert);

    /// No record will follow those in `history`. Whether anything happened that is to be settled.
    fn end(&mut self, video: &mut Self::Video, history: &History) -> bool;

    /// All records of the video in this tick were folded in; nothing is forgotten yet.
    fn settle(&mut self, video: &mut Self::Video, history: &History);

    /// Whether so much has settled that it is to be predicted before more does.
    fn is_full(&self) -> bool;

    /// Predicts all that has settled, at once.
    fn predict(&mut self);

    /// Says what changes for the next of the videos that have settled.
    fn finish(&mut self, id: VideoId, video: &mut Self::Video, updates: &mut Vec<Self::Update>);
}

/// Makes none.
impl Forecasting for () {
    type Video = ();
    type State = ();
    type Model = ();
    type Update = ();

    fn video_of((): &()) -> VideoId {
        VideoId(0)
    }

    fn switch(&mut self, (): ()) {}

    fn load(&mut self, (): &mut (), (): ()) {}

    fn fold(&mut self, (): &mut (), _: &History, _: &Record, _: Upsert) {}

    fn end(&mut self, (): &mut (), _: &History) -> bool {
        false
    }

    fn settle(&mut self, (): &mut (), _: &History) {}

    fn is_full(&self) -> bool {
        false
    }

    fn predict(&mut self) {}

    fn finish(&mut self, _: VideoId, (): &mut (), _: &mut Vec<()>) {}
}
