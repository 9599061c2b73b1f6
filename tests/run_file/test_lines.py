"""Lines of keys in TOML, for every form in which keys are written."""

from __future__ import annotations

import sys

import pytest
from gradstep.run_file.lines import lines_of

TEXT = '''# a comment = 1
title = "a # b" # c
"quoted key" = 1
a.b . c = 2

[data]
file = """
not = 'a key'
[nor.this]
"""
numbers = [
    1, 2, # [x]
    { name = "x]", size = 3 },
]
[data.split]
test = 0.1
[[model.layers]]
type = 'Dense # "'
[model.layers.options]
deep = true
[[ model . layers ]]
units = 3
date = 1979-05-27 07:32:00
table = { x = [ "}", 1 ], "y z" = { w = 1 } }
'''


def test_lines():
    found = lines_of(TEXT)
    expected = {
        ("title",): 2,
        ("quoted key",): 3,
        ("a", "b", "c"): 4,
        ("data",): 6,
        ("data", "file"): 7,
        ("data", "numbers"): 11,
        ("data", "numbers", 0): 12,
        ("data", "numbers", 2, "size"): 13,
        ("data", "split", "test"): 16,
        ("model", "layers", 0): 17,
        ("model", "layers", 0, "type"): 18,
        ("model", "layers", 0, "options", "deep"): 20,
        ("model", "layers", 1): 21,
        ("model", "layers", 1, "units"): 22,
        ("model", "layers", 1, "table", "x", 1): 24,
        ("model", "layers", 1, "table", "y z", "w"): 24,
    }
    assert {path: found.get(path) for path in expected} == expected
    assert not [path for path in found if "not" in path or "nor" in path]
    assert lines_of(TEXT.replace("\n", "\r\n")) == found
    assert lines_of("") == {}


def places(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*path, number)
            yield from places(inner, (*path, number))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no parser of TOML")
def test_every_place_that_the_parser_sees_has_a_line():
    import tomllib

    assert set(places(tomllib.loads(TEXT))) == set(lines_of(TEXT))
