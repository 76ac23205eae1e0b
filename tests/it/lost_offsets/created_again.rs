//! A topic that was deleted and created again.

use super::*;

#[test]
fn a_topic_that_was_created_again_is_refused_or_begun_anew() {
    let rows = rows_of("sample_10min.csv");
    let topic = kafka::shared().fresh_topic("anew", 3);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    for (partition, part) in [(0, &rows[..100]), (1, &rows[100..150]), (2, &rows[150..170])] {
        produce(&topic, partition, [BAD.to_owned()]);
        send(&topic, partition, part);
    }
    run_to_end(&input, &database, ONE, &["--retention", "1d"]);
    kafka::shared().delete_topic(&topic);
    kafka::shared().create_topic(&topic, 2);
    // The new one is longer than what was read of the old one in partition 1, shorter in partition 0, and without partition 2.
    for (partition, part) in [(0, &rows[300..330]), (1, &rows[400..500])] {
        produce(&topic, partition, [BAD.to_owned()]);
        send(&topic, partition, part);
    }
    let before = (tables(&database), positions(&database));
    let words = format!("Kafka topic {topic} was deleted and created again since it was read (its id was ");
    for more in [vec![], vec!["--on-lost-offsets", "stop"]] {
        let refused = run(&input, &database, &more).expect_code(1);
        says(&refused, &[&words, "nothing was changed. Start again with --on-lost-offsets earliest"]);
        assert_eq!((tables(&database), positions(&database)), before);
    }
    let refused = verify(&database, Some(&input)).expect_code(1);
    says(&refused, &["give it the same input"]);
    // Leave to read on is no leave to read something else.
    let other = Input::Topic(kafka::shared().fresh_topic("another", 1));
    says(&run(&other, &database, &EARLIEST).expect_code(1), &["the tables were made with the source"]);

    let begun = run_to_end(&input, &database, Size { workers: 2, processes: 2 }, &["--on-lost-offsets", "earliest"]);
    assert_eq!(
        [&begun["gaps"], &begun["records"], &begun["dead_letters"]],
        [&json!(3), &json!(130), &json!(2)],
        "{begun}"
    );
    assert_eq!(gaps(&database), ["0 101 0 created_again", "1 51 0 created_again", "2 21 - created_again"]);
    assert_eq!(database.value("SELECT bool_and(topic_id_before <> topic_id_after)::text FROM lost_offsets"), "true");
    assert_eq!(positions(&database), json!({"0": {"first": 0, "next": 31}, "1": {"first": 0, "next": 101}}));
    let kept: Vec<Row> = [&rows[..170], &rows[300..330], &rows[400..500]].concat();
    assert_eq!(without_dead_letters(tables(&database)), without_dead_letters(tables_of(&kept)));
    // Two of them have the same place: the one of the topic that is gone, and the one of the topic that is there.
    let letters = "SELECT string_agg(\"partition\" || ' ' || kafka_offset || ' ' || before_gap, ', ' ORDER BY \"partition\", before_gap) \
                   FROM dead_letters";
    assert_eq!(database.value(letters), "0 0 0, 0 0 1, 1 0 0, 1 0 2, 2 0 3");
    let verified = verify(&database, Some(&input)).expect_code(0);
    says(
        &verified,
        &["partition 0 from offset 0, partition 1 from offset 0", "3 dead letter(s) are left by records that are gone"],
    );
    assert_eq!(verified.json()["records"], 130);
    assert_eq!(run_to_end(&input, &database, ONE, &[])["gaps"], 0, "the new one is the source now");
    verify(&database, None).expect_code(0);
    database.rows("DELETE FROM dead_letters WHERE \"partition\" = 0 AND before_gap = 0");
    says(&verify(&database, Some(&input)).expect_code(1), &["dead_letters", "the row is missing"]);
}

