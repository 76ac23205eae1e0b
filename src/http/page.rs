//! What all pages have: a frame, a style, and a little script that keeps them up to date.

use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{DOCTYPE, Markup, html};

use crate::http::pages::Seen;
use crate::limits::HTTP_SEARCH_BYTES_MAX;

/// A file that is in the binary.
type Asset = ([(HeaderName, &'static str); 2], &'static str);

fn asset(content_type: &'static str, text: &'static str) -> Asset {
    // Looked at again after an update of the program, and not with every page.
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "max-age=60")], text)
}

pub(super) async fn style() -> Asset {
    asset("text/css; charset=utf-8", include_str!("page/style.css"))
}

pub(super) async fn script() -> Asset {
    asset("text/javascript; charset=utf-8", include_str!("page/live.js"))
}

pub(super) async fn icon() -> Asset {
    asset("image/svg+xml", include_str!("page/icon.svg"))
}

/// Pages that every page leads to.
const NAVIGATION: [(&str, &str); 2] = [("overview", "Overview"), ("forecasts", "Forecasts")];

/// What is seen, in the frame that all pages have. `address` is that of a page that there is, with what is asked of it: its main
/// part comes again and again from there.
pub(super) fn page(address: Option<&str>, seen: &Seen) -> Markup {
    let is_shown = |page: &str| address.is_some_and(|address| address.split('?').next() == Some(page));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (seen.title) " - viewtide" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                script src="/live.js" defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header {
                    a.brand href="/overview" { "viewtide" }
                    nav aria-label="Pages" {
                        @for (page, title) in NAVIGATION {
                            a href=(format!("/{page}")) aria-current=[is_shown(page).then_some("page")] { (title) }
                        }
                    }
                    form role="search" action="/search" {
                        input type="search" name="q" aria-label="Title, channel, id or address of a video"
                            placeholder="Title, channel, id" maxlength=(HTTP_SEARCH_BYTES_MAX);
                        button { "Search" }
                    }
                    p #live role="status" {}
                }
                main #main data-live=[address.map(|address| format!("/live/{address}"))] { (seen.main) }
                footer {
                    p {
                        "All times are UTC. "
                        @if let Some(address) = address { "The same as " a href=(format!("/api/{address}")) { "JSON" } ", and " }
                        a href="/metrics" { "figures for Prometheus" } "."
                    }
                }
            }
        }
    }
}
