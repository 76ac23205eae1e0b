//! A plot's frame: title, axes, grid.

use super::palette::{BLACK, FRAME, GREY, GRID};
use super::scale::Scale;
use super::svg::{Anchor, Area, Stroke, Svg, Text};

/// A plot before anything is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    /// Beside the title.
    pub(super) note: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
}

/// What is left of a plot, for labels, in pixels.
const PLOT_LEFT: f64 = 62.0;

/// The part of a panel that is plotted in.
pub(super) fn plot(panel: Area) -> Area {
    let (left, top, right, bottom) = (PLOT_LEFT, 26.0, 6.0, 42.0);
    Area {
        left: panel.left + left,
        top: panel.top + top,
        width: panel.width - left - right,
        height: panel.height - top - bottom,
    }
}

impl Panel<'_> {
    /// Draws what is around `plot`, and the grid in it: `y_ticks` are values, `x_ticks` places and what is written there.
    pub(super) fn draw(
        &self,
        svg: &mut Svg,
        plot: Area,
        y: &Scale,
        y_tick: fn(f64) -> String,
        x_ticks: &[(f64, String)],
    ) {
        let size = 13.0;
        svg.text(Text { size, is_bold: true, ..Text::at(plot.left - PLOT_LEFT, plot.top - 9.0, self.title) });
        svg.text(Text { anchor: Anchor::End, colour: GREY, ..Text::at(plot.right(), plot.top - 9.0, self.note) });
        for tick in y.ticks() {
            let place = y.at(tick);
            svg.line((plot.left, place), (plot.right(), place), Stroke::of(GRID, 1.0));
            let label = y_tick(tick);
            svg.text(Text { anchor: Anchor::End, ..Text::at(plot.left - 7.0, place + 4.0, &label) });
        }
        for (place, label) in x_ticks {
            svg.line((*place, plot.bottom()), (*place, plot.bottom() + 5.0), Stroke::of(FRAME, 1.0));
            svg.text(Text { anchor: Anchor::Middle, ..Text::at(*place, plot.bottom() + 18.0, label) });
        }
        let corner = (plot.left, plot.bottom());
        svg.polyline(&[(plot.left, plot.top), corner, (plot.right(), plot.bottom())], Stroke::of(FRAME, 1.0));
        let middle = (plot.left + plot.width / 2.0, plot.top + plot.height / 2.0);
        let label = |x, y, content| Text { anchor: Anchor::Middle, colour: BLACK, ..Text::at(x, y, content) };
        svg.text(label(middle.0, plot.bottom() + 36.0, self.x_label));
        svg.text(Text { is_upright: true, ..label(plot.left - 48.0, middle.1, self.y_label) });
    }
}
