"""Structures of parameters and gradients: what matches, and the first difference named where it is."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import SGD


def w() -> np.ndarray:
    return np.ones(3)


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize(
    ("params", "grads", "error", "message"),
    [
        ([w(), w()], [w()], ValueError, "gradients has length 1; parameters has length 2."),
        ([w()], [w(), w()], ValueError, "gradients has length 2; parameters has length 1."),
        ({"a": w()}, {"b": w()}, ValueError, "gradients has no key 'a', which parameters has."),
        ({"a": w()}, {"a": w(), "b": w()}, ValueError, "gradients has the key 'b', which parameters does not have."),
        ({"a": w()}, [w()], TypeError, "gradients must be a dict, as parameters is; got a list of 1."),
        ({"a": w()}, w(), TypeError, "gradients must be a dict, as parameters is; got one array."),
        ({0: [w()]}, {0: w()}, TypeError, "gradients[0] must be a sequence, as parameters[0] is; got one array."),
        ({"a": [w()]}, {"a": None}, TypeError, "gradients['a'] must be a sequence, as parameters['a'] is; got None."),
        ({"a": [w()]}, {"a": []}, ValueError, "gradients['a'] has length 0; parameters['a'] has length 1."),
        ({"a": [w()]}, {"a": [[w()]]}, TypeError, "gradients['a'][0] must be an array or None; got a list of 1."),
        ({0: {"b": w()}}, {0: {"b": 1}}, TypeError, "gradients[0]['b'] must be an array or None; got an int."),
        ({0: {"b": w()}}, {0: {}}, ValueError, "gradients[0] has no key 'b', which parameters[0] has."),
        ([[w()]], {"a": w()}, TypeError, "gradients must be a sequence, as parameters is; got a dict of 1."),
    ],
)
def test_the_first_difference_is_named(params, grads, error, message, bound):
    optimizer = SGD()
    step = optimizer.bind(params).step if bound else lambda grads: optimizer.step(params, grads)
    with pytest.raises(error) as raised:
        step(grads)
    if not bound or isinstance(params, dict):  # a flat sequence is bound to the engine itself, which has its own words
        assert str(raised.value) == message
    assert optimizer.iterations == 0


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "parameters must hold at least one array; got a list of 0."),
        ({}, ValueError, "parameters must hold at least one array; got a dict of 0."),
        ({"a": [[], ()]}, ValueError, "parameters must hold at least one array; got a dict of 1."),
        ([1.0, 2.0], TypeError, "parameters[0] must be an array that can be updated in place; got a float."),
        ({"a": [w(), 3]}, TypeError, "parameters['a'][1] must be an array that can be updated in place; got an int."),
        ("ab", TypeError, "parameter must be an array that can be updated in place; got a str."),
        (None, TypeError, "parameter must be an array that can be updated in place; got None."),
    ],
)
def test_what_holds_no_arrays_is_refused(params, error, message):
    with pytest.raises(error) as raised:
        SGD().step(params, params)
    assert str(raised.value) == message


def test_generators_and_views_of_dicts_are_sequences():
    params = {"a": w(), "b": w()}
    SGD(0.5).step(params.values(), (2 * p for p in params.values()))
    SGD(0.5).bind(p for p in params.values()).step([np.ones(3)] * 2)
    assert (params["a"] == -0.5).all()
    assert (params["b"] == -0.5).all()


def test_keys_may_come_in_any_order():
    params = {"a": w(), "b": np.ones(2)}
    SGD(0.5).step(params, {"b": np.ones(2), "a": np.zeros(3)})
    assert (params["b"] == 0.5).all()
    assert (params["a"] == 1).all()


def test_nothing_but_none_is_no_step():
    optimizer, params = SGD(), [w(), w()]
    optimizer.step(params, [None, None])
    optimizer.bind(params[0]).step(None)
    assert optimizer.iterations == 0


def test_empty_branches_are_kept():
    params = {"a": [], "b": [w(), ()]}
    bound = SGD(0.5).bind(params)
    bound.step({"a": [], "b": [np.ones(3), ()]})
    assert (params["b"][0] == 0.5).all()


def test_pairs():
    optimizer, a = SGD(0.5), w()
    optimizer.apply_gradients([(np.ones(3), a)])
    assert (a == 0.5).all()
    with pytest.raises(ValueError, match=r"grads_and_vars\[1\] must be a pair \(gradient, array\); it has length 3\."):
        optimizer.apply_gradients([(np.ones(3), a), (a, a, a)])
    with pytest.raises(ValueError, match="parameters must hold at least one array"):
        optimizer.apply_gradients([])


def test_views_of_the_same_elements_share_their_state():
    base = np.zeros((4, 4))
    optimizer = SGD(1.0, momentum=0.5)
    for _ in range(2):
        optimizer.step(base[::2], np.ones((2, 4)))  # a new object each time
    assert len(optimizer._core) == 1
    assert (base[::2] == -2.5).all()
    with pytest.raises(ValueError, match="must not overlap another parameter"):
        optimizer.step(base, np.ones((4, 4)))


def test_memory_is_kept_while_it_is_known():
    optimizer = SGD(1.0, momentum=0.5)
    for i in range(100):  # an array that dies would leave its address to the next one
        fresh = np.zeros(1000)
        optimizer.step({f"array {i}": fresh}, {f"array {i}": np.ones(1000)})
        assert (fresh == -1).all(), "a new array was taken for an old one"
    assert len(optimizer._core) == 100


needs_dlpack = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy makes DLPack read-only")


class Tensor:
    """Lends its memory by DLPack, which keeps the memory alive but not this object."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def __dlpack__(self, **kwargs):
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.data.__dlpack_device__()


