//! Pictures as what they are read by sees them: every element in its place, and every name there.

use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};
use viewtide_dataflows::video_id::VideoId;
use viewtide_models::evaluate::{Given, Method, NAIVE_BLEND, evaluate, fans};
use viewtide_models::score::Forecast;

use super::*;

const START: i64 = 1_750_000_000_000_000;

/// Videos that are polled every hour; `views` says by video and hour which count there is.
fn polled(videos: u64, hours: i64, views: impl Fn(u64, i64) -> Option<i64>) -> Videos {
    let mut polled = Videos::default();
    for (id, hour) in (0..videos).flat_map(|id| (0..hours).map(move |hour| (id, hour))) {
        let counts = [views(id, hour), Some(hour / 2), None].map(Nullable::from);
        polled.observe(VideoId(id << 4), Snapshot { time: START + hour * HOUR_US, counts });
    }
    polled
}

/// A method that forecasts `gain` everywhere.
fn method(name: &str, videos: &Videos, gain: f64) -> Method {
    let forecast = Forecast { gain, interval: Some([gain - 1.0, gain + 1.0]) };
    let origins = videos.iter().flat_map(|video| video.origins().map(move |time| (video.id, time)));
    let forecasts: Given = origins.map(|(id, time)| ((id, time, Metric::Views), [Some(forecast); 3])).collect();
    Method { name: name.to_owned(), forecasts, is_blended: true }
}

/// With the fans of the last of `methods`.
fn part(videos: &Videos, methods: &[Method], caveat: Option<&str>) -> Part {
    Part::new(videos, evaluate(videos, methods), fans(videos, methods.last(), VIDEOS_MAX), caveat)
}

fn drawn(videos: &Videos, methods: &[Method]) -> String {
    draw(&[part(videos, methods, None)])
}

