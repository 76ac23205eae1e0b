//! All models, as people and programs look at them.

use comfy_table::{CellAlignment, Table, presets};
use tokio_postgres::Client;

use crate::registry::RegistryError;

/// A row of `models`, without the artifact.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listed {
    /// Which model.
    pub model: String,
    /// Its version.
    pub version: i32,
    /// Whether it is in use, was, or may be.
    pub status: String,
    /// When it was added.
    pub added_at: String,
    /// The version that it took the place of.
    pub replaces: Option<i32>,
    /// Videos that it was trained on.
    pub videos: Option<i64>,
    /// The first origin that it was trained on.
    pub first_origin: Option<String>,
    /// The last one.
    pub last_origin: Option<String>,
    /// Its size.
    pub bytes: i32,
}

/// A manifest that somebody else wrote may lack anything, and is to be listed all the same.
const LIST: &str = r#"
    SELECT model_name, version, status, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), replaces,
           CASE WHEN jsonb_typeof(manifest -> 'training_videos') = 'array'
                THEN jsonb_array_length(manifest -> 'training_videos')::bigint END,
           CASE WHEN jsonb_typeof(manifest -> 'first_origin_us') = 'number' THEN (manifest ->> 'first_origin_us')::bigint END,
           CASE WHEN jsonb_typeof(manifest -> 'last_origin_us') = 'number' THEN (manifest ->> 'last_origin_us')::bigint END,
           octet_length(artifact)
    FROM models ORDER BY metric <> 'views', metric <> 'likes', model_name, version DESC"#;

/// Every version of every model, the newest first.
///
/// # Errors
/// The server's.
pub async fn list(client: &Client) -> Result<Vec<Listed>, RegistryError> {
    let rows = client.query(LIST, &[]).await.map_err(RegistryError::while_doing("listing the models"))?;
    let time = |us: Option<i64>| jiff::Timestamp::from_microsecond(us?).ok().map(|time| format!("{time:.0}"));
    let listed = rows.iter().map(|row| Listed {
        model: row.get(0),
        version: row.get(1),
        status: row.get(2),
        added_at: row.get(3),
        replaces: row.get(4),
        videos: row.get(5),
        first_origin: time(row.get(6)),
        last_origin: time(row.get(7)),
        bytes: row.get(8),
    });
    Ok(listed.collect())
}

/// The columns, and whether they hold figures.
const COLUMNS: [(&str, bool); 8] = [
    ("model", false),
    ("version", true),
    ("status", false),
    ("added (UTC)", false),
    ("replaces", true),
    ("videos", true),
    ("trained on hours from", false),
    ("to (UTC)", false),
];

/// For people.
pub fn table(models: &[Listed]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(COLUMNS.map(|(name, _)| name));
    let minute = |time: &str| time.get(..16).unwrap_or(time).replacen('T', " ", 1);
    for model in models {
        table.add_row([
            model.model.clone(),
            model.version.to_string(),
            model.status.clone(),
            minute(&model.added_at),
            model.replaces.map(|version| version.to_string()).unwrap_or_default(),
            model.videos.map(|videos| videos.to_string()).unwrap_or_default(),
            model.first_origin.as_deref().map(minute).unwrap_or_default(),
            model.last_origin.as_deref().map(minute).unwrap_or_default(),
        ]);
    }
    for (index, _) in COLUMNS.iter().enumerate().filter(|(_, (_, is_figure))| *is_figure) {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
