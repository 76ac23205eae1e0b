//! How far from its base a network's word is taken.

use serde::{Deserialize, Serialize};

use super::LstmError;
use super::architecture::{HORIZONS, QUANTILES};
use crate::samples::Samples;

/// The share of known targets on either side that may lie beyond the bounds: single leaps out of quiet, which nobody foresees.
const BEYOND: f64 = 0.001;

/// What lies between a forecast and its base at least and at most, in asinh, for each horizon.
///
/// A network is a smooth function of what it was trained on and may be anything elsewhere: on an input unlike all of those
/// one was seen to say e^22 times the usual gain. Nothing that it can have learned is beyond what it saw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds([[f32; 2]; HORIZONS]);

impl Bounds {
    /// What the known targets of `samples` are from their base, but for one in a thousand on either side; 0 where there are
    /// none.
    pub fn of(samples: &Samples) -> Self {
        Self(std::array::from_fn(|horizon| {
            let all = samples.target.iter().zip(&samples.base).skip(horizon).step_by(HORIZONS);
            let mut known: Vec<f32> = all.map(|(target, base)| target - base).filter(|gap| !gap.is_nan()).collect();
            known.sort_unstable_by(f32::total_cmp);
            let beyond = (known.len() as f64 * BEYOND) as usize;
            match known.get(beyond).zip(known.get(known.len().wrapping_sub(1 + beyond))) {
                Some((least, most)) => [*least, *most],
                None => [0.0; 2],
            }
        }))
    }

    /// Takes forecasts [n, HORIZONS, QUANTILES] to where the bounds end; `base` is [n, HORIZONS]. NaN stays NaN.
    pub(super) fn apply(&self, base: &[f32], forecasts: &mut [f32]) {
        let of_horizons = forecasts.as_chunks_mut::<QUANTILES>().0.iter_mut().zip(base);
        for ((forecast, base), [least, most]) in of_horizons.zip(self.0.iter().cycle()) {
            forecast.iter_mut().for_each(|value| *value = value.clamp(base + least, base + most));
        }
    }

    /// # Errors
    /// [`LstmError::Bounds`] for what is no interval of numbers.
    pub fn check(&self) -> Result<(), LstmError> {
        let is_interval = |[least, most]: &[f32; 2]| least <= most && least.is_finite() && most.is_finite();
        if self.0.iter().all(is_interval) { Ok(()) } else { Err(LstmError::Bounds(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_lies_beyond() {
        let mut samples = Samples::default();
        for gap in 0..1_000 {
            samples.base.extend([5.0, 7.0, 9.0]);
            samples.target.extend([5.0 + gap as f32, 7.0 - gap as f32, f32::NAN]);
        }
        let bounds = Bounds::of(&samples);
        assert_eq!(bounds, Bounds([[1.0, 998.0], [-998.0, -1.0], [0.0; 2]]));
        let mut forecasts = [0.0, 7.0, 2_000.0, -2_000.0, -3.0, 7.0, f32::NAN, 1.0, 10.0];
        bounds.apply(&[5.0, 7.0, 9.0], &mut forecasts);
        assert!(forecasts[6].is_nan());
        assert_eq!(forecasts[..6], [6.0, 7.0, 1_003.0, -991.0, -3.0, 6.0]);
        assert_eq!(forecasts[7..], [9.0; 2]);
        assert_eq!(Bounds::of(&Samples::default()), Bounds([[0.0; 2]; HORIZONS]));
    }

    #[test]
    fn only_intervals_are_bounds() {
        assert!(Bounds([[0.0, 0.0], [-1.0, 1.0], [2.0, 3.0]]).check().is_ok());
        for wrong in [[1.0, 0.0], [f32::NAN, 1.0], [0.0, f32::INFINITY]] {
            assert!(Bounds([[0.0; 2], wrong, [0.0; 2]]).check().is_err(), "{wrong:?}");
        }
    }
}
