"""Input: what is a snapshot, what is a dead letter, and the metadata file."""

import csv
import gzip
import re
from typing import NamedTuple, Optional

import instants

FIRST_INSTANT = instants.parse("2005-04-23 00:00:00")
FUTURE_MAX = instants.HOUR
COUNT_MAX = 10**12

# 11 characters of base64url are 66 bits; an id is 64, so the last two are 0.
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")
DIGITS = re.compile(r"[0-9]+")

SPELLINGS = {
    "timestamp": ["timestamp"],
    "video_id": ["video_id", "videoId"],
    "views": ["viewCount", "view_count", "views"],
    "likes": ["likeCount", "like_count", "likes"],
    "comments": ["commentCount", "comment_count", "comments"],
    "file_source": ["file_source", "fileSource"],
}

# No line is too long for this reader.
csv.field_size_limit(2**31 - 1)


class Snapshot(NamedTuple):
    video: str
    time: int
    counts: tuple  # views, likes, comments; None where there is none
    file_source: Optional[str]


class DeadLetter(NamedTuple):
    topic: str
    partition: int
    kafka_offset: int
    item: int


class Video(NamedTuple):
    video_id: str
    title: Optional[str]
    channel_id: Optional[str]
    channel_title: Optional[str]
    category_id: Optional[str]
    published_at: Optional[int]


class Refused(Exception):
    """The file as a whole cannot be read."""


def csv_rows(path):
    """Yields (line the row begins at, from 1; its fields, or None where they cannot be told). Empty lines are no rows.

    Bytes that are not UTF-8 come through as lone surrogates.
    """
    opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
    with opened as stream:
        reader = csv.reader(line.decode("utf-8", "surrogateescape") for line in stream)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fields = None
            if fields != []:
                yield line, fields


def header_of(path, rows):
    _, fields = next(rows, (1, None))
    if fields is None:
        raise Refused(f"{path}: no header")
    return [name.removeprefix("\ufeff") for name in fields]


def is_utf8(text):
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def count_of(text):
    """None where there is none; ValueError where it is no count."""
    if text == "":
        return None
    if not DIGITS.fullmatch(text) or int(text) > COUNT_MAX:
        raise ValueError(f"no count: {text!r}")
    return int(text)


def read_snapshots(path, now):
    """Yields a Snapshot or a DeadLetter for each row of a file, in its order."""
    rows = csv_rows(path)
    header = header_of(path, rows)
    column = {}
    for field, spellings in SPELLINGS.items():
        places = [place for place, name in enumerate(header) if name in spellings]
        if len(places) > 1:
            raise Refused(f"{path}: {field} is given twice")
        column[field] = places[0] if places else None
    for field in ("timestamp", "video_id"):
        if column[field] is None:
            raise Refused(f"{path}: no column {field}")
    if all(column[field] is None for field in ("views", "likes", "comments")):
        raise Refused(f"{path}: no column of counts")

    for line, fields in rows:
        try:
            yield snapshot_of(fields, column, len(header), now)
        except ValueError:
            yield DeadLetter(path, 0, line, 0)


def snapshot_of(fields, column, width, now):
    """ValueError where the fields are no snapshot."""
    if fields is None or len(fields) != width:
        raise ValueError("wrong number of fields")
    if not is_utf8("".join(fields)):
        raise ValueError("not UTF-8")

    def field(name):
        return "" if column[name] is None else fields[column[name]]

    video = field("video_id")
    if not VIDEO_ID.fullmatch(video):
        raise ValueError("no video id")
    time = instants.parse(field("timestamp"))
    if time < FIRST_INSTANT or time > now + FUTURE_MAX:
        raise ValueError("too early or too late to be true")
    counts = (count_of(field("views")), count_of(field("likes")), count_of(field("comments")))
    if counts == (None, None, None):
        raise ValueError("no count at all")
    if "\0" in field("file_source"):
        raise ValueError("PostgreSQL keeps no NUL in text")
    return Snapshot(video, time, counts, field("file_source") or None)


def read_videos(path):
    """Metadata by video id: the latest row of a video, whole."""
    rows = csv_rows(path)
    header = header_of(path, rows)
    videos = {}
    for line, fields in rows:
        # What becomes of such a row is not laid down, so there must be none.
        if fields is None or len(fields) != len(header) or not is_utf8("".join(fields)):
            raise Refused(f"{path}:{line}: no row of metadata")
        row = {name: text or None for name, text in zip(header, fields)}
        video = row["video_id"]
        if video is None or not VIDEO_ID.fullmatch(video):
            raise Refused(f"{path}:{line}: no video id")
        published = row.get("published_at")
        videos[video] = Video(
            video,
            row.get("title"),
            row.get("channel_id"),
            row.get("channel_title"),
            row.get("category_id"),
            None if published is None else instants.parse_or_date(published),
        )
    return videos
