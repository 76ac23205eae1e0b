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

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM video_stats_processed), (SELECT count(*) FROM hourly_aggregations),
           (SELECT count(DISTINCT video_id) FROM video_stats_processed), (SELECT count(*) FROM dead_letters)";

/// Prints the results.
pub fn show(url: &DatabaseUrl) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let client = connect(url, "viewtide demo").await?;
        let counts = client.query_one(COUNTS, &[]).await?;
        eprintln!(
            "\n{} snapshots of {} videos with growth in video_stats_processed, {} hours in hourly_aggregations, {} dead \
             letters",
            counts.get::<_, i64>(0),
            counts.get::<_, i64>(2),
            counts.get::<_, i64>(1),
            counts.get::<_, i64>(3)
        );
        eprintln!("\nThe hours with the largest gains:\n{}\n", top_hours(&client).await?);
        Ok(())
    })
}

async fn top_hours(client: &Client) -> anyhow::Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["video", "hour (UTC)", "views gained", "views at its end", "snapshots"]);
    for row in client.query(TOP_HOURS, &[]).await? {
        table.add_row((0..5).map(|column| row.get::<_, String>(column)));
    }
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
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
                 FROM viewtide_progress, jsonb_each(positions) AS position(partition, span)",
                &[],
            )
            .await?;
        Ok(u64::try_from(durable.get::<_, i64>(0)).unwrap_or(0))
    })
}
