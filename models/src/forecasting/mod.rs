//! The forecasts of a running stream: issued at each origin, revised while their target is ahead, frozen once it is reached, and
//! learned from, in order of records, however these fall into ticks.
//!
//! Works in two passes over the videos of a tick. The first follows the records: it notes what happens to which forecast, and asks
//! the networks. Then all that was asked is answered at once: what networks say does not hang on what is learned meanwhile. The
//! second pass goes through what was noted, in the same order, and learns and issues.
//!
//! | module | one concept |
//! |---|---|
//! | `row` | what is stored of a forecast, and how it changes |
//! | `known` | what is known of one video between ticks |
//! | `history` | what is looked up in a video's history |
//! | `networks` | the models, and what they are asked |
//! | `events` | the first pass: what a tick's records do to a video's forecasts |
//! | `issue` | the second pass: learning and issuing |
//! | `terms` | what a forecast adds to sums of scores |

mod events;
mod history;
mod issue;
mod known;
mod networks;
mod row;
pub mod terms;
#[cfg(test)]
mod tests;

use viewtide_dataflows::forecasting::Forecasting;
use viewtide_dataflows::history::{History, Upsert};
use viewtide_dataflows::retention::Retention;
use viewtide_dataflows::snapshot::{EventTime, Record};
use viewtide_dataflows::video_id::VideoId;

use crate::blend::Forecaster;
use events::Events;
use issue::Changes;
pub use known::Known;
use networks::Networks;
pub use row::{
    CounterForecast, ForecastChange, ForecastRow, ForecastUpdate, LearnedState, Place, State, StoredModel, Update,
};

/// Questions to networks that are gathered before they are answered: enough for a full batch, and some megabytes.
const QUESTIONS_MAX: usize = 4_096;

/// Which forecasts are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Those whose target lies after the arrival of the record, so that a back-fill costs nothing. Records without a time of arrival
    /// are a back-fill; at its end each video's newest snapshot is an origin.
    Live,
    /// All whose target the video has not reached.
    All,
    /// None.
    Off,
}

/// Makes the forecasts of the videos of one worker.
#[derive(Debug)]
pub struct StreamForecasts {
    when: When,
    retention: Retention,
    networks: Networks,
    events: Events,
    changes: Changes,
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::All => "all",
            Self::Off => "off",
        })
    }
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Live, Self::All, Self::Off];
        let named = all.into_iter().find(|when| when.to_string() == name);
        named.ok_or_else(|| format!("`{name}` is none of live, all and off"))
    }
}

impl StreamForecasts {
    /// Forecasts without models, until there are some.
    pub fn new(when: When, retention: Retention) -> Self {
        Self { when, retention, networks: Networks::default(), events: Events::default(), changes: Changes::default() }
    }

    /// The first horizon's target that a record allows lies after this.
    fn after(&self, record: &Record) -> Option<EventTime> {
        match self.when {
            When::All => Some(EventTime::MIN),
            When::Live => record.arrived_us.get(),
            When::Off => None,
        }
    }
}

impl Forecasting for StreamForecasts {
    type Video = Known;
    type State = State;
    type Model = StoredModel;
    type Update = Update;

    fn video_of(state: &State) -> VideoId {
        match state {
            State::First(video, _) | State::Issued(video, ..) => *video,
            State::Learned(learned) => learned.video,
        }
    }

    fn switch(&mut self, model: StoredModel) {
        self.networks.switch(model);
    }

    fn load(&mut self, known: &mut Known, state: State) {
        match state {
            State::First(_, time) => known.first = Some(time),
            State::Learned(learned) => {
                // What another version wrote was refused when it was read.
                known.forecasts_mut().forecaster = Forecaster::from_bytes(&learned.bytes).unwrap_or_default();
            }
            State::Issued(_, place, row) => {
                let forecasts = known.forecasts_mut();
                forecasts.note(place);
                if let Some(row) = row {
                    forecasts.put(place, row);
                }
            }
        }
    }

    fn fold(&mut self, known: &mut Known, history: &History, record: &Record, upsert: Upsert) {
        if self.when != When::Off {
            let after = self.after(record);
            self.events.fold(known, history, record.snapshot.time, upsert, after, &mut self.networks);
        }
    }

    /// Issues what a back-fill left out, at the newest snapshot; what was issued there before an interruption is not issued again.
    fn end(&mut self, known: &mut Known, history: &History) -> bool {
        self.when == When::Live && self.events.end(known, history, &mut self.networks)
    }

    fn settle(&mut self, known: &mut Known, history: &History) {
        if self.when != When::Off {
            self.events.settle(known, history, self.retention);
        }
    }

    fn is_full(&self) -> bool {
        self.networks.waiting() >= QUESTIONS_MAX
    }

    fn predict(&mut self) {
        self.networks.predict();
    }

    fn finish(&mut self, id: VideoId, known: &mut Known, updates: &mut Vec<Update>) {
        if self.when != When::Off {
            self.changes.finish(id, known, &self.networks, &mut self.events, updates);
        }
    }
}
