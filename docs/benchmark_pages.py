"""Pages of the committed results of the benchmarks, one for each machine and run, made by benchmarks/report.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import figures

HERE = Path(__file__).parent
BENCHMARKS = HERE.parent / "benchmarks"
MADE = HERE / "made"


def report() -> Any:
    """The module that makes tables."""
    if str(BENCHMARKS) not in sys.path:
        sys.path.insert(0, str(BENCHMARKS))
    import report

    return report


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
    lines = ["| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in result["card"].items() if value or value == 0]
    lines += [f"| {title} | {what} |" for title, what in result["rivals"].items()]
    return "\n".join(lines)


def page(name: str, result: dict[str, Any]) -> str:
    """One run: its card, and for each case a picture, a summary and the tables."""
    parts = [f"# {name}", card(result)]
    for case_name, problems in result["cases"].items():
        case = report().CASES[case_name]
        parts.append(f"## {case_name}: {case.TITLE}")
        rows = over_ours(case, problems) if case_name != "load" else {}
        if 0 < len(rows) <= 16:
            for mode, palette in figures.PALETTES.items():
                picture = f"{name}-{case_name}-{mode}.svg"
                figures.bars(MADE / picture, rows, palette)
                parts.append(
                    f"```{{image}} {picture}\n:class: only-{mode}\n:alt: {case_name}, times over gradstep's\n```"
                )
        summary = report().summary(case, problems)
        if summary:
            parts.append(summary)
        if len(problems) <= 24:
            parts += [report().problem_text(case, problem) for problem in problems]
    return "\n\n".join(parts) + "\n"


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
    for name, result in found.items():
        text = page(name, result)
        path = MADE / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
    (MADE / "runs.txt").write_text(index(found), encoding="utf-8")
