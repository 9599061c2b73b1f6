"""Attention: against einsum by hand, with every mask; gradients; threads; files."""

import copy

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

layers = gs.layers
ROWS, QUERIES, KEYS = 5, 4, 6
MASKS = {
    "none": {},
    "causal": {"use_causal_mask": True},
    "queries": {"query_mask": (ROWS, QUERIES)},
    "keys": {"value_mask": (ROWS, KEYS)},
    "each": {"attention_mask": (ROWS, QUERIES, KEYS)},
    "shared": {"attention_mask": (QUERIES, KEYS)},
    "all": {
        "query_mask": (ROWS, QUERIES),
        "value_mask": (ROWS, KEYS),
        "key_mask": (ROWS, KEYS),
        "attention_mask": (ROWS, QUERIES, KEYS),
        "use_causal_mask": True,
    },
}


def masks_of(kind, seed=4):
    """Masks of a kind, of which the first row has none that counts and the second only ones."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in MASKS[kind].items():
        if shape is True:
            found[name] = True
            continue
        mask = rng.random(shape) < 0.6
        if len(shape) > 2 or shape[0] == ROWS:
            mask[0], mask[1] = False, True
        found[name] = mask
    return found


def data(seed=0):
    """A query, a value and a key."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, QUERIES, 3)), rng.normal(size=(ROWS, KEYS, 5)), rng.normal(size=(ROWS, KEYS, 2))


def seen_by(masks):
    """Which keys each query sees."""
    seen = np.ones((ROWS, QUERIES, KEYS), bool)
    if masks.get("use_causal_mask"):
        seen &= np.tri(QUERIES, KEYS) > 0
    if "query_mask" in masks:
        seen &= masks["query_mask"][:, :, None]
    for name in ("value_mask", "key_mask"):
        if name in masks:
            seen &= masks[name][:, None]
    return seen & masks.get("attention_mask", True)


def weighted(scores, seen, zeroes=False):
    """The softmax over the keys that are seen; of a query that sees none the mean of all."""
    scores = np.where(seen, scores, -np.inf)
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        weights = powers / powers.sum(-1, keepdims=True)
    none = ~seen.any(-1, keepdims=True)
    return np.where(none, 0 if zeroes else 1 / KEYS, weights)


def by_hand(layer, query, value, key, masks, zeroes=False):
    """What multi-head attention gives, and its weights."""
    w = dict(zip(layer.weight_names, layer.get_weights(), strict=True))

    def projected(x, part):
        return np.einsum("btn,nhd->bthd", x, w[f"{part}_kernel"]) + w[f"{part}_bias"]

    q, k, v = projected(query, "query"), projected(key, "key"), projected(value, "value")
    scores = np.einsum("bthd,bshd->bhts", q, k) / np.sqrt(layer.key_dim)
    weights = weighted(scores, np.broadcast_to(seen_by(masks)[:, None], scores.shape), zeroes)
    heads = np.einsum("bhts,bshd->bthd", weights, v)
    last = w["attention_output_kernel"]
    y = np.tensordot(heads, last, 2) + w["attention_output_bias"]
    return y, weights


def built(**options):
    """A layer with weights of which none is 0."""
    layer = layers.MultiHeadAttention(2, 3, dtype="float64", **{"value_dim": 4, **options})
    layer(*data())
    rng = np.random.default_rng(7)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.mark.parametrize("kind", MASKS)
