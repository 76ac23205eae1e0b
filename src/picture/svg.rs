//! Elements of a picture as text. Coordinates are pixels from the top left, to a tenth.

use super::palette;

/// Fonts that the systems have.
const FONTS: &str = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// A picture in the making.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// Which end of a text is at its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) at: (f64, f64),
    pub(super) content: &'a str,
    pub(super) anchor: Anchor,
    pub(super) colour: &'a str,
    pub(super) size: f64,
    pub(super) is_bold: bool,
    /// Read from below.
    pub(super) is_upright: bool,
}

impl<'a> Text<'a> {
    /// Whose base line begins here.
    pub(super) fn at(x: f64, y: f64, content: &'a str) -> Self {
        let (anchor, colour, size) = (Anchor::Start, palette::BLACK, 12.0);
        Self { at: (x, y), content, anchor, colour, size, is_bold: false, is_upright: false }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke<'a> {
    pub(super) colour: &'a str,
    pub(super) width: f64,
    pub(super) is_dashed: bool,
}

impl<'a> Stroke<'a> {
    pub(super) const fn of(colour: &'a str, width: f64) -> Self {
        Self { colour, width, is_dashed: false }
    }

    fn attributes(&self) -> String {
        let dashes = if self.is_dashed { r#" stroke-dasharray="5 4""# } else { "" };
        format!(r#"stroke="{}" stroke-width="{}"{dashes}"#, self.colour, self.width)
    }
}

impl Svg {
    pub(super) fn text(&mut self, text: Text<'_>) {
        let (x, y) = text.at;
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = if text.is_bold { r#" font-weight="bold""# } else { "" };
        let turn = if text.is_upright { format!(r#" transform="rotate(-90 {x:.1} {y:.1})""#) } else { String::new() };
        self.put(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{}" fill="{}"{anchor}{weight}{turn}>{}</text>"#,
            text.size,
            text.colour,
            escaped(text.content)
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke<'_>) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(&format!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {}/>"#, stroke.attributes()));
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke<'_>) {
        let (points, stroke) = (places(points), stroke.attributes());
        self.put(&format!(r#"<polyline points="{points}" fill="none" stroke-linejoin="round" {stroke}/>"#));
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: &str) {
        self.put(&format!(r#"<polygon points="{}" fill="{fill}"/>"#, places(points)));
    }

    /// With a white rim, so that it stands out on what it covers.
    pub(super) fn mark(&mut self, points: &[(f64, f64)], fill: &str) {
        self.put(&format!(r#"<polygon points="{}" fill="{fill}" stroke="white" stroke-width="1"/>"#, places(points)));
    }

    /// Likewise.
    pub(super) fn disc(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        self.put(&format!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{fill}" stroke="white" stroke-width="1"/>"#
        ));
    }

    /// Elements that say `title` where a viewer points at them.
    pub(super) fn titled(&mut self, title: &str, draw: impl FnOnce(&mut Self)) {
        self.put(&format!("<g><title>{}</title>", escaped(title)));
        draw(self);
        self.put("</g>");
    }

    /// The picture, on white: a viewer's own ground may be dark.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (title, body) = (escaped(title), self.body);
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0}" viewBox="0 0 {width} {height:.0}" role="img" font-family="{FONTS}">
<title>{title}</title>
<rect width="100%" height="100%" fill="white"/>
{body}</svg>
"#
        )
    }

    fn put(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

fn places(points: &[(f64, f64)]) -> String {
    let place = |(x, y): &(f64, f64)| format!("{x:.1},{y:.1}");
    points.iter().map(place).collect::<Vec<_>>().join(" ")
}

/// Characters that XML has another meaning for, or none at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ if char.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(char),
        }
    }
    escaped
}
