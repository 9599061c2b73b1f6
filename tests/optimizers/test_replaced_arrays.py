"""State belongs to an array. One that takes another's place is refused, and so is one that can no longer be moved.

Nothing is written then, and nothing is held.
"""

from __future__ import annotations

import gc
import warnings
import weakref

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from snapshot import everything

REPLACED = "is not the array that was stepped in its place before"


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape or (3,))


def wrapped(kind: str) -> optimizers.Optimizer:
    adam = optimizers.Adam(0.01, use_ema=True)
    return {
        "alone": lambda: adam,
        "spared": lambda: adam,
        "lookahead": lambda: optimizers.Lookahead(adam, sync_period=2),
        "several": lambda: optimizers.MultiOptimizer({"w*": adam, "*": optimizers.SGD(0.1)}),
        "lookahead of several": lambda: optimizers.Lookahead(optimizers.MultiOptimizer({"*": adam})),
    }[kind]()


KINDS = ["alone", "spared", "lookahead", "several", "lookahead of several"]
# What becomes of parameters between two steps, so that one of them is another array.
PLACES = {
    "alone": (lambda: ones(), lambda w: np.clip(w, 0, 1)),
    "in a list": (lambda: [ones(), ones()], lambda old: [old[0], old[1].copy()]),
    "in a tuple": (lambda: (ones(),), lambda old: (old[0] * 0.5,)),
    "in a dict": (lambda: {"w": ones(), "b": ones()}, lambda old: {**old, "w": np.clip(old["w"], 0, 1)}),
    "nested": (lambda: {"out": [{"w": ones()}]}, lambda old: {"out": [{"w": old["out"][0]["w"].copy()}]}),
    "a view": (lambda: {"w": ones(9).reshape(3, 3)}, lambda old: {"w": ones(9).reshape(3, 3)}),
    "of another shape": (lambda: [ones()], lambda old: [np.append(old[0], 1.0)]),
}


