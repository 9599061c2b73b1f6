"""What a model does when a layer in it changes, and what it says of a method that it does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..hints import no_attribute

if TYPE_CHECKING:
    from ..layers.base.layer import Layer
    from ..trainers.executor import Executor
    from ..trainers.gradients import ForwardBackward
    from ..trainers.sizes import Row
    from .masked_calls import MaskedCalls

__all__ = ["Changing"]

# Methods of older Keras, PyTorch and scikit-learn, and what is here in their place.
ELSEWHERE = {
    "add_loss": "a custom loss, or activity_regularizer= of a layer, is in its place.",
    "add_metric": "compile(metrics=[...]) is in its place.",
    "add_weight": "weights of a model's own lie in a layer: a subclass of layers.Layer, with build and call.",
    "cpu": "models compute on the CPU.",
    "cuda": "gradstep.config.set_device('cuda') is in its place.",
    "eval": "predict, evaluate and calls without training=True are in its place.",
    "evaluate_generator": "evaluate() takes generators.",
    "fit_generator": "fit() takes generators.",
    "forward": "call the model: model(x), or model(x, training=True) before backward.",
    "load_state_dict": "set_weights and load_weights are in its place.",
    "named_parameters": "weight_names and weights are in its place.",
    "parameters": "trainable_weights are in its place.",
    "partial_fit": "train_on_batch, or fit again, is in its place.",
    "predict_classes": "predict(x).argmax(axis=-1) is in its place; of one output predict(x) > 0.5.",
    "predict_generator": "predict() takes generators.",
    "predict_proba": "predict(x) is in its place.",
    "score": "evaluate(x, y) is in its place.",
    "state_dict": "get_weights, save_weights and save are in its place.",
    "to": "gradstep.config.set_device('cuda') is in its place; dtype= of layers for other numbers.",
    "to_yaml": "to_json() is in its place.",
    "train": "fit, and calls with training=True, are in its place.",
    "zero_grad": "gradients do not add up: value_and_grad and backward return new ones.",
}


class Changing:
    """Mixin of `BaseModel`."""

    if TYPE_CHECKING:
        _executor: Executor
        _last_call: ForwardBackward
        _masked_calls: MaskedCalls

        @property
        def _guard(self) -> Any: ...
        @property
        def _leaves(self) -> dict[str, Layer]: ...
        @property
        def _input_rows(self) -> list[Row]: ...
        def _connect_engine(self, rows: Sequence[Row]) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and "_executor" not in vars(self):
            raise AttributeError(f"{type(self).__name__} must call super().__init__() first in its constructor.")
        raise no_attribute(self, name, ELSEWHERE)

    def _take_settings(self) -> None:
        """A setting of a layer is another: compute with it from now on, over the weights where they lie."""
        executor = self._executor
        if executor.network is None:
            return
        with self._guard:
            for leaf in self._leaves.values():
                leaf._shared = True  # so that its weights stay
            self._last_call.forget()
            self._masked_calls.forget()
            self._connect_engine(self._input_rows)
            executor.reconnect()
