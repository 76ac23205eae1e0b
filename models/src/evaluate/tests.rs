//! Evaluation as a whole: what leaks, what is learned and when, and what comes of bad input.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};

use super::replay::{Replayed, replay};
use super::*;
use crate::naive::Naive;
use crate::task::{Video, Videos};

const START: EventTime = 1_700_000_000_000_000;

/// A video that is polled every hour, with these counts.
fn polled(id: u64, counts: impl IntoIterator<Item = [Option<i64>; 3]>) -> Videos {
    let mut videos = Videos::default();
    for (hour, counts) in counts.into_iter().enumerate() {
        let time = START + hour as i64 * HOUR_US;
        videos.observe(VideoId(id), Snapshot { time, counts: counts.map(Nullable::from) });
    }
    videos
}

/// Hourly gains of views: a decay, a day's ups and downs, and noise.
fn gains(seed: u64, hours: usize) -> Vec<i64> {
    let mut rng = StdRng::seed_from_u64(seed);
    let gain = |hour: usize| {
        let day = 1.0 + 0.8 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let level = 20_000.0 / (20.0 + hour as f64) * day;
        (level * rng.random_range(0.8..1.2)) as i64
    };
    (0..hours).map(gain).collect()
}

fn counts(gains: &[i64]) -> Vec<[Option<i64>; 3]> {
    let mut views = 1_000;
    let count = |gain: &i64| {
        views += gain;
        [Some(views), Some(views / 20), Some(views / 300)]
    };
    gains.iter().map(count).collect()
}

fn only(videos: &Videos) -> &Video {
    videos.iter().next().expect("one video")
}

fn all(video: &Video, network: Option<&Given>) -> Vec<Replayed> {
    let mut issued = Vec::new();
    replay(0, video, network, &mut |replayed| issued.push(replayed));
    issued
}

fn line<'a>(lines: &'a [Line], metric: Metric, hours: u32, method: &str) -> &'a Line {
    let is_it = |line: &&Line| line.metric == metric && line.horizon_hours == hours && line.method == method;
    lines.iter().find(is_it).expect("the line is there")
}

/// No leak: whatever comes after an origin, what is issued there is the same bit for bit.
#[test]
fn what_comes_after_an_origin_changes_nothing_there() {
    let counts = counts(&gains(1, 300));
    let known = polled(7, counts.clone());
    let before = all(only(&known), None);
    for changed_after in [30, 77, 200, 298] {
        let mut rng = StdRng::seed_from_u64(changed_after as u64);
        let mut other = counts.clone();
        for counts in &mut other[changed_after + 1..] {
            *counts = [(); 3].map(|()| rng.random_bool(0.8).then(|| rng.random_range(0..1_000_000)));
        }
        let changed = polled(7, other);
        let until = START + changed_after as i64 * HOUR_US;
        let bits = |replayed: &Replayed| {
            let [low, high] = replayed.issued.interval;
            let key = (replayed.target.issued_at, replayed.metric, replayed.horizon);
            (key, [replayed.issued.gain, low, high].map(f64::to_bits))
        };
        let known = |issued: &[Replayed]| -> Vec<_> {
            issued.iter().filter(|replayed| replayed.target.issued_at <= until).map(bits).collect()
        };
        let after = all(only(&changed), None);
        assert_eq!(known(&before), known(&after), "{changed_after}");
        assert!(known(&before).len() >= 9 * (changed_after - 20));
        assert_ne!(before.iter().map(bits).collect::<Vec<_>>(), after.iter().map(bits).collect::<Vec<_>>());
    }
}

/// With its hours in another order a past says no more of the future than a constant does.
#[test]
fn a_shuffled_future_shows_no_skill() {
    let explained = |shuffled: bool| {
        let mut rng = StdRng::seed_from_u64(5);
        let mut videos = Videos::default();
        for id in 0..6 {
            let mut gains = gains(id, 900);
            if shuffled {
                gains.shuffle(&mut rng);
            }
            for (hour, counts) in counts(&gains).into_iter().enumerate() {
                let time = START + hour as i64 * HOUR_US;
                videos.observe(VideoId(id), Snapshot { time, counts: counts.map(Nullable::from) });
            }
        }
        let lines = evaluate(&videos, &[]);
        HORIZONS_HOURS.map(|hours| line(&lines, Metric::Views, hours, NAIVE_BLEND).scores.r2.unwrap())
    };
    let (ordered, shuffled) = (explained(false), explained(true));
    assert!(ordered.iter().all(|r2| *r2 > 0.5), "{ordered:?}");
    assert!(shuffled.iter().all(|r2| *r2 < 0.02), "{shuffled:?}");
}

