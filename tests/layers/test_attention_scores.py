"""Layers of attention that give the weights of their means in a model: numbers, gradients, files."""

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

layers = gs.layers
ROWS, QUERIES, KEYS, SIZE = 5, 4, 6, 3
F64 = {"dtype": "float64"}


def multi_head(**options):
    """Called on a query and a value."""
    layer = layers.MultiHeadAttention(2, 3, **F64, **options)
    return layer, lambda q, v, **more: layer(q, v, return_attention_scores=True, **more)


def listed(kind, **options):
    """Called on both in a list."""
    layer = getattr(layers, kind)(**F64, **options)
    return layer, lambda q, v, **more: layer([q, v], return_attention_scores=True, **more)


KINDS = {
    "multi-head": lambda **o: multi_head(**o),
    "dot": lambda **o: listed("Attention", use_scale=True, **o),
    "concat": lambda **o: listed("Attention", score_mode="concat", **o),
    "additive": lambda **o: listed("AdditiveAttention", **o),
}


def data(outer=()):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(ROWS, *outer, steps, SIZE)) for steps in (QUERIES, KEYS)]


def model_of(kind, outer=(), causal=False, masked=False, **options):
    """A model of output and weights, and the layer's call."""
    layer, call = KINDS[kind](**options)
    inputs = [gs.Input((*outer, steps, SIZE), **F64) for steps in (QUERIES, KEYS)]
    query, value = (layers.Masking(0.0, **F64)(one) for one in inputs) if masked else inputs
    made = call(query, value, use_causal_mask=causal)
    assert isinstance(made, tuple)
    model = gs.Model(inputs, list(made))
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(0.3, 1.2, weight.shape) for weight in model.get_weights()])
    return model, layer, call


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_both_are_those_of_a_call_on_arrays(kind, masked, causal):
    model, _, call = model_of(kind, causal=causal, masked=masked)
    q, v = data()
    masks = {}
    if masked:
        q[1, 2:] = v[2, 3:] = 0
        seen = [(x != 0).any(-1) for x in (q, v)]
        masks = {"query_mask": seen[0], "value_mask": seen[1]} if kind == "multi-head" else {"mask": seen}
    output, scores = model.predict([q, v], verbose=0)
    wanted = call(q, v, use_causal_mask=causal, **masks)
    assert [shape[1:] for shape in model.output_shape] == [one.shape[1:] for one in wanted]
    for one, other in zip((output, scores), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("axes", [1, 2, (2, 1), None])
def test_attention_along_axes(axes):
    layer = layers.MultiHeadAttention(2, 3, attention_axes=axes, **F64)
    x = np.random.default_rng(1).normal(size=(ROWS, 3, 4, SIZE))
    inputs = gs.Input(x.shape[1:], **F64)
    model = gs.Model(inputs, list(layer(inputs, inputs, return_attention_scores=True)))
    for one, other in zip(model.predict(x, verbose=0), layer(x, x, return_attention_scores=True), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("only", [None, 0, 1])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_central_differences(kind, masked, only):
    """Of a loss of both, of the output alone and of the weights alone."""
    model, _, _ = model_of(kind, masked=masked)
    if only is not None:
        model = gs.Model(model.inputs, model.outputs[only])
    q, v = data()
    q[1, 2:] = v[2, 3:] = 0
    rng = np.random.default_rng(3)
    shapes = model.output_shape if only is None else [model.output_shape]
    targets = [rng.normal(size=(ROWS, *shape[1:])) for shape in shapes]
    y = targets if only is None else targets[0]
    model.compile(gs.optimizers.SGD(0.1), loss="mse")
    _, gradients = model.value_and_grad([q, v], y)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        for at in rng.permutation(weight.size)[:4]:
            index, values = np.unravel_index(at, weight.shape), []
            kept = weight[index]
            for step in (1e-6, -1e-6):
                weight[index] = kept + step
                values.append(model.value_and_grad([q, v], y)[0])
            weight[index] = kept
            assert gradient[index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_dropped(kind):
    """As in Keras: the weights that multi-head attention gives are those before dropping, of the others those after."""
    model, _, _ = model_of(kind, dropout=0.5, seed=4)
    q, v = data()
    output, scores = model([q, v], training=True)
    sums = scores.sum(-1)
    if kind == "multi-head":
        np.testing.assert_allclose(sums, 1, rtol=1e-12)
        return
    assert (scores == 0).any()
    np.testing.assert_allclose(output, scores @ v, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_training_threads_and_files(kind, tmp_path):
    x, models = data(), []

    def trained():
        model, _, _ = model_of(kind, dropout=0.2, seed=3)
        model.compile(gs.optimizers.Adam(0.01), loss="mse")
        y = [np.random.default_rng(9).normal(size=(ROWS, *shape[1:])) for shape in model.output_shape]
        model.fit(x, y, batch_size=2, epochs=3, shuffle=False, verbose=0)
        models.append(model)
        return model.get_weights()

    weights = same_at_any_number_of_threads(trained, (1, 2, 3))
    model = models[0]
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    cloned = gs.models.clone_model(model)
    cloned.set_weights(weights)
    for other in (loaded, cloned):
        for a, b in zip(model.predict(x, verbose=0), other.predict(x, verbose=0), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_refused():
    layer = layers.Attention(**F64)
    q, v = gs.Input((QUERIES, SIZE), **F64), gs.Input((KEYS, SIZE), **F64)
    layer([q, v], return_attention_scores=True)
    with pytest.raises(ValueError, match="must be called in the same way"):
        layer([q, v])
    with pytest.raises(ValueError, match="in training with dropout"):
        layers.Attention(dropout=0.5)(data(), training=True, return_attention_scores=True)
