//! The models of the stack that viewtide replaces, rebuilt on what is evaluated.

use std::sync::atomic::AtomicBool;

use comfy_table::Table;
use serde::Serialize;
use viewtide_models::evaluate::Method;
use viewtide_models::old_stack::{Claim, OldStackError, OwnScore, forest_method, lstm_methods, own_scores};
use viewtide_models::task::Videos;

use super::Sample;
use super::table::{align, empty, labelled};

/// Any will do; a fixed one makes the same figures every time.
const SEED: u64 = 1;

/// The models rebuilt.
#[derive(Debug)]
pub(super) struct OldStack {
    /// As forecasters like any other.
    pub(super) methods: Vec<Method>,
    /// Their errors as the old stack counted them.
    pub(super) own_rows: Vec<OwnRow>,
}

/// A line of the table of the old stack's own figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OwnRow {
    sample: Sample,
    #[serde(flatten)]
    score: OwnScore,
}

impl OldStack {
    /// Trains the models on `videos`, of which the networks that are scored beside them saw what `sample` says.
    pub(super) fn rebuild(
        videos: &Videos,
        sample: Sample,
        threads: usize,
        stop: &AtomicBool,
    ) -> Result<Self, OldStackError> {
        let mut methods = Vec::from(lstm_methods(videos, SEED, threads, stop)?);
        methods.push(forest_method(videos, SEED)?);
        let own_scores = own_scores(videos, SEED, threads, stop)?;
        Ok(Self { methods, own_rows: own_scores.into_iter().map(|score| OwnRow { sample, score }).collect() })
    }
}

/// The errors of the old stack's models as it counted them, beside what it said of itself; `None` where they were not rebuilt.
pub(super) fn own_table(own_rows: &[OwnRow]) -> Option<Table> {
    if own_rows.is_empty() {
        return None;
    }
    let mut table =
        empty(&["metric", "ahead", "old stack, as it counted", "claimed MAE", "claimed MSE", "MAE", "MSE", "R2"]);
    for OwnRow { sample, score } in own_rows {
        let claimed = |of: fn(&Claim) -> f64| score.claimed.as_ref().map(of);
        table.add_row([
            score.metric.name().to_owned(),
            "1 snapshot".to_owned(),
            labelled(score.model, *sample),
            short(claimed(|claim| claim.mae)),
            short(claimed(|claim| claim.mse)),
            short(score.mae),
            short(score.mse),
            short(score.r2),
        ]);
    }
    align(&mut table);
    Some(table)
}

/// With so many digits that errors of counts and of parts of 1 can be read; empty where there is none.
fn short(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.5}"),
    }
}

#[cfg(test)]
mod tests {
    use viewtide_models::task::Metric;

    use super::*;

    #[test]
    fn claims_stand_beside_figures_and_there_is_no_text_where_there_is_none() {
        let nothing = OldStack::rebuild(&Videos::default(), Sample::OutOfSample, 2, &AtomicBool::new(false)).unwrap();
        let metrics: Vec<Metric> = nothing.own_rows.iter().map(|row| row.score.metric).collect();
        assert_eq!(metrics, Metric::ALL.map(|metric| [metric; 2]).concat());
        let mut likes = nothing.own_rows[2].clone();
        (likes.score.mae, likes.score.mse) = (Some(0.012_345_6), Some(123_456.7));
        let shown = own_table(&[likes]).expect("a table").to_string();
        let cells: Vec<&str> = shown.lines().nth(3).expect("a row").split(['│', '┆']).map(str::trim).collect();
        let model = "LSTM, counts scaled to 0 to 1";
        assert_eq!(cells, ["", "likes", "1 snapshot", model, "0.03000", "0.00200", "0.01235", "123457", "", ""]);
        assert!(own_table(&[]).is_none());
    }
}
