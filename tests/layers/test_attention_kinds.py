"""AdditiveAttention, Attention with score_mode="concat", and attention along some axes: against NumPy by hand."""

import copy

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

layers = gs.layers
ROWS, QUERIES, KEYS, SIZE = 3, 4, 6, 5


def data(outer=(), seed=0):
    """A query, a value and a key, with axes before that of the steps."""
    rng = np.random.default_rng(seed)
    shapes = (QUERIES, SIZE), (KEYS, 2), (KEYS, SIZE)
    return [rng.normal(size=(ROWS, *outer, *shape)) for shape in shapes]


def softmax(scores, seen):
    powers = np.where(seen, np.exp(scores - scores.max(-1, keepdims=True)), 0)
    return powers / powers.sum(-1, keepdims=True)


KINDS = {
    "additive": lambda **o: layers.AdditiveAttention(**o),
    "additive, not scaled": lambda **o: layers.AdditiveAttention(use_scale=False, **o),
    "concat": lambda **o: layers.Attention(score_mode="concat", **o),
    "concat, scaled": lambda **o: layers.Attention(True, "concat", **o),
    "dot": lambda **o: layers.Attention(**o),
    "dot, scaled": lambda **o: layers.Attention(use_scale=True, **o),
}


def scores_of(kind, query, key, w):
    """Scores of queries (..., t, n) and keys (..., s, n), by the weights of a layer."""
    if kind.startswith("dot"):
        return np.einsum("...td,...sd->...ts", query, key) * (w[0] if w else 1)
    sums = query[..., :, None, :] + key[..., None, :, :]
    if kind.startswith("additive"):
        return (np.tanh(sums) * (w[0] if w else 1)).sum(-1)
    return w[-1] * np.tanh((w[0] if len(w) > 1 else 1) * sums).sum(-1)


def built(kind, outer=(), **options):
    """A layer of a kind, with weights that are not 1."""
    layer = KINDS[kind](dtype="float64", **options)
    layer(data(outer))
    rng = np.random.default_rng(8)
    layer.set_weights([rng.uniform(0.3, 1.5, size=weight.shape) for weight in layer.get_weights()])
    return layer


def masked(outer):
    """Masks of the query and of the value, of which each row sees some key up to each step."""
    rng = np.random.default_rng(3)
    queries, keys = rng.random((ROWS, *outer, QUERIES)) < 0.6, rng.random((ROWS, *outer, KEYS)) < 0.6
    keys[..., 0] = True
    return [queries, keys]


@pytest.mark.parametrize("outer", [(), (2, 3)])
@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_those_by_hand(kind, causal, masks, outer):
    query, value, key = data(outer)
    layer, mask = built(kind, outer), masked(outer) if masks else None
    seen = np.tri(QUERIES, KEYS) > 0 if causal else np.ones((QUERIES, KEYS), bool)
    if masks:
        seen = seen & mask[1][..., None, :]
    weights = softmax(scores_of(kind, query, key, layer.get_weights()), seen)
    wanted = weights @ value
    if masks:
        wanted = np.where(mask[0][..., None], wanted, 0)
    y, scores = layer([query, value, key], mask=mask, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_allclose(y, wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(scores, weights, rtol=1e-10, atol=1e-12)


def check_slopes(arrays, slopes, loss):
    """The gradients of a loss by some numbers of arrays, beside central differences."""
    rng = np.random.default_rng(6)
    for array, slope in zip(arrays, slopes, strict=True):
        assert slope.shape == array.shape
        for _ in range(4):
            at = tuple(rng.integers(n) for n in array.shape)
            kept, found = np.array(array[at]), []
            for step in (1e-6, -1e-6):
                array[at] = kept + step
                found.append(loss())
            array[at] = kept
            np.testing.assert_allclose(slope[at], (found[0] - found[1]) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"dropout": 0.4, "seed": 5}])
