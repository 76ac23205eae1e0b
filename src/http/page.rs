//! What all pages have: a frame, a style, and a little script that keeps them up to date.

use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{DOCTYPE, Markup, html};

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

/// A page of this title; `query` says what its main part is to show, which comes again and again.
pub(super) fn page(title: &str, query: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - viewtide" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                script src="/live.js" defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header {
                    p.brand { "viewtide" }
                    p #live role="status" {}
                }
                main #main data-live=(format!("/live?{query}")) { (main) }
                footer {
                    p { "All times are UTC. The same as " a href=(format!("/api/overview?{query}")) { "JSON" } ", and "
                        a href="/metrics" { "figures for Prometheus" } "." }
                }
            }
        }
    }
}
