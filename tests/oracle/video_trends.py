"""video_trends: trends with what is known of the video, and how far it stands out in its channel."""

import math

# Fewer videos than this make no median.
VIDEOS_MIN = 4


def median(values):
    """percentile_cont(0.5) as PostgreSQL computes it."""
    values = sorted(values)
    place = 0.5 * (len(values) - 1)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low if math.floor(place) == math.ceil(place) else low + (high - low) * 0.5


def video_trends_rows(trends, videos):
    per_hour_by_channel = {}
    for trend in trends:
        video = videos.get(trend["video_id"])
        per_hour = trend["views_per_hour_24h"]
        if video is not None and video.channel_id is not None and per_hour is not None:
            per_hour_by_channel.setdefault(video.channel_id, []).append(per_hour)
    medians = {
        channel: median(values) for channel, values in per_hour_by_channel.items() if len(values) >= VIDEOS_MIN
    }

    rows = []
    for trend in trends:
        video = videos.get(trend["video_id"])
        middle = None if video is None else medians.get(video.channel_id)
        per_hour = trend["views_per_hour_24h"]
        scored = per_hour is not None and middle is not None and middle > 0
        rows.append(
            {
                **trend,
                "title": video.title if video else None,
                "channel_id": video.channel_id if video else None,
                "channel_title": video.channel_title if video else None,
                "category_id": video.category_id if video else None,
                "link": "https://www.youtube.com/watch?v=" + trend["video_id"],
                "outlier_score": per_hour / middle if scored else None,
            }
        )
    return rows
