//! Values to places on an axis, and its ticks.

/// Ticks of an axis, at most about so many.
const TICKS: f64 = 6.0;

/// A logarithmic axis that ends below this many times its start has ticks at equal steps too.
const EVEN_RATIO_MAX: f64 = 8.0;

/// Maps values from `ends` to places from `places`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    ends: [f64; 2],
    places: [f64; 2],
    is_log: bool,
}

impl Scale {
    /// `ends` are finite and rise, or are equal: then the axis reaches half a unit further on both sides.
    pub(crate) fn linear([low, high]: [f64; 2], places: [f64; 2]) -> Self {
        let ends = if high > low { [low, high] } else { [low - 0.5, low + 0.5] };
        Self { ends, places, is_log: false }
    }

    /// `ends` are above 0 too; an axis of less than a tenth reaches further on both sides.
    pub(crate) fn log([low, high]: [f64; 2], places: [f64; 2]) -> Self {
        const WIDEN: f64 = 1.05;
        let ends = if high / low >= WIDEN * WIDEN { [low, high] } else { [low / WIDEN, high * WIDEN] };
        Self { ends, places, is_log: true }
    }

    /// Where `value` is.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let place = |value: f64| if self.is_log { value.ln() } else { value };
        let [low, high] = self.ends.map(place);
        let [from, to] = self.places;
        from + (place(value) - low) / (high - low) * (to - from)
    }

    /// Round values between the ends.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.ends;
        if self.is_log && high / low > EVEN_RATIO_MAX { decade_ticks(low, high) } else { even_ticks(low, high) }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    (0..=TICKS as i32).map(|count| (first + f64::from(count)) * step).take_while(|tick| *tick <= high).collect()
}

/// 1, 2 and 5 times every power of ten; over many of them, some of the powers alone.
fn decade_ticks(low: f64, high: f64) -> Vec<f64> {
    let [from, to] = [low.log10().floor() as i32, high.log10().ceil() as i32];
    let times: &[f64] = if f64::from(to - from) <= TICKS / 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let stride = ((to - from) as usize).div_ceil(TICKS as usize).max(1);
    let ticks = (from..=to).step_by(stride).flat_map(|power| times.iter().map(move |times| times * 10_f64.powi(power)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * a.abs().max(1.0)
    }

    #[test]
    fn ends_and_middles_are_where_they_belong() {
        let linear = Scale::linear([10.0, 30.0], [100.0, 0.0]);
        assert_eq!([10.0, 20.0, 30.0].map(|value| linear.at(value)), [100.0, 50.0, 0.0]);
        let log = Scale::log([0.1, 10.0], [0.0, 100.0]);
        assert!([(0.1, 0.0), (1.0, 50.0), (10.0, 100.0)].iter().all(|(value, place)| near(log.at(*value), *place)));
        // A constant is in the middle.
        assert_eq!(Scale::linear([7.0, 7.0], [0.0, 10.0]).at(7.0), 5.0);
        assert!(near(Scale::log([0.9, 0.9], [0.0, 10.0]).at(0.9), 5.0));
    }

    #[test]
    fn ticks_are_round_and_between_the_ends() {
        let ticks = |scale: Scale| scale.ticks();
        assert_eq!(ticks(Scale::linear([0.0, 1_234.0], [0.0, 1.0])), [0.0, 500.0, 1_000.0]);
        assert_eq!(ticks(Scale::linear([-3.0, 3.0], [0.0, 1.0])), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        let expected = [0.6, 0.8, 1.0, 1.2];
        let found = ticks(Scale::log([0.55, 1.3], [0.0, 1.0]));
        assert!(found.len() == 4 && found.iter().zip(expected).all(|(a, b)| near(*a, b)), "{found:?}");
        let found = ticks(Scale::log([0.5, 30.0], [0.0, 1.0]));
        assert!(found.len() == 6 && found.iter().zip([0.5, 1.0, 2.0, 5.0, 10.0, 20.0]).all(|(a, b)| near(*a, b)));
        for ends in [[1e-9, 1.0], [0.7, 2_000.0], [1e-3, 1e12]] {
            let found = ticks(Scale::log(ends, [0.0, 1.0]));
            assert!((2..=8).contains(&found.len()), "{ends:?}: {found:?}");
        }
    }
}
