"""Tables as CSV files whose cells compare as text, bit by bit.

NULL is an empty field; an instant its microseconds since 1970; a double the 16 hex digits of its IEEE-754 bits, big end
first; a boolean t or f; text is quoted.
"""

import pathlib
import struct

STATS = """video_id timestamp view_count like_count comment_count views_growth_rate likes_growth_rate
    comments_growth_rate views_delta likes_delta comments_delta elapsed_seconds folded_in file_source"""
HOURS = """video_id hour_start avg_view_count avg_like_count avg_comment_count total_views_gained total_likes_gained
    total_comments_gained min_view_count min_like_count min_comment_count max_view_count max_like_count
    max_comment_count first_view_count first_like_count first_comment_count last_view_count last_like_count
    last_comment_count total_records"""
SUMS = "views_gained likes_gained comments_gained active_videos total_records"
TRENDS = """video_id as_of label
    views_gained_1h views_per_hour_1h views_acceleration_1h views_gained_6h views_per_hour_6h views_acceleration_6h
    views_gained_24h views_per_hour_24h views_acceleration_24h views_gained_7d views_per_hour_7d
    views_acceleration_7d"""

# Of each table the number of its first columns that are its key, and its columns.
TABLES = {
    "video_stats_processed": (2, STATS.split()),
    "hourly_aggregations": (2, HOURS.split()),
    "channel_hourly": (2, f"channel_id hour_start {SUMS}".split()),
    "category_hourly": (2, f"category_id hour_start {SUMS}".split()),
    "total_hourly": (1, f"hour_start {SUMS}".split()),
    "trends": (1, TRENDS.split()),
    "trending": (3, "scope window_hours rank video_id views_gained views_per_hour".split()),
    "videos": (1, "video_id title channel_id channel_title category_id published_at source".split()),
    "video_trends": (1, f"{TRENDS} title channel_id channel_title category_id link outlier_score".split()),
    "dead_letters": (4, "topic partition kafka_offset item".split()),
}


def cell(value):
    if value is None:
        return ""
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace('"', '""') + '"'


def write(folder, name, rows):
    """Writes the rows, which name their columns, sorted by key."""
    key_columns, columns = TABLES[name]

    def key(row):
        return tuple(row[column] for column in columns[:key_columns])

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\n")
        for row in sorted(rows, key=key):
            assert row.keys() == set(columns), f"{name}: {row.keys() ^ set(columns)}"
            file.write(",".join(cell(row[column]) for column in columns) + "\n")
