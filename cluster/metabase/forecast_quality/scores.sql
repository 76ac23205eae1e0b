-- Every counter and horizon, over all time and the newest seven days.
SELECT metric AS counter, horizon_hours AS "hours ahead", basis, span, n AS forecasts, mae AS "mean error",
       rmse AS "root of mean square", mase AS "by no change", 100 * interval_coverage AS "in the interval (%)",
       100 * directional_accuracy AS "right about faster or slower (%)"
FROM forecast_scores WHERE model = 'issued'
ORDER BY array_position(ARRAY['views', 'likes', 'comments'], metric), horizon_hours, basis, span DESC
