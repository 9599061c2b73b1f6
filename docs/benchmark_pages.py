"""Pages of the committed results of the benchmarks, one for each machine and run, made by benchmarks/report.py."""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import figures

HERE = Path(__file__).parent
BENCHMARKS = HERE.parent / "benchmarks"
MADE = HERE / "made"


def module(name: str) -> Any:
    """A module of the benchmarks."""
    if str(BENCHMARKS) not in sys.path:
        sys.path.insert(0, str(BENCHMARKS))
    return import_module(name)


def report() -> Any:
    """The module that makes tables."""
    return module("report")


def results() -> dict[str, dict[str, Any]]:
    """The runs that have a machine's card, by the name of their file."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((BENCHMARKS / "results").glob("*.json"))}
    return {name: result for name, result in found.items() if {"card", "rivals", "cases"} <= result.keys()}


def over_ours(case: Any, problems: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Rivals' and limits' time over gradstep's on as many threads, for each problem."""
    rows: dict[str, dict[str, float]] = {}
    for problem in problems:
        made = report().problem_rows(case, problem)
        shares = {
            title: float(row["x gradstep"])
            for title, row in made.items()
            if "x gradstep" in row and not title.startswith("gradstep")
        }
        if shares:
            rows[problem["problem"]["name"]] = shares
    return rows


def card(result: dict[str, Any]) -> str:
    """The machine and the versions as a table."""
    lines = ["| machine | |", "|---|---|"]
    about = {key: f"{value:.2g}" if isinstance(value, float) else value for key, value in result["card"].items()}
    lines += [f"| {key} | {value} |" for key, value in about.items() if value or value == 0]
    lines += [f"| {title} | {what} |" for title, what in result["rivals"].items()]
    return "\n".join(lines)


def page(name: str, result: dict[str, Any]) -> str:
    """One run: its card, and for each case a picture, a summary and the tables."""
    parts = [f"# {name}", card(result)]
    for case_name, problems in result["cases"].items():
        case = report().CASES[case_name]
        parts.append(f"## {case_name}\n\n{case.TITLE}.")
        rows = over_ours(case, problems) if case_name != "load" else {}
        if 0 < len(rows) <= 16:
            about = f"{case_name}, times over gradstep's"
            parts.append(pictures(f"{name}-{case_name}", about, partial(figures.bars, rows=rows)))
        summary = report().summary(case, problems)
        if summary:
            parts.append(summary)
        if len(problems) <= 24:
            parts += [report().problem_text(case, problem) for problem in problems]
    return "\n\n".join(parts) + "\n"


def pictures(name: str, what: str, draw: Any) -> str:
    """A picture for light and one for dark pages, as Markdown; draw: a function of a path and a palette."""
    parts = []
    for mode, palette in figures.PALETTES.items():
        draw(MADE / f"{name}-{mode}.svg", palette)
        parts.append(f"```{{image}} {name}-{mode}.svg\n:class: only-{mode}\n:alt: {what}\n```")
    return "\n\n".join(parts)


def history() -> str:
    """All runs of each machine over time: a picture of what was measured more than once, and a table a case."""
    known = json.loads((BENCHMARKS / "results" / "history.json").read_text("utf-8"))
    parts = [
        "# History",
        "What the committed runs measured, by machine and date: gradstep's time, the fastest rival's and the nearest "
        "limit's over it. Numbers above 1 are slower than gradstep. Versions of rivals are in the runs' own pages.",
    ]
    for number, (machine, entries) in enumerate(known.items()):
        parts.append(f"## {machine}")
        for case in dict.fromkeys(entry["case"] for entry in entries):
            of_case = [entry for entry in entries if entry["case"] == case]
            parts.append(f"### {case}\n\n{report().CASES[case].TITLE}.")
            lines: dict[str, list[figures.Point]] = {}
            for entry in of_case:
                lines.setdefault(entry["problem"], []).append((entry["date"], times_of(entry)))
            again = {problem: points for problem, points in lines.items() if len(points) > 1}
            if again and len(again) <= 16:
                name = f"history-{number}-{case}"
                parts.append(pictures(name, f"{case} over time", partial(figures.lines, rows=again)))
            rows = [
                "| problem | date | gradstep, us | fastest rival | x | nearest limit | x |",
                "|---|---|---:|---|---:|---|---:|",
            ]
            for entry in of_case:
                rival, limit = entry.get("rival", ["", ""]), entry.get("limit", ["", ""])
                cells = [
                    entry["problem"],
                    entry["date"].replace("-", "\N{NON-BREAKING HYPHEN}"),
                    microseconds(entry["seconds"]),
                    *rival,
                    *limit,
                ]
                rows.append("| " + " | ".join(map(str, cells)) + " |")
            parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def times_of(entry: dict[str, Any]) -> dict[str, float]:
    """Microseconds of gradstep, the fastest rival and the nearest limit."""
    ours = 1e6 * entry["seconds"]
    others = {"fastest rival": entry.get("rival"), "nearest limit": entry.get("limit")}
    return {"gradstep": ours} | {name: ours * each[1] for name, each in others.items() if each}


def microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f}" if seconds >= 1e-4 else f"{1e6 * seconds:.3g}"


def index(found: dict[str, dict[str, Any]]) -> str:
    """The list of runs, which benchmarks.md includes."""
    lines = ["| run | machine | threads | date | cases |", "|---|---|---:|---|---|"]
    for name, result in found.items():
        about = result["card"]
        lines.append(
            f"| [{name}](made/{name}.md) | {about['cpu']}, {about['cores']} cores | {about['threads']} "
            f"| {about['date']} | {', '.join(result['cases'])} |"
        )
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the pages of all runs."""
    MADE.mkdir(exist_ok=True)
    found = results()
    texts = {name: page(name, result) for name, result in found.items()} | {"history": history()}
    for name, text in texts.items():
        path = MADE / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
    (MADE / "runs.txt").write_text(index(found), encoding="utf-8")
