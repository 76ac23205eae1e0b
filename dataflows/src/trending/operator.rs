//! The timely operator around [`Videos`]: gathers whole ticks, agrees with the other workers on the newest `as_of`,
//! sends changes on.

use std::collections::BTreeMap;

use differential_dataflow::Hashable;
use serde::{Deserialize, Serialize};
use timely::dataflow::Stream;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, ConnectLoop, Feedback};
use timely::progress::Antichain;

use crate::Tick;
use crate::metadata::VideoRow;
use crate::snapshot::EventTime;
use crate::trends::{Trend, TrendRow, TrendUpdate};

use super::ranks::{Listed, ranks};
use super::videos::Videos;
use super::{TrendingConfig, TrendingUpdate};

/// Updates that are sent on together; about 200 KiB.
const CONTAINER_UPDATES: usize = 1_024;

/// The lists that the loaded rows make are handed on at this tick, before all others.
const LOAD_TICK: Tick = 0;

/// The inputs in order, for their frontiers.
const STATE_TRENDS: usize = 0;
const STATE_VIDEOS: usize = 1;
const TRENDS: usize = 2;
const VIDEOS: usize = 3;
const NEWEST: usize = 4;

/// The outputs in order.
const UPDATES_OUT: usize = 0;
const NEWEST_OUT: usize = 1;
const LISTS_OUT: usize = 2;

/// What [`trending`] gives.
pub struct TrendingStreams<'s> {
    /// Rows of trends; each video at most once in a tick.
    pub trends: Stream<'s, Tick, Vec<TrendUpdate>>,
    /// Ranks; each at most once in a tick.
    pub trending: Stream<'s, Tick, Vec<TrendingUpdate>>,
}

/// One worker's word to another on the newest `as_of` of its videos.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Newest {
    from: u32,
    to: u32,
    newest: Option<EventTime>,
}

/// A tick that is not done.
#[derive(Default)]
struct Pending {
    trends: Vec<Vec<Trend>>,
    videos: Vec<Vec<VideoRow>>,
    newest: Vec<Newest>,
    /// Whether this worker's rows are in; those of the other workers may move the newest yet.
    is_applied: bool,
    updates_out: Option<Capability<Tick>>,
    newest_out: Option<Capability<Tick>>,
    lists_out: Option<Capability<Tick>>,
}

