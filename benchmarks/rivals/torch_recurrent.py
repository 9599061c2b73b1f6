"""PyTorch's recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from cases import recurrent
from cases.adam import ADAM


class Usual:
    """A layer and Dense on its last step."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        x, y = recurrent.data()
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.steps_per_run = len(x) // self.batch
        self.layer = getattr(torch.nn, problem["kind"])(recurrent.INPUTS, recurrent.UNITS, batch_first=True)
        self.end = torch.nn.Linear(recurrent.UNITS, 1)
        kernel, inner, bias, last, last_bias = recurrent.weights(problem)
        if problem["kind"] == "GRU":  # whose gates PyTorch has in the order r, z, n
            z, r, n = np.split(np.arange(3 * recurrent.UNITS), 3)
            order = np.concatenate([r, z, n])
            kernel, inner, bias = kernel[:, order], inner[:, order], bias[:, order]
        both = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        parameters = [*self.layer.parameters(), *self.end.parameters()]
        with torch.no_grad():
            for parameter, values in zip(parameters, (kernel.T, inner.T, *both, last.T, last_bias), strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
        # What both biases of an LSTM get is what one would.
        if problem["kind"] == "LSTM":
            parameters = [one for one in parameters if one is not self.layer.bias_hh_l0]
            self.layer.bias_hh_l0.requires_grad_(False)
        rate, b1, b2, epsilon = ADAM.values()
        self.optimizer = torch.optim.Adam(parameters, lr=rate, betas=(b1, b2), eps=epsilon, fused=True)

    def _loss(self, rows: Any) -> Any:
        outputs = self.end(self.layer(self.x[rows])[0][:, -1])
        return torch.nn.functional.mse_loss(outputs, self.y[rows])

    def _step(self, rows: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self._loss(rows).backward()
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in recurrent.checked_rows(self.problem):
            self._step(rows)
        with torch.no_grad():
            return self._loss(slice(recurrent.SCORED)).numpy()

    def run(self) -> None:
        for rows in torch.randperm(len(self.x)).split(self.batch):
            self._step(rows)


CASES = {"lstm": {"default": Usual}, "gru": {"default": Usual}}
