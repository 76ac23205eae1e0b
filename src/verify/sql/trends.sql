-- trends: what each video gained lately, over its folded-in snapshots with a view count.
--
-- as_of is the newest of them; there is no row while it lies more than 30 h before the video's newest snapshot. A window
-- reaches back from as_of, or from where it would begin to the first of them, where that is later. Between two snapshots
-- the count is on the line between them.
WITH viewed AS NOT MATERIALIZED (
    SELECT video_id, "timestamp" AS at, view_count AS views
    FROM video_stats_processed
    WHERE folded_in AND view_count IS NOT NULL
),
video AS (
    SELECT
        video_id,
        max("timestamp") AS newest,
        max("timestamp") FILTER (WHERE view_count IS NOT NULL) AS as_of,
        min("timestamp") FILTER (WHERE view_count IS NOT NULL) AS first
    FROM video_stats_processed
    WHERE folded_in
    GROUP BY video_id
),
span AS (
    SELECT
        video_id,
        as_of,
        hours,
        greatest(as_of - hours * interval '1 hour', first) AS start,
        as_of - hours * interval '30 minutes' AS middle,
        first <= as_of - hours * interval '1 hour' AS is_covered
    FROM video CROSS JOIN (VALUES (1), (6), (24), (168)) AS windows (hours)
    WHERE as_of >= newest - interval '30 hours'
),
-- The count at the start, the middle and the end of each window, as a double.
views_at AS (
    SELECT
        span.*,
        point.place,
        CASE
            WHEN earlier.at = point.at THEN earlier.views::float8
            ELSE earlier.views::float8 + (later.views - earlier.views)::float8
                * ((extract(epoch FROM point.at - earlier.at) * 1000000)::bigint::float8
                    / (extract(epoch FROM later.at - earlier.at) * 1000000)::bigint::float8)
        END AS views
    FROM span
    CROSS JOIN LATERAL (
        VALUES ('start', span.start), ('middle', greatest(span.middle, span.start)), ('end', span.as_of)
    ) AS point (place, at)
    CROSS JOIN LATERAL (
        SELECT viewed.at, viewed.views FROM viewed
        WHERE viewed.video_id = span.video_id AND viewed.at <= point.at
        ORDER BY viewed.at DESC LIMIT 1
    ) AS earlier
    CROSS JOIN LATERAL (
        SELECT viewed.at, viewed.views FROM viewed
        WHERE viewed.video_id = span.video_id AND viewed.at >= point.at
        ORDER BY viewed.at LIMIT 1
    ) AS later
    WHERE span.start < span.as_of
),
views AS (
    SELECT
        video_id,
        as_of,
        hours,
        start,
        is_covered,
        max(views) FILTER (WHERE place = 'start') AS at_start,
        max(views) FILTER (WHERE place = 'middle') AS at_middle,
        max(views) FILTER (WHERE place = 'end') AS at_end
    FROM views_at
    GROUP BY video_id, as_of, hours, start, is_covered
),
gain AS (
    SELECT
        video_id,
        as_of,
        hours,
        round(at_end - at_start)::bigint AS gained,
        (at_end - at_start)
            / ((extract(epoch FROM as_of - start) * 1000000)::bigint::float8 / 3600000000::float8) AS per_hour,
        CASE WHEN is_covered THEN
            ((at_end - at_middle) / (hours::float8 / 2::float8))
                - ((at_middle - at_start) / (hours::float8 / 2::float8))
        END AS acceleration
    FROM views
    UNION ALL
    -- Of a single snapshot there is nothing to compare.
    SELECT video_id, as_of, hours, 0, NULL, NULL FROM span WHERE start = as_of
),
trend AS (
    SELECT
        video_id,
        as_of,
        max(gained) FILTER (WHERE hours = 1) AS views_gained_1h,
        max(per_hour) FILTER (WHERE hours = 1) AS views_per_hour_1h,
        max(acceleration) FILTER (WHERE hours = 1) AS views_acceleration_1h,
        max(gained) FILTER (WHERE hours = 6) AS views_gained_6h,
        max(per_hour) FILTER (WHERE hours = 6) AS views_per_hour_6h,
        max(acceleration) FILTER (WHERE hours = 6) AS views_acceleration_6h,
        max(gained) FILTER (WHERE hours = 24) AS views_gained_24h,
        max(per_hour) FILTER (WHERE hours = 24) AS views_per_hour_24h,
        max(acceleration) FILTER (WHERE hours = 24) AS views_acceleration_24h,
        max(gained) FILTER (WHERE hours = 168) AS views_gained_7d,
        max(per_hour) FILTER (WHERE hours = 168) AS views_per_hour_7d,
        max(acceleration) FILTER (WHERE hours = 168) AS views_acceleration_7d
    FROM gain
    GROUP BY video_id, as_of
)
SELECT
    *,
    CASE
        WHEN views_acceleration_24h IS NULL THEN NULL
        WHEN views_per_hour_1h >= 3::float8 * views_per_hour_24h AND views_gained_1h >= 100 THEN 'spiking'
        WHEN views_acceleration_24h > 0.1::float8 * abs(views_per_hour_24h) THEN 'rising'
        WHEN views_acceleration_24h < -(0.1::float8 * abs(views_per_hour_24h)) THEN 'falling'
        ELSE 'steady'
    END AS label
FROM trend
