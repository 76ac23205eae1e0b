//! Models made of videos: one file a metric, whole or as it was before, and a training that can be stopped and goes on.
//!
//! | module | one concept |
//! |---|---|
//! | [`stored_snapshots`] | all snapshots that are stored, read into memory |
//! | `checkpoints` | where a network's training stands, as a file |

mod checkpoints;
pub mod stored_snapshots;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use viewtide_models::artifact::ArtifactError;
use viewtide_models::fit::{Fit, Plan};
use viewtide_models::lstm::{CheckpointError, LstmError, Outcome, Progress, Trained};
use viewtide_models::task::{Metric, Videos};

use crate::whole_file::{temporary_beside, write_whole};
use checkpoints::Checkpoint;

/// What to make, where and how.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    /// The folder of the models, made where it is missing.
    pub out: PathBuf,
    /// One model for each; of different metrics.
    pub plans: Vec<Plan>,
    /// Threads; no part of the result.
    pub threads: usize,
    /// Whether checkpoints of before are left aside.
    pub afresh: bool,
}

/// What a training says on its way.
#[derive(Clone, Copy, Debug)]
pub enum TrainEvent<'a> {
    /// The samples of a model are made, and its first network is begun.
    Begun(&'a Fit),
    /// There is nothing to learn of this metric, so that it gets no model.
    NoSamples(Metric),
    /// A network's training goes on from a checkpoint.
    GoesOn {
        /// Of which metric.
        metric: Metric,
        /// Its seed.
        seed: u64,
    },
    /// A step was made.
    Step {
        /// The training.
        fit: &'a Fit,
        /// Which of its networks, from 0.
        network: usize,
        /// How far that one is.
        progress: &'a Progress,
    },
    /// A network is trained.
    Trained {
        /// Of which metric.
        metric: Metric,
        /// Its seed.
        seed: u64,
        /// The network, and how it came to be.
        trained: &'a Trained,
        /// How long that took, since it was begun or gone on with.
        elapsed: Duration,
    },
}

/// A model that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it forecasts.
    pub metric: Metric,
    /// Videos that it was trained on.
    pub videos: usize,
    /// Samples that it was trained on.
    pub samples: usize,
    /// For each network the best epoch, from 0, and the loss in training there.
    pub networks: Vec<(usize, f64)>,
    /// Where it is.
    pub file: PathBuf,
    /// How large that is.
    pub bytes: usize,
}

/// How a training ended.
#[derive(Clone, Debug, Default)]
pub struct TrainSummary {
    /// The models that were made.
    pub made: Vec<Made>,
    /// Whether it was stopped before its end; the checkpoints are there to go on from.
    pub stopped: bool,
}

/// Why a model is not made.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The folder cannot be made or written to.
    #[error("cannot write into the folder {}: {error}; give another one by --out, or the right to write there", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file cannot be written, or a checkpoint not be removed.
    #[error("cannot write {}: {error}", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A checkpoint cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A checkpoint that is damaged, or of another training.
    #[error("cannot go on from {}: {error}. Delete it, or give --afresh, to train from the beginning", file.display())]
    Checkpoint {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        error: CheckpointError,
    },
    /// A training does not work.
    #[error("the network of {} with seed {seed}: {error}", metric.name())]
    Network {
        /// What it was to forecast.
        metric: Metric,
        /// Its seed.
        seed: u64,
        /// What is wrong.
        error: LstmError,
    },
    /// What was trained is no model.
    #[error("the model of {}: {error}", metric.name())]
    Model {
        /// What it was to forecast.
        metric: Metric,
        /// What is wrong.
        error: ArtifactError,
    },
    /// No metric has a sample.
    #[error(
        "there is nothing to learn: {snapshots} snapshot(s) of {videos} video(s) have no origin with 20 hourly steps before it \
         and a count after it; give videos that were polled at least every 6 hours for more than a day"
    )]
    NoSamples {
        /// How many there are.
        snapshots: usize,
        /// Of how many videos.
        videos: usize,
    },
}

