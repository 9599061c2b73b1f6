"""optax: every rule it has, compiled together with the addition of its update, parameters and state donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from cases import rules

Arguments = dict[str, Any]


def versions() -> dict[str, str]:
    return {"optax": optax.__version__, "jax": jax.__version__}


def adam_like(make: Callable[..., Any], **names: str) -> Callable[[Arguments], Any]:
    """An optax function that takes b1, b2 and eps; `names`: what else, ours by theirs."""
    known = {"b1": "beta_1", "b2": "beta_2", "eps": "epsilon", **names}
    return lambda a: make(a["learning_rate"], **{theirs: a[ours] for theirs, ours in known.items()})


def sgd(a: Arguments) -> Any:
    return optax.sgd(a["learning_rate"], a["momentum"] or None, a["nesterov"])


def rmsprop(a: Arguments) -> Any:
    return optax.rmsprop(
        a["learning_rate"], decay=a["rho"], eps=a["epsilon"], centered=a["centered"], momentum=a["momentum"] or None
    )


def rprop(a: Arguments) -> Any:
    return optax.rprop(a["learning_rate"], a["eta_minus"], a["eta_plus"], a["step_size_min"], a["step_size_max"])


def amsgrad(a: Arguments) -> Any:
    return adam_like(optax.amsgrad if a["amsgrad"] else optax.adam)(a)


def adamw(a: Arguments) -> Any:
    if a["amsgrad"]:
        raise NotImplementedError("optax has no AdamW with amsgrad.")
    return adam_like(optax.adamw, weight_decay="weight_decay")(a)


# By the name of our class; arguments as ours are.
RULES: dict[str, Callable[[Arguments], Any]] = {
    "SGD": sgd,
    "Adagrad": lambda a: optax.adagrad(a["learning_rate"], a["initial_accumulator_value"], a["epsilon"]),
    "Adadelta": lambda a: optax.adadelta(a["learning_rate"], a["rho"], a["epsilon"]),
    "RMSprop": rmsprop,
    "Adam": amsgrad,
    "AdamW": adamw,
    "Adamax": adam_like(optax.adamax),
    "Nadam": adam_like(optax.nadam),
    "RAdam": adam_like(optax.radam),
    "Lion": lambda a: optax.lion(a["learning_rate"], a["beta_1"], a["beta_2"], weight_decay=0.0),
    "Signum": lambda a: optax.signum(a["learning_rate"], a["momentum"]),
    "AdaBelief": adam_like(optax.adabelief, eps_root="epsilon"),
    "Yogi": adam_like(optax.yogi),
    "Adan": adam_like(optax.adan, b3="beta_3"),
    "AdEMAMix": adam_like(optax.contrib.ademamix, b3="beta_3", alpha="alpha"),
    "Rprop": rprop,
}


class Rules:
    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        if problem["optimizer"] not in RULES:
            raise NotImplementedError(f"optax has no {problem['optimizer']}.")
        if problem["config"].get("dialect") == "torch":
            raise NotImplementedError("its rules are set against the other dialect, which is nearer to them.")
        optimizer = RULES[problem["optimizer"]](problem["config"])

        def step(params: Any, state: Any, grad: Any) -> Any:
            update, state = optimizer.update(grad, state, params)
            return optax.apply_updates(params, update), state

        self.problem = problem
        w, self.first = rules.inputs(problem)
        # Copies: on the CPU an array of JAX may otherwise be NumPy's memory.
        self.params, self.grad = jnp.array(w), jnp.array(self.first)
        self.state = jax.jit(optimizer.init)(self.params)
        self.step = jax.jit(step, donate_argnums=(0, 1))

    def run(self) -> None:
        self.params, self.state = self.step(self.params, self.state, self.grad)
        jax.block_until_ready((self.params, self.state))

    def checked(self) -> np.ndarray:
        for g in rules.checked_steps(self.first):
            self.grad = jnp.array(g)
            self.run()
        return rules.sampled(self.problem, np.asarray(self.params))


CASES = {"rules": {"jit": Rules}}
