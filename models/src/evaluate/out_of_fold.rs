//! Networks scored on videos that they were not trained on, fold by fold.

use std::sync::atomic::AtomicBool;

use super::{Given, foresee};
use crate::fit::{Fit, Plan};
use crate::lstm::{Ensemble, LstmError, Progress};
use crate::score::folds::{FOLDS, fold_of};
use crate::task::{Video, Videos};

/// What networks say of the videos of the folds that they were not trained on.
#[derive(Clone, Debug, Default)]
pub struct OutOfFold {
    /// The mean of the networks of all seeds.
    pub ensemble: Given,
    /// Those of each seed alone.
    pub seeds: Vec<Given>,
}

/// Which network is being trained, and how far that is.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The model that it is of.
    pub plan: &'a Plan,
    /// Which fold is left out.
    pub fold: usize,
    /// Its seed.
    pub seed: u64,
    /// How far.
    pub progress: &'a Progress,
}

impl OutOfFold {
    /// Trains by `plan` on the videos of all folds but one, once for each fold with videos, and takes what comes of the others.
    /// False where `stop` was set before the end.
    ///
    /// # Errors
    /// As [`Fit::new`] and [`Fit::train`]: also where the videos of all folds but one have nothing to learn from.
    pub fn add(
        &mut self,
        videos: &Videos,
        plan: &Plan,
        threads: usize,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Step<'_>),
    ) -> Result<bool, LstmError> {
        self.seeds.resize(plan.seeds.len(), Given::new());
        for fold in 0..FOLDS {
            let (held_out, others): (Vec<&Video>, _) = videos.iter().partition(|video| fold_of(video.id) == fold);
            if held_out.is_empty() {
                continue;
            }
            let fit = Fit::new(others, plan.clone())?;
            let report = &mut |seed, step: &Progress| progress(Step { plan, fold, seed, progress: step });
            let Some(networks) = fit.train(threads, stop, report)? else { return Ok(false) };
            let say = |networks, given: &mut Given| {
                let ensemble = Ensemble::new(networks, *fit.bounds())?;
                foresee(held_out.iter().copied(), plan.metric, plan.features, &ensemble, threads, given)
            };
            for (network, given) in networks.iter().zip(&mut self.seeds) {
                say(vec![network.clone()], given)?;
            }
            say(networks, &mut self.ensemble)?;
        }
        Ok(true)
    }
}