/// Makes the models of all plans out of `videos`, one after the other, each from where its checkpoints stand. The same plans
/// and videos give the same bytes, with stops or without.
///
/// A network's checkpoint is written after each epoch and where `stop` is set, and all are removed once all models are there:
/// what goes on after a stop does not train anything twice.
///
/// # Errors
/// A folder that cannot be written to; a checkpoint that is damaged or of another training; a training without samples, or one
/// that diverges.
pub fn train(
    config: &TrainConfig,
    videos: &Videos,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(TrainEvent<'_>),
) -> Result<TrainSummary, TrainError> {
    prepare(&config.out)?;
    let mut checkpoints = config
        .plans
        .iter()
        .flat_map(|plan| plan.seeds.iter().map(|seed| Checkpoint::of(&config.out, plan.metric, *seed)));
    if config.afresh {
        checkpoints.clone().try_for_each(|checkpoint| checkpoint.remove())?;
    }
    let mut summary = TrainSummary::default();
    for plan in &config.plans {
        if stop.load(Ordering::Relaxed) {
            return Ok(TrainSummary { stopped: true, ..summary });
        }
        let metric = plan.metric;
        let fit = match Fit::new(videos.iter(), plan.clone()) {
            Ok(fit) => fit,
            Err(LstmError::NoSamples { .. }) => {
                observe(TrainEvent::NoSamples(metric));
                continue;
            }
            Err(error) => return Err(TrainError::Model { metric, error: error.into() }),
        };
        observe(TrainEvent::Begun(&fit));
        let mut networks = Vec::new();
        for network in 0..plan.seeds.len() {
            match (OneNetwork { config, fit: &fit, network }).train(stop, observe)? {
                Some(trained) => networks.push(trained),
                None => return Ok(TrainSummary { stopped: true, ..summary }),
            }
        }
        summary.made.push(write(&config.out, &fit, networks, videos.len())?);
    }
    if summary.made.is_empty() {
        let snapshots = videos.iter().map(|video| video.snapshots().len()).sum();
        return Err(TrainError::NoSamples { snapshots, videos: videos.len() });
    }
    checkpoints.try_for_each(|checkpoint| checkpoint.remove())?;
    Ok(summary)
}

/// Makes the folder, and finds out whether it can be written to before anything is trained.
fn prepare(folder: &Path) -> Result<(), TrainError> {
    let failed = |error| TrainError::Folder { folder: folder.to_owned(), error };
    std::fs::create_dir_all(folder).map_err(failed)?;
    temporary_beside(&folder.join("probe")).map_err(failed)?;
    Ok(())
}

/// One network of a training.
struct OneNetwork<'a> {
    config: &'a TrainConfig,
    fit: &'a Fit,
    network: usize,
}

impl OneNetwork<'_> {
    /// Trains it; `None` where `stop` was set before the end.
    fn train(&self, stop: &AtomicBool, observe: &mut dyn FnMut(TrainEvent<'_>)) -> Result<Option<Trained>, TrainError> {
        let Self { config, fit, network } = *self;
        let (metric, seed) = (fit.plan().metric, fit.plan().seeds[network]);
        let failed = |error| TrainError::Network { metric, seed, error };
        let begin = Instant::now();
        let checkpoint = Checkpoint::of(&config.out, metric, seed);
        let stored = checkpoint.read()?;
        let mut training = fit.training(seed, stored.as_deref()).map_err(|error| match error {
            CheckpointError::Training(error) if !matches!(error, LstmError::OtherTraining(_)) => failed(error),
            error => checkpoint.refused(error),
        })?;
        if stored.is_some() {
            observe(TrainEvent::GoesOn { metric, seed });
        }
        let is_stopped = || stop.load(Ordering::Relaxed);
        let pause = AtomicBool::new(false);
        while !is_stopped() {
            pause.store(false, Ordering::Relaxed);
            let outcome = training.run(config.threads, &pause, &mut |progress| {
                observe(TrainEvent::Step { fit, network, progress });
                // An epoch's end is a pause, in which its checkpoint is written.
                pause.store(progress.step == progress.steps || is_stopped(), Ordering::Relaxed);
            });
            let outcome = outcome.map_err(failed)?;
            checkpoint.write(&training)?;
            if let Outcome::Finished(trained) = outcome {
                observe(TrainEvent::Trained { metric, seed, trained: &trained, elapsed: begin.elapsed() });
                return Ok(Some(trained));
            }
        }
        Ok(None)
    }
}

/// Writes the model of these networks, over one that may be there.
fn write(out: &Path, fit: &Fit, trained: Vec<Trained>, videos: usize) -> Result<Made, TrainError> {
    let metric = fit.plan().metric;
    let failed = |error| TrainError::Model { metric, error };
    let (mut scores, mut networks, mut epochs) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (seed, Trained { network, epoch, losses }) in fit.plan().seeds.iter().zip(trained) {
        let loss = losses[epoch];
        scores.insert(format!("training loss, seed {seed}"), loss.training);
        scores.extend(loss.validation.map(|loss| (format!("validation loss, seed {seed}"), loss)));
        epochs.push((epoch, loss.training));
        networks.push(network);
    }
    let model = fit.model(networks, scores).map_err(|error| failed(error.into()))?;
    let bytes = model.to_bytes().map_err(failed)?;
    let file = out.join(format!("{}.safetensors", metric.name()));
    write_whole(&file, &bytes).map_err(|error| TrainError::Write { file: file.clone(), error })?;
    let samples = fit.samples().0;
    Ok(Made { metric, videos, samples, networks: epochs, file, bytes: bytes.len() })
}

#[cfg(test)]
mod tests;
