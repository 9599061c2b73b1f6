"""A program as one file of C99 that needs the standard library's math alone."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence

import numpy as np

from .. import _core
from .c_loops import LOOPS
from .program import Program, Value

__all__ = ["Function", "c_source"]

WIDE = 116
DECLARES = ("sum", "real", "int", "const")


class Memory:
    """Places of arrays in the scratch memory: those of arrays that nobody reads any more are used again."""

    def __init__(self) -> None:
        self.size = 0
        self._free: list[tuple[int, int]] = []  # begin and end, in order

    def take(self, size: int) -> int:
        """The first place of so many numbers."""
        for k, (begin, end) in enumerate(self._free):
            if end - begin >= size:
                self._free[k : k + 1] = [(begin + size, end)] if end - begin > size else []
                return begin
        begin = self.size
        if self._free and self._free[-1][1] == self.size:
            begin = self._free.pop()[0]
        self.size = begin + size
        return begin

    def give(self, begin: int, size: int) -> None:
        """Let a place be used again."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted([*self._free, (begin, begin + size)]):
            if merged and merged[-1][1] == first:
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        self._free = merged


class Function:
    """The function that computes one row, line by line; and the arrays that it reads."""

    def __init__(self, program: Program) -> None:
        self._suffix = "f" if program.dtype == "float32" else ""
        self._dtype = np.dtype(program.dtype)
        self.lines: list[str] = []
        self.arrays: list[str] = []
        self.memory = Memory()
        self._depth = 1
        self._names: dict[int, str] = {}  # of values, by identity
        self._known: dict[bytes, str] = {}  # of constants
        self._used: set[str] = set()
        self._kept: list[Value] = []  # so that identities stay theirs

    # -- text ----------------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append("  " * self._depth + text)

    def open(self, head: str) -> None:
        """Add a line that begins a block."""
        self.line(head + " {")
        self._depth += 1

    def close(self, count: int = 1) -> None:
        """End some blocks."""
        for _ in range(count):
            self._depth -= 1
            self.line("}")

    def number(self, value: float) -> str:
        """A literal of the program's type."""
        if not math.isfinite(value):
            raise ValueError(f"settings must be finite to be written as C; got {value}.")
        text = str(self._dtype.type(value))
        return (f"({text}" if value < 0 else text) + self._suffix + (")" if value < 0 else "")

    def function(self, name: str) -> str:
        """A function of math.h for the program's type."""
        return name + self._suffix

    # -- arrays --------------------------------------------------------------------------------------------------------

    def at(self, value: Value) -> str:
        """Name of the pointer to an array."""
        if id(value) not in self._names:
            assert value.constant is not None
            self._name(value, self._array(value.constant, value.name))
        return self._names[id(value)]

    def constant(self, array: np.ndarray, of: Value, what: str) -> Value:
        """A constant in another order of its numbers."""
        return Value(array.shape, array, f"{of.name}_{what}")

    def integers(self, places: Sequence[int]) -> str:
        """An array of int."""
        return self._array(np.asarray(places, np.int64), "places")

    def _name(self, value: Value, name: str) -> None:
        self._names[id(value)] = name
        self._kept.append(value)

    def _array(self, array: np.ndarray, name: str) -> str:
        key = hashlib.sha256(array.dtype.char.encode() + array.tobytes()).digest()
        if key in self._known:
            return self._known[key]
        is_real = array.dtype.kind == "f"
        if is_real and not np.isfinite(array).all():
            raise ValueError(f"weights must be finite to be written as C; those of {name} are not.")
        digits = "%.9g" if array.dtype.itemsize == 4 else "%.17g"
        words = [digits % number for number in array.ravel().tolist()] if is_real else list(map(str, array.tolist()))
        if is_real:
            words = [f"{word if '.' in word or 'e' in word else word + '.0'}{self._suffix}" for word in words]
        stem = re.sub(r"\W", "_", name) or "constant"
        made, count = f"w_{stem}", 2
        while made in self._used:
            made, count = f"w_{stem}_{count}", count + 1
        self._used.add(made)
        self._known[key] = made
        text = f"static const {'real' if is_real else 'int'} {made}[{max(array.size, 1)}] = {{\n"
        self.arrays.append(text + "\n".join(_filled(words)) + "\n};\n")
        return made

    # -- operations ----------------------------------------------------------------------------------------------------

    def body(self, program: Program, inputs: Sequence[str], outputs: Sequence[str] = ()) -> None:
        """Write the operations of a program.

        inputs: pointers to its inputs; outputs: those to memory that its outputs go to, if there are any.
        """
        for value, name in zip(program.inputs, inputs, strict=True):
            self._name(value, name)
        made = {id(operation.outputs[0]): operation for operation in program.operations}

        def root(value: Value) -> Value:
            operation = made.get(id(value))
            alias = operation is not None and operation.kind in ("reshape", "part")
            return root(operation.inputs[0]) if operation is not None and alias else value

        places: dict[int, tuple[int, int]] = {}
        wanted: dict[int, str] = {}
        for value, name in zip(program.outputs, outputs, strict=False):
            if root(value).size == value.size and root(value) not in program.inputs:
                wanted.setdefault(id(root(value)), name)
        last = {id(root(value)): k for k, one in enumerate(program.operations) for value in one.inputs}
        last.update((id(root(value)), len(program.operations)) for value in program.outputs)
        before = ""
        for k, operation in enumerate(program.operations):
            if operation.layer != before and self._depth == 1:
                before = operation.layer
                self.line(f"/* {before} */")
            for value in operation.outputs:
                self._place(operation.kind, operation.settings, operation.inputs, value, wanted, places)
            if operation.kind in LOOPS:
                begin = len(self.lines)
                LOOPS[operation.kind](self, operation)
                self._enclose(begin)
            for value in {id(root(one)): root(one) for one in (*operation.inputs, *operation.outputs)}.values():
                if last.get(id(value), k) <= k and id(value) in places:
                    self.memory.give(*places.pop(id(value)))
        for place in places.values():
            self.memory.give(*place)
        for value, name in zip(program.outputs, outputs, strict=False):
            if wanted.get(id(root(value))) != name:
                self.line(f"memcpy({name}, {self.at(value)}, {value.size} * sizeof(real));")

    def _enclose(self, begin: int) -> None:
        """Put lines in a block if they declare something outside of one."""
        indent = "  " * self._depth
        if any(line.startswith(tuple(f"{indent}{kind} " for kind in DECLARES)) for line in self.lines[begin:]):
            self.lines[begin:] = [f"{indent}{{", *(f"  {line}" for line in self.lines[begin:]), f"{indent}}}"]

    def _place(
        self,
        kind: str,
        settings: dict[str, object],
        inputs: Sequence[Value],
        value: Value,
        wanted: dict[int, str],
        places: dict[int, tuple[int, int]],
    ) -> None:
        """Give an array a place in memory, or that of another, of which it is a view."""
        if kind == "reshape":
            return self._name(value, self.at(inputs[0]))
        if kind == "part":
            begin = int(settings["begin"]) * (value.size // value.shape[0])  # type: ignore[call-overload]
            return self._name(value, f"({self.at(inputs[0])} + {begin})" if begin else self.at(inputs[0]))
        if id(value) in wanted:
            return self._name(value, wanted[id(value)])
        places[id(value)] = (self.memory.take(value.size), value.size)
        name = f"v{len(self._kept)}"
        self.line(f"real *const {name} = s + {places[id(value)][0]};")
        return self._name(value, name)


def _filled(words: Sequence[str]) -> list[str]:
    """Words in lines, with commas."""
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) + 2 > WIDE:
            lines.append(line)
            line = ""
        line += f"{' ' if line else '  '}{word},"
    return [*lines, line]