def test_outputs_and_scores(kind):
    query, value, key = data()
    layer, masks = built(), masks_of(kind)
    y, weights = by_hand(layer, query, value, key, masks)
    np.testing.assert_allclose(layer(query, value, key, **masks), y, rtol=1e-10, atol=1e-12)
    outputs, scores = layer(query, value, key, return_attention_scores=True, **masks)
    seen = seen_by(masks)[:, None]
    np.testing.assert_allclose(scores, np.where(seen, weights, 0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        outputs, by_hand(layer, query, value, key, masks, zeroes=True)[0], rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_gradients_are_central_differences(kind, dropout):
    query, value, key = data()
    layer, masks = built(dropout=dropout, seed=3), masks_of(kind)
    dy = np.random.default_rng(5).normal(size=(ROWS, QUERIES, 3))

    fresh = copy.deepcopy(layer)

    def loss():
        again = copy.deepcopy(fresh)  # for the same draws
        again.set_weights(layer.get_weights())
        return (again(query, value, key, training=True, **masks) * dy).sum()

    layer(query, value, key, training=True, **masks)
    dxs, dws = layer.backward(dy)
    assert len(dxs) == 3
    rng = np.random.default_rng(6)
    for array, slope in zip([query, value, key, *layer.weights], [*dxs, *dws], strict=True):
        assert slope.shape == array.shape
        for _ in range(6):
            at = tuple(rng.integers(n) for n in array.shape)
            kept, found = array[at], []
            for step in (1e-6, -1e-6):
                array[at] = kept + step
                found.append(loss())
            array[at] = kept
            np.testing.assert_allclose(slope[at], (found[0] - found[1]) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["none", "causal", "keys"])
@pytest.mark.parametrize("use_scale", [False, True])
def test_attention_of_inputs_as_they_are(kind, use_scale):
    query, value, _ = data()
    key = np.random.default_rng(9).normal(size=(ROWS, KEYS, 3))
    layer, masks = layers.Attention(use_scale, dtype="float64"), masks_of(kind)
    given = {"use_causal_mask": True} if kind == "causal" else {}
    if kind == "keys":
        queried = np.arange(QUERIES) < np.arange(1, ROWS + 1)[:, None]
        given["mask"] = [queried, masks["value_mask"]]
    layer([query, value, key])
    if use_scale:
        layer.set_weights([np.array(0.7)])
    weights = weighted((0.7 if use_scale else 1) * np.einsum("btd,bsd->bts", query, key), seen_by(masks))
    wanted = np.einsum("bts,bsd->btd", weights, value)
    if kind == "keys":
        wanted = np.where(queried[..., None], wanted, 0)
    np.testing.assert_allclose(layer([query, value, key], **given), wanted, rtol=1e-10, atol=1e-12)
    dy = np.random.default_rng(5).normal(size=wanted.shape)

    def loss():
        return (layer([query, value, key], training=True, **given) * dy).sum()

    loss()
    dxs, dws = layer.backward(dy)
    for array, slope in zip([query, value, key, *layer.weights], [*dxs, *dws], strict=True):
        for at in [tuple(n // 2 for n in array.shape), tuple(n - 1 for n in array.shape)]:
            kept, found = np.array(array[at]), []
            for step in (1e-6, -1e-6):
                array[at] = kept + step
                found.append(loss())
            array[at] = kept
            np.testing.assert_allclose(slope[at], (found[0] - found[1]) / 2e-6, rtol=1e-6, atol=1e-7)


def test_padded_keys_never_matter():
    query, value, key = data()
    layer, masks = built(), masks_of("keys")
    masks["value_mask"][0] = True
    y = layer(query, value, key, **masks)
    value[~masks["value_mask"]] = 1e3
    key[~masks["value_mask"]] = -1e3
    np.testing.assert_array_equal(layer(query, value, key, **masks), y)


def test_keys_may_come_in_any_order():
    query, value, key = data()
    layer, order = built(), np.random.default_rng(0).permutation(KEYS)
    np.testing.assert_allclose(layer(query, value[:, order], key[:, order]), layer(query, value, key), rtol=1e-10)


def test_one_step_is_a_product():
    query, value, key = (array[:, :1] for array in data())
    layer = layers.MultiHeadAttention(2, 3, dtype="float64")
    y = layer(query, value, key)
    w = layer.get_weights()
    heads = np.einsum("btn,nhd->bthd", value, w[4]) + w[5]
    np.testing.assert_allclose(y, np.tensordot(heads, w[6], 2) + w[7], rtol=1e-10)


def test_shapes_and_settings():
    x = np.zeros((3, 2, 4, 8))
    layer = layers.MultiHeadAttention(2, 3, output_shape=(5, 2), use_bias=False)
    assert layer(x, x).shape == (3, 2, 4, 5, 2)
    assert [weight.shape for weight in layer.get_weights()] == [(8, 2, 3), (8, 2, 3), (8, 2, 3), (2, 3, 5, 2)]
    again = layers.MultiHeadAttention.from_config(layer.get_config())
    assert again(x, x).shape == (3, 2, 4, 5, 2)
    assert again.get_config() == layer.get_config()


def block(dropout=0.1):
    """A small transformer: masked ids, causal attention, two heads of the model."""
    inputs = gs.Input((12,), dtype="int32")
    h = layers.Embedding(20, 8, mask_zero=True)(inputs)
    attended = layers.MultiHeadAttention(2, 4, dropout=dropout, seed=5)(h, h, use_causal_mask=True)
    h = layers.LayerNormalization()(layers.Add()([h, attended]))
    pooled = layers.GlobalAveragePooling1D()(layers.Attention(use_scale=True)([h, h]))
    model = gs.Model(inputs, [layers.Dense(20, name="next")(h), layers.Dense(1, name="sum")(pooled)])
    loss = [gs.losses.SparseCategoricalCrossentropy(from_logits=True), "mse"]
    model.compile("adam", loss=loss, metrics=[["accuracy"], []])
    return model


def block_data(rows=96):
    """Ids, padded at the end; the ids after them; and a number."""
    rng = np.random.default_rng(2)
    ids = rng.integers(1, 20, (rows, 13))
    for row, length in zip(ids, rng.integers(3, 13, rows), strict=True):
        row[length:] = 0
    return ids[:, :-1], [ids[:, 1:], rng.normal(size=(rows, 1)).astype("float32")]


def test_the_same_bits_at_any_number_of_threads():
    x, y = block_data()
    start = block().get_weights()

    def trained():
        model = block()
        model.set_weights(start)
        history = model.fit(x, y, epochs=2, batch_size=33, shuffle=False, verbose=0).history
        return model.get_weights(), history

    same_at_any_number_of_threads(trained)


def test_it_learns_and_files_keep_it(tmp_path):
    x, y = block_data()
    model = block()
    history = model.fit(x, y, epochs=4, batch_size=32, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    again = gs.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for one, two in zip(again.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_comes_after_is_not_seen():
    x, _ = block_data(4)
    model = block()
    before = model.predict(x, verbose=0)[0]
    x[:, 6] = np.where(x[:, 6] > 0, x[:, 6] % 19 + 1, 0)
    after = model.predict(x, verbose=0)[0]
    np.testing.assert_array_equal(after[:, :6], before[:, :6])
    assert (after[:, 6] != before[:, 6]).any()


def test_a_mask_that_is_an_input():
    query, mask = gs.Input((4, 8)), gs.Input((4, 4))
    layer = layers.MultiHeadAttention(2, 3)
    model = gs.Model([query, mask], layer(query, query, attention_mask=mask))
    x = np.random.default_rng(0).normal(size=(3, 4, 8)).astype("float32")
    seen = np.random.default_rng(1).random((3, 4, 4)) < 0.7
    np.testing.assert_array_equal(model.predict([x, seen], verbose=0), layer(x, x, attention_mask=seen))


def test_what_is_refused():
    query, value, key = data()
    layer = built()
    with pytest.raises(ValueError, match=r"value_mask of layer .* must have shape \(5, 6\)"):
        layer(query, value, key, value_mask=np.ones((5, 5)))
    with pytest.raises(ValueError, match="a value and a key with as many steps"):
        layers.MultiHeadAttention(2, 3)(query, value, key[:, 1:])
    with pytest.raises(TypeError, match="must be called on a query and a value"):
        layers.MultiHeadAttention(2, 3)(query)
    with pytest.raises(ValueError, match="the same last axis"):
        layers.Attention()([query, value])
    with pytest.raises(TypeError, match=r"must get a list \[query, value\]"):
        layers.Attention()(query)
    with pytest.raises(ValueError, match="dropout must be in"):
        layers.Attention(dropout=1.5)
