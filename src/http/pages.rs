//! What every page is: shown, the same again each second as long as somebody looks, and the same as JSON.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{Stream, stream};
use maud::{Markup, html};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{Shown, page};

/// How often a page that somebody looks at is made again.
const STEP: Duration = Duration::from_secs(1);

/// A page. Its address is `/NAME`; `/live/NAME` sends its main part again and again, and `/api/NAME` says the same as JSON.
pub(super) trait Page: 'static {
    const NAME: &'static str;

    /// What is asked for, from the query of the address.
    type Asked: DeserializeOwned + Send + Sync + 'static;

    /// What there is to see of it at this moment.
    fn see(shown: &Shown, asked: &Self::Asked) -> impl Future<Output = Seen> + Send;
}

/// What there is to see.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) main: Markup,
    /// The same as JSON, which is made where it is asked for.
    pub(super) json: Box<dyn FnOnce() -> Value + Send>,
}

impl Seen {
    /// Nothing but a few words.
    pub(super) fn words(status: StatusCode, title: &str, words: &str) -> Self {
        let main = html! {
            h1 { (title) }
            p { (words) }
        };
        let json = serde_json::json!({ "error": words });
        Self { status, title: title.to_owned(), main, json: Box::new(|| json) }
    }
}

/// With the three addresses of a page.
pub(super) fn with<P: Page>(router: Router<Arc<Shown>>) -> Router<Arc<Shown>> {
    router
        .route(&format!("/{}", P::NAME), get(shown::<P>))
        .route(&format!("/api/{}", P::NAME), get(as_json::<P>))
        .route(&format!("/live/{}", P::NAME), get(live::<P>))
}

type Asking<P> = Result<Query<<P as Page>::Asked>, QueryRejection>;

async fn see<P: Page>(shown: &Shown, asked: Asking<P>) -> Seen {
    match asked {
        Ok(Query(asked)) => P::see(shown, &asked).await,
        Err(error) => Seen::words(StatusCode::BAD_REQUEST, "Not understood", &error.body_text()),
    }
}

/// The page.
pub(super) async fn shown<P: Page>(
    State(shown): State<Arc<Shown>>,
    RawQuery(query): RawQuery,
    asked: Asking<P>,
) -> Response {
    let address = match query {
        Some(query) if !query.is_empty() => format!("{}?{query}", P::NAME),
        _ => P::NAME.to_owned(),
    };
    let is_understood = asked.is_ok();
    let seen = see::<P>(&shown, asked).await;
    (seen.status, page::page(is_understood.then_some(&address), &seen)).into_response()
}

/// Where there is no such page.
pub(super) async fn nothing() -> Response {
    let seen = Seen::words(StatusCode::NOT_FOUND, "Not there", "There is no such page.");
    (seen.status, page::page(None, &seen)).into_response()
}

async fn as_json<P: Page>(State(shown): State<Arc<Shown>>, asked: Asking<P>) -> Response {
    let seen = see::<P>(&shown, asked).await;
    (seen.status, Json((seen.json)())).into_response()
}

/// Its main part for ever (server-sent events, <https://html.spec.whatwg.org/multipage/server-sent-events.html>). Where it is the
/// same as before it is not sent again, only that there is still somebody.
async fn live<P: Page>(
    State(shown): State<Arc<Shown>>,
    Query(asked): Query<P::Asked>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let begin = (shown, asked, String::new());
    Sse::new(stream::unfold(begin, async |(shown, asked, last)| {
        tokio::time::sleep(STEP).await;
        let main = P::see(&shown, &asked).await.main.into_string();
        let is_new = main != last;
        // Each end of a line would become one of its own.
        let event =
            if is_new { Event::default().data(main.replace("\r\n", "\n")) } else { Event::default().comment("") };
        Some((Ok(event), (shown, asked, main)))
    }))
}
