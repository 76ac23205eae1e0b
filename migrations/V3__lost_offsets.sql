-- Records that were gone before they were read, dead letters of topics that were begun anew, and the time that Kafka gave them.

CREATE TABLE lost_offsets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    "partition" integer NOT NULL,
    first_lost bigint NOT NULL,
    next_read bigint,
    reason text NOT NULL,
    topic_id_before text,
    topic_id_after text,
    noticed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE lost_offsets IS 'Records that were gone before they were read (run --on-lost-offsets earliest), written in the transaction from which on reading goes on behind them.';
COMMENT ON COLUMN lost_offsets.id IS 'Counts them.';
COMMENT ON COLUMN lost_offsets.topic IS 'Kafka topic.';
COMMENT ON COLUMN lost_offsets."partition" IS 'Kafka partition.';
COMMENT ON COLUMN lost_offsets.first_lost IS 'First offset that was not read: everything before it was.';
COMMENT ON COLUMN lost_offsets.next_read IS 'Offset at which reading went on. Not above first_lost where the partition began anew: then everything that it held from first_lost on may be lost. NULL where there is no such partition any more.';
COMMENT ON COLUMN lost_offsets.reason IS 'deleted: the broker deleted the records (retention). created_again: the topic was deleted and created again. truncated: the partition is shorter than what was read from it.';
COMMENT ON COLUMN lost_offsets.topic_id_before IS 'Id of the topic that was read; NULL where the broker gives topics none.';
COMMENT ON COLUMN lost_offsets.topic_id_after IS 'Id of the topic that is read on; the same unless it was created again.';
COMMENT ON COLUMN lost_offsets.noticed_at IS 'When it was written here.';

-- Where a partition begins anew, its offsets come a second time.
ALTER TABLE dead_letters ADD COLUMN before_gap bigint NOT NULL DEFAULT 0;
ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_pkey;
ALTER TABLE dead_letters ADD PRIMARY KEY (topic, "partition", kafka_offset, item, before_gap);
COMMENT ON COLUMN dead_letters.before_gap IS 'Where the partition began anew after this was read: the id in lost_offsets of that gap, to tell it from what has the same offset now; else 0.';

-- What an item of the YouTube Data API has for its event time, and what says how far ahead a snapshot may be.
ALTER TABLE dead_letters ADD COLUMN kafka_timestamp timestamptz;
COMMENT ON COLUMN dead_letters.kafka_timestamp IS 'Timestamp that the record has in Kafka, which is the event time of an item of the YouTube Data API; NULL for CSV, and where Kafka gives none from 1970 to 9999.';