/// Keeps the tables of trends and of ranks up to date, and emits what changes.
///
/// `state_trends` and `state_videos` are rows of an earlier run; they may come at any ticks, are exchanged by video,
/// and both inputs are to be closed once all are there: records wait for that. `trends` come from
/// [`series`](crate::series::series) and `videos` from the operator of metadata, on the worker that has the video, at
/// ticks above 0. No capability is held between ticks.
pub fn trending<'s>(
    state_trends: Stream<'s, Tick, Vec<TrendRow>>,
    state_videos: Stream<'s, Tick, Vec<VideoRow>>,
    trends: Stream<'s, Tick, Vec<Trend>>,
    videos: Stream<'s, Tick, Vec<VideoRow>>,
    config: TrendingConfig,
) -> TrendingStreams<'s> {
    let scope = trends.scope();
    let (me, peers) = (scope.index(), scope.peers());
    let (newest_loop, newest) = scope.feedback::<Vec<Newest>>(0);

    let mut builder = OperatorBuilder::new("Trending".to_owned(), scope);
    let (updates_out, update_stream) = builder.new_output();
    let (newest_out, newest_stream) = builder.new_output();
    let (lists_out, list_stream) = builder.new_output();
    let outputs = |outputs: &'static [usize]| outputs.iter().map(|&output| (output, Antichain::from_elem(0)));
    let by_video = Exchange::new(|row: &TrendRow| row.video.hashed());
    let mut state_trends = builder.new_input_connection(state_trends, by_video, outputs(&[]));
    let by_video = Exchange::new(|row: &VideoRow| row.video.hashed());
    let mut state_videos = builder.new_input_connection(state_videos, by_video, outputs(&[]));
    let all = outputs(&[UPDATES_OUT, NEWEST_OUT, LISTS_OUT]);
    let mut trends = builder.new_input_connection(trends, Pipeline, all);
    let mut videos = builder.new_input_connection(videos, Pipeline, outputs(&[LISTS_OUT]));
    // What the others say never makes this worker say something: so the loop is none to the frontiers.
    let to_worker = Exchange::new(|newest: &Newest| u64::from(newest.to));
    let mut newest = builder.new_input_connection(newest, to_worker, outputs(&[LISTS_OUT]));
    newest_stream.connect_loop(newest_loop);

    let mut updates_out = OutputBuilder::from(updates_out);
    let mut newest_out = OutputBuilder::from(newest_out);
    let mut lists_out = OutputBuilder::from(lists_out);
    builder.build(move |mut capabilities| {
        let mut state = Videos::new(config);
        let mut newest_of = vec![None; peers];
        // Loading ends as a tick of its own: its rows are in from the start.
        let load = Pending {
            lists_out: Some(capabilities.swap_remove(LISTS_OUT)),
            newest_out: Some(capabilities.swap_remove(NEWEST_OUT)),
            ..Pending::default()
        };
        drop(capabilities);
        let mut pending = BTreeMap::<Tick, Pending>::from([(LOAD_TICK, load)]);
        move |frontiers| {
            state_trends.for_each(|_, rows| {
                for row in rows.drain(..) {
                    state.set_trend(Trend { video: row.video, row: Some(row) });
                }
            });
            state_videos.for_each(|_, rows| {
                for row in rows.drain(..) {
                    state.set_category(row.video, row.metadata.category_id.as_deref());
                }
            });
            trends.for_each(|capability, trends| {
                let tick = *capability.least().expect("trends are sent at a tick");
                assert!(tick > LOAD_TICK, "records come at ticks above {LOAD_TICK}");
                let pending = pending.entry(tick).or_default();
                pending.trends.push(std::mem::take(trends));
                pending.updates_out.get_or_insert_with(|| capability.delayed(&tick, UPDATES_OUT));
                pending.newest_out.get_or_insert_with(|| capability.delayed(&tick, NEWEST_OUT));
                pending.lists_out.get_or_insert_with(|| capability.delayed(&tick, LISTS_OUT));
            });
            videos.for_each(|capability, videos| {
                let tick = *capability.least().expect("videos are sent at a tick");
                assert!(tick > LOAD_TICK, "records come at ticks above {LOAD_TICK}");
                let pending = pending.entry(tick).or_default();
                pending.videos.push(std::mem::take(videos));
                pending.lists_out.get_or_insert_with(|| capability.delayed(&tick, LISTS_OUT));
            });
            newest.for_each(|capability, newest| {
                let tick = *capability.least().expect("the newest is told at a tick");
                let pending = pending.entry(tick).or_default();
                pending.newest.append(newest);
                pending.lists_out.get_or_insert_with(|| capability.delayed(&tick, LISTS_OUT));
            });
            let (mut updates_out, mut newest_out) = (updates_out.activate(), newest_out.activate());
            let mut lists_out = lists_out.activate();
            // Alone there is nobody to wait for, and a round through the loop is spared.
            let alone = peers == 1;
            let is_loaded = [STATE_TRENDS, STATE_VIDEOS].iter().all(|&input| frontiers[input].is_empty());
            while let Some(mut entry) = pending.first_entry().filter(|_| is_loaded) {
                let tick = *entry.key();
                let of_tick = entry.get_mut();
                if !of_tick.is_applied {
                    // The others may move the newest at a tick before, of which this worker has heard nothing else.
                    let is_next = alone || !frontiers[NEWEST].less_than(&tick);
                    if !is_next || [TRENDS, VIDEOS].iter().any(|&input| frontiers[input].less_equal(&tick)) {
                        break;
                    }
                    if let Some(capability) = of_tick.updates_out.take() {
                        let mut session = updates_out.session(&capability);
                        let mut updates = Vec::new();
                        for trend in of_tick.trends.drain(..).flatten() {
                            updates.extend(state.set_trend(trend));
                            if updates.len() >= CONTAINER_UPDATES {
                                session.give_container(&mut updates);
                                updates.clear();
                            }
                        }
                        session.give_container(&mut updates);
                    }
                    for row in of_tick.videos.drain(..).flatten() {
                        state.set_category(row.video, row.metadata.category_id.as_deref());
                    }
                    let newest = state.newest();
                    let capability = of_tick.newest_out.take().filter(|_| newest_of[me] != newest);
                    if let Some(capability) = capability {
                        newest_of[me] = newest;
                        let others = (0..peers).filter(|&to| to != me);
                        let word = |to| Newest { from: me as u32, to: to as u32, newest };
                        newest_out.session(&capability).give_iterator(others.map(word));
                    }
                    of_tick.is_applied = true;
                }
                if !alone && frontiers[NEWEST].less_equal(&tick) {
                    break;
                }
                let of_tick = entry.remove();
                for Newest { from, newest, .. } in of_tick.newest {
                    newest_of[from as usize] = newest;
                }
                state.set_newest(newest_of.iter().copied().flatten().max());
                let capability = of_tick.lists_out.expect("a tick has something that lists depend on");
                let mut session = lists_out.session(&capability);
                state.hand_on(|scope, window_hours, before, after| {
                    let differences = [(before, -1), (after, 1)].into_iter().filter(|(list, _)| !list.is_empty());
                    let key = (scope.clone(), window_hours);
                    let listed = |(list, difference)| -> Listed { ((key.clone(), list), tick, difference) };
                    session.give_iterator(differences.map(listed));
                });
            }
        }
    });
    let trending = ranks(list_stream, config.ranks.max(1) as usize, LOAD_TICK);
    TrendingStreams { trends: update_stream, trending }
}
