-- For every partition of the input the next offset that is read; of CSV files rows.
SELECT span.key AS "partition", (span.value ->> 'first')::bigint AS "first read", (span.value ->> 'next')::bigint AS "next to read",
       committed_at AT TIME ZONE 'UTC' AS "newest commit (UTC)"
FROM viewtide_progress CROSS JOIN jsonb_each(positions) AS span
ORDER BY 1
