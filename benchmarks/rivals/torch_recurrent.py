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
        kind = recurrent.KINDS[problem["kind"]]
        self.layer = getattr(torch.nn, kind.cell)(
            recurrent.INPUTS, kind.units, kind.layers, batch_first=True, bidirectional=kind.both
        )
        self.both = kind.both
        self.end = torch.nn.Linear(kind.units * (1 + kind.both), 1)
        *cells, last, last_bias = recurrent.weights(problem)
        values: list[np.ndarray] = []
        for kernel, inner, bias in zip(cells[::3], cells[1::3], cells[2::3], strict=True):
            order = np.arange(kernel.shape[1])
            if kind.cell == "GRU":  # whose gates PyTorch has in the order r, z, n
                z, r, n = np.split(order, 3)
                order = np.concatenate([r, z, n])
            both = bias[:, order] if bias.ndim == 2 else (bias, np.zeros_like(bias))
            values += [kernel[:, order].T, inner[:, order].T, *both]
        parameters = [*self.layer.parameters(), *self.end.parameters()]
        with torch.no_grad():
            for parameter, value in zip(parameters, (*values, last.T, last_bias), strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
        # What both biases of an LSTM get is what one would.
        if kind.cell == "LSTM":
            second = [one for name, one in self.layer.named_parameters() if name.startswith("bias_hh")]
            for one in second:
                one.requires_grad_(False)
            parameters = [one for one in parameters if one.requires_grad]
        rate, b1, b2, epsilon = ADAM.values()
        self.optimizer = torch.optim.Adam(parameters, lr=rate, betas=(b1, b2), eps=epsilon, fused=True)

    def _loss(self, rows: Any) -> Any:
        states = self.layer(self.x[rows])[1]
        states = states[0] if isinstance(states, tuple) else states
        last = torch.cat([states[0], states[1]], 1) if self.both else states[-1]
        return torch.nn.functional.mse_loss(self.end(last), self.y[rows])

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


CASES = {case: {"default": Usual} for case in ("lstm", "gru", "bilstm", "stacked")}
