//! A trained model as a file: an ensemble's weights, and where it comes from.
//!
//! A safetensors file (see [`crate::sealed`]) of one metric's ensemble. The tensors of member `i` are named `i.` and then
//! as in [`Network::tensors`], so that other programs can read them too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::{CHANNELS, FeatureSet};
use crate::lstm::{Architecture, Bounds, Ensemble, LstmError, Network, Recipe};
use crate::sealed::{SealError, Tensors, open, seal};
use crate::task::{Metric, WINDOW_STEPS};

const FORMAT: &str = "viewtide model";

/// The version of the file, to be raised when its form or the meaning of a weight changes. What goes into the network
/// has a version of its own, [`Manifest::feature_version`].
pub const ARTIFACT_VERSION: u32 = 1;

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What it forecasts.
    pub metric: Metric,
    /// The version of the features that it was trained on.
    pub feature_version: u32,
    /// The sizes of its networks.
    pub architecture: Architecture,
    /// How far from their base their words are taken.
    pub bounds: Bounds,
    /// How they were trained.
    pub recipe: Recipe,
    /// The seed of each.
    pub seeds: Vec<u64>,
    /// The ids of the videos that it was trained on: what is said of others is out of sample.
    pub training_videos: Vec<String>,
    /// The first origin whose gains only told when to stop, in microseconds since 1970; `None` where nothing did.
    pub validated_from_us: Option<i64>,
    /// The first origin that it was trained on, in microseconds since 1970.
    pub first_origin_us: i64,
    /// The last one, likewise.
    pub last_origin_us: i64,
    /// Scores by name, as they were when it was trained.
    pub scores: BTreeMap<String, f64>,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Where it comes from.
    pub manifest: Manifest,
    /// What it forecasts with.
    pub ensemble: Ensemble,
}

/// Why a model is not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// What is wrong with it as a file.
    #[error(transparent)]
    File(#[from] SealError),
    /// What is wrong with its networks.
    #[error("a model that is no network: {0}")]
    Network(#[from] LstmError),
    /// Trained on other features than this program makes.
    #[error("a model for features of version {0}, which this program does not make: train it anew")]
    Features(u32),
    /// The manifest says one thing and the weights another.
    #[error("a model whose manifest does not fit its weights: {0}")]
    Manifest(String),
}

impl Artifact {
    /// The bytes of the file. The same model gives the same bytes.
    ///
    /// # Errors
    /// [`ArtifactError::Manifest`] where the manifest does not describe the ensemble, or holds a score that is not finite;
    /// [`ArtifactError::Network`] where a weight is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        let Self { manifest, ensemble } = self;
        manifest.check()?;
        if (manifest.architecture, manifest.bounds) != (*ensemble.architecture(), *ensemble.bounds())
            || manifest.seeds.len() != ensemble.members().len()
        {
            return Err(ArtifactError::Manifest("it describes another ensemble".to_owned()));
        }
        let mut tensors = Tensors::new();
        for (index, member) in ensemble.members().iter().enumerate() {
            let of_member = member.tensors();
            Network::from_tensors(*member.architecture(), of_member.clone())?;
            tensors.extend(of_member.into_iter().map(|(name, tensor)| (format!("{index}.{name}"), tensor)));
        }
        Ok(seal(FORMAT, ARTIFACT_VERSION, manifest, &tensors)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// One for each way in which it can be wrong: another version, damaged, cut short, wrong in shape, weights that are
    /// not finite. Nothing of it is returned then.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (manifest, mut tensors) = open::<Manifest>(FORMAT, ARTIFACT_VERSION, bytes)?;
        manifest.check()?;
        let mut members = Vec::new();
        for index in 0..manifest.seeds.len() {
            let prefix = format!("{index}.");
            let of_member = tensors.extract_if(.., |name, _| name.starts_with(&prefix));
            let of_member = of_member.map(|(name, tensor)| (name[prefix.len()..].to_string(), tensor)).collect();
            members.push(Network::from_tensors(manifest.architecture, of_member)?);
        }
        if let Some(name) = tensors.into_keys().next() {
            return Err(ArtifactError::Manifest(format!("{name} belongs to none of its networks")));
        }
        let ensemble = Ensemble::new(members, manifest.bounds)?;
        Ok(Self { manifest, ensemble })
    }
}

impl Manifest {
    /// Which numbers its networks are given.
    ///
    /// # Errors
    /// [`ArtifactError::Features`] where this program does not make them.
    pub fn feature_set(&self) -> Result<FeatureSet, ArtifactError> {
        FeatureSet::of_version(self.feature_version).ok_or(ArtifactError::Features(self.feature_version))
    }

    fn check(&self) -> Result<(), ArtifactError> {
        let wrong = |message: String| Err(ArtifactError::Manifest(message));
        let context = self.feature_set()?.context_len();
        let found = (self.architecture.steps, self.architecture.inputs, self.architecture.context);
        if found != (WINDOW_STEPS, CHANNELS, context) {
            return wrong(format!(
                "its networks take (steps, values of a step, values of a context) = {found:?}, its features are \
                 {WINDOW_STEPS}, {CHANNELS} and {context}"
            ));
        }
        if self.first_origin_us > self.last_origin_us {
            return wrong(format!("its origins end at {} and begin at {}", self.last_origin_us, self.first_origin_us));
        }
        match self.scores.iter().find(|(_, score)| !score.is_finite()) {
            Some((name, score)) => wrong(format!("the score {name} is {score}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