@needs_dlpack
def test_objects_are_kept_while_they_are_known():
    optimizer = SGD(1.0)
    for _ in range(100):  # an object that dies would leave its id to the next one
        fresh = np.zeros(10)
        optimizer.step(Tensor(fresh), np.ones(10))
        assert (fresh == -1).all()


def test_errors_name_the_structure_of_this_call():
    optimizer, a, b = SGD(), w(), w()
    optimizer.step([a, b], [w(), w()])
    with pytest.raises(ValueError, match=r"^gradients\['b'\] has shape"):
        optimizer.step({"a": a, "b": b}, {"a": w(), "b": np.ones(2)})
    with pytest.raises(ValueError, match=r"^gradients\[1\] has shape"):
        optimizer.step([a, b], [w(), np.ones(2)])


@pytest.mark.peers
@needs_dlpack
def test_torch_tensors_are_moved_in_place():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    layer(torch.ones(4, 3)).sum().backward()
    optimizer = SGD(0.5)
    with pytest.raises(TypeError, match=r"parameters\[0\] must be detached .* pass parameters\[0\].detach\(\)"):
        optimizer.step(layer.parameters(), [p.grad for p in layer.parameters()])
    params, grads = [p.detach() for p in layer.parameters()], [p.grad for p in layer.parameters()]
    optimizer.step(params, grads)
    optimizer.bind(params).step(grads)
    torch.testing.assert_close(layer.weight.detach(), before - 4)
    params[0].data = torch.ones(2, 3)
    with pytest.raises(ValueError, match="resized, reshaped or reallocated"):
        optimizer.step(params, grads)


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_step_of_the_same_arrays_again_sees_what_changed(kind):
    """The last arrays are known again without look-ups: by their identity, order and names, whatever holds them."""
    arrays, expected = [np.zeros(2) for _ in range(3)], np.zeros(3)
    grads = [np.full(2, g) for g in (1.0, 2.0, 4.0)]
    optimizer = SGD(1.0)
    for order in ([0, 1, 2], [0, 1, 2], [2, 0, 1], [2, 0, 1], [1, 0], [0, 1, 2]):
        if kind is dict:
            named = {"abc"[i]: arrays[i] for i in order}
            optimizer.step(named, {"abc"[i]: grads[i] for i in reversed(order)})
        else:
            optimizer.step(kind(arrays[i] for i in order), kind(grads[i] for i in order))
        expected[order] -= [grads[i][0] for i in order]
        assert [w[0] for w in arrays] == expected.tolist()


@pytest.mark.parametrize(
    ("params", "grads"),
    [
        ([w(), w()], [[w()], [w(), w(), w()], {"a": w()}, w(), [w(), "g"], [w(), np.ones(4)]]),
        ({"a": w()}, [{"b": w()}, {"a": w(), "b": w()}, [w()], w(), {"a": [w()]}]),
        (w(), [[w()], "g", np.ones(4)]),
    ],
)
def test_a_second_step_refuses_what_a_first_one_does(params, grads):
    for wrong in grads:
        with pytest.raises((TypeError, ValueError)) as first:
            SGD().step(params, wrong)
        optimizer = SGD()
        for _ in range(2):
            optimizer.step(params, params_like(params))
        with pytest.raises(first.type) as later:
            optimizer.step(params, wrong)
        assert str(later.value) == str(first.value)
        assert optimizer.iterations == 2


def params_like(params):
    """Gradients for a flat structure."""
    if isinstance(params, dict):
        return {key: w() for key in params}
    return [w() for _ in params] if isinstance(params, list) else w()
