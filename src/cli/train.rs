//! `viewtide train`.

mod report;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::anyhow;
use clap::Args;
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::fit::Plan;
use viewtide_models::lstm::{EPOCHS_MAX, MEMBERS_MAX};
use viewtide_models::score::folds::{FOLDS, fold_of};
use viewtide_models::task::{Metric, Videos};

use crate::cli::Outcome;
use crate::cli::snapshots::SnapshotsArgs;
use crate::cli::stop::stop_on_signals;
use crate::train::{TrainConfig, train};
use report::{Bar, table};

/// What to train on, and how.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    snapshots: SnapshotsArgs,
    /// Folder for the models, views.safetensors, likes.safetensors and comments.safetensors, and for the checkpoints that a
    /// training which was stopped goes on from; made where it is missing
    #[arg(long, env = "VIEWTIDE_OUT", value_name = "DIR")]
    out: PathBuf,
    /// Counters to make a model of
    #[arg(long, env = "VIEWTIDE_METRICS", value_name = "LIST", value_delimiter = ',', default_value = "views,likes,comments", value_parser = parse_metric)]
    metrics: Vec<Metric>,
    /// Videos not to train on, so that forecasts of them can be scored; an id that begins with - as --leave-out=-ID
    #[arg(long, env = "VIEWTIDE_LEAVE_OUT", value_name = "VIDEO", num_args = 1.., value_delimiter = ',')]
    leave_out: Vec<VideoId>,
    /// Leave out the videos of this fold of the benchmark, from 0; those of --leave-out too
    #[arg(long, env = "VIEWTIDE_LEAVE_OUT_FOLD", value_name = "K", value_parser = parse_fold)]
    leave_out_fold: Option<usize>,
    /// Networks of a model, each from a seed of its own; a forecast is their mean [default: 3]
    #[arg(long, env = "VIEWTIDE_SEEDS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MEMBERS_MAX as u64))]
    seeds: Option<u64>,
    /// Seed of the first network; the next ones have those that follow
    #[arg(long, env = "VIEWTIDE_SEED", value_name = "SEED", default_value_t = 1)]
    seed: u32,
    /// Epochs of each network [default: 20]
    #[arg(long, env = "VIEWTIDE_EPOCHS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=EPOCHS_MAX as u64))]
    epochs: Option<u64>,
    /// The share of the samples, the last in time, that is not trained on and only tells when to stop
    #[arg(long, env = "VIEWTIDE_VALIDATION_SHARE", value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    validation_share: f64,
    /// Threads that train, which makes no difference to the models; all processors where not given
    #[arg(long, env = "VIEWTIDE_THREADS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    threads: Option<u64>,
    /// Train from the beginning, whatever checkpoints are there
    #[arg(long, env = "VIEWTIDE_AFRESH")]
    afresh: bool,
}

pub(super) fn parse_metric(text: &str) -> Result<Metric, String> {
    let named = Metric::ALL.into_iter().find(|metric| metric.name() == text);
    named.ok_or_else(|| format!("one of {}", Metric::ALL.map(Metric::name).join(", ")))
}

fn parse_fold(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|fold| *fold < FOLDS).ok_or_else(|| format!("a fold is from 0 to {}", FOLDS - 1))
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share.ok_or_else(|| "a share is at least 0 and below 1, such as 0.1".to_owned())
}

impl TrainArgs {
    fn plans(&self) -> Vec<Plan> {
        let wanted = Metric::ALL.into_iter().filter(|metric| self.metrics.contains(metric));
        let plan = |metric| {
            let mut plan = Plan::of(metric);
            let (first, networks) = (u64::from(self.seed), self.seeds.unwrap_or(plan.seeds.len() as u64));
            plan.seeds = (first..first + networks).collect();
            plan.recipe.epochs = self.epochs.map_or(plan.recipe.epochs, |epochs| epochs as usize);
            plan.validation_share = self.validation_share;
            plan
        };
        wanted.map(plan).collect()
    }

    /// The videos that are trained on; the log says which are not.
    fn chosen(&self, videos: Videos) -> anyhow::Result<Videos> {
        let (left_out, chosen) = videos.partition(|video| {
            self.leave_out.contains(&video.id) || self.leave_out_fold.is_some_and(|fold| fold_of(video.id) == fold)
        });
        if !left_out.is_empty() {
            let ids: Vec<String> = left_out.iter().map(|video| video.id.to_string()).collect();
            tracing::info!(videos = left_out.len(), "left out of the training: {}", ids.join(" "));
        }
        for id in self.leave_out.iter().filter(|id| !left_out.iter().any(|video| video.id == **id)) {
            tracing::warn!("the video {id} of --leave-out has no snapshots here");
        }
        match chosen.len() {
            0 => return Err(anyhow!("all {} video(s) are left out; leave some to train on", left_out.len())),
            1 => tracing::warn!("there is one video to train on: what it does is all that the models will know"),
            _ => {}
        }
        Ok(chosen)
    }
}

