"""PyTorch's table of vectors: with a gradient of all its rows, and with one of those that were read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from cases import embedding
from cases.adam import ADAM


class Dense:
    """`torch.nn.Embedding` as usual, with the fused Adam."""

    sparse = False

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = (torch.from_numpy(array) for array in embedding.data(problem))
        self.steps_per_run = len(self.x) // self.batch
        table, kernel, bias = (torch.from_numpy(array) for array in embedding.weights(problem))
        self.table = torch.nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="mean", sparse=self.sparse)
        self.last = torch.nn.Linear(problem["n"], 1)
        with torch.no_grad():
            self.last.weight.copy_(kernel.T)
            self.last.bias.copy_(bias)
        rate, b1, b2, epsilon = ADAM.values()
        settings: dict[str, Any] = {"lr": rate, "betas": (b1, b2), "eps": epsilon}
        if self.sparse:
            rows = torch.optim.SparseAdam(self.table.parameters(), **settings)
            self.optimizers = [rows, torch.optim.Adam(self.last.parameters(), fused=True, **settings)]
        else:
            both = [*self.table.parameters(), *self.last.parameters()]
            self.optimizers = [torch.optim.Adam(both, fused=True, **settings)]

    def _loss(self, rows: Any) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.last(self.table(self.x[rows])), self.y[rows])

    def _step(self, rows: Any) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self._loss(rows).backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in embedding.checked_rows(self.problem):
            self._step(rows)
        with torch.no_grad():
            return self._loss(slice(embedding.SCORED)).numpy()

    def run(self) -> None:
        for rows in torch.randperm(len(self.x)).split(self.batch):
            self._step(rows)


class Sparse(Dense):
    """Which leaves the rows that a batch did not read as they are: not the numbers of Adam."""

    sparse = True

    def checked(self) -> np.ndarray:
        """The loss of the dense one: what this one trains to is another."""
        return Dense(self.problem).checked()


CASES = {"embedding": {"dense": Dense, "sparse": Sparse}}
