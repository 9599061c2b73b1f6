"""A figure that notebooks show by themselves."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

__all__ = ["NotebookFigure"]


class NotebookFigure(Figure):
    """A matplotlib figure that is shown where it is the last value of a cell, without ``%matplotlib inline``."""

    def _repr_png_(self) -> bytes:
        """The picture, as IPython asks for it where no backend of matplotlib's shows figures."""
        data = BytesIO()
        self.savefig(data, format="png")
        return data.getvalue()
