//! What a run shows over HTTP: a page that keeps itself up to date, whether it works, and its figures.
//!
//! Everything here only looks: at the engine's figures in memory, and at the tables over read-only connections of its own, with a
//! deadline each, so that no reader keeps the sink waiting.
//!
//! | module | one concept |
//! |---|---|
//! | [`listen`] | the address |
//! | `server` | connections, their limits, and what every answer says to browsers |
//! | `readers` | read-only connections to Postgres |
//! | `cached` | what was read, kept for a moment |
//! | `pages` | what every page is: shown, the same again each second, and the same as JSON |
//! | `view` | pages that show one document out of the tables |
//! | `overview` | the page that comes first |
//! | `video`, `rollup`, `search`, `forecasts` | pages of a video, of a channel or category, of what was looked for, of how good forecasts were |
//! | `page` | the frame that all pages have, style, script |
//! | `parts`, `metric` | parts of many pages |
//! | `chart`, `sparkline` | plots over time, and a small one of gains |
//! | `figures`, `pace` | numbers as people read them, records a second |
//! | `health` | `/healthz` and `/readyz` |
//! | `metrics` | `/metrics`, for Prometheus |

mod cached;
mod chart;
mod figures;
mod forecasts;
mod health;
pub mod listen;
mod metric;
mod metrics;
mod overview;
mod pace;
mod page;
mod pages;
mod parts;
mod readers;
mod rollup;
mod search;
mod server;
mod sparkline;
mod video;
mod view;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::async_thread::AsyncThread;
use crate::engine::observed::Observed;
use crate::http::forecasts::Forecasts;
use crate::http::overview::{Overview, OverviewTables};
use crate::http::pace::Pace;
use crate::http::readers::Readers;
use crate::http::rollup::{Category, Channel};
use crate::http::search::Search;
use crate::http::video::Video;
use crate::http::view::Views;
use crate::postgres::connect::DatabaseUrl;

/// What every handler has.
struct Shown {
    observed: Arc<Observed>,
    /// None on processes that have no database.
    readers: Option<Readers>,
    pace: Arc<Pace>,
    overview: OverviewTables,
    views: Views,
}

/// Serves on `listener` until what is returned is dropped.
///
/// # Errors
/// Where no thread can be started.
pub fn start(listener: TcpListener, observed: Arc<Observed>, database: Option<DatabaseUrl>) -> io::Result<AsyncThread> {
    listener.set_nonblocking(true)?;
    AsyncThread::start("http", move || async move {
        let pace = Arc::<Pace>::default();
        tokio::spawn(Arc::clone(&pace).look_at(Arc::clone(&observed)));
        let readers = database.map(Readers::new);
        let shown = Arc::new(Shown { observed, readers, pace, overview: OverviewTables::new(), views: Views::new() });
        let router = Router::new()
            .route("/", get(pages::shown::<Overview>))
            .route("/style.css", get(page::style))
            .route("/live.js", get(page::script))
            .route("/icon.svg", get(page::icon))
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(metrics::metrics));
        let router = pages::with::<Overview>(router);
        let router = pages::with::<Video>(router);
        let router = pages::with::<Channel>(router);
        let router = pages::with::<Category>(router);
        let router = pages::with::<Search>(router);
        let router = pages::with::<Forecasts>(router);
        server::serve(listener, router.fallback(pages::nothing).with_state(shown)).await;
    })
}
