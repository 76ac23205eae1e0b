"""How long each card of Metabase takes to be answered: measure.py URL, of a database that psql connects to.

Every card of cluster/metabase/ is asked with nothing chosen, which is when it reads most; the best of three, the slowest first.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).parents[2] / "cluster" / "metabase"


def sql_of(name):
    """The SQL of a card, with the parts that it includes."""
    lines = []
    for line in (ROOT / name).read_text().splitlines():
        part = line.removeprefix("-- include ")
        if part != line:
            lines += [of for of in sql_of(f"parts/{part}.sql").splitlines() if not of.startswith("--")]
        else:
            lines.append(line)
    return "\n".join(lines)


def cards():
    """The SQL of every card by its file, as Metabase fills it in where nothing is chosen."""
    for file in sorted(ROOT.glob("*.toml")):
        dashboard = tomllib.loads(file.read_text())
        defaults = {of["id"]: of.get("default") for of in dashboard.get("filters", [])}
        for tile in dashboard.get("tiles", []):
            if "sql" in tile:
                fields = tile.get("fields", {})
                fill = lambda tag: "1 = 1" if tag[1] in fields else f"'{defaults[tag[1]]}'"
                yield tile["sql"], re.sub(r"\{\{(\w+)\}\}", fill, sql_of(tile["sql"]))


def seconds(url, sql):
    """The best of three, as the server measures it."""
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"
    best = None
    for _ in range(3):
        command = ["psql", url, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", explain]
        plan = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[0]
        took = (plan["Planning Time"] + plan["Execution Time"]) / 1000
        best = took if best is None else min(best, took)
    return best


def main():
    took = sorted(((seconds(sys.argv[1], sql), name) for name, sql in cards()), reverse=True)
    for best, name in took:
        print(f"{best:7.3f} s  {name}")
    print(f"{len(took)} cards, the slowest {took[0][0]:.3f} s")


main()
