//! Videos by what is written in their title or their channel's name, or by id.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::http::figures;
use crate::http::parts::{self, count, head, number, text, wide};
use crate::http::view::{Kept, Question, View, Views};
use crate::limits::HTTP_SEARCH_BYTES_MAX;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "Written")]
pub(super) struct Asked {
    q: String,
    /// For LIKE, one of each word, the longest first: it fits the fewest.
    patterns: Vec<String>,
    /// What may be an id of a video or a channel.
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    q: String,
}

impl From<Written> for Asked {
    fn from(Written { q }: Written) -> Self {
        let mut end = q.len().min(HTTP_SEARCH_BYTES_MAX);
        while !q.is_char_boundary(end) {
            end -= 1;
        }
        // Postgres knows no such character.
        let q = q[..end].replace('\0', "");
        let mut patterns: Vec<_> = q.split_whitespace().map(|word| format!("%{}%", escaped(word))).collect();
        patterns.sort_by_key(|pattern| Reverse(pattern.len()));
        // Addresses of videos and channels have their ids between these.
        let ids = q.split(['/', '?', '=', '&', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { q, patterns, ids }
    }
}

/// What LIKE takes for nothing but itself.
fn escaped(word: &str) -> String {
    word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// The page.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Search {
    q: String,
    found: i64,
    /// Those that gained most in 24 hours, at most 50.
    videos: Vec<Video>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Video {
    video_id: String,
    title: Option<String>,
    channel_id: Option<String>,
    channel_title: Option<String>,
    views_gained_24h: Option<i64>,
    label: Option<String>,
}

impl View for Search {
    const NAME: &'static str = "search";
    const NONE: &'static str = "Nothing was found.";
    const AGE_MAX: Duration = Duration::from_secs(10);
    type Asked = Asked;

    fn kept(views: &Views) -> &Kept<Self> {
        &views.searches
    }

    fn question(asked: &Asked) -> Question {
        Question {
            sql: include_str!("search/search.sql").to_owned(),
            params: vec![
                Question::param(asked.q.clone()),
                Question::param(asked.patterns.clone()),
                Question::param(asked.ids.clone()),
            ],
        }
    }

    fn title(&self, _: &Asked) -> String {
        if self.q.is_empty() { "Search".to_owned() } else { format!("Search: {}", self.q) }
    }

    fn main(&self, _: &Asked) -> Markup {
        html! {
            @if self.q.is_empty() {
                p { "Write words of a title or of a channel's name, an id, or an address on YouTube." }
            } @else if self.videos.is_empty() {
                p { "No video has all of these words in its title or its channel's name, and none has this id." }
            } @else {
                p {
                    (figures::count(self.found)) @if self.found == 1 { " video" } @else { " videos" }
                    @if self.found as usize > self.videos.len() { "; the " (self.videos.len()) " that gained most" }
                }
                section aria-labelledby="videos" {
                    h2 #videos { "Videos" }
                    (wide("videos", &self.table()))
                }
            }
        }
    }
}

impl Search {
    fn table(&self) -> Markup {
        html! {
            table {
                (head([text("Video"), number("Views in 24 hours"), text("Trend"), text("Id")]))
                tbody {
                    @for video in &self.videos {
                        tr {
                            td { (parts::video(&video.video_id, &video.title, &video.channel_id, &video.channel_title)) }
                            td.number { (count(video.views_gained_24h)) }
                            td { (parts::label(video.label.as_deref())) }
                            td { code { (video.video_id) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_as_they_are_and_addresses_have_ids() {
        let asked = |q: &str| Asked::from(Written { q: q.to_owned() });
        assert_eq!(asked(r" 100% a_b\ ").patterns, [r"%a\_b\\%", r"%100\%%"]);
        let video = asked("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=1s");
        assert!(video.ids.contains(&"dQw4w9WgXcQ".to_owned()), "{video:?}");
        assert!(asked("").patterns.is_empty() && asked("").ids.is_empty());
        let long = asked(&"é".repeat(HTTP_SEARCH_BYTES_MAX));
        assert_eq!(long.q.len(), HTTP_SEARCH_BYTES_MAX);
        assert_eq!(asked("a\0b").q, "ab");
    }
}
