//! Parts of many pages: links to videos, channels and categories, labels, tiles, times with their age.

use std::time::Duration;

use form_urlencoded::byte_serialize;
use jiff::Timestamp;
use maud::{Markup, html};
use viewtide_dataflows::trends::WINDOWS_HOURS;

use crate::http::figures;

/// What YouTube's categories are called (<https://developers.google.com/youtube/v3/docs/videoCategories/list>).
const CATEGORIES: [(&str, &str); 15] = [
    ("1", "Film & Animation"),
    ("2", "Autos & Vehicles"),
    ("10", "Music"),
    ("15", "Pets & Animals"),
    ("17", "Sports"),
    ("19", "Travel & Events"),
    ("20", "Gaming"),
    ("22", "People & Blogs"),
    ("23", "Comedy"),
    ("24", "Entertainment"),
    ("25", "News & Politics"),
    ("26", "Howto & Style"),
    ("27", "Education"),
    ("28", "Science & Technology"),
    ("29", "Nonprofits & Activism"),
];

/// How the windows of trends and ranks are called.
pub(super) const WINDOW_NAMES: [&str; WINDOWS_HOURS.len()] = ["1 hour", "6 hours", "24 hours", "7 days"];

/// What category `id` is called.
pub(super) fn category_name(id: &str) -> String {
    let name = CATEGORIES.iter().find(|(known, _)| *known == id);
    name.map_or_else(|| format!("Category {id}"), |(_, name)| (*name).to_owned())
}

/// The address of a page about `id`.
pub(super) fn address(page: &str, id: &str) -> String {
    format!("/{page}?id={}", byte_serialize(id.as_bytes()).collect::<String>())
}

/// A title in whatever direction it is written, and the channel below it, where that is known.
pub(super) fn video(
    id: &str,
    title: &Option<String>,
    channel_id: &Option<String>,
    channel_title: &Option<String>,
) -> Markup {
    html! {
        a.title href=(address("video", id)) { bdi { (title.as_deref().unwrap_or(id)) } }
        @if let Some(id) = channel_id {
            a.channel href=(address("channel", id)) { bdi { (channel_title.as_ref().unwrap_or(id)) } }
        }
    }
}

/// What a video's views do.
pub(super) fn label(label: Option<&str>) -> Markup {
    let (sign, class) = match label {
        Some("spiking") => ("⇈", "up"),
        Some("rising") => ("↑", "up"),
        Some("falling") => ("↓", "down"),
        Some("steady") => ("→", "even"),
        _ => return html! { span.even { "-" } },
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) " " } (label.unwrap_or_default()) } }
}

/// A name, a value or none, and what is to be known of it.
pub(super) struct Tile {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) note: String,
}

impl Tile {
    pub(super) fn new(name: impl Into<String>, value: Option<String>, note: impl Into<String>) -> Self {
        Self { name: name.into(), value, note: note.into() }
    }
}

/// Large figures side by side.
pub(super) fn tiles(tiles: &[Tile]) -> Markup {
    html! {
        dl.tiles {
            @for tile in tiles {
                div {
                    dt { (tile.name) }
                    dd {
                        (tile.value.as_deref().unwrap_or("-"))
                        small { (tile.note) }
                    }
                }
            }
        }
    }
}

/// A column of a table: what stands above it, and whether it is of numbers, which are aligned right.
pub(super) struct Column {
    name: String,
    is_number: bool,
}

pub(super) fn text(name: impl Into<String>) -> Column {
    Column { name: name.into(), is_number: false }
}

pub(super) fn number(name: impl Into<String>) -> Column {
    Column { name: name.into(), is_number: true }
}

/// The head of a table.
pub(super) fn head(columns: impl IntoIterator<Item = Column>) -> Markup {
    html! {
        thead {
            tr {
                @for column in columns { th scope="col" class=[column.is_number.then_some("number")] { (column.name) } }
            }
        }
    }
}

/// A table that is moved sideways where it has no room; `named_by` is the id of its heading.
pub(super) fn wide(named_by: &str, content: &Markup) -> Markup {
    html! { div.wide role="group" aria-labelledby=(named_by) tabindex="0" { (content) } }
}

/// To the second, in UTC, and how long ago that is, or in how long it will be.
pub(super) fn time_and_age(time: Timestamp) -> String {
    let us = time.as_microsecond();
    let ago_us = Timestamp::now().as_microsecond() - us;
    let age = figures::age(Duration::from_micros(ago_us.unsigned_abs()));
    if ago_us >= 0 {
        format!("{} UTC, {age} ago", figures::time(us))
    } else {
        format!("{} UTC, in {age}", figures::time(us))
    }
}

/// A count, or a dash where there is none.
pub(super) fn count(count: Option<i64>) -> String {
    count.map_or_else(|| "-".to_owned(), figures::count)
}

/// A rate or a ratio, likewise.
pub(super) fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), figures::rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_is_its_address_is_one() {
        assert_eq!(address("channel", "a/b&c?d=é <\""), "/channel?id=a%2Fb%26c%3Fd%3D%C3%A9+%3C%22");
        assert_eq!(category_name("10"), "Music");
        assert_eq!(category_name("<x>"), "Category <x>");
    }
}
