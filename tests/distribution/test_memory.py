"""Of data in a file a process holds the rows of its shards."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from mpi import ran
from peers import needs

pytestmark = pytest.mark.peers

SCRIPT = """
import sys
import numpy as np, gradstep as gs
path = sys.argv[1]
gs.utils.set_random_seed(0)
team = gs.distribution.DataParallel(shards=8)
x = np.load(path, mmap_mode="r")
model = gs.Sequential([gs.Input((x.shape[1],)), gs.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, np.zeros(len(x)), batch_size=512, epochs=2, verbose=0, distribution=team)
resident, inside = 0, False
for line in open("/proc/self/smaps"):
    if "-" in line.split()[0] and ":" not in line.split()[0]:
        inside = path in line
    elif inside and line.startswith("Rss:"):
        resident += int(line.split()[1]) * 1024
print(f"share {resident / x.nbytes}\\n", end="")
"""


def test_a_process_holds_its_part_of_a_memmap(tmp_path: Path) -> None:
    needs("mpi4py")
    np.save(tmp_path / "x.npy", np.zeros((1 << 14, 1 << 9), "float32"))  # 32 MiB
    (tmp_path / "train.py").write_text(SCRIPT)
    said = ran(4, tmp_path / "train.py", str(tmp_path / "x.npy"))
    shares = [float(share) for share in re.findall(r"share (\d\.\d+)", said)]
    assert len(shares) == 4
    assert all(0.24 < share < 0.27 for share in shares)  # pages at its ends are read in clusters
