//! One retraining of one model: trained, judged beside the one in use, and nothing of it written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use viewtide_dataflows::snapshot::EventTime;
use viewtide_models::artifact::Artifact;
use viewtide_models::contest::{Contest, Judgement};
use viewtide_models::fit::Plan;
use viewtide_models::lstm::{Architecture, LstmError, Recipe};
use viewtide_models::task::{Metric, Videos};

use crate::limits::{RETRAIN_DRAWS_MAX, RETRAIN_ORIGINS_MIN, RETRAIN_SECONDS_MAX};
use crate::retrain::RetrainError;
use crate::retrain::rest::Rest;

/// The share of the origins, the last ones in time, that new and old are judged by.
const NEWEST_SHARE: f64 = 0.25;

/// A model that was made, and what is known of it.
#[derive(Debug)]
pub(super) struct Challenger {
    pub(super) artifact: Artifact,
    pub(super) bytes: Vec<u8>,
    pub(super) judgement: Judgement,
    /// Of the one in use, where there is one that works.
    pub(super) incumbent: Option<Judgement>,
    pub(super) videos: usize,
    /// Samples that were trained on, and that were judged by.
    pub(super) samples: [usize; 2],
    /// How long the training took.
    pub(super) elapsed: Duration,
}

impl Challenger {
    /// Whether it is to be used from now on.
    pub(super) fn is_better(&self) -> bool {
        let (new, old) = (self.judgement.loss, self.incumbent.as_ref().map(|incumbent| incumbent.loss));
        new.is_finite() && old.is_none_or(|old| old.is_nan() || new < old)
    }
}

/// Makes a model out of origins from `since` on. `None` where there is too little to learn from, or `stop` was set.
///
/// # Errors
/// A training that diverges, or takes too long.
pub(super) fn challenge(
    metric: Metric,
    videos: &Videos,
    since: EventTime,
    incumbent: Option<&Artifact>,
    stop: &AtomicBool,
) -> Result<Option<Challenger>, RetrainError> {
    let failed = |error: LstmError| RetrainError::Training { model: metric.name(), error };
    let plan = plan(metric, videos.len(), incumbent);
    let contest = match Contest::new(videos.iter(), plan, since, NEWEST_SHARE) {
        Ok(contest) => contest,
        Err(LstmError::NoSamples { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let samples = [contest.fit().samples().0, contest.newest()];
    if samples[0] < RETRAIN_ORIGINS_MIN {
        return Ok(None);
    }
    let begin = Instant::now();
    let is_over = AtomicBool::new(false);
    let mut rest = Rest::new();
    let mut watch = |_, _: &_| {
        rest.rest();
        let has_time = begin.elapsed() < Duration::from_secs(RETRAIN_SECONDS_MAX);
        is_over.store(stop.load(Ordering::Relaxed) || !has_time, Ordering::Relaxed);
    };
    let Some(networks) = contest.fit().train(1, &is_over, &mut watch).map_err(failed)? else {
        let is_stopped = stop.load(Ordering::Relaxed);
        return if is_stopped { Ok(None) } else { Err(RetrainError::TooLong { model: metric.name() }) };
    };
    let elapsed = begin.elapsed();
    let mut artifact = contest.fit().model(networks, BTreeMap::new()).map_err(failed)?;
    let judgement = contest.judge(&artifact.ensemble).map_err(failed)?;
    let incumbent = incumbent.map(|incumbent| contest.judge(&incumbent.ensemble)).transpose().map_err(failed)?;
    artifact.manifest.scores.insert("loss on the newest data".to_owned(), judgement.loss);
    let bytes = artifact.to_bytes().map_err(|error| RetrainError::Artifact { model: metric.name(), error })?;
    let videos = videos.len();
    Ok(Some(Challenger { artifact, bytes, judgement, incumbent, videos, samples, elapsed }))
}

/// The usual plan, with the features of what is in use, so that both are judged by the same numbers.
fn plan(metric: Metric, videos: usize, incumbent: Option<&Artifact>) -> Plan {
    let usual = Plan::of(metric);
    let features = incumbent.and_then(|incumbent| incumbent.manifest.feature_set().ok()).unwrap_or(usual.features);
    let draws_per_video = usual.recipe.draws_per_video.min(RETRAIN_DRAWS_MAX / videos.max(1)).max(1);
    Plan {
        features,
        architecture: Architecture::with_context(features.context_len()),
        recipe: Recipe { draws_per_video, ..usual.recipe },
        ..usual
    }
}
