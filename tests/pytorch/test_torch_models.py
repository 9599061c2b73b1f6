"""Models from modules of PyTorch and back, with equal outputs."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest

pytestmark = pytest.mark.peers

torch = pytest.importorskip("torch")
nn = torch.nn
F = nn.functional

# Modules, and the shape of a row.
MODULES = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Softmax(-1)), (6,)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
            nn.Flatten(),
            nn.Linear(6 * 2 * 3, 5),
        ),
        (3, 8, 10),
    ),
    "steps": (
        lambda: nn.Sequential(
            nn.Conv1d(4, 6, 3, dilation=2, padding="same"),
            nn.BatchNorm1d(6),
            nn.AvgPool1d(2, padding=1),
            nn.ConvTranspose1d(6, 5, 3, stride=2, padding=1, output_padding=1),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
        ),
        (4, 9),
    ),
    "images_transposed": (lambda: nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), (2, 4, 5)),
    "video": (lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.MaxPool3d(2), nn.AdaptiveMaxPool3d(1)), (2, 5, 6, 4)),
    "normalized": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.BatchNorm1d(8), nn.PReLU()),
        (5,)[:0] or (6,),
    ),
    "groups": (lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.PReLU(4), nn.Dropout2d(0.5)), (4, 3, 5)),
    "tokens": (lambda: nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(28, 2)), (7,)),
    "lstm": (lambda: nn.LSTM(4, 3, num_layers=2, batch_first=True, bidirectional=True), (5, 4)),
    "gru": (lambda: nn.GRU(4, 3, batch_first=True), (5, 4)),
    "rnn": (lambda: nn.RNN(4, 3, nonlinearity="relu", bias=False, batch_first=True), (5, 4)),
    "activations": (
        lambda: nn.Sequential(
            nn.LeakyReLU(0.1),
            nn.ELU(0.7),
            nn.SELU(),
            nn.GELU(),
            nn.GELU("tanh"),
            nn.SiLU(),
            nn.Mish(),
            nn.Hardtanh(),
            nn.Hardsigmoid(),
            nn.Hardswish(),
            nn.ReLU6(),
            nn.Softplus(),
            nn.Softsign(),
            nn.Tanh(),
            nn.LogSigmoid(),
            nn.Tanhshrink(),
            nn.Sigmoid(),
            nn.Identity(),
            nn.LogSoftmax(-1),
        ),
        (6,),
    ),
    "float64": (lambda: nn.Sequential(nn.Linear(6, 2), nn.Tanh()).double(), (6,)),
}


class Net(nn.Module):
    """As tutorials write networks: functions between modules."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.fc1, self.fc2 = nn.Linear(6 * 4 * 4, 10), nn.Linear(10, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        x = F.dropout(x, 0.5, training=self.training)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(torch.tanh(self.fc1(x))), dim=1)


class Residual(nn.Module):
    """Branches, a shared module, arithmetic and a recurrent module's last step."""

    def __init__(self):
        super().__init__()
        self.lstm, self.same = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 6)

    def forward(self, x):
        h, _ = self.lstm(x)
        last = h[:, -1]
        one = self.same(torch.relu(self.same(last))) + last
        return torch.cat([one * 2 - 1, -last, h.mean(1)], dim=1)


class Block(nn.Module):
    """A block of a transformer."""

    def __init__(self, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)
        self.one, self.other = nn.LayerNorm(8), nn.LayerNorm(8)
        self.dense = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        h = self.one(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.dense(self.other(x))


class Convolved(nn.Module):
    """A residual block of a ResNet."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.Conv2d(6, 6, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
        self.shortcut = nn.Sequential(nn.Conv2d(3, 6, 1, 2, bias=False), nn.BatchNorm2d(6))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))
        return self.head(torch.flatten(F.adaptive_avg_pool2d(y, 1), 1))


MODULES |= {"net": (Net, (1, 14, 14)), "residual": (Residual, (5, 4)), "resnet_block": (Convolved, (3, 8, 8))}
MODULES |= {"transformer_block": (Block, (5, 8)), "attention_without_bias": (lambda: Block(bias=False), (5, 8))}


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


@pytest.mark.parametrize(
    "name",
    [name for name in MODULES if name not in ("lstm", "residual", "transformer_block", "attention_without_bias")],
)
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


REFUSED = [
    (lambda: nn.Sequential(nn.Linear(3, 3), nn.Bilinear(3, 3, 2)), "module '1', a Bilinear, has no layer here"),
    (lambda: nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d must have ceil_mode=False to become a layer here"),
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
    x = gs.Input((4, 3))
    both = gs.Model(x, gs.layers.MultiHeadAttention(2, 3, name="heads")(x, x))
    with pytest.raises(ValueError, match="layer 'heads', a MultiHeadAttention, must have a counterpart"):
        gs.models.to_torch(both)
    model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(3, "sparsemax", name="odd")])
    with pytest.raises(
        ValueError, match="layer 'odd', a Dense, must have an activation that PyTorch has, not 'sparsemax'"
    ):
        gs.models.to_torch(model)
