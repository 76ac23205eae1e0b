"""hourly_aggregations: a video's folded-in snapshots by UTC hour."""

import itertools

import instants

METRICS = ("view", "like", "comment")


def hours_of(video, series, growths):
    """The hourly rows of one video."""
    pairs = zip(series, growths)
    by_hour = itertools.groupby(pairs, key=lambda pair: instants.hour_of(pair[0].time))
    return [hour_row(video, hour, list(group)) for hour, group in by_hour]


def hour_row(video, hour, pairs):
    row = {"video_id": video, "hour_start": hour, "total_records": len(pairs)}
    for index, metric in enumerate(METRICS):
        counts = [s.counts[index] for s, _ in pairs if s.counts[index] is not None]
        deltas = [g.deltas[index] for _, g in pairs if g.deltas[index] is not None]
        row[f"avg_{metric}_count"] = float(sum(counts)) / float(len(counts)) if counts else None
        row[f"min_{metric}_count"] = min(counts) if counts else None
        row[f"max_{metric}_count"] = max(counts) if counts else None
        row[f"first_{metric}_count"] = counts[0] if counts else None
        row[f"last_{metric}_count"] = counts[-1] if counts else None
        row[f"total_{metric}s_gained"] = sum(deltas) if deltas else None
    return row
