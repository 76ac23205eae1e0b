//! A model trained on the recent past against the one in use, on what came after: the newest data, which the new one did not
//! learn from.

use viewtide_dataflows::snapshot::EventTime;

use crate::fit::{Fit, Plan};
use crate::lstm::loss::{loss_of_forecasts, weight_sum};
use crate::lstm::{Ensemble, Inputs, LstmError, QUANTILES};
use crate::samples::Samples;
use crate::task::{HORIZONS_HOURS, Video};
use crate::training_set::TrainingSet;

/// What is trained on, and what is judged by.
#[derive(Debug)]
pub struct Contest {
    fit: Fit,
    newest: TrainingSet,
}

/// How good a model is on the newest data.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What decides: the weighted mean of the three quantiles' pinball losses over all horizons, on the scale of asinh, as in
    /// training. A video counts by 1 over its naive error, so that large ones do not drown the rest.
    pub loss: f64,
    /// By horizon; `None` where nothing came yet.
    pub horizons: [Option<Figures>; HORIZONS_HOURS.len()],
}

/// The figures of one horizon, of gains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Origins whose gain is known.
    pub origins: usize,
    /// As [`Judgement::loss`].
    pub loss: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error.
    pub mse: f64,
    /// 1 less the squared errors over the squared deviations of the gains from their mean; `None` where those are 0.
    pub r2: Option<f64>,
    /// The absolute errors over those of the forecast that nothing changes; `None` where nothing did.
    pub relative_error: Option<f64>,
    /// The share of gains within the 80 % interval, as the networks say it, before it is calibrated.
    pub coverage: f64,
}

impl Contest {
    /// Origins of `videos` from `since` on: the last `newest_share` of them, in time, are the newest data, the rest is trained on,
    /// without what was known only after the newest data begin.
    ///
    /// # Errors
    /// [`LstmError::NoSamples`] where one of both is empty.
    pub fn new<'a>(
        videos: impl IntoIterator<Item = &'a Video>,
        plan: Plan,
        since: EventTime,
        newest_share: f64,
    ) -> Result<Self, LstmError> {
        let videos: Vec<&Video> = videos.into_iter().collect();
        let all = TrainingSet::since(videos.iter().copied(), plan.metric, plan.features, since);
        let nothing = || LstmError::NoSamples { purpose: "judging" };
        let (training, newest) = all.split(all.time_before_share(newest_share).ok_or_else(nothing)?);
        let fit = Fit::of(&videos, plan, training)?;
        let has_targets = weight_sum(&newest.samples.target, &newest.samples.weight) > 0.0;
        if has_targets { Ok(Self { fit, newest }) } else { Err(nothing()) }
    }

    /// The training.
    pub fn fit(&self) -> &Fit {
        &self.fit
    }

    /// How many samples are judged by.
    pub fn newest(&self) -> usize {
        self.newest.len()
    }

    /// How good a model is on the newest data, whose networks take the features of the plan.
    ///
    /// # Errors
    /// [`LstmError::Length`] where they take others.
    pub fn judge(&self, ensemble: &Ensemble) -> Result<Judgement, LstmError> {
        let samples = &self.newest.samples;
        let forecasts = ensemble.forecast(Inputs::from(samples), 1)?;
        let loss = loss_of_forecasts(&forecasts, &samples.target, &samples.weight);
        let horizons = std::array::from_fn(|horizon| Figures::of(samples, &forecasts, horizon));
        Ok(Judgement { loss: loss / weight_sum(&samples.target, &samples.weight), horizons })
    }
}

