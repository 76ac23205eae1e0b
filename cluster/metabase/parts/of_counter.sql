-- Columns of predictions for the counter that is chosen.
SELECT video_id, issued_at, prediction_timestamp, horizon_hours,
       CASE {{counter}} WHEN 'views' THEN predicted_views WHEN 'likes' THEN predicted_likes ELSE predicted_comments END AS forecast,
       CASE {{counter}} WHEN 'views' THEN predicted_views_low WHEN 'likes' THEN predicted_likes_low
                        ELSE predicted_comments_low END AS low,
       CASE {{counter}} WHEN 'views' THEN predicted_views_high WHEN 'likes' THEN predicted_likes_high
                        ELSE predicted_comments_high END AS high,
       CASE {{counter}} WHEN 'views' THEN base_views WHEN 'likes' THEN base_likes ELSE base_comments END AS base,
       CASE {{counter}} WHEN 'views' THEN actual_views WHEN 'likes' THEN actual_likes ELSE actual_comments END AS actual,
       CASE {{counter}} WHEN 'views' THEN views_model WHEN 'likes' THEN likes_model ELSE comments_model END AS model
FROM predictions
