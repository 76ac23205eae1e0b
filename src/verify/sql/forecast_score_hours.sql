-- forecast_score_hours: sums over the predictions whose actual is known, from the columns of predictions alone.
--
-- Each counts for what was issued, for the model that made it, and for every member that said something. All sums are of whole
-- numbers: a gain of a member is rounded half to even, and so is each error in percent, to a millionth of one.
WITH counters AS (
    SELECT
        'views' AS metric, horizon_hours, prediction_timestamp, views_has_20_steps AS has_20_steps, views_model AS model,
        predicted_views - base_views AS said, predicted_views_low - base_views AS low,
        predicted_views_high - base_views AS high, actual_views - base_views AS gain,
        last_increment_views AS last_increment, members_views AS members
    FROM predictions
    UNION ALL
    SELECT
        'likes', horizon_hours, prediction_timestamp, likes_has_20_steps, likes_model,
        predicted_likes - base_likes, predicted_likes_low - base_likes, predicted_likes_high - base_likes,
        actual_likes - base_likes, last_increment_likes, members_likes
    FROM predictions
    UNION ALL
    SELECT
        'comments', horizon_hours, prediction_timestamp, comments_has_20_steps, comments_model,
        predicted_comments - base_comments, predicted_comments_low - base_comments,
        predicted_comments_high - base_comments, actual_comments - base_comments, last_increment_comments, members_comments
    FROM predictions
),
forecasts AS (
    SELECT named.model, metric, horizon_hours, prediction_timestamp, has_20_steps, named.said, low, high, gain, last_increment
    FROM counters
    CROSS JOIN LATERAL (VALUES ('issued', said), (model, said)) AS named (model, said)
    WHERE gain IS NOT NULL AND counters.said IS NOT NULL
    UNION ALL
    SELECT
        'member:' || (ARRAY[
            'lstm', 'last_value', 'last_increment', 'ewma_3', 'ewma_6', 'mean_24', 'median_24', 'same_hours_yesterday',
            'power_law', 'blend_of_all', 'blend_of_naives'
        ])[member.number],
        metric, horizon_hours, prediction_timestamp, has_20_steps, round(member.said::float8)::bigint, NULL, NULL, gain,
        last_increment
    FROM counters
    CROSS JOIN LATERAL unnest(members) WITH ORDINALITY AS member (said, number)
    WHERE gain IS NOT NULL AND member.said IS NOT NULL
),
errors AS (
    SELECT
        *, said::numeric - gain::numeric AS error,
        div(abs(said::numeric - gain::numeric) * 100000000, nullif(abs(gain::numeric), 0)) AS percent,
        2 * mod(abs(said::numeric - gain::numeric) * 100000000, nullif(abs(gain::numeric), 0)) AS twice_rest
    FROM forecasts
)
SELECT
    model,
    metric,
    horizon_hours,
    CASE WHEN has_20_steps THEN 'full' ELSE 'short' END AS basis,
    date_trunc('hour', prediction_timestamp, 'UTC') AS target_hour,
    count(*)::numeric AS forecasts,
    sum(abs(error)) AS absolute_errors,
    sum(error * error) AS squared_errors,
    sum(gain::numeric) AS gains,
    sum(abs(gain::numeric)) AS absolute_gains,
    sum(gain::numeric * gain::numeric) AS squared_gains,
    count(*) FILTER (WHERE gain <> 0)::numeric AS with_gain,
    coalesce(sum(percent + CASE
        WHEN twice_rest > abs(gain::numeric) OR (twice_rest = abs(gain::numeric) AND mod(percent, 2) = 1) THEN 1 ELSE 0
    END), 0) AS relative_errors,
    count(last_increment)::numeric AS with_last_increment,
    count(*) FILTER (
        WHERE sign(said::numeric - last_increment::numeric) = sign(gain::numeric - last_increment::numeric)
    )::numeric AS right_directions,
    count(low)::numeric AS with_interval,
    count(*) FILTER (WHERE gain BETWEEN low AND high)::numeric AS covered
FROM errors
GROUP BY model, metric, horizon_hours, has_20_steps, date_trunc('hour', prediction_timestamp, 'UTC')
