//! The parts of the overview as HTML.

use std::time::Duration;

use maud::{Markup, html};
use viewtide_dataflows::trends::WINDOWS_HOURS;

use crate::http::cached::Found;
use crate::http::overview::{Now, Outlier, Riser, WINDOW_NAMES};
use crate::http::sparkline::{HOURS, sparkline};
use crate::http::{figures, pace};
use crate::picture::number::grouped;

/// The engine's own figures.
pub(super) fn tiles(now: &Now) -> Markup {
    let age = now.durable_age_seconds.map(|seconds| figures::age(Duration::from_secs_f64(seconds.max(0.0))));
    let (lag, rate) = (now.lag_records.map(grouped), now.records_per_second.map(figures::rate));
    let tiles = [
        ("Newest commit", age.map(|age| format!("{age} ago")), now.durable_at.as_ref().map(|at| format!("{at} UTC"))),
        ("Waiting to be read", lag.map(|lag| format!("{lag} records")), Some("in Kafka, by now".to_owned())),
        ("Coming in", rate.map(|rate| format!("{rate} records/s")), Some(format!("over {} s", pace::SPAN.as_secs()))),
        ("Snapshots read", Some(grouped(now.records)), Some("since the start".to_owned())),
        ("Forecasts issued", Some(grouped(now.forecasts_issued)), Some("since the start".to_owned())),
        ("Late rows", Some(grouped(now.late_rows)), Some("since the start, not folded in".to_owned())),
        ("Dead letters", Some(grouped(now.dead_letters)), Some("since the start, no snapshots".to_owned())),
    ];
    html! {
        section aria-labelledby="now" {
            h2 #now { "Now" }
            @if !now.is_loaded {
                p { "The stored state is still being loaded." }
            }
            dl.tiles {
                @for (name, value, note) in tiles {
                    div {
                        dt { (name) }
                        dd { (value.as_deref().unwrap_or("-")) @if let Some(note) = note { small { (note) } } }
                    }
                }
            }
        }
    }
}

/// The videos that gained most over a window.
pub(super) fn risers(window: usize, risers: &Found<Vec<Riser>>) -> Markup {
    let rows = risers.value.as_ref().map(|(rows, _)| rows.as_slice()).unwrap_or_default();
    html! {
        section aria-labelledby="risers" {
            h2 #risers { "Fastest risers" }
            nav.windows aria-label="Window of the fastest risers" {
                @for (place, (hours, name)) in WINDOWS_HOURS.into_iter().zip(WINDOW_NAMES).enumerate() {
                    a href=(format!("/?window={hours}")) aria-current=[(place == window).then_some("true")] { (name) }
                }
            }
            @if rows.is_empty() {
                p { "No video has gained any views in this window yet." }
            } @else {
                @if let Some(newest) = rows.iter().filter_map(|riser| riser.as_of_us).max() {
                    p { "Up to each video's newest snapshot; the newest of them is of " (figures::time(newest)) " UTC." }
                }
                div.wide role="region" aria-labelledby="risers" tabindex="0" {
                    table {
                        thead {
                            tr {
                                th.number scope="col" { "Rank" }
                                th scope="col" { "Video" }
                                th.number scope="col" { "Views gained" }
                                th.number scope="col" { "Views per hour" }
                                th scope="col" { "Trend" }
                                th scope="col" { "Its last " (HOURS) " hours" }
                            }
                        }
                        tbody {
                            @for (place, riser) in rows.iter().enumerate() {
                                tr {
                                    td.number { (place + 1) }
                                    td { (video(&riser.video_id, riser.title.as_deref(), riser.channel_title.as_deref())) }
                                    td.number { (figures::count(riser.views_gained)) }
                                    td.number { (riser.views_per_hour.map_or("-".to_owned(), figures::rate)) }
                                    td { (label(riser.label.as_deref())) }
                                    td { (sparkline(&riser.views_gained_hourly)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Those that gain much more than others of their channel.
pub(super) fn outliers(outliers: &Found<Vec<Outlier>>) -> Markup {
    let rows = outliers.value.as_ref().map(|(rows, _)| rows.as_slice()).unwrap_or_default();
    html! {
        section aria-labelledby="outliers" {
            h2 #outliers { "Far above their channel" }
            p { "Views per hour over 24 hours, by the median of the channel's videos; of channels with at least four." }
            @if rows.is_empty() {
                p { "No channel has four videos with a trend yet." }
            } @else {
                div.wide role="region" aria-labelledby="outliers" tabindex="0" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Video" }
                                th.number scope="col" { "Times the median" }
                                th.number scope="col" { "Views in 24 hours" }
                                th scope="col" { "Trend" }
                            }
                        }
                        tbody {
                            @for outlier in rows {
                                tr {
                                    td {
                                        (video(&outlier.video_id, outlier.title.as_deref(), outlier.channel_title.as_deref()))
                                    }
                                    td.number { (figures::rate(outlier.outlier_score)) }
                                    td.number { (figures::count(outlier.views_gained_24h)) }
                                    td { (label(outlier.label.as_deref())) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A title in whatever direction it is written, which leads to the video, and its channel.
fn video(id: &str, title: Option<&str>, channel: Option<&str>) -> Markup {
    html! {
        a.title href=(format!("https://www.youtube.com/watch?v={id}")) rel="noreferrer" { bdi { (title.unwrap_or(id)) } }
        @if let Some(channel) = channel {
            bdi.channel { (channel) }
        }
    }
}

fn label(label: Option<&str>) -> Markup {
    let (sign, class) = match label {
        Some("spiking") => ("⇈", "up"),
        Some("rising") => ("↑", "up"),
        Some("falling") => ("↓", "down"),
        Some("steady") => ("→", "even"),
        _ => return html! { span.even { "-" } },
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) " " } (label.unwrap_or_default()) } }
}
