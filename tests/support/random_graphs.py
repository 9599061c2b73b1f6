"""Models that are drawn at random, alike of gradstep or of Keras: branches of any lengths, shared layers, several
inputs and outputs, models in models, and any object at several levels."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from own_layers import Counting, Double, NumpyDense

__all__ = ["OWN", "ROWS", "SEEDS", "Problem", "drawn"]

D = {"dtype": "float64"}
ROWS = 6
# How many graphs the tests draw: GRADSTEP_GRAPHS=1000 for a long run.
SEEDS = range(int(os.environ.get("GRADSTEP_GRAPHS", "60")))
WIDEST = 6
EPSILON = 2.0**-10  # as every number here one that float32 has: Keras on PyTorch makes it float32, in float64 too


class Counted(Counting):
    """A weight that it changes itself in training, beside a gradient."""

    def forward(self, x, training=False):
        self.y = super().forward(x, training)
        return self.y

    def backward(self, dy):
        return dy * (1 - self.y**2)


OWN = {cls.__name__: cls for cls in (Counted, Double, NumpyDense)}


class Problem(NamedTuple):
    """A model, arguments for `compile` beside the optimizer, and data."""

    model: Any
    arguments: dict[str, Any]
    x: Any
    y: Any


class Value(NamedTuple):
    """A symbolic tensor of a model that is being drawn.

    width: numbers in a row; sources: which of the model's inputs it depends on.
    """

    tensor: Any
    width: int
    sources: frozenset[int]


class Known(NamedTuple):
    """A layer or model that may be called again: widths of what it takes and gives, and how it is called."""

    operation: Any
    takes: tuple[int, ...]
    gives: tuple[int, ...]
    listed: bool


def drawn(of: Any, seed: int, own: bool = False, drops: bool = False, scale: int = 1) -> Problem:
    """The model of a seed.

    Parameters
    ----------
    of : module
        gradstep or keras, which gives an equal model.
    seed : int
    own : bool, default False
        Whether there are layers in NumPy too, of `OWN`; of gradstep alone.
    drops : bool, default False
        Whether there are layers that draw.
    scale : int, default 1
        Times as many numbers in a row, and rows.
    """
    return Drawing(of, seed, own, drops, scale).problem()


class Drawing:
    """What is drawn, and what has been made so far, at all levels."""

    def __init__(self, of: Any, seed: int, own: bool, drops: bool, scale: int) -> None:
        self.scale = scale
        self.of, self.random, self.own, self.drops = of, np.random.default_rng([seed, own, drops]), own, drops
        self.count = 0
        self.known: list[Known] = []
        self.by_name = False  # whether the outputs of the whole are a dict

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    def of_list(self, choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def width(self) -> int:
        return int(self.random.integers(2, WIDEST)) * self.scale

    def maybe(self, share: float) -> bool:
        return bool(self.random.random() < share)

    # -- layers ------------------------------------------------------------------------------------------------------

    def layer(self, width: int) -> Known:
        """A new layer of one input, in NumPy at times."""
        layers, units = self.of.layers, self.width()
        options: dict[str, Any] = {**D, "name": self.name("layer")}
        made: list[tuple[Callable[[], Any], int]] = [
            (lambda: self.dense(units, options), units),
            (lambda: self.dense(units, options), units),
            (lambda: self.dense(units, options), units),
            (lambda: layers.BatchNormalization(epsilon=EPSILON, trainable=not self.maybe(0.2), **options), width),
            (lambda: layers.LayerNormalization(epsilon=EPSILON, **options), width),
            (lambda: layers.PReLU(alpha_initializer=self.of.initializers.Constant(0.25), **options), width),
            (
                lambda: layers.Activation(
                    self.of_list(["tanh", "softplus", "softmax" if width > 1 else "elu"]), **options
                ),
                width,
            ),
        ]
        if self.drops:
            made += [(lambda: layers.Dropout(0.3, **options), width)] * 2
        if self.own:
            made += [(lambda: NumpyDense(units, kernel_regularizer="l2", **options), units)] * 2
            made += [(lambda: Counted(**options), width)]
            if 2 * width <= WIDEST * self.scale:
                made += [(lambda: Double(**options), 2 * width)]
        make, gives = self.of_list(made)
        return self.keep(make(), (width,), (gives,), False)

    def dense(self, units: int, options: dict[str, Any]) -> Any:
        more: dict[str, Any] = {}
        if self.maybe(0.3):
            more["kernel_regularizer"] = self.of.regularizers.L2(0.125)
        if self.maybe(0.15):
            more["trainable"] = False
        activation = self.of_list(["tanh", "sigmoid", "softplus", None])
        return self.of.layers.Dense(units, activation, use_bias=self.maybe(0.7), **more, **options)

    def merging(self, width: int) -> Known:
        """A layer of two inputs of this width."""
        layers = self.of.layers
        options = {**D, "name": self.name("merge")}
        kind = self.of_list(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"])
        if kind == "Dot":
            layer: Any = layers.Dot(axes=1, normalize=self.maybe(0.5), **options)
        else:
            layer = getattr(layers, kind)(**options)
        gives = 1 if kind == "Dot" else 2 * width if kind == "Concatenate" else width
        return self.keep(layer, (width, width), (gives,), True)

    def keep(self, operation: Any, takes: tuple[int, ...], gives: tuple[int, ...], listed: bool) -> Known:
        self.known.append(Known(operation, takes, gives, listed))
        return self.known[-1]

    # -- models ------------------------------------------------------------------------------------------------------

    def row(self, width: int, depth: int) -> Known:
        """Layers, and models, in a row."""
        members: list[Any] = [self.of.Input((width,), dtype="float64", name=self.name("input"))]
        now, used = width, set()
        for _ in range(int(self.random.integers(1, 4))):
            again = [
                one
                for one in self.known
                if one.takes == (now,) and len(one.gives) == 1 and not one.listed and id(one.operation) not in used
            ]
            one = self.of_list(again) if again and self.maybe(0.3) else self.layer(now)
            if depth and self.maybe(0.2):
                one = self.row(now, depth - 1)
            used.add(id(one.operation))
            members.append(one.operation)
            now = one.gives[0]
        return self.keep(self.of.Sequential(members, name=self.name("row")), (width,), (now,), False)

    def graph(self, depth: int, top: bool = False) -> tuple[Known, list[Value], list[Value], list[Any]]:
        """A model of what is called on its own inputs."""
        count = int(self.random.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
        inputs = []
        for i in range(count):
            width = self.width()
            tensor = self.of.Input((width,), dtype="float64", name=self.name("input"))
            inputs.append(Value(tensor, width, frozenset([i])))
        values = list(inputs)
        calls = int(self.random.integers(3, 12 if top else 6))
        while calls > 0 or len(values) == len(inputs):
            self.call(values, inputs, depth)
            calls -= 1
        made = values[len(inputs) :]
        some = [made[int(i)] for i in self.random.permutation(len(made))[: int(self.random.choice([1, 1, 2, 3]))]]
        ends = [made[-1], *[value for value in some if value is not made[-1]]]
        needed = sorted(frozenset().union(*[end.sources for end in ends]))
        return self.model([inputs[i] for i in needed], ends, top), [inputs[i] for i in needed], ends, made

    def model(self, begins: list[Value], ends: list[Value], top: bool = False) -> Known:
        given: Any = [value.tensor for value in begins]
        gives: Any = [value.tensor for value in ends]
        if top and self.maybe(0.3):
            gives, self.by_name = {f"out_{i}": tensor for i, tensor in enumerate(gives)}, True
        elif len(ends) == 1:
            gives = gives[0]
        model = self.of.Model(given[0] if len(given) == 1 else given, gives, name=self.name("model"))
        if not top and self.maybe(0.1):
            model.trainable = False
        widths = tuple(value.width for value in begins), tuple(value.width for value in ends)
        return self.keep(model, *widths, len(begins) > 1)

    def call(self, values: list[Value], inputs: list[Value], depth: int) -> None:
        """Call something on what is there, and add what it gives."""
        value = self.of_list(values[-4:] if self.maybe(0.6) else values)
        what = self.random.random()
        if what < 0.35:
            one = self.layer(value.width)
        elif what < 0.5:
            one = self.merging(value.width)
        elif what < 0.6 and depth:
            one = self.row(value.width, depth - 1)
        elif what < 0.72 and depth:
            one = self.graph(depth - 1)[0]
        elif what < 0.8 and len(values) > len(inputs):  # of what is here already, from its own inputs
            end = self.of_list(values[len(inputs) :])
            one = self.model([inputs[i] for i in sorted(end.sources)], [end])
        elif what < 0.88:
            self.reshaped(values, value)
            return
        else:
            one = self.of_list(self.known) if self.known else self.layer(value.width)
        found = [self.of_width(values, width) for width in one.takes]
        if any(each is None for each in found):
            return
        given = [each.tensor for each in found]
        made = one.operation(given if one.listed else given[0])
        sources = frozenset().union(*[each.sources for each in found])
        outputs = made if isinstance(made, list) else [made]
        values += [Value(tensor, width, sources) for tensor, width in zip(outputs, one.gives, strict=True)]

    def of_width(self, values: list[Value], width: int) -> Value | None:
        fitting = [value for value in values if value.width == width]
        return self.of_list(fitting) if fitting else None

    def reshaped(self, values: list[Value], value: Value) -> None:
        """Several axes, in which numbers may be moved, and one again."""
        layers, width, sources = self.of.layers, value.width, value.sources
        steps = self.of_list([n for n in (1, 2, 3) if width % n == 0])
        each, options = width // steps, {**D, "name": self.name("move")}
        tensor = layers.Reshape((steps, each), name=self.name("shape"), **D)(value.tensor)
        moves: list[tuple[Callable[[], Any], int]] = [
            (lambda: layers.Permute((2, 1), **options), width),
            (lambda: layers.ZeroPadding1D((1, 0), **options), width + each),
            (lambda: layers.UpSampling1D(2, **options), 2 * width),
            (lambda: layers.Cropping1D((0, 1), **options), width - each),
        ]
        row = self.of_width(values, each)
        if row is not None and self.maybe(0.5):  # broadcast over the steps
            tensor = layers.Multiply(**options)([tensor, row.tensor])
            sources |= row.sources
        elif self.maybe(0.8):
            moves = [move for move in moves if 0 < move[1] <= WIDEST * self.scale]
            if moves:  # of a wide value with one step there is none
                make, gives = self.of_list(moves)
                tensor, width = make()(tensor), gives
        tensor = layers.Flatten(name=self.name("flat"), **D)(tensor)
        values.append(Value(tensor, width, sources))

    # -- the whole -----------------------------------------------------------------------------------------------------

    def whole(self) -> Known:
        self.known, self.by_name = [], False
        return self.row(4 * self.scale, 2) if self.maybe(0.1) else self.graph(2, top=True)[0]

    def problem(self) -> Problem:
        """The model, and what it is trained by."""
        known = self.whole()
        while not known.operation.trainable_weights:
            known = self.whole()
        model = known.operation
        xs = [self.random.normal(size=(ROWS * self.scale, width)) for width in known.takes]
        ys = [self.random.normal(size=(ROWS * self.scale, width)) for width in known.gives]
        losses = [self.of_list(["mse", "huber", "log_cosh"]) for _ in ys]
        factors = [float(self.of_list([0.5, 1.0, 1.75])) for _ in ys]
        single = len(ys) == 1 and not self.by_name
        arguments = {"loss": losses[0] if single else losses, "loss_weights": factors}
        y: Any = ys[0] if single else ys
        if self.by_name:
            y = {f"out_{i}": array for i, array in enumerate(ys)}
            arguments = {name: {f"out_{i}": one for i, one in enumerate(each)} for name, each in arguments.items()}
        return Problem(model, arguments, xs if len(xs) > 1 else xs[0], y)
