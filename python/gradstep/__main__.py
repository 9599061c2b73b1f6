"""``gradstep COMMAND`` and ``python -m gradstep COMMAND``; their help without any."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._core import __version__
from .commands import bench, demo, evaluate, experiments, info, predict, train
from .distribution.script import run_script

SCRIPTS = "A name that ends in .py is a script to run: mpiexec -n 4 python -m gradstep train.py [arguments ...]"
INTERRUPTED = 130  # the exit status of shells for Ctrl-C
COMMANDS = {
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "info": info,
    "demo": demo,
    "experiments": experiments,
    "bench": bench,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0].endswith(".py"):
        run_script(words[0], words[1:])
        return
    program = "gradstep" if not sys.argv[0].endswith("__main__.py") else "python -m gradstep"
    parser = argparse.ArgumentParser(prog=program, description="Gradient descent for NumPy users.", epilog=SCRIPTS)
    parser.add_argument("--version", action="version", version=f"gradstep {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.HELP))
    given = parser.parse_args(words)
    if given.command is None:
        parser.print_help()
        return
    try:
        COMMANDS[given.command].run(given)
    except (ImportError, OSError, ValueError, TypeError) as error:
        # An extra that is not installed, a file that cannot be read or written, a wrong setting.
        raise SystemExit(f"gradstep {given.command}: {error}") from None
    except KeyboardInterrupt:
        resume = " Go on with --resume." if given.command == "train" else ""
        sys.stderr.write(f"\ngradstep {given.command}: interrupted.{resume}\n")
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
