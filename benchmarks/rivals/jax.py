"""JAX: Adam and training, compiled, with donated buffers; a step a call, and an epoch a call."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from cases import graph, many, mlp, step
from cases.adam import ADAM


def versions() -> dict[str, str]:
    import jaxlib

    return {"jax": jax.__version__, "jaxlib": jaxlib.__version__}


def adam(state: Any, grads: Any) -> Any:
    """state (t, params, m, v), trees alike -> the next."""
    rate, b1, b2, epsilon = ADAM.values()
    t, params, m, v = state
    t = t + 1
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)
    # expm1: 1 - 0.999**t loses three digits in float32.
    root_2 = jnp.sqrt(-jnp.expm1(t * np.log(b2)))
    scale = rate * root_2 / -jnp.expm1(t * np.log(b1))
    params = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon * root_2), params, m, v)
    return t, params, m, v


def start(params: Any) -> Any:
    zeros = jax.tree.map(jnp.zeros_like, params)
    return jnp.float32(0), params, zeros, jax.tree.map(jnp.copy, zeros)


class Step:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        params, grads = step.inputs(problem)
        self.state = start([jnp.asarray(p) for p in params])
        self.grads = [jnp.asarray(g) for g in grads]
        self.step = jax.jit(lambda state, grads: adam(state, grads), donate_argnums=0)

    def run(self) -> None:
        self.state = self.step(self.state, self.grads)
        jax.block_until_ready(self.state)

    def checked(self) -> np.ndarray:
        for _ in range(step.CHECKED_STEPS):
            self.run()
        return np.concatenate([np.asarray(p) for p in self.state[1]])


def loss(params: Any, x: Any, y: Any) -> Any:
    for i, (kernel, bias) in enumerate(params):
        x = x @ kernel + bias
        if i < len(params) - 1:
            x = jax.nn.relu(x)
    return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()


class StepByStep:
    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, self.batch = problem, problem["batch"]
        x, y = mlp.data(problem)
        self.x, self.y = jnp.asarray(x), jnp.asarray(y.astype(np.int32))
        self.steps_per_run = len(x) // self.batch
        self.state = start([(jnp.asarray(kernel), jnp.asarray(bias)) for kernel, bias in mlp.weights()])
        self.key = jax.random.key(6)
        self.rng = np.random.default_rng(6)

        def take_step(state: Any, x: Any, y: Any, rows: Any) -> Any:
            return adam(state, jax.grad(loss)(state[1], x[rows], y[rows]))

        def epoch(state: Any, key: Any, x: Any, y: Any) -> Any:
            key, drawn = jax.random.split(key)
            order = jax.random.permutation(drawn, len(x)).reshape(-1, self.batch)
            return jax.lax.scan(lambda state, rows: (take_step(state, x, y, rows), None), state, order)[0], key

        self.step = jax.jit(take_step, donate_argnums=0)
        self.epoch = jax.jit(epoch, donate_argnums=0)

    def checked(self) -> np.ndarray:
        for rows in mlp.checked_rows(self.problem, len(self.x)):
            self.state = self.step(self.state, self.x, self.y, np.arange(rows.start, rows.stop, dtype=np.int32))
        return np.asarray(loss(self.state[1], self.x, self.y))

    def run(self) -> None:
        order = self.rng.permutation(len(self.x)).astype(np.int32)
        for begin in range(0, len(order), self.batch):
            self.state = self.step(self.state, self.x, self.y, order[begin : begin + self.batch])
        jax.block_until_ready(self.state)


class Scan(StepByStep):
    def run(self) -> None:
        self.state, self.key = self.epoch(self.state, self.key, self.x, self.y)
        jax.block_until_ready(self.state)


def graph_loss(kind: str, w: Any, xs: Any, ys: Any) -> Any:
    w0, b0, w1, b1, w2, b2 = w
    h = jax.nn.relu(xs[0] @ w0 + b0)
    z = (xs[1] if kind == "towers" else h) @ w1 + b1
    if kind == "heads":
        return jnp.square(z - ys[0]).mean() + graph.HALF * jnp.square(h @ w2 + b2 - ys[1]).mean()
    z = jax.nn.relu(z)
    return jnp.square((z if kind == "row" else h + z) @ w2 + b2 - ys[0]).mean()


class GraphScan:
    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, batch = problem, problem["batch"]
        self.xs, self.ys = ([jnp.asarray(one) for one in each] for each in graph.data(problem))
        self.steps_per_run = len(self.xs[0]) // batch
        self.state, self.key = start([jnp.asarray(w) for w in graph.weights(problem)]), jax.random.key(6)
        self.loss = partial(graph_loss, problem["kind"])

        def take_step(state: Any, xs: Any, ys: Any, rows: Any) -> Any:
            part = lambda data: [one[rows] for one in data]  # noqa: E731
            return adam(state, jax.grad(self.loss)(state[1], part(xs), part(ys)))

        def epoch(state: Any, key: Any, xs: Any, ys: Any) -> Any:
            key, drawn = jax.random.split(key)
            order = jax.random.permutation(drawn, len(xs[0])).reshape(-1, batch)
            return jax.lax.scan(lambda state, rows: (take_step(state, xs, ys, rows), None), state, order)[0], key

        self.step = jax.jit(take_step, donate_argnums=0)
        self.epoch = jax.jit(epoch, donate_argnums=0)

    def checked(self) -> np.ndarray:
        for rows in graph.checked_rows(self.problem):
            self.state = self.step(self.state, self.xs, self.ys, np.arange(rows.start, rows.stop, dtype=np.int32))
        return np.asarray(self.loss(self.state[1], self.xs, self.ys))

    def run(self) -> None:
        self.state, self.key = self.epoch(self.state, self.key, self.xs, self.ys)
        jax.block_until_ready(self.state)


class Vmap:
    """All models' states in one tree of stacked arrays; they are made before the time begins."""

    epochs = 2

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem, count = problem, problem["models"]
        x, y = many.data(problem)
        self.x, self.y = jnp.asarray(x), jnp.asarray(y.astype(np.int32))
        self.steps_per_run = count * self.epochs * (len(x) // many.BATCH)
        stacked = [jnp.stack(each) for each in zip(*many.weights(problem), strict=True)]
        self.state = jax.vmap(start)(list(zip(stacked[::2], stacked[1::2], strict=True)))
        self.keys = jax.random.split(jax.random.key(6), count)

        def take_step(state: Any, rows: Any) -> Any:
            return adam(state, jax.grad(loss)(state[1], self.x[rows], self.y[rows]))

        def epoch(state: Any, key: Any) -> Any:
            key, drawn = jax.random.split(key)
            order = jax.random.permutation(drawn, len(x)).reshape(-1, many.BATCH)
            return jax.lax.scan(lambda state, rows: (take_step(state, rows), None), state, order)[0], key

        self.step = jax.jit(jax.vmap(take_step, in_axes=(0, None)), donate_argnums=0)
        self.epoch = jax.jit(jax.vmap(epoch), donate_argnums=0)

    def checked(self) -> np.ndarray:
        for i in range(many.CHECKED_STEPS):
            self.state = self.step(self.state, np.arange(i * many.BATCH, (i + 1) * many.BATCH, dtype=np.int32))
        return np.asarray(jax.vmap(lambda params: loss(params, self.x, self.y))(self.state[1]))

    def run(self) -> None:
        for _ in range(self.epochs):
            self.state, self.keys = self.epoch(self.state, self.keys)
        jax.block_until_ready(self.state)


CASES = {
    "step": {"jit": Step},
    "mlp": {"jit a step": StepByStep, "scan an epoch": Scan},
    "graph": {"scan an epoch": GraphScan},
    "many": {"vmap, scan an epoch": Vmap},
}
