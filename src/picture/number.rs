//! Numbers as people read them.

/// With so many significant digits at most and a unit: `950`, `12.3k`, `3.4M`, `1.2B`.
pub(crate) fn short(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    // First rounded: 999,960 is 1M and not 1000k.
    let place = 10_f64.powi(digits as i32 - 1 - value.abs().log10().floor() as i32);
    let rounded = if place.is_finite() && place > 0.0 { (value * place).round() / place } else { value };
    let (unit, name) = match rounded.abs() {
        1e9.. => (1e9, "B"),
        1e6.. => (1e6, "M"),
        1e3.. => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled = rounded / unit;
    let decimals = (digits as i32 - 1 - scaled.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{name}")
}

/// With a comma after every three digits: `46,068`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_digits() {
        let cases = [
            (0.0, "0"),
            (7.0, "7"),
            (950.0, "950"),
            (999.6, "1k"),
            (12_345.0, "12.3k"),
            (999_960.0, "1M"),
            (-3_400_000.0, "-3.4M"),
            (1_250_000_000.0, "1.25B"),
            (0.8549, "0.855"),
            (0.1, "0.1"),
            (100.0, "100"),
            (1e-7, "0.0000001"),
        ];
        for (value, shown) in cases {
            assert_eq!(short(value, 3), shown, "{value}");
        }
        assert_eq!(short(1.002, 4), "1.002");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 46_068, 1_234_567].map(grouped), ["0", "999", "1,000", "46,068", "1,234,567"]);
    }
}
