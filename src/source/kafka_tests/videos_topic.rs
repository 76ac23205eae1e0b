//! A topic of videos, alone and beside the snapshots.

use super::super::super::side_by_side::SideBySide;
use super::*;

#[test]
fn a_topic_of_videos_is_read_from_its_beginning_wherever_the_snapshots_start() {
    let cluster = Cluster::new(1);
    cluster.mock.create_topic(VIDEOS, 2, 1).unwrap();
    let response = include_bytes!("../../../tests/data/videos_list.json");
    for value in [&br#"{"video_id":"7tbWmYUZLX4","title":"A","channelId":"UC1"}"#[..], b"{}", response] {
        cluster.send_to(VIDEOS, 0, b"key", Some(value));
    }
    cluster.send_to(VIDEOS, 1, b"key", None);
    cluster.flush();
    let source = cluster.videos();
    let of_snapshots = of_snapshots([(0, span(0, 99)), (1, span(0, 99))]);
    let mut reader = Running::new(&source, 0, 1, of_snapshots.clone());
    reader.until_end();
    let partition = |number| Partition { input: Input::VideosTopic, number };
    let read = |reader: &Running| -> Vec<_> {
        let metadata = reader.read.metadata.iter();
        metadata.map(|record| (record.place.offset, record.place.item, record.source)).collect()
    };
    let source_of_all = MetadataSource::VideosTopic;
    let all = [(0, 0), (2, 1), (2, 2), (2, 3), (2, 4)].map(|(offset, item)| (offset, item, source_of_all));
    assert_eq!(read(&reader), all);
    assert!(reader.read.records.is_empty(), "counts are no business of this topic");
    let letters = reader.read.dead_letters.iter();
    let told: Vec<_> =
        letters.map(|letter| (letter.input, letter.topic.as_str(), letter.partition, letter.reason.as_str())).collect();
    assert!(told.contains(&(Input::VideosTopic, VIDEOS, 0, "no video_id")), "{told:?}");
    assert!(told.contains(&(Input::VideosTopic, VIDEOS, 1, "the record has no value (a tombstone)")), "{told:?}");
    assert_eq!(told.len(), 2);
    assert_eq!(reader.read.positions, Positions::from([(partition(0), span(0, 3)), (partition(1), span(0, 1))]));
    reader.stop().unwrap();
    // It goes on where it stood, whatever its number is among the snapshots.
    let mut stored = of_snapshots;
    stored.extend([(partition(0), span(0, 2)), (partition(1), span(0, 1))]);
    let mut reader = Running::new(&source, 0, 1, stored);
    reader.until_end();
    assert_eq!(read(&reader), all[1..]);
    reader.stop().unwrap();
}

#[test]
fn a_topic_of_videos_may_be_missing_unless_it_is_asked_for() {
    let cluster = Cluster::new(1);
    let config = || KafkaConfig { input: Input::VideosTopic, ..cluster.config(VIDEOS) };
    assert!(KafkaSource::open_if_there(config()).unwrap().is_none());
    let error = KafkaSource::open(config()).err().unwrap().to_string();
    assert!(error.ends_with("has no topic youtube_videos; create it, or name another with --videos-topic"), "{error}");
    cluster.mock.create_topic(VIDEOS, 1, 1).unwrap();
    assert!(KafkaSource::open_if_there(config()).unwrap().is_some());
}

#[test]
fn a_topic_of_videos_that_may_not_be_read_is_taken_for_absent_unless_it_is_asked_for() {
    let forbidden = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    let cluster = Cluster::new(1);
    cluster.mock.create_topic(VIDEOS, 1, 1).unwrap();
    let config = || KafkaConfig { input: Input::VideosTopic, ..cluster.config(VIDEOS) };
    // It may be looked at, but not be read. (At the end of a partition the client would say that and nothing else.)
    cluster.send_to(VIDEOS, 0, b"key", Some(br#"{"video_id":"7tbWmYUZLX4","title":"A"}"#));
    cluster.flush();
    cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[forbidden]);
    assert!(KafkaSource::open_if_there(config()).unwrap().is_none());
    cluster.mock.clear_request_errors(RDKafkaApiKey::Fetch);
    assert!(KafkaSource::open_if_there(config()).unwrap().is_some());
    // It may not even be looked at.
    cluster.mock.topic_error(VIDEOS, forbidden).unwrap();
    assert!(KafkaSource::open_if_there(config()).unwrap().is_none());
    let error = KafkaSource::open(config()).err().unwrap().to_string();
    assert!(error.starts_with("Kafka topic youtube_videos: 127.0.0.1:") && error.contains("authorization"), "{error}");
    assert!(error.contains("give this user the right") && !error.contains("cannot reach"), "{error}");
    let invalid = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    cluster.mock.topic_error(VIDEOS, invalid).unwrap();
    let error = KafkaSource::open_if_there(config()).err().unwrap().to_string();
    assert!(error.contains("name another topic") && !error.contains("cannot reach"), "{error}");
}

#[test]
fn videos_are_read_beside_the_snapshots_by_every_worker() {
    let cluster = Cluster::new(2);
    cluster.mock.create_topic(VIDEOS, 3, 1).unwrap();
    cluster.send_good(2, 0, 10);
    for partition in 0..3 {
        cluster.send_to(VIDEOS, partition, b"key", Some(br#"{"video_id":"7tbWmYUZLX4","title":"A"}"#));
    }
    cluster.flush();
    let (snapshots, videos) = (cluster.source(), cluster.videos());
    let beside: Vec<(Input, Arc<dyn Source>)> = vec![(Input::VideosTopic, videos.clone())];
    let source = Arc::new(SideBySide::new(snapshots.clone(), beside));
    assert_eq!(source.identity(), snapshots.identity());
    assert_eq!(source.beside(), crate::source::Beside::from([(Input::VideosTopic, videos.identity().clone())]));
    let mut readers: Vec<_> = (0..2).map(|index| Running::new(&source, index, 2, Positions::new())).collect();
    readers.iter_mut().for_each(Running::until_end);
    assert_eq!(readers.iter().map(|reader| reader.read.records.len()).collect::<Vec<_>>(), [10, 10]);
    assert_eq!(readers.iter().map(|reader| reader.read.metadata.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(source.lag(), Some(0));
    readers.iter_mut().for_each(|reader| reader.stop().unwrap());
}
