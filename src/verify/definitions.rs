//! What every derived table is, in SQL, from the raw rows alone. `verify` compares with it, `rebuild` writes it; the
//! dataflow shares nothing with it.

use crate::sink::outputs::Outputs;

/// A derived table, or the derived columns of one.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The table.
    pub table: &'static str,
    /// The second column of its key; the first is `video_id`.
    pub time_key: &'static str,
    /// The derived columns that are doubles, compared by their bits.
    pub doubles: &'static [&'static str],
    /// The other derived columns.
    pub integers: &'static [&'static str],
    /// Whether rows belong to the definition; otherwise only their columns do.
    pub defines_rows: bool,
    /// A query of the key and all derived columns, by name.
    pub query: &'static str,
}

impl Definition {
    /// All derived columns.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.doubles.iter().chain(self.integers).copied()
    }

    /// All derived columns of `side`, doubles as their bits, as SQL: for a comparison to which -0 is not 0.
    pub fn bits(&self, side: &str) -> String {
        let doubles = self.doubles.iter().map(|column| format!("float8send({side}.{column})"));
        let integers = self.integers.iter().map(|column| format!("{side}.{column}"));
        doubles.chain(integers).collect::<Vec<_>>().join(", ")
    }
}

/// The definitions where `outputs` are computed.
pub fn definitions(outputs: Outputs) -> [Definition; 2] {
    [
        Definition {
            table: "video_stats_processed",
            time_key: "\"timestamp\"",
            doubles: &["views_growth_rate", "likes_growth_rate", "comments_growth_rate", "elapsed_seconds"],
            integers: &["views_delta", "likes_delta", "comments_delta"],
            defines_rows: false,
            query: if outputs.growth { include_str!("sql/growth.sql") } else { include_str!("sql/no_growth.sql") },
        },
        Definition {
            table: "hourly_aggregations",
            time_key: "hour_start",
            doubles: &["avg_view_count", "avg_like_count", "avg_comment_count"],
            integers: &[
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
            ],
            defines_rows: true,
            query: if outputs.hourly { include_str!("sql/hourly.sql") } else { include_str!("sql/no_hourly.sql") },
        },
    ]
}