def c_source(program: Program, name: str, outputs: Sequence[str]) -> str:
    """The text of the file.

    Parameters
    ----------
    program : Program
    name : str
        What its functions begin with.
    outputs : sequence of str
        Names of the outputs.

    Raises
    ------
    ValueError
        A weight is not finite.
    """
    function = Function(program)
    xs = _named("x", [value.name for value in program.inputs])
    ys = _named("y", outputs)
    function.body(program, xs, ys)
    taken, given = (
        list(zip(names, each, strict=True)) for names, each in ((xs, program.inputs), (ys, program.outputs))
    )
    arguments = ", ".join([*(f"const real *{x}" for x in xs), *(f"real *{y}" for y in ys)])
    steps = ", ".join(f"{one} + row * {value.size}" for one, value in [*taken, *given])
    shapes = [f"   {one}: (rows{''.join(f', {n}' for n in value.shape)})" for one, value in [*taken, *given]]
    kind = "float" if program.dtype == "float32" else "double"
    prototype = f"void {name}_predict(size_t rows, {arguments}, real *scratch)"
    unused = [] if any("s + " in line for line in function.lines) else ["  (void)s;"]
    return "\n".join(
        [
            f"/* The predictions of a model, written by gradstep {_core.__version__}.",
            "",
            f"   {prototype};",
            "",
            f"   Arrays of {kind}, numbers of the last axis side by side:",
            *shapes,
            f"   scratch: {name.upper()}_SCRATCH numbers, for the function alone while it runs. It keeps nothing from",
            "   call to call, and several threads may call it, each with memory to work in.",
            "",
            f"   cc -std=c99 -O2 -c {name}.c; link with -lm. */",
            "#include <math.h>",
            "#include <stddef.h>",
            "#include <string.h>",
            "",
            f"#define {name.upper()}_SCRATCH {max(function.memory.size, 1)}",
            "",
            f"typedef {kind} real;",
            "typedef double sum; /* of many products; may be float where double is slow */",
            "",
            f"{prototype};",
            "",
            *function.arrays,
            f"static void {name}_row({arguments}, real *s) {{",
            *unused,
            *function.lines,
            "}",
            "",
            f"{prototype} {{",
            f"  for (size_t row = 0; row < rows; ++row) {name}_row({steps}, scratch);",
            "}",
            "",
        ]
    )


def _named(letter: str, names: Sequence[str]) -> list[str]:
    """Identifiers for inputs or outputs: one letter for one, else with their names."""
    if len(names) == 1:
        return [letter]
    stems = [re.sub(r"\W", "_", name) for name in names]
    made = [f"{letter}_{stem}" for stem in stems]
    return made if len(set(made)) == len(made) else [f"{letter}{k}" for k in range(len(names))]
