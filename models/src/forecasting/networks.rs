//! The networks of a running stream, and all that they are asked at once.

use super::row::StoredModel;
use crate::artifact::Artifact;
use crate::blend::Network;
use crate::features::{FeatureSet, Inputs, Seen};
use crate::lstm::{self, Ensemble, HORIZONS};
use crate::task::Metric;

/// A model that can be asked.
#[derive(Debug)]
struct Model {
    version: u32,
    features: FeatureSet,
    ensemble: Ensemble,
}

/// The models in use, and what waits to be predicted by them.
#[derive(Debug, Default)]
pub(super) struct Networks {
    models: [Option<Model>; 3],
    inputs: [Inputs; 3],
    outputs: [Vec<f32>; 3],
}

impl Networks {
    /// Uses another model from now on; nothing waits. One that cannot be read was refused before it came here, and is none.
    pub(super) fn switch(&mut self, StoredModel { metric, version, artifact }: StoredModel) {
        let read = |bytes: Box<[u8]>| {
            let Artifact { manifest, ensemble } = Artifact::from_bytes(&bytes).ok()?;
            Some(Model { version, features: manifest.feature_set().ok()?, ensemble })
        };
        self.models[metric as usize] = artifact.and_then(read);
    }

    /// The version of the model of `metric`; 0 where there is none.
    pub(super) fn version(&self, metric: Metric) -> u32 {
        self.models[metric as usize].as_ref().map_or(0, |model| model.version)
    }

    /// Asks the model of `metric` about an origin; the number of the question, or `None` where nothing can be asked.
    pub(super) fn ask(&mut self, seen: &Seen<'_>, metric: Metric) -> Option<u32> {
        let Model { features, .. } = self.models[metric as usize].as_ref()?;
        let inputs = &mut self.inputs[metric as usize];
        let number = u32::try_from(inputs.base.len() / HORIZONS).ok()?;
        seen.append(metric, *features, inputs).then_some(number)
    }

    /// How many questions wait.
    pub(super) fn waiting(&self) -> usize {
        self.inputs.iter().map(|inputs| inputs.base.len() / HORIZONS).sum()
    }

    /// Answers all that waits. A model that cannot answer says nothing, and the naive forecasts stand alone.
    pub(super) fn predict(&mut self) {
        for ((model, inputs), outputs) in self.models.iter().zip(&mut self.inputs).zip(&mut self.outputs) {
            let Inputs { window, context, base } = &*inputs;
            let asked = lstm::Inputs { window, context, base };
            *outputs = match model {
                Some(model) if !base.is_empty() => model.ensemble.forecast(asked, 1).unwrap_or_default(),
                _ => Vec::new(),
            };
            inputs.clear();
        }
    }

    /// What was answered to a question, for the horizon of this index.
    pub(super) fn answer(&self, metric: Metric, number: u32, horizon: usize) -> Option<Network> {
        let said = self.outputs[metric as usize].as_chunks().0.get(number as usize)?;
        Some(Network::of_outputs(said, horizon))
    }
}
