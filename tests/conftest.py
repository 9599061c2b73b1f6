"""Fixtures that force one path (a dtype, an instruction set, a number of threads), or run over every optimizer."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradstep import _core, config, optimizers
from grids import pairwise, whole
from sampling import sample
from variants import OPTIMIZERS, family, moves_elements

# By itself Keras asks for TensorFlow, and tests against it would be skipped.
os.environ.setdefault("KERAS_BACKEND", "torch")

AXES = {"new": list(OPTIMIZERS), "dtype": ["float32", "float64"], "threads": [1, 2, 3, 8]}
# Of what is not about the rules, but about the code around them.
KINDS = {"new": family}
WHOLE_FILE = "pytestmark = pytest.mark.peers"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--grid", action="store_true", help="run the tests with the marker grid over their whole grids")
    parser.addoption("--most", type=int, metavar="N", help="run N cases of a test, and more for values no case has")
    parser.addoption(
        "--extra",
        choices=["test", "peers"],
        help="run what an extra of pyproject.toml is there for: the tests with the marker peers, or those without it; "
        "one that is skipped for a missing package then fails, and with the marker one that is skipped at all",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that have no test of the extra asked for are not imported: PyTorch and Keras alone take ten seconds, many
    times that under a sanitizer."""
    extra = config.getoption("--extra")
    if extra is None or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text()
    is_left_out = WHOLE_FILE in text if extra == "test" else "mark.peers" not in text
    return is_left_out or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Tens of thousands of cases stay to the end: Python is not to look through them for garbage again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Rows of the axes that the marker `grid` gives, and of those of the fixtures `new`, `dtype` and `threads`."""
    mark = metafunc.definition.get_closest_marker("grid")
    if mark is None:
        return
    fixtures = {name: values for name, values in AXES.items() if name in metafunc.fixturenames}
    axes = fixtures | mark.kwargs
    kinds = {name: KINDS[name] for name in mark.args}
    rows = whole(axes) if metafunc.config.getoption("--grid") else pairwise(axes, kinds)
    ids = ["-".join(map(str, row)) for row in rows]
    # As a marker: then pytest does not run over the fixtures once more.
    metafunc.definition.add_marker(pytest.mark.parametrize(list(axes), rows, ids=ids, indirect=list(fixtures)))


@pytest.hookimpl(trylast=True)  # of what -k and -m leave
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = set(items)
    if extra := config.getoption("--extra"):
        kept = {item for item in items if (item.get_closest_marker("peers") is not None) == (extra == "peers")}
    if most := config.getoption("--most"):
        names = sample([item.nodeid for item in items if item in kept], most)
        kept = {item for item in kept if item.nodeid in names or item.get_closest_marker("whole")}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def fail_if_skipped(report: Any, extra: str | None) -> None:
    """A silent skip looks like a test that passed. Cases that a class has not are not made, instead of skipped."""
    if extra is None or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2]
    if extra == "peers" or "could not import" in reason:
        report.outcome = "failed"
        report.longrepr = f"{reason}: fails with --extra {extra}. What needs a peer has the marker peers."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    fail_if_skipped(report, item.config.getoption("--extra"))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Of a file that is skipped as a whole no marker is seen, so its text is asked."""
    report = yield
    extra = collector.config.getoption("--extra")
    if extra == "peers" or (report.skipped and WHOLE_FILE not in collector.path.read_text()):
        fail_if_skipped(report, extra)
    return report


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    """Layers and models without a dtype of their own compute in float64."""
    before = config.floatx()
    config.set_floatx("float64")
    yield
    config.set_floatx(before)


@pytest.fixture(params=AXES["new"])
def new(request: pytest.FixtureRequest) -> Callable[..., optimizers.Optimizer]:
    """Makes an optimizer; runs over every registered class and every variant that is another rule."""
    return OPTIMIZERS[request.param]


@pytest.fixture(params=[name for name, make in OPTIMIZERS.items() if moves_elements(make)])
def elementwise(request: pytest.FixtureRequest) -> Callable[..., optimizers.Optimizer]:
    """As `new`, without the rules that measure whole arrays first."""
    return OPTIMIZERS[request.param]


@pytest.fixture(params=AXES["dtype"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    return np.dtype(request.param)


@pytest.fixture(params=_core.build_info()["isas"])
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every instruction set that was built and that this machine can run, in use during the test."""
    before = _core.build_info()["isa"]
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


@pytest.fixture(params=AXES["threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = _core.get_num_threads()
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(before)
