"""Every table that viewtide keeps, computed from CSV files by code that shares nothing with it.

It is the definition of the tables in its plainest form: no state, no increments, the whole input at once. See
CONTRIBUTING.md for how the tests use it.
"""

import argparse
import sys
import time

import fold
import growth
import hours
import instants
import read
import rollups
import tables
import trending
import trends
import video_trends


def compute(files, videos_file, now, retention):
    """{table: its rows} of the files in the order given. `now` and `retention` in microseconds."""
    snapshots = []
    dead_letters = []
    for path in files:
        for record in read.read_snapshots(path, now):
            (snapshots if isinstance(record, read.Snapshot) else dead_letters).append(record)
    videos = read.read_videos(videos_file) if videos_file else {}

    folded, late = fold.fold(snapshots, retention)
    stats_rows = [growth.row(s, growth.NONE, False) for by_time in late.values() for s in by_time.values()]
    hour_rows = []
    trend_rows = []
    for video, series in fold.series_of(folded).items():
        growths = growth.growth_of(series)
        stats_rows += [growth.row(s, g, True) for s, g in zip(series, growths)]
        hour_rows += hours.hours_of(video, series, growths)
        trend = trends.trend_of(video, series)
        if trend is not None:
            trend_rows.append(trend)

    return {
        "video_stats_processed": stats_rows,
        "hourly_aggregations": hour_rows,
        "channel_hourly": rollups.channel_hourly(hour_rows, videos),
        "category_hourly": rollups.category_hourly(hour_rows, videos),
        "total_hourly": rollups.total_hourly(hour_rows),
        "trends": trend_rows,
        "trending": trending.trending_rows(trend_rows, videos),
        "videos": [{**video._asdict(), "source": "videos_file"} for video in videos.values()],
        "video_trends": video_trends.video_trends_rows(trend_rows, videos),
        "dead_letters": [letter._asdict() for letter in dead_letters],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, metavar="DIR", help="where the tables go, one CSV file each")
    parser.add_argument("--videos", metavar="FILE", help="metadata (.csv or .csv.gz)")
    parser.add_argument("--now", metavar="RFC3339", help="the clock that judges the snapshots (default: this machine's)")
    parser.add_argument("--retention-hours", type=int, default=168, metavar="H")
    parser.add_argument("files", nargs="+", metavar="FILE", help="snapshots (.csv or .csv.gz), in order")
    args = parser.parse_args()
    now = instants.parse(args.now) if args.now else time.time_ns() // 1_000
    try:
        computed = compute(args.files, args.videos, now, args.retention_hours * instants.HOUR)
    except read.Refused as refused:
        sys.exit(f"oracle: {refused}")
    for name in tables.TABLES:
        tables.write(args.out, name, computed[name])


if __name__ == "__main__":
    main()
