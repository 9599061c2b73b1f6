"""Graphs of layers: gradients of everything by central differences, whatever is called on what."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from own_layers import NumpyDense, Times
from probe import Graph, Step

FLOAT = {"dtype": "float64"}


def built(layers, width=5):
    for layer in layers:
        layer.build((None, width))
    return layers


def dense(units=5, **options):
    return gs.layers.Dense(units, "tanh", kernel_regularizer="l2", **options, **FLOAT)


def numpy_dense(units=5):
    return NumpyDense(units, kernel_regularizer="l2", **FLOAT)


def row():
    a, d, b, c = dense(), gs.layers.Dropout(0.5, seed=1, **FLOAT), numpy_dense(), dense(3)
    return 1, [Step(layer, (i,)) for i, layer in enumerate(built([a, d, b, c]))], [4]


def fork():
    """Two inputs that meet; a value that is read twice and comes out as well."""
    a, b, times, c = built([dense(), numpy_dense(), Times(**FLOAT), dense(2)])
    return 2, [Step(a, (0,)), Step(b, (1,)), Step(times, (2, 3)), Step(times, (4, 2)), Step(c, (5,))], [6, 3, 3]


def shared():
    """Layers, of either kind, that are called twice; Times twice on the same."""
    a, b, times = built([dense(), numpy_dense(), Times(**FLOAT)])
    nodes = [Step(a, (0,)), Step(b, (2,)), Step(a, (3,)), Step(b, (1,)), Step(times, (4, 5)), Step(times, (6, 6))]
    return 2, nodes, [7]


def shapes():
    """Layers that compute nothing, at both ends and between."""
    layers = [
        gs.layers.Reshape((1, 5), **FLOAT),
        gs.layers.Flatten(**FLOAT),
        dense(6),
        gs.layers.Reshape((2, 3), **FLOAT),
    ]
    current = (None, 5)
    for layer in layers:
        layer.build(current)
        current = layer.output_shape
    return 1, [Step(layer, (i,)) for i, layer in enumerate(layers)], [4]


@pytest.mark.parametrize("make", [row, fork, shared, shapes])
def test_gradients_equal_central_differences(make):
    gs.utils.set_random_seed(5)
    inputs, nodes, outputs = make()
    graph, random = Graph([(5,)] * inputs, nodes, outputs), np.random.default_rng(2)
    xs = [random.normal(size=(4, 5)) for _ in range(inputs)]
    dys = [random.normal(size=y.shape) for y in graph.forward(xs)]

    def loss():
        ys = graph.forward(xs, training=True, number=3)
        return float(sum((y * dy).sum() for y, dy in zip(ys, dys, strict=True))) + graph.penalty

    for _ in range(2):
        graph.forward(xs, training=True, number=3, slopes=True)
        dxs, gradients = graph.backward(dys)
        assert len(gradients) == len(graph.weights)
        for weight, gradient in zip(graph.weights, [g.copy() for g in gradients], strict=True):
            assert difference(gradient, numeric_gradient(loss, weight)) <= 1e-7
        for x, dx in zip(xs, dxs, strict=True):
            assert difference(dx, numeric_gradient(loss, x)) <= 1e-7


@pytest.mark.parametrize("make", [row, fork, shared])
def test_outputs_without_a_slope_have_slope_zero(make):
    gs.utils.set_random_seed(5)
    inputs, nodes, outputs = make()
    graph, random = Graph([(5,)] * inputs, nodes, outputs), np.random.default_rng(2)
    xs = [random.normal(size=(4, 5)) for _ in range(inputs)]
    found = []
    for dys in ([None] * len(outputs), [np.zeros_like(y) for y in graph.forward(xs)]):
        graph.forward(xs, training=True)
        found.append([gradient.copy() for gradient in graph.backward(dys)[1]])
    for weight, gradient, other in zip(graph.weights, *found, strict=True):
        np.testing.assert_array_equal(gradient, other)
        # Of the penalty alone, 0.01 of the squares of kernels.
        np.testing.assert_allclose(gradient, 0.02 * weight if weight.ndim == 2 else 0 * weight, rtol=1e-12)


def test_what_needs_no_gradient_is_not_gone_back_through():
    gs.utils.set_random_seed(5)
    _, nodes, outputs = row()
    nodes[0].layer.trainable = nodes[2].layer.trainable = False
    nodes[2].layer.backward = None  # would fail if it were called
    graph = Graph([(5,)], nodes, outputs)
    graph.forward([np.ones((3, 5))], training=True)
    dxs, gradients = graph.backward([np.ones((3, 3))])
    assert dxs == [None]
    assert [gradient.shape for gradient in gradients] == [(5, 3), (3,)]


def test_constraints_and_proximal_steps_of_all_layers():
    sparse = {"kernel_regularizer": gs.regularizers.L1(0.5, proximal=True), "kernel_constraint": "non_neg"}
    twice = gs.layers.Dense(5, **sparse, **FLOAT)
    layers = built([gs.layers.Dense(5, **sparse, **FLOAT), NumpyDense(5, **sparse, **FLOAT), twice])
    graph = Graph([(5,)], [Step(layer, (i,)) for i, layer in enumerate([*layers, twice])], [4])
    inputs = gs.Input((5,), dtype="float64")
    model = gs.Model(inputs, twice(twice(layers[1](layers[0](inputs)))))
    model.compile(gs.optimizers.SGD(0.1), "mse")
    before = [layer.kernel.copy() for layer in layers]
    model.train_on_batch(np.zeros((2, 5)), np.zeros((2, 5)))  # all gradients are 0
    for layer, kernel in zip(layers, before, strict=True):
        expected = np.maximum(np.sign(kernel) * np.maximum(np.abs(kernel) - 0.05, 0), 0)
        np.testing.assert_allclose(layer.kernel, expected, rtol=0, atol=1e-15)
    assert graph.penalty == pytest.approx(0.5 * sum(layer.kernel.sum() for layer in layers), rel=1e-12)


def test_backward_comes_once_after_forward_in_training():
    _, nodes, outputs = row()
    graph, x, dy = Graph([(5,)], nodes, outputs), np.ones((3, 5)), np.ones((3, 3))
    for begin in (lambda: None, lambda: graph.forward([x])):
        begin()
        with pytest.raises(RuntimeError, match="backward must follow forward"):
            graph.backward([dy])
    graph.forward([x], training=True)
    graph.backward([dy])
    with pytest.raises(RuntimeError, match="once"):
        graph.backward([dy])
