-- What was no snapshot, by day of arrival and where it came from.
SELECT date_trunc('day', received_at AT TIME ZONE 'UTC') AS day, topic, count(*) AS "dead letters"
FROM dead_letters WHERE {{time}} AND {{topic}}
GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 2000