/// What comes of a forecast is learned once it is known and no earlier: before the first day is over, the blend for a day ahead
/// weighs its members as at the start.
#[test]
fn nothing_is_learned_before_it_is_known() {
    let videos = polled(7, counts(&gains(3, 120)));
    let even = |replayed: &Replayed| {
        let members: Vec<f64> = crate::blend::NAIVE_MEMBERS
            .iter()
            .map(|naive| replayed.past.gain(*naive, HORIZONS_HOURS[replayed.horizon]).unwrap().asinh())
            .collect();
        let mean = (members.iter().sum::<f64>() / members.len() as f64).sinh();
        (replayed.issued.gain - mean).abs() < 1e-6 * mean.abs().max(1.0)
    };
    let hour = |replayed: &Replayed| (replayed.target.issued_at - START) / HOUR_US;
    let day_ahead: Vec<_> = all(only(&videos), None)
        .into_iter()
        .filter(|replayed| replayed.metric == Metric::Views && replayed.horizon == 2)
        .collect();
    // The first forecast is that of the first snapshot but one; it comes true a day later.
    let [known, not_known]: [Vec<_>; 2] = [false, true]
        .map(|early| day_ahead.iter().filter(|replayed| (hour(replayed) < 25) == early).map(even).collect());
    assert!(not_known.len() == 5 && not_known.iter().all(|even| *even), "{not_known:?}");
    assert!(known.len() > 50 && known.iter().filter(|even| **even).count() < 5, "{known:?}");
}

/// A network that knows is listened to, and one that talks nonsense is not.
#[test]
fn a_given_method_is_scored_and_blended_by_what_it_is_worth() {
    let videos = polled(7, counts(&gains(9, 600)));
    let method = |name: &str, of: &dyn Fn(f64) -> f64| {
        let mut forecasts = Given::new();
        for replayed in all(only(&videos), None) {
            let said = of(replayed.target.gain.unwrap_or(0.0));
            let forecast = Forecast { gain: said, interval: Some([said - 1.0, said + 1.0]) };
            let of_origin =
                forecasts.entry((VideoId(7), replayed.target.issued_at, replayed.metric)).or_insert([None; 3]);
            of_origin[replayed.horizon] = Some(forecast);
        }
        Method { name: name.to_owned(), forecasts, is_blended: true }
    };
    let methods = [method("seer", &|gain| gain), method("fool", &|gain| 40.0 * gain + 500.0)];
    let lines = evaluate(&videos, &methods);
    for hours in HORIZONS_HOURS {
        let scores = |name: &str| line(&lines, Metric::Views, hours, name).scores.clone();
        let error = |name: &str| scores(name).relative_error.unwrap();
        assert!(error("seer") < 1e-6 && error("fool") > 5.0);
        assert_eq!(scores("seer").coverage, Some(1.0));
        assert!(error("blend of seer and naives") < 0.3 * error(NAIVE_BLEND));
        // A day ahead the first day is forecast by the prior.
        assert!(hours > 1 || error("blend of fool and naives") < 1.5 * error(NAIVE_BLEND));
    }
}

/// Never a NaN, whatever is in the files.
#[test]
fn bad_input_gives_figures_or_none() {
    let steady = |hour: i64| [Some(1_000 + 50 * hour), Some(20 + hour), Some(hour / 4)];
    let with = |change: &dyn Fn(i64, [Option<i64>; 3]) -> Option<[Option<i64>; 3]>| {
        let mut videos = Videos::default();
        for hour in 0..250 {
            if let Some(counts) = change(hour, steady(hour)) {
                let time = START + hour * HOUR_US;
                videos.observe(VideoId(7), Snapshot { time, counts: counts.map(Nullable::from) });
            }
        }
        videos
    };
    let cases: [(&str, Videos, bool); 11] = [
        ("empty", Videos::default(), false),
        ("one snapshot", polled(7, [steady(0)]), false),
        ("too few steps", polled(7, (0..20).map(steady)), false),
        ("steady", with(&|_, counts| Some(counts)), true),
        ("all equal", with(&|_, _| Some(steady(3))), true),
        ("all zero", with(&|_, _| Some([Some(0); 3])), true),
        ("falling", with(&|hour, _| Some(steady(250 - hour))), true),
        ("gaps", with(&|hour, counts| (hour % 90 < 60).then_some(counts)), true),
        ("missing likes", with(&|_, [views, _, comments]| Some([views, None, comments])), true),
        (
            "reset to 0",
            with(&|hour, counts| {
                Some(if hour < 120 {
                    counts
                } else {
                    steady(hour - 120).map(|count| count.map(|count| count - 1_000 * i64::from(count >= 1_000)))
                })
            }),
            true,
        ),
        (
            "a jump",
            with(&|hour, counts| Some(if hour < 120 { [Some(0); 3] } else { counts.map(|_| Some(1_000_000_000_000)) })),
            true,
        ),
    ];
    for (name, videos, is_scored) in cases {
        let lines = evaluate(&videos, &[]);
        assert_eq!(lines.len(), 9 * (Naive::ALL.len() + 1));
        assert_eq!(lines.iter().any(|line| line.scores.origins > 0), is_scored, "{name}");
        for line in &lines {
            assert!(!format!("{line:?}").to_lowercase().contains("nan"), "{name}: {line:?}");
            assert!(!format!("{line:?}").contains("inf"), "{name}: {line:?}");
        }
        for replayed in videos.iter().flat_map(|video| all(video, None)) {
            let counts = replayed.issued.counts(replayed.target.base);
            let least = if replayed.metric == Metric::Views { replayed.target.base as i64 } else { 0 };
            assert!(least <= counts.low && counts.low <= counts.median && counts.median <= counts.high, "{name}");
        }
    }
}

