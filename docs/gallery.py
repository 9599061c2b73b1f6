"""How sphinx-gallery shows the examples: in the order of examples/README.md, with the pictures that they save."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"


class ReadmeOrder:
    """Sort key of sphinx-gallery: the line of a script in the table of examples/README.md."""

    def __init__(self, folder: str) -> None:
        self.listed = re.findall(r"^\| `(\w+\.py)` \|", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)

    def __call__(self, name: str) -> int:
        return self.listed.index(name) if name in self.listed else -1  # of what is not shown

    def __repr__(self) -> str:
        return "<ReadmeOrder>"


def saved_pictures(block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Scraper of sphinx-gallery: what a script saved as PNG beside itself becomes a picture of its page."""
    from sphinx_gallery.scrapers import figure_rst

    moved = []
    for path in sorted(Path(variables["src_file"]).parent.glob("*.png")):
        target = next(variables["image_path_iterator"])
        shutil.move(path, target)
        moved.append(target)
    return str(figure_rst(moved, settings["src_dir"]))


def _get_sg_image_scraper() -> Any:
    """What sphinx-gallery asks this module for when it is named as a scraper."""
    return saved_pictures
