"""Models of every kind with data, for `golden`: what they train to has the same bits on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradstep as gs
import numpy as np
from golden_numbers import BATCH, DROPS, INPUTS, ROWS, Trained, chain, dense, labels, row, rows, shares, trained, whole
from golden_optimizers import OPTIMIZERS
from golden_parts import CountOfLarge, Scale, Swap, half_square
from golden_sequences import SEQUENCES
from gradstep import activations, constraints, layers, losses, optimizers, regularizers
from loss_cases import CASES as LOSS_CASES

__all__ = ["MODELS"]


def simple(*units: int, **options: Any) -> Trained:
    model = row(*[dense(n, "relu") for n in units], dense(3))
    return trained(model, compiled={"metrics": ["mae"]}, **options)


def of_optimizer(make: Callable[[], Any]) -> Trained:
    return trained(row(dense(67, "tanh", name="first"), dense(33, "tanh"), dense(3)), optimizer=make())


def classifier(last: str | None = "softmax", optimizer: Any = "adam", x: Any = None, **options: Any) -> Trained:
    model = row(dense(67, "relu"), dense(10, last))
    loss = losses.SparseCategoricalCrossentropy(from_logits=last is None)
    return trained(model, x, labels(10), optimizer, loss, compiled={"metrics": ["accuracy"]}, **options)


def of_loss(case: Any) -> Trained:
    """A model whose outputs are what the loss takes, and targets of its kind."""
    name, plain = case.kind, case.from_logits
    y: Any = rows(7, seed=5)
    last = None
    if case.labels:
        y = labels(7)
        last = None if plain or name == "circle" else "softmax"
    elif name.endswith("hinge"):
        y = np.sign(y) + (y == 0)
        y = np.eye(7, dtype=np.float32)[labels(7)] if name == "categorical_hinge" else y
    elif name in {"poisson", "mean_squared_logarithmic_error"}:
        y, last = whole(0, 4, ROWS, 7, seed=6).astype(np.float32), "sigmoid"
    elif name.startswith("categorical") or name == "kl_divergence":
        y, last = np.eye(7, dtype=np.float32)[labels(7)] * 0.75 + 0.03125, None if plain else "softmax"
    elif name.startswith("binary") or case.whole:
        y, last = shares(7), None if plain else "sigmoid"
    return trained(row(dense(67, "tanh"), dense(7, last)), y=y, loss=case.make())


def doubles() -> Trained:
    both = {"dtype": "float64"}
    model = row(
        dense(67, "gelu", **both),
        layers.BatchNormalization(**both),
        layers.Dropout(0.25, **DROPS, **both),
        dense(33, "softplus", kernel_regularizer="l2", **both),
        dense(3, **both),
        dtype="float64",
    )
    return trained(model, rows(dtype="float64"), rows(3, "float64", seed=4), optimizers.RMSprop(0.01))


def deep() -> Trained:
    return trained(row(*[dense(n, "tanh") for n in (13, 64, 96, 7, 33, 65, 17, 1)]))


def mixed_layers() -> Trained:
    return trained(
        row(
            layers.Rescaling(1 / 4, offset=0.5),
            dense(96, use_bias=False),
            layers.BatchNormalization(momentum=0.75),
            layers.Activation("relu"),
            layers.GaussianNoise(0.25, **DROPS),
            dense(67, "elu"),
            layers.LayerNormalization(),
            layers.PReLU(),
            layers.Dropout(0.5, **DROPS),
            dense(10),
            layers.Softmax(),
        ),
        y=labels(10),
        loss="sparse_categorical_crossentropy",
        compiled={"metrics": ["accuracy"]},
    )


def images() -> Trained:
    """Bytes of images, which are rescaled where they are read."""
    x = whole(0, 256, ROWS, 7, 9, seed=8).astype(np.uint8)
    members = [layers.Rescaling(1 / 256), layers.Flatten(), dense(67, "relu"), dense(10, "softmax")]
    model = gs.Sequential([gs.Input((7, 9)), *members])
    return trained(model, x, labels(10), loss="sparse_categorical_crossentropy")


def along_axes() -> Trained:
    """Layers along axes of rows of several."""
    x = (whole(0, 257, ROWS, 4, 6, 5, seed=10) / 64 - 2).astype(np.float32)
    members = [
        dense(6, "tanh"),
        layers.BatchNormalization(axis=1),
        layers.SpatialDropout2D(0.25, **DROPS),
        layers.LayerNormalization(axis=[2, 3]),
        layers.PReLU(shared_axes=[1, 2]),
        layers.GroupNormalization(3),
        layers.PReLU(shared_axes=[3]),
        layers.GroupNormalization(2, axis=1),
        layers.Dropout(0.5, (None, None, 1, None), **DROPS),
        layers.RMSNormalization(axis=2),
        layers.AlphaDropout(0.25, **DROPS),
        layers.UnitNormalization([1, 2]),
        layers.Softmax([1, 3]),
        layers.Flatten(),
        dense(3),
    ]
    return trained(gs.Sequential([gs.Input((4, 6, 5)), *members]), x)


def sparse_rows() -> Trained:
    import scipy.sparse  # what is not there is skipped

    x = rows() * (whole(0, 4, ROWS, INPUTS, seed=9) == 0)
    return classifier(x=scipy.sparse.csr_matrix(x))


def penalties() -> Trained:
    model = row(
        dense(
            67, "tanh", kernel_regularizer=regularizers.L1L2(0.01, 0.02), kernel_constraint=constraints.MaxNorm(0.75)
        ),
        dense(33, "tanh", kernel_constraint="unit_norm", bias_regularizer="l2", activity_regularizer="l2"),
        layers.ActivityRegularization(0.01, 0.01),
        dense(9, bias_constraint="non_neg", kernel_regularizer=regularizers.OrthogonalRegularizer(0.01)),
        dense(3, kernel_constraint=constraints.MinMaxNorm(0.25, 0.5)),
    )
    return trained(model)


def frozen() -> Trained:
    model = row(
        dense(67, "tanh", trainable=False),
        layers.BatchNormalization(trainable=False),
        dense(33, "tanh"),
        dense(17, "tanh", trainable=False),
        layers.BatchNormalization(),
        dense(3),
    )
    return trained(model)


# -- graphs ------------------------------------------------------------------------------------------------------------


def shared() -> Trained:
    x, twice = gs.Input((INPUTS,)), dense(INPUTS, "tanh", kernel_regularizer="l2", kernel_constraint="max_norm")
    h = dense(67)(twice(twice(x)))
    return trained(gs.Model(x, dense(3)(h)))


def tied() -> Trained:
    """A tower for both inputs, and what lies between their outputs."""
    left, right = gs.Input((INPUTS,), name="left"), gs.Input((INPUTS,), name="right")
    tower = row(dense(67, "relu"), layers.BatchNormalization(), dense(33), name="tower")
    apart = layers.Subtract()([tower(left), tower(right)])
    model = gs.Model([left, right], dense(1, "sigmoid")(apart))
    x = [rows(), rows(seed=11)]
    return trained(model, x, labels(2).astype(np.float32)[:, None], loss="binary_crossentropy")


def nested() -> Trained:
    inner = row(dense(67, "tanh"), layers.Dropout(0.25, **DROPS), dense(33), name="inner")
    x = gs.Input((33,))
    outer = gs.Model(x, layers.Add()([dense(33, "tanh")(x), x]), name="outer")
    return trained(row(inner, outer, dense(3)))


def skip() -> Trained:
    x = gs.Input((INPUTS,))
    h = dense(67, "relu")(x)
    h = layers.Add()([h, dense(67, "relu")(h)])
    return trained(gs.Model(x, dense(3)(h)), compiled={"metrics": ["mae"]})


def branches() -> Trained:
    x = gs.Input((INPUTS,))
    short = dense(33, "tanh")(x)
    long = dense(33)(layers.BatchNormalization()(dense(67, "relu")(x)))
    gated = layers.Multiply()([long, layers.Activation("sigmoid")(short)])
    ends = [layers.Maximum()([short, long]), layers.Average()([short, gated]), layers.Minimum()([gated, long])]
    return trained(gs.Model(x, dense(3)(layers.Concatenate()(ends))))


def moved() -> Trained:
    """Layers that move numbers, and merges of inputs of several ranks."""
    x = gs.Input((4, 6, 5))
    h = layers.Permute((2, 1, 3))(dense(6, "tanh")(x))
    h = layers.UpSampling2D((1, 2))(layers.Cropping2D(((1, 0), (0, 1)))(layers.ZeroPadding2D(1)(h)))
    steps = layers.Concatenate(1)([h[:, 1:, 0], h[:, ::-2, 1, :]])
    context = layers.RepeatVector(3)(dense(4, "relu")(layers.Flatten()(h)))
    likeness = layers.Dot(2)([dense(4)(steps), context]) / 4 + layers.Dot((2, 2), normalize=True)([steps, h[:, :3, 2]])
    gated = layers.Multiply()([likeness, dense(1, "sigmoid")(steps)]) - dense(3)(h[:, 0, 0])
    return trained(
        gs.Model(x, dense(3)(layers.Flatten()(gated))), (whole(0, 257, ROWS, 4, 6, 5, seed=11) / 64 - 2).astype("f")
    )


def convolved() -> Trained:
    """A small convolutional network, with strides, padding, dilation and groups."""
    x = gs.Input((9, 8, 2))
    h = layers.Conv2D(8, 3, activation="relu")(x)
    h = layers.MaxPooling2D(2, padding="same")(h)
    h = layers.Conv2D(6, 3, padding="same", groups=2, dilation_rate=2, activation="tanh")(h)
    h = layers.Conv2D(4, 2, strides=2, use_bias=False)(layers.AveragePooling2D(2, 1)(h))
    return trained(
        gs.Model(x, dense(3)(layers.Flatten()(h))), (whole(0, 257, ROWS, 9, 8, 2, seed=12) / 64 - 2).astype("f")
    )


def two_inputs() -> Trained:
    x, z = gs.Input((INPUTS,), name="x"), gs.Input((13,), name="z")
    both = layers.Concatenate()([dense(67, "relu")(x), dense(33, "relu")(z)])
    model = gs.Model([x, z], dense(3)(layers.Dropout(0.25, **DROPS)(both)))
    return trained(model, {"x": rows(), "z": rows(13, seed=12)}, rows(3, seed=4))


def two_outputs(**options: Any) -> Trained:
    x = gs.Input((INPUTS,))
    h = dense(67, "relu", kernel_regularizer="l2")(x)
    model = gs.Model(x, [dense(3, name="a")(h), dense(10, "softmax", name="b")(h)])
    compiled = {"loss_weights": [0.5, 2.0], "metrics": [["mae"], ["accuracy"]]}
    loss = ["mse", "sparse_categorical_crossentropy"]
    return trained(model, y=[rows(3, seed=4), labels(10)], loss=loss, compiled=compiled, **options)


def written_functionally() -> Trained:
    """A row of layers by calls."""
    x = gs.Input((INPUTS,))
    return trained(gs.Model(x, dense(3)(dense(67, "relu")(x))))


# -- parts in NumPy ----------------------------------------------------------------------------------------------------


def in_numpy() -> Trained:
    return chain(Scale(kernel_regularizer="l2"), layers.Activation("tanh"), Swap())


def in_numpy_among_branches() -> Trained:
    x, scale = gs.Input((INPUTS,)), Scale()
    h = dense(33, "tanh")(x)
    return trained(gs.Model(x, dense(3)(layers.Add()([scale(h), Swap()(scale(scale(h)))]))))


# -- loops of the user's -----------------------------------------------------------------------------------------------


def batches(one: Trained) -> Iterator[Any]:
    for begin in range(0, ROWS, BATCH):
        yield one.x[begin : begin + BATCH], one.y[begin : begin + BATCH]


def by_batches(one: Trained) -> Any:
    found = [one.model.train_on_batch(x, y) for x, y in batches(one)]
    return [*found, one.model.test_on_batch(one.x, one.y), one.model.predict_on_batch(one.x)]


def by_value_and_grad(one: Trained) -> Any:
    one.optimizer, found = optimizers.Adam(), []
    for x, y in batches(one):
        value, gradients = one.model.value_and_grad(x, y)
        found.append([value, *gradients])
        one.optimizer.step(one.model.trainable_weights, gradients)
    return found


def by_hand(one: Trained) -> Any:
    """The model called in training, and the way back."""
    one.optimizer, loss, found = optimizers.Adam(), losses.MeanSquaredError(), []
    for x, y in batches(one):
        outputs = one.model(x, training=True)
        value, dy = loss.value_and_grad(y, outputs)
        dx, gradients = one.model.backward(dy)
        found.append([value, outputs, dx, *gradients, *one.model.losses])
        one.optimizer.step(one.model.trainable_weights, gradients)
    return found


def from_batches(one: Trained) -> Any:
    """A generator of batches."""
    return one.model.fit(batches(one), verbose=0).history


def looped(loop: Callable[[Trained], Any], kind: str) -> Trained:
    made = {"chain": mixed_loop, "graph": skip, "NumPy": in_numpy}[kind]()
    made.loop = loop
    return made


def mixed_loop() -> Trained:
    return chain(
        layers.BatchNormalization(),
        layers.Activation("tanh"),
        layers.Dropout(0.25, **DROPS),
        dense(33, "relu", kernel_regularizer="l2"),
    )


# -- all of them -------------------------------------------------------------------------------------------------------

WEIGHTS = whole(1, 9, ROWS, seed=13) / 4
CLASSES = {0: 0.5, 3: 2.0, 7: 0.0}

NAMES = [
    name for name in activations.__all__ if name not in ("get", "specify", "glu", "threshold", "swish", "hard_swish")
]

MODELS: dict[str, Callable[[], Trained]] = {
    "chain": lambda: simple(96, 67),
    "chain, one layer": lambda: simple(),
    "chain, narrow": lambda: simple(3, 1, 5),
    "chain, wide": lambda: simple(257, 130),
    "chain, deep": deep,
    "chain, batches of 1": lambda: simple(33, 67, batch_size=1, steps_per_epoch=5),
    "chain, batches of 3": lambda: simple(33, 67, batch_size=3, steps_per_epoch=5),
    "chain, full batch": lambda: simple(33, batch_size="full", epochs=5),
    "chain, shuffled": lambda: simple(67, shuffle=True, seed=3, epochs=2),
    "chain, validation": lambda: simple(67, validation_split=0.25),
    "chain by calls": written_functionally,
    "classifier": classifier,
    "classifier of logits": lambda: classifier(None),
    "float64": doubles,
    "uint8": images,
    "sparse": sparse_rows,
    "axes": along_axes,
    "layers in a row": mixed_layers,
    **{
        f"activation {name}": partial(lambda name: chain(layers.Activation(name), dense(33, name)), name)
        for name in NAMES
    },
    "activations with settings": lambda: chain(
        layers.LeakyReLU(0.125),
        dense(33, partial(activations.threshold, threshold=0.25, default_value=-0.5)),
        layers.ReLU(2.0, 0.25, 0.5),
        dense(33),
        layers.ELU(0.5),
    ),
    "BatchNormalization": lambda: chain(layers.BatchNormalization(), layers.Activation("relu")),
    "BatchNormalization without scale": lambda: chain(layers.BatchNormalization(scale=False), dense(33, "relu")),
    "LayerNormalization": lambda: chain(layers.LayerNormalization(), layers.Activation("relu")),
    "GroupNormalization": lambda: chain(dense(66), layers.GroupNormalization(6), layers.Activation("relu")),
    "UnitNormalization": lambda: chain(layers.UnitNormalization()),
    "PReLU": lambda: chain(layers.PReLU()),
    "Softmax": lambda: chain(layers.Softmax()),
    "Rescaling": lambda: trained(row(layers.Rescaling(0.25, offset=1.0), dense(67, "relu"), dense(3))),
    "Dropout": lambda: chain(layers.Dropout(0.5, **DROPS), dense(33, "relu"), layers.Dropout(0.25, seed=6)),
    "Dropout, two epochs": lambda: chain(layers.Dropout(0.5, **DROPS), epochs=2),
    "GaussianNoise": lambda: chain(layers.GaussianNoise(0.5, **DROPS)),
    "GaussianDropout": lambda: chain(layers.GaussianDropout(0.25, **DROPS)),
    "shared": shared,
    "tied towers": tied,
    "nested": nested,
    "skip": skip,
    "branches": branches,
    "moved": moved,
    "convolved": convolved,
    **SEQUENCES,
    "two inputs": two_inputs,
    "two outputs": two_outputs,
    "two outputs, weighted": lambda: two_outputs(sample_weight=[WEIGHTS, 2 * WEIGHTS]),
    "sample weights": lambda: simple(67, sample_weight=WEIGHTS),
    "class weights": lambda: classifier(class_weight=CLASSES),
    "frozen": frozen,
    "regularizers and constraints": penalties,
    "NumPy layers": in_numpy,
    "NumPy layers among branches": in_numpy_among_branches,
    "NumPy loss": lambda: chain(layers.Activation("tanh"), loss=half_square),
    "NumPy metric": lambda: trained(row(dense(67, "relu"), dense(3)), compiled={"metrics": [CountOfLarge()]}),
    **{
        f"{loop.__name__.replace('_', ' ')}, {kind}": partial(looped, loop, kind)
        for loop in (by_batches, by_value_and_grad, by_hand, from_batches)
        for kind in ("chain", "graph", "NumPy")
    },
    **{f"loss {case}": partial(of_loss, case) for case in LOSS_CASES},
    **{f"optimizer {name}": partial(of_optimizer, make) for name, make in OPTIMIZERS.items()},
    **{
        f"{name} of a graph": partial(lambda name: two_outputs(optimizer=OPTIMIZERS[name]()), name)
        for name in ("SAM", "Lookahead", "MultiOptimizer", "global_clipnorm", "accumulation", "EMA", "Muon")
    },
}
