"""Classes of the program's own that hand arguments on by ``**options``: their configs have these too."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers as L


def handing_on(base: type) -> Any:
    """A subclass that takes one argument of its own, and whatever `base` takes."""

    def init(self: Any, *args: Any, own: int = 3, **options: Any) -> None:
        base.__init__(self, *args, **options)
        self.own = own

    return type("Own", (base,), {"__init__": init, "__module__": __name__})


CASES: dict[str, tuple[type, dict[str, Any]]] = {
    "Dense": (L.Dense, {"units": 2, "activation": "relu", "use_bias": False}),
    "Rescaling": (L.Rescaling, {"scale": 0.5, "offset": 1.0}),
    "Conv2D": (L.Conv2D, {"filters": 2, "kernel_size": 3, "padding": "same"}),
    "LSTM": (L.LSTM, {"units": 2, "return_sequences": True, "kernel_regularizer": gs.regularizers.L2(0.1)}),
    "Dropout": (L.Dropout, {"rate": 0.25, "seed": 4}),
    "BatchNormalization": (L.BatchNormalization, {"momentum": 0.5}),
    "L1L2": (gs.regularizers.L1L2, {"l1": 0.5, "l2": 0.25}),
    "MaxNorm": (gs.constraints.MaxNorm, {"max_value": 3.0, "axis": [0]}),
    "RandomNormal": (gs.initializers.RandomNormal, {"stddev": 0.5, "seed": 3}),
}


@pytest.mark.parametrize("name", CASES)
def test_config_has_what_was_handed_on(name: str) -> None:
    base, arguments = CASES[name]
    cls = handing_on(base)
    made = cls(own=7, **arguments)
    config, plain = made.get_config(), base(**arguments).get_config()
    assert config["own"] == 7
    assert {key: config[key] for key in arguments} == {key: plain[key] for key in arguments}
    again = cls.from_config(config)
    assert type(again) is cls
    assert again.get_config() == config


@pytest.mark.parametrize("name", ["Dense", "Rescaling", "LSTM", "Dropout"])
def test_layers_keep_name_dtype_and_trainable(name: str) -> None:
    base, arguments = CASES[name]
    cls = handing_on(base)
    layer = cls(name="mine", dtype="float64", **arguments)
    layer.trainable = False
    again = cls.from_config(layer.get_config())
    assert (again.name, again.dtype, again.trainable) == ("mine", "float64", False)


def test_what_a_constructor_fixes_is_not_handed_over() -> None:
    class Relu(L.Dense):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(units, activation="relu", name="fixed", trainable=False, **options)

    again = Relu.from_config(Relu(3, use_bias=False).get_config())
    assert (again.activation, again.use_bias, again.name) == (Relu(3).activation, False, "fixed")
    assert not again.trainable


def test_models_are_loaded_with_them(tmp_path: Any) -> None:
    cls = handing_on(L.Dense)
    model = gs.Sequential([gs.Input((3,)), cls(units=4, activation="tanh", name="first"), L.Dense(1)])
    model.save(tmp_path / "m.gradstep")
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    again = gs.models.load_model(tmp_path / "m.gradstep", custom_objects={"Own": cls})
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[0].name == "first"


def test_a_loss_that_is_extended_computes_as_before() -> None:
    cls = handing_on(gs.losses.Huber)
    y, z = np.zeros((4, 2)), np.linspace(-3, 3, 8).reshape(4, 2)
    loss = cls(delta=2.0, reduction="sum")
    assert loss(y, z) == gs.losses.Huber(delta=2.0, reduction="sum")(y, z)
    assert cls.from_config(loss.get_config())(y, z) == loss(y, z)
