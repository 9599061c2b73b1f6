"""SAM: the gradient from where the loss is worst nearby."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _core
from ..checks import check_bool, describe
from .base.arrays import Structure, as_gradient, fill, flatten, gather, noun
from .base.bound import Bound, Step
from .base.groups import is_groups
from .base.optimizer import Optimizer
from .base.wrappers import BoundedNumber, SingleWrapper, WrapperSettings

__all__ = ["SAM", "BoundSAM"]


class SAM(SingleWrapper, Optimizer):
    """Sharpness-aware minimization: steps by the gradient at weights perturbed uphill, towards flat minima.

    A step needs two gradients: it takes a function that computes them, or is taken in two halves.

    Parameters
    ----------
    optimizer : str or Optimizer
        What takes the steps; one that has not stepped yet. Or a name, for its defaults.
    rho : float, default 0.05
        Radius of the perturbation; at least 0.
    adaptive : bool, default False
        Whether perturbations are relative to the weights (ASAM), so that the scale of a layer does not matter. `rho` is
        then usually ten times as large.
    name : str, default "sam"
        Name in the config.

    Attributes
    ----------
    optimizer : Optimizer
        What takes the steps. Its hyperparameters are also this one's: ``learning_rate``, ``weight_decay`` and so on
        read and set the inner ones, and so do groups.

    State
    -----
    None in `state_dict` but that of the optimizer, ``"optimizer.0.m"``, and `rho`. A step keeps a copy of
    the arrays, to restore them.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or out of its range; `optimizer` has stepped before.

    Notes
    -----
    With :math:`g` the gradient at the weights :math:`w`, all arrays together,

    .. math::

        e &= \\rho \\, g / \\lVert g \\rVert && \\text{or, adaptive,} \\quad
        e = \\rho \\, w^2 g / \\lVert \\, |w| \\, g \\rVert \\\\
        w &\\leftarrow \\text{a step of the optimizer at } w \\text{ by the gradient at } w + e

    and :math:`e = 0` where the norm is 0. Norms are summed in double. The weights are restored exactly before the
    optimizer moves them. Options of the optimizer that are about gradients (clips, ``loss_scale_factor``,
    ``maximize``) count for the second one. In `fit` the loss of a batch is that at :math:`w`, `Dropout` draws the same
    twice, and the moving statistics of `BatchNormalization` move once, at :math:`w`. Neither Keras nor PyTorch has it.

    References
    ----------
    Foret, Kleiner, Mobahi, Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving Generalization",
    ICLR 2021, arXiv:2010.01412, algorithm 1.

    Kwon, Kim, Park, Choi, "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural
    Networks", ICML 2021, arXiv:2102.11600, algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([3.0, 4.0])
    >>> opt = gs.optimizers.SAM(gs.optimizers.SGD(learning_rate=0.25), rho=0.5)
    >>> opt.step(w, lambda w: 2 * w); w
    array([1.35, 1.8 ])

    In halves, for gradients that come from elsewhere:

    >>> opt.first_step(w, 2 * w)
    >>> opt.second_step(w, 2 * w); w
    array([0.525, 0.7  ])
    """

    rho = BoundedNumber(0, np.inf)

    def __init__(
        self, optimizer: str | Optimizer, rho: float = 0.05, adaptive: bool = False, *, name: str = "sam"
    ) -> None:
        super().__init__(optimizer, name)
        if isinstance(self.optimizer, SAM):
            raise ValueError("optimizer must step by one gradient; a SAM takes two.")
        self.rho = rho
        self._adaptive = check_bool("adaptive", adaptive)
        self._origins: dict[int, np.ndarray] = {}  # copies of the arrays before the perturbation
        self._perturbed: list[int] = []  # numbers of the perturbed arrays

    @property
    def adaptive(self) -> bool:
        """Whether perturbations are relative to the weights (ASAM)."""
        return self._adaptive

    def _own_arguments(self) -> dict[str, Any]:
        return {**super()._own_arguments(), "adaptive": self._adaptive}

    def _state(self) -> dict[str, np.ndarray]:
        if self._perturbed:
            raise RuntimeError("a state is that after a whole step: call second_step first.")
        return super()._state()

    def _wrapper_settings(self) -> WrapperSettings:
        if self._perturbed:
            raise RuntimeError("first_step must be followed by second_step, before anything else.")
        return super()._wrapper_settings()[0], (self._core, self.rho, self._adaptive)

    def _add_slots(self, first: int) -> None:
        pass

    def _drop_slots(self, known: int) -> None:
        for index in [index for index in self._origins if index >= known]:
            del self._origins[index]

    def _make_bound(self, indices: list[int], labels: list[str]) -> Step:
        return SAMStep(self, indices, labels, self.optimizer._make_bound(indices, labels))

    # -- steps ----

    def step(self, params: Any, grads: Callable[[Any], Any]) -> None:
        """Take one step: update `params`, in place.

        Parameters
        ----------
        params : array, or sequence or dict of arrays, nested to any depth
            As in `Optimizer.step`.
        grads : callable
            ``grads(params)`` gives the gradients at the values that `params` hold then, in their structure. It is
            called twice.

        Raises
        ------
        TypeError
            `grads` is no function; and as `Optimizer.step` does.
        ValueError, FloatingPointError
            As `Optimizer.step` does.

        After an error, one of `grads` too, all arrays, state and counters are as they were.
        """
        self._undone_on_error(params, lambda bound: bound.step(grads))

    def first_step(self, params: Any, grads: Any) -> None:
        """Perturb `params` uphill; `second_step`, with the gradient there, restores them and takes the step.

        Raises
        ------
        RuntimeError
            Some arrays are perturbed already.
        TypeError, ValueError
            As `Optimizer.step` does; everything is then as it was.
        """
        self._undone_on_error(params, lambda bound: bound.first_step(grads))

    def second_step(self, params: Any, grads: Any) -> None:
        """Restore `params` and take the step by the gradient at the perturbed weights.

        Raises
        ------
        RuntimeError
            There was no `first_step`.
        ValueError
            They are not the arrays of the `first_step`.
        TypeError, ValueError, FloatingPointError
            As `Optimizer.step` does; the arrays are then still perturbed.
        """
        self._undone_on_error(params, lambda bound: bound.second_step(grads))

    def bind(self, params: Any) -> BoundSAM:
        """Tie arrays to the optimizer; the result has `step`, `first_step` and `second_step`, without `params`.

        Raises
        ------
        TypeError, ValueError
            As `Optimizer.bind` does.
        """
        if is_groups(params):
            bound = self._bind_groups(params)
            tree = [group["params"] for group in params]
            return BoundSAM(self, bound._indices, bound._labels, bound._structure, tree)
        leaves, labels, structure = flatten(params)
        return BoundSAM(self, self._attach_once(params, leaves, labels), labels, structure, params)

    def apply_gradients(self, grads_and_vars: Any) -> None:
        """Raise TypeError: a step of SAM needs two gradients.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("SAM needs two gradients a step: use step(params, function), or first_step and second_step.")

    def _undone_on_error(self, params: Any, act: Callable[[BoundSAM], None]) -> None:
        registered = len(self._core)
        try:
            act(self.bind(params))
        except BaseException:
            self._withdraw(registered)
            raise

    def _restore(self) -> None:
        for index in self._perturbed:
            np.copyto(np.asarray(self._core.parameter(index)), self._origins[index])
        self._perturbed = []


