//! `videos`: what is known of each video.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use viewtide_dataflows::metadata::{Metadata, MetadataSource, VideoRow};

use crate::limits::MERGE_VIDEOS_MAX;
use crate::sink::SinkError;
use crate::sink::columns::placeholders;
use crate::sink::encode::{IdParam, TimeParam};

/// Its statement.
pub struct VideoTable {
    upsert: Statement,
}

/// A source as the table names it.
pub fn source_name(source: MetadataSource) -> &'static str {
    match source {
        MetadataSource::VideosFile => "videos_file",
        MetadataSource::Snippet => "snippet",
        MetadataSource::VideosTopic => "videos_topic",
    }
}

/// The source that the table names so.
pub fn source_named(name: &str) -> Option<MetadataSource> {
    let all = [MetadataSource::VideosFile, MetadataSource::Snippet, MetadataSource::VideosTopic];
    all.into_iter().find(|source| source_name(*source) == name)
}

impl VideoTable {
    /// Prepares it.
    pub async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let upsert = format!(
            "INSERT INTO videos (video_id, title, channel_id, channel_title, category_id, published_at, source) \
             SELECT * FROM unnest({}) ON CONFLICT (video_id) DO UPDATE \
             SET (title, channel_id, channel_title, category_id, published_at, source, updated_at) = \
             (EXCLUDED.title, EXCLUDED.channel_id, EXCLUDED.channel_title, EXCLUDED.category_id, \
              EXCLUDED.published_at, EXCLUDED.source, now())",
            placeholders("text[], text[], text[], text[], text[], timestamptz[], text[]")
        );
        let db = SinkError::while_doing("preparing the statement of videos");
        Ok(Self { upsert: client.prepare(&upsert).await.map_err(&db)? })
    }

    /// Writes `rows`, each video once.
    pub async fn write(&self, transaction: &Transaction<'_>, rows: &[VideoRow]) -> Result<(), SinkError> {
        for rows in rows.chunks(MERGE_VIDEOS_MAX) {
            let ids: Vec<IdParam> = rows.iter().map(|row| IdParam(row.video)).collect();
            let titles = texts(rows, |metadata| metadata.title.as_deref());
            let channels = texts(rows, |metadata| metadata.channel_id.as_deref());
            let channel_titles = texts(rows, |metadata| metadata.channel_title.as_deref());
            let categories = texts(rows, |metadata| metadata.category_id.as_deref());
            let published: Vec<Option<TimeParam>> =
                rows.iter().map(|row| row.metadata.published_at.map(TimeParam)).collect();
            let sources: Vec<&str> = rows.iter().map(|row| source_name(row.source)).collect();
            let params: [&(dyn ToSql + Sync); 7] =
                [&ids, &titles, &channels, &channel_titles, &categories, &published, &sources];
            transaction
                .execute(&self.upsert, &params)
                .await
                .map_err(SinkError::while_doing("merging rows into videos"))?;
        }
        Ok(())
    }
}

fn texts(rows: &[VideoRow], text: impl Fn(&Metadata) -> Option<&str>) -> Vec<Option<&str>> {
    rows.iter().map(|row| text(&row.metadata)).collect()
}
