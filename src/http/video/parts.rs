//! The parts of a video's page.

use maud::{Markup, html};
use viewtide_models::forecasting::terms::member_names;
use viewtide_models::task::{HORIZONS_HOURS, Metric};

use crate::http::chart::hourly_bars;
use crate::http::forecasts::method_name;
use crate::http::parts::{self, Tile, WINDOW_NAMES, address, count, head, number, rate, text, time_and_age, wide};
use crate::http::video::{Asked, Fan, Video, fan};
use crate::http::{figures, metric};

/// What is known of it beside its counts.
pub(super) fn known(video: &Video) -> Markup {
    let channel = video.channel_id.as_deref();
    html! {
        p.known {
            @if let Some(id) = channel {
                a href=(address("channel", id)) { bdi { (video.channel_title.as_deref().unwrap_or(id)) } } " · "
            }
            @if let Some(id) = &video.category_id {
                a href=(address("category", id)) { (parts::category_name(id)) } " · "
            }
            @if let Some(at) = video.published_at { "published " (time_and_age(at)) " · " }
            a href=(format!("https://www.youtube.com/watch?v={}", video.video_id)) rel="noreferrer" { "on YouTube" }
            " · " code { (video.video_id) }
        }
    }
}

/// Its newest snapshot and its trend.
pub(super) fn counts(video: &Video) -> Markup {
    let mut tiles = Vec::new();
    if let Some(newest) = &video.newest {
        let at = time_and_age(newest.at);
        for (name, value) in [("Views", newest.views), ("Likes", newest.likes), ("Comments", newest.comments)] {
            let note = if value.is_some() { at.clone() } else { format!("not given; {at}") };
            tiles.push(Tile::new(name, value.map(figures::count), note));
        }
    }
    if let Some(trend) = &video.trend {
        for ((window, gained), per_hour) in WINDOW_NAMES.into_iter().zip(trend.gained).zip(trend.per_hour) {
            let value = Some(format!("{} views", count(Some(gained))));
            tiles.push(Tile::new(format!("In its last {window}"), value, format!("{} an hour", rate(per_hour))));
        }
        if let Some(score) = trend.outlier_score {
            let note = "its views of 24 hours by its channel's median";
            tiles.push(Tile::new("Times the median", Some(figures::rate(score)), note));
        }
    }
    html! {
        section aria-labelledby="counts" {
            h2 #counts { "Counts" }
            @if tiles.is_empty() {
                p { "No snapshot of it has been folded in yet." }
            } @else {
                (parts::tiles(&tiles))
            }
            @if let Some(trend) = &video.trend {
                p { "Trend: " (parts::label(trend.label.as_deref())) ", as of " (time_and_age(trend.as_of)) "." }
            }
        }
    }
}

/// Hour by hour.
pub(super) fn gains(video: &Video, asked: &Asked) -> Markup {
    let gains: Vec<_> = video.hours.iter().filter_map(|hour| Some((hour.hour, hour.gained?))).collect();
    let name = asked.metric.name();
    html! {
        section aria-labelledby="gains" {
            h2 #gains { "Gained hour by hour" }
            (metric::choices(asked.metric, &format!("{}&metric=", address("video", &video.video_id))))
            p { "How many " (name) " it gained in each UTC hour, over its last 7 days" }
            (wide("gains", &hourly_bars(&gains, &format!("{name} gained"))))
        }
    }
}

/// What was forecast, and what came.
pub(super) fn forecasts(video: &Video, metric: Metric) -> Markup {
    html! {
        section aria-labelledby="forecasts" {
            h2 #forecasts { "Forecasts" }
            @if video.fans.is_empty() {
                p { "No " (metric.name()) " of it have been forecast." }
            } @else {
                p {
                    "Of " (metric.name()) ", from its newest origin and from the newest of which all came to be known. "
                    "Nothing later than the origin was used."
                }
                (wide("forecasts", &fan::picture(&video.fans, &video.line, metric.name())))
                (wide("forecasts", &targets(&video.fans)))
            }
        }
    }
}

