"""HTML tables for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table"]


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A table as HTML; the first column is aligned to the left, the others to the right.

    notes: lines below it.
    """
    from html import escape

    def cells(kind: str, row: Sequence[str]) -> str:
        aligned = ["left", *["right"] * (len(row) - 1)]
        return "".join(
            f'<{kind} style="text-align: {way}">{escape(text)}</{kind}>' for way, text in zip(aligned, row, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    below = "".join(f"<div>{escape(line)}</div>" for line in notes)
    head = f"<thead><tr>{cells('th', headings)}</tr></thead>"
    return f"<div><div>{escape(title)}</div><table>{head}<tbody>{body}</tbody></table>{below}</div>"
