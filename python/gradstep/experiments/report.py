"""Pages of results: a table and sentences in Markdown, the picture, and the index of all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from ..plot.figures import new_figure
from .result import Column, Result, Row
from .setup import Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["cell", "duration", "index", "page", "read", "table", "write"]

DOTS = 100  # an inch of a picture
PALETTE = 96  # colours


def cell(row: Row, column: Column, seeds: int) -> str:
    """Mean ± standard deviation, and in how many seeds there was a value if not in all."""
    count = row.count(column.key)
    if not count:
        return column.missing
    text = f"{row.mean(column.key):{column.format}}"
    if row.deviation(column.key):
        text += f" ± {row.deviation(column.key):{column.format}}"
    return text if count == len(row.values[column.key]) else f"{text} ({count} of {seeds}; else {column.missing})"


def table(experiment: Experiment, result: Result) -> str:
    """The rows as a Markdown table."""
    lines = [[experiment.setting, *(column.title for column in result.columns)]]
    for row in result.rows:
        cells = [cell(row, column, result.seeds) if column.key in row.values else "" for column in result.columns]
        lines.append([row.label, *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = [
        "| " + " | ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)) + "|"
    return "\n".join([text[0], rule, *text[1:]])


def page(experiment: Experiment, result: Result) -> str:
    """The page of an experiment."""
    parts = [f"# {experiment.title}"]
    if result.small:
        parts.append("**A trial with few rows, seeds and epochs: the numbers mean nothing.**")
    parts.append(f"*What is often said:* {experiment.folklore}")
    parts.append("\n".join(f"- {sentence}" for sentence in experiment.findings(result)))
    parts.append(f"![{experiment.title}]({experiment.name}.png)")
    parts.append(f"{experiment.method} Mean ± standard deviation between {result.seeds} seeds.")
    parts.append(table(experiment, result))
    machine = "; ".join(f"{key}: {value}" for key, value in result.machine.items())
    parts.append(
        f"Data: {result.data}. Made by `python -m gradstep experiments {experiment.name}` in "
        f"{duration(result.seconds)}; every value of every seed is in `{experiment.name}.json`. {machine}."
    )
    return "\n\n".join(parts) + "\n"


def duration(seconds: float) -> str:
    """A time, of whole seconds from ten on."""
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def index(found: Iterable[tuple[Experiment, Result]]) -> str:
    """The page that lists all experiments, with the first sentences of each."""
    parts = [
        "# The tables of introductory articles, measured",
        "Articles on gradient descent have tables without hardware, seeds or error bars. Here each is an experiment on "
        "real data, with at least ten seeds, mean and standard deviation, a picture, and sentences that say where the "
        "common advice holds and where it fails. The sentences are computed from the numbers. "
        "`python -m gradstep experiments --data FOLDER` makes all of it; without `--data` it uses data sets that "
        "scikit-learn brings. `--list` names the experiments, and the files that the folder may hold.",
    ]
    listed = list(found)
    machines = dict.fromkeys(
        f"{made['processor']} ({made['cores']} cores, {made['threads']} threads)"
        for made in (result.machine for _, result in listed)
    )
    total = sum(result.seconds for _, result in listed)
    parts.append(f"These results took {duration(total)} in all, on {', '.join(machines)}.")
    for experiment, result in listed:
        sentences = "\n".join(f"- {sentence}" for sentence in experiment.findings(result))
        parts += [f"## [{experiment.title}]({experiment.name}.md)", sentences]
    return "\n\n".join(parts) + "\n"


def write(folder: str, experiment: Experiment, result: Result) -> list[str]:
    """Write ``NAME.json``, ``NAME.md`` and ``NAME.png`` into a folder; gives their paths."""
    json_path, page_path, picture_path = (
        os.path.join(folder, f"{experiment.name}.{ending}") for ending in ("json", "md", "png")
    )
    with open(json_path, "w", encoding="utf-8") as file:
        file.write(_json(result))
    with open(page_path, "w", encoding="utf-8") as file:
        file.write(page(experiment, result))
    figure = new_figure(*experiment.size)
    experiment.draw(result, figure)
    _save_picture(figure, picture_path)
    return [json_path, page_path, picture_path]


def _save_picture(figure: Figure, path: str) -> None:
    """Write a PNG of few colours, a third as large as one of all; matplotlib brings Pillow."""
    from PIL import Image

    buffer = BytesIO()
    figure.savefig(buffer, dpi=DOTS)
    with Image.open(buffer) as picture:
        picture.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(path, optimize=True)


def _json(result: Result) -> str:
    """JSON with a line for each row and curve."""
    parts = result.to_dict()
    lines = []
    for name, value in parts.items():
        if isinstance(value, list) and value:
            inner = ",\n  ".join(json.dumps(each, allow_nan=False) for each in value)
            lines.append(f' "{name}": [\n  {inner}\n ]')
        elif isinstance(value, dict) and value:
            inner = ",\n  ".join(
                f"{json.dumps(key)}: {json.dumps(each, allow_nan=False)}" for key, each in value.items()
            )
            lines.append(f' "{name}": {{\n  {inner}\n }}')
        else:
            lines.append(f' "{name}": {json.dumps(value, allow_nan=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read(folder: str, name: str) -> Result:
    """The result that `write` wrote."""
    with open(os.path.join(folder, f"{name}.json"), encoding="utf-8") as file:
        return Result.from_dict(json.load(file))
