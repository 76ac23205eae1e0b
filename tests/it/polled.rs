//! A run over videos that are polled while something happens to it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::kafka;
use crate::harness::postgres::Database;
use crate::harness::process::Process;
use crate::scenario::{DEADLINE, Input, Row, Size, assert_verified, run_args, send, start_processes};

/// When the first poll is, seconds since 1970.
const FIRST_SECOND: i64 = 1_751_328_000;

/// Between two polls, so that a test that waits does not make years of them, and leaves time to what has a low priority.
const POLL_PAUSE: Duration = Duration::from_millis(700);

/// Which four workers share.
const VIDEOS: [char; 16] = ['A', 'E', 'I', 'M', 'Q', 'U', 'Y', 'c', 'g', 'k', 'o', 's', 'w', '0', '4', '8'];

/// A run of four workers over videos that are polled hour by hour.
pub struct Polled {
    topic: String,
    pub database: Database,
    pub running: Process,
    flags: Vec<&'static str>,
    hour: i64,
}

impl Polled {
    /// Thirty hours are there once it has started, and networks speak.
    pub fn start(flags: &[&'static str]) -> Self {
        let topic = kafka::shared().fresh_topic("polled", 4);
        let database = Database::fresh();
        let mut running = run(&topic, &database, flags);
        // There are tables to look at.
        running.wait_for_output("state loaded", DEADLINE);
        let mut polled = Self { topic, database, running, flags: flags.to_vec(), hour: 0 };
        polled.poll(30);
        polled.until("EXISTS (SELECT FROM predictions WHERE views_model LIKE 'blend:%')");
        polled
    }

    /// Kills the run and starts it again.
    pub fn kill(&mut self) {
        self.running.signal(Signal::SIGKILL);
        self.running.wait_for_end(DEADLINE);
        self.running = run(&self.topic, &self.database, &self.flags);
    }

    /// Ends the run and starts it again with other flags.
    pub fn restart(&mut self, flags: &[&'static str]) {
        self.running.signal(Signal::SIGTERM);
        self.running.wait_for_end(DEADLINE);
        self.flags = flags.to_vec();
        self.running = run(&self.topic, &self.database, &self.flags);
    }

    /// So many more hours of all videos.
    pub fn poll(&mut self, hours: i64) {
        let until = self.hour + hours;
        send(&self.topic, &(self.hour..until).flat_map(polls_of).collect::<Vec<_>>());
        self.hour = until;
    }

    /// Polls on, until a condition in SQL holds.
    pub fn until(&mut self, condition: &str) {
        let begin = Instant::now();
        while self.database.value(&format!("SELECT ({condition})::text")) != "true" {
            assert!(begin.elapsed() < DEADLINE, "{condition} does not come to hold:\n{}", self.running.stderr());
            self.running.expect_running();
            self.poll(1);
            std::thread::sleep(POLL_PAUSE);
        }
    }

    /// Polls on, until the forecasts of what is polled from now on are made by `model`.
    pub fn until_by(&mut self, model: &str) {
        self.until(&format!(
            "SELECT count(*) = 16 FROM predictions WHERE horizon_hours = 1 AND views_model = '{model}' AND issued_at = (
                 SELECT max(issued_at) FROM predictions WHERE issued_at >= to_timestamp({}))",
            FIRST_SECOND + 3_600 * self.hour
        ));
    }

    pub fn stop(self) {
        self.running.signal(Signal::SIGTERM);
        self.running.wait(DEADLINE).expect_code(0);
        assert_verified(&self.database, &Input::Topic(self.topic));
    }
}

fn run(topic: &str, database: &Database, flags: &[&str]) -> Process {
    let flags: Vec<&str> = ["--forecasts", "all", "--tick", "10"].iter().chain(flags).copied().collect();
    let args = run_args(&Input::Topic(topic.to_owned()), database, &flags);
    start_processes(&args, Size { workers: 4, processes: 1 }).remove(0)
}

/// What all videos have in this hour.
fn polls_of(hour: i64) -> impl Iterator<Item = Row> {
    let time = jiff::Timestamp::from_second(FIRST_SECOND + 3_600 * hour).expect("a time").to_string();
    (0..).zip(VIDEOS).map(move |(video, last)| {
        let views = 1_000 * (video + 1) + (40 + video) * hour + hour % 5 * 9;
        let counts = [views, views / 9, views / 70].map(|count| count.to_string());
        Row { timestamp: time.clone(), video: format!("AAAAAAAAAA{last}"), counts }
    })
}
