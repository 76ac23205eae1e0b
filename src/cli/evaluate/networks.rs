//! Which networks are scored: models that were trained before, or networks that are trained for it and never see what they are
//! scored on.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use viewtide_models::artifact::Artifact;
use viewtide_models::evaluate::{Given, Method, OutOfFold, foresee};
use viewtide_models::fit::Plan;
use viewtide_models::lstm::{Architecture, EPOCHS_MAX, LAYERS_MAX, LstmError, MEMBERS_MAX, Recipe};
use viewtide_models::pretrained::pretrained;
use viewtide_models::score::folds::FOLDS;
use viewtide_models::task::{Metric, Videos};

use super::Sample;

const BUNDLED: &str = "bundled";
const NONE: &str = "none";

/// Which networks to score.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Networks")]
pub(super) struct NetworkArgs {
    /// Models to score: a directory that `train` wrote, `bundled` for those that come with viewtide, or `none`
    #[arg(long, env = "VIEWTIDE_MODELS", value_name = "DIR", default_value = BUNDLED)]
    models: String,
    /// What to do with videos that the models were trained on
    #[arg(long, env = "VIEWTIDE_IN_SAMPLE", value_enum, default_value_t = InSample::Refuse)]
    in_sample: InSample,
    /// Score no models: train networks on four fifths of the videos for the last fifth, five times over
    #[arg(long, env = "VIEWTIDE_CROSS_VALIDATE", conflicts_with = "models")]
    cross_validate: bool,
    /// With --cross-validate: networks of each model; their mean is scored, and each of them
    #[arg(long, env = "VIEWTIDE_SEEDS", value_name = "N", default_value = "3", value_parser = clap::value_parser!(u64).range(1..=MEMBERS_MAX as u64))]
    seeds: u64,
    /// With --cross-validate: LSTM layers; with several numbers, networks of each
    #[arg(long, env = "VIEWTIDE_LAYERS", value_name = "N", default_value = "1", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=LAYERS_MAX as u64))]
    layers: Vec<u64>,
    /// With --cross-validate: epochs of a training
    #[arg(long, env = "VIEWTIDE_EPOCHS", value_name = "N", default_value_t = Recipe::default().epochs as u64, value_parser = clap::value_parser!(u64).range(1..=EPOCHS_MAX as u64))]
    epochs: u64,
    /// Threads that train and forecast; all processors where not given
    #[arg(long, env = "VIEWTIDE_THREADS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    threads: Option<u64>,
}

/// What to do with videos that a model was trained on: its forecasts of them are better than those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InSample {
    /// Score nothing, and say so
    Refuse,
    /// Score the other videos only
    LeaveOut,
    /// Score them apart, with every line labelled
    Label,
}

/// Networks that are scored.
pub(super) struct Networks {
    of: Of,
    threads: usize,
}

enum Of {
    Models(Vec<Artifact>),
    /// By the name of the method, a plan for each metric.
    Folds(Vec<(String, Vec<Plan>)>),
}

/// What the name of a method ends with where it is one seed's alone.
pub(super) fn seed_suffix(seed: u64) -> String {
    format!(", seed {seed}")
}

impl NetworkArgs {
    /// Reads the models, or makes the plans.
    pub(super) fn open(&self) -> anyhow::Result<Networks> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.map_or(processors, |threads| threads as usize);
        let of = match self.models.as_str() {
            _ if self.cross_validate => Of::Folds(self.layers.iter().map(|layers| self.plans(*layers)).collect()),
            NONE => Of::Models(Vec::new()),
            BUNDLED => Of::Models(pretrained()?),
            directory => Of::Models(read_models(Path::new(directory))?),
        };
        Ok(Networks { of, threads })
    }

    fn plans(&self, layers: u64) -> (String, Vec<Plan>) {
        let name = match self.layers.len() {
            1 => "LSTM".to_owned(),
            _ => format!("LSTM of {layers} layer{}", if layers == 1 { "" } else { "s" }),
        };
        let plan = |metric| {
            let usual = Plan::of(metric);
            let architecture = Architecture { layers: layers as usize, ..usual.architecture };
            let recipe = Recipe { epochs: self.epochs as usize, ..usual.recipe };
            Plan { architecture, recipe, seeds: (1..=self.seeds).collect(), ..usual }
        };
        (name, Metric::ALL.map(plan).into())
    }

    /// The videos that are scored, those that a model was trained on apart.
    pub(super) fn samples(&self, networks: &Networks, videos: Videos) -> anyhow::Result<Vec<(Sample, Videos)>> {
        let Of::Models(models) = &networks.of else { return Ok(vec![(Sample::OutOfSample, videos)]) };
        let seen: BTreeSet<&str> =
            models.iter().flat_map(|model| &model.manifest.training_videos).map(String::as_str).collect();
        let (seen, new) = videos.partition(|video| seen.contains(video.id.to_string().as_str()));
        match self.in_sample {
            _ if seen.is_empty() => Ok(vec![(Sample::OutOfSample, new)]),
            InSample::LeaveOut if !new.is_empty() => Ok(vec![(Sample::OutOfSample, new)]),
            InSample::Label if new.is_empty() => Ok(vec![(Sample::InSample, seen)]),
            InSample::Label => Ok(vec![(Sample::OutOfSample, new), (Sample::InSample, seen)]),
            InSample::LeaveOut | InSample::Refuse => Err(anyhow!(
                "the models were trained on {} of the {} video(s), and scores on those would say little: give --in-sample \
                 leave-out to score the others, --in-sample label to score them apart and labelled, --models none to score \
                 the naive forecasts alone, or --cross-validate to train networks that never see what they are scored on",
                seen.len(),
                seen.len() + new.len()
            )),
        }
    }
}

