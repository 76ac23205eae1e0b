//! A topic's own id, which a topic that was deleted and created again does not share.
//!
//! librdkafka tells it (`rd_kafka_DescribeTopics`), its safe wrapper does not: hence the only unsafe code of the crate.

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::client::Client;
use rdkafka::{ClientContext, types::RDKafka};

/// Why a topic's id was not told. It may be told the next time, so that "it has none" must not be concluded from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker did not tell the topic's id: {0}")]
pub(super) struct NotTold(String);

/// The id of `topic` as Kafka's own tools show it; `None` where the broker gives topics none.
///
/// The broker that librdkafka pretends to be never answers this; do not ask it.
#[allow(unsafe_code)]
pub(super) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<String>, NotTold> {
    let name = CString::new(topic).map_err(|error| NotTold(error.to_string()))?;
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `client` lives through the call, and its pointer is valid as long as it lives.
    let request = unsafe { Request::new(client.native_ptr(), &name, timeout_ms) };
    let request = request.ok_or_else(|| NotTold("the request could not be made".to_owned()))?;
    let answer = request.answer().ok_or_else(|| NotTold("no answer in time".to_owned()))?;
    answer.topic_id()
}

/// What a request owns; freed in `drop`, whatever of it was made.
struct Request {
    queue: *mut native::rd_kafka_queue_t,
    topics: *mut native::rd_kafka_TopicCollection_t,
    options: *mut native::rd_kafka_AdminOptions_t,
    timeout_ms: i32,
}

impl Request {
    /// Sends the request.
    ///
    /// # Safety
    /// `client` is a valid client and outlives the request.
    #[allow(unsafe_code)]
    unsafe fn new(client: *mut RDKafka, topic: &CStr, timeout_ms: i32) -> Option<Self> {
        let mut names = [topic.as_ptr()];
        let mut message = [0; 256];
        // SAFETY: `client` is valid as the caller promises. `names` holds one valid, NUL-terminated name and its length is
        // given; the collection copies it. Each pointer that comes back is either null, which is checked before it is
        // used, or ours until `drop` frees it. The options are made for this operation, so setting its timeout is allowed;
        // `message` has the size that is given. DescribeTopics copies what it needs of topics and options, and keeps the
        // queue alive by a reference of its own until it has answered.
        unsafe {
            let request = Self {
                queue: native::rd_kafka_queue_new(client),
                topics: native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
                options: native::rd_kafka_AdminOptions_new(
                    client,
                    native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
                ),
                timeout_ms,
            };
            if request.queue.is_null() || request.topics.is_null() || request.options.is_null() {
                return None;
            }
            native::rd_kafka_AdminOptions_set_request_timeout(
                request.options,
                timeout_ms,
                message.as_mut_ptr(),
                message.len(),
            );
            native::rd_kafka_DescribeTopics(client, request.topics, request.options, request.queue);
            Some(request)
        }
    }

    /// Waits for the answer.
    #[allow(unsafe_code)]
    fn answer(&self) -> Option<Answer> {
        // SAFETY: the queue is not null (checked in `new`) and lives as long as `self`. The event that comes back is null or
        // ours until `Answer` frees it.
        let event = unsafe { native::rd_kafka_queue_poll(self.queue, self.timeout_ms.saturating_add(GRACE_MS)) };
        (!event.is_null()).then_some(Answer(event))
    }
}

impl Drop for Request {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: each pointer is null, and then left alone, or was made in `new` and is freed only here.
        unsafe {
            if !self.options.is_null() {
                native::rd_kafka_AdminOptions_destroy(self.options);
            }
            if !self.topics.is_null() {
                native::rd_kafka_TopicCollection_destroy(self.topics);
            }
            if !self.queue.is_null() {
                native::rd_kafka_queue_destroy(self.queue);
            }
        }
    }
}

/// An event, never null, freed in `drop`.
struct Answer(*mut native::rd_kafka_event_t);

impl Answer {
    #[allow(unsafe_code)]
    fn topic_id(&self) -> Result<Option<String>, NotTold> {
        // SAFETY: the event is not null and lives as long as `self`; an event of another kind gives a null result. The array
        // of topics has the length that comes back with it; it, its topics, their errors and ids belong to the event, and
        // none of them is used after this call. The text of an error or an id belongs to it; it is copied at once.
        unsafe {
            match native::rd_kafka_event_error(self.0) {
                NO_ERROR => {}
                UNSUPPORTED => return Ok(None),
                _ => return Err(NotTold(text(native::rd_kafka_event_error_string(self.0)).unwrap_or_default())),
            }
            let result = native::rd_kafka_event_DescribeTopics_result(self.0);
            let mut count = 0;
            let topics = match result.is_null() {
                true => return Err(NotTold("the answer is of another kind".to_owned())),
                false => native::rd_kafka_DescribeTopics_result_topics(result, &mut count),
            };
            if topics.is_null() || count != 1 {
                return Err(NotTold(format!("the answer has {count} topics")));
            }
            let error = native::rd_kafka_TopicDescription_error(*topics);
            if !error.is_null() && native::rd_kafka_error_code(error) != NO_ERROR {
                return Err(NotTold(text(native::rd_kafka_error_string(error)).unwrap_or_default()));
            }
            let id = native::rd_kafka_TopicDescription_topic_id(*topics);
            let is_none = id.is_null()
                || (native::rd_kafka_Uuid_most_significant_bits(id) == 0
                    && native::rd_kafka_Uuid_least_significant_bits(id) == 0);
            Ok(if is_none { None } else { text(native::rd_kafka_Uuid_base64str(id)).map(|id| url_safe(&id)) })
        }
    }
}

/// A copy of a text of librdkafka's.
///
/// # Safety
/// `text` is null, or points to a NUL-terminated text that lives through the call.
#[allow(unsafe_code)]
unsafe fn text(text: *const std::ffi::c_char) -> Option<String> {
    // SAFETY: not null, and NUL-terminated as the caller promises.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

impl Drop for Answer {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the event is ours and not null, and freed only here.
        unsafe { native::rd_kafka_event_destroy(self.0) }
    }
}

const NO_ERROR: native::rd_kafka_resp_err_t = native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
const UNSUPPORTED: native::rd_kafka_resp_err_t = native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
/// By how much longer to wait than the request itself does, so that its own error arrives.
const GRACE_MS: i32 = 500;

/// librdkafka writes ids in plain base64, Kafka's tools in the form that is safe in names.
fn url_safe(base64: &str) -> String {
    base64.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};

    use super::*;

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        assert_eq!(url_safe("a+b/cQ=="), "a-b_cQ");
    }

    #[test]
    fn a_broker_that_does_not_answer_is_no_broker_without_ids() {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", "127.0.0.1:1").create().unwrap();
        let start = std::time::Instant::now();
        let error = topic_id(consumer.client(), "one", Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().starts_with("the broker did not tell the topic's id: "), "{error}");
        assert!(start.elapsed() < Duration::from_secs(4));
    }
}
