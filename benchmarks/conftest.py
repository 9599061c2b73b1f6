"""Makes the benchmarks' own modules importable for pytest, as `python benchmarks/run.py` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
