//! Counts and growth rates as 0 to 1, and back.

use super::sequences::{INPUTS, Row, Sequence, Window};
use crate::task::Metric;

/// The least and the largest values of some rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scaler {
    min: Row,
    /// 1 where all values are the same.
    range: Row,
}

impl Scaler {
    /// Fitted on all rows of `sequences`, of which there is at least one.
    pub(super) fn fit(sequences: &[Sequence]) -> Self {
        let rows = || sequences.iter().flat_map(|sequence| sequence.window.iter().chain([&sequence.next]));
        let column = |input: usize| rows().map(move |row| row[input]);
        let min: Row = std::array::from_fn(|input| column(input).fold(f64::INFINITY, f64::min));
        let max: Row = std::array::from_fn(|input| column(input).fold(f64::NEG_INFINITY, f64::max));
        let range = std::array::from_fn(|input| if max[input] > min[input] { max[input] - min[input] } else { 1.0 });
        Self { min, range }
    }

    /// The values of `window`, scaled, row after row.
    pub(super) fn scale_window<'a>(&'a self, window: &'a Window) -> impl Iterator<Item = f32> + 'a {
        window.iter().flat_map(|row| (0..INPUTS).map(|input| self.scale(input, row[input]) as f32))
    }

    /// The count of `metric` in `row`, scaled.
    pub(super) fn scale_count(&self, metric: Metric, row: &Row) -> f32 {
        self.scale(metric as usize, row[metric as usize]) as f32
    }

    /// The count of `metric` that `scaled` stands for.
    pub(super) fn count(&self, metric: Metric, scaled: f32) -> f64 {
        self.min[metric as usize] + f64::from(scaled) * self.range[metric as usize]
    }

    fn scale(&self, input: usize, value: f64) -> f64 {
        (value - self.min[input]) / self.range[input]
    }
}
