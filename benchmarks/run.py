"""Benchmarks: `python benchmarks/run.py [CASE ...]`. benchmarks/README.md says what is measured and what is fair."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import beside
import harness
import history
import report
from cases import load

ROOFLINE = "roofline"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument(
        "cases",
        nargs="*",
        metavar="CASE",
        help=f"of {', '.join(report.CASES)}; default: all of these; or {ROOFLINE} alone: the machine, and its kernels",
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of every rival (default 7)")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of a turn (default 0.3)")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        help="elements (step, rules, options, state), rows (sparse), batch sizes (mlp, loop, load) or edges of "
        "squares (gemm) instead of the usual",
    )
    parser.add_argument("--threads", type=int, default=2, help="for every rival (default 2)")
    parser.add_argument("--rivals", nargs="+", metavar="NAME", help="only these, as in gradstep torch")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only problems whose name has one of these in it")
    parser.add_argument("--data", help="images for mlp: an .npz with x (rows, 28, 28) uint8 and y (rows,)")
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the interpreter that has the rivals installed; gradstep runs in this one, if it is here",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="OUT",
        help="write the results there, and add them to history.json beside; those of roofline with a picture",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, two short rounds, no compilation: only a trial"
    )
    args = parser.parse_args(given)
    if ROOFLINE in args.cases and len(args.cases) > 1:
        parser.error(f"{ROOFLINE} is measured alone; got {', '.join(args.cases)}.")
    unknown = sorted(set(args.cases) - {*report.CASES, ROOFLINE})
    if unknown:
        parser.error(f"CASE must be of {', '.join(report.CASES)}; got {', '.join(unknown)}.")
    if args.sizes and len(args.cases) != 1:
        parser.error("--sizes means elements in one case and rows in another: give one CASE with it.")
    if args.quick:
        args.rounds, args.seconds = 2, 0.02
    return args


def digits(path: str | None) -> str | None:
    """The images given, else those that lie beside the repository, else none: mlp makes its own."""
    if path:
        if not Path(path).is_file():
            raise SystemExit(f"--data must be a file; there is none at {path}.")
        return str(Path(path).resolve())
    near = harness.HERE.resolve().parent.parent / "shared" / "data" / "mnist_test.npz"
    return str(near) if near.is_file() else None


def main(given: list[str] | None = None) -> dict[str, Any]:
    args = arguments(given)
    if args.cases == [ROOFLINE]:
        return run_roofline(args)
    data = digits(args.data)
    card = harness.card(args.threads)
    card["images"] = Path(data).name if data else "generated"
    results: dict[str, Any] = {"card": card, "rivals": {}, "cases": {}}
    with tempfile.TemporaryDirectory() as folder:
        program = harness.compile_limits(Path(folder))
        for name in args.cases or report.CASES:
            run = run_load if name == load.NAME else run_case
            results["cases"][name] = run(name, args, program, data, results["rivals"])
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
        if not args.quick:
            history.add(args.json.with_name(history.HISTORY.name), results)
    return results


def contestants(case: ModuleType, args: argparse.Namespace) -> list[tuple[str, str, int, str]]:
    """Name, form, threads and note of each rival; those that the case also wants on one thread at the end."""
    found = [(*rival, args.threads, "") for rival in case.RIVALS if not (args.quick and rival[1] == "compile")]
    if args.threads > 1:
        # Others take seconds to start: a trial has only our own rows on one thread.
        found += [
            (*rival, 1, report.ONE_THREAD) for rival in case.ONE_THREAD if not args.quick or rival[0] == "gradstep"
        ]
    return [rival for rival in found if not args.rivals or rival[0] in args.rivals]


def chosen(case: ModuleType, args: argparse.Namespace) -> list[dict[str, Any]]:
    """The problems of a case, or those of them that were asked for."""
    found = case.problems(args.sizes, args.quick)
    return [p for p in found if not args.only or any(text in p["name"] for text in args.only)]


def run_case(
    name: str, args: argparse.Namespace, program: Path, data: str | None, seen: dict[str, str]
) -> list[dict[str, Any]]:
    """All problems of a case; its rivals live as long as it does."""
    case = report.CASES[name]
    print(f"### {name}: {case.TITLE}\n", flush=True)
    with ExitStack() as stack:
        machine = stack.enter_context(harness.Limits(program, args.threads))
        rivals = []
        for rival_name, variant, threads, note in contestants(case, args):
            rival = stack.enter_context(harness.Rival(rival_name, variant, args.python, threads, note))
            if rival.error:
                print(f"{rival.title}: {rival.error}\n", flush=True)
                seen[rival_name + note] = rival.error
            else:
                rivals.append(rival)
        found = []
        for problem in chosen(case, args):
            given = {**problem, "data": data}
            # Where the images lie is this machine's own affair; the card has their file's name.
            result = harness.measure_problem(case, given, rivals, machine, args.rounds, args.seconds)
            result = {**result, "problem": problem}
            found.append(result)
            print(report.problem_text(case, result) + "\n", flush=True)
        if text := report.summary(case, found):
            print(text + "\n", flush=True)
        for rival in rivals:
            seen[rival.name + rival.note] = ", ".join(
                f"{key} {value}" for key, value in rival.versions.items() if value
            )
    return found


def run_load(
    name: str, args: argparse.Namespace, program: Path, data: str | None, seen: dict[str, str]
) -> list[dict[str, Any]]:
    """The same for `load`, whose rivals live as long as a problem: they would disturb the next."""
    case, found = report.CASES[name], []
    print(f"### {name}: {case.TITLE}\n", flush=True)
    with harness.Limits(program, args.threads) as machine:
        for problem in chosen(case, args):
            found.append(beside.run_problem(problem, args, machine, data, seen))
            print(report.problem_text(case, found[-1]) + "\n", flush=True)
    return found


def run_roofline(args: argparse.Namespace) -> dict[str, Any]:
    """Measures the machine and our kernels, in this process."""
    import roofline

    with tempfile.TemporaryDirectory() as folder:
        program = harness.compile_limits(Path(folder))
        with harness.Limits(program, args.threads) as machine:
            results = {
                "card": harness.card(args.threads),
                "roofline": roofline.run(machine, args.threads, args.rounds, args.seconds / 10, args.quick),
            }
    print(roofline.text(results["roofline"]), flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
        roofline.draw(results["roofline"], args.json.with_suffix(".png"))
    return results


if __name__ == "__main__":
    main()
