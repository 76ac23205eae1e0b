//! `/healthz`: the process runs. `/readyz`: it has loaded what is stored, and its tables can be read.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::Shown;

/// Always, while there is a process that can say so.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 503 with the reason where it is not ready.
pub(super) async fn readyz(State(shown): State<Arc<Shown>>) -> (StatusCode, String) {
    match reason(&shown).await {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn reason(shown: &Shown) -> Option<String> {
    // Of several processes only process 0 has the tables.
    let readers = shown.readers.as_ref()?;
    if !shown.observed.is_loaded() {
        return Some("the stored state is still being loaded".to_owned());
    }
    let read = readers.query("SELECT FROM viewtide_progress", &[]).await;
    read.err().map(|error| error.to_string())
}
