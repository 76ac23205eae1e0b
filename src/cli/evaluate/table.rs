//! The scores as tables for people.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use super::{Row, Sample};

/// What says which line it is; always shown.
const KEYS: [&str; 3] = ["metric", "hours", "method"];

/// The figures of a line, those that say most first.
const FIGURES: [&str; 14] = [
    "relative error",
    "over naives",
    "coverage",
    "MAE",
    "skill",
    "95 % of videos",
    "worst video",
    "least coverage",
    "width",
    "direction",
    "R2",
    "RMSLE",
    "MSE",
    "origins",
];

/// What a column takes beside its text: a space on either side, and a line.
const COLUMN_FRAME: usize = 3;

/// All methods but networks of one seed alone, with as many figures as fit into so many columns of text; and those that do not.
pub(super) fn table(rows: &[Row], width_max: Option<usize>) -> (Table, &'static [&'static str]) {
    let rows = || rows.iter().filter(|row| row.seed.is_none());
    let lines: Vec<_> = rows().map(|row| (keys(row), figures(row))).collect();
    let widest = |name: &str, texts: &mut dyn Iterator<Item = &String>| {
        COLUMN_FRAME + texts.map(|text| text.chars().count()).fold(name.len(), usize::max)
    };
    let of_key = |at: usize| widest(KEYS[at], &mut lines.iter().map(|(keys, _)| &keys[at]));
    let mut width = 1 + (0..KEYS.len()).map(of_key).sum::<usize>();
    let fits = |at: &usize| {
        width += widest(FIGURES[*at], &mut lines.iter().map(|(_, figures)| &figures[*at]));
        width_max.is_none_or(|max| width <= max)
    };
    let (shown, left_out) = FIGURES.split_at((0..FIGURES.len()).take_while(fits).count());
    let mut table = empty(&[&KEYS[..], shown].concat());
    for (keys, figures) in lines {
        table.add_row(keys.iter().chain(&figures[..shown.len()]));
    }
    align(&mut table);
    (table, left_out)
}

fn keys(Row { sample, line, .. }: &Row) -> [String; KEYS.len()] {
    [line.metric.name().to_owned(), line.horizon_hours.to_string(), labelled(&line.method, *sample)]
}

/// In the order of [`FIGURES`].
fn figures(Row { line, .. }: &Row) -> [String; FIGURES.len()] {
    let scores = &line.scores;
    let ends =
        scores.relative_error_interval.map(|[low, high]| format!("{}-{}", figure(Some(low), 2), figure(Some(high), 2)));
    [
        figure(scores.relative_error, 3),
        figure(line.over_naive_blend, 3),
        figure(scores.coverage, 3),
        figure(scores.mae, 2),
        figure(scores.skill, 3),
        ends.unwrap_or_default(),
        figure(line.over_naive_blend_max, 2),
        figure(scores.coverage_min, 3),
        figure(scores.width, 1),
        figure(scores.directional_accuracy, 3),
        figure(scores.r2, 3),
        figure(scores.rmsle, 3),
        figure(scores.mse, 0),
        scores.origins.to_string(),
    ]
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

pub(super) fn labelled(method: &str, sample: Sample) -> String {
    match sample {
        Sample::OutOfSample => method.to_owned(),
        Sample::InSample => format!("{method} (in_sample)"),
    }
}

pub(super) fn empty(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

/// Numbers to the right; the third column names methods.
pub(super) fn align(table: &mut Table) {
    for (at, column) in table.column_iter_mut().enumerate() {
        if at == 1 || at >= KEYS.len() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Larger ones are read by their power of ten alone.
const PLAIN_BELOW: f64 = 1e7;

/// Empty where there is none.
fn figure(value: Option<f64>, digits: usize) -> String {
    match value {
        None => String::new(),
        Some(value) if value.abs() < PLAIN_BELOW => format!("{value:.digits$}"),
        Some(value) => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_whatever_they_are() {
        let shown = |value| figure(Some(value), 2);
        assert_eq!([0.0, -1.005, 9_999_999.0].map(shown), ["0.00", "-1.00", "9999999.00"]);
        assert_eq!([1e7, -5_690_226_190_030.58].map(shown), ["1.00e7", "-5.69e12"]);
        assert_eq!(figure(None, 2), "");
    }
}
