"""What the OpenMP runtime is told when the engine loads it. (tests/test_build.py: that the environment is put back.)"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libgomp prints its settings")
@pytest.mark.parametrize(
    ("setting", "expected"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)],
    ids=str,
)
def test_idle_threads_sleep_soon(setting, expected):
    """libgomp, asked to show its settings, had ours when it was loaded; or the user's."""
    clean = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    result = subprocess.run(
        [sys.executable, "-c", "import gradstep"],
        env=clean | setting | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    shown = [line for line in result.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not shown:
        pytest.skip("this OpenMP runtime is not libgomp")
    if expected is None:
        assert "'1000'" not in shown[0]
    else:
        assert f"'{expected}'" in shown[0]
