//! Files of forecasts: what is read, and what is refused with which words.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use viewtide_dataflows::snapshot::{HOUR_US, Nullable, Snapshot};
use viewtide_models::evaluate::{Line, evaluate};

use super::*;

const HEADER: &str = "video_id,issued_at,metric,horizon_hours,gain";
const VIDEO: &str = "dQw4w9WgXcQ";
/// 2023-11-14T22:00:00Z.
const START: EventTime = 1_699_999_200_000_000;

fn read_text(text: &str) -> anyhow::Result<(Given, LeftOut)> {
    read(text.as_bytes(), |video, time| video == VIDEO.parse().unwrap() && time % HOUR_US == 0)
}

fn refused(text: &str) -> String {
    format!("{:#}", read_text(text).unwrap_err())
}

/// A video that is polled every hour and gains now more and now less.
fn videos() -> Videos {
    let mut videos = Videos::default();
    for hour in 0..200 {
        let views = 1_000 + 40 * hour + hour * hour % 37;
        let counts = [views, views / 4, views / 9].map(Nullable::some);
        videos.observe(VIDEO.parse().unwrap(), Snapshot { time: START + hour * HOUR_US, counts });
    }
    videos
}

fn written(content: &[u8]) -> (tempfile::NamedTempFile, ForecastsFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let named = ForecastsFile::parse(&format!("mine={}", file.path().display())).unwrap();
    (file, named)
}

#[test]
fn forecasts_are_read_by_the_names_of_columns() {
    let (given, left_out) = read_text(
        "high,gain,note,horizon_hours,metric,issued_at,video_id,low\n\
         30,12.5,a,6,likes,2023-11-14T22:00:00Z,dQw4w9WgXcQ,-1e1\n\
         ,-3,b,24,likes,2023-11-14T23:00:00.000000+01:00,dQw4w9WgXcQ,\n\
         9,8,c,1,views,2023-11-14T22:00:00Z,dQw4w9WgXcQ,7\n",
    )
    .unwrap();
    assert_eq!(left_out, LeftOut::default());
    let key = |metric| (VIDEO.parse().unwrap(), START, metric);
    let likes = [None, Some(Forecast { gain: 12.5, interval: Some([-10.0, 30.0]) }), Some(Forecast::of(-3.0))];
    let views = [Some(Forecast { gain: 8.0, interval: Some([7.0, 9.0]) }), None, None];
    assert_eq!(given, Given::from([(key(Metric::Likes), likes), (key(Metric::Views), views)]));
}

#[test]
fn forecasts_of_what_is_no_origin_are_counted() {
    let text = format!(
        "{HEADER}\n{VIDEO},2023-11-14T22:00:00Z,views,1,5\naaaaaaaaaaA,2023-11-14T22:00:00Z,views,1,5\n\n\
         {VIDEO},2023-11-14T22:00:00.000001Z,views,1,5\n"
    );
    let (given, left_out) = read_text(&text).unwrap();
    assert_eq!((given.len(), left_out), (1, LeftOut { rows: 2, first_line: 3 }));
}

#[test]
fn a_bad_row_is_refused_with_its_line() {
    let good = format!("{VIDEO},2023-11-14T22:00:00Z,views,1,5");
    for (row, words) in [
        ("dQw4w9WgXc,2023-11-14T22:00:00Z,views,1,5", "video_id dQw4w9WgXc: a video id has 11 characters"),
        ("dQw4w9WgXcQ,yesterday,views,1,5", "issued_at: timestamp yesterday: "),
        ("dQw4w9WgXcQ,2023-11-14T23:00:00Z,viewCount,1,5", "metric viewCount: it is views, likes or comments"),
        ("dQw4w9WgXcQ,2023-11-14T23:00:00Z,views,2,5", "horizon_hours 2: it is 1, 6 or 24"),
        ("dQw4w9WgXcQ,2023-11-14T23:00:00Z,views,1,NaN", "gain NaN: it is a finite number"),
        ("dQw4w9WgXcQ,2023-11-14T23:00:00Z,views,1,", "gain : it is a finite number"),
        ("dQw4w9WgXcQ,2023-11-14T23:00:00Z,views,1", "the row has 4 fields, and the header 5"),
        (&good, "was given before"),
    ] {
        let error = refused(&format!("{HEADER}\n{good}\n{row}\n"));
        assert!(error.starts_with("line 3: ") && error.contains(words), "{row}: {error}");
    }
    for (row, words) in [
        ("7,", "low and high: both are given, or neither"),
        ("7,6", "low 7 is above high 6"),
        ("7,inf", "high inf: it is a finite number"),
    ] {
        let error = refused(&format!("{HEADER},low,high\n{good},{row}\n"));
        assert!(error.starts_with("line 2: ") && error.contains(words), "{row}: {error}");
    }
}

