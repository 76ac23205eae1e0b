//! What a run says of itself over HTTP: whether it works, and its figures.
//!
//! Everything here only looks: at the engine's figures in memory, and at the tables over read-only connections of its own, with a
//! deadline each, so that no reader keeps the sink waiting.
//!
//! | module | one concept |
//! |---|---|
//! | [`listen`] | the address |
//! | `server` | connections, their limits, and what every answer says to browsers |
//! | `readers` | read-only connections to Postgres |
//! | `health` | `/healthz` and `/readyz` |
//! | `metrics` | `/metrics`, for Prometheus |

mod health;
pub mod listen;
mod metrics;
mod readers;
mod server;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::async_thread::AsyncThread;
use crate::engine::observed::Observed;
use crate::http::readers::Readers;
use crate::postgres::connect::DatabaseUrl;

/// What every handler has.
struct Shown {
    observed: Arc<Observed>,
    /// None on processes that have no database.
    readers: Option<Readers>,
}

/// Serves on `listener` until what is returned is dropped.
///
/// # Errors
/// Where no thread can be started.
pub fn start(listener: TcpListener, observed: Arc<Observed>, database: Option<DatabaseUrl>) -> io::Result<AsyncThread> {
    listener.set_nonblocking(true)?;
    AsyncThread::start("http", move || async move {
        let shown = Arc::new(Shown { observed, readers: database.map(Readers::new) });
        let router = Router::new()
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(metrics::metrics))
            .with_state(shown);
        server::serve(listener, router).await;
    })
}
