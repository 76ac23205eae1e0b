//! The parts of the overview as HTML.

use std::time::Duration;

use maud::{Markup, html};
use viewtide_dataflows::trends::WINDOWS_HOURS;

use crate::http::cached::Found;
use crate::http::overview::{Category, Now, Outlier, Riser};
use crate::http::parts::{self, Tile, WINDOW_NAMES, head, number, rate, text, wide};
use crate::http::sparkline::{HOURS, sparkline};
use crate::http::{figures, pace};
use crate::picture::number::grouped;

/// The engine's own figures.
pub(super) fn tiles(now: &Now) -> Markup {
    let age = now.durable_age_seconds.map(|seconds| figures::age(Duration::from_secs_f64(seconds.max(0.0))));
    let (lag, rate) = (now.lag_records.map(grouped), now.records_per_second.map(figures::rate));
    let durable_at = now.durable_at.as_ref().map(|at| format!("{at} UTC"));
    let tiles = [
        Tile::new("Newest commit", age.map(|age| format!("{age} ago")), durable_at.unwrap_or_default()),
        Tile::new("Waiting to be read", lag.map(|lag| format!("{lag} records")), "in Kafka, by now"),
        Tile::new(
            "Coming in",
            rate.map(|rate| format!("{rate} records/s")),
            format!("over {} s", pace::SPAN.as_secs()),
        ),
        Tile::new("Snapshots read", Some(grouped(now.records)), "since the start"),
        Tile::new("Forecasts issued", Some(grouped(now.forecasts_issued)), "since the start"),
        Tile::new("Late rows", Some(grouped(now.late_rows)), "since the start, not folded in"),
        Tile::new("Dead letters", Some(grouped(now.dead_letters)), "since the start, no snapshots"),
    ];
    html! {
        section aria-labelledby="now" {
            h2 #now { "Now" }
            @if !now.is_loaded {
                p { "The stored state is still being loaded." }
            }
            (parts::tiles(&tiles))
        }
    }
}

/// The videos that gained most over a window.
pub(super) fn risers(window: usize, risers: &Found<Vec<Riser>>) -> Markup {
    let rows = risers.last().map(Vec::as_slice).unwrap_or_default();
    html! {
        section aria-labelledby="risers" {
            h2 #risers { "Fastest risers" }
            nav.choices aria-label="Window of the fastest risers" {
                @for (place, (hours, name)) in WINDOWS_HOURS.into_iter().zip(WINDOW_NAMES).enumerate() {
                    a href=(format!("/overview?window={hours}")) aria-current=[(place == window).then_some("true")] { (name) }
                }
            }
            @if let Some(newest) = rows.iter().filter_map(|riser| riser.as_of_us).max() {
                p { "Up to each video's newest snapshot; the newest of them is of " (figures::time(newest)) " UTC." }
            }
            @if rows.is_empty() {
                p { "No video has gained any views in this window yet." }
            } @else {
                (wide("risers", &risers_table(rows)))
            }
        }
    }
}

fn risers_table(rows: &[Riser]) -> Markup {
    let [rank, gained, per_hour] = ["Rank", "Views gained", "Views per hour"].map(number);
    let columns = [rank, text("Video"), gained, per_hour, text("Trend"), text(format!("Its last {HOURS} hours"))];
    html! {
        table {
            (head(columns))
            tbody {
                @for (place, riser) in rows.iter().enumerate() {
                    tr {
                        td.number { (place + 1) }
                        td { (parts::video(&riser.video_id, &riser.title, &riser.channel_id, &riser.channel_title)) }
                        td.number { (figures::count(riser.views_gained)) }
                        td.number { (rate(riser.views_per_hour)) }
                        td { (parts::label(riser.label.as_deref())) }
                        td { (sparkline(&riser.views_gained_hourly)) }
                    }
                }
            }
        }
    }
}

/// Those that gain much more than others of their channel.
pub(super) fn outliers(outliers: &Found<Vec<Outlier>>) -> Markup {
    let rows = outliers.last().map(Vec::as_slice).unwrap_or_default();
    html! {
        section aria-labelledby="outliers" {
            h2 #outliers { "Far above their channel" }
            p { "Views per hour over 24 hours, by the median of the channel's videos; of channels with at least four." }
            @if rows.is_empty() {
                p { "No channel has four videos with a trend yet." }
            } @else {
                (wide("outliers", &outliers_table(rows)))
            }
        }
    }
}

fn outliers_table(rows: &[Outlier]) -> Markup {
    html! {
        table {
            (head([text("Video"), number("Times the median"), number("Views in 24 hours"), text("Trend")]))
            tbody {
                @for outlier in rows {
                    tr {
                        td { (parts::video(&outlier.video_id, &outlier.title, &outlier.channel_id, &outlier.channel_title)) }
                        td.number { (figures::rate(outlier.outlier_score)) }
                        td.number { (figures::count(outlier.views_gained_24h)) }
                        td { (parts::label(outlier.label.as_deref())) }
                    }
                }
            }
        }
    }
}

/// What the videos of each category gained.
pub(super) fn categories(categories: &Found<Vec<Category>>) -> Markup {
    let rows = categories.last().map(Vec::as_slice).unwrap_or_default();
    html! {
        section aria-labelledby="categories" {
            h2 #categories { "Categories" }
            p { "Views that the videos of each gained in the 24 hours up to the newest that any category has." }
            @if rows.is_empty() {
                p { "No video's category is known yet." }
            } @else {
                (wide("categories", &categories_table(rows)))
            }
        }
    }
}

fn categories_table(rows: &[Category]) -> Markup {
    html! {
        table {
            (head([text("Category"), number("Views in 24 hours"), number("Videos in its fullest hour")]))
            tbody {
                @for category in rows {
                    tr {
                        td {
                            a href=(parts::address("category", &category.category_id)) {
                                (parts::category_name(&category.category_id))
                            }
                        }
                        td.number { (figures::count(category.views_gained_24h)) }
                        td.number { (figures::count(category.active_videos)) }
                    }
                }
            }
        }
    }
}
