"""NumPy by hand, as well as it can be spelled: in place, with scratch arrays, in blocks that stay in cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import gemm, loop, mlp, step
from cases.adam import ADAM


def versions() -> dict[str, str]:
    return {"numpy": np.__version__}


class Adam:
    """In place on float32 arrays. Each block of elements goes through all operations while it is in L1 or L2."""

    BLOCK = 8192

    def __init__(
        self, params: list[np.ndarray], learning_rate: float, beta_1: float, beta_2: float, epsilon: float
    ) -> None:
        self.rate, self.b1, self.b2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.t = 0
        self.params = [p.reshape(-1) for p in params]
        self.m, self.v = ([np.zeros_like(p) for p in self.params] for _ in range(2))
        scratch = np.empty((2, self.BLOCK), np.float32)
        # An array a list, (where, p, m, v, scratch, scratch) a block: making a view takes longer than a short block.
        self.blocks = [
            [
                (slice(begin, end), p[begin:end], m[begin:end], v[begin:end], *scratch[:, : end - begin])
                for begin, end in ((i, min(i + self.BLOCK, len(p))) for i in range(0, len(p), self.BLOCK))
            ]
            for p, m, v in zip(self.params, self.m, self.v, strict=True)
        ]

    def step(self, grads: list[np.ndarray]) -> None:
        self.t += 1
        f32 = np.float32
        root_2 = (1 - self.b2**self.t) ** 0.5
        rate, epsilon = f32(self.rate * root_2 / (1 - self.b1**self.t)), f32(self.epsilon * root_2)
        b1, b2, c1, c2 = f32(self.b1), f32(self.b2), f32(1 - self.b1), f32(1 - self.b2)
        for g, blocks in zip(grads, self.blocks, strict=True):
            g = g.reshape(-1)
            for block, pb, mb, vb, a, b in blocks:
                gb = g[block]
                np.multiply(mb, b1, out=mb)
                np.multiply(gb, c1, out=a)
                np.add(mb, a, out=mb)
                np.multiply(vb, b2, out=vb)
                np.multiply(gb, gb, out=a)
                np.multiply(a, c2, out=a)
                np.add(vb, a, out=vb)
                np.sqrt(vb, out=a)
                np.add(a, epsilon, out=a)
                np.multiply(mb, rate, out=b)
                np.divide(b, a, out=a)
                np.subtract(pb, a, out=pb)


class Step:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.params, self.grads = step.inputs(problem)
        self.adam = Adam(self.params, **ADAM)

    def run(self) -> None:
        self.adam.step(self.grads)

    def checked(self) -> np.ndarray:
        for _ in range(step.CHECKED_STEPS):
            self.run()
        return np.concatenate(self.params)


class ByHand:
    """Forward and backward by hand; parameters in one flat array, products straight into the gradient's."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.x, self.y = mlp.data(problem)
        self.steps_per_run = len(self.x) // self.batch
        self.rng = np.random.default_rng(5)
        start = [array for pair in mlp.weights() for array in pair]
        self.flat = np.concatenate([a.ravel() for a in start])
        self.flat_grads = np.empty_like(self.flat)
        ends = np.cumsum([a.size for a in start])
        self.w, self.dw = (
            [flat[end - a.size : end].reshape(a.shape) for a, end in zip(start, ends, strict=True)]
            for flat in (self.flat, self.flat_grads)
        )
        self.values = [np.empty((self.batch, n), np.float32) for n in mlp.SIZES]
        self.slopes = [np.empty((self.batch, n), np.float32) for n in mlp.SIZES]
        self.adam = Adam([self.flat], **ADAM)

    def _forward(self, values: list[np.ndarray]) -> None:
        layers = len(values) - 1
        for i in range(layers):
            out = np.matmul(values[i], self.w[2 * i], out=values[i + 1])
            out += self.w[2 * i + 1]
            if i < layers - 1:
                np.maximum(out, 0, out=out)

    def _step(self, rows: Any) -> None:
        y = self.y[rows]
        np.take(self.x, rows, axis=0, out=self.values[0], mode="clip")
        self._forward(self.values)
        z, dz = self.values[-1], self.slopes[-1]
        np.subtract(z, z.max(axis=1, keepdims=True), out=dz)
        np.exp(dz, out=dz)
        dz /= dz.sum(axis=1, keepdims=True)
        dz[np.arange(self.batch), y] -= 1
        dz *= np.float32(1 / self.batch)
        for i in reversed(range(len(self.values) - 1)):
            np.matmul(self.values[i].T, self.slopes[i + 1], out=self.dw[2 * i])
            self.slopes[i + 1].sum(axis=0, out=self.dw[2 * i + 1])
            if i:
                np.matmul(self.slopes[i + 1], self.w[2 * i].T, out=self.slopes[i])
                self.slopes[i] *= self.values[i] > 0
        self.adam.step([self.flat_grads])

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self._step(np.arange(rows.start, rows.stop))
        values = [self.x, *(np.empty((len(self.x), n), np.float32) for n in mlp.SIZES[1:])]
        self._forward(values)
        z = values[-1].astype(np.float64)
        return np.array((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), self.y]).mean())

    def run(self) -> None:
        order = self.rng.permutation(len(self.x))
        for begin in range(0, len(order), self.batch):
            self._step(order[begin : begin + self.batch])


class Loop:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        self.loop = loop.Loop(problem)
        self.adam = Adam(self.loop.params, **ADAM)

    def run(self) -> None:
        self.loop.gradients()
        self.adam.step(self.loop.grads)

    def checked(self) -> np.ndarray:
        for _ in range(loop.CHECKED_STEPS):
            self.run()
        return np.concatenate([p.ravel() for p in self.loop.params])


class Matmul(gemm.Products):
    def run(self) -> None:
        for a, b, out in self.products:
            np.matmul(a, b, out=out)


CASES = {
    "step": {"blocked": Step},
    "mlp": {"by hand": ByHand},
    "loop": {"Adam by hand": Loop},
    "gemm": {"matmul": Matmul},
}
