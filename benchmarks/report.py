"""Results as Markdown: `python benchmarks/report.py results/FILE.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from cases import load, loop, mlp, step

CASES: dict[str, ModuleType] = {case.NAME: case for case in (step, loop, mlp, load)}


def table(rows: dict[str, dict[str, str]]) -> str:
    """Row title -> column -> text, as a Markdown table; numbers to the right."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [["", *columns], *([title, *(row.get(c, "") for c in columns)] for title, row in rows.items())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = [
        "| "
        + " | ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        + " |"
        for line in lines
    ]
    rule = "| " + " | ".join(["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]) + " |"
    return "\n".join([text[0], rule, *text[1:]])


def problem_text(case: ModuleType, result: dict[str, Any]) -> str:
    if case is load:
        return _text(result, load.rows(result))
    problem, seconds, limits = result["problem"], result["seconds"], result["limits"]
    ours = next((s for title, s in seconds.items() if title.startswith("gradstep")), None)
    rows = {title: case.columns(problem, s, ours, limits) for title, s in seconds.items()}
    rows.update(case.limit_columns(problem, limits))
    return _text(result, rows)


def _text(result: dict[str, Any], rows: dict[str, dict[str, str]]) -> str:
    text = [f"**{result['problem']['name']}**", table(rows)]
    text += [f"{title}: {error}" for title, error in result["errors"].items()]
    return "\n\n".join(text)


def markdown(results: dict[str, Any]) -> str:
    """The whole report of a run."""
    parts = ["; ".join(f"{key}: {value}" for key, value in results["card"].items() if value or value == 0)]
    parts.append("\n".join(f"- {title}: {what}" for title, what in results["rivals"].items()))
    for name, problems in results["cases"].items():
        parts.append(f"### {name}: {CASES[name].TITLE}")
        parts += [problem_text(CASES[name], result) for result in problems]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(markdown(json.loads(Path(sys.argv[1]).read_text())), end="")
