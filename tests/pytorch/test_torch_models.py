"""Models from modules of PyTorch and back, with equal outputs."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

pytestmark = pytest.mark.peers

torch = pytest.importorskip("torch")
nn = torch.nn

from torch_modules import MODULES, Block, Net  # noqa: E402


def made(name, seed=0):
    """A module with drawn weights and moved statistics, and data."""
    torch.manual_seed(seed)
    make, row = MODULES[name]
    module = make().eval()
    for one in module.modules():
        if getattr(one, "running_mean", None) is not None:
            one.running_mean.normal_()
            one.running_var.uniform_(0.5, 2.0)
            nn.init.normal_(one.weight)
    x = torch.randn(5, *row, dtype=next(iter(module.parameters()), torch.zeros(1)).dtype)
    return module, torch.randint(0, 11, (5, *row)) if name == "tokens" else x


def output(module, x):
    with torch.no_grad():
        found = module(x)
    return (found[0] if isinstance(found, tuple) else found).numpy()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_comes_over_with_equal_outputs(name):
    module, x = made(name)
    model = gs.models.from_torch(module, MODULES[name][1], name="theirs")
    wanted = output(module, x)
    y = model.predict(x.numpy(), verbose=0)
    assert y.dtype == wanted.dtype
    np.testing.assert_allclose(y, wanted, rtol=0, atol=2e-6 * max(1, np.abs(wanted).max()))
    assert model.name == "theirs"


def test_a_row_of_modules_is_a_sequential_that_trains():
    gs.utils.set_random_seed(0)
    module, x = made("mlp")
    model = gs.models.from_torch(module)
    assert type(model) is gs.Sequential
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(x.numpy(), np.arange(5) % 3, epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_weights_keep_the_names_of_their_modules():
    model = gs.models.from_torch(Net(), (1, 14, 14))
    assert model.get_layer("fc1").kernel.shape == (96, 10)
    assert model.weight_names[0] == "conv1/kernel"


@pytest.mark.parametrize("name", MODULES)
def test_and_goes_back(name):
    module, x = made(name)
    model = gs.models.from_torch(module, MODULES[name][1])
    np.testing.assert_allclose(output(gs.models.to_torch(model), x), output(module, x), atol=2e-6)


def L():
    return gs.layers


OURS = {
    "images": lambda: gs.Sequential(
        [
            gs.Input((8, 9, 3)),
            L().Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            L().BatchNormalization(),
            L().MaxPooling2D(3, 2, "same"),
            L().DepthwiseConv2D(2),
            L().Flatten(),
            L().Dense(3, "softmax"),
        ]
    ),
    "steps": lambda: gs.Sequential(
        [
            gs.Input((7, 4)),
            L().Conv1D(6, 3, padding="causal"),
            L().LayerNormalization(),
            L().Bidirectional(L().GRU(3, return_sequences=True)),
            L().LSTM(5),
            L().Rescaling(0.5, 0.1),
            L().Reshape((5, 1)),
            L().Permute((2, 1)),
            L().ZeroPadding1D(1),
            L().GlobalMaxPooling1D(),
        ]
    ),
}


def branches():
    """A residual block, a shared layer, two inputs, a model in a model, merges, and two outputs."""
    x, z = gs.Input((6, 4), name="steps"), gs.Input((3,), name="rest")
    shared = L().Dense(4, "tanh")
    h = L().Add()([shared(shared(x)), x])
    h = L().Average()([h, L().Multiply()([h, x]), L().Maximum()([h, x])])
    inner = gs.Sequential([gs.Input((6, 4)), L().Conv1D(5, 3, padding="same"), L().GlobalMaxPooling1D()])
    pooled = L().Concatenate()([inner(h), z])
    scores = L().Dot(axes=(2, 2), normalize=True)([h, x])
    kind = L().Dense(2, "softmax", name="kind")(pooled)
    return gs.Model([x, z], [kind, L().Subtract(name="scores")([scores, 2 * scores[:, ::-1]])], name="both")


OURS |= {
    "branches": branches,
    "one_number": lambda: (lambda x: gs.Model(x, L().Dot(axes=1)([x, L().Dense(3)(x)])))(gs.Input((3,))),
    "shared_in_a_row": lambda: (lambda x, f: gs.Model(x, f(f(x))))(gs.Input((6,)), L().Dense(6, "tanh")),
    "transposed": lambda: gs.Sequential(
        [
            gs.Input((4, 5, 2)),
            L().Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu"),
            L().Conv2DTranspose(2, 4, strides=3),
            L().Conv2DTranspose(2, 2, strides=3, output_padding=2, padding="same"),
            L().SpatialDropout2D(0.5),
            L().GroupNormalization(2),
        ]
    ),
    "places": lambda: gs.Sequential(
        [
            gs.Input((4, 6, 2)),
            L().SeparableConv2D(4, 3, padding="same", depth_multiplier=2),
            L().UpSampling2D((2, 3)),
            L().Cropping2D(((1, 2), (0, 3))),
            L().Flatten(),
            L().RepeatVector(2),
        ]
    ),
}


def attending():
    """All layers of attention, of one value and of two."""
    x, z = gs.Input((4, 6), name="x"), gs.Input((5, 6), name="z")
    h = L().MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    h = L().MultiHeadAttention(2, 3, value_dim=4, output_shape=(2, 3), use_bias=False)(h, z)
    h = L().Reshape((4, 6))(h)
    h = L().Attention(use_scale=True)([h, z, z], use_causal_mask=True)
    h = L().Attention(score_mode="concat", use_scale=True)([h, z])
    return gs.Model([x, z], L().AdditiveAttention()([h, z]))


OURS |= {
    "attention": attending,
    "normalized": lambda: gs.Sequential(
        [
            gs.Input((4, 3)),
            L().Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 2.0]),
            L().GaussianNoise(0.5),
            L().RMSNormalization(),
            L().GaussianDropout(0.5),
            L().UnitNormalization(axis=1),
            L().AlphaDropout(0.5),
            L().ReLU(max_value=0.5),
            L().Dropout(0.5, noise_shape=(None, 1, None)),
        ]
    ),
    "each_step": lambda: gs.Sequential(
        [
            gs.Input((3, 4, 2)),
            L().TimeDistributed(L().Conv1D(3, 2, activation="tanh")),
            L().TimeDistributed(gs.Sequential([L().Flatten(), L().Dense(4)])),
            L().Bidirectional(L().LSTM(4, return_sequences=True), merge_mode="ave"),
            L().Bidirectional(L().GRU(4), merge_mode="mul"),
        ]
    ),
    "resized": lambda: gs.Sequential(
        [
            gs.Input((4, 6, 2)),
            L().Resizing(5, 9),
            L().UpSampling2D((2, 1), interpolation="bilinear"),
            L().Resizing(7, 4, "nearest"),
        ]
    ),
}


@pytest.mark.parametrize("name", OURS)
def test_models_become_modules_that_take_the_same_data(name):
    gs.utils.set_random_seed(3)
    model = OURS[name]()
    random = np.random.default_rng(0)
    data = [random.normal(size=(5, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    module = gs.models.to_torch(model)
    with torch.no_grad():
        made = module(*map(torch.from_numpy, data))
    wanted = model.predict(data if len(data) > 1 else data[0], verbose=0)
    pairs = zip(made, wanted, strict=True) if isinstance(wanted, list) else [(made, wanted)]
    for y, one in pairs:
        np.testing.assert_allclose(y.numpy(), one, atol=2e-6)
    assert sum(p.numel() for p in module.parameters()) >= sum(w.size for w in model.trainable_weights)


def test_branches_are_code_that_can_be_read_and_trained():
    module = gs.models.to_torch(branches())
    assert "def forward(self, steps, rest)" in module.code
    assert {name for name, _ in module.named_children()} >= {"dense", "kind"} or "kind" in module.code
    kind, _ = module.train()(torch.randn(4, 6, 4), torch.randn(4, 3))
    kind[:, 0].sum().backward()
    assert all(p.grad is not None for name, p in module.named_parameters())


class Code(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.work, self.linear = work, nn.Linear(3, 3)

    def forward(self, x):
        return self.work(self.linear(x))


class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return self.scale * x


REFUSED = [
    (lambda: nn.Sequential(nn.Linear(3, 3), nn.Bilinear(3, 3, 2)), "module '1', a Bilinear, has no layer here"),
    (
        lambda: nn.MaxPool2d(3, ceil_mode=True),
        "MaxPool2d must have ceil_mode=False, or windows that fill its input, to",
    ),
    (
        lambda: nn.MaxPool2d(2, padding=1),
        r"MaxPool2d must have a padding of 0 or \(size - 1\) / 2 to become a layer here",
    ),
    (lambda: Reads(), r"forward\(\) must use parameters in modules alone; it reads 'scale'"),
    (lambda: Code(lambda x: x.permute(1, 0, 2, 3)), "must keep the rows as the first axis"),
    (lambda: Block(add_zero_attn=True), "MultiheadAttention must have add_bias_kv=False and add_zero_attn=False"),
    (lambda: nn.LSTM(3, 2), "LSTM must have batch_first=True"),
    (lambda: Code(torch.erfinv), r"forward\(\) calls erfinv\(\), which has no layer here"),
    (lambda: Code(lambda x: x if x.sum() > 0 else -x), r"forward\(\) of Code cannot be traced by torch.fx"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_has_no_counterpart_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        gs.models.from_torch(make(), (3, 4, 4))


def test_what_else_is_refused():
    with pytest.raises(TypeError, match=r"module must be a torch.nn.Module; got an int"):
        gs.models.from_torch(3)
    with pytest.raises(ValueError, match=r"input_shape must be given, the shape of a row: \(3, 32, 32\)"):
        gs.models.from_torch(nn.Conv2d(3, 4, 3))
    x = gs.Input((4, 5, 3))
    both = gs.Model(x, gs.layers.MultiHeadAttention(2, 3, attention_axes=1, name="heads")(x, x))
    with pytest.raises(ValueError, match="layer 'heads', a MultiHeadAttention, must attend along all axes of steps"):
        gs.models.to_torch(both)
    model = gs.Sequential([gs.Input((2, 4, 5, 3)), gs.layers.ConvLSTM2D(2, 3, name="frames")])
    with pytest.raises(ValueError, match="layer 'frames', a ConvLSTM2D, must have a counterpart"):
        gs.models.to_torch(model)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(3, "sparsemax", name="odd")])
    with pytest.raises(
        ValueError, match="layer 'odd', a Dense, must have an activation that PyTorch has, not 'sparsemax'"
    ):
        gs.models.to_torch(model)
