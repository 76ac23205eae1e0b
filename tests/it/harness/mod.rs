//! What the tests run against. Everything started here ends with the test binary, also when that is killed.

pub mod children;
pub mod folder;
pub mod kafka;
pub mod mlflow;
pub mod postgres;
pub mod process;

use std::time::{Duration, Instant};

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