class BoundSAM(Bound):
    """Some arrays of a SAM, in a fixed order and structure. Made by `SAM.bind`."""

    optimizer: SAM

    def __init__(self, optimizer: SAM, indices: list[int], labels: list[str], structure: Structure, tree: Any) -> None:
        super().__init__(optimizer, indices, labels, structure)
        vars(self).pop("step", None)  # the engine's, where there is one
        self._tree = tree

    def __reduce__(self) -> tuple[Any, ...]:
        kind, arguments = super().__reduce__()
        return _bind_again, (kind, *arguments, self._tree)

    def step(self, grads: Callable[[Any], Any], /) -> None:
        """Take one step.

        Parameters
        ----------
        grads : callable
            As in `SAM.step`; it is given what was bound.

        Raises
        ------
        TypeError, ValueError, FloatingPointError
            As `SAM.step` does; all arrays, state and counters are then as they were.
        """
        if not callable(grads):
            raise TypeError(
                f"grads must be a function of the parameters, for a step of SAM needs two gradients; got "
                f"{describe(grads)}. first_step and second_step take gradients."
            )
        self.first_step(grads(self._tree))
        try:
            self.second_step(grads(self._tree))
        except BaseException:
            self.optimizer._restore()
            raise

    def first_step(self, grads: Any, /) -> None:
        """As `SAM.first_step`."""
        self._sam_step.ascend(self._flat(grads))

    def second_step(self, grads: Any, /) -> None:
        """As `SAM.second_step`."""
        self._sam_step.step(self._flat(grads))

    @property
    def _sam_step(self) -> SAMStep:
        assert isinstance(self._core, SAMStep)
        return self._core

    def _flat(self, grads: Any) -> Any:
        gradients = gather(self._structure, grads)
        return gradients if self._labels[0] else gradients[0]


