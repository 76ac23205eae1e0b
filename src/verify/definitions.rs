//! What every derived table is, in SQL: from the raw rows, and from derived tables that stand before it in the list. `verify`
//! compares with it, `rebuild` writes it; the dataflow shares nothing with it.

use crate::sink::outputs::Outputs;
use crate::sink::tables::scores::SUMS;

/// A derived table, or the derived columns of one.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The table.
    pub table: &'static str,
    /// The columns of its key.
    pub key: &'static [&'static str],
    /// The derived columns that are doubles, compared by their bits.
    pub doubles: &'static [&'static str],
    /// The other derived columns.
    pub others: &'static [&'static str],
    /// Whether rows belong to the definition; otherwise only their columns do.
    pub defines_rows: bool,
    /// The column that says when a row was last written, if there is one.
    pub written_at: Option<&'static str>,
    /// A query of the key and all derived columns, by name.
    pub query: String,
}

impl Definition {
    /// All derived columns.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.doubles.iter().chain(self.others).copied()
    }

    /// All derived columns of `side`, doubles as their bits, as SQL: for a comparison to which -0 is not 0.
    pub fn bits(&self, side: &str) -> String {
        let doubles = self.doubles.iter().map(|column| format!("float8send({side}.{column})"));
        let others = self.others.iter().map(|column| format!("{side}.{column}"));
        doubles.chain(others).collect::<Vec<_>>().join(", ")
    }

    /// That the rows of two sides have the same key, as SQL.
    pub fn same_key(&self, one: &str, other: &str) -> String {
        let same = |column: &&str| format!("{one}.{column} = {other}.{column}");
        self.key.iter().map(same).collect::<Vec<_>>().join(" AND ")
    }

    /// The same table where it is not computed: it has no rows.
    fn without_rows(self, is_wanted: bool) -> Self {
        if is_wanted {
            return self;
        }
        let columns: Vec<_> = self.key.iter().copied().chain(self.columns()).collect();
        let query = format!("SELECT {} FROM {} WHERE false", columns.join(", "), self.table);
        Self { query, ..self }
    }
}

const HOUR_COUNTS: [&str; 16] = [
    "total_views_gained",
    "total_likes_gained",
    "total_comments_gained",
    "min_view_count",
    "min_like_count",
    "min_comment_count",
    "max_view_count",
    "max_like_count",
    "max_comment_count",
    "first_view_count",
    "first_like_count",
    "first_comment_count",
    "last_view_count",
    "last_like_count",
    "last_comment_count",
    "total_records",
];

const ROLLUP_SUMS: [&str; 5] = ["views_gained", "likes_gained", "comments_gained", "active_videos", "total_records"];

const TREND_RATES: [&str; 8] = [
    "views_per_hour_1h",
    "views_acceleration_1h",
    "views_per_hour_6h",
    "views_acceleration_6h",
    "views_per_hour_24h",
    "views_acceleration_24h",
    "views_per_hour_7d",
    "views_acceleration_7d",
];

/// The definitions where `outputs` are computed, each after those that it reads.
pub fn definitions(outputs: Outputs) -> Vec<Definition> {
    let rollup = |table, key, query: &str| Definition {
        table,
        key,
        doubles: &[],
        others: &ROLLUP_SUMS,
        defines_rows: true,
        written_at: Some("updated_at"),
        query: query.to_owned(),
    };
    vec![
        Definition {
            table: "video_stats_processed",
            key: &["video_id", "\"timestamp\""],
            doubles: &["views_growth_rate", "likes_growth_rate", "comments_growth_rate", "elapsed_seconds"],
            others: &["views_delta", "likes_delta", "comments_delta"],
            defines_rows: false,
            written_at: Some("processed_at"),
            query: match outputs.growth {
                true => include_str!("sql/growth.sql").to_owned(),
                false => include_str!("sql/no_growth.sql").to_owned(),
            },
        },
        Definition {
            table: "hourly_aggregations",
            key: &["video_id", "hour_start"],
            doubles: &["avg_view_count", "avg_like_count", "avg_comment_count"],
            others: &HOUR_COUNTS,
            defines_rows: true,
            written_at: Some("updated_at"),
            query: include_str!("sql/hourly.sql").to_owned(),
        }
        .without_rows(outputs.hourly),
        rollup("channel_hourly", &["channel_id", "hour_start"], include_str!("sql/channel_hourly.sql"))
            .without_rows(outputs.rollups),
        rollup("category_hourly", &["category_id", "hour_start"], include_str!("sql/category_hourly.sql"))
            .without_rows(outputs.rollups),
        rollup("total_hourly", &["hour_start"], include_str!("sql/total_hourly.sql")).without_rows(outputs.rollups),
        Definition {
            table: "trends",
            key: &["video_id"],
            doubles: &TREND_RATES,
            others: &["as_of", "label", "views_gained_1h", "views_gained_6h", "views_gained_24h", "views_gained_7d"],
            defines_rows: true,
            written_at: Some("updated_at"),
            query: include_str!("sql/trends.sql").to_owned(),
        }
        .without_rows(outputs.trends),
        Definition {
            table: "trending",
            key: &["scope", "window_hours", "rank"],
            doubles: &["views_per_hour"],
            others: &["video_id", "views_gained"],
            defines_rows: true,
            written_at: Some("updated_at"),
            query: include_str!("sql/trending.sql").to_owned(),
        }
        .without_rows(outputs.trends),
        Definition {
            table: "predictions",
            key: &["video_id", "issued_at", "horizon_hours"],
            doubles: &[],
            others: &["prediction_timestamp", "actual_views", "actual_likes", "actual_comments"],
            defines_rows: false,
            written_at: None,
            query: predictions(),
        },
        Definition {
            table: "forecast_score_hours",
            key: &["model", "metric", "horizon_hours", "basis", "target_hour"],
            doubles: &[],
            others: &SUMS,
            defines_rows: true,
            written_at: None,
            query: include_str!("sql/forecast_score_hours.sql").to_owned(),
        },
    ]
}

/// Forecasts are facts; what came of them follows from the snapshots.
fn predictions() -> String {
    let actual = |name: &str, count: &str, hides_zero: &str| {
        include_str!("sql/actual.sql")
            .replace("{NAME}", name)
            .replace("{COUNT}", count)
            .replace("{HIDES_ZERO}", hides_zero)
    };
    include_str!("sql/predictions.sql")
        .replace("{VIEWS}", &actual("views", "view_count", "false"))
        .replace("{LIKES}", &actual("likes", "like_count", "coalesce(origin.like_count, 0) > 10"))
        .replace("{COMMENTS}", &actual("comments", "comment_count", "coalesce(origin.comment_count, 0) > 10"))
}
