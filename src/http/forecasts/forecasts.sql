-- $1: counter, $2: basis, $3: span; as in forecast_scores.
SELECT json_build_object(
    'scores', (
        SELECT coalesce(json_agg(json_build_object(
            'method', model, 'horizon_hours', horizon_hours, 'forecasts', n, 'mae', mae, 'rmse', rmse, 'mase', mase,
            'mape', mape, 'r2', r2, 'directional_accuracy', directional_accuracy,
            'interval_coverage', interval_coverage) ORDER BY horizon_hours, mae, model), '[]')
        FROM forecast_scores WHERE metric = $1 AND basis = $2 AND span = $3),
    'newest_target_hour', (SELECT max(target_hour) FROM forecast_score_hours WHERE metric = $1 AND basis = $2),
    'models', (
        SELECT coalesce(json_agg(json_build_object(
            'model_name', model_name, 'version', version, 'status', status, 'trained_at', trained_at,
            'created_at', created_at, 'replaces', replaces) ORDER BY status, model_name, version DESC), '[]')
        FROM (SELECT * FROM models ORDER BY status <> 'active', created_at DESC, model_name, version LIMIT 20) AS newest)
)::text
