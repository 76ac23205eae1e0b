-- predictions: what came of each forecast, defined from the raw columns of the snapshots that are folded in.
--
-- The count at the target lies on the line between the nearest snapshots before it and at or after it that say one, if these are at
-- most 6 hours apart. A missing count says nothing; nor does a like or comment count of 0 where there were more than 10 at the origin.
SELECT
    p.video_id,
    p.issued_at,
    p.horizon_hours,
    p.issued_at + p.horizon_hours * interval '1 hour' AS prediction_timestamp,
    views.actual AS actual_views,
    likes.actual AS actual_likes,
    comments.actual AS actual_comments
FROM predictions p
LEFT JOIN video_stats_processed origin
    ON origin.video_id = p.video_id AND origin."timestamp" = p.issued_at AND origin.folded_in
CROSS JOIN LATERAL (SELECT p.issued_at + p.horizon_hours * interval '1 hour' AS target) AS at
{VIEWS}
{LIKES}
{COMMENTS}