#[test]
fn videos_that_move_to_new_partitions_of_a_topic_created_again_are_no_differences() {
    let topic = kafka::shared().fresh_topic("anew-more", 2);
    let videos: Vec<String> = (0..24).map(|number| format!("dQw4w9W{number:03}0")).collect();
    // By the key, as every producer sends them: with other partitions they go elsewhere.
    let send = |days: &[(usize, usize)]| {
        let of_video = |video: &String| {
            let (id, json) = (video.clone(), |day: usize, views: usize| {
                format!(r#"{{"timestamp":"2025-07-{day:02} 00:00:00","video_id":"{video}","viewCount":{views}}}"#)
            });
            days.iter().map(move |&(day, views)| (id.clone(), json(day, views))).collect::<Vec<_>>()
        };
        let records: Vec<_> = videos.iter().flat_map(of_video).collect();
        kafka::shared().produce(
            &topic,
            records.iter().map(|(key, value)| Message {
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                ..Message::default()
            }),
        );
    };
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    send(&[(1, 10), (20, 200)]);
    run_to_end(&input, &database, ONE, &[]);
    let begin_again = |partitions: i32| {
        kafka::shared().delete_topic(&topic);
        kafka::shared().create_topic(&topic, partitions);
    };
    begin_again(6);
    // The day after what is stored, and what is late only by records of the old topic: it lies more than the week of
    // retention behind those, and not behind the first record of the new one.
    send(&[(2, 20), (1, 11), (21, 210)]);
    run_to_end(&input, &database, ONE, &EARLIEST);
    let late = "SELECT count(*) || ' ' || (SELECT count(*) FROM video_stats_processed WHERE NOT folded_in) \
                FROM jsonb_object_keys((SELECT positions FROM viewtide_progress))";
    assert_eq!(database.value(late), "6 24", "partitions, and the rows of the second day");
    let report = verify(&database, Some(&input)).expect_code(0).json();
    assert_eq!(report["read_from"].as_object().map(serde_json::Map::len), Some(6), "{report}");
    verify(&database, None).expect_code(0);

    // Fewer partitions, and then those that went are added again, as others of the same number.
    begin_again(2);
    send(&[(3, 30)]);
    run_to_end(&input, &database, ONE, &EARLIEST);
    verify(&database, Some(&input)).expect_code(0);
    kafka::shared().add_partitions(&topic, 6);
    send(&[(4, 40), (22, 220)]);
    run_to_end(&input, &database, ONE, &EARLIEST);
    assert_eq!(positions(&database).as_object().map(serde_json::Map::len), Some(6));
    verify(&database, Some(&input)).expect_code(0);
    // What the new topic holds is compared.
    database.rows("UPDATE video_stats_processed SET view_count = 7 WHERE \"timestamp\" = '2025-07-22 00:00:00+00'");
    says(&verify(&database, Some(&input)).expect_code(1), &["view_count is 7, should be 220"]);
}

#[test]
fn a_topic_that_is_created_again_during_a_run_is_begun_anew_by_the_next_start() {
    let rows = rows_of("sample_10min.csv");
    let topic = kafka::shared().fresh_topic("anew-running", 1);
    send(&topic, 0, &rows[..100]);
    let (input, database) = (Input::Topic(topic.clone()), Database::fresh());
    let mut running = viewtide(run_args(&input, &database, &EARLIEST));
    running.wait_for_output("state loaded", DEADLINE);
    wait_for("the first records", DEADLINE, || {
        (database.value("SELECT count(*) FROM video_stats_processed") == "100").then_some(())
    });
    kafka::shared().delete_topic(&topic);
    kafka::shared().create_topic(&topic, 1);
    send(&topic, 0, &rows[200..230]);
    let ended = running.wait(DEADLINE).expect_code(1);
    says(&ended, &[&format!("Kafka topic {topic}"), "created again", "tables are exact", "--on-lost-offsets earliest"]);
    assert_eq!(run(&input, &database, &EARLIEST).expect_code(0).json()["gaps"], 1);
    assert_eq!(database.value("SELECT reason FROM lost_offsets"), "created_again");
    assert_eq!(positions(&database)["0"], json!({"first": 0, "next": 30}));
    verify(&database, Some(&input)).expect_code(0);
}