/// Reads a picture strictly, and returns its texts. Every tag is closed by its own, every attribute is there once and quoted,
/// every character and reference is one of XML 1.0, and every coordinate lies in the picture.
fn texts(svg: &str) -> Vec<String> {
    let rest = svg.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    assert!(rest.chars().all(|char| char == '\n' || (char >= ' ' && !matches!(char, '\u{7f}'..='\u{9f}'))));
    let (mut open, mut texts, mut size) = (Vec::new(), Vec::new(), None);
    for piece in rest.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("a tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else {
            let (inner, is_closed) = tag.strip_suffix('/').map_or((tag, false), |inner| (inner, true));
            let (name, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            assert!(!open.is_empty() || name == "svg", "one root");
            let attributes = attributes_of(attributes);
            if name == "svg" {
                let side = |name: &str| attributes.iter().find(|(found, _)| *found == name).unwrap().1.parse().unwrap();
                size = Some([side("width"), side("height")]);
            }
            check_places(name, &attributes, size.unwrap());
            if !is_closed {
                open.push(name);
            }
        }
        let is_text = open.last().is_some_and(|name| ["text", "title"].contains(name));
        assert!(is_text || text.trim().is_empty(), "{text:?} in {open:?}");
        if is_text && !tag.starts_with('/') {
            texts.push(unescaped(text));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    texts
}

fn attributes_of(text: &str) -> Vec<(&str, &str)> {
    let (mut rest, mut attributes) = (text, Vec::<(&str, &str)>::new());
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("a value");
        let (value, after) = value.split_once('"').expect("a value ends");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
        assert!(
            !name.is_empty() && !value.contains('&') && attributes.iter().all(|(found, _)| *found != name),
            "{text}"
        );
        attributes.push((name, value));
        rest = after.strip_prefix(' ').unwrap_or(after);
        assert!(after.is_empty() || after.len() > rest.len(), "a space between attributes: {text}");
    }
    attributes
}

/// Whether all coordinates of an element are numbers in the picture.
fn check_places(element: &str, attributes: &[(&str, &str)], [width, height]: [f64; 2]) {
    for (name, value) in attributes {
        let check = |number: &str, end: f64| {
            let number: f64 = number.parse().unwrap_or_else(|_| panic!("<{element} {name}={value:?}>"));
            assert!((0.0..=end).contains(&number), "<{element} {name}={value:?}> in {width} x {height}");
        };
        match *name {
            "x" | "x1" | "x2" | "cx" => check(value, width),
            "y" | "y1" | "y2" | "cy" => check(value, height),
            "points" => value.split(' ').for_each(|point| {
                let (x, y) = point.split_once(',').expect("two coordinates");
                check(x, width);
                check(y, height);
            }),
            _ => {}
        }
    }
}

fn unescaped(text: &str) -> String {
    let references = text.matches('&').count();
    let known = ["&amp;", "&lt;", "&gt;"].map(|reference| text.matches(reference).count());
    assert_eq!(references, known.iter().sum::<usize>(), "{text}");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A count that rises by day and less by night, faster for videos with larger numbers.
fn lively(id: u64, hour: i64) -> Option<i64> {
    let days = hour as f64 / 24.0;
    let shape = days + 0.3 * (days * std::f64::consts::TAU).sin() + 0.02 * ((hour * hour) as f64).sin();
    Some((10_f64.powi(2 + id as i32 % 6) * (shape + 5.0)) as i64)
}

#[test]
fn every_method_and_every_video_is_named() {
    let videos = polled(8, 300, lively);
    let methods = [
        method("one & <two>", &videos, 40.0),
        method("\"bell\"\u{7}\u{ffff}", &videos, 1e9),
        method("长".repeat(200).as_str(), &videos, 0.0),
    ];
    let svg = drawn(&videos, &methods);
    let texts = texts(&svg);
    let names = [
        "blend of naives",
        "best naive forecast in hindsight",
        "one & <two>",
        "blend of one & <two> and naives",
        "\"bell\"\u{fffd}\u{fffd}",
        "blend of \"bell\"\u{fffd}\u{fffd} and naives",
    ];
    for name in names {
        assert!(
            texts.iter().filter(|text| *text == name).count() >= 2,
            "{name} stands in the legend, and as its title"
        );
    }
    assert!(
        texts.contains(&"长".repeat(200)) && texts.iter().any(|text| text.starts_with("长") && text.ends_with('…'))
    );
    let shown = fans(&videos, methods.last(), VIDEOS_MAX);
    assert_eq!(shown.videos.len(), VIDEOS_MAX);
    for video in &shown.videos {
        assert!(texts.contains(&video.id.to_string()), "{}", video.id);
    }
    assert!(texts.iter().any(|text| text.contains(&shown.method)));
    assert!(texts.contains(&"8 videos, 2,400 snapshots, 15 Jun 2025 to 28 Jun 2025 (UTC)".to_owned()), "{texts:?}");
}

#[test]
fn marks_lie_where_the_figures_are() {
    let videos = polled(1, 300, lively);
    let lines = evaluate(&videos, &[]);
    let svg = drawn(&videos, &[]);
    let blend = |hours: u32| {
        let is_it =
            |line: &&Line| line.metric == Metric::Views && line.horizon_hours == hours && line.method == NAIVE_BLEND;
        lines.iter().find(is_it).unwrap().scores.relative_error.unwrap()
    };
    // The height of the mark of a method is by its logarithm: three marks of one series on one line.
    let height = |hours: u32| -> f64 {
        let title = format!("<title>{NAIVE_BLEND}, views {hours} h ahead: {}", number::short(blend(hours), 3));
        let group = svg.split_once(&title).unwrap_or_else(|| panic!("{title}")).1.split_once("</g>").unwrap().0;
        let corners = group.split_once("<polygon points=\"").unwrap().1.split_once('"').unwrap().0;
        let ys: Vec<f64> =
            corners.split(' ').map(|corner| corner.split_once(',').unwrap().1.parse().unwrap()).collect();
        ys.iter().sum::<f64>() / ys.len() as f64
    };
    let [a, b, c] = HORIZONS.map(|hours| (blend(hours).ln(), height(hours)));
    let slope = |(from, y): (f64, f64), (to, z): (f64, f64)| (z - y) / (to - from);
    assert!((blend(1) / blend(24)).ln().abs() > 0.05, "a test of one place shows nothing");
    assert!(slope(a, c) < 0.0, "less is lower");
    let expected = a.1 + slope(a, c) * (b.0 - a.0);
    assert!((b.1 - expected).abs() < 0.3, "{a:?} {b:?} {c:?}");
}

const HORIZONS: [u32; 3] = viewtide_models::task::HORIZONS_HOURS;

#[test]
fn there_is_a_picture_of_whatever_there_is() {
    let cases: [(&str, Videos, &str); 7] = [
        ("no video", Videos::default(), "No forecast of a day has come to be known."),
        ("one snapshot", polled(1, 1, lively), "No video is active: there is no mean over them."),
        ("one video", polled(1, 200, lively), "860 at first, 100 a day"),
        ("constant counts", polled(2, 200, |_, _| Some(5)), "no active video"),
        ("all zero", polled(1, 200, |_, _| Some(0)), "0 at first, 0 a day"),
        ("a gap", polled(1, 300, |id, hour| lively(id, hour).filter(|_| !(250..270).contains(&hour))), "AAAAAAAAAAA"),
        ("the largest", polled(1, 200, |_, hour| Some(i64::MAX / 1_000 * (hour / 100))), "AAAAAAAAAAA"),
    ];
    for (name, videos, said) in cases {
        let svg = drawn(&videos, &[]);
        assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("inf,"), "{name}");
        let texts = texts(&svg);
        assert!(texts.iter().any(|text| text.contains(said)), "{name}: {texts:?}");
    }
}

/// The line of what came to be has a gap where the counts have one: the two forecasts before it lead into it and out of it.
#[test]
fn nothing_is_drawn_where_nothing_is_known() {
    let lines = |gap: std::ops::Range<i64>| {
        let videos = polled(1, 300, |id, hour| lively(id, hour).filter(|_| !gap.contains(&hour)));
        let fans = fans(&videos, None, VIDEOS_MAX).videos[0].fans.len();
        let svg = drawn(&videos, &[]);
        let black = format!("stroke=\"{}\"", palette::BLACK);
        (fans, svg.lines().filter(|line| line.starts_with("<polyline") && line.contains(&black)).count())
    };
    assert_eq!([lines(0..0), lines(231..239)], [(5, 5), (5, 7)]);
}

/// Each part says of which videos it is, and what is to be known of it.
#[test]
fn parts_stand_one_below_the_other() {
    let [few, many] = [3, 5].map(|videos| polled(videos, 200, lively));
    let parts = [part(&few, &[], None), part(&many, &[], Some("a caveat"))];
    let height = |parts: &[Part]| -> f64 {
        let svg = draw(parts);
        svg.split_once(" height=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap()
    };
    let texts = texts(&draw(&parts));
    let place =
        |begin: &str| texts.iter().position(|text| text.starts_with(begin)).unwrap_or_else(|| panic!("{begin}"));
    assert!(place("3 videos") < place("5 videos") && place("5 videos") < place("a caveat"), "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == "Error by horizon").count(), 2);
    assert!(height(&parts) > height(&parts[..1]) + height(&parts[1..]) - 120.0);
}
