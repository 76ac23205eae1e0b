//! A channel or a category: what its videos gained hour by hour, and which of them stand out.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::http::chart::hourly_bars;
use crate::http::figures;
use crate::http::parts::{self, Tile, count, head, number, rate, text, time_and_age, wide};
use crate::http::view::{Kept, Question, View, Views};

const SQL: &str = include_str!("rollup/rollup.sql");

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Asked {
    id: String,
}

/// Either.
#[derive(Debug, Serialize, Deserialize)]
struct Rollup {
    id: String,
    /// What a channel is called.
    title: Option<String>,
    videos: i64,
    newest_hour: Option<Timestamp>,
    /// Of the 24 hours up to that.
    views_gained_24h: Option<i64>,
    /// Of the last 168 hours those that have snapshots.
    hours: Vec<Hour>,
    /// Those that stand out most first.
    best: Vec<Best>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hour {
    hour: Timestamp,
    views_gained: i64,
    active_videos: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Best {
    video_id: String,
    title: Option<String>,
    channel_id: Option<String>,
    channel_title: Option<String>,
    outlier_score: Option<f64>,
    views_gained_24h: i64,
    views_per_hour_24h: Option<f64>,
    label: Option<String>,
    as_of: Timestamp,
}

/// The page of a channel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Channel(Rollup);

/// The page of a category.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Category(Rollup);

impl View for Channel {
    const NAME: &'static str = "channel";
    const NONE: &'static str = "No video of a channel of this id has been seen.";
    const AGE_MAX: Duration = Duration::from_secs(5);
    type Asked = Asked;

    fn kept(views: &Views) -> &Kept<Self> {
        &views.channels
    }

    fn question(asked: &Asked) -> Question {
        Question { sql: SQL.replace("{scope}", "channel"), params: vec![Question::param(asked.id.clone())] }
    }

    fn title(&self, _: &Asked) -> String {
        self.0.title.clone().unwrap_or_else(|| self.0.id.clone())
    }

    fn main(&self, _: &Asked) -> Markup {
        let address = format!("https://www.youtube.com/channel/{}", self.0.id);
        html! {
            p.known { "Channel · " a href=(address) rel="noreferrer" { "on YouTube" } " · " code { (self.0.id) } }
            (self.0.main(false))
        }
    }
}

impl View for Category {
    const NAME: &'static str = "category";
    const NONE: &'static str = "No video of a category of this id has been seen.";
    /// The median of each of its channels is looked at, and moves slowly.
    const AGE_MAX: Duration = Duration::from_secs(30);
    type Asked = Asked;

    fn kept(views: &Views) -> &Kept<Self> {
        &views.categories
    }

    fn question(asked: &Asked) -> Question {
        Question { sql: SQL.replace("{scope}", "category"), params: vec![Question::param(asked.id.clone())] }
    }

    fn title(&self, _: &Asked) -> String {
        parts::category_name(&self.0.id)
    }

    fn main(&self, _: &Asked) -> Markup {
        html! {
            p.known { "Category " code { (self.0.id) } }
            (self.0.main(true))
        }
    }
}

impl Rollup {
    fn main(&self, with_channels: bool) -> Markup {
        let newest = self.newest_hour.map(|hour| format!("up to the hour of {}", time_and_age(hour)));
        let active = self.hours.last().map(|hour| figures::count(hour.active_videos));
        let gains: Vec<_> = self.hours.iter().map(|hour| (hour.hour, hour.views_gained)).collect();
        html! {
            section aria-labelledby="counts" {
                h2 #counts { "Counts" }
                (parts::tiles(&[
                    Tile::new("Videos", Some(figures::count(self.videos)), "that are known"),
                    Tile::new("Videos with snapshots", active, "in the newest hour"),
                    Tile::new("Views in 24 hours", self.views_gained_24h.map(figures::count), newest.unwrap_or_default()),
                ]))
            }
            section aria-labelledby="gains" {
                h2 #gains { "Gained hour by hour" }
                p { "Views gained by all of its videos in each UTC hour, over its last 7 days" }
                (wide("gains", &hourly_bars(&gains, "views gained")))
            }
            section aria-labelledby="videos" {
                h2 #videos { "Videos" }
                p {
                    "Those first that gain most views per hour over 24 hours by the median of their channel's videos, where "
                    "it has at least four; then by views gained."
                }
                @if self.best.is_empty() {
                    p { "None of its videos has a trend yet." }
                } @else {
                    (wide("videos", &self.table(with_channels)))
                }
            }
        }
    }

    fn table(&self, with_channels: bool) -> Markup {
        let [score, gained, per_hour] = ["Times the median", "Views in 24 hours", "Views per hour"].map(number);
        html! {
            table {
                (head([text("Video"), score, gained, per_hour, text("Trend"), text("As of (UTC)")]))
                tbody {
                    @for video in &self.best {
                        @let channel_id = if with_channels { &video.channel_id } else { &None };
                        tr {
                            td { (parts::video(&video.video_id, &video.title, channel_id, &video.channel_title)) }
                            td.number { (rate(video.outlier_score)) }
                            td.number { (count(Some(video.views_gained_24h))) }
                            td.number { (rate(video.views_per_hour_24h)) }
                            td { (parts::label(video.label.as_deref())) }
                            td.time { (figures::time(video.as_of.as_microsecond())) }
                        }
                    }
                }
            }
        }
    }
}
