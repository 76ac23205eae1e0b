//! What the demo shows: the tables as a person would ask for them.

use comfy_table::{CellAlignment, Table, presets};
use tokio_postgres::Client;

use crate::cli::database::runtime;
use crate::postgres::connect::{DatabaseUrl, connect};

/// The hours in which a video gained most.
const TOP_HOURS: &str = "
    SELECT h.video_id, to_char(h.hour_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           to_char(h.total_views_gained, 'FM999,999,999,999'),
           to_char(h.last_view_count, 'FM999,999,999,999'), h.total_records::text
    FROM hourly_aggregations h
    WHERE h.total_views_gained IS NOT NULL
    ORDER BY h.total_views_gained DESC, h.video_id, h.hour_start
    LIMIT 10";

/// The videos that gained most in the day before the newest snapshot, with where they are heading.
const RISERS: &str = "
    SELECT r.rank::text, coalesce(left(v.title, 48), v.video_id), coalesce(left(v.channel_title, 20), ''),
           to_char(r.views_gained, 'FM999,999,999,999'), coalesce(v.label, ''),
           coalesce(to_char(v.views_acceleration_24h, 'SFM999,999,990'), '')
    FROM trending r JOIN video_trends v USING (video_id)
    WHERE r.scope = 'all' AND r.window_hours = 24 AND r.rank <= 10
    ORDER BY r.rank";

/// The videos that stand out most from those of their channel.
const OUTLIERS: &str = "
    SELECT coalesce(left(title, 48), video_id), coalesce(left(channel_title, 20), ''),
           to_char(views_gained_24h, 'FM999,999,999,999'), coalesce(label, ''),
           to_char(outlier_score, 'FM999,999,990.0')
    FROM video_trends WHERE outlier_score IS NOT NULL ORDER BY outlier_score DESC, video_id LIMIT 5";

/// Videos that no model in use was trained on.
const UNSEEN: &str = "
    unseen AS (
        SELECT DISTINCT video_id FROM predictions
        WHERE video_id NOT IN (SELECT jsonb_array_elements_text(manifest -> 'training_videos') FROM models WHERE status = 'active')
    )";

/// The last forecasts of the largest of them of which all came to be known.
const FANS: &str = ",
    last AS (
        SELECT DISTINCT ON (video_id) video_id, issued_at, actual_views - base_views AS gained
        FROM predictions JOIN unseen USING (video_id)
        WHERE horizon_hours = 24 AND views_has_20_steps AND actual_views IS NOT NULL
        ORDER BY video_id, issued_at DESC
    ),
    largest AS (SELECT * FROM last ORDER BY gained DESC, video_id LIMIT 3)
    SELECT coalesce(left(v.title, 40), video_id), to_char(issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           horizon_hours::text, to_char(predicted_views - base_views, 'FM999,999,999,999'),
           to_char(predicted_views_low - base_views, 'FM999,999,999,990') || ' to '
               || to_char(predicted_views_high - base_views, 'FM999,999,999,990'),
           coalesce(to_char(actual_views - base_views, 'FM999,999,999,990'), '')
    FROM largest JOIN predictions USING (video_id, issued_at) LEFT JOIN videos v USING (video_id)
    ORDER BY gained DESC, video_id, predictions.horizon_hours";

/// How good all forecasts of those videos were that networks spoke of.
const SCORES: &str = "
    SELECT horizon_hours::text, count(*)::text, to_char(avg(abs(predicted_views - actual_views)), 'FM999,999,990.0'),
           to_char(avg(abs(base_views + members_views[11] - actual_views)), 'FM999,999,990.0'),
           to_char(avg(abs(base_views + members_views[1] - actual_views)), 'FM999,999,990.0'),
           to_char(avg(abs(base_views - actual_views)), 'FM999,999,990.0'),
           to_char(100.0 * avg((actual_views BETWEEN predicted_views_low AND predicted_views_high)::integer), 'FM990.0')
    FROM predictions JOIN unseen USING (video_id)
    WHERE views_has_20_steps AND actual_views IS NOT NULL
    GROUP BY predictions.horizon_hours ORDER BY predictions.horizon_hours";

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM video_stats_processed), (SELECT count(*) FROM hourly_aggregations),
           (SELECT count(DISTINCT video_id) FROM video_stats_processed), (SELECT count(*) FROM dead_letters),
           (SELECT count(*) FROM channel_hourly), (SELECT count(*) FROM trends), (SELECT count(*) FROM predictions)";

/// Prints the results.
pub fn show(url: &DatabaseUrl) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let client = connect(url, "viewtide demo").await?;
        let counts = client.query_one(COUNTS, &[]).await?;
        eprintln!(
            "\n{} snapshots of {} videos with growth in video_stats_processed, {} hours in hourly_aggregations, {} of channels \
             in channel_hourly, {} trends, {} forecasts, {} dead letters",
            counts.get::<_, i64>(0),
            counts.get::<_, i64>(2),
            counts.get::<_, i64>(1),
            counts.get::<_, i64>(4),
            counts.get::<_, i64>(5),
            counts.get::<_, i64>(6),
            counts.get::<_, i64>(3)
        );
        let hours = ["video", "hour (UTC)", "views gained", "views at its end", "snapshots"];
        eprintln!("\nThe hours with the largest gains:\n{}", table(&client, TOP_HOURS, &hours, &[2, 3, 4]).await?);
        let risers = ["", "video", "channel", "views in 24 h", "label", "acceleration"];
        eprintln!("\nThe fastest risers (trending):\n{}", table(&client, RISERS, &risers, &[0, 3, 5]).await?);
        let outliers = ["video", "channel", "views in 24 h", "label", "times its channel's median"];
        let title = "Far above their channel (video_trends)";
        eprintln!("\n{title}:\n{}", table(&client, OUTLIERS, &outliers, &[2, 4]).await?);
        let fans = ["video", "forecast at (UTC)", "hours", "views to come", "80 % interval", "came"];
        let title = "Forecasts of videos that no model was trained on, and what came (predictions)";
        eprintln!("\n{title}:\n{}", table(&client, &format!("WITH {UNSEEN}{FANS}"), &fans, &[2, 3, 4, 5]).await?);
        let scores = ["hours", "forecasts", "mean error", "naives alone", "LSTM alone", "no change", "% in interval"];
        let title = "How good all forecasts of their views were, beside what the members of the blend would have missed";
        let scored = table(&client, &format!("WITH {UNSEEN}{SCORES}"), &scores, &[0, 1, 2, 3, 4, 5, 6]).await?;
        eprintln!("\n{title}:\n{scored}\n");
        Ok(())
    })
}

/// What `query` gives, all of it text, under `header`; the columns `numbers` are aligned right.
async fn table(client: &Client, query: &str, header: &[&str], numbers: &[usize]) -> anyhow::Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    for row in client.query(query, &[]).await? {
        table.add_row((0..header.len()).map(|column| row.get::<_, String>(column)));
    }
    for &number in numbers {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Ok(table)
}

/// Records that are durable, dead letters included.
pub fn records(url: &DatabaseUrl) -> anyhow::Result<u64> {
    runtime()?.block_on(async {
        let client = connect(url, "viewtide demo").await?;
        let durable = client
            .query_one(
                "SELECT coalesce(sum((span ->> 'next')::bigint - (span ->> 'first')::bigint), 0)::bigint
                 FROM viewtide_progress, jsonb_each(positions) AS position(partition, span)
                 WHERE partition NOT LIKE 'videos%'",
                &[],
            )
            .await?;
        Ok(u64::try_from(durable.get::<_, i64>(0)).unwrap_or(0))
    })
}
