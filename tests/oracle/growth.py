"""video_stats_processed: each snapshot against the one before it by event time."""

from typing import NamedTuple, Optional


class Growth(NamedTuple):
    elapsed_seconds: Optional[float]
    deltas: tuple
    rates: tuple


NONE = Growth(None, (None, None, None), (None, None, None))


def growth_of(series):
    """The growth of each snapshot of a series."""
    growths = []
    previous = None
    for snapshot in series:
        growths.append(NONE if previous is None else growth_between(previous, snapshot))
        previous = snapshot
    return growths


def growth_between(previous, snapshot):
    deltas = []
    rates = []
    for before, count in zip(previous.counts, snapshot.counts):
        if before is None or count is None:
            deltas.append(None)
            rates.append(None)
            continue
        delta = count - before
        deltas.append(delta)
        rates.append(None if before == 0 else 100.0 * float(delta) / float(before))
    elapsed = float(snapshot.time - previous.time) / 1e6
    return Growth(elapsed, tuple(deltas), tuple(rates))


def row(snapshot, growth, folded_in):
    """A row of video_stats_processed."""
    views, likes, comments = snapshot.counts
    return {
        "video_id": snapshot.video,
        "timestamp": snapshot.time,
        "view_count": views,
        "like_count": likes,
        "comment_count": comments,
        "views_growth_rate": growth.rates[0],
        "likes_growth_rate": growth.rates[1],
        "comments_growth_rate": growth.rates[2],
        "views_delta": growth.deltas[0],
        "likes_delta": growth.deltas[1],
        "comments_delta": growth.deltas[2],
        "elapsed_seconds": growth.elapsed_seconds,
        "folded_in": folded_in,
        "file_source": snapshot.file_source,
    }