/// The hour of a time, counted from the first snapshot.
fn hour_of(time: EventTime) -> usize {
    ((time - START) / HOUR_US) as usize
}

/// Fans are what was issued, a day apart, the last one that came to be known among them, beside the counts that were polled.
#[test]
fn fans_are_what_was_issued_and_what_came_of_it() {
    let counts = counts(&gains(1, 300));
    let videos = polled(7, counts.clone());
    let method = {
        let forecast = Forecast { gain: 9.0, interval: Some([6.0, 14.0]) };
        let origins = all(only(&videos), None);
        let origins = origins.iter().map(|replayed| (VideoId(7), replayed.target.issued_at, replayed.metric));
        Method {
            name: "nine".to_owned(),
            forecasts: origins.map(|at| (at, [Some(forecast); 3])).collect(),
            is_blended: true,
        }
    };
    for (method, name) in [(None, NAIVE_BLEND), (Some(&method), "blend of nine and naives")] {
        let shown = fans(&videos, method, 6);
        assert_eq!((shown.method.as_str(), shown.videos.len()), (name, 1));
        let video = &shown.videos[0];
        let hours: Vec<usize> = video.fans.iter().map(|fan| hour_of(fan.issued_at)).collect();
        // The count of the 300th hour is the last one.
        assert_eq!(hours, [275 - 96, 275 - 72, 275 - 48, 275 - 24, 275]);
        let issued = all(only(&videos), method.map(|method| &method.forecasts));
        for (fan, hour) in video.fans.iter().zip(hours) {
            assert_eq!(fan.base, counts[hour][0].unwrap() as f64);
            let of_fan = issued
                .iter()
                .filter(|replayed| replayed.metric == Metric::Views && replayed.target.issued_at == fan.issued_at);
            let of_fan: Vec<_> = of_fan.map(|replayed| replayed.issued.counts(fan.base)).collect();
            assert_eq!(of_fan, fan.forecasts);
            let actual: Vec<_> = fan.actual.iter().map(|count| count.map(|count| count as i64)).collect();
            assert_eq!(actual, counts[hour..=hour + 24].iter().map(|counts| counts[0]).collect::<Vec<_>>());
        }
    }
}

/// Where nothing was polled nothing is drawn, and no forecast was issued.
#[test]
fn fans_leave_gaps_where_the_counts_have_some() {
    let counts = counts(&gains(1, 300)).into_iter().enumerate();
    let is_gap = |hour: usize| (220..250).contains(&hour);
    let videos = polled(7, counts.map(|(hour, counts)| if is_gap(hour) { [None; 3] } else { counts }));
    let shown = fans(&videos, None, 6);
    let video = &shown.videos[0];
    let hours: Vec<usize> = video.fans.iter().map(|fan| hour_of(fan.issued_at)).collect();
    // Twenty hours after the gap forecasts are scored again: the last one of the day before hour 275 is out of reach.
    assert_eq!(hours, [275 - 96, 275 - 72, 219, 275]);
    for (fan, hour) in video.fans.iter().zip(hours) {
        let missing: Vec<bool> = fan.actual.iter().map(Option::is_none).collect();
        assert_eq!(missing, (hour..=hour + 24).map(is_gap).collect::<Vec<_>>());
    }
}

/// From the video that gains most to the one that gains least, and none on which nothing happens while there are others.
#[test]
fn fans_are_of_videos_large_and_small() {
    let grow = |videos: &mut Videos, id: u64, gain: i64| {
        for hour in 0..250 {
            let counts = [Some(1_000 + gain * hour), Some(0), Some(0)].map(Nullable::from);
            videos.observe(VideoId(id << 4), Snapshot { time: START + hour * HOUR_US, counts });
        }
    };
    let shown = |videos: &Videos, videos_max: usize| -> Vec<(u64, f64)> {
        fans(videos, None, videos_max).videos.iter().map(|video| (video.id.0 >> 4, video.day_gain)).collect()
    };
    let mut videos = Videos::default();
    assert_eq!(shown(&videos, 6), []);
    [1, 2].into_iter().for_each(|id| grow(&mut videos, id, 0));
    assert_eq!(shown(&videos, 6), [(1, 0.0), (2, 0.0)], "where nothing happens anywhere, they are shown");
    [30, 90, 10, 70, 50, 20, 100, 40, 80, 60].into_iter().for_each(|gain| grow(&mut videos, gain as u64, gain));
    let day = |gain: u64| (gain, 24.0 * gain as f64);
    assert_eq!(shown(&videos, 6), [100, 90, 70, 50, 30, 10].map(day));
    assert_eq!(shown(&videos, 1), [day(100)]);
    assert_eq!(shown(&videos, 0), []);
    assert_eq!(shown(&videos, 20).len(), 10);
}
