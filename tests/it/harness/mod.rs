//! What the tests run against. Everything started here ends with the test binary, also when that is killed.

pub mod checks;
pub mod children;
pub mod folder;
pub mod kafka;
pub mod mlflow;
pub mod pages;
pub mod postgres;
pub mod process;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where cargo builds, and `make setup-test` puts what the tests run.
pub fn target_dir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp has a parent")
}

/// Ports that were free just now.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address").port())
}

/// Looks every 10 ms until `look` finds something; panics with `what` at the deadline.
pub fn wait_for<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
