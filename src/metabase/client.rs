//! What a Metabase is asked over its API.
//!
//! <https://www.metabase.com/docs/latest/api>. A question that changes nothing is asked again where the server is in trouble; what
//! changes something only where it cannot have arrived, since nothing may be there twice.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::limits::{
    METABASE_ANSWER_BYTES_MAX, METABASE_ANSWER_CHARS_MAX, METABASE_ANSWER_SECONDS_MAX, METABASE_ATTEMPTS_MAX,
    RETRY_MS_MAX, RETRY_MS_MIN,
};
use crate::metabase::MetabaseError;
use crate::secret::Secret;
use crate::web_answer::{beginning, body, in_words};
use crate::web_server::WebServer;

/// Speaks to a Metabase.
#[derive(Debug)]
pub struct MetabaseClient {
    server: WebServer,
    http: Client,
    login: Option<(HeaderName, HeaderValue)>,
    /// What no message may hold, also where the server repeats it.
    secrets: Vec<Secret>,
}

/// An answer that came.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// Why none came.
enum NoAnswer {
    /// The question has not arrived.
    NotSent(String),
    /// It may have.
    Broken(String),
}

impl MetabaseClient {
    /// A client that is not logged in.
    ///
    /// # Errors
    /// Where the system's certificates cannot be read.
    pub fn new(server: WebServer) -> Result<Self, MetabaseError> {
        let http = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(METABASE_ANSWER_SECONDS_MAX));
        let http = http.build().map_err(|error| MetabaseError::Unreachable(in_words(error)))?;
        Ok(Self { server, http, login: None, secrets: Vec::new() })
    }

    /// Where it is; shows no password.
    pub fn server(&self) -> &WebServer {
        &self.server
    }

    /// Keeps `secret` out of every message.
    pub fn keep_out(&mut self, secret: &Secret) {
        self.secrets.push(secret.clone());
    }

    /// Sends `secret` as `header` with every question from now on.
    pub(super) fn log_in_by(&mut self, header: &'static str, secret: &Secret) -> Result<(), MetabaseError> {
        self.keep_out(secret);
        let wrong =
            |_| MetabaseError::ApiKey { status: 0, message: "there is a character in it that none has".to_owned() };
        let mut value = HeaderValue::from_str(secret.reveal()).map_err(wrong)?;
        value.set_sensitive(true);
        self.login = Some((HeaderName::from_static(header), value));
        Ok(())
    }

    /// What stands at `path`, which may have a query.
    pub async fn get(&self, path: &str) -> Result<Value, MetabaseError> {
        self.ask(Method::GET, path, None).await
    }

    /// Makes something, or has something done.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, MetabaseError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Changes something.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, MetabaseError> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    /// Takes something away.
    pub(super) async fn delete(&self, path: &str) -> Result<Value, MetabaseError> {
        self.ask(Method::DELETE, path, None).await
    }

    /// What stands at `path` of a server that may not be up, asked for once.
    pub(super) async fn get_once(&self, path: &str) -> Result<Value, MetabaseError> {
        match self.answer(&Method::GET, path, None).await {
            Ok(answer) => self.understood(&Method::GET, path, answer),
            Err(NoAnswer::NotSent(why) | NoAnswer::Broken(why)) => Err(MetabaseError::Unreachable(why)),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, MetabaseError> {
        let mut pause = Duration::from_millis(RETRY_MS_MIN);
        for attempt in 1.. {
            let is_last = attempt >= METABASE_ATTEMPTS_MAX;
            let again = match self.answer(&method, path, body).await {
                Ok(answer) if answer.status >= 500 && method == Method::GET && !is_last => {
                    format!("status {}", answer.status)
                }
                Ok(answer) => return self.understood(&method, path, answer),
                Err(NoAnswer::NotSent(why)) if !is_last => why,
                Err(NoAnswer::Broken(why)) if method == Method::GET && !is_last => why,
                Err(NoAnswer::NotSent(why) | NoAnswer::Broken(why)) => return Err(MetabaseError::Unreachable(why)),
            };
            tracing::debug!("{} is asked again: {again}", call(&method, path));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(RETRY_MS_MAX));
        }
        unreachable!("the last attempt returns")
    }

    async fn answer(&self, method: &Method, path: &str, json: Option<&Value>) -> Result<Answer, NoAnswer> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.server.url_of(path);
        url.set_query(query);
        let mut request: RequestBuilder = self.http.request(method.clone(), url);
        if let Some((name, value)) = &self.login {
            request = request.header(name, value);
        }
        if let Some(json) = json {
            request = request.json(json);
        }
        let response = request.send().await.map_err(|error| match error.is_connect() {
            true => NoAnswer::NotSent(in_words(error)),
            false => NoAnswer::Broken(in_words(error)),
        })?;
        let status = response.status().as_u16();
        let body =
            body(response, METABASE_ANSWER_BYTES_MAX).await.map_err(|error| NoAnswer::Broken(in_words(error)))?;
        Ok(Answer { status, body })
    }

    fn understood(&self, method: &Method, path: &str, answer: Answer) -> Result<Value, MetabaseError> {
        let Answer { status, body } = answer;
        if !(200..300).contains(&status) {
            let message = self.shown(&what_is_wrong(&body));
            return Err(MetabaseError::Refused { call: call(method, path), status, message });
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| {
            let answer = self.shown(&String::from_utf8_lossy(&body));
            MetabaseError::Answer { call: call(method, path), answer }
        })
    }

    /// Says that an answer is not what the API promises.
    pub(super) fn not_understood(&self, call: &str, answer: &Value) -> MetabaseError {
        MetabaseError::Answer { call: call.to_owned(), answer: self.shown(&answer.to_string()) }
    }

    /// The number by which the server knows what it answers with.
    pub(super) fn id_in(&self, call: &str, answer: &Value) -> Result<u64, MetabaseError> {
        answer["id"].as_u64().ok_or_else(|| self.not_understood(call, answer))
    }

    /// The list in an answer, which may stand in `data`.
    pub(super) fn list_in(&self, call: &str, mut answer: Value) -> Result<Vec<Value>, MetabaseError> {
        let list = if answer.is_array() { answer.take() } else { answer["data"].take() };
        match list {
            Value::Array(list) => Ok(list),
            _ => Err(self.not_understood(call, &answer)),
        }
    }

    /// The beginning of what the server says, without any secret.
    pub(super) fn shown(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            // As it is, and as JSON writes it.
            let quoted = Value::from(secret.reveal()).to_string();
            text = text.replace(quoted.trim_matches('"'), "***").replace(secret.reveal(), "***");
        }
        beginning(&text, METABASE_ANSWER_CHARS_MAX)
    }
}

