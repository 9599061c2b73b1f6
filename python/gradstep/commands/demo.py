"""``gradstep demo``."""

from __future__ import annotations

import argparse

from .arguments import positive

HELP = "train a classifier on real handwritten digits and plot its curves"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes and files."""
    parser.add_argument("--epochs", type=positive, default=30, help="passes over the training data (default: 30)")
    parser.add_argument(
        "--output", default="gradstep-demo.png", help="where the curves go (default: gradstep-demo.png)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the shuffles (default: 0)")


def run(given: argparse.Namespace) -> None:
    """Run the demo."""
    from .. import demo

    demo.run(given.epochs, given.output, given.seed)
