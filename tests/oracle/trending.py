"""trending: the fastest videos of all, and of each category."""

import instants
from trends import WINDOWS

TOP = 50


def trending_rows(trends, videos):
    scopes = {"all": list(trends)}
    for trend in trends:
        video = videos.get(trend["video_id"])
        if video is not None and video.category_id is not None:
            scopes.setdefault(video.category_id, []).append(trend)
    newest = max((trend["as_of"] for trend in trends), default=0)

    rows = []
    for scope, members in scopes.items():
        for window, name in WINDOWS:
            gained = f"views_gained_{name}"
            eligible = [t for t in members if t["as_of"] > newest - window * instants.HOUR and t[gained] > 0]
            eligible.sort(key=lambda t: (-t[gained], t["video_id"].encode()))
            for rank, trend in enumerate(eligible[:TOP], start=1):
                rows.append(
                    {
                        "scope": scope,
                        "window_hours": window,
                        "rank": rank,
                        "video_id": trend["video_id"],
                        "views_gained": trend[gained],
                        "views_per_hour": trend[f"views_per_hour_{name}"],
                    }
                )
    return rows