#[test]
fn a_header_that_lacks_a_column_is_refused() {
    for (header, words) in [
        ("", "it is empty; a header with video_id, issued_at, metric, horizon_hours, gain is needed"),
        ("video_id,issued_at,metric,gain", "it has no column horizon_hours; "),
        ("video_id,issued_at,metric,horizon_hours,gain,low", "only one of the columns low and high"),
        ("video_id,issued_at,metric,horizon_hours,gain,gain", "the column gain is there twice"),
        ("video_id,issued_at,metric,horizon_hours,gain,low,high,low", "the column low is there twice"),
    ] {
        let error = refused(header);
        assert!(error.contains(words), "{header}: {error}");
    }
}

#[test]
fn a_name_and_a_file_are_given_apart() {
    let parsed = ForecastsFile::parse("Trees of leaves=a=b.csv").unwrap();
    assert_eq!((parsed.name.as_str(), parsed.path.as_str()), ("Trees of leaves", "a=b.csv"));
    for (text, words) in [
        ("forecasts.csv", "write a name"),
        ("=forecasts.csv", "empty"),
        ("Trees=", "empty"),
        ("last value=forecasts.csv", "choose another name"),
        ("blend of naives=forecasts.csv", "choose another name"),
    ] {
        let error = ForecastsFile::parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
    let twice = [parsed.clone(), parsed];
    assert!(read_all(&twice, &Videos::default()).unwrap_err().to_string().contains("two files Trees of leaves"));
}

/// What says the same as a naive forecast has the same scores, in every figure; where it says nothing it has none.
#[test]
fn a_file_is_scored_as_any_method() {
    let videos = videos();
    let mut text = format!("{HEADER}\n");
    for hour in 0..200 {
        let time = jiff::Timestamp::from_microsecond(START + hour * HOUR_US).unwrap();
        for (metric, hours) in [("views", 1), ("views", 24), ("likes", 6)] {
            writeln!(text, "{VIDEO},{time},{metric},{hours},0").unwrap();
        }
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    for content in [text.into_bytes(), packed.finish().unwrap()] {
        let (_file, named) = written(&content);
        let lines = evaluate(&videos, &read_all(&[named], &videos).unwrap());
        let of = |method: &str| -> Vec<&Line> { lines.iter().filter(|line| line.method == method).collect() };
        let (mine, naive) = (of("mine"), of(Naive::LastValue.name()));
        assert_eq!((mine.len(), naive.len(), lines.len()), (9, 9, 9 * (Naive::ALL.len() + 2)));
        for (mine, naive) in mine.into_iter().zip(naive) {
            match (mine.metric, mine.horizon_hours) {
                (Metric::Views, 1 | 24) | (Metric::Likes, 6) => {
                    assert!(mine.scores.origins > 100 && mine.scores.relative_error.is_some());
                    assert_eq!(mine.scores, naive.scores);
                }
                _ => assert_eq!((mine.scores.origins, mine.scores.mae), (0, None)),
            }
        }
    }
}

#[test]
fn an_error_names_the_file_and_the_line() {
    let (file, named) = written(format!("{HEADER}\n{VIDEO},2023-11-14T22:00:00Z,views,1,many\n").as_bytes());
    let path = file.path().display().to_string();
    let error = format!("{:#}", named.read(&videos()).unwrap_err());
    assert_eq!(
        error,
        format!("cannot read the forecasts of mine from {path}: line 2: gain many: it is a finite number")
    );
    drop(file);
    let error = format!("{:#}", named.read(&videos()).unwrap_err());
    assert!(error.contains(&path) && error.contains("No such file"), "{error}");
}