/// Trains the models, and says what came of it.
pub fn execute(args: TrainArgs) -> anyhow::Result<Outcome> {
    let stop = stop_on_signals()?;
    let videos = args.snapshots.read("train", &stop)?;
    if stop.load(Ordering::Relaxed) {
        tracing::info!("stopped before anything was trained");
        return Ok(Outcome::Done);
    }
    let videos = args.chosen(videos)?;
    let plans = args.plans();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(processors, |threads| threads as usize);
    let config = TrainConfig { out: args.out, plans, threads, afresh: args.afresh };
    let mut bar = Bar::new()?;
    let summary = train(&config, &videos, &stop, &mut |event| bar.observe(event));
    bar.finish();
    let summary = summary?;
    if !summary.made.is_empty() {
        println!("{}", table(&summary.made));
    }
    if summary.stopped {
        tracing::info!("stopped; the same command goes on from the checkpoints in {}", config.out.display());
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Told {
        #[command(flatten)]
        train: TrainArgs,
    }

    fn told(line: &str) -> Result<TrainArgs, String> {
        let words = ["t", "--out", "models"].into_iter().chain(line.split_whitespace());
        <Told as clap::Parser>::try_parse_from(words).map(|told| told.train).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(told("").unwrap().plans(), Metric::ALL.map(Plan::of));
        let usual = Plan::of(Metric::Views);
        let help = <Told as clap::CommandFactory>::command().render_long_help().to_string();
        for (flag, default) in [("--seeds", usual.seeds.len()), ("--epochs", usual.recipe.epochs)] {
            let said = help.split(&format!("{flag} ")).nth(1).unwrap();
            assert!(said.split("--").next().unwrap().contains(&format!("[default: {default}]")), "{said}");
        }
    }

    #[test]
    fn plans_are_as_told() {
        let plans = told("--metrics comments,views,comments --seeds 2 --seed 7 --epochs 3 --validation-share 0.2")
            .unwrap()
            .plans();
        assert_eq!(plans.iter().map(|plan| plan.metric).collect::<Vec<_>>(), [Metric::Views, Metric::Comments]);
        for plan in plans {
            assert_eq!((plan.seeds, plan.recipe.epochs, plan.validation_share), (vec![7, 8], 3, 0.2));
        }
        for (wrong, why) in [
            ("--metrics shares", "one of views, likes, comments"),
            ("--seeds 0", "1..=16"),
            ("--seeds 17", "1..=16"),
            ("--seed=-1", "--seed"),
            ("--epochs 0", "1..=10000"),
            ("--validation-share 1", "below 1"),
            ("--validation-share nan", "below 1"),
            ("--threads 0", "1.."),
            ("--leave-out-fold 5", "from 0 to 4"),
            ("--leave-out short", "11 characters"),
        ] {
            let said = told(wrong).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn videos_are_left_out_by_id_and_by_fold() {
        let mut videos = Videos::default();
        let of_fold_0 = "AUGPxmxWEAo".parse().unwrap();
        let ids: [VideoId; 3] = [of_fold_0, "3UqQ6K840eM".parse().unwrap(), "-hBGB_MR8I0".parse().unwrap()];
        let snapshot = viewtide_dataflows::snapshot::Snapshot { time: 0, counts: Default::default() };
        ids.iter().for_each(|id| videos.observe(*id, snapshot));
        let chosen = |line| -> anyhow::Result<Vec<VideoId>> {
            Ok(told(line).unwrap().chosen(videos.clone())?.iter().map(|video| video.id).collect())
        };
        let in_order = [ids[2], ids[1], ids[0]];
        assert_eq!(chosen("").unwrap(), in_order);
        assert_eq!(chosen("--leave-out-fold 0").unwrap(), in_order[..2]);
        assert_eq!(chosen("--leave-out=-hBGB_MR8I0").unwrap(), in_order[1..]);
        assert_eq!(chosen("--leave-out 3UqQ6K840eM xxxxxxxxxxA").unwrap(), [ids[2], ids[0]]);
        assert_eq!(chosen("--leave-out=-hBGB_MR8I0,3UqQ6K840eM").unwrap(), [ids[0]]);
        let all = chosen("--leave-out=-hBGB_MR8I0,3UqQ6K840eM --leave-out-fold 0").unwrap_err().to_string();
        assert!(all.contains("all 3 video(s) are left out"), "{all}");
    }
}
