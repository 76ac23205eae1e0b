//! Colours and marks that are told apart, also by people who are colour-blind and in print.

use super::svg::{Stroke, Svg};

/// Text, axes, and what came to be.
pub(super) const BLACK: &str = "#1a1a1a";

/// Notes.
pub(super) const GREY: &str = "#5c5c5c";

/// What is not to be overlooked.
pub(super) const WARNING: &str = "#b34700";

/// The frame and the grid of a plot.
pub(super) const FRAME: &str = "#8c8c8c";
pub(super) const GRID: &str = "#e6e6e6";

/// A median, and the interval around it.
pub(super) const MEDIAN: &str = "#0072b2";
pub(super) const INTERVAL: &str = "#b5d7ef";

/// After Okabe and Ito, "Color Universal Design" (2008), without yellow, which white swallows.
const COLOURS: [&str; 7] = ["#6b6b6b", "#e69f00", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/// Corners of a mark around its middle, in radii; none is a disc.
const MARKS: [&[(f64, f64)]; 4] = [
    &[],
    &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    &[(0.0, -1.2), (1.2, 0.9), (-1.2, 0.9)],
    &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
];

/// The colour of the series of this index.
pub(super) fn colour(series: usize) -> &'static str {
    COLOURS[series % COLOURS.len()]
}

/// Draws the mark of the series of this index: with the colour it is one of 28.
pub(super) fn mark(svg: &mut Svg, (x, y): (f64, f64), series: usize) {
    const RADIUS: f64 = 4.5;
    match MARKS[series % MARKS.len()] {
        [] => svg.disc((x, y), RADIUS, colour(series)),
        corners => {
            let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + RADIUS * dx, y + RADIUS * dy)).collect();
            svg.mark(&corners, colour(series));
        }
    }
}

/// Draws a vertical line with ends.
pub(super) fn whisker(svg: &mut Svg, x: f64, [from, to]: [f64; 2], series: usize) {
    const END: f64 = 3.0;
    let stroke = Stroke::of(colour(series), 1.5);
    svg.line((x, from), (x, to), stroke);
    [from, to].into_iter().for_each(|y| svg.line((x - END, y), (x + END, y), stroke));
}
