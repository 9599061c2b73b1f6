"""Models on a GPU, in a build whose launches are loops on the CPU: they train, score and predict as on the CPU."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gpu import host_build
from gradstep import _core, layers
from loss_cases import CASES
from variants import OPTIMIZERS

pytestmark = pytest.mark.whole

ON_GPU = [name for name, make in OPTIMIZERS.items() if not _core.rules()[make()._core.rule]["matrices"]]
WHOLE = {"dice", "tversky", "circle", "hinge", "squared_hinge"}  # losses of a whole batch
# Products and sums of bias gradients are made in another order, in the type that is computed in; steps multiply what
# that makes, most where a rule divides by the root of small numbers.
CLOSE = {"float32": 2e-4, "float64": 1e-10}


@pytest.fixture
def cuda() -> Iterator[None]:
    yield
    gs.config.set_device("cpu")
    gs.config.set_floatx("float32")


def dense(activation: Any = "tanh", outputs: int = 3, last: Any = None) -> gs.Sequential:
    return gs.Sequential([layers.Dense(7, activation=activation), layers.Dense(outputs, activation=last)])


def data(rows: int = 53, n: int = 5, outputs: int = 3, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return random.normal(size=(rows, n)).astype(dtype), random.normal(size=(rows, outputs)).astype(dtype)


def trained(device: str, make: Any, x: Any, y: Any, compiled: dict[str, Any], **fit: Any) -> Any:
    """History, scores, outputs, weights and state after some epochs."""
    gs.utils.set_random_seed(5)
    gs.config.set_device(device)
    model = make()
    model.compile(**{key: value() if callable(value) and key != "loss" else value for key, value in compiled.items()})
    history = model.fit(x, y, **({"batch_size": 16, "epochs": 3, "verbose": 0} | fit)).history
    scores = model.evaluate(x, y, batch_size=20, verbose=0)
    outputs = model.predict(x, batch_size=19, verbose=0)
    state = model.optimizer.state_dict()
    gs.config.set_device("cpu")
    return history, np.atleast_1d(scores), outputs, model.get_weights(), state


def assert_alike(make: Any, x: Any, y: Any, close: float | None = None, **given: Any) -> None:
    """What was computed on the GPU is what is computed on the CPU, up to rounding."""
    fit = {
        key: given.pop(key) for key in list(given) if key not in {"optimizer", "loss", "metrics", "weighted_metrics"}
    }
    compiled = {"optimizer": functools.partial(gs.optimizers.SGD, 0.1), "loss": "mse"} | given
    here, there = (trained(device, make, x, y, compiled, **fit) for device in ("cpu", "cuda"))
    tolerance = close or CLOSE[gs.config.floatx()]
    assert here[0].keys() == there[0].keys()
    assert here[4].keys() == there[4].keys()
    pairs = [(there[0][key], here[0][key]) for key in here[0]] + [(there[1], here[1]), (there[2], here[2])]
    pairs += [*zip(there[3], here[3], strict=True), *((there[4][key], here[4][key]) for key in here[4])]
    for one, other in pairs:
        one, other = np.asarray(one, float), np.asarray(other, float)
        scale = max(1.0, float(np.abs(other).max(initial=0)))
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)


@host_build
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("name", [one["name"] if isinstance(one, dict) else one for one in _core.activations()])
def test_activations(name: str, floatx: str, cuda: None) -> None:
    """Inside and at the end of a network, in one layer with Dense and by themselves."""
    gs.config.set_floatx(floatx)
    x, y = data(dtype=floatx)
    small = functools.partial(gs.optimizers.SGD, 0.01)
    own = {
        "rectifier": functools.partial(gs.activations.relu, negative_slope=0.1, max_value=1.5, threshold=0.2),
        "threshold": functools.partial(gs.activations.threshold, threshold=0.2, default_value=-0.3),
        "gelu_tanh": functools.partial(gs.activations.gelu, approximate=True),
    }
    f = own.get(name, name)
    assert_alike(lambda: dense(f, last=f), x, y, optimizer=small)
    assert_alike(lambda: gs.Sequential([layers.Dense(4), layers.Activation(f), layers.Dense(3)]), x, y, optimizer=small)


@host_build
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("case", [case for case in CASES if case.kind not in WHOLE], ids=str)
def test_losses(case: Any, reduction: str, cuda: None) -> None:
    """With sample weights, some of them 0, and a last batch that is shorter."""
    gs.config.set_floatx("float64")
    random = np.random.default_rng(1)
    x, y = data()[0], case.targets(53, 4, random)
    if not case.labels:
        y = y.astype("float64")
    weights = random.uniform(0, 2, 53) * (random.random(53) > 0.2)
    last = None if case.from_logits or case.predictions(2, 4, random).min() < 0 else "sigmoid"
    if last and "categorical" in case.kind:
        last = "softmax"
    loss = case.make(reduction=reduction)
    for given in (weights, None):
        assert_alike(lambda: dense(outputs=4, last=last), x, y, loss=loss, sample_weight=given, validation_split=0.2)


@host_build
@pytest.mark.parametrize("name", ON_GPU)
def test_optimizers(name: str, cuda: None) -> None:
    gs.config.set_floatx("float64")
    # A rule that divides by what begins at 0 multiplies the rounding of its first gradients.
    assert_alike(dense, *data(), optimizer=OPTIMIZERS[name], close=1e-7)


OPTIONS = {
    "clipnorm": {"clipnorm": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.01},
    "accumulation": {"gradient_accumulation_steps": 3},
    "average": {"use_ema": True, "ema_overwrite_frequency": 3},
    "decay": {"weight_decay": 0.1},
    "schedule": {"learning_rate": gs.optimizers.schedules.ExponentialDecay(0.1, 2, 0.7)},
    "half state": {"state_dtype": "bfloat16"},
    "torch": {"dialect": "torch"},
}


@host_build
@pytest.mark.parametrize("options", OPTIONS)
def test_options_of_optimizers(options: str, cuda: None) -> None:
    # A number of the state that differs by a rounding may be put away as the next one of bfloat16.
    close = 2e-2 if options == "half state" else CLOSE["float32"]
    make = functools.partial(gs.optimizers.Adam, **{"learning_rate": 0.01} | OPTIONS[options])
    assert_alike(dense, *data(dtype="float32"), optimizer=make, close=close)


def deep() -> gs.Sequential:
    frozen = layers.Dense(6, use_bias=False)
    frozen.trainable = False
    first = [layers.Rescaling(0.5, 0.1), layers.Dropout(0.3, seed=1), layers.Dense(8, activation="gelu"), frozen]
    second = [layers.Dropout(0.2, seed=2), layers.Activation("silu"), layers.Rescaling(2.0), layers.Dense(3)]
    return gs.Sequential([*first, *second])


def of_rows() -> gs.Sequential:
    """Dense along the last axis of samples that are matrices."""
    inner = [layers.Reshape((2, 3)), layers.Dense(4, activation="softmax"), layers.Dropout(0.1, seed=1)]
    return gs.Sequential([*inner, layers.Flatten(), layers.Dense(3)])


@host_build
@pytest.mark.parametrize("make", [deep, of_rows, lambda: gs.Sequential([layers.Dense(3)])])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32", "int64"])
def test_layers_and_inputs(make: Any, dtype: str, cuda: None) -> None:
    random = np.random.default_rng(3)
    x = random.integers(0, 5, (53, 6)).astype(dtype) if "int" in dtype else random.normal(size=(53, 6)).astype(dtype)
    assert_alike(make, x, data()[1])
    assert_alike(make, x, data()[1], batch_size=64, shuffle=False)


@host_build
@pytest.mark.parametrize("wanted", [["accuracy"], ["accuracy", "mse"], ["auc"], ["accuracy", "auc"]])
def test_metrics(wanted: list[Any], cuda: None) -> None:
    """Those that the engine measures, and those for which outputs come back at every batch."""
    gs.config.set_floatx("float64")
    y = (data(outputs=1)[1] > 0).astype("float64")

    def metrics() -> list[Any]:
        return [gs.metrics.AUC(name=one) if one == "auc" else one for one in wanted]

    assert_alike(lambda: dense(outputs=1, last="sigmoid"), data()[0], y, loss="binary_crossentropy", metrics=metrics)


@host_build
def test_labels_with_an_accuracy_and_a_softmax_that_the_loss_contains(cuda: None) -> None:
    gs.config.set_floatx("float64")
    y = np.random.default_rng(0).integers(0, 4, 53)
    given = {"loss": "sparse_categorical_crossentropy", "metrics": lambda: ["accuracy"]}
    assert_alike(lambda: dense(outputs=4, last="softmax"), data()[0], y, class_weight={0: 2.0, 3: 0.5}, **given)


def single_batches(device: str) -> list[Any]:
    gs.utils.set_random_seed(5)
    gs.config.set_device(device)
    model, (x, y) = dense(), data(dtype="float32")
    model.compile(gs.optimizers.Adam(0.01), "mse", metrics=["mae"])
    found: list[Any] = []
    for rows in (16, 16, 9, 16):
        found += [*model.train_on_batch(x[:rows], y[:rows]), *model.test_on_batch(x[rows:], y[rows:])]
        found += [model.predict_on_batch(x).sum(), model(x).sum(), *(w.sum() for w in model.get_weights())]
    batches = (zip(np.split(x[:48], 6), np.split(y[:48], 6), strict=True) for _ in range(2))
    for each in batches:
        found += model.fit(each, verbose=0).history["loss"]
    return found


@host_build
def test_single_batches_and_generators(cuda: None) -> None:
    """Weights that a call reads on the CPU are those of the step before."""
    np.testing.assert_allclose(single_batches("cuda"), single_batches("cpu"), rtol=0, atol=2e-4)


class Changes(gs.callbacks.Callback):
    """Reads and changes what a run uses, between its batches."""

    def __init__(self, often: bool) -> None:
        super().__init__()
        self.seen: list[float] = []
        if often:
            self.on_train_batch_end = self.change  # type: ignore[method-assign]

    def change(self, batch: int, logs: Any = None) -> None:
        first = self.model.layers[0]
        self.seen += [float(first.kernel.sum()), float(logs["loss"])]
        first.kernel[...] *= 0.9
        self.model.optimizer.learning_rate = 0.1 / (1 + len(self.seen))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.change(epoch, logs)
        if epoch == 1:
            self.model.stop_training = True


@host_build
@pytest.mark.parametrize("often", [False, True])
def test_callbacks_see_and_change_weights(often: bool, cuda: None) -> None:
    gs.config.set_floatx("float64")
    seen = []
    for device in ("cpu", "cuda"):
        callback = Changes(often)
        given = {"optimizer": functools.partial(gs.optimizers.Adam, 0.01), "loss": "mse"}
        history, *_ = trained(device, dense, *data(), given, callbacks=[callback], epochs=5)
        seen.append([*callback.seen, *history["loss"]])
        assert len(history["loss"]) == 2
    np.testing.assert_allclose(seen[1], seen[0], rtol=0, atol=1e-10)


@host_build
def test_a_run_goes_on_elsewhere(cuda: None) -> None:
    """Half of the epochs on the GPU and the rest on the CPU, which goes on with the state."""
    gs.config.set_floatx("float64")
    found = []
    for devices in (("cpu", "cpu"), ("cuda", "cpu"), ("cpu", "cuda")):
        gs.utils.set_random_seed(5)
        model, (x, y) = deep(), data(n=6)
        model.compile(gs.optimizers.Adam(0.01), "mse")
        for device in devices:
            gs.config.set_device(device)
            losses = model.fit(x, y, epochs=2, batch_size=16, verbose=0).history["loss"]
        found.append([*losses, *np.concatenate([w.ravel() for w in model.get_weights()])])
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=0, atol=1e-10)


# -- refusals ----------------------------------------------------------------------------------------------------------


def compiled(body: list[Any], loss: Any = "mse", optimizer: Any = "sgd", **options: Any) -> gs.Sequential:
    model = gs.Sequential([*body, layers.Dense(3, name="end")])
    model.compile(optimizer, loss, **options)
    return model


def squares(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return ((y_true - y_pred) ** 2).mean(-1)


REFUSED = {
    "layer": ("layer 'norm' is none of Dense", lambda: compiled([layers.BatchNormalization(name="norm")])),
    "regularizer": (
        "layer 'd' has a regularizer",
        lambda: compiled([layers.Dense(2, kernel_regularizer="l2", name="d")]),
    ),
    "constraint": (
        "layer 'd' has a constraint",
        lambda: compiled([layers.Dense(2, bias_constraint="non_neg", name="d")]),
    ),
    "loss": ("the model has the loss dice, which is of a whole batch", lambda: compiled([], "dice")),
    "optimizer": ("Muon updates models in CPU memory only", lambda: compiled([], optimizer=gs.optimizers.Muon(0.1))),
    "wrapper": (
        "Lookahead trains models in CPU memory only",
        lambda: compiled([], optimizer=gs.optimizers.Lookahead("sgd")),
    ),
    "skips": (
        "on_nonfinite must be 'propagate'",
        lambda: compiled([], optimizer=gs.optimizers.SGD(on_nonfinite="skip")),
    ),
    "method": ("must|only", lambda: compiled([], optimizer="l-bfgs")),
}


@host_build
@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_gpu_cannot_do(kind: str, cuda: None) -> None:
    """It is refused by name, and the model trains on the CPU as before."""
    message, make = REFUSED[kind]
    model, (x, y) = make(), data(dtype="float32")
    y = (y > 0).astype("float32")
    model.build((None, 5))
    before = model.get_weights()
    gs.config.set_device("cuda")
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(x, y, verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    gs.config.set_device("cpu")
    model.fit(x, y, verbose=0)


@host_build
def test_branches_and_several_outputs(cuda: None) -> None:
    x, y = data(dtype="float32")
    inputs = gs.Input((5,))
    one = layers.Dense(3)(inputs)
    shared = layers.Dense(3, name="twice")
    models = {
        "branches|is none of": gs.Model(inputs, layers.Add()([one, layers.Dense(3)(inputs)])),
        "layer 'twice' is called more than once": gs.Model(inputs, shared(shared(one))),
    }
    for message, model in models.items():
        model.compile("sgd", "mse")
        gs.config.set_device("cuda")
        for call in (lambda m=model: m.fit(x, y, verbose=0), lambda m=model: m.predict(x, verbose=0)):
            with pytest.raises(ValueError, match=message):
                call()
        gs.config.set_device("cpu")


@host_build
def test_what_else_is_for_the_cpu(cuda: None) -> None:
    model, (x, y) = compiled([]), data(dtype="float32")
    model.fit(x, y, verbose=0)
    value = model.value_and_grad(x, y)[0]
    gs.config.set_device("cuda")
    assert model.value_and_grad(x, y)[0] == value  # which computes there in any case
    with pytest.raises(ValueError, match="many models trained at once compute in CPU memory only"):
        gs.fit_many(model, 2, x, y)
    with pytest.raises(TypeError, match="x must be dense"):
        model.fit(pytest.importorskip("scipy.sparse").csr_matrix(x), y, verbose=0)


def test_names_of_devices() -> None:
    assert gs.config.get_device() == "cpu"
    for wrong, error in (("gpu", ValueError), ("cuda:1", ValueError), (0, TypeError)):
        with pytest.raises(error, match="device"):
            gs.config.set_device(wrong)  # type: ignore[arg-type]
    assert gs.config.get_device() == "cpu"


@pytest.mark.skipif(_core.build_info()["cuda"] != "", reason="a build with CUDA")
def test_a_build_without_cuda_says_how_to_get_it() -> None:
    with pytest.raises(RuntimeError, match=r"no CUDA code; pip install .* -C cmake.define.GRADSTEP_CUDA=ON"):
        gs.config.set_device("cuda")
    assert gs.config.get_device() == "cpu"
