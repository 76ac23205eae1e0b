-- How many videos rise, fall, spike or are steady.
SELECT coalesce(label, 'not known yet') AS trend, count(*) AS videos
FROM trends LEFT JOIN videos USING (video_id) WHERE {{category}}
GROUP BY 1 ORDER BY 2 DESC, 1
