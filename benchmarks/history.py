"""The history of machines: `python benchmarks/history.py results/FILE.json ...` adds runs to results/history.json.

Of each problem of a run it keeps the date, gradstep's seconds, and the fastest rival and the nearest limit over them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import report

HISTORY = Path(__file__).parent / "results" / "history.json"
Entry = dict[str, Any]


def machine(card: dict[str, Any]) -> str:
    """A machine's name: its CPU, cores and the threads that were used."""
    return f"{card['cpu']}, {card['cores']} cores, {card['threads']} thread{'s' * (card['threads'] > 1)}"


def entries(result: dict[str, Any]) -> list[Entry]:
    """One for each problem of a run that gradstep solved; those of `load` are not times of one thing."""
    found = []
    for case, problems in result["cases"].items():
        for problem in problems if case != "load" else ():
            ours = next((s for title, s in problem["seconds"].items() if title.startswith("gradstep")), None)
            if ours is None:
                continue
            rows = report.problem_rows(report.CASES[case], problem)
            over = {title: float(row["x gradstep"]) for title, row in rows.items() if "x gradstep" in row}
            each = {title: x for title, x in over.items() if not title.endswith(report.ONE_THREAD)}
            rivals = {title: x for title, x in each.items() if title in problem["seconds"] and x}
            rivals = {title: x for title, x in rivals.items() if not title.startswith("gradstep")}
            limits = {title: x for title, x in each.items() if title not in problem["seconds"]}
            entry = {"date": result["card"]["date"], "case": case, "problem": problem["problem"]["name"]}
            entry["seconds"] = float(f"{ours:.4g}")
            if rivals:
                entry["rival"] = min(rivals.items(), key=lambda item: item[1])
            if limits:
                entry["limit"] = max(limits.items(), key=lambda item: item[1])
            found.append(entry)
    return found


def add(path: Path, result: dict[str, Any]) -> None:
    """Add a run to a history; problems that were measured on that day are replaced."""
    known: dict[str, list[Entry]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    new = entries(result)
    taken = {key(entry) for entry in new}
    name = machine(result["card"])
    known[name] = sorted([one for one in known.get(name, []) if key(one) not in taken] + new, key=key)
    lines = [
        f" {json.dumps(who)}: [\n" + ",\n".join("  " + json.dumps(one) for one in each) + "\n ]"
        for who, each in known.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def key(entry: Entry) -> tuple[str, str, str]:
    return entry["case"], entry["problem"], entry["date"]


if __name__ == "__main__":
    for given in sys.argv[1:]:
        add(HISTORY, json.loads(Path(given).read_text("utf-8")))
