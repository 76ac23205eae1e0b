-- trending: the 50 videos that gained most, over all and in each category, for each window of trends.
--
-- Ranked are the videos whose trend reaches into the window that ends with the newest trend of all, and that gained more
-- than nothing; equal gains in order of their ids.
SELECT scope, window_hours, rank, video_id, views_gained, views_per_hour
FROM (
    SELECT
        scopes.scope,
        windows.window_hours,
        row_number() OVER (
            PARTITION BY scopes.scope, windows.window_hours ORDER BY windows.views_gained DESC, trends.video_id
        )::integer AS rank,
        trends.video_id,
        windows.views_gained,
        windows.views_per_hour
    FROM trends
    LEFT JOIN videos USING (video_id)
    CROSS JOIN LATERAL (VALUES ('all'), (videos.category_id)) AS scopes (scope)
    CROSS JOIN LATERAL (VALUES
    (1, trends.views_gained_1h, trends.views_per_hour_1h),
    (6, trends.views_gained_6h, trends.views_per_hour_6h),
    (24, trends.views_gained_24h, trends.views_per_hour_24h),
    (168, trends.views_gained_7d, trends.views_per_hour_7d)
    ) AS windows (window_hours, views_gained, views_per_hour)
    WHERE scopes.scope IS NOT NULL
        AND windows.views_gained > 0
        AND trends.as_of > (SELECT max(as_of) FROM trends) - windows.window_hours * interval '1 hour'
) AS ranked
WHERE rank <= 50
