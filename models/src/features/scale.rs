//! The scale of all features.
//!
//! Written out in operations that every processor rounds alike, where a library's logarithm may differ between two of them in the
//! last bit; and without a branch, so that a loop over steps becomes vector instructions.

/// asinh(4 x `rate`), for rates below 1e150.
#[inline(always)]
pub(super) fn scaled(rate: f64) -> f64 {
    asinh(4.0 * rate)
}

/// The area hyperbolic sine, within 1e-15 or 2e-12 of it, for numbers below 1e150.
#[inline(always)]
pub(super) fn asinh(number: f64) -> f64 {
    let magnitude = number.abs();
    ln(magnitude + (magnitude * magnitude + 1.0).sqrt()).copysign(number)
}

/// ln(1 + `number`), for numbers from 0 to 1e300.
pub(super) fn ln_1p(number: f64) -> f64 {
    ln(1.0 + number)
}

/// Bits of a double below its exponent.
const FRACTION_BITS: u32 = 52;

/// 2^52: a double of this exponent holds an integer in its fraction.
const INTEGERS: f64 = (1_u64 << FRACTION_BITS) as f64;

/// The natural logarithm of a number that is at least 1 and finite.
#[inline(always)]
fn ln(number: f64) -> f64 {
    // number = mantissa x 2^exponent, with a mantissa from sqrt(1/2) to sqrt(2).
    let above = number.to_bits() - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let exponent = above >> FRACTION_BITS;
    let mantissa = f64::from_bits(number.to_bits() - (exponent << FRACTION_BITS));
    let exponent = f64::from_bits(INTEGERS.to_bits() | exponent) - INTEGERS;
    // ln m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ..); here s^2 is below 0.0295, and what is left out below 2e-12 of the sum.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = [11.0, 9.0, 7.0, 5.0, 3.0, 1.0].iter().fold(1.0 / 13.0, |sum, odd| sum * square + 1.0 / odd);
    2.0 * s * series + exponent * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_librarys_asinh_and_logarithm() {
        assert_eq!((asinh(0.0), ln_1p(0.0)), (0.0, 0.0));
        let mut number = 1e-12_f64;
        while number < 1e13 {
            let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-15 + 2e-12 * expected.abs();
            assert!(near(asinh(number), number.asinh()), "{number}");
            assert!(near(asinh(-number), -number.asinh()), "-{number}");
            assert!(near(ln_1p(number), (1.0 + number).ln()), "{number}");
            assert_eq!(scaled(number), asinh(4.0 * number));
            number *= 1.003;
        }
    }
}
