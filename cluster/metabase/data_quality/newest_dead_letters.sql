-- The newest 500 records that were no snapshots: where they stand, and what is wrong with them.
SELECT received_at AT TIME ZONE 'UTC' AS received, topic, "partition", kafka_offset AS "offset or line", item, reason
FROM dead_letters WHERE {{time}} AND {{topic}}
ORDER BY received_at DESC, topic, "partition", kafka_offset DESC, item LIMIT 500
