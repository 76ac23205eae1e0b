//! What a training says: a bar on a terminal, a line of the log for each network, and a table at the end.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use viewtide_models::fit::Fit;
use viewtide_models::lstm::{Progress, Trained};
use viewtide_models::task::Metric;

use crate::train::{Made, TrainEvent};

/// A bar over the steps of one model, drawn where standard error is a terminal and nowhere else.
pub(super) struct Bar {
    bar: ProgressBar,
    /// Whether a step of this model was seen: what a checkpoint brought says nothing of how fast it goes.
    is_moving: bool,
}

impl Bar {
    pub(super) fn new() -> anyhow::Result<Self> {
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {msg}, {eta} left")?;
        Ok(Self { bar: ProgressBar::new(0).with_style(style), is_moving: false })
    }

    pub(super) fn observe(&mut self, event: TrainEvent<'_>) {
        match event {
            TrainEvent::Begun(fit) => self.begin(fit),
            TrainEvent::NoSamples(metric) => self.bar.suspend(|| {
                tracing::warn!("no video has enough counts of {0} to learn from: {0} get no model", metric.name());
            }),
            TrainEvent::GoesOn { metric, seed } => self.bar.suspend(|| {
                tracing::info!(metric = metric.name(), seed, "going on from a checkpoint");
            }),
            TrainEvent::Step { fit, network, progress } => self.step(fit, network, progress),
            TrainEvent::Trained { metric, seed, trained, elapsed } => {
                self.bar.suspend(|| say(metric, seed, trained, elapsed));
            }
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn begin(&mut self, fit: &Fit) {
        let (samples, validation_samples) = fit.samples();
        let metric = fit.plan().metric.name();
        self.bar.suspend(|| tracing::info!(metric, samples, validation_samples, "training"));
        self.bar.set_prefix(metric);
        self.is_moving = false;
    }

    fn step(&mut self, fit: &Fit, network: usize, progress: &Progress) {
        let Progress { epoch, epochs, step, steps, loss } = *progress;
        let seeds = &fit.plan().seeds;
        self.bar.set_length((seeds.len() * epochs * steps) as u64);
        self.bar.set_position(((network * epochs + epoch) * steps + step) as u64);
        let seed = seeds[network];
        self.bar.set_message(format!("seed {seed}, epoch {} of {epochs}, loss {:.4}", epoch + 1, loss.training));
        if !std::mem::replace(&mut self.is_moving, true) {
            self.bar.reset_eta();
        }
    }
}

fn say(metric: Metric, seed: u64, trained: &Trained, elapsed: Duration) {
    let loss = trained.losses[trained.epoch];
    tracing::info!(
        metric = metric.name(),
        seed,
        epochs = trained.losses.len(),
        best_epoch = trained.epoch + 1,
        training_loss = loss.training,
        validation_loss = loss.validation,
        seconds = elapsed.as_secs_f64(),
        "a network is trained"
    );
}

/// The columns, and whether they hold figures.
const COLUMNS: [(&str, bool); 8] = [
    ("metric", false),
    ("videos", true),
    ("samples", true),
    ("networks", true),
    ("best epoch", true),
    ("training loss", true),
    ("file", false),
    ("bytes", true),
];

/// A line for each model; best epochs, from 1, are the least and the greatest of its networks, the loss is their mean.
pub(super) fn table(made: &[Made]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(COLUMNS.map(|(name, _)| name));
    for Made { metric, videos, samples, networks, file, bytes } in made {
        let epochs = networks.iter().map(|(epoch, _)| epoch + 1);
        let (least, most) = (epochs.clone().min().unwrap_or(0), epochs.max().unwrap_or(0));
        let loss = networks.iter().map(|(_, loss)| loss).sum::<f64>() / networks.len() as f64;
        table.add_row([
            metric.name().to_owned(),
            videos.to_string(),
            samples.to_string(),
            networks.len().to_string(),
            if least == most { least.to_string() } else { format!("{least}-{most}") },
            format!("{loss:.4}"),
            file.display().to_string(),
            bytes.to_string(),
        ]);
    }
    for (index, _) in COLUMNS.iter().enumerate().filter(|(_, (_, is_figure))| *is_figure) {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
