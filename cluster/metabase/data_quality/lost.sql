-- Records that were gone before they were read, and where reading went on.
SELECT noticed_at AT TIME ZONE 'UTC' AS noticed, topic, "partition", first_lost AS "first lost", next_read AS "read on at", reason
FROM lost_offsets WHERE {{time}} AND {{topic}}
ORDER BY noticed_at DESC, id DESC LIMIT 500
