"""Scores the rows of predictions by the words of their definition, and knows nothing of viewtide's code.

Reads a file of one JSON array a line, of the columns that are unpacked below; prints [metric, hours, method, n, mean absolute
error, coverage] of the forecasts whose actual is known and that had their 20 steps.
"""

import collections
import json
import sys


def main():
    errors, covered = collections.defaultdict(list), collections.defaultdict(list)
    for line in open(sys.argv[1]):
        metric, hours, has_steps, base, said, low, high, actual, lstm, last_value, naives = json.loads(line)
        if not has_steps or actual is None or said is None:
            continue
        gain = actual - base
        errors[metric, hours, "issued"].append(abs(said - actual))
        covered[metric, hours].append(low <= actual <= high)
        for method, forecast in (("lstm", lstm), ("last_value", last_value), ("blend_of_naives", naives)):
            if forecast is not None:
                errors[metric, hours, method].append(abs(round(forecast) - gain))
    rows = []
    for (metric, hours, method), missed in sorted(errors.items()):
        hits = covered[metric, hours] if method == "issued" else None
        rows.append([metric, hours, method, len(missed), sum(missed) / len(missed), hits and sum(hits) / len(hits)])
    json.dump(rows, sys.stdout)


main()
