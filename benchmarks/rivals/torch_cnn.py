"""PyTorch's convolutions, and networks of them: as usual, with channels last, and that compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from cases import cnn, conv
from cases.adam import ADAM


class Usual:
    """Images with channels first."""

    layout = torch.contiguous_format

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        x, y = cnn.data()
        self.x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        self.y = torch.from_numpy(y)
        self.steps_per_run = len(x) // self.batch
        n = torch.nn
        own = [n.Conv2d(1, 32, 3), n.Conv2d(32, 64, 3), n.Linear(1600, 128), n.Linear(128, 10)]
        given = iter(cnn.weights())
        for layer, kernel, bias in zip(own, given, given, strict=False):
            turned = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
            if len(kernel) == 1600:  # flattened with channels first
                turned = kernel.reshape(5, 5, 64, 128).transpose(3, 2, 0, 1).reshape(128, 1600)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(turned.copy()))
                layer.bias.copy_(torch.from_numpy(bias))
        pooled = [n.ReLU(), n.MaxPool2d(2)]
        row = [own[0], *pooled, own[1], *pooled, n.Flatten(), own[2], n.ReLU(), own[3]]
        self.model = n.Sequential(*row).to(memory_format=self.layout)
        rate, b1, b2, epsilon = ADAM.values()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate, betas=(b1, b2), eps=epsilon, fused=True)
        self.loss = self._make_loss()

    def _make_loss(self) -> Any:
        cross_entropy = torch.nn.CrossEntropyLoss()
        return lambda x, y: cross_entropy(self.model(x), y)

    def _step(self, rows: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.x[rows], self.y[rows]).backward()
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in cnn.checked_rows(self.problem):
            self._step(rows)
        scored = slice(cnn.SCORED)
        with torch.no_grad():
            return torch.nn.functional.cross_entropy(self.model(self.x[scored]), self.y[scored]).numpy()

    def run(self) -> None:
        for rows in torch.randperm(len(self.x)).split(self.batch):
            self._step(rows)


class ChannelsLast(Usual):
    layout = torch.channels_last


class Compiled(ChannelsLast):
    def _make_loss(self) -> Any:
        return torch.compile(super()._make_loss())


class Single:
    """A convolution by itself, there and back."""

    steps_per_run = 1
    layout = torch.contiguous_format

    def __init__(self, problem: dict[str, Any]) -> None:
        self.back = problem["back"]
        x, kernel, dy = conv.inputs(problem)
        self.x, self.dy = (
            torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=self.layout) for array in (x, dy)
        )
        self.w = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous(memory_format=self.layout)
        self.x.requires_grad_(self.back)
        self.w.requires_grad_(self.back)

    def run(self) -> Any:
        y = torch.nn.functional.conv2d(self.x, self.w, padding=1)
        if not self.back:
            return [y]
        return [y, *torch.autograd.grad(y, (self.x, self.w), self.dy)]

    def checked(self) -> np.ndarray:
        y, *gradients = (each.detach() for each in self.run())
        orders = [(0, 2, 3, 1), (2, 3, 1, 0)]
        turned = [each.permute(order).numpy() for each, order in zip(gradients, orders, strict=False)]
        return conv.joined(y.permute(0, 2, 3, 1).numpy(), *turned)


class SingleLast(Single):
    layout = torch.channels_last


CASES = {
    "cnn": {"default": Usual, "channels last": ChannelsLast, "channels last, compiled": Compiled},
    "conv": {"default": Single, "channels last": SingleLast},
}
