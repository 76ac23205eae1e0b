"""trends: how fast a video's views grow over the windows back from its newest view count."""

import bisect

import instants

# Hours, and the suffix of the columns.
WINDOWS = ((1, "1h"), (6, "6h"), (24, "24h"), (168, "7d"))
GAP_MAX = 30 * instants.HOUR


def trend_of(video, series):
    """The row of one video, from all its folded-in snapshots by event time; None where it has none."""
    counted = [(s.time, s.counts[0]) for s in series if s.counts[0] is not None]
    if not counted:
        return None
    times = [time for time, _ in counted]
    views = [count for _, count in counted]
    first, as_of = times[0], times[-1]
    if series[-1].time - as_of > GAP_MAX:
        return None

    def at(instant):
        return views_at(times, views, instant)

    row = {"video_id": video, "as_of": as_of}
    for window, name in WINDOWS:
        begin = max(as_of - window * instants.HOUR, first)
        gain = float(views[-1]) - at(begin)
        row[f"views_gained_{name}"] = round(gain)  # half to even
        row[f"views_per_hour_{name}"] = None if len(times) == 1 else gain / (float(as_of - begin) / 3600000000.0)
        acceleration = None
        if first <= as_of - window * instants.HOUR:
            half = window * instants.HOUR // 2
            half_hours = float(window) / 2.0
            middle = at(as_of - half)
            acceleration = (float(views[-1]) - middle) / half_hours - (middle - at(as_of - 2 * half)) / half_hours
        row[f"views_acceleration_{name}"] = acceleration
    row["label"] = label_of(row)
    return row


def views_at(times, views, instant):
    """The count at an instant between the first and the last of `times`, linear between neighbours."""
    after = bisect.bisect_left(times, instant)
    if times[after] == instant:
        return float(views[after])
    s0, s1 = times[after - 1], times[after]
    c0, c1 = views[after - 1], views[after]
    return float(c0) + float(c1 - c0) * (float(instant - s0) / float(s1 - s0))


def label_of(row):
    acceleration = row["views_acceleration_24h"]
    if acceleration is None:
        return None
    per_hour = row["views_per_hour_24h"]
    if row["views_per_hour_1h"] >= 3.0 * per_hour and row["views_gained_1h"] >= 100:
        return "spiking"
    if acceleration > 0.1 * abs(per_hour):
        return "rising"
    if acceleration < -(0.1 * abs(per_hour)):
        return "falling"
    return "steady"
