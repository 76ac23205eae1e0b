//! What was read, kept for a moment: so many lookers cost no more than one, and where Postgres is away there is what was there last.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use tokio::sync::Mutex as AsyncMutex;

use crate::http::readers::ReadError;
use crate::limits::HTTP_ANSWERS_KEPT_MAX;

/// Something that is read again once it is older than a while.
pub(super) struct Cached<T> {
    age_max: Duration,
    last: Mutex<Last<T>>,
    /// Held by whoever reads.
    reading: AsyncMutex<()>,
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

impl<T> Found<T> {
    /// What was read last.
    pub(super) fn last(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, _)| value.as_ref())
    }
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), trouble: self.trouble.clone() }
    }
}

impl<T> Cached<T> {
    pub(super) fn new(age_max: Duration) -> Self {
        let last = Mutex::new(Last { tried: None, found: Found { value: None, trouble: None } });
        Self { age_max, last, reading: AsyncMutex::new(()) }
    }

    /// What there is, read anew by `read` where it is too old. Others get what was there last meanwhile, or wait for the first.
    pub(super) async fn get(&self, read: impl Future<Output = Result<T, ReadError>>) -> Found<T> {
        if let Some(found) = self.fresh() {
            return found;
        }
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) => {
                let found = self.lock().found.clone();
                if found.value.is_some() {
                    return found;
                }
                self.reading.lock().await
            }
        };
        // Somebody else may have read it while this one waited.
        if let Some(found) = self.fresh() {
            return found;
        }
        let began = Instant::now();
        let answer = read.await;
        let mut last = self.lock();
        last.tried = Some(Instant::now());
        match answer {
            Ok(value) => last.found = Found { value: Some((Arc::new(value), began)), trouble: None },
            Err(error) => last.found.trouble = Some(error.to_string()),
        }
        last.found.clone()
    }

    fn fresh(&self) -> Option<Found<T>> {
        let last = self.lock();
        let is_fresh = last.tried.is_some_and(|tried| tried.elapsed() < self.age_max);
        is_fresh.then(|| last.found.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Last<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same for each of many questions; of those beyond a limit the ones that nobody asked for longest are forgotten.
pub(super) struct CachedEach<Q, T> {
    age_max: Duration,
    each: Mutex<LruCache<Q, Arc<Cached<T>>>>,
}

impl<Q: Clone + Eq + Hash, T> CachedEach<Q, T> {
    pub(super) fn new(age_max: Duration) -> Self {
        let kept_max = NonZeroUsize::new(HTTP_ANSWERS_KEPT_MAX).expect("more than none");
        Self { age_max, each: Mutex::new(LruCache::new(kept_max)) }
    }

    /// What is kept of `question`, or will be.
    pub(super) fn of(&self, question: &Q) -> Arc<Cached<T>> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(each.get_or_insert_ref(question, || Arc::new(Cached::new(self.age_max))))
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    fn value(found: &Found<u32>) -> Option<u32> {
        found.value.as_ref().map(|(value, _)| **value)
    }

    #[test]
    fn is_read_once_while_it_is_fresh_and_stays_where_reading_fails() {
        let fresh = Cached::new(Duration::from_secs(3_600));
        let stale = Cached::new(Duration::ZERO);
        runtime().block_on(async {
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

    #[test]
    fn while_one_reads_others_get_the_last_one_or_wait_for_the_first() {
        let cached = Cached::new(Duration::from_millis(20));
        runtime().block_on(async {
            for (before, after) in [(None, 1), (Some(1), 2)] {
                let (answer, answered) = oneshot::channel();
                let reader = cached.get(async { Ok(answered.await.unwrap()) });
                let other = async {
                    // The reader is polled first, and waits.
                    if before.is_some() {
                        assert_eq!(value(&cached.get(async { unreachable!("one reads") }).await), before);
                    }
                    answer.send(after).unwrap();
                    value(&cached.get(async { unreachable!("one reads") }).await)
                };
                let (read, other) = tokio::join!(reader, other);
                assert_eq!(value(&read), Some(after));
                // Where there was none it waited; where there was one it may have got that.
                assert!(other == Some(after) || other == before, "{other:?}");
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
    }

    #[test]
    fn each_question_has_its_own_and_the_oldest_are_forgotten() {
        let each = CachedEach::<usize, u32>::new(Duration::from_secs(3_600));
        runtime().block_on(async {
            for question in 0..=HTTP_ANSWERS_KEPT_MAX {
                each.of(&question).get(async { Ok(question as u32) }).await;
            }
            assert_eq!(value(&each.of(&7).get(async { unreachable!("it is fresh") }).await), Some(7));
            assert_eq!(value(&each.of(&0).get(async { Ok(9) }).await), Some(9));
        });
    }
}
