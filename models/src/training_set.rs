//! Samples of many videos: every origin at which a metric is scored, with what came of it.

use viewtide_dataflows::snapshot::{EventTime, HOUR_US};

use crate::features::{FeatureSet, Inputs, Seen};
use crate::naive::Past;
use crate::samples::Samples;
use crate::score::{Target, reference};
use crate::task::{HORIZONS_HOURS, Metric, Video};

/// A naive error on the scale of asinh is taken for this much at least: a video that stands still is forecast well by anyone, and
/// must not outweigh the rest.
const NAIVE_ERROR_MIN: f64 = 0.1;

/// Samples, and which origin each is of.
#[derive(Clone, Debug, Default)]
pub struct TrainingSet {
    /// The samples, video by video in order of time; `video` is the index among those given.
    pub samples: Samples,
    /// When each sample's origin is, microseconds.
    pub issued_at: Vec<EventTime>,
}

impl TrainingSet {
    /// Every origin of `videos` with a window of `metric` and at least one known gain.
    ///
    /// A target weighs 1 by the mean error of the reference forecast on its video and horizon, on the scale of asinh, so that
    /// every video counts alike; all weights are scaled to a mean of 1.
    pub fn of<'a>(videos: impl IntoIterator<Item = &'a Video>, metric: Metric, set: FeatureSet) -> Self {
        Self::since(videos, metric, set, EventTime::MIN)
    }

    /// The same of origins from `since` on.
    pub fn since<'a>(
        videos: impl IntoIterator<Item = &'a Video>,
        metric: Metric,
        set: FeatureSet,
        since: EventTime,
    ) -> Self {
        let mut training = Self::default();
        for (index, video) in videos.into_iter().enumerate() {
            training.append(index as u32, video, metric, set, since);
        }
        let weight = &mut training.samples.weight;
        let there = || weight.iter().filter(|weight| **weight > 0.0);
        let mean = there().map(|weight| f64::from(*weight)).sum::<f64>() / there().count().max(1) as f64;
        if mean > 0.0 {
            weight.iter_mut().for_each(|weight| *weight = (f64::from(*weight) / mean) as f32);
        }
        training
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.issued_at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.issued_at.is_empty()
    }

    /// When the last `share` of the samples begins; `None` where there is no such part.
    pub fn time_before_share(&self, share: f64) -> Option<EventTime> {
        let mut times = self.issued_at.clone();
        times.sort_unstable();
        let part = (times.len() as f64 * share).round() as usize;
        (part > 0).then(|| times[times.len() - part.min(times.len())])
    }

    /// The samples before `at` and those from it on. What the former would learn from gains that were known only after `at` is
    /// taken from them.
    pub fn split(&self, at: EventTime) -> (Self, Self) {
        let (mut before, mut after) = (Self::default(), Self::default());
        for row in 0..self.len() {
            let issued_at = self.issued_at[row];
            let is_known = HORIZONS_HOURS.map(|hours| issued_at >= at || issued_at + i64::from(hours) * HOUR_US <= at);
            if is_known.contains(&true) {
                let part = if issued_at < at { &mut before } else { &mut after };
                part.issued_at.push(issued_at);
                part.samples.push(&self.samples, row, is_known);
            }
        }
        (before, after)
    }

    fn append(&mut self, index: u32, video: &Video, metric: Metric, set: FeatureSet, since: EventTime) {
        let first = self.len();
        let mut inputs = Inputs::default();
        let (mut errors, mut known) = ([0.0; HORIZONS_HOURS.len()], [0.0_f64; HORIZONS_HOURS.len()]);
        for time in video.origins().filter(|time| *time >= since) {
            let origin = video.origin(time);
            let gains = HORIZONS_HOURS
                .map(|hours| Target::of(index, video, &origin, metric, hours).and_then(|target| target.gain));
            if gains.iter().all(Option::is_none) || !Seen::of(&origin).append(metric, set, &mut inputs) {
                continue;
            }
            let Some(past) = Past::of(&origin, metric) else { continue };
            for (horizon, hours) in HORIZONS_HOURS.into_iter().enumerate() {
                let target = gains[horizon].map(f64::asinh);
                self.samples.target.push(target.map_or(f32::NAN, |target| target as f32));
                if let (Some(target), Some(naive)) = (target, past.gain(reference(metric, hours), hours)) {
                    errors[horizon] += (naive.asinh() - target).abs();
                    known[horizon] += 1.0;
                }
            }
            self.samples.video.push(index);
            self.issued_at.push(time);
        }
        self.samples.window.extend(inputs.window);
        self.samples.context.extend(inputs.context);
        self.samples.base.extend(inputs.base);
        let weights: [f32; HORIZONS_HOURS.len()] = std::array::from_fn(|horizon| {
            (1.0 / (errors[horizon] / known[horizon].max(1.0)).max(NAIVE_ERROR_MIN)) as f32
        });
        for targets in self.samples.target[first * HORIZONS_HOURS.len()..].chunks_exact(HORIZONS_HOURS.len()) {
            let weight = |(weight, target): (&f32, &f32)| if target.is_nan() { 0.0 } else { *weight };
            self.samples.weight.extend(weights.iter().zip(targets).map(weight));
        }
    }
}

#[cfg(test)]
mod tests {
    use viewtide_dataflows::snapshot::{Nullable, Snapshot};
    use viewtide_dataflows::video_id::VideoId;

    use super::*;
    use crate::features::WINDOW_LEN;
    use crate::task::Videos;