def _bind_again(
    kind: type[BoundSAM], optimizer: SAM, indices: list[int], labels: list[str], structure: Structure, tree: Any
) -> BoundSAM:
    """A copy: gradients are asked for at the arrays that are stepped, also where the tree has other copies of them."""
    if any(optimizer._core.find(np.asarray(leaf)) < 0 for leaf in flatten(tree)[0]):
        tree = fill(structure, iter([optimizer._core.parameter(index) for index in indices]))
    return kind(optimizer, indices, labels, structure, tree)


class SAMStep:
    """The halves of a step: `ascend`, then `step`."""

    def __init__(self, owner: SAM, indices: list[int], labels: list[str], inner: Step) -> None:
        self._owner, self._indices, self._labels, self._inner = owner, indices, labels, inner

    def check(self, gradients: Any, /) -> None:
        """Raise what `step` would before it writes anything."""
        self._inner.check(gradients)

    def ascend(self, gradients: Any) -> None:
        """Move to the neighbour."""
        owner = self._owner
        if owner._perturbed:
            raise RuntimeError("first_step must be followed by second_step, before another first_step.")
        self._inner.check(gradients)
        owner.flush()  # rows that a row-sparse gradient left behind
        pairs = self._pairs(gradients if self._labels[0] else [gradients])
        for index, w, _ in pairs:
            if index not in owner._origins:
                owner._origins[index] = np.empty(w.shape, w.dtype)
            np.copyto(owner._origins[index], w)
        owner._perturbed = [index for index, _, _ in pairs]
        try:
            _core.climb([w for _, w, _ in pairs], [g for _, _, g in pairs], owner.rho, owner.adaptive)
        except BaseException:
            owner._restore()
            raise

    def step(self, gradients: Any, /) -> None:
        """Move back and take the step."""
        owner = self._owner
        if not owner._perturbed:
            raise RuntimeError("second_step must follow first_step.")
        if not set(owner._perturbed) <= set(self._indices):
            raise ValueError("parameters must be those of the first_step.")
        self.check(gradients)
        owner._restore()
        self._inner.step(gradients)

    def _pairs(self, gradients: Sequence[Any]) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Number, array and gradient of those that have one; by their numbers, the order in which `fit` sums norms."""
        parameter = self._owner._core.parameter
        pairs = [
            (index, np.asarray(parameter(index)), as_gradient(gradient, noun("gradient", label)))
            for index, label, gradient in zip(self._indices, self._labels, gradients, strict=True)
            if gradient is not None
        ]
        return sorted(pairs, key=lambda pair: pair[0])
