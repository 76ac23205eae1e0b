//! What networks say at every origin at which a forecast is scored.

use super::Given;
use crate::blend::Network;
use crate::features::{FeatureSet, Inputs, Seen};
use crate::lstm::{self, Ensemble, LstmError};
use crate::score::Forecast;
use crate::task::{Metric, Video};

/// What `ensemble`, whose networks are of `features`, says of `metric` at the scored origins of `videos`; into `given`.
///
/// # Errors
/// [`LstmError::Length`] where the networks are of other features.
pub fn foresee<'a>(
    videos: impl IntoIterator<Item = &'a Video>,
    metric: Metric,
    features: FeatureSet,
    ensemble: &Ensemble,
    threads: usize,
    given: &mut Given,
) -> Result<(), LstmError> {
    for video in videos {
        let mut inputs = Inputs::default();
        let mut origins = Vec::new();
        for time in video.origins() {
            if Seen::of(&video.origin(time)).append(metric, features, &mut inputs) {
                origins.push(time);
            }
        }
        let Inputs { window, context, base } = &inputs;
        let said = ensemble.forecast(lstm::Inputs { window, context, base }, threads)?;
        for (time, said) in origins.into_iter().zip(said.as_chunks().0) {
            let forecasts = std::array::from_fn(|horizon| {
                let Network { gain, quantiles } = Network::of_outputs(said, horizon);
                Some(Forecast { gain, interval: Some(quantiles) })
            });
            given.insert((video.id, time, metric), forecasts);
        }
    }
    Ok(())
}