fn targets(fans: &[Fan]) -> Markup {
    let numbers = ["Hours ahead", "Forecast", "80 % interval", "Came", "Off by"].map(number);
    let columns = [text("Origin (UTC)")].into_iter().chain(numbers).chain([text("Made by")]);
    let rows = fans.iter().flat_map(|fan| fan.horizons.iter().map(move |horizon| (fan, horizon)));
    html! {
        table {
            (head(columns))
            tbody {
                @for (fan, horizon) in rows {
                    tr {
                        td { (figures::time(fan.issued_at.as_microsecond())) }
                        td.number { (horizon.horizon_hours) }
                        td.number { (count(Some(horizon.predicted))) }
                        td.number { (count(horizon.low)) " to " (count(horizon.high)) }
                        td.number { (count(horizon.actual)) }
                        td.number { (count(horizon.actual.map(|actual| horizon.predicted.saturating_sub(actual)))) }
                        td { (fan.made_by.as_deref().map(method_name).unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

/// What each member of the blend said, and how far it was off lately.
pub(super) fn members(video: &Video, metric: Metric) -> Markup {
    let Some(newest) = video.fans.last() else { return html! {} };
    let said = |member: usize, place: usize| {
        let members = newest.horizons.get(place)?.members.as_ref()?;
        members.get(member).copied().flatten()
    };
    let issued = |place: usize| Some(newest.horizons.get(place)?.predicted.saturating_sub(newest.base) as f64);
    let names = member_names();
    let in_hours = HORIZONS_HOURS.map(|hours| number(format!("In {hours} h")));
    let columns = [text("Member")].into_iter().chain(in_hours);
    let columns = columns.chain(HORIZONS_HOURS.map(|hours| number(format!("Error at {hours} h"))));
    html! {
        section aria-labelledby="members" {
            h2 #members { "Members of the blend" }
            p {
                "How many " (metric.name()) " are to come, as each member forecast them at the newest origin, and its mean absolute "
                "error over the forecasts of this video of the last 7 days whose outcome is known and where the network spoke."
            }
            (wide("members", &html! {
                table {
                    (head(columns))
                    tbody {
                        @for (member, name) in names.into_iter().enumerate() {
                            tr {
                                td { (method_name(name)) }
                                @for place in 0..HORIZONS_HOURS.len() { td.number { (rate(said(member, place))) } }
                                @for hours in HORIZONS_HOURS { td.number { (rate(error(video, member + 1, hours))) } }
                            }
                        }
                        tr.issued {
                            td { "Issued" }
                            @for place in 0..HORIZONS_HOURS.len() { td.number { (rate(issued(place))) } }
                            @for hours in HORIZONS_HOURS { td.number { (rate(error(video, names.len() + 1, hours))) } }
                        }
                    }
                }
            }))
        }
    }
}

fn error(video: &Video, member: usize, horizon_hours: u32) -> Option<f64> {
    let is_it = |score: &&super::Score| score.member == member && score.horizon_hours == horizon_hours;
    video.scores.iter().find(is_it)?.mae
}

/// The newest of them, with what they grew by.
pub(super) fn snapshots(video: &Video) -> Markup {
    if video.snapshots.is_empty() {
        return html! {};
    }
    let of_counter = |name| [name, "Gained", "%"].map(number);
    let columns =
        [text("Observed (UTC)")].into_iter().chain(["Views", "Likes", "Comments"].into_iter().flat_map(of_counter));
    html! {
        section aria-labelledby="snapshots" {
            h2 #snapshots { "Newest snapshots" }
            p { "Each beside the one before by event time: what was gained, and by how many percent it grew." }
            (wide("snapshots", &html! {
                table {
                    (head(columns))
                    tbody {
                        @for snapshot in &video.snapshots {
                            tr {
                                td.time { (figures::time(snapshot.at.as_microsecond())) }
                                @for ((value, delta), growth) in
                                    snapshot.counts.into_iter().zip(snapshot.deltas).zip(snapshot.growth_rates)
                                {
                                    td.number { (count(value)) }
                                    td.number { (count(delta)) }
                                    td.number { (growth.map_or_else(|| "-".to_owned(), |growth| format!("{growth:.3}"))) }
                                }
                            }
                        }
                    }
                }
            }))
        }
    }
}
