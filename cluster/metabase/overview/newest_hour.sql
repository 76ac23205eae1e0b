-- Views that all videos gained in the newest hour that is over, beside the hour before it.
SELECT * FROM (
    SELECT hour_start AT TIME ZONE 'UTC' AS hour, views_gained AS "views gained"
    FROM total_hourly
    WHERE {{time}} AND hour_start < (SELECT max(hour_start) FROM total_hourly)
    ORDER BY hour_start DESC LIMIT 48
) AS newest ORDER BY hour
