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
//! | `overview` | the page that comes first, and the same as JSON |
//! | `live` | the page again, each second |
//! | `page` | what all pages have: frame, style, script |
//! | `figures`, `sparkline`, `pace` | numbers as people read them, a small picture of gains, records a second |
//! | `health` | `/healthz` and `/readyz` |
//! | `metrics` | `/metrics`, for Prometheus |

mod cached;
mod figures;
mod health;
pub mod listen;
mod live;
mod metrics;
mod overview;
mod pace;
mod page;
mod readers;
mod server;
mod sparkline;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::async_thread::AsyncThread;
use crate::engine::observed::Observed;
use crate::http::overview::OverviewTables;
use crate::http::pace::Pace;
use crate::http::readers::Readers;
use crate::postgres::connect::DatabaseUrl;

/// What every handler has.
struct Shown {
    observed: Arc<Observed>,
    /// None on processes that have no database.
    readers: Option<Readers>,
    pace: Arc<Pace>,
    overview: OverviewTables,
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
        let shown = Arc::new(Shown { observed, readers, pace, overview: OverviewTables::new() });
        let router = Router::new()
            .route("/", get(overview::overview))
            .route("/api/overview", get(overview::as_json))
            .route("/live", get(live::live))
            .route("/style.css", get(page::style))
            .route("/live.js", get(page::script))
            .route("/icon.svg", get(page::icon))
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(metrics::metrics))
            .with_state(shown);
        server::serve(listener, router).await;
    })
}
