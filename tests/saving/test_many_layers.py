"""What is done for a model of many layers grows with their number, not with its square."""

from __future__ import annotations

import json
from time import process_time

import gradstep as gs
import pytest

FEW, TIMES = 200, 15  # a square would grow 225 times
GROWTH = 30.0


def row(n):
    text = gs.Sequential([gs.Input((1,), name="i"), gs.layers.Dense(1)], name="row").to_json()
    words = json.loads(text)
    first, dense = words["config"]["layers"]
    words["config"]["layers"] = [first, *({**dense, "config": {**dense["config"], "name": f"d{i}"}} for i in range(n))]
    return json.dumps(words)


def chain(n):
    tensor = start = gs.Input((1,))
    for _ in range(n):
        tensor = gs.layers.Activation("tanh")(tensor)
    return gs.Model(start, tensor).to_json()


@pytest.mark.parametrize("make", [row, chain])
def test_reading_many_layers_is_linear(make):
    least = []
    for n in (FEW, TIMES * FEW):
        text, seconds = make(n), []
        for _ in range(3):
            begin = process_time()
            gs.models.model_from_json(text)
            seconds.append(process_time() - begin)
        least.append(min(seconds))
    assert least[1] <= GROWTH * least[0]
