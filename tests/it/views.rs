//! Pages of videos, channels, categories, of what is looked for and of forecasts, beside what stands in the tables.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::pages::{POLLS, address, get, send_polls, until_ready};
use crate::harness::postgres::Database;
use crate::harness::process::{Process, viewtide};
use crate::harness::wait_for;
use crate::scenario::{DEADLINE, Input, rows_of, run_args, topic_of};

const SNAPSHOTS: usize = 4_000;

/// A run that has read real snapshots, and polls of videos whose titles are no plain words.
struct Shown {
    database: Database,
    run: Process,
    address: String,
}

impl Shown {
    fn start() -> Self {
        let topic = topic_of("views", 2, &rows_of("tracked_dense.csv.gz")[..SNAPSHOTS]);
        let database = Database::fresh();
        let flags = ["--http", "0", "--forecasts", "all", "-w", "2"];
        let mut run = viewtide(run_args(&Input::Topic(topic.clone()), &database, &flags));
        let address = address(&mut run);
        until_ready(&address);
        send_polls(&topic);
        let shown = Self { database, run, address };
        wait_for("all of it", DEADLINE, || {
            (shown.json("/api/overview")["now"]["records"] == SNAPSHOTS as u64 + POLLS).then_some(())
        });
        shown
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&get(&self.address, path).1).expect("JSON")
    }

    /// The one document of JSON that `sql` gives.
    fn stored(&self, sql: &str) -> Value {
        serde_json::from_str(&self.database.value(&format!("SELECT ({sql})::text"))).expect("JSON")
    }

    fn status(&self, path: &str) -> String {
        get(&self.address, path).0.split(' ').nth(1).expect("a status").to_owned()
    }

    fn stop(self) {
        self.run.signal(Signal::SIGTERM);
        self.run.wait(DEADLINE).expect_code(0);
    }
}

/// Both are the same, but for how doubles and whole numbers are written.
fn assert_same(shown: &Value, stored: &Value, what: &str) {
    match (shown, stored) {
        (Value::Number(a), Value::Number(b)) => assert_eq!(a.as_f64(), b.as_f64(), "{what}"),
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{what}: {shown}\n{stored}");
            a.iter().zip(b).enumerate().for_each(|(place, (a, b))| assert_same(a, b, &format!("{what}[{place}]")));
        }
        _ => assert_eq!(shown, stored, "{what}"),
    }
}

#[test]
fn pages_show_what_stands_in_the_tables_of_videos_channels_and_what_is_looked_for() {
    let shown = Shown::start();
    videos(&shown);
    channels(&shown);
    searches(&shown);
    forecasts(&shown);
    for (path, status) in [
        ("/video?id=nope", "404"),
        ("/channel?id=nope", "404"),
        ("/category?id=nope", "404"),
        ("/video", "400"),
        ("/video?id=x&metric=shares", "400"),
        ("/forecasts?span=8d", "400"),
        ("/live/video", "400"),
        ("/nowhere", "404"),
        ("/forecasts?metric=comments&basis=short&span=7d", "200"),
    ] {
        assert_eq!(shown.status(path), status, "{path}");
    }
    let wrong = get(&shown.address, "/forecasts?span=8d").1;
    assert!(
        wrong.contains("unknown variant `8d`, expected `total` or `7d`") && !wrong.contains("data-live"),
        "{wrong}"
    );
    shown.stop();
}

