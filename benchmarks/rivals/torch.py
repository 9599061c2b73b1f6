"""PyTorch: its Adam in three forms, eager training with two of them, and torch.compile."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from cases import gemm, graph, mlp, rules, sparse, step
from cases.adam import ADAM

from . import torch_cnn, torch_embedding, torch_recurrent, torch_rules, torch_transformer

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def versions() -> dict[str, str]:
    # Its BLAS is linked in, where threadpoolctl does not see it.
    products = "MKL" if torch.backends.mkl.is_available() else "not MKL"
    return {
        "torch": torch.__version__,
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "products": products,
    }


def adam(params: Any, form: str) -> torch.optim.Adam:
    rate, b1, b2, epsilon = ADAM.values()
    chosen = {"default": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}[form]
    return torch.optim.Adam(params, lr=rate, betas=(b1, b2), eps=epsilon, **chosen)


class Step:
    steps_per_run = 1
    form = "default"

    def __init__(self, problem: dict[str, Any]) -> None:
        params, grads = step.inputs(problem)
        self.params = [torch.from_numpy(p).requires_grad_() for p in params]
        for p, g in zip(self.params, grads, strict=True):
            p.grad = torch.from_numpy(g)
        self.run = adam(self.params, self.form).step

    def checked(self) -> np.ndarray:
        for _ in range(step.CHECKED_STEPS):
            self.run()
        return torch.cat(self.params).detach().numpy()


class StepForeach(Step):
    form = "foreach"


class StepFused(Step):
    form = "fused"


class Rules:
    steps_per_run = 1
    form = "default"

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        w, self.grad = rules.inputs(problem)
        self.w = torch.from_numpy(w).requires_grad_()
        self.run = torch_rules.optimizer(problem, [self.w], self.form).step
        self.w.grad = torch.from_numpy(self.grad)

    def checked(self) -> np.ndarray:
        for _ in rules.checked_steps(self.grad):
            self.run()
        return rules.sampled(self.problem, self.w.detach().numpy())


class RulesFused(Rules):
    form = "fused"


class SparseAdam(sparse.Table):
    """The lazy form: only the rows of a step move."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        rate, b1, b2, epsilon = ADAM.values()
        self.tensor = torch.from_numpy(self.table).requires_grad_()
        self.optimizer = torch.optim.SparseAdam([self.tensor], lr=rate, betas=(b1, b2), eps=epsilon)
        shape = tuple(self.tensor.shape)
        # Coalescing is a part of the step; that a tensor is made of rows and values is not.
        self.gradients = [
            torch.sparse_coo_tensor(torch.from_numpy(rows[None]), torch.from_numpy(values), shape)
            for rows, values in self.batches
        ]

    def run(self) -> None:
        self.tensor.grad = self.gradients[self.next()]
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for _ in range(sparse.CHECKED_STEPS):
            self.run()
        return sparse.sampled(self.problem, self.table)


class Eager:
    form = "default"

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        x, y = mlp.data(problem)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.steps_per_run = len(x) // self.batch
        layers: list[torch.nn.Module] = []
        for kernel, bias in mlp.weights():
            linear = torch.nn.Linear(*kernel.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
                linear.bias.copy_(torch.from_numpy(bias))
            layers += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        self.optimizer = adam(self.model.parameters(), self.form)
        self.loss = self._make_loss()

    def _make_loss(self) -> Any:
        cross_entropy = torch.nn.CrossEntropyLoss()
        return lambda x, y: cross_entropy(self.model(x), y)

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(x, y).backward()
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self._step(self.x[rows], self.y[rows])
        with torch.no_grad():
            return torch.nn.functional.cross_entropy(self.model(self.x), self.y).numpy()

    def run(self) -> None:
        order = torch.randperm(len(self.x))
        for rows in order.split(self.batch):
            self._step(self.x[rows], self.y[rows])


class EagerFused(Eager):
    form = "fused"


class Compiled(EagerFused):
    def _make_loss(self) -> Any:
        return torch.compile(super()._make_loss())


class Mm(gemm.Products):
    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        # The same memory: NumPy sees the results.
        self.tensors = [tuple(map(torch.from_numpy, arrays)) for arrays in self.products]

    def run(self) -> None:
        for a, b, out in self.tensors:
            torch.mm(a, b, out=out)


class Graph:
    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        self.xs, self.ys = ([torch.from_numpy(one) for one in each] for each in graph.data(problem))
        self.steps_per_run = len(self.xs[0]) // self.batch
        self.w = [torch.from_numpy(w).requires_grad_() for w in graph.weights(problem)]
        self.optimizer = adam(self.w, "default")

    def loss(self, rows: Any) -> torch.Tensor:
        w0, b0, w1, b1, w2, b2 = self.w
        kind, xs, ys = self.problem["kind"], [x[rows] for x in self.xs], [y[rows] for y in self.ys]
        h = torch.relu(torch.addmm(b0, xs[0], w0))
        z = torch.addmm(b1, xs[1] if kind == "towers" else h, w1)
        mse = torch.nn.functional.mse_loss
        if kind == "heads":
            return mse(z, ys[0]) + graph.HALF * mse(torch.addmm(b2, h, w2), ys[1])
        z = torch.relu(z)
        return mse(torch.addmm(b2, z if kind == "row" else h + z, w2), ys[0])

    def _step(self, rows: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(rows).backward()
        self.optimizer.step()

    def checked(self) -> np.ndarray:
        for rows in graph.checked_rows(self.problem):
            self._step(rows)
        with torch.no_grad():
            return self.loss(slice(None)).numpy()

    def run(self) -> None:
        for rows in torch.randperm(len(self.xs[0])).split(self.batch):
            self._step(rows)


CASES = {
    "step": {"default": Step, "foreach": StepForeach, "fused": StepFused},
    "rules": {"default": Rules, "fused": RulesFused},
    "sparse": {"SparseAdam, lazy": SparseAdam},
    "mlp": {"default": Eager, "fused": EagerFused, "compile": Compiled},
    "gemm": {"mm": Mm},
    "graph": {"default": Graph},
    **torch_cnn.CASES,
    **torch_recurrent.CASES,
    **torch_transformer.CASES,
    **torch_embedding.CASES,
}