@pytest.mark.parametrize("outer", [(), (2,)])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_central_differences(kind, outer, options):
    query, value, key = data(outer)
    layer, mask = built(kind, outer, **options), masked(outer)
    fresh, call = copy.deepcopy(layer), {"mask": mask, "use_causal_mask": True, "training": True}
    dy = np.random.default_rng(5).normal(size=(ROWS, *outer, QUERIES, 2))

    def loss():
        again = copy.deepcopy(fresh)  # for the same draws
        again.set_weights(layer.get_weights())
        return (again([query, value, key], **call) * dy).sum()

    layer([query, value, key], **call)
    dxs, dws = layer.backward(dy)
    check_slopes([query, value, key, *layer.weights], [*dxs, *dws], loss)


# -- MultiHeadAttention along some axes ------------------------------------------------------------------------------


def axes_data():
    """A query and a value of two axes of steps."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(ROWS, 2, QUERIES, 3)), rng.normal(size=(ROWS, 2, QUERIES, 5))


def attended(axes, dropout=0.0):
    layer = layers.MultiHeadAttention(2, 3, attention_axes=axes, dropout=dropout, seed=4, dtype="float64")
    layer(*axes_data())
    rng = np.random.default_rng(7)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("axes", [1, 2, -2, (1, 2), (2, 1), None])
def test_each_place_of_other_axes_has_its_own_attention(axes, causal):
    query, value = axes_data()
    layer, flat = attended(axes), layers.MultiHeadAttention(2, 3, dtype="float64")
    of_rows = {1: 1, 2: 2, -2: 2}.get(axes)

    def split(x):
        """Rows of steps, one for each place of the axis that is not attended along."""
        if of_rows is None:
            x = x.transpose(0, 2, 1, 3) if axes == (2, 1) else x
            return x.reshape(ROWS, 1, -1, x.shape[-1])
        return np.moveaxis(x, of_rows, 2)

    q, v = split(query), split(value)
    flat(q[:, 0], v[:, 0])
    flat.set_weights(layer.get_weights())
    wanted = [flat(q[:, i], v[:, i], use_causal_mask=causal, return_attention_scores=True) for i in range(q.shape[1])]
    outputs, weights = (np.stack(each, 1) for each in zip(*wanted, strict=True))
    y = layer(query, value, use_causal_mask=causal)
    np.testing.assert_allclose(split(y), outputs, rtol=1e-10, atol=1e-12)
    y, scores = layer(query, value, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_allclose(split(y), outputs, rtol=1e-10, atol=1e-12)
    inner = {1: (2,), 2: (QUERIES,), -2: (QUERIES,), (2, 1): (QUERIES, 2)}.get(axes, (2, QUERIES))
    outer = {1: (QUERIES,), 2: (2,), -2: (2,)}.get(axes, ())
    assert scores.shape == (ROWS, *outer, 2, *inner, *inner)
    np.testing.assert_allclose(scores.reshape(weights.shape), weights, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2, (2, 1)])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_along_axes(axes, dropout):
    query, value = axes_data()
    layer, rng = attended(axes, dropout), np.random.default_rng(6)
    call = {"query_mask": rng.random(query.shape[:-1]) < 0.7, "value_mask": rng.random(value.shape[:-1]) < 0.7}
    dy, fresh = rng.normal(size=query.shape), copy.deepcopy(layer)

    def loss():
        again = copy.deepcopy(fresh)
        again.set_weights(layer.get_weights())
        return (again(query, value, training=True, **call) * dy).sum()

    layer(query, value, training=True, **call)
    dxs, dws = layer.backward(dy)
    check_slopes([query, value, *layer.weights], [*dxs, *dws], loss)


@pytest.mark.parametrize("axes", [1, 2])
def test_masks_of_both_are_of_the_attended_steps(axes):
    query, value = axes_data()
    layer = attended(axes)
    inner, outer = (query.shape[axes], query.shape[3 - axes])
    rng = np.random.default_rng(2)
    of_all, of_each = rng.random((ROWS, inner, inner)) < 0.6, rng.random((ROWS, outer, inner, inner)) < 0.6
    of_all[..., 0] = of_each[..., 0] = True
    shared, own = layer(query, value, attention_mask=of_all), layer(query, value, attention_mask=of_each)
    for i in range(outer):
        at = (slice(None), i) if axes == 2 else (slice(None), slice(None), i)
        alone = layers.MultiHeadAttention(2, 3, dtype="float64")
        alone(query[at], value[at])
        alone.set_weights(layer.get_weights())
        np.testing.assert_allclose(shared[at], alone(query[at], value[at], attention_mask=of_all), rtol=1e-10)
        np.testing.assert_allclose(own[at], alone(query[at], value[at], attention_mask=of_each[:, i]), rtol=1e-10)


# -- models ----------------------------------------------------------------------------------------------------------


IN_IMAGES = pytest.mark.filterwarnings("ignore:.*a Reshape, does not support masking")


def model():
    """All kinds, on masked ids and along axes."""
    ids = gs.Input((12,), dtype="int32")
    h = layers.Embedding(20, 8, mask_zero=True)(ids)
    added = layers.AdditiveAttention(dropout=0.2, seed=1)([h, h], use_causal_mask=True)
    joined = layers.Attention(True, "concat", dropout=0.2, seed=2)([h, added])
    square = layers.Reshape((3, 4, 8))(joined)
    for axes in (1, 2, (1, 2)):
        square = square + layers.MultiHeadAttention(2, 4, attention_axes=axes, dropout=0.1, seed=3)(square, square)
    made = gs.Model(ids, layers.Dense(1)(layers.Flatten()(square)))
    made.compile("adam", "mse")
    return made


@IN_IMAGES
def test_the_same_bits_at_any_number_of_threads():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 20, (70, 12)), rng.normal(size=(70, 1)).astype("float32")
    start = model().get_weights()

    def trained():
        again = model()
        again.set_weights(start)
        history = again.fit(x, y, epochs=2, batch_size=33, shuffle=False, verbose=0).history
        return again.get_weights(), history

    same_at_any_number_of_threads(trained, (1, 2, 3, 8, 16))


@IN_IMAGES
def test_files_keep_all_kinds(tmp_path):
    rng = np.random.default_rng(2)
    x, made = rng.integers(0, 20, (7, 12)), model()
    made.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), made.predict(x, verbose=0))
    assert loaded.get_config() == made.get_config()


def test_names_and_shapes_of_weights():
    query, value, key = data()
    for kind, names in [
        ("additive", {"scale": (SIZE,)}),
        ("additive, not scaled", {}),
        ("concat", {"concat_score_weight": ()}),
        ("concat, scaled", {"scale": (), "concat_score_weight": ()}),
    ]:
        layer = KINDS[kind]()
        layer([query, value, key])
        found = dict(zip(layer.weight_names, layer.weights, strict=True))
        assert {name: weight.shape for name, weight in found.items()} == names
        for name, weight in found.items():
            assert getattr(layer, name) is weight


def test_what_is_refused():
    query, value, key = data()
    with pytest.raises(ValueError, match="score_mode must be"):
        layers.Attention(score_mode="sum")
    with pytest.raises(ValueError, match="in training with dropout"):
        layers.AdditiveAttention(dropout=0.5)([query, value, key], training=True, return_attention_scores=True)
    with pytest.raises(ValueError, match="the same axes before that of the steps"):
        layers.AdditiveAttention()([query[:, None], value[:, None].repeat(2, 1), key[:, None].repeat(2, 1)])
    x = np.zeros((2, 3, 4, 8))
    for axes in (0, 3, -1, (1, 1), (1, -3)):
        with pytest.raises(ValueError, match=r"attention_axes of layer .* must be different axes"):
            layers.MultiHeadAttention(2, 3, attention_axes=axes)(x, x)
    with pytest.raises(ValueError, match="differ in attention_axes"):
        layers.MultiHeadAttention(2, 3, attention_axes=2)(x, x[:, :2])
    for axes in ("1", True, 1.5):
        with pytest.raises(TypeError, match="attention_axes must be an int"):
            layers.MultiHeadAttention(2, 3, attention_axes=axes)
    with pytest.raises(ValueError, match="must name an axis"):
        layers.MultiHeadAttention(2, 3, attention_axes=())