fn videos(shown: &Shown) {
    // The one with most snapshots, and its newest one.
    let id =
        shown.database.value("SELECT video_id FROM video_stats_processed GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1");
    for metric in ["views", "likes", "comments"] {
        let found = shown.json(&format!("/api/video?id={id}&metric={metric}"));
        let gained = shown.stored(&format!(
            "SELECT json_agg(total_{metric}_gained ORDER BY hour_start) FROM (
                 SELECT *, max(hour_start) OVER () AS newest FROM hourly_aggregations WHERE video_id = '{id}') AS hours
             WHERE newest - hour_start < interval '7 days'"
        ));
        let hours: Value =
            found["hours"].as_array().expect("hours").iter().map(|hour| hour["gained"].clone()).collect();
        assert_same(&hours, &gained, metric);
        // What came of the newest forecast whose outcome of a day is known, and what each member said of that.
        let known = shown.stored(&format!(
            "SELECT json_build_array(base_{metric}, predicted_{metric}, predicted_{metric}_low, predicted_{metric}_high,
                        actual_{metric}, members_{metric})
             FROM predictions WHERE video_id = '{id}' AND horizon_hours = 24 AND actual_{metric} IS NOT NULL
             ORDER BY issued_at DESC LIMIT 1"
        ));
        let fan = &found["fans"][0];
        let day = &fan["horizons"][2];
        let row = [&fan["base"], &day["predicted"], &day["low"], &day["high"], &day["actual"], &day["members"]];
        assert_same(&row.into_iter().cloned().collect(), &known, metric);
        errors_of_members(shown, &id, metric, &found["scores"]);
    }
    assert!(get(&shown.address, &format!("/video?id={id}")).1.contains("Members of the blend"));
    one_snapshot(shown);
}

/// Every mean error, each from rows of its own.
fn errors_of_members(shown: &Shown, id: &str, metric: &str, scores: &Value) {
    let scores = scores.as_array().expect("scores");
    assert_eq!(scores.len(), 3 * 12, "{metric}");
    for score in scores {
        let (member, hours) = (&score["member"], &score["horizon_hours"]);
        let said = format!(
            "coalesce(members_{metric}[{member}], CASE WHEN {member} = 12 THEN predicted_{metric} - base_{metric} END)"
        );
        let stored = shown.stored(&format!(
            "SELECT json_build_array(count({said}), avg(abs({said}::double precision - (actual_{metric} - base_{metric}))))
             FROM predictions JOIN (SELECT max(issued_at) AS newest FROM predictions WHERE video_id = '{id}') AS last ON true
             WHERE video_id = '{id}' AND horizon_hours = {hours} AND {metric}_has_20_steps AND actual_{metric} IS NOT NULL
                   AND newest - issued_at < interval '7 days'"
        ));
        assert_eq!(score["forecasts"], stored[0], "{metric} {member} {hours}");
        let [shown, stored] = [&score["mae"], &stored[1]].map(|mae| mae.as_f64().expect("a mean"));
        // Sums of doubles in another order.
        assert!((shown - stored).abs() <= 1e-9 * stored.abs(), "{metric} {member} {hours}: {shown} and {stored}");
    }
}

