"""Results as Markdown: `python benchmarks/report.py results/FILE.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from cases import (
    bilstm,
    cnn,
    conv,
    embedding,
    extended,
    gemm,
    graph,
    gru,
    load,
    loop,
    lstm,
    many,
    minimize,
    mlp,
    options,
    overhead,
    rules,
    sgd,
    sparse,
    stacked,
    state,
    step,
    transformer,
)

_ORDER: tuple[ModuleType, ...] = (
    step,
    rules,
    options,
    state,
    sparse,
    loop,
    gemm,
    mlp,
    graph,
    many,
    cnn,
    conv,
    lstm,
    gru,
    bilstm,
    stacked,
    transformer,
    embedding,
    overhead,
    extended,
    minimize,
    sgd,
    load,
)
CASES: dict[str, ModuleType] = {case.NAME: case for case in _ORDER}


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


# What the title of a row on one thread ends with, where the other rows have more.
ONE_THREAD = ", 1 thread"


def problem_rows(case: ModuleType, result: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The rows on all threads, then those on one; each against gradstep and the limits on as many threads."""
    if case is load:
        return load.rows(result)
    problem, limits = result["problem"], result["limits"]
    alone = {title: s for title, s in result["seconds"].items() if title.endswith(ONE_THREAD)}
    groups = [({title: s for title, s in result["seconds"].items() if title not in alone}, limits, "")]
    if alone:
        own = {name.removesuffix(ONE_THREAD): s for name, s in limits.items() if name.endswith(ONE_THREAD)}
        groups.append((alone, own, ONE_THREAD))
    rows = {}
    for seconds, measured, suffix in groups:
        ours = next((s for title, s in seconds.items() if title.startswith("gradstep")), None)
        rows.update({title: case.columns(problem, s, ours, measured) for title, s in seconds.items()})
        found = case.limit_columns(problem, ours, measured)
        rows.update({title + suffix: row for title, row in found.items()})
    for title, facts in result.get("facts", {}).items():
        rows[title].update({name: f"{value:.3g}" for name, value in facts.items()})
    return rows


def problem_text(case: ModuleType, result: dict[str, Any]) -> str:
    text = [f"**{result['problem']['name']}**", table(problem_rows(case, result))]
    text += [f"{title}: {error}" for title, error in result["errors"].items()]
    return "\n\n".join(text)


def summary(case: ModuleType, results: list[dict[str, Any]]) -> str:
    """Everybody's time over gradstep's, all problems in one table; empty where there is no such column.

    A case may have a summary of its own.
    """
    if hasattr(case, "summary"):
        rows = case.summary(results)
        return table(rows) if rows else ""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        for title, row in problem_rows(case, result).items():
            if not title.startswith("gradstep") and "x gradstep" in row:
                found.setdefault(title, {})[result["problem"]["name"]] = row["x gradstep"]
    if not found or len(results) == 1:
        return ""
    if len(results) > len(found):  # the longer list goes down
        found = {
            name: {title: row[name] for title, row in found.items() if name in row}
            for name in (result["problem"]["name"] for result in results)
        }
    return "Time over gradstep's on as many threads:\n\n" + table(found)


def markdown(results: dict[str, Any]) -> str:
    """The whole report of a run."""
    parts = ["; ".join(f"{key}: {value}" for key, value in results["card"].items() if value or value == 0)]
    parts.append("\n".join(f"- {title}: {what}" for title, what in results["rivals"].items()))
    for name, problems in results["cases"].items():
        parts.append(f"### {name}: {CASES[name].TITLE}")
        parts += filter(None, [summary(CASES[name], problems)])
        parts += [problem_text(CASES[name], result) for result in problems]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(markdown(json.loads(Path(sys.argv[1]).read_text())), end="")
