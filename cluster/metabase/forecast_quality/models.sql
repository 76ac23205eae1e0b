-- What forecasts are, were or may be made by.
SELECT model_name AS model, version, status, trained_at AT TIME ZONE 'UTC' AS "trained (UTC)", replaces AS "in the place of"
FROM models ORDER BY model_name, version DESC LIMIT 500
