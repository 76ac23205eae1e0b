//! The main part of a page, sent again each second (server-sent events,
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use futures_util::{Stream, stream};

use crate::http::Shown;
use crate::http::overview::{self, Asked, NoWindow};

const STEP: Duration = Duration::from_secs(1);

/// What the overview shows, for ever.
pub(super) async fn live(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<Asked>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, NoWindow> {
    let window = asked.window()?;
    Ok(Sse::new(stream::unfold(shown, move |shown| async move {
        tokio::time::sleep(STEP).await;
        let main = overview::main(&shown, window).await;
        Some((Ok(Event::default().data(main.into_string())), shown))
    })))
}