def like(tree):
    """Gradients for a structure of parameters."""
    if isinstance(tree, dict):
        return {key: like(value) for key, value in tree.items()}
    return [like(value) for value in tree] if isinstance(tree, (list, tuple)) else np.ones(tree.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bound", [False, True])
def test_an_array_in_the_place_of_one_that_is_gone_is_refused(kind, place, bound):
    make, replace = PLACES[place]
    optimizer, params = wrapped(kind), make()
    if kind == "spared":
        leaf = params
        while not isinstance(leaf, np.ndarray):
            leaf = list(leaf.values() if isinstance(leaf, dict) else leaf)[-1]
        optimizer.exclude_from_weight_decay([leaf])
        del leaf
    optimizer.step(params, like(params))
    before = everything(optimizer)
    params = replace(params)
    with pytest.raises(ValueError, match=REPLACED):
        optimizer.bind(params) if bound else optimizer.step(params, like(params))
    assert everything(optimizer) == before


def test_the_error_names_the_place():
    optimizer, params = optimizers.Adam(), {"out": [ones(), ones()]}
    optimizer.step(params, like(params))
    params["out"][1] = params["out"][1].copy()
    with pytest.raises(ValueError, match=r"^parameters\['out'\]\[1\] is not .*array\[\.\.\.\] = values"):
        optimizer.step(params, like(params))


def test_replacing_in_the_same_dict_is_refused_while_the_old_array_lives():
    optimizer, params, path = optimizers.Adam(), {"w": ones()}, []
    optimizer.step(params, like(params))
    path.append(params["w"])
    params["w"] = params["w"] * 0.5
    with pytest.raises(ValueError, match=REPLACED):
        optimizer.step(params, like(params))


def test_arrays_that_live_may_take_turns():
    optimizer, generator, critic = optimizers.SGD(1.0, momentum=0.5), {"w": ones()}, {"w": ones()}
    for _ in range(2):
        optimizer.step(generator, like(generator))
        optimizer.step(critic, like(critic))
    assert np.array_equal(generator["w"], critic["w"])
    w, b = ones(), ones()
    for params in ([w, b], [b, w], {"w": b}, [w]):
        optimizer.step(params, like(params))
    for layer in [{"w": ones()} for _ in range(3)]:  # which the list holds
        optimizer.step(layer, like(layer))


def test_views_of_memory_that_lives_are_no_replacement():
    flat, optimizer = ones(10), optimizers.Adam()
    optimizer.step(flat[:5], np.ones(5))
    optimizer.step(flat[5:], np.ones(5))
    assert np.array_equal(flat[:5], optimizers_first_step(ones(5)))


def optimizers_first_step(w: np.ndarray) -> np.ndarray:
    optimizers.Adam().step(w, np.ones(w.shape))
    return w


def test_a_new_optimizer_goes_on_with_other_arrays():
    old, params = optimizers.Adam(0.1), {"w": ones()}
    kept, reference = {"w": ones()}, optimizers.Adam(0.1)
    for _ in range(2):
        old.step(params, like(params))
        reference.step(kept, like(kept))
    params = {"w": params["w"].copy()}
    new = optimizers.Adam.from_config(old.get_config())
    new.bind(params)
    new.load_state_dict(old.state_dict())
    new.step(params, like(params))
    reference.step(kept, like(kept))
    assert np.array_equal(params["w"], kept["w"])


def test_refused_arrays_are_let_go_of():
    optimizer, w = optimizers.Adam(), ones()
    optimizer.step(w, ones())
    w = w.copy()
    with pytest.raises(ValueError, match=REPLACED):
        optimizer.step(w, ones())
    seen = weakref.ref(w)
    del w
    gc.collect()
    assert seen() is None


def _read_only(w):
    w.setflags(write=False)


def _other_dtype(w):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy will forbid it
        w.dtype = np.int64


def _other_shape(w):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        w.shape = (2, 2)


CHANGES = {
    "read-only": (_read_only, "must be writable"),
    "another dtype": (_other_dtype, "int64"),
    "another shape": (_other_shape, "must stay where it was"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["step", "bound", "without a gradient"])
def test_arrays_that_can_no_longer_be_moved_are_refused_before_anything_is_written(change, kind, how):
    make, message = CHANGES[change]
    optimizer, params = wrapped(kind), [ones(4), ones(4)]
    bound = optimizer.bind(params)
    bound.step(like(params))
    make(params[1])
    before = everything(optimizer, *params)
    gradients = [np.ones(4), None if how == "without a gradient" else np.ones(params[1].shape)]
    if how == "without a gradient" and kind == "several":
        gradients = [None, np.ones(4)]
    with pytest.raises((ValueError, TypeError), match=message):
        bound.step(gradients) if how == "bound" else optimizer.step(params, gradients)
    assert everything(optimizer, *params) == before


def fold(optimizer: optimizers.Optimizer) -> np.ndarray:
    rng = np.random.default_rng(0)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse")
    model.fit(rng.normal(size=(8, 3)), rng.normal(size=8), shuffle=False, verbose=0)
    return model.get_weights()[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimizer_serves_one_model(kind):
    one = wrapped(kind)
    first = fold(one)
    before = everything(one)
    with pytest.raises(ValueError, match=r"does not know 'dense.*/kernel'.*opt.from_config"):
        fold(one)
    assert everything(one) == before
    assert np.array_equal(fold(type(one).from_config(one.get_config())), first)


def test_weights_that_are_trained_from_now_on_need_a_new_optimizer_as_in_keras():
    x, y = np.ones((8, 3)), np.ones(8)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(2), gs.layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = True
    model.compile(model.optimizer, "mse")
    with pytest.raises(ValueError, match="weights that are trained from now on"):
        model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    model.compile(model.optimizer, "mse")
    model.fit(x, y, verbose=0)
