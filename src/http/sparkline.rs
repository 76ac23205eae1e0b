//! What a video gained hour by hour, as a small picture.

use maud::{Markup, html};

/// Hours that are shown.
pub(super) const HOURS: usize = 48;

const HEIGHT: f64 = 24.0;
/// A bar and the space after it.
const STEP: f64 = 3.0;
const BAR: f64 = 2.0;

/// Bars of `gains`, the newest hour last; `None` where nothing is known of an hour. The highest one fills the height.
pub(super) fn sparkline(gains: &[Option<i64>]) -> Markup {
    let known = gains.iter().flatten();
    let highest = known.clone().copied().max().unwrap_or(0).max(1) as f64;
    let said = format!(
        "views gained in each of the last {HOURS} hours, from {} to {}",
        super::figures::count(known.clone().copied().min().unwrap_or(0)),
        super::figures::count(known.copied().max().unwrap_or(0))
    );
    let width = STEP * HOURS as f64;
    let first = HOURS.saturating_sub(gains.len());
    let bars = gains.iter().enumerate().filter_map(|(hour, gain)| {
        let height = (HEIGHT * (*gain)?.max(0) as f64 / highest).max(0.5);
        Some((STEP * (first + hour) as f64, HEIGHT - height, height))
    });
    html! {
        svg.sparkline viewBox=(format!("0 0 {width} {HEIGHT}")) width=(width) height=(HEIGHT) role="img" aria-label=(said) {
            @for (x, y, height) in bars {
                rect x=(format!("{x:.0}")) y=(format!("{y:.1}")) width=(BAR) height=(format!("{height:.1}")) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_it_and_unknown_hours_have_none() {
        let svg = sparkline(&[Some(50), None, Some(-3), Some(100)]).into_string();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains(r#"x="132" y="12.0" width="2" height="12.0""#), "{svg}");
        assert!(svg.contains(r#"x="141" y="0.0" width="2" height="24.0""#), "{svg}");
        assert!(svg.contains("from -3 to 100"), "{svg}");
        assert_eq!(sparkline(&[]).into_string().matches("<rect").count(), 0);
    }
}
