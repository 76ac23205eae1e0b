//! What a run says over HTTP, and polls of videos that a page must bear.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::kafka::{self, Message};
use crate::harness::process::Process;
use crate::harness::wait_for;

/// What a run takes to say where it listens, and to be ready, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a run with `--http 0` listens.
pub fn address(run: &mut Process) -> String {
    run.wait_for_output("listening on http://", PATIENCE);
    let log = run.stderr();
    let (_, after) = log.split_once("listening on http://").expect("said");
    after.split_whitespace().next().expect("an address").to_owned()
}

/// Status and headers, in lower case, and body of what is answered to `request`.
pub fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.to_lowercase(), body.to_owned())
}

pub fn get(address: &str, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

pub fn until_ready(address: &str) {
    wait_for("it to be ready", PATIENCE, || get(address, "/readyz").0.starts_with("http/1.1 200").then_some(()));
}

/// Titles that a page must bear.
const TITLES: [&str; 5] =
    ["<script>alert('1')</script>", "\"quoted\" & 'so' </td></table>", "שלום עולם 🎬", "日本語のタイトル", "plain"];

/// Thirty hours of a video of a channel each, the last one alone much faster; and one video with a single snapshot and no likes.
fn polls() -> Vec<String> {
    let value = |hour: i64, last: char, title: &str, views: i64, likes: &str| {
        let time = jiff::Timestamp::from_second(1_751_328_000 + 3_600 * hour).expect("a time");
        let title = serde_json::to_string(title).expect("JSON");
        format!(
            r#"{{"timestamp":"{time}","video_id":"AAAAAAAAAA{last}","viewCount":{views},"likeCount":{likes},"title":{title},
                "channel_id":"UCAAAAAAAAAAAAAAAAAAAAAA","channel_title":"<b>channel</b>"}}"#
        )
    };
    let mut polls = Vec::new();
    for hour in 0..30 {
        for ((place, title), last) in (1..).zip(TITLES).zip("AEIMQ".chars()) {
            let gain = if place == 5 { 1_000_000 } else { 100 * place };
            polls.push(value(hour, last, title, 5_000 + gain * hour, "7"));
        }
    }
    polls.push(value(29, 'U', "alone", 3, "null"));
    polls
}

/// How many that are.
pub const POLLS: u64 = 30 * TITLES.len() as u64 + 1;

/// Sends them.
pub fn send_polls(topic: &str) {
    let polls = polls();
    assert_eq!(polls.len() as u64, POLLS);
    let messages = polls.iter().map(|value| Message { value: Some(value.as_bytes()), ..Message::default() });
    kafka::shared().produce(topic, messages);
}
