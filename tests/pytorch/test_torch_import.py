"""PyTorch is imported by `gradstep.torch` alone; these hold without it, too."""

from __future__ import annotations

import pytest
from children import said
from peers import needs

# An entry of None makes an import fail as if nothing were installed.
WITHOUT = """
import sys
sys.modules[{missing!r}] = None
try:
    {statement}
except ImportError as error:
    print(error)
"""


def test_gradstep_does_not_import_torch():
    assert said("import sys, gradstep; print('torch' in sys.modules)") == "False"


def test_without_torch_the_extra_is_named():
    words = said(WITHOUT.format(missing="torch", statement="import gradstep.torch"))
    assert words == "gradstep.torch needs PyTorch: pip install 'gradstep[torch]'."


@pytest.mark.peers
def test_bfloat16_needs_no_more_than_pytorch():
    needs("torch")
    statement = (
        "import torch, gradstep.torch; w = torch.ones(2, dtype=torch.bfloat16); w.grad = w.clone(); "
        "gradstep.torch.SGD([w], lr=0.5).step(); print(w.tolist())"
    )
    assert said(WITHOUT.format(missing="ml_dtypes", statement=statement)) == "[0.5, 0.5]"
