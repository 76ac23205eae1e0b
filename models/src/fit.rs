//! A model made of videos: samples out of their snapshots, networks out of samples, and what they were trained on.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use viewtide_dataflows::snapshot::EventTime;

use crate::artifact::{Artifact, Manifest};
use crate::features::FeatureSet;
use crate::lstm::{
    Architecture, Bounds, CheckpointError, Ensemble, LstmError, Network, Outcome, Progress, Recipe, Training,
};
use crate::task::{Metric, Video};
use crate::training_set::TrainingSet;

/// What a model is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it forecasts.
    pub metric: Metric,
    /// Which numbers its networks are given.
    pub features: FeatureSet,
    /// Their sizes; the context is to be of [`Self::features`].
    pub architecture: Architecture,
    /// How they are trained.
    pub recipe: Recipe,
    /// One network for each.
    pub seeds: Vec<u64>,
    /// The share of all samples, the last ones in time, that only tells when to stop; with 0 all epochs are gone through.
    pub validation_share: f64,
}

impl Plan {
    /// The usual one: for each counter the features that did better out of fold.
    pub fn of(metric: Metric) -> Self {
        let features = match metric {
            Metric::Views | Metric::Comments => FeatureSet::Levels,
            Metric::Likes => FeatureSet::Lags,
        };
        Self {
            metric,
            features,
            architecture: Architecture::with_context(features.context_len()),
            recipe: Recipe::default(),
            seeds: vec![1, 2, 3],
            validation_share: 0.0,
        }
    }
}

/// The training of a model: its samples, split in time.
#[derive(Debug)]
pub struct Fit {
    plan: Plan,
    training: TrainingSet,
    validation: Option<TrainingSet>,
    bounds: Bounds,
    videos: Vec<String>,
}

impl Fit {
    /// Makes the samples.
    ///
    /// # Errors
    /// [`LstmError::NoSamples`] where the videos have nothing to learn from.
    pub fn new<'a>(videos: impl IntoIterator<Item = &'a Video>, plan: Plan) -> Result<Self, LstmError> {
        let videos: Vec<&Video> = videos.into_iter().collect();
        let all = TrainingSet::of(videos.iter().copied(), plan.metric, plan.features);
        let (training, validation) = match all.time_before_share(plan.validation_share) {
            Some(at) => {
                let (training, validation) = all.split(at);
                (training, Some(validation))
            }
            None => (all, None),
        };
        Ok(Self { validation, ..Self::of(&videos, plan, training)? })
    }

    /// Of samples that are made already, without a validation.
    pub(crate) fn of(videos: &[&Video], plan: Plan, training: TrainingSet) -> Result<Self, LstmError> {
        if training.is_empty() {
            return Err(LstmError::NoSamples { purpose: "training" });
        }
        let bounds = Bounds::of(&training.samples);
        let videos = videos.iter().map(|video| video.id.to_string()).collect();
        Ok(Self { plan, training, validation: None, bounds, videos })
    }

    /// What is made.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How far from their base the networks' words are to be taken.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How many samples are trained on, and how many tell when to stop.
    pub fn samples(&self) -> (usize, usize) {
        (self.training.len(), self.validation.as_ref().map_or(0, TrainingSet::len))
    }

    /// The training of the network with this seed, from the beginning or from a checkpoint.
    ///
    /// # Errors
    /// As [`Training::begin`] and [`Training::resume`].
    pub fn training(&self, seed: u64, checkpoint: Option<&[u8]>) -> Result<Training<'_>, CheckpointError> {
        let Plan { architecture, recipe, .. } = self.plan;
        let samples = &self.training.samples;
        let validation = self.validation.as_ref().map(|validation| &validation.samples);
        match checkpoint {
            Some(bytes) => Training::resume(bytes, architecture, recipe, samples, validation, seed),
            None => Ok(Training::begin(architecture, recipe, samples, validation, seed)?),
        }
    }

    /// Trains all networks in one go; `None` where `stop` was set before the end.
    ///
    /// # Errors
    /// As [`Training::run`].
    pub fn train(
        &self,
        threads: usize,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64, &Progress),
    ) -> Result<Option<Vec<Network>>, LstmError> {
        let Plan { architecture, recipe, .. } = self.plan;
        let validation = self.validation.as_ref().map(|validation| &validation.samples);
        let mut networks = Vec::new();
        for seed in &self.plan.seeds {
            let mut training = Training::begin(architecture, recipe, &self.training.samples, validation, *seed)?;
            match training.run(threads, stop, &mut |step| progress(*seed, step))? {
                Outcome::Finished(trained) => networks.push(trained.network),
                Outcome::Stopped => return Ok(None),
            }
        }
        Ok(Some(networks))
    }

    /// The model of networks that were trained with the plan's seeds, in their order.
    ///
    /// # Errors
    /// [`LstmError::Ensemble`] where there are none.
    pub fn model(&self, networks: Vec<Network>, scores: BTreeMap<String, f64>) -> Result<Artifact, LstmError> {
        let Plan { metric, features, architecture, recipe, seeds, .. } = self.plan.clone();
        let times = || self.training.issued_at.iter().copied();
        let manifest = Manifest {
            metric,
            feature_version: features.version(),
            architecture,
            bounds: self.bounds,
            recipe,
            seeds,
            training_videos: self.videos.clone(),
            validated_from_us: self.validation.as_ref().and_then(|set| set.issued_at.iter().copied().min()),
            first_origin_us: times().min().unwrap_or(EventTime::MIN),
            last_origin_us: times().max().unwrap_or(EventTime::MAX),
            scores,
        };
        Ok(Artifact { ensemble: Ensemble::new(networks, self.bounds)?, manifest })
    }
}
