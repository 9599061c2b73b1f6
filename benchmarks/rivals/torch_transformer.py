"""PyTorch's blocks of a transformer: its layer, one by hand with its fused attention, and that compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from cases import transformer
from cases.adam import ADAM
from torch.nn import functional

D, HEADS = transformer.WIDTH, transformer.HEADS


class Layer:
    """`torch.nn.TransformerEncoderLayer`, with the fused Adam."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        x, y = transformer.data()
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.steps_per_run = len(x) // self.batch
        self.block = torch.nn.TransformerEncoderLayer(
            D, HEADS, transformer.INNER, 0.0, "gelu", transformer.EPSILON, batch_first=True
        )
        self.end = torch.nn.Linear(D, 1)
        parameters = [*self.block.parameters(), *self.end.parameters()]
        with torch.no_grad():
            for parameter, values in zip(parameters, self._weights(), strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
        rate, b1, b2, epsilon = ADAM.values()
        self.optimizer = torch.optim.Adam(parameters, lr=rate, betas=(b1, b2), eps=epsilon, fused=True)
        self.loss = self._make_loss()

    def _weights(self) -> list[np.ndarray]:
        """In the order of the parameters."""
        w = transformer.weights()
        kernels, biases = [one.reshape(D, D).T for one in w[0:6:2]], [one.reshape(D) for one in w[1:6:2]]
        output, bias, g1, b1, w1, c1, w2, c2, g2, b2, last, last_bias = w[6:]
        attention = [np.concatenate(kernels), np.concatenate(biases), output.reshape(D, D).T, bias]
        return [*attention, w1.T, c1, w2.T, c2, g1, b1, g2, b2, last.T, last_bias]

    def _make_loss(self) -> Any:
        return self._loss

    def _loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(self.end(self._output(x).mean(1)), y)

    def _output(self, x: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.block(x)
        return outputs

    def _step(self, rows: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.x[rows], self.y[rows]).backward()
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in transformer.checked_rows(self.problem):
            self._step(rows)
        with torch.no_grad():
            return self._loss(self.x[: transformer.SCORED], self.y[: transformer.SCORED]).numpy()

    def run(self) -> None:
        for rows in torch.randperm(len(self.x)).split(self.batch):
            self._step(rows)


class ByHand(Layer):
    """The same operations one by one: one product for queries, keys and values, and scaled_dot_product_attention."""

    def _output(self, x: torch.Tensor) -> torch.Tensor:
        block, attention = self.block, self.block.self_attn
        n, length, _ = x.shape
        joined = functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        q, k, v = joined.view(n, length, 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v)
        h = block.norm1(x + attention.out_proj(seen.transpose(1, 2).reshape(n, length, D)))
        outputs: torch.Tensor = block.norm2(h + block.linear2(functional.gelu(block.linear1(h))))
        return outputs


class Compiled(ByHand):
    def _make_loss(self) -> Any:
        return torch.compile(self._loss)


CASES = {"transformer": {"TransformerEncoderLayer": Layer, "by hand": ByHand, "compile": Compiled}}
