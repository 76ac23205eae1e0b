//! What is known of videos: whenever it comes, from wherever, and whatever is killed meanwhile, the roll-ups are the sums over
//! the videos that a channel or category has now.

use std::fmt::Write as _;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::kafka::{self, Message};
use crate::harness::postgres::{Database, with_client};
use crate::harness::process::viewtide;
use crate::harness::wait_for;
use crate::scenario::{
    DEADLINE, Input, Row, SIZES, Size, Tables, assert_verified, data_file, rows_of, run_args, run_to_end, send, tables,
    verify, write_csv,
};

const ONE: Size = Size { workers: 1, processes: 1 };
const TWO: Size = Size { workers: 2, processes: 1 };

/// A topic of snapshots and one of videos.
pub struct Topics {
    pub snapshots: String,
    pub videos: String,
}

impl Topics {
    pub fn fresh() -> Self {
        let kafka = kafka::shared();
        Self { snapshots: kafka.fresh_topic("snapshots", 4), videos: kafka.fresh_topic("videos", 2) }
    }

    pub fn input(&self) -> Input {
        Input::WithVideosTopic(Box::new(Input::Topic(self.snapshots.clone())), self.videos.clone())
    }

    /// Says that each video is in this channel and category.
    pub fn say(&self, words: &[(&str, &str, &str)]) {
        let value = |(video, channel, category): &(&str, &str, &str)| {
            format!(
                r#"{{"video_id":"{video}","title":"of {channel}","channel_id":"{channel}","category_id":"{category}"}}"#
            )
        };
        let values: Vec<String> = words.iter().map(value).collect();
        kafka::shared().produce(
            &self.videos,
            words.iter().zip(&values).map(|((video, ..), value)| Message {
                key: Some(video.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            }),
        );
    }
}

/// A table that nobody else can write to, until this value is dropped.
struct Locked {
    release: Option<Sender<()>>,
    holder: Option<JoinHandle<()>>,
}

impl Locked {
    fn table(database: &Database, table: &str) -> Self {
        let (release, released) = channel::<()>();
        let (lock, locked) = channel();
        let (url, sql) = (database.url(), format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE"));
        let holder = std::thread::spawn(move || {
            with_client(&url, async |client| {
                client.batch_execute(&sql).await?;
                lock.send(()).expect("the test waits");
                // An error is the end of the test.
                let _ = released.recv();
                client.batch_execute("ROLLBACK").await
            })
            .expect("a lock");
        });
        locked.recv().expect("the holder locks");
        Self { release: Some(release), holder: Some(holder) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.release.take());
        self.holder.take().map(JoinHandle::join);
    }
}

/// Three videos over 13 days: more than memory holds.
fn rows() -> Vec<Row> {
    rows_of("sample_10min.csv")
}

const VIDEOS: [&str; 3] = ["eeMTs8R3tOY", "jKlA7wS3SkE", "qK9k2J-ZkGU"];

fn in_two_channels() -> [(&'static str, &'static str, &'static str); 3] {
    let [one, two, three] = VIDEOS;
    [(one, "UC-one", "10"), (two, "UC-one", "24"), (three, "UC-two", "10")]
}

fn rollups(tables: &Tables) -> Vec<&(String, String)> {
    ["channel_hourly", "category_hourly", "total_hourly"].iter().map(|table| &tables[table]).collect()
}

#[test]
fn metadata_before_between_and_after_the_snapshots_is_the_same() {
    let rows = rows();
    let half = rows.len() / 2;
    let mut expected: Option<Tables> = None;
    // What is said before the first half, between the two, and after them.
    for when in 0..3 {
        let (topics, database) = (Topics::fresh(), Database::fresh());
        for (part, rows) in [&rows[..half], &rows[half..], &[]].into_iter().enumerate() {
            if part == when {
                topics.say(&in_two_channels());
            }
            send(&topics.snapshots, rows);
            run_to_end(&topics.input(), &database, SIZES[(part + when) % SIZES.len()], &[]);
            assert_verified(&database, &topics.input());
        }
        let found = tables(&database);
        assert_eq!(
            found["channel_hourly"].0,
            database.value("SELECT count(*) FROM channel_hourly WHERE total_records > 0")
        );
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "said at {when}");
    }
}

#[test]
fn a_video_takes_its_hours_along_also_those_long_out_of_memory() {
    let (topics, database) = (Topics::fresh(), Database::fresh());
    topics.say(&in_two_channels());
    send(&topics.snapshots, &rows());
    run_to_end(&topics.input(), &database, TWO, &[]);
    let before = tables(&database);
    let hours =
        |channel: &str| database.value(&format!("SELECT count(*) FROM channel_hourly WHERE channel_id = '{channel}'"));
    assert_ne!(hours("UC-one"), "0");

    // Both videos of the one leave it, one of them to a category of its own; a new hour of one comes with the word.
    let [one, two, _] = VIDEOS;
    topics.say(&[(one, "UC-three", "10"), (two, "UC-two", "1")]);
    let last = rows().into_iter().rfind(|row| row.video == one).expect("a row of it");
    let new = Row { timestamp: "2023-12-31T00:00:00Z".into(), ..last.with_more_views(5) };
    send(&topics.snapshots, std::slice::from_ref(&new));
    run_to_end(&topics.input(), &database, ONE, &[]);
    assert_verified(&database, &topics.input());
    assert_eq!(hours("UC-one"), "0", "a channel without videos has no hours");
    assert_ne!(rollups(&tables(&database)), rollups(&before));
    let oldest = "SELECT min(hour_start) FROM channel_hourly WHERE channel_id = 'UC-three'";
    let of_video = format!("SELECT min(hour_start) FROM hourly_aggregations WHERE video_id = '{one}'");
    assert_eq!(database.value(oldest), database.value(&of_video), "its oldest hour moved too");

    // And back again, at another number of workers: everything as before, but for the new hour.
    topics.say(&in_two_channels());
    run_to_end(&topics.input(), &database, Size { workers: 4, processes: 1 }, &[]);
    assert_verified(&database, &topics.input());
    assert_eq!(tables(&database)["videos"], before["videos"]);
    assert_eq!(hours("UC-three"), "0");
    let others = "SELECT md5(string_agg(c::text, '' ORDER BY c::text)) FROM (SELECT channel_id, hour_start, views_gained, \
                  likes_gained, comments_gained, active_videos, total_records FROM channel_hourly \
                  WHERE hour_start < '2023-12-30') AS c";
    let undisturbed = Database::fresh();
    let (all_at_once, file) = (Topics::fresh(), rows());
    all_at_once.say(&in_two_channels());
    send(&all_at_once.snapshots, &file);
    run_to_end(&all_at_once.input(), &undisturbed, ONE, &[]);
    assert_eq!(database.value(others), undisturbed.value(others));
}

#[test]
fn a_crash_in_the_middle_of_a_move_leaves_it_undone_and_the_next_start_does_it_once() {
    let (topics, database) = (Topics::fresh(), Database::fresh());
    topics.say(&in_two_channels());
    send(&topics.snapshots, &rows());
    run_to_end(&topics.input(), &database, ONE, &[]);
    let [one, ..] = VIDEOS;
    // The move itself waits for the lock of the first two; at the third both moves are done and nothing is committed.
    for (number, blocked) in ["channel_hourly", "category_hourly", "total_hourly"].into_iter().enumerate() {
        let before = tables(&database);
        let (channel, category) = (format!("UC-{number}"), format!("{}", 30 + number));
        topics.say(&[(one, &channel, &category)]);
        let last = rows().into_iter().rfind(|row| row.video == one).expect("a row of it");
        send(&topics.snapshots, &[Row { timestamp: format!("2023-12-2{number}T00:00:00Z"), ..last }]);
        let locked = Locked::table(&database, blocked);
        // So long that both topics are read in one tick, however busy the machine.
        let mut run = viewtide(run_args(&topics.input(), &database, &["--tick", "3000"]));
        let waiting = format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{blocked}'::regclass");
        wait_for("the sink to wait in the middle of its transaction", DEADLINE, || {
            (database.value(&waiting) != "0").then_some(())
        });
        run.signal(Signal::SIGKILL);
        run.wait_for_end(Duration::from_secs(20));
        drop(locked);
        assert_eq!(tables(&database), before, "killed at {blocked}: nothing of it is there");
        assert_verified(&database, &topics.input());
        run_to_end(&topics.input(), &database, TWO, &[]);
        assert_verified(&database, &topics.input());
        let moved = format!(
            "SELECT count(*) FROM videos WHERE (video_id, channel_id, category_id) = ('{one}', '{channel}', '{category}')"
        );
        assert_eq!(database.value(&moved), "1");
    }
}

#[test]
fn a_weaker_source_never_overwrites_a_stronger_one() {
    let (topics, database, folder) = (Topics::fresh(), Database::fresh(), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("videos.csv");
    let [one, two, three] = VIDEOS;
    let mut text = "video_id,title,channel_id,channel_title,category_id,published_at\n".to_owned();
    for video in VIDEOS {
        writeln!(text, "{video},from the file,UC-file,F,1,2020-01-01").expect("write to a string");
    }
    std::fs::write(&file, text).expect("write a file");
    let input = Input::WithVideos(Box::new(topics.input()), file);
    let item = |video: &str, title: &str| {
        format!(
            r#"{{"id":"{video}","snippet":{{"title":"{title}","channelId":"UC-snippet","channelTitle":"S","categoryId":"2",
                "publishedAt":"2021-01-01T00:00:00Z"}},"statistics":{{"viewCount":"5"}}}}"#
        )
    };
    let sources = || {
        let rows = database.rows("SELECT title, channel_id, source FROM videos ORDER BY title, video_id");
        rows.into_iter()
            .map(|row| row.into_iter().map(|cell| cell.expect("no NULL")).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let send_item = |video: &str, title: &str| {
        let value = item(video, title);
        let message = Message { key: Some(video.as_bytes()), value: Some(value.as_bytes()), ..Message::default() };
        kafka::shared().produce(&topics.snapshots, [message]);
    };
    topics.say(&[(three, "UC-topic", "3")]);
    run_to_end(&input, &database, ONE, &[]);
    assert_eq!(
        sources(),
        ["from the file UC-file videos_file", "from the file UC-file videos_file", "of UC-topic UC-topic videos_topic"]
    );

    // Snippets come later than all of these, for all three; then the topic speaks again of one, then a snippet.
    send_item(two, "an older snippet");
    VIDEOS.into_iter().for_each(|video| send_item(video, "snippet"));
    run_to_end(&input, &database, TWO, &[]);
    assert_eq!(
        sources(),
        ["of UC-topic UC-topic videos_topic", "snippet UC-snippet snippet", "snippet UC-snippet snippet"]
    );
    topics.say(&[(one, "UC-topic", "4")]);
    run_to_end(&input, &database, ONE, &[]);
    send_item(one, "a later snippet");
    run_to_end(&input, &database, ONE, &[]);
    assert_eq!(
        sources(),
        ["of UC-topic UC-topic videos_topic", "of UC-topic UC-topic videos_topic", "snippet UC-snippet snippet"]
    );
    assert_verified(&database, &input);

    // Without the file and the topic, what came from them is not compared, and said to be.
    let alone = verify(&database, Some(&Input::Topic(topics.snapshots.clone()))).expect_code(0);
    assert!(alone.stderr.contains("videos.csv was read too and is not given"), "{}", alone.stderr);
    assert!(alone.stderr.contains(&format!("{} was read too", topics.videos)), "{}", alone.stderr);
}

#[test]
fn another_file_of_videos_is_refused_until_the_one_before_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = |name: &str, lines: &[&str]| {
        let file = folder.path().join(name);
        let text = format!("video_id,title,channel_id,category_id\n{}\n", lines.join("\n"));
        std::fs::write(&file, text).expect("write a file");
        Input::WithVideos(Box::new(Input::Csv(data_file("sample_10min.csv"))), file)
    };
    let [one, two, three] = VIDEOS;
    let word = |video: &str, channel: &str| format!("{video},of {channel},UC-{channel},{}", channel.len());
    let old = input("old.csv", &[&word(one, "a"), &word(two, "a"), "no id", &word(three, "bb")]);
    let new = input("new.csv", &[&word(one, "a"), &word(two, "ccc")]);
    let (database, fresh) = (Database::fresh(), Database::fresh());
    run_to_end(&old, &database, ONE, &[]);
    let refused = viewtide(run_args(&new, &database, &["--exit-at-end"])).wait(DEADLINE).expect_code(1);
    for words in ["made with --videos CSV ", "old.csv", "new.csv", "viewtide rebuild --forget-videos-file"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert_verified(&database, &old);

    let rebuilt = viewtide(["rebuild", "--database-url", &database.url(), "--forget-videos-file"]).wait(DEADLINE);
    let rows = rebuilt.expect_code(0).json()["rows"].clone();
    assert_eq!(rows["videos"], 3, "{rows}");
    assert!(rows["channel_hourly"].as_u64() > Some(0) && rows["trending"].as_u64() > Some(0), "{rows}");
    assert_verified(&database, &Input::Csv(data_file("sample_10min.csv")));
    run_to_end(&new, &database, TWO, &[]);
    run_to_end(&new, &fresh, ONE, &[]);
    assert_verified(&database, &new);
    assert_eq!(tables(&database), tables(&fresh));
}

#[test]
fn what_the_api_answers_is_read_as_it_is() {
    let (topics, database) = (Topics::fresh(), Database::fresh());
    for file in ["videos_list.json", "videos_list_50.json", "videos_list_bad_item.json"] {
        let answer = std::fs::read(data_file(file)).expect("an answer of the API");
        let message = Message { value: Some(&answer), timestamp_ms: Some(1_764_000_000_000), ..Message::default() };
        kafka::shared().produce(&topics.snapshots, [message]);
    }
    let input = Input::Topic(topics.snapshots.clone());
    let summary = run_to_end(&input, &database, TWO, &[]);
    assert_eq!(summary["dead_letters"], 1, "{summary}");
    assert_verified(&database, &input);
    let count =
        |condition: &str| database.value(&format!("SELECT count(*) FROM video_stats_processed WHERE {condition}"));
    assert_ne!(count("like_count IS NULL AND comment_count IS NOT NULL"), "0", "hidden likes");
    assert_ne!(count("comment_count IS NULL AND like_count IS NOT NULL"), "0", "disabled comments");
    assert_eq!(count("\"timestamp\" <> '2025-11-24T16:00:00Z'"), "0", "the event time is that of the record");
    let snippets =
        "SELECT count(*) FROM videos WHERE source = 'snippet' AND title IS NOT NULL AND channel_id IS NOT NULL";
    assert_eq!(database.value(snippets), database.value("SELECT count(DISTINCT video_id) FROM video_stats_processed"));
    assert_ne!(database.value("SELECT item FROM dead_letters"), "0", "the bad item, not the whole answer");
}

/// A video that is polled once a day gains in its last hour a 24th of the day's gain, not the whole of it; shown for the
/// first ten with their snapshots.
#[test]
fn what_a_daily_poll_gains_in_an_hour_is_a_24th_of_the_day() {
    let (input, database) = (Input::Csv(data_file("trending_daily.csv.gz")).with_videos(), Database::fresh());
    run_to_end(&input, &database, TWO, &[]);
    assert_verified(&database, &input);
    let top = database.rows(
        "SELECT r.rank, r.video_id, r.views_gained, b.timestamp, b.view_count, t.as_of, a.view_count,
                round(extract(epoch FROM t.as_of - b.timestamp) / 3600.0, 1)
         FROM trending r
         JOIN trends t USING (video_id)
         JOIN video_stats_processed a ON a.video_id = t.video_id AND a.timestamp = t.as_of
         CROSS JOIN LATERAL (SELECT s.timestamp, s.view_count FROM video_stats_processed s
                             WHERE s.video_id = t.video_id AND s.folded_in AND s.timestamp <= t.as_of - interval '1 hour'
                             ORDER BY s.timestamp DESC LIMIT 1) AS b
         WHERE r.scope = 'all' AND r.window_hours = 1 AND r.rank <= 10
         ORDER BY r.rank",
    );
    assert_eq!(top.len(), 10);
    for row in &top {
        let cell = |index: usize| row[index].clone().expect("no NULL");
        let number = |index: usize| cell(index).parse::<f64>().expect("a number");
        let (gained, of_day, hours) = (number(2), number(6) - number(4), number(7));
        println!(
            "rank {:>2} {}: {gained:>9} in 1 h, {of_day:>10} in {hours} h: {} at {}, {} at {}",
            cell(0),
            cell(1),
            cell(4),
            cell(3),
            cell(6),
            cell(5)
        );
        // The lists of two regions are read some seconds apart, and do not quite agree.
        assert!(hours > 23.0 && (gained * hours / of_day - 1.0).abs() < 0.05, "an hour's share of a day: {row:?}");
    }
}

#[test]
fn metadata_joins_a_run_that_had_none_and_csv_beside_kafka() {
    let (database, folder) = (Database::fresh(), tempfile::tempdir().expect("a folder"));
    let csv = folder.path().join("rows.csv");
    write_csv(&csv, &rows());
    let without = Input::Csv(csv);
    run_to_end(&without, &database, ONE, &[]);
    assert_eq!(database.value("SELECT count(*) FROM videos"), "0");
    let with = without.clone().with_videos();
    run_to_end(&with, &database, TWO, &[]);
    assert_verified(&database, &with);
    assert_eq!(database.value("SELECT count(*) FROM videos"), "66561");
    // To leave it away again is no loss: it was read to its end.
    run_to_end(&without, &database, ONE, &[]);
    assert_verified(&database, &with);
}