/// One model for each file `METRIC.safetensors` that is there.
fn read_models(directory: &Path) -> anyhow::Result<Vec<Artifact>> {
    let mut models = Vec::new();
    for metric in Metric::ALL {
        let path = directory.join(format!("{}.safetensors", metric.name()));
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            read => read.with_context(|| format!("cannot read the model {}", path.display()))?,
        };
        let model = Artifact::from_bytes(&bytes).with_context(|| format!("the model {}", path.display()))?;
        if model.manifest.metric != metric {
            let found = model.manifest.metric.name();
            return Err(anyhow!("{} is a model of {found}; give it its own name back", path.display()));
        }
        models.push(model);
    }
    if models.is_empty() {
        return Err(anyhow!(
            "there is no model in {}: `viewtide train --out {0}` writes views.safetensors, likes.safetensors and \
             comments.safetensors",
            directory.display()
        ));
    }
    Ok(models)
}

impl Networks {
    /// Threads that train and forecast.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Of which seed alone the method of this name, or its blend, is.
    pub(super) fn seed_of(&self, method: &str) -> Option<u64> {
        let Of::Folds(of) = &self.of else { return None };
        let seeds = of.iter().flat_map(|(_, plans)| plans).flat_map(|plan| plan.seeds.iter().copied());
        let mut longest_first: Vec<u64> = seeds.collect();
        longest_first.sort_unstable_by(|a, b| b.cmp(a));
        longest_first.into_iter().find(|seed| method.contains(&seed_suffix(*seed)))
    }

    /// What the networks say of `videos`; `None` where `stop` was set before they were trained.
    pub(super) fn methods(&self, videos: &Videos, stop: &AtomicBool) -> anyhow::Result<Option<Vec<Method>>> {
        let method = |name: String, forecasts| Method { name, forecasts, is_blended: true };
        let mut methods = Vec::new();
        match &self.of {
            Of::Models(models) if models.is_empty() => {}
            Of::Models(models) => {
                let mut forecasts = Given::new();
                for Artifact { manifest, ensemble } in models {
                    let features = manifest.feature_set()?;
                    foresee(videos.iter(), manifest.metric, features, ensemble, self.threads, &mut forecasts)?;
                }
                methods.push(method("LSTM".to_owned(), forecasts));
            }
            Of::Folds(of) => {
                for (name, plans) in of {
                    let Some(OutOfFold { ensemble, seeds }) = self.out_of_fold(name, plans, videos, stop)? else {
                        return Ok(None);
                    };
                    methods.push(method(name.clone(), ensemble));
                    let seeds = plans[0].seeds.iter().zip(seeds);
                    methods.extend(seeds.map(|(seed, said)| method(format!("{name}{}", seed_suffix(*seed)), said)));
                }
            }
        }
        Ok(Some(methods))
    }

    fn out_of_fold(
        &self,
        name: &str,
        plans: &[Plan],
        videos: &Videos,
        stop: &AtomicBool,
    ) -> anyhow::Result<Option<OutOfFold>> {
        let of_plan = |plan: &Plan| (FOLDS * plan.seeds.len() * plan.recipe.epochs) as u64;
        // Drawn where standard error is a terminal, and nowhere else.
        let bar = ProgressBar::new(plans.iter().map(of_plan).sum()).with_style(ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos} of {human_len} epochs, {eta} left",
        )?);
        let mut out = OutOfFold::default();
        for plan in plans {
            let metric = plan.metric.name();
            let trained = out.add(videos, plan, self.threads, stop, &mut |step| {
                if step.progress.step == step.progress.steps {
                    bar.set_message(format!("{name}, {metric}, fold {}, seed {}", step.fold + 1, step.seed));
                    bar.inc(1);
                }
            });
            match trained {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error @ LstmError::NoSamples { .. }) => {
                    bar.suspend(|| tracing::warn!("no network of {metric} is scored: {error}"));
                }
                Err(error) => return Err(error).with_context(|| format!("the networks of {metric}")),
            }
        }
        bar.finish_and_clear();
        Ok(Some(out))
    }
}