    /// Two videos of 60 hours that gain in waves, the second a hundred times as much; it has no snapshots for seven hours, too
    /// long to bridge, and no comments.
    fn videos() -> Videos {
        let mut videos = Videos::default();
        for (id, scale) in [(1, 1), (2, 100)] {
            for hour in (0..60_i64).filter(|hour| id == 1 || !(40..47).contains(hour)) {
                let views = scale * (1_000 + 40 * hour + hour % 5 * 13);
                let comments = (id == 1).then_some(hour / 3);
                let counts = [Some(views), Some(views / 10), comments].map(Nullable::from);
                videos.observe(VideoId(id), Snapshot { time: hour * HOUR_US, counts });
            }
        }
        videos
    }

    #[test]
    fn a_sample_is_an_origin_with_what_came_of_it() {
        let videos = videos();
        let training = TrainingSet::of(videos.iter(), Metric::Views, FeatureSet::Levels);
        let Samples { window, context, base, target, weight, video } = &training.samples;
        // The first video's hours 20 to 58, the second's 20 to 38 and no others: they have a window and some actual.
        let expected: Vec<_> = (20..59).map(|hour| (0, hour)).chain((20..39).map(|hour| (1, hour))).collect();
        let found: Vec<_> =
            video.iter().zip(&training.issued_at).map(|(video, time)| (*video, time / HOUR_US)).collect();
        assert_eq!(found, expected);
        let n = training.len();
        assert_eq!((window.len(), context.len()), (n * WINDOW_LEN, n * FeatureSet::Levels.context_len()));
        assert_eq!((base.len(), target.len(), weight.len()), (3 * n, 3 * n, 3 * n));
        let count = |hour: i64| (1_000 + 40 * hour + hour % 5 * 13) as f64;
        for (at, hour) in (20..59).enumerate() {
            for (horizon, hours) in HORIZONS_HOURS.into_iter().enumerate() {
                let found = target[3 * at + horizon];
                let then = hour + i64::from(hours);
                if then < 60 {
                    assert!((f64::from(found) - (count(then) - count(hour)).asinh()).abs() < 1e-6);
                    assert!(weight[3 * at + horizon] > 0.0);
                } else {
                    assert!(found.is_nan() && weight[3 * at + horizon] == 0.0);
                }
            }
        }
    }

    #[test]
    fn every_video_and_horizon_weighs_one_by_its_naive_error() {
        let videos = videos();
        let training = TrainingSet::of(videos.iter(), Metric::Views, FeatureSet::Lags);
        let all: Vec<&Video> = videos.iter().collect();
        let mut products = Vec::new();
        for (index, horizon) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)] {
            let rows: Vec<usize> = (0..training.len()).filter(|row| training.samples.video[*row] == index).collect();
            let errors = rows.iter().filter_map(|row| {
                let target = f64::from(training.samples.target[3 * row + horizon]);
                let origin = all[index as usize].origin(training.issued_at[*row]);
                let hours = HORIZONS_HOURS[horizon];
                let naive = Past::of(&origin, Metric::Views)?.gain(reference(Metric::Views, hours), hours)?;
                (!target.is_nan()).then(|| (naive.asinh() - target).abs())
            });
            let errors: Vec<f64> = errors.collect();
            let mean = (errors.iter().sum::<f64>() / errors.len() as f64).max(NAIVE_ERROR_MIN);
            products.push(f64::from(training.samples.weight[3 * rows[0] + horizon]) * mean);
        }
        assert!(products.iter().all(|product| (product / products[0] - 1.0).abs() < 1e-5), "{products:?}");
        let weights: Vec<f32> = training.samples.weight.iter().copied().filter(|weight| *weight > 0.0).collect();
        assert!((weights.iter().sum::<f32>() / weights.len() as f32 - 1.0).abs() < 1e-4);
    }

    #[test]
    fn a_split_in_time_lets_nothing_of_the_later_part_into_the_former() {
        let videos = videos();
        let all = TrainingSet::of(videos.iter(), Metric::Views, FeatureSet::Levels);
        let at = all.time_before_share(0.25).unwrap();
        assert!(all.issued_at.iter().filter(|time| **time >= at).count().abs_diff(all.len() / 4) <= 1);
        let (before, after) = all.split(at);
        let is_before = |time: &EventTime| *time + HOUR_US <= at;
        assert_eq!(before.issued_at, all.issued_at.iter().copied().filter(is_before).collect::<Vec<_>>());
        assert!(after.issued_at.iter().all(|time| *time >= at));
        assert_eq!(before.samples.window.len(), before.len() * WINDOW_LEN);
        for (row, time) in before.issued_at.iter().enumerate() {
            for (horizon, hours) in HORIZONS_HOURS.into_iter().enumerate() {
                let is_known = time + i64::from(hours) * HOUR_US <= at;
                let Samples { target, weight, .. } = &before.samples;
                assert!(is_known || target[3 * row + horizon].is_nan() && weight[3 * row + horizon] == 0.0);
            }
        }
        let known = |set: &TrainingSet| set.samples.target.iter().filter(|target| !target.is_nan()).count();
        assert!(known(&before) > 60 && known(&after) > 15);
        assert_eq!((all.time_before_share(0.0), TrainingSet::default().time_before_share(0.5)), (None, None));
    }

    #[test]
    fn where_nothing_can_be_learned_there_are_no_samples() {
        let videos = videos();
        let comments = TrainingSet::of(videos.iter(), Metric::Comments, FeatureSet::Levels);
        assert!(comments.samples.video.iter().all(|video| *video == 0) && !comments.is_empty());
        let nothing = TrainingSet::of([], Metric::Views, FeatureSet::Lags);
        assert!(nothing.is_empty() && nothing.samples.weight.is_empty());
    }
}
