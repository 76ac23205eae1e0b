//! From produce to commit while forecasts are issued: 5,000 records a second of 100,000 videos that were polled every hour for a
//! day, of which a fifth, or at the top of an hour all, are the first of their hour; and the same while models are trained anew.

use std::cmp::Ordering;

use viewtide_dataflows::snapshot::HOUR_US;

use crate::harness::kafka;
use crate::latency::{Load, PARTITIONS, at_share, partition, start};
use crate::polls::{Gains, Polls, produce};
use crate::table::row;
use crate::{Server, peak, stop};

const VIDEOS: u64 = 100_000;
const PER_SECOND: u64 = 5_000;
/// All videos once.
const SECONDS: u64 = VIDEOS / PER_SECOND;
/// Hours of polls that are there before.
const HOURS: u64 = 22;

const HOUR_S: i64 = HOUR_US / 1_000_000;

const POLLS: Polls = Polls { videos: VIDEOS, poll_s: HOUR_S, gains: Gains::ByChance };

/// The seconds of their hour at which the first poll is, and others are: so late that a first one reaches what was forecast at the
/// first one of the hour before.
const FIRST_S: i64 = 1_900;
const LATER_S: i64 = 3_000;

/// What is sent: each record's key and value.
struct Sent {
    /// The start of the last hour that lies in the topic, hour 0.
    last_hour_s: i64,
}

impl Sent {
    /// What lies in the topic, hour by hour.
    fn before(&self, number: u64) -> (String, String) {
        let (hour, second) = ((number / VIDEOS) as i64 + 1 - HOURS as i64, 60 + (number % VIDEOS) as i64 % 1_800);
        POLLS.message_at(number, self.last_hour_s + hour * HOUR_S + second)
    }

    /// One more poll of each video, the `round`th: the first of hour `hour` for every fifth video, beginning with the
    /// `group`th; those before it had theirs.
    fn fifth(&self, round: u64, hour: i64, group: u64, video: u64) -> (String, String) {
        let of_video = video / PARTITIONS as u64 % 5;
        let (hour, second) = match of_video.cmp(&group) {
            Ordering::Equal => (hour, FIRST_S),
            Ordering::Less => (hour, LATER_S + round as i64),
            Ordering::Greater => (hour - 1, LATER_S + round as i64),
        };
        self.one_more(round, video, hour * HOUR_S + second)
    }

    /// One more poll of each video, the first of hour `hour` for all.
    fn all(&self, round: u64, hour: i64, video: u64) -> (String, String) {
        self.one_more(round, video, hour * HOUR_S + FIRST_S)
    }

    fn one_more(&self, round: u64, video: u64, after_s: i64) -> (String, String) {
        POLLS.message_at((HOURS + round) * VIDEOS + video, self.last_hour_s + after_s)
    }
}

/// What is sent to a topic, and how many records are in it by now.
struct Sending<'a> {
    topic: &'a str,
    database: &'a str,
    before: u64,
}

impl Sending<'_> {
    /// Sends a poll of each video, and prints how long they took; `wanted_ms` of a hundredth.
    fn send(&mut self, what: &str, message: &dyn Fn(u64) -> (String, String), wanted_ms: &str) {
        let Self { topic, database, before } = *self;
        let load = Load { topic, before, per_second: PER_SECOND, seconds: SECONDS, linger_ms: 5, message };
        let latencies_ms = load.latencies_ms(database);
        self.before += VIDEOS;
        row(&format!("5,000/s of 100,000 videos, {what}: p50, ms"), &at_share(&latencies_ms, 0.50), "");
        row("the same: p99, ms", &at_share(&latencies_ms, 0.99), wanted_ms);
    }
}

/// Measures and prints.
pub fn measure(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let now_s = jiff::Timestamp::now().as_second();
    let sent = Sent { last_hour_s: now_s - now_s % HOUR_S - HOUR_S };
    let topic = kafka::shared().fresh_topic("origins", PARTITIONS as i32);
    let before = VIDEOS * HOURS;
    produce(&topic, before, |number| sent.before(number), |number| Some(partition(number) as i32));
    let database = server.fresh_database();
    // Hours go on faster than the clock does.
    let mut flags = POLLS.args_of_all(folder.path());
    flags.extend(["--future-max".to_owned(), "12h".to_owned(), "--retrain".to_owned()]);
    let with = |retrain: &str| flags.iter().cloned().chain([retrain.to_owned()]).collect::<Vec<_>>();

    let mut sending = Sending { topic: &topic, database: &database, before };
    let run = start(&database, &topic, &with("off"), before);
    let memory = peak::watch(&run);
    sending.send("1,000/s first of their hour", &|video| sent.fifth(0, 1, 0, video), "<= 150");
    sending.send("all first of their hour", &|video| sent.all(1, 2, video), "<= 1,000");
    sending.send("1,000/s first of their hour, after that", &|video| sent.fifth(2, 3, 0, video), "");
    stop(run);
    row("with forecasts, memory, MB", &format!("{:.0}", memory.join().expect("the watcher ends")), "");

    let run = start(&database, &topic, &with("1s"), sending.before);
    let memory = peak::watch(&run);
    sending.send("1,000/s, while models are trained", &|video| sent.fifth(3, 3, 1, video), "at most doubled");
    stop(run);
    row("the same after a start, memory, MB", &format!("{:.0}", memory.join().expect("the watcher ends")), "");
    server.drop_database(&database);
}
