"""Forecasts by gradient-boosted trees (LightGBM), as one more row beside those of `viewtide evaluate`.

What a forecast is made of is written here from the definition of the task alone (models/src/task): hourly gains of the seven days
before an origin, about 60 lags and rates of them. Every video is forecast by trees that saw the videos of the other folds only
(models/src/score/folds.rs). Writes a CSV that `viewtide evaluate --forecasts-file LightGBM=FILE` reads; README.md has the commands.
"""

import collections
import csv
import datetime
import gzip
import pathlib
import re
import sys
import warnings

import lightgbm
import numpy as np

HOUR_SECONDS = 3600
HORIZONS_HOURS = (1, 6, 24)
METRICS = ("views", "likes", "comments")
STEPS = 168
WINDOW = 20
GAP_SECONDS_MAX = 6 * HOUR_SECONDS
# An error on the scale of asinh counts this much at least: a video that stands still must not outweigh the rest.
ERROR_MIN = 0.1
FOLDS = 5
TREES_COUNT = 300
TREES = {
    "objective": "l1",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.6,
    "lambda_l2": 1.0,
    "seed": 1,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}

Samples = collections.namedtuple("Samples", "videos issued_at features base gains")


def folds():
    """The videos of each fold."""
    text = (pathlib.Path(__file__).parents[1] / "src/score/folds.rs").read_text(encoding="utf-8")
    names = re.findall(r'"([\w-]{11})"', text.split("#[cfg(test)]")[0])
    return {name: place * FOLDS // len(names) for place, name in enumerate(names)}


def read(path):
    """By video in order of time: the timestamps as they are written, in seconds, and the three counts, NaN where missing."""
    rows = collections.defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            seconds = datetime.datetime.fromisoformat(row["timestamp"]).timestamp()
            counts = [float(row[name] or "nan") for name in ("viewCount", "likeCount", "commentCount")]
            rows[row["video_id"]].append((row["timestamp"], seconds, counts))
    for video, of_video in rows.items():
        # Of the same time the last word counts. The file is sorted, so that the first of an hour is the first to arrive.
        words = sorted({seconds: (written, counts) for written, seconds, counts in of_video}.items())
        times = np.array([seconds for seconds, _ in words])
        yield video, [written for _, (written, _) in words], times, np.array([counts for _, (_, counts) in words])


def count_at(times, counts, at):
    """The counts at times `at`, on the line between snapshots that are at most 6 hours apart."""
    there = ~np.isnan(counts)
    times, counts = times[there], counts[there]
    if not len(times):
        return np.full(len(at), np.nan)
    after = np.searchsorted(times, at)
    last, first = np.minimum(after, len(times) - 1), np.maximum(after - 1, 0)
    gap = times[last] - times[first]
    line = counts[first] + (counts[last] - counts[first]) * (at - times[first]) / np.where(gap > 0, gap, 1)
    is_between = (after > 0) & (after < len(times)) & (gap <= GAP_SECONDS_MAX)
    return np.where(times[last] == at, counts[last], np.where(is_between, line, np.nan))


def without_hidden(metric, times, counts, since):
    """The counts with a 0 of likes or comments missing where an earlier one since then is above 10."""
    if metric == 0 or not (counts == 0).any():
        return counts
    above = np.logical_or.accumulate((counts > 10) & (times >= since))
    return np.where((counts == 0) & above, np.nan, counts)


def known(times, counts, origin):
    """[3, 169]: the counts at an origin and at whole hours back from it, out of what was observed by then."""
    first, last = np.searchsorted(times, [origin - STEPS * HOUR_SECONDS - GAP_SECONDS_MAX, origin])
    part = slice(max(first - 1, 0), last + 1)
    at = origin - HOUR_SECONDS * np.arange(STEPS + 1)
    since = origin - STEPS * HOUR_SECONDS
    return [
        count_at(times[part], without_hidden(metric, times[part], counts[part, metric], since), at) for metric in range(3)
    ]


def gains(times, counts, metric, origin, base):
    """What a counter gained from an origin to each horizon."""
    counts = counts[:, metric]
    if metric and base > 10:
        counts = np.where(counts == 0, np.nan, counts)
    return count_at(times, counts, origin + HOUR_SECONDS * np.array(HORIZONS_HOURS)) - base


def scaled(rate):
    return np.arcsinh(4 * rate)


def features(origins, ages, grids, metric):
    """[n, features] of [n] origins in seconds, ages in hours and [n, 3, 169] counts; NaN where missing, which trees take."""
    steps = grids[:, :, :-1] - grids[:, :, 1:]
    own = steps[:, metric]

    def rate(first, last, of=own):
        return scaled(np.nanmean(of[:, first:last], axis=1))

    level = rate(0, WINDOW)
    angle = origins / (24 * HOUR_SECONDS) * 2 * np.pi
    columns = [np.sin(angle), np.cos(angle), np.minimum(ages, STEPS)]
    for counter in [metric] + [other for other in range(3) if other != metric]:
        columns += [np.log1p(grids[:, counter, 0]), rate(0, WINDOW, steps[:, counter])]
        columns += [rate(0, hours, steps[:, counter]) for hours in (1, 3, 6)]
    columns += [scaled(own[:, back]) - level for back in range(24)]
    columns += [rate(0, hours) - level for hours in (3, 6, 12, 24, 48, 72, STEPS)]
    columns += [rate(24 * days - hours, 24 * days) - level for days in (1, 2, 7) for hours in HORIZONS_HOURS]
    for hours in (WINDOW, STEPS):
        part = own[:, :hours]
        columns += [np.nanstd(scaled(part), axis=1), scaled(np.nanmax(part, axis=1)) - level]
        columns += [np.nanmean(np.where(np.isnan(part), np.nan, np.abs(part) < 0.5), axis=1)]
    return np.column_stack(columns)


def samples(path, fold_of):
    """Every scored origin, by metric; of videos that are in a fold."""
    found = [[] for _ in METRICS]
    for video, written, times, counts in read(path):
        if video not in fold_of:
            continue
        first_of_hour = np.unique(times // HOUR_SECONDS, return_index=True)[1]
        grids = np.array([known(times, counts, times[place]) for place in first_of_hour])
        has_window = ~np.isnan(grids[:, :, :WINDOW + 1]).any(axis=2)
        for metric in range(3):
            is_scored = has_window[:, 0] & has_window[:, metric]
            places, own = first_of_hour[is_scored], grids[is_scored]
            if len(places):
                rate = (own[:, metric, 0] - own[:, metric, WINDOW]) / WINDOW
                known_gains = [gains(times, counts, metric, times[place], grid[metric, 0]) for place, grid in zip(places, own)]
                found[metric].append(Samples(
                    np.full(len(places), video),
                    np.array(written)[places],
                    features(times[places], (times[places] - times[0]) / HOUR_SECONDS, own, metric),
                    np.arcsinh(rate[:, None] * HORIZONS_HOURS),
                    np.array(known_gains),
                ))
    return [Samples(*map(np.concatenate, zip(*of_metric))) for of_metric in found]


def weights(videos, errors):
    """Every video weighs alike, by 1 over the mean error of its window's rate."""
    weight = np.zeros(len(videos))
    for video in np.unique(videos):
        mine = (videos == video) & ~np.isnan(errors)
        if mine.any():
            weight[mine] = 1 / max(errors[mine].mean(), ERROR_MIN) / mine.sum()
    return weight / weight[weight > 0].mean()


def out_of_fold(inputs, target, weight, fold):
    """The target of each row by trees of the other folds."""
    forecast = np.empty(len(target))
    for held_out in range(FOLDS):
        train, test = (fold != held_out) & ~np.isnan(target), fold == held_out
        rows = lightgbm.Dataset(inputs[train], target[train], weight=weight[train])
        forecast[test] = lightgbm.train(TREES, rows, num_boost_round=TREES_COUNT).predict(inputs[test])
    return forecast


def main(path, target):
    fold_of = folds()
    with open(target, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["video_id", "issued_at", "metric", "horizon_hours", "gain"])
        for metric, of_metric in zip(METRICS, samples(path, fold_of)):
            fold = np.array([fold_of[video] for video in of_metric.videos])
            for at, hours in enumerate(HORIZONS_HOURS):
                base = of_metric.base[:, at]
                deviation = np.arcsinh(of_metric.gains[:, at]) - base
                weight = weights(of_metric.videos, np.abs(deviation))
                said = np.sinh(base + out_of_fold(of_metric.features, deviation, weight, fold))
                for video, issued_at, gain in zip(of_metric.videos, of_metric.issued_at, said):
                    rows.writerow([video, issued_at, metric, hours, f"{gain:.6g}"])


if __name__ == "__main__":
    # A part of the past of which nothing is known is NaN, and no cause for a warning.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"numpy|__main__")
    main(*sys.argv[1:])
