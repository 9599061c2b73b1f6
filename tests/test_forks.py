"""Programs of children that share what their parent has imported, and nothing that they do."""

from __future__ import annotations

import math
import os

import pytest
from children import said

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
IMPORTS = "import math"


def test_each_program_has_a_process_of_its_own() -> None:
    said("import math; math.pi = 3", after=IMPORTS)
    pi, parent = said("import math, os; print(math.pi, os.getppid())", after=IMPORTS).split()
    assert float(pi) == math.pi
    assert int(parent) != os.getpid()
    assert said("import os; print(os.getppid())", after=IMPORTS) == parent


def test_errors_are_told() -> None:
    with pytest.raises(AssertionError, match=r"exit status 1\n3\n[\s\S]*ZeroDivisionError"):
        said("print(3); 1 / 0", after=IMPORTS)
    with pytest.raises(AssertionError, match="exit status -9"):
        said("import os; os.kill(os.getpid(), 9)", after=IMPORTS)
    with pytest.raises(AssertionError, match="'import nothing_of_that_name' failed"):
        said("print(3)", after="import nothing_of_that_name")
