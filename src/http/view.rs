//! Pages that show one document out of the tables: one statement of SQL gives all of it, so that it is of one moment.

use std::hash::Hash;
use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;

use crate::http::cached::{CachedEach, Found};
use crate::http::forecasts::Forecasts;
use crate::http::pages::{Page, Seen};
use crate::http::readers::{ReadError, Readers};
use crate::http::rollup::{Category, Channel};
use crate::http::search::Search;
use crate::http::video::Video;
use crate::http::{Shown, figures};

/// A document, and how it is shown.
pub(super) trait View: Serialize + DeserializeOwned + Send + Sync + 'static {
    const NAME: &'static str;
    /// What is said where there is no such thing.
    const NONE: &'static str;
    /// How long it stands before it is read again, while somebody looks.
    const AGE_MAX: Duration;

    type Asked: DeserializeOwned + Clone + Eq + Hash + Send + Sync + 'static;

    /// What was read of it.
    fn kept(views: &Views) -> &Kept<Self>;

    /// What asks for it: text of JSON, or no row where there is no such thing.
    fn question(asked: &Self::Asked) -> Question;

    fn title(&self, asked: &Self::Asked) -> String;

    fn main(&self, asked: &Self::Asked) -> Markup;
}

/// A statement and its parameters.
pub(super) struct Question {
    pub(super) sql: String,
    pub(super) params: Vec<Param>,
}

type Param = Box<dyn ToSql + Send + Sync>;

impl Question {
    pub(super) fn param(param: impl ToSql + Send + Sync + 'static) -> Param {
        Box::new(param)
    }
}

/// Documents that were read, by what was asked for.
pub(super) type Kept<V> = CachedEach<<V as View>::Asked, Option<V>>;

/// What was read for each of them.
pub(super) struct Views {
    pub(super) videos: Kept<Video>,
    pub(super) channels: Kept<Channel>,
    pub(super) categories: Kept<Category>,
    pub(super) searches: Kept<Search>,
    pub(super) forecasts: Kept<Forecasts>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self {
            videos: kept::<Video>(),
            channels: kept::<Channel>(),
            categories: kept::<Category>(),
            searches: kept::<Search>(),
            forecasts: kept::<Forecasts>(),
        }
    }
}

fn kept<V: View>() -> Kept<V> {
    CachedEach::new(V::AGE_MAX)
}

impl<V: View> Page for V {
    const NAME: &'static str = V::NAME;
    type Asked = V::Asked;

    async fn see(shown: &Shown, asked: &V::Asked) -> Seen {
        let Some(readers) = &shown.readers else {
            return Seen::words(StatusCode::NOT_FOUND, "No tables", "This process has no tables; ask process 0.");
        };
        let found = V::kept(&shown.views).of(asked).get(read::<V>(readers, asked)).await;
        match found.last() {
            Some(Some(document)) => {
                let (title, main) = (document.title(asked), main(document, asked, &found));
                Seen { status: StatusCode::OK, title, main, json: Box::new(move || json_of(&found)) }
            }
            Some(None) => Seen::words(StatusCode::NOT_FOUND, "Not there", V::NONE),
            None => Seen {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "Not read yet".to_owned(),
                main: html! { h1 { "Not read yet" } (trouble(&found)) },
                json: Box::new(move || json!({ "error": found.trouble })),
            },
        }
    }
}

async fn read<V: View>(readers: &Readers, asked: &V::Asked) -> Result<Option<V>, ReadError> {
    let Question { sql, params } = V::question(asked);
    let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|param| param.as_ref() as _).collect();
    readers.document(&sql, &params).await
}

fn main<V: View>(document: &V, asked: &V::Asked, found: &Found<Option<V>>) -> Markup {
    html! {
        h1 { bdi { (document.title(asked)) } }
        (trouble(found))
        (document.main(asked))
    }
}

/// The document, how old it is, and why it is not of now.
fn json_of<V: View>(found: &Found<Option<V>>) -> Value {
    let mut json = serde_json::to_value(found.last()).unwrap_or_default();
    if let Value::Object(fields) = &mut json {
        let read_seconds_ago = found.value.as_ref().map(|(_, at)| at.elapsed().as_secs_f64());
        fields.insert("read_seconds_ago".to_owned(), json!(read_seconds_ago));
        fields.insert("trouble".to_owned(), json!(found.trouble));
    }
    json
}

/// Why what is shown is not of now, and how old it is. Not an alert: it would be read out again with every second.
pub(super) fn trouble<T>(found: &Found<T>) -> Markup {
    html! {
        @if let Some(trouble) = &found.trouble {
            p.trouble {
                "The tables cannot be read: " (trouble) br;
                @match &found.value {
                    Some((_, at)) => { "What follows was read " (figures::age(at.elapsed())) " ago." }
                    None => { "Nothing was read yet." }
                }
            }
        }
    }
}