/// A video with a single snapshot, which has no likes.
fn one_snapshot(shown: &Shown) {
    let found = shown.json("/api/video?id=AAAAAAAAAAU&metric=likes");
    assert_eq!((&found["newest"]["views"], &found["newest"]["likes"]), (&3.into(), &Value::Null));
    assert_eq!(found["snapshots"].as_array().map(Vec::len), Some(1));
    let page = get(&shown.address, "/video?id=AAAAAAAAAAU&metric=likes").1;
    for words in ["alone", "not given; ", "No hour has gains yet.", "No likes of it have been forecast."] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

fn channels(shown: &Shown) {
    // All the videos with titles of their own are of this one.
    let found = shown.json("/api/channel?id=UCAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!((&found["title"], &found["videos"]), (&"<b>channel</b>".into(), &6.into()));
    let gained = shown.stored("SELECT json_agg(views_gained ORDER BY hour_start) FROM channel_hourly");
    let hours: Value =
        found["hours"].as_array().expect("hours").iter().map(|hour| hour["views_gained"].clone()).collect();
    assert_same(&hours, &gained, "hours");
    let last_day: i64 = hours.as_array().expect("hours").iter().rev().take(24).filter_map(Value::as_i64).sum();
    assert_eq!(found["views_gained_24h"], last_day);
    let best = shown.stored(
        "SELECT json_agg(json_build_array(video_id, outlier_score) ORDER BY outlier_score DESC NULLS LAST, views_gained_24h DESC)
         FROM video_trends WHERE channel_id IS NOT NULL",
    );
    let videos = found["best"].as_array().expect("videos").iter();
    assert_same(
        &videos.map(|video| serde_json::json!([video["video_id"], video["outlier_score"]])).collect(),
        &best,
        "best",
    );
    assert!(best[0][1].as_f64().expect("a score") > 100.0);
    let page = get(&shown.address, "/channel?id=UCAAAAAAAAAAAAAAAAAAAAAA").1;
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(page.contains("&lt;script&gt;alert('1')&lt;/script&gt;") && !page.contains("<b>"), "{page}");
}

fn searches(shown: &Shown) {
    for (query, found) in [
        ("plain", 1),
        ("PLAIN+channel", 1),
        ("%22quoted%22", 1),
        ("%3Cscript%3E", 1),
        ("%E3%82%BF%E3%82%A4%E3%83%88%E3%83%AB", 1),
        ("%F0%9F%8E%AC", 1),
        ("channel", 6),
        ("AAAAAAAAAAU", 1),
        ("https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3DAAAAAAAAAAU%26t%3D1s", 1),
        ("UCAAAAAAAAAAAAAAAAAAAAAA", 6),
        // Signs that LIKE has another meaning for.
        ("%25", 0),
        ("p_ain", 0),
        ("plain%5C", 0),
        ("plain+nothing", 0),
        ("", 0),
        ("%00", 0),
    ] {
        let answer = shown.json(&format!("/api/search?q={query}"));
        assert_eq!(
            (&answer["found"], answer["videos"].as_array().map(Vec::len)),
            (&found.into(), Some(found)),
            "{query}"
        );
    }
    // One of which nothing but its counts is known.
    let id =
        shown.database.value("SELECT min(video_id) FROM trends WHERE video_id NOT IN (SELECT video_id FROM videos)");
    assert_eq!(shown.json(&format!("/api/search?q={id}"))["videos"][0]["video_id"], id);
    let page = get(&shown.address, "/search?q=%3Cscript%3E").1;
    assert!(page.contains("<h1><bdi>Search: &lt;script&gt;</bdi></h1>"), "{page}");
}

fn forecasts(shown: &Shown) {
    for (metric, basis, span) in [("views", "full", "total"), ("likes", "full", "7d"), ("comments", "short", "total")] {
        let found = shown.json(&format!("/api/forecasts?metric={metric}&basis={basis}&span={span}"));
        let stored = shown.stored(&format!(
            "SELECT json_agg(json_build_array(model, horizon_hours, n, mae, rmse, mase, mape, r2, directional_accuracy, interval_coverage)
                        ORDER BY horizon_hours, mae, model)
             FROM forecast_scores WHERE metric = '{metric}' AND basis = '{basis}' AND span = '{span}'"
        ));
        let columns = [
            "method",
            "horizon_hours",
            "forecasts",
            "mae",
            "rmse",
            "mase",
            "mape",
            "r2",
            "directional_accuracy",
            "interval_coverage",
        ];
        let scores = found["scores"].as_array().expect("scores").iter();
        let scores: Value =
            scores.map(|score| columns.map(|column| score[column].clone()).into_iter().collect::<Value>()).collect();
        assert!(stored.as_array().is_some_and(|rows| rows.len() >= 6), "{metric} {basis}: {stored}");
        assert_same(&scores, &stored, metric);
    }
    let page = get(&shown.address, "/forecasts").1;
    let coverage = "SELECT to_char(100 * interval_coverage, 'FM990.0') FROM forecast_scores
                    WHERE model = 'issued' AND metric = 'views' AND basis = 'full' AND span = 'total' AND horizon_hours = 24";
    assert!(page.contains(&format!("<dd>{} %", shown.database.value(coverage))), "{page}");
}
