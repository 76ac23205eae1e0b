LEFT JOIN LATERAL (
    SELECT
        CASE
            WHEN after."timestamp" = at.target THEN after.{COUNT}
            WHEN after."timestamp" - before."timestamp" <= interval '6 hours' THEN
                round(before.{COUNT}::float8 + (after.{COUNT} - before.{COUNT})::float8
                    * ((extract(epoch FROM at.target - before."timestamp") * 1000000)::bigint::float8
                        / (extract(epoch FROM after."timestamp" - before."timestamp") * 1000000)::bigint::float8))::bigint
        END AS actual
    FROM (
        SELECT s."timestamp", s.{COUNT}
        FROM video_stats_processed s
        WHERE s.video_id = p.video_id AND s.folded_in AND s."timestamp" >= at.target
              AND s."timestamp" <= at.target + interval '6 hours'
              AND s.{COUNT} IS NOT NULL AND NOT ({HIDES_ZERO} AND s.{COUNT} = 0)
        ORDER BY s."timestamp" LIMIT 1
    ) AS after
    LEFT JOIN (
        SELECT s."timestamp", s.{COUNT}
        FROM video_stats_processed s
        WHERE s.video_id = p.video_id AND s.folded_in AND s."timestamp" < at.target
              AND s."timestamp" >= at.target - interval '6 hours'
              AND s.{COUNT} IS NOT NULL AND NOT ({HIDES_ZERO} AND s.{COUNT} = 0)
        ORDER BY s."timestamp" DESC LIMIT 1
    ) AS before ON true
) AS {NAME} ON true
