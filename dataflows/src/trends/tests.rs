//! Trends with numbers worked out by hand, and random histories against the definition.

use proptest::prelude::*;
use proptest::sample::select;

use super::oracle::trend;
use super::*;
use crate::snapshot::Nullable;

const MINUTE_US: i64 = HOUR_US / 60;
const DAY_US: i64 = 24 * HOUR_US;
/// The start of an hour.
const T0: EventTime = 1_750_000_000 / 3_600 * HOUR_US;
const VIDEO: VideoId = VideoId(7);

fn of(points: &[(i64, Option<i64>)]) -> Option<TrendRow> {
    let mut history = History::default();
    for &(time, views) in points {
        history.upsert(Snapshot { time: T0 + time, counts: [views.into(), Nullable::some(1), Nullable::NULL] });
    }
    TrendRow::of(VIDEO, &history)
}

/// (gained, per hour, acceleration) of each window, which are to be exactly these.
fn check(points: &[(i64, Option<i64>)], as_of: i64, label: Option<Label>, windows: [(i64, f64, Option<f64>); 4]) {
    let row = of(points).expect("there is a trend");
    let windows =
        windows.map(|(gained, per_hour, acceleration)| TrendWindow { gained, per_hour: Some(per_hour), acceleration });
    assert_eq!(row, TrendRow { video: VIDEO, as_of: T0 + as_of, label, windows });
}

#[test]
fn a_video_polled_once_a_day_gains_a_24th_of_it_in_an_hour() {
    // 2,400 on the first day and 4,800 on the second.
    let points = [(0, Some(10_000)), (DAY_US, Some(12_400)), (2 * DAY_US, Some(17_200))];
    check(
        &points,
        2 * DAY_US,
        // The day's two halves are one line: as fast as each other.
        Some(Label::Steady),
        [
            (200, 200.0, Some(0.0)),
            (1_200, 200.0, Some(0.0)),
            (4_800, 200.0, Some(0.0)),
            // The history is 48 hours long.
            (7_200, 150.0, None),
        ],
    );
}

#[test]
fn windows_lie_between_their_neighbours_whatever_the_gap() {
    // 100 an hour for 8 days, then 500 in half an hour.
    let line = 8 * 24;
    let points = [(0, Some(0)), (line * HOUR_US, Some(19_200)), (line * HOUR_US + 30 * MINUTE_US, Some(19_700))];
    check(
        &points,
        line * HOUR_US + 30 * MINUTE_US,
        Some(Label::Spiking),
        [
            // y(as_of - 1 h) = 19,150: 550 in an hour, 500 of it in the second half.
            (550, 550.0, Some(500.0 / 0.5 - 50.0 / 0.5)),
            (1_050, 175.0, Some(750.0 / 3.0 - 300.0 / 3.0)),
            (2_850, 118.75, Some(1_650.0 / 12.0 - 1_200.0 / 12.0)),
            (17_250, 17_250.0 / 168.0, Some(8_850.0 / 84.0 - 8_400.0 / 84.0)),
        ],
    );
}

#[test]
fn a_single_snapshot_has_gained_nothing_and_no_speed() {
    let window = TrendWindow { gained: 0, per_hour: None, acceleration: None };
    let row = Some(TrendRow { video: VIDEO, as_of: T0, label: None, windows: [window; 4] });
    assert_eq!(of(&[(0, Some(5))]), row);
    // Without a view count a snapshot is none to the trend, but for its time.
    assert_eq!(of(&[(-HOUR_US, None), (0, Some(5)), (30 * HOUR_US, None)]), row);
    assert_eq!(of(&[(-HOUR_US, None), (0, Some(5)), (30 * HOUR_US + 1, None)]), None);
    assert_eq!(of(&[(0, None)]), None);
    assert_eq!(of(&[]), None);
}

#[test]
fn gains_are_rounded_half_to_even_and_may_be_negative() {
    // y(as_of - 1 h) lies half-way: 0.5, 1.5, 2.5 gained, and lost.
    for (views, gained) in [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (-5, -2)] {
        let row = of(&[(-2 * HOUR_US, Some(10)), (0, Some(10 + views))]).expect("there is a trend");
        assert_eq!(row.windows[0].gained, gained, "{views} in two hours");
        assert_eq!(row.windows[0].per_hour, Some(views as f64 / 2.0));
        assert_eq!(
            row.windows[1],
            TrendWindow { gained: views, per_hour: Some(views as f64 / 2.0), acceleration: None }
        );
    }
}

#[test]
fn labels_are_read_off_the_columns() {
    let label = |of_hour: (i64, f64), per_hour, acceleration| {
        let window = |gained, per_hour, acceleration| TrendWindow { gained, per_hour: Some(per_hour), acceleration };
        let day = window(0, per_hour, acceleration);
        Label::of(&[window(of_hour.0, of_hour.1, Some(0.0)), TrendWindow::default(), day, TrendWindow::default()])
    };
    assert_eq!(label((100, 100.0), 10.0, None), None);
    assert_eq!(label((100, 30.0), 10.0, Some(9.0)), Some(Label::Spiking));
    assert_eq!(label((99, 30.0), 10.0, Some(9.0)), Some(Label::Rising));
    assert_eq!(label((100, 29.9), 10.0, Some(1.1)), Some(Label::Rising));
    assert_eq!(label((100, 29.9), 10.0, Some(1.0)), Some(Label::Steady));
    assert_eq!(label((100, 29.9), 10.0, Some(-1.0)), Some(Label::Steady));
    assert_eq!(label((100, 29.9), 10.0, Some(-1.1)), Some(Label::Falling));
    // Who loses views is judged by how fast it does.
    assert_eq!(label((-10, -10.0), -10.0, Some(0.9)), Some(Label::Steady));
    assert_eq!(label((-10, -10.0), -10.0, Some(1.1)), Some(Label::Rising));
    // And 0 is 3 times 0, but nothing was gained.
    assert_eq!(label((0, 0.0), 0.0, Some(0.0)), Some(Label::Steady));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn agrees_with_the_definition(
        steps in prop::collection::vec(
            (
                select(vec![10 * MINUTE_US, HOUR_US / 2, HOUR_US, 7_654_321_987, DAY_US, 8 * DAY_US]),
                prop_oneof![1 => Just(-1i64), 3 => 0..2_000i64, 1 => 0..1_000_000_000_000i64],
            ),
            1..60,
        ),
    ) {
        let mut time = 0;
        let point = |&(step, views): &(i64, i64)| {
            time += step;
            (time, (views >= 0).then_some(views))
        };
        let points: Vec<_> = steps.iter().map(point).collect();
        let shifted: Vec<_> = points.iter().map(|&(time, views)| (T0 + time, views)).collect();
        prop_assert_eq!(of(&points), trend(VIDEO, &shifted));
    }
}