fn call(method: &Method, path: &str) -> String {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("{method} {path}")
}

/// The server's own words on why it says no: plain text, a message, or one for each field.
fn what_is_wrong(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(word) = said.as_str().or(said["message"].as_str()).or(said["error"].as_str()) {
        return word.to_owned();
    }
    match said["errors"].as_object().filter(|errors| !errors.is_empty()) {
        Some(errors) => {
            let words = errors.iter().map(|(field, word)| match word.as_str() {
                Some(word) => format!("{field}: {word}"),
                None => format!("{field}: {word}"),
            });
            words.collect::<Vec<_>>().join("; ")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_shown_in_the_servers_words_and_without_secrets() {
        for (body, words) in [
            (&b"Not found."[..], "Not found."),
            (br#""You don't have permissions to do that.""#, "You don't have permissions to do that."),
            (br#"{"message": "no such host"}"#, "no such host"),
            (
                br#"{"errors": {"password": "did not match stored password"}}"#,
                "password: did not match stored password",
            ),
            (br#"{"errors": {}, "x": 1}"#, r#"{"errors": {}, "x": 1}"#),
        ] {
            assert_eq!(what_is_wrong(body), words);
        }
        let mut client = MetabaseClient::new(WebServer::parse("http://ann:pw0@h").unwrap()).unwrap();
        client.keep_out(&Secret::new("s3\"cret").unwrap());
        assert_eq!(client.shown("a  s3\"cret\nand \"s3\\\"cret\""), "a *** and \"***\"");
        client.log_in_by("x-api-key", &Secret::new("mb_k3y").unwrap()).unwrap();
        let shown = format!("{client:?}");
        assert!(!["pw0", "s3", "mb_k3y"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }
}
