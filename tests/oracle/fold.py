"""Upserts and lateness: which record stands at each (video, event time), and whether it counts."""


def fold(snapshots, retention):
    """Folds snapshots in their order. Returns ({video: {time: folded in}}, {video: {time: late}})."""
    folded = {}
    late = {}
    newest = {}
    for snapshot in snapshots:
        video, time = snapshot.video, snapshot.time
        if video in newest and time < newest[video] - retention:
            if time not in folded[video]:
                late.setdefault(video, {})[time] = snapshot
            continue
        newest[video] = max(time, newest.get(video, time))
        folded.setdefault(video, {})[time] = snapshot
        late.get(video, {}).pop(time, None)
    return folded, late


def series_of(folded):
    """{video: its folded-in snapshots by event time}."""
    return {video: [by_time[time] for time in sorted(by_time)] for video, by_time in folded.items()}
