//! Connections, their limits, and what every answer says to browsers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::limits::{HTTP_ACCEPT_PAUSE, HTTP_CONNECTION_SECONDS_MAX, HTTP_CONNECTIONS_MAX, HTTP_HEADER_SECONDS_MAX};

/// Nothing is loaded from anywhere else, and nobody else shows it as a part of theirs.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// Takes connections for ever.
pub(super) async fn serve(listener: std::net::TcpListener, router: Router) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("nothing is served over HTTP: {error}"),
    };
    let is_private = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let router = if is_private { router.layer(from_fn(of_this_machine)) } else { router };
    let router = router.layer(from_fn(with_headers));
    let connections = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    loop {
        // Those beyond wait in the system's queue.
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    connection(stream, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!("a connection was not taken: {error}");
                tokio::time::sleep(HTTP_ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HTTP_HEADER_SECONDS_MAX))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // What goes wrong is the other end's: it is told, or gone.
    let _ = tokio::time::timeout(Duration::from_secs(HTTP_CONNECTION_SECONDS_MAX), served).await;
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A page of somebody else, whose name was made to mean this machine (DNS rebinding), is not let in where only this machine is.
async fn of_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_this_machine(host) {
        return next.run(request).await;
    }
    let said = "this address is for this machine alone: ask for localhost, or start with --http and another address\n";
    (StatusCode::MISDIRECTED_REQUEST, said).into_response()
}

fn is_this_machine(host: &str) -> bool {
    let Ok(Some(authority)) = host.parse::<Uri>().map(|uri| uri.into_parts().authority) else { return false };
    let name = authority.host();
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in ["localhost", "localhost:8088", "127.0.0.1:8088", "127.0.0.2", "[::1]:8088"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:8088", "10.0.0.1:8088", "127.0.0.1.evil.example", "/", "a b"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
