"""Muon: momentum made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from ..checks import check_bool, describe
from .base.arguments import arguments
from .base.defaults import default
from .base.dialects import DialectOptions, rule_name
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer
from .schedules.base import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import OptionsBesideDecay


class Muon(DialectOptions, Optimizer):
    """Muon: momentum orthogonalized by Newton-Schulz iterations; `AdamW` updates everything but matrices.

    Meant for the kernels of hidden layers. Biases and other arrays that have not two axes, those with "embedding" in
    their name and those that `exclude_layers` names are moved by AdamW; name the last layer there.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule, default 0.001
        Step size; at least 0.
    adam_beta_1 : float, default 0.9
        Share of `m` kept from step to step, in AdamW; at least 0, below 1.
    adam_beta_2 : float, default 0.999
        Share of `v` kept from step to step, in AdamW; at least 0, below 1.
    adam_weight_decay : float, default 0.004
        The `weight_decay` of AdamW; at least 0.
    epsilon : float, default 1e-7
        Added to the root of `v`, in AdamW; at least 0. In PyTorch's form also the least norm of a momentum.
    weight_decay : float or LearningRateSchedule, default 0.004 (torch: 0.1)
        Share of every weight that is removed before each step, times the learning rate; at least 0.
    exclude_layers : sequence of str, optional
        Patterns, searched with `re.search` in the names of arrays: keys of a dict, or a model's ``dense/kernel``.
    exclude_embeddings : bool, default True
        Whether names with "embedding" in them are excluded too.
    muon_a : float, default 3.4445
        Factor of x in the polynomial :math:`a x + b x^3 + c x^5` that singular values go through.
    muon_b : float, default -4.775
        Factor of its third power.
    muon_c : float, default 2.0315
        Factor of its fifth power.
    adam_lr_ratio : float, default 1.0
        The rate of AdamW over `learning_rate`; at least 0.
    momentum : float, default 0.95
        Share of `m` kept from step to step; from 0 to 1.
    ns_steps : int, default 5
        How many times they go through it; from 0 to 100. Of a fraction the whole part counts.
    nesterov : bool, default True
        Whether Nesterov momentum is used.
    rms_rate : float, default 0.2 (torch: infinite)
        Root mean square of a direction, nearly: it is scaled by ``rms_rate * sqrt(max(rows, columns))``. Infinite
        stands for Keras's None, no scale, and for PyTorch's own, ``sqrt(max(1, rows / columns))``.
    dialect : {"keras", "torch"}, default "keras"
        Whose form and defaults count.
    name : str, default "muon"
        Name in the config.

    State
    -----
    m : ndarray, shape and dtype of the parameter
        Momentum, from 0.
    v : ndarray, shape and dtype of the parameter
        Running mean of the squared gradient, from 0, in AdamW; without elements for a matrix.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range; another argument is of the wrong type;
        `state_dtype` is given, which is not for matrices.

    Notes
    -----
    .. math::

        m_t &= \\mu m_{t-1} + g_t, \\qquad x = g_t + \\mu m_t \\quad \\text{or without nesterov} \\quad x = m_t \\\\
        x &\\leftarrow x / (\\lVert x \\rVert + 10^{-7}), \\qquad
        x \\leftarrow a x + (b A + c A^2) x, \\; A = x x^\\top, \\quad \\text{ns\\_steps times} \\\\
        w_t &= w_{t-1} - \\eta \\, r \\sqrt{\\max(\\text{rows}, \\text{columns})} \\, x

    with :math:`\\eta` ``learning_rate``, :math:`\\mu` ``momentum``, :math:`a, b, c` ``muon_a, muon_b, muon_c``,
    :math:`r` ``rms_rate`` and :math:`\\lVert x \\rVert` the root of the sum of squares. A matrix with more rows than
    columns is turned on its side first. Singular values end between about 0.7 and 1.2.

    PyTorch's form: :math:`m_t = \\mu m_{t-1} + (1 - \\mu) g_t`, :math:`x = (1 - \\mu) g_t + \\mu m_t`, and the norm is
    kept at ``epsilon`` or more. PyTorch multiplies in bfloat16, here it is float32, or float64 for float64: its
    steps are near. It takes matrices only. ``adjust_lr_fn="match_rms_adamw"`` is ``rms_rate=0.2``.

    The products multiply, then add, also where the processor could do both at once, so that a step has the same bits on
    every instruction set. Two matrices of the size of the array are needed during a step.

    References
    ----------
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/.

    Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv:2502.16982: the scale.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.diag([3.0, 2.0, 1.0])
    >>> opt = gs.optimizers.Muon(learning_rate=0.05)
    >>> for _ in range(300):
    ...     opt.step(w, 2 * w)
    >>> bool(abs(w).max() < 0.05)
    True
    """

    weight_decay = Hyperparameter()
    adam_beta_1 = Hyperparameter()
    adam_beta_2 = Hyperparameter()
    adam_weight_decay = Hyperparameter()
    epsilon = Hyperparameter()
    muon_a = Hyperparameter()
    muon_b = Hyperparameter()
    muon_c = Hyperparameter()
    adam_lr_ratio = Hyperparameter()
    momentum = Hyperparameter()
    ns_steps = Hyperparameter()
    rms_rate = Hyperparameter()

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | LearningRateSchedule = default(0.004),
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1.0,
        momentum: float = 0.95,
        ns_steps: float = 5,
        nesterov: bool = True,
        rms_rate: float | None = default(0.2),
        *,
        dialect: str = "keras",
        name: str = "muon",
        **options: Unpack[OptionsBesideDecay],
    ) -> None:
        layers = [] if exclude_layers is None else exclude_layers
        if not isinstance(layers, (list, tuple)):
            raise TypeError(f"exclude_layers must be a list of patterns (str); got {describe(layers)}.")
        for i, pattern in enumerate(layers):
            if not isinstance(pattern, str):
                raise TypeError(f"exclude_layers[{i}] must be a str; got {describe(pattern)}.")
        self._exclude_layers, self._exclude_embeddings = (
            list(layers),
            check_bool("exclude_embeddings", exclude_embeddings),
        )
        rms_rate = inf if rms_rate is None else rms_rate
        rule = rule_name("Muon" if check_bool("nesterov", nesterov) else "MuonHeavyBall", dialect)
        super().__init__(**arguments(rule, locals()))

    @property
    def nesterov(self) -> bool:
        """Whether Nesterov momentum is used."""
        return not self._core.rule.endswith("HeavyBall")

    @property
    def exclude_layers(self) -> list[str]:
        """Patterns of the names of arrays that AdamW updates."""
        return list(self._exclude_layers)

    @property
    def exclude_embeddings(self) -> bool:
        """Whether AdamW updates arrays with "embedding" in their names."""
        return self._exclude_embeddings

    def _uses_fallback(self, name: str) -> bool:
        embedding = self._exclude_embeddings and "embedding" in name.lower()
        return embedding or any(re.search(pattern, name) for pattern in self._exclude_layers)

    def _engine_options(self, rule: str) -> dict[str, Any]:
        return {**super()._engine_options(rule), "coupled_decay": False}  # in both libraries

    def _arguments(self) -> dict[str, Any]:
        own = super()._arguments()
        layers = self._exclude_layers or None
        return {
            **own,
            "exclude_layers": layers,
            "exclude_embeddings": self._exclude_embeddings,
            "nesterov": self.nesterov,
        }
