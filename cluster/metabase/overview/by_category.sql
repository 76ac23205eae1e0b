-- Views that the videos of each category gained, the newest 2,000 of them; videos without a known category are left out.
-- include category_names
SELECT date_trunc({{unit}}, hour_start AT TIME ZONE 'UTC') AS time,
       coalesce(category, 'category ' || category_id) AS category, sum(views_gained)::bigint AS "views gained"
FROM category_hourly LEFT JOIN category_names USING (category_id)
WHERE {{time}} AND {{category}}
GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 2000
