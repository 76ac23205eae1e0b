//! What was read, kept for a moment: so many lookers cost no more than one, and where Postgres is away there is what was there last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::http::readers::ReadError;

/// Something that is read again once it is older than a while.
pub(super) struct Cached<T> {
    age_max: Duration,
    last: Mutex<Last<T>>,
}

struct Last<T> {
    tried: Option<Instant>,
    found: Found<T>,
}

/// What there is.
pub(super) struct Found<T> {
    /// What was read last, and when; none where nothing ever was.
    pub(super) value: Option<(Arc<T>, Instant)>,
    /// Why it was not read since.
    pub(super) trouble: Option<String>,
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), trouble: self.trouble.clone() }
    }
}

impl<T> Cached<T> {
    pub(super) fn new(age_max: Duration) -> Self {
        Self { age_max, last: Mutex::new(Last { tried: None, found: Found { value: None, trouble: None } }) }
    }

    /// What there is, read anew by `read` where it is too old. Others wait meanwhile and get the same.
    pub(super) async fn get(&self, read: impl Future<Output = Result<T, ReadError>>) -> Found<T> {
        let mut last = self.last.lock().await;
        if last.tried.is_none_or(|tried| tried.elapsed() >= self.age_max) {
            let began = Instant::now();
            match read.await {
                Ok(value) => last.found = Found { value: Some((Arc::new(value), began)), trouble: None },
                Err(error) => last.found.trouble = Some(error.to_string()),
            }
            last.tried = Some(Instant::now());
        }
        last.found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_once_while_it_is_fresh_and_stays_where_reading_fails() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fresh = Cached::new(Duration::from_secs(3_600));
        let stale = Cached::new(Duration::ZERO);
        let value = |found: &Found<u32>| found.value.as_ref().map(|(value, _)| **value);
        runtime.block_on(async {
            assert_eq!(value(&fresh.get(async { Ok(1) }).await), Some(1));
            assert_eq!(value(&fresh.get(async { unreachable!("it is fresh") }).await), Some(1));
            assert_eq!(value(&stale.get(async { Ok(1) }).await), Some(1));
            let found = stale.get(async { Err(ReadError::TooSlow) }).await;
            assert_eq!(value(&found), Some(1));
            assert!(found.trouble.unwrap().contains("has not answered"));
            let found = stale.get(async { Ok(2) }).await;
            assert_eq!((value(&found), found.trouble), (Some(2), None));
        });
    }
}
