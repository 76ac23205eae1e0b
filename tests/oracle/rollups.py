"""channel_hourly, category_hourly and total_hourly: sums of hourly_aggregations."""


def roll_up(hours, names_of):
    """Rows keyed by (hour_start, *names): sums over the hours for which `names_of(video_id)` is no None."""
    rows = {}
    for hour in hours:
        names = names_of(hour["video_id"])
        if names is None:
            continue
        key = (*names.values(), hour["hour_start"])
        row = rows.get(key)
        if row is None:
            row = rows[key] = {
                **names,
                "hour_start": hour["hour_start"],
                "views_gained": 0,
                "likes_gained": 0,
                "comments_gained": 0,
                "active_videos": 0,
                "total_records": 0,
            }
        for metric in ("views", "likes", "comments"):
            row[f"{metric}_gained"] += hour[f"total_{metric}_gained"] or 0
        row["active_videos"] += 1
        row["total_records"] += hour["total_records"]
    return list(rows.values())


def channel_hourly(hours, videos):
    def channel(video):
        known = videos.get(video)
        return None if known is None or known.channel_id is None else {"channel_id": known.channel_id}

    return roll_up(hours, channel)


def category_hourly(hours, videos):
    def category(video):
        known = videos.get(video)
        return None if known is None or known.category_id is None else {"category_id": known.category_id}

    return roll_up(hours, category)


def total_hourly(hours):
    return roll_up(hours, lambda video: {})