impl Figures {
    fn of(samples: &Samples, forecasts: &[f32], horizon: usize) -> Option<Self> {
        let rows = (0..samples.video.len()).map(|row| row * HORIZONS_HOURS.len() + horizon);
        let known: Vec<usize> = rows.filter(|at| !samples.target[*at].is_nan()).collect();
        let (mut loss, mut weights) = (0.0, 0.0);
        let (mut gains, mut squared_gains, mut absolute_gains) = (0.0, 0.0, 0.0);
        let (mut errors, mut squared_errors, mut covered) = (0.0, 0.0, 0.0);
        for &at in &known {
            let said = &forecasts[at * QUANTILES..][..QUANTILES];
            loss += loss_of_forecasts(said, &samples.target[at..=at], &samples.weight[at..=at]);
            weights += f64::from(samples.weight[at]);
            let [low, middle, high] = [0, 1, 2].map(|quantile| f64::from(said[quantile]).sinh());
            let gain = f64::from(samples.target[at]).sinh();
            let error = middle - gain;
            (gains, squared_gains, absolute_gains) =
                (gains + gain, squared_gains + gain * gain, absolute_gains + gain.abs());
            (errors, squared_errors) = (errors + error.abs(), squared_errors + error * error);
            covered += f64::from(u8::from((low..=high).contains(&gain)));
        }
        let n = known.len() as f64;
        let deviations = squared_gains - gains * gains / n;
        (!known.is_empty() && weights > 0.0).then(|| Self {
            origins: known.len(),
            loss: loss / weights,
            mae: errors / n,
            mse: squared_errors / n,
            r2: (deviations > 0.0).then(|| 1.0 - squared_errors / deviations),
            relative_error: (absolute_gains > 0.0).then(|| errors / absolute_gains),
            coverage: covered / n,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};
    use viewtide_dataflows::video_id::VideoId;

    use super::*;
    use crate::lstm::{Network, Recipe};
    use crate::task::{Metric, Videos};

    /// Twelve videos of ten days that gain in waves of a day.
    fn videos() -> Videos {
        let mut videos = Videos::default();
        for id in 1..=12_i64 {
            let mut views = 1_000 * id;
            for hour in 0..240_i64 {
                views += 20 * id + 15 * id * i64::from(hour % 24 < 8) + (hour * 7 + id) % 5;
                let counts = [views, views / 10, views / 80].map(Nullable::some);
                videos.observe(VideoId(id as u64), Snapshot { time: hour * HOUR_US, counts });
            }
        }
        videos
    }

    fn plan() -> Plan {
        let recipe = Recipe { epochs: 6, draws_per_video: 100, ..Recipe::default() };
        Plan { recipe, seeds: vec![1], ..Plan::of(Metric::Views) }
    }

    fn contest() -> Contest {
        Contest::new(videos().iter(), plan(), 72 * HOUR_US, 0.25).unwrap()
    }

    #[test]
    fn the_newest_data_are_not_trained_on_and_nothing_is_from_before_the_beginning() {
        let contest = contest();
        let (trained, newest) = (contest.fit().samples().0, contest.newest());
        // Hours 72 to 238 of each, whose gain is known; the last quarter from hour 197 on.
        assert_eq!(newest, 12 * 42);
        assert_eq!(trained, 12 * (238 - 72 + 1 - 42));
        let manifest =
            contest.fit().model(vec![Network::untrained(plan().architecture, 1).unwrap()], Default::default());
        let manifest = manifest.unwrap().manifest;
        assert_eq!((manifest.first_origin_us, manifest.last_origin_us), (72 * HOUR_US, 196 * HOUR_US));
    }

    #[test]
    fn who_has_learned_wins_over_who_has_not_and_figures_are_those_of_the_definition() {
        let contest = contest();
        let networks = contest.fit().train(1, &AtomicBool::new(false), &mut |_, _| {}).unwrap().unwrap();
        let trained = contest.fit().model(networks, Default::default()).unwrap().ensemble;
        let untrained =
            Ensemble::new(vec![Network::untrained(plan().architecture, 1).unwrap()], *contest.fit().bounds()).unwrap();
        let (good, bad) = (contest.judge(&trained).unwrap(), contest.judge(&untrained).unwrap());
        assert!(good.loss < 0.7 * bad.loss, "{} and {}", good.loss, bad.loss);

        let samples = &contest.newest.samples;
        let said = trained.forecast(Inputs::from(samples), 1).unwrap();
        let pairs: Vec<(f64, f64)> = (0..contest.newest())
            .map(|row| (f64::from(said[row * 9 + 4]).sinh(), f64::from(samples.target[row * 3 + 1]).sinh()))
            .filter(|(_, gain)| !gain.is_nan())
            .collect();
        let figures = good.horizons[1].unwrap();
        let n = pairs.len() as f64;
        let sum = |term: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(said, gain)| term(*said, *gain)).sum::<f64>();
        let mean = sum(&|_, gain| gain) / n;
        let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}");
        assert_eq!(figures.origins, 12 * (42 - 5));
        close(figures.mae, sum(&|said, gain| (said - gain).abs()) / n);
        close(figures.mse, sum(&|said, gain| (said - gain).powi(2)) / n);
        close(
            figures.r2.unwrap(),
            1.0 - sum(&|said, gain| (said - gain).powi(2)) / sum(&|_, gain| (gain - mean).powi(2)),
        );
        close(figures.relative_error.unwrap(), sum(&|said, gain| (said - gain).abs()) / sum(&|_, gain| gain.abs()));
        let covered = (0..contest.newest()).filter(|row| {
            let (ends, gain) = ([said[row * 9 + 3], said[row * 9 + 5]], samples.target[row * 3 + 1]);
            ends[0] <= gain && gain <= ends[1]
        });
        assert!((figures.coverage - covered.count() as f64 / n).abs() < 2.0 / n, "{}", figures.coverage);
    }

    #[test]
    fn where_there_is_nothing_to_train_on_or_to_judge_by_there_is_no_contest() {
        let purpose = |since: EventTime, share: f64| match Contest::new(videos().iter(), plan(), since, share) {
            Err(LstmError::NoSamples { purpose }) => purpose,
            other => panic!("{other:?}"),
        };
        assert_eq!(purpose(EventTime::MAX, 0.25), "judging");
        assert_eq!(purpose(0, 0.0), "judging");
        assert_eq!(purpose(0, 1.0), "training");
    }
}
