//! The fields that mean something here, and how they are spelled.

/// A field that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// When it was observed.
    Timestamp,
    /// The day on which it was seen among the trending videos: a timestamp as tables of those write it. Where there is a
    /// timestamp too, that is when it was observed.
    TrendingDate,
    /// The video that was observed.
    VideoId,
    /// Views.
    ViewCount,
    /// Likes.
    LikeCount,
    /// Comments.
    CommentCount,
    /// Whether likes are hidden; their count says nothing then.
    RatingsDisabled,
    /// Whether there are no comments; their count says nothing then.
    CommentsDisabled,
    /// The record's own word on where it comes from.
    FileSource,
    /// Title of the video.
    Title,
    /// The channel's id.
    ChannelId,
    /// The channel's name.
    ChannelTitle,
    /// The category's id.
    CategoryId,
    /// When it was published.
    PublishedAt,
}

impl Field {
    /// Every field, in the order of their discriminants.
    pub const ALL: [Self; 14] = [
        Self::Timestamp,
        Self::TrendingDate,
        Self::VideoId,
        Self::ViewCount,
        Self::LikeCount,
        Self::CommentCount,
        Self::RatingsDisabled,
        Self::CommentsDisabled,
        Self::FileSource,
        Self::Title,
        Self::ChannelId,
        Self::ChannelTitle,
        Self::CategoryId,
        Self::PublishedAt,
    ];
    /// Those of a snapshot.
    pub const OF_SNAPSHOTS: [Self; 9] = [
        Self::Timestamp,
        Self::TrendingDate,
        Self::VideoId,
        Self::ViewCount,
        Self::LikeCount,
        Self::CommentCount,
        Self::RatingsDisabled,
        Self::CommentsDisabled,
        Self::FileSource,
    ];
    /// The counts, in the order of [`viewtide_dataflows::snapshot::Counts`].
    pub const COUNTS: [Self; 3] = [Self::ViewCount, Self::LikeCount, Self::CommentCount];
    /// What is known of a video beside its counts.
    pub const METADATA: [Self; 5] =
        [Self::Title, Self::ChannelId, Self::ChannelTitle, Self::CategoryId, Self::PublishedAt];

    /// The field of a snapshot that `name` is a spelling of.
    pub fn of_snapshots(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"timestamp" => Self::Timestamp,
            b"video_id" | b"videoId" => Self::VideoId,
            b"viewCount" | b"view_count" | b"views" => Self::ViewCount,
            b"likeCount" | b"like_count" | b"likes" => Self::LikeCount,
            b"commentCount" | b"comment_count" | b"comments" => Self::CommentCount,
            b"file_source" | b"fileSource" => Self::FileSource,
            b"trending_date" | b"snapshot_date" => Self::TrendingDate,
            b"ratings_disabled" => Self::RatingsDisabled,
            b"comments_disabled" => Self::CommentsDisabled,
            _ => return None,
        })
    }

    /// The field of a record about a video that `name` is a spelling of.
    pub fn of_videos(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"video_id" | b"videoId" => Self::VideoId,
            b"title" => Self::Title,
            b"channel_id" | b"channelId" => Self::ChannelId,
            b"channel_title" | b"channelTitle" | b"channel_name" => Self::ChannelTitle,
            b"category_id" | b"categoryId" => Self::CategoryId,
            b"published_at" | b"publishedAt" | b"publish_time" | b"publish_date" => Self::PublishedAt,
            _ => return None,
        })
    }

    /// The field that `name` is a spelling of.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::of_snapshots(name).or_else(|| Self::of_videos(name))
    }

    /// The spelling that messages and `replay` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::TrendingDate => "trending_date",
            Self::VideoId => "video_id",
            Self::ViewCount => "viewCount",
            Self::LikeCount => "likeCount",
            Self::CommentCount => "commentCount",
            Self::RatingsDisabled => "ratings_disabled",
            Self::CommentsDisabled => "comments_disabled",
            Self::FileSource => "file_source",
            Self::Title => "title",
            Self::ChannelId => "channel_id",
            Self::ChannelTitle => "channel_title",
            Self::CategoryId => "category_id",
            Self::PublishedAt => "published_at",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_its_field() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index);
            assert_eq!(Field::named(field.name().as_bytes()), Some(field));
            let name = field.name().as_bytes();
            assert_eq!(Field::of_snapshots(name).is_some(), Field::OF_SNAPSHOTS.contains(&field), "{field:?}");
            let of_videos = field == Field::VideoId || Field::METADATA.contains(&field);
            assert_eq!(Field::of_videos(name).is_some(), of_videos, "{field:?}");
        }
        for (name, field) in [
            ("videoId", Field::VideoId),
            ("view_count", Field::ViewCount),
            ("views", Field::ViewCount),
            ("like_count", Field::LikeCount),
            ("likes", Field::LikeCount),
            ("comment_count", Field::CommentCount),
            ("comments", Field::CommentCount),
            ("fileSource", Field::FileSource),
            ("snapshot_date", Field::TrendingDate),
            ("channelId", Field::ChannelId),
            ("channelTitle", Field::ChannelTitle),
            ("channel_name", Field::ChannelTitle),
            ("categoryId", Field::CategoryId),
            ("publishedAt", Field::PublishedAt),
            ("publish_time", Field::PublishedAt),
            ("publish_date", Field::PublishedAt),
        ] {
            assert_eq!(Field::named(name.as_bytes()), Some(field), "{name}");
        }
        for name in ["", "Timestamp", "id", "viewcount", "Title", "views ", "dislikes", "description"] {
            assert_eq!(Field::named(name.as_bytes()), None, "{name}");
        }
    }
}
