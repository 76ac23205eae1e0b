"""The oracle against small cases worked out by hand."""

import gzip
import pathlib
import tempfile
import unittest

import fold
import growth
import hours
import instants
import oracle
import read
import rollups
import tables
import trending
import trends
import video_trends

HOUR = instants.HOUR
A, B, C, D, E = "AAAAAAAAAAA", "BAAAAAAAAAA", "CAAAAAAAAAA", "DAAAAAAAAAA", "EAAAAAAAAAA"
# 2025-07-01 00:00 UTC.
JULY = 1_751_328_000_000_000


def snapshot(hour, views, likes=None, comments=None, video=A, source=None):
    return read.Snapshot(video, JULY + int(hour * HOUR), (views, likes, comments), source)


def trend(*points):
    return trends.trend_of(A, [snapshot(hour, views, likes=1) for hour, views in points])


class Input(unittest.TestCase):
    def read(self, text, now=JULY, name="a.csv"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
            return list(read.read_snapshots(str(path), now))

    def lines_refused(self, text):
        return [r.kafka_offset for r in self.read(text) if isinstance(r, read.DeadLetter)]

    def test_instants(self):
        self.assertEqual(instants.parse("1970-01-02 00:00:01"), 86_401_000_000)
        self.assertEqual(instants.parse_or_date("1970-01-02"), 86_400_000_000)
        self.assertEqual(instants.parse_or_date("2025-07-01T00:00:00Z"), JULY)
        self.assertEqual(instants.parse("2025-07-01 00:00:00"), JULY)
        self.assertEqual(instants.parse("2025-07-01T00:00:00.25Z"), JULY + 250_000)
        self.assertEqual(instants.parse("2025-07-01T05:30:00+05:30"), JULY)
        self.assertEqual(instants.parse("2025-06-30T23:00:00.000001-01:00"), JULY + 1)
        self.assertEqual(instants.hour_of(JULY - 1), JULY - HOUR)
        for text in ("", "now", "2025-07-01", "2025-02-29 00:00:00", "2025-07-01T24:00:00", "2025-07-01T00:00:00 ", "20250701"):
            self.assertRaises(ValueError, instants.parse, text)

    def test_spellings_and_order_of_columns(self):
        time = b"2025-07-01T00:00:00Z"
        expected = [read.Snapshot(A, JULY, (1, None, 3), "x,y")]
        plain = b"commentCount,other,file_source,viewCount,likeCount,timestamp,video_id\n"
        snake = b"comment_count,other,file_source,view_count,like_count,timestamp,video_id\r\n"
        camel = b"commentCount,other,fileSource,viewCount,likeCount,timestamp,videoId\n"
        for header in (plain, snake, camel):
            text = header + b'3,,"x,y",1,,' + time + b"," + A.encode() + b"\n"
            self.assertEqual(self.read(text), expected)
            self.assertEqual(self.read(text, name="a.csv.gz"), expected)
        twice = b"timestamp,video_id,viewCount,views\n"
        self.assertRaises(read.Refused, self.read, twice)

    def test_what_is_no_snapshot(self):
        rows = [
            b"timestamp,video_id,viewCount,likeCount,commentCount",
            b"2025-07-01 00:00,AAAAAAAAAAA,1,,",
            b"2025-07-01 00:00,AAAAAAAAAAB,1,,",  # 66 bits
            b"2025-07-01 00:00,AAAAAAAAAA,1,,",
            b",AAAAAAAAAAA,1,,",
            b"2005-04-22T23:59:59.999999Z,AAAAAAAAAAA,1,,",
            b"2005-04-23 00:00,AAAAAAAAAAA,1,,",
            b"2025-07-01T01:00:00Z,AAAAAAAAAAA,1,,",  # an hour ahead
            b"2025-07-01T01:00:00.000001Z,AAAAAAAAAAA,1,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,-1,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1000000000000,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1000000000001,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1.0,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1,,,",
            b"2025-07-01 00:00,AAAAAAAAAAA,1,\xff,",
            b"",
            b"2025-07-01 00:00,AAAAAAAAAAA,1,x,",
            b"2025-07-01,AAAAAAAAAAA,1,,",
        ]
        self.assertEqual(self.lines_refused(b"\n".join(rows)), [3, 4, 5, 6, 9, 10, 12, 13, 14, 15, 16, 17, 19, 20])


class Snapshots(unittest.TestCase):
    def test_upserts_and_lateness(self):
        week = 168
        records = [
            snapshot(0, 1),
            snapshot(week, 2),  # makes hour 0 neither late nor gone: exactly the retention
            snapshot(0, 3),
            snapshot(week + 1, 4),
            snapshot(0, 5),  # late, and never in place of a folded-in one
            snapshot(0.5, 6),  # late
            snapshot(0.5, 7),  # in its place
            snapshot(0.5, 8, video=B),  # the first of its video
            snapshot(week, 9),
        ]
        folded, late = fold.fold(records, week * HOUR)
        views = {v: [s.counts[0] for s in series] for v, series in fold.series_of(folded).items()}
        self.assertEqual(views, {A: [3, 9, 4], B: [8]})
        self.assertEqual([s.counts[0] for s in late[A].values()], [7])

    def test_growth(self):
        series = [snapshot(0, 0, 10), snapshot(0.5, 50, 7, 1), snapshot(1, 60, None, 2)]
        first, second, third = growth.growth_of(series)
        self.assertEqual(first, growth.NONE)
        self.assertEqual(second, growth.Growth(1800.0, (50, -3, None), (None, -30.0, None)))
        self.assertEqual(third, growth.Growth(1800.0, (10, None, 1), (20.0, None, 100.0)))

    def test_hours(self):
        series = [snapshot(0.75, 10), snapshot(1, 20, 5), snapshot(1.5, 15), snapshot(1.75, 16, 6)]
        zero, one = hours.hours_of(A, series, growth.growth_of(series))
        self.assertEqual((zero["hour_start"], zero["total_records"]), (JULY, 1))
        self.assertIsNone(zero["total_views_gained"])
        self.assertEqual((one["hour_start"], one["total_records"]), (JULY + HOUR, 3))
        found = [one[f"{what}_view_count"] for what in ("avg", "min", "max", "first", "last")]
        self.assertEqual(found, [17.0, 15, 20, 20, 16])
        found = [one[f"{what}_like_count"] for what in ("avg", "min", "max", "first", "last")]
        self.assertEqual(found, [5.5, 5, 6, 5, 6])
        self.assertEqual((one["total_views_gained"], one["total_likes_gained"]), (6, None))
        self.assertIsNone(one["avg_comment_count"])

    def test_roll_ups(self):
        all_hours = []
        for video, views in ((A, 10), (B, 100), (C, 1000)):
            series = [snapshot(0, 0, video=video), snapshot(0.5, views, video=video), snapshot(1, None, 1, video=video)]
            all_hours += hours.hours_of(video, series, growth.growth_of(series))
        videos = {
            A: read.Video(A, None, "c", None, None, None),
            B: read.Video(B, None, "c", None, "10", None),
        }

        def found(rows, name):
            return {
                (row.get(name), row["hour_start"]): (row["views_gained"], row["active_videos"], row["total_records"])
                for row in rows
            }

        channels = found(rollups.channel_hourly(all_hours, videos), "channel_id")
        self.assertEqual(channels, {("c", JULY): (110, 2, 4), ("c", JULY + HOUR): (0, 2, 2)})
        categories = found(rollups.category_hourly(all_hours, videos), "category_id")
        self.assertEqual(categories, {("10", JULY): (100, 1, 2), ("10", JULY + HOUR): (0, 1, 1)})
        total = found(rollups.total_hourly(all_hours), "")
        self.assertEqual(total, {(None, JULY): (1110, 3, 6), (None, JULY + HOUR): (0, 3, 3)})


class Trends(unittest.TestCase):
    def test_even_growth(self):
        row = trend((0, 0), (25, 2500))
        self.assertEqual([row[f"views_gained_{w}"] for w in ("1h", "6h", "24h", "7d")], [100, 600, 2400, 2500])
        self.assertEqual([row[f"views_per_hour_{w}"] for w in ("1h", "6h", "24h", "7d")], [100.0] * 4)
        self.assertEqual([row[f"views_acceleration_{w}"] for w in ("1h", "6h", "24h", "7d")], [0, 0, 0, None])
        self.assertEqual((row["as_of"], row["label"]), (JULY + 25 * HOUR, "steady"))

    def test_bends(self):
        # 10 an hour for 12 hours, then 30.
        row = trend((0, 0), (12, 120), (24, 480))
        self.assertEqual((row["views_gained_24h"], row["views_per_hour_24h"]), (480, 20.0))
        self.assertEqual((row["views_acceleration_24h"], row["label"]), (20.0, "rising"))
        row = trend((0, 0), (12, 360), (24, 480))
        self.assertEqual((row["views_acceleration_24h"], row["label"]), (-20.0, "falling"))
        # 100 in the last hour are three times the mean of 800 a day, and not of 801; 99 are too few.
        self.assertEqual(trend((0, 0), (23, 700), (24, 800))["label"], "spiking")
        self.assertEqual(trend((0, 0), (23, 701), (24, 801))["label"], "rising")
        self.assertEqual(trend((0, 0), (23, 0), (24, 99))["label"], "rising")
        self.assertEqual(trend((0, 0), (23, 0), (24, 100))["label"], "spiking")

    def test_half_to_even_and_the_unrounded_rate(self):
        # 1 and 3 in two hours: half of it in the last.
        row = trend((0, 0), (2, 1))
        self.assertEqual((row["views_gained_1h"], row["views_per_hour_1h"]), (0, 0.5))
        row = trend((0, 0), (2, 3))
        self.assertEqual((row["views_gained_1h"], row["views_per_hour_1h"]), (2, 1.5))
        row = trend((0, 3), (2, 0))
        self.assertEqual((row["views_gained_1h"], row["views_per_hour_1h"]), (-2, -1.5))

    def test_one_snapshot(self):
        row = trend((0, 7))
        self.assertEqual((row["views_gained_1h"], row["views_gained_7d"]), (0, 0))
        self.assertIsNone(row["views_per_hour_1h"])
        self.assertIsNone(row["views_acceleration_1h"])
        self.assertIsNone(row["label"])

    def test_gaps(self):
        self.assertIsNone(trend((0, None)))
        self.assertEqual(trend((0, 5), (30, None))["as_of"], JULY)
        self.assertIsNone(trend((0, 5), (30.5, None)))
        # A snapshot without a count is no first one.
        row = trend((0, None), (1, 5), (2, 6))
        self.assertEqual((row["views_gained_7d"], row["views_per_hour_7d"]), (1, 1.0))

    def test_trending(self):
        def row(video, gained, hour):
            named = {f"views_{what}_{name}": gained for what in ("gained", "per_hour") for _, name in trends.WINDOWS}
            return {"video_id": video, "as_of": JULY + hour * HOUR, **named}

        rows = [row(B, 5, 0), row(A, 5, 0), row(C, 0, 6), row(D, 9, 5), row(E, 7, 1)]
        videos = {A: read.Video(A, None, None, None, "10", None), D: read.Video(D, None, None, None, None, None)}
        found = trending.trending_rows(rows, videos)

        def of(scope, window):
            chosen = [r for r in found if (r["scope"], r["window_hours"]) == (scope, window)]
            return [(r["rank"], r["video_id"]) for r in chosen]

        self.assertEqual(of("all", 1), [])
        self.assertEqual(of("all", 6), [(1, D), (2, E)])
        self.assertEqual(of("all", 24), [(1, D), (2, E), (3, A), (4, B)])
        self.assertEqual(of("10", 6), [])
        self.assertEqual(of("10", 168), [(1, A)])
        many = [row(f"{n:010}A", n, 0) for n in range(60)]
        self.assertEqual(sum(r["window_hours"] == 1 for r in trending.trending_rows(many, {})), 50)

    def test_outlier_scores(self):
        rates = {A: 1.0, B: 2.0, C: 4.0, D: 12.0, E: None}
        rows = [{"video_id": video, "views_per_hour_24h": rate} for video, rate in rates.items()]
        videos = {video: read.Video(video, "t", "c", None, None, None) for video in rates}

        def scores():
            return [row["outlier_score"] for row in video_trends.video_trends_rows(rows, videos)]

        self.assertEqual(scores(), [1 / 3, 2 / 3, 4 / 3, 4.0, None])
        rows[4]["views_per_hour_24h"] = 3.0
        self.assertEqual(scores(), [1 / 3, 2 / 3, 4 / 3, 4.0, 1.0])
        videos[A] = read.Video(A, "t", None, None, None, None)
        del videos[B]
        self.assertEqual(scores(), [None] * 5)
        self.assertEqual(video_trends.median([-1.0, 0.0, 0.0, 5.0]), 0.0)


class Tables(unittest.TestCase):
    def test_cells(self):
        found = [tables.cell(value) for value in (None, True, False, 7, 1.0, -0.5, 'a "b",\n')]
        self.assertEqual(found, ["", "t", "f", "7", "3ff0000000000000", "bfe0000000000000", '"a ""b"",\n"'])

    def test_the_whole_way(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            header = "timestamp,video_id,viewCount,likeCount,commentCount\n"
            files = [folder / "a.csv", folder / "b.csv"]
            files[0].write_text(f"{header}2025-07-01 00:00:00,{B},100,,\n2025-07-01 00:30:00,{B},110,,\n")
            files[1].write_text(f"{header}2025-07-01 00:00:00,{B},50,,\nnever,{B},1,,\n")
            videos = folder / "videos.csv"
            columns = "video_id,title,channel_id,channel_title,category_id,published_at"
            videos.write_text(f'{columns}\n{B},"old",x,,,\n{B},"a ""b"", c",,,10,2025-07-01\n')
            paths = [str(path) for path in files]
            computed = oracle.compute(paths, str(videos), JULY, 168 * HOUR)
            for table, rows in computed.items():
                tables.write(folder / "out", table, rows)

            def written(table):
                return (folder / "out" / f"{table}.csv").read_text().split("\n", 1)[1]

            self.assertEqual(written("videos"), f'"{B}","a ""b"", c",,,"10",{JULY},"videos_file"\n')
            self.assertEqual(
                written("video_stats_processed"),
                f'"{B}",{JULY},50,,,,,,,,,,t,\n'
                # 120 percent, 1800 seconds
                f'"{B}",{JULY + HOUR // 2},110,,,405e000000000000,,,60,,,409c200000000000,t,\n',
            )
            self.assertEqual(written("category_hourly"), f'"10",{JULY},60,0,0,1,2\n')
            self.assertEqual(written("dead_letters"), f'"{paths[1]}",0,3,0\n')
            # 60 in half an hour.
            self.assertEqual(written("trending").splitlines()[0], f'"10",1,1,"{B}",60,405e000000000000')


if __name__ == "__main__":
    unittest.main()
