//! A stand-in of Metabase, with a state, written from what is known of its API and from the API's description.
//!
//! Every body that it gets has to be one of the description, with nothing that this does not name; a path that is not in it, and
//! whatever Metabase would quietly pass over, is a fault, and a test that leaves one fails. It connects to Postgres with what it is
//! given, so a wrong password is noticed, and finds tables, runs cards and loses what is missing in a list as Metabase does.

mod answers;
mod description;
mod postgres;
mod state;
pub mod template;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::Value;

pub use state::{Cut, State};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Value,
    /// What it logs in by.
    pub key: Option<String>,
}

impl Request {
    /// Whether it is to change something. Asking a card is not, nor are logging in and out.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && self.path != "/api/session" && !self.path.ends_with("/query")
    }

    /// The parts of the path below `/api`.
    fn parts(&self) -> Vec<&str> {
        self.path.trim_start_matches("/api/").split('/').collect()
    }
}

/// What is answered.
pub struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    fn no(status: u16, body: impl Into<Value>) -> Self {
        Self { status, body: body.into() }
    }
}

/// A server on a port of its own, which ends with this value.
pub struct StandIn {
    port: u16,
    state: Arc<Mutex<State>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl StandIn {
    /// One that nobody has set up.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// The same on a port that is free.
    pub fn start_at(port: u16) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("its address").port();
        let router = Router::new().fallback(handle).with_state(state.clone());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = axum::serve(listener, router) => served.expect("serve"),
                    _ = stopped => {}
                }
            });
        });
        Self { port, state, stop: Some(stop), thread: Some(thread) }
    }

    /// For `--url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    /// The requests that came since this was asked before.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Panics where something came that it should not have been sent.
    #[track_caller]
    pub fn assert_no_faults(&self) {
        let state = self.state();
        assert!(state.faults.is_empty(), "{}", state.faults.join("\n"));
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            // It may have ended by a panic, which has been shown.
            let _ = (stop.send(()), thread.join());
        }
    }
}

async fn handle(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let mut request = Request {
        method,
        path: uri.path().to_owned(),
        query: BTreeMap::new(),
        body: Value::Null,
        key: header("x-metabase-session").or(header("x-api-key")),
    };
    for (name, value) in query {
        request
            .query
            .entry(name.to_owned())
            .and_modify(|values| *values += &format!(",{value}"))
            .or_insert(value.to_owned());
    }
    let mut faults = Vec::new();
    if !body.is_empty() {
        match serde_json::from_slice(&body) {
            Ok(value) => request.body = value,
            Err(error) => faults.push(format!("{request:?}: the body is no JSON: {error}")),
        }
    }
    faults.extend(description::faults(&request));
    let cut = {
        let mut state = state.lock().expect("nobody panics while holding it");
        state.requests.push(request.clone());
        state.faults.extend(faults);
        state.next_cut()
    };
    match cut {
        Cut::None => {}
        Cut::Before => return broken(),
        Cut::After => {
            drop(answers::answer(&state, &request).await);
            return broken();
        }
        Cut::Gone => return response(Answer::no(400, "cut off")),
    }
    response(answers::answer(&state, &request).await)
}

fn response(answer: Answer) -> Response<Body> {
    let body = match answer.body {
        Value::Null => Body::empty(),
        // Metabase says plain words as they are.
        Value::String(words) => Body::from(words),
        value => Body::from(value.to_string()),
    };
    let status = StatusCode::from_u16(answer.status).expect("a status");
    Response::builder().status(status).body(body).expect("an answer")
}

/// An answer that breaks off at once.
fn broken() -> Response<Body> {
    let end = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut off")) });
    Response::new(Body::from_stream(end))
}
