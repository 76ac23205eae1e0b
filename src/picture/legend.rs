//! Which mark stands for what.

use super::svg::{Svg, Text};

/// Sizes, in pixels. No font that is asked for has wider letters on average; those of other scripts fill a square.
const SIZE: f64 = 13.0;
const LETTER: f64 = 0.6 * SIZE;
const ROW: f64 = 22.0;
const SAMPLE: f64 = 34.0;
const GAP: f64 = 24.0;

type DrawMark = dyn Fn(&mut Svg, [f64; 2], f64);

/// A mark and its name.
pub(super) struct Key {
    pub(super) name: String,
    /// Draws the mark between two places, which are level.
    pub(super) sample: Box<DrawMark>,
}

/// Draws `keys` in as many rows as they need; returns how far down they reach.
pub(super) fn legend(svg: &mut Svg, left: f64, top: f64, width: f64, keys: &[Key]) -> f64 {
    let (mut x, mut y) = (left, top);
    for key in keys {
        let name = shortened(&key.name, width - SAMPLE);
        let key_width = SAMPLE + text_width(&name);
        if x > left && x + key_width > left + width {
            (x, y) = (left, y + ROW);
        }
        svg.titled(&key.name, |svg| {
            (key.sample)(svg, [x, x + SAMPLE - 8.0], y - 4.5);
            svg.text(Text { size: SIZE, ..Text::at(x + SAMPLE, y, &name) });
        });
        x += key_width + GAP;
    }
    y + ROW / 2.0
}

/// As much of `text` as has room.
fn shortened(text: &str, width: f64) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let mut shortened = String::new();
    let mut left = width - LETTER;
    for char in text.chars() {
        left -= char_width(char);
        if left < 0.0 {
            break;
        }
        shortened.push(char);
    }
    shortened.push('…');
    shortened
}

fn text_width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

fn char_width(char: char) -> f64 {
    if char.is_ascii() { LETTER } else { SIZE }
}
