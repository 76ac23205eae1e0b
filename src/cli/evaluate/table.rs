//! The scores as tables for people.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use super::{Row, Sample};

const HEADER: [&str; 17] = [
    "metric",
    "hours",
    "method",
    "relative error",
    "95 % of videos",
    "over naives",
    "worst video",
    "skill",
    "MAE",
    "MSE",
    "RMSLE",
    "R2",
    "direction",
    "coverage",
    "least",
    "width",
    "origins",
];

/// All methods but networks of one seed alone.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = empty(&HEADER);
    for Row { sample, line, .. } in rows.iter().filter(|row| row.seed.is_none()) {
        let scores = &line.scores;
        let ends = scores.relative_error_interval.map(|[low, high]| format!("{low:.2}-{high:.2}"));
        table.add_row([
            line.metric.name().to_owned(),
            line.horizon_hours.to_string(),
            labelled(&line.method, *sample),
            figure(scores.relative_error, 3),
            ends.unwrap_or_default(),
            figure(line.over_naive_blend, 3),
            figure(line.over_naive_blend_max, 2),
            figure(scores.skill, 3),
            figure(scores.mae, 2),
            figure(scores.mse, 0),
            figure(scores.rmsle, 3),
            figure(scores.r2, 3),
            figure(scores.directional_accuracy, 3),
            figure(scores.coverage, 3),
            figure(scores.coverage_min, 3),
            figure(scores.width, 1),
            scores.origins.to_string(),
        ]);
    }
    align(&mut table);
    table
}

/// What networks of single seeds reach, from the best to the worst; `None` where none were trained.
pub(super) fn seeds_table(rows: &[Row]) -> Option<Table> {
    let mut by_method = BTreeMap::<_, Vec<f64>>::new();
    for Row { sample, seed, line } in rows {
        if let (Some(seed), Some(error)) = (seed, line.scores.relative_error) {
            let method = line.method.replace(&super::networks::seed_suffix(*seed), "");
            let key = (line.metric, line.horizon_hours, labelled(&method, *sample));
            by_method.entry(key).or_default().push(error);
        }
    }
    if by_method.is_empty() {
        return None;
    }
    let mut table = empty(&["metric", "hours", "method, one seed alone", "best seed", "worst seed", "seeds"]);
    for ((metric, hours, method), errors) in by_method {
        let ends = [f64::min, f64::max].map(|end| errors.iter().copied().reduce(end));
        let [best, worst] = ends.map(|error| figure(error, 3));
        table.add_row([metric.name().to_owned(), hours.to_string(), method, best, worst, errors.len().to_string()]);
    }
    align(&mut table);
    Some(table)
}

fn labelled(method: &str, sample: Sample) -> String {
    match sample {
        Sample::OutOfSample => method.to_owned(),
        Sample::InSample => format!("{method} (in_sample)"),
    }
}

fn empty(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

/// Numbers to the right; the third column names methods.
fn align(table: &mut Table) {
    for column in (1..HEADER.len()).filter(|column| *column != 2) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Empty where there is none.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}
