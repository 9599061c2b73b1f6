"""``gradstep experiments``."""

from __future__ import annotations

import argparse

from .arguments import positive

HELP = "measure the tables of introductory articles: learning rates, optimizers, batch sizes and so on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which experiments, and on what."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="which experiments (default: all); --list names them")
    parser.add_argument("--list", action="store_true", help="list the experiments and the files that --data takes")
    parser.add_argument("--data", metavar="FOLDER", help="a folder with real data; see --list")
    parser.add_argument("--seeds", type=positive, metavar="N", help="runs of each setting (default: 10)")
    parser.add_argument(
        "--output", metavar="FOLDER", default="gradstep-experiments", help="where results go (default: %(default)s)"
    )
    parser.add_argument("--small", action="store_true", help="few rows, seeds and epochs: only to see that it runs")
    parser.add_argument("--redraw", action="store_true", help="make pages and pictures anew from the JSON in --output")


def run(given: argparse.Namespace) -> None:
    """Run them."""
    from ..experiments.command import list_experiments, redraw, run_experiments

    if given.list:
        list_experiments()
    elif given.redraw:
        redraw(given.names, given.output)
    else:
        run_experiments(given.names, given.data, given.seeds, given.small, given.output)
