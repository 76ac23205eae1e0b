-- Figures of the newest retrainings: of the new model, and of the one that was in use.
SELECT "timestamp" AT TIME ZONE 'UTC' AS time, model_name AS model, metric_name AS "what", metric_value AS figure
FROM model_metrics ORDER BY "timestamp" DESC, run_id, metric_name LIMIT 500
