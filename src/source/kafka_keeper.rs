//! The thread that keeps an eye on the topic, one per process: new partitions, a topic that was deleted or created again, the
//! ends of partitions (for lag), and the offsets of the consumer group.
//!
//! It is a thread of its own so that no reader waits for an answer of the broker.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use tracing::{debug, info, warn};

use super::Spans;
use super::kafka::{Shared, known_partitions};
use super::kafka_log::KafkaLog;
use super::kafka_offsets::Offsets;
use super::topic_id::topic_id;
use crate::limits::{
    KAFKA_GROUP_COMMIT_INTERVAL, KAFKA_KEEPER_STOP_MAX, KAFKA_REFRESH_INTERVAL, KAFKA_REFRESH_TIMEOUT, TOPIC_GONE_AFTER,
};

/// A handle to the thread, which ends when the handle is dropped.
pub(super) struct Keeper {
    durable: Arc<Mutex<Option<Spans>>>,
    stop: Option<SyncSender<()>>,
    stopped: Mutex<Receiver<()>>,
}

impl Keeper {
    /// Starts the thread on a consumer that it has to itself.
    pub(super) fn start(
        consumer: BaseConsumer<KafkaLog>,
        topic: String,
        topic_id: Option<String>,
        shared: Arc<Shared>,
    ) -> Self {
        let durable = Arc::new(Mutex::new(None));
        let (stop, stops) = sync_channel(0);
        let (stopping, stopped) = sync_channel(1);
        let watch = Watch { consumer, topic, topic_id, shared, durable: durable.clone(), missing_since: None };
        std::thread::spawn(move || {
            watch.run(&stops);
            let _ = stopping.send(());
        });
        Self { durable, stop: Some(stop), stopped: Mutex::new(stopped) }
    }

    /// Everything before `spans`, which are those of one worker, is durable.
    pub(super) fn committed(&self, spans: Spans) {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().extend(spans);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Time to tell the group the last offsets; not longer, since nothing depends on it.
        let _ = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(KAFKA_KEEPER_STOP_MAX);
    }
}

struct Watch {
    consumer: BaseConsumer<KafkaLog>,
    topic: String,
    topic_id: Option<String>,
    shared: Arc<Shared>,
    durable: Arc<Mutex<Option<Spans>>>,
    missing_since: Option<Instant>,
}

impl Watch {
    fn run(mut self, stops: &Receiver<()>) {
        let mut refreshed = Instant::now();
        loop {
            let stop = stops.recv_timeout(KAFKA_GROUP_COMMIT_INTERVAL) != Err(RecvTimeoutError::Timeout);
            self.commit_group();
            // Serves the answers to commits, and log lines.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            if stop {
                return;
            }
            if refreshed.elapsed() >= KAFKA_REFRESH_INTERVAL {
                self.refresh();
                refreshed = Instant::now();
            }
        }
    }

    fn offsets(&self) -> Offsets<'_> {
        Offsets { consumer: &self.consumer, topic: &self.topic }
    }

    fn commit_group(&self) {
        let Some(durable) = self.durable.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let offsets = durable
            .iter()
            .map(|(partition, span)| (*partition, Offset::Offset(i64::try_from(span.next).unwrap_or(i64::MAX))));
        let committed =
            self.offsets().list(offsets).and_then(|offsets| self.consumer.commit(&offsets, CommitMode::Async));
        if let Err(error) = committed {
            debug!("the group's offsets, which are for information only, were not committed: {error}");
        }
    }

    fn refresh(&mut self) {
        match known_partitions(&self.consumer, &self.topic, KAFKA_REFRESH_TIMEOUT) {
            Ok(Some(partitions)) => {
                self.missing_since = None;
                self.partitions(partitions);
            }
            // A broker that just started may not know the topic yet.
            Ok(None) if self.missing_since.get_or_insert_with(Instant::now).elapsed() >= TOPIC_GONE_AFTER => {
                self.shared.fail(format!(
                    "Kafka topic {} is gone: it was deleted while it was read; the tables are exact up to there",
                    self.topic
                ));
            }
            Ok(None) => warn!(topic = self.topic, "the brokers say that there is no such topic"),
            Err(error) => {
                debug!("the partitions of topic {} could not be looked up: {error}", self.topic);
                return;
            }
        }
        self.ends();
        self.same_topic();
    }

    fn same_topic(&self) {
        let Some(before) = &self.topic_id else { return };
        match topic_id(self.consumer.client(), &self.topic, KAFKA_REFRESH_TIMEOUT) {
            Ok(Some(now)) if *before != now => self.shared.fail(format!(
                "Kafka topic {} was deleted and created again while it was read (its id was {before} and is {now}); the \
                 tables are exact for the old one. Start again with --on-lost-offsets earliest to read the new one from its \
                 first record, or on an empty database",
                self.topic
            )),
            Ok(_) => {}
            Err(error) => debug!("{error}"),
        }
    }

    fn partitions(&self, now: u32) {
        let before = self.shared.partitions();
        if now > before {
            info!(topic = self.topic, before, now, "partitions were added");
            self.shared.set_partitions(now);
        } else if now < before {
            self.shared.fail(format!(
                "Kafka topic {} has {now} partitions and had {before}: it was created again; the tables are exact for the \
                 old one. Start again with --on-lost-offsets earliest to read the new one from its first record, or on an \
                 empty database",
                self.topic
            ));
        }
    }

    fn ends(&self) {
        let read: Vec<u32> = self.shared.places().keys().copied().collect();
        match self.offsets().end(&read, KAFKA_REFRESH_TIMEOUT) {
            Ok(ends) => {
                let mut places = self.shared.places();
                for (partition, end) in ends {
                    places.entry(partition).or_default().end = end;
                }
            }
            Err(error) => debug!("the ends of topic {} could not be looked up: {error}", self.topic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Span;
    use super::*;

    #[test]
    fn what_one_worker_has_durable_does_not_hide_what_another_has() {
        let (_, stopped) = sync_channel(1);
        let keeper = Keeper { durable: Arc::default(), stop: None, stopped: Mutex::new(stopped) };
        let span = |next| Span { first: 0, next };
        keeper.committed(Spans::from([(0, span(5)), (2, span(6))]));
        keeper.committed(Spans::from([(1, span(7))]));
        keeper.committed(Spans::from([(2, span(8))]));
        let all = Spans::from([(0, span(5)), (1, span(7)), (2, span(8))]);
        assert_eq!(*keeper.durable.lock().unwrap(), Some(all));
    }
}
