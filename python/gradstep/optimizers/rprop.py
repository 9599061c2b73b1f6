"""Rprop: a step size per weight, from signs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base.arguments import arguments
from .base.hyperparameters import Hyperparameter
from .base.optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .base.options import Options


class Rprop(Optimizer):
    """Rprop: step sizes that grow while the sign of a gradient stays the same, and shrink when it changes.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size of every weight before its first step; at least 0. Later changes of it have no effect on that weight.
    eta_minus : float, default 0.5
        Factor of the step size after a turn; above 0, below 1.
    eta_plus : float, default 1.2
        Factor of the step size while the sign stays; above 1.
    step_size_min : float, default 1e-6
        Smallest step size; at least 0.
    step_size_max : float, default 50.0
        Largest step size; at least 0. It holds if both bounds cross.
    name : str, default "rprop"
        Name in the config.

    State
    -----
    previous : ndarray, shape and dtype of the parameter
        The gradient of the last step, from 0; and 0 after a turn.
    step_size : ndarray, shape and dtype of the parameter
        Step size of each weight, from `learning_rate`.

    Raises
    ------
    TypeError, ValueError
        A hyperparameter is not a real number, or not within its range.

    Notes
    -----
    .. math::

        d_t &= \\begin{cases}
            \\eta^+ d_{t-1} & g_t g_{t-1} > 0 \\\\ \\eta^- d_{t-1} & g_t g_{t-1} < 0 \\\\ d_{t-1} & \\text{otherwise}
        \\end{cases}, \\quad \\text{within } [d_{\\min}, d_{\\max}] \\\\
        w_t &= w_{t-1} - d_t \\operatorname{sign}(g_t), \\quad
               \\text{with } g_t \\text{ set to 0 first if } g_t g_{t-1} < 0

    with :math:`d` ``step_size``, :math:`\\eta^-, \\eta^+` ``eta_minus, eta_plus`` and :math:`d_{\\min}, d_{\\max}`
    ``step_size_min, step_size_max``. For gradients of a whole data set: signs of small batches turn by chance. This is
    PyTorch's form, the `etas` and `step_sizes` of which are pairs. Here the product of two small gradients cannot
    underflow to 0, for only its sign is taken. Keras has no Rprop.

    References
    ----------
    Riedmiller, Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", ICNN 1993,
    doi:10.1109/ICNN.1993.298623.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([1.0, -2.0])
    >>> opt = gs.optimizers.Rprop(learning_rate=0.25, eta_plus=2.0)
    >>> for _ in range(3):
    ...     opt.step(w, 2 * w)  # steps of 0.25, 0.5 and 1; the first weight turns after the third
    >>> w
    array([-0.75, -0.25])
    >>> opt.step(w, 2 * w)  # and rests, with half of its step size
    >>> opt.state_dict()["0.step_size"]
    array([0.5, 2. ])
    """

    eta_minus = Hyperparameter()
    eta_plus = Hyperparameter()
    step_size_min = Hyperparameter()
    step_size_max = Hyperparameter()

    def __init__(
        self,
        learning_rate: float = 0.01,
        eta_minus: float = 0.5,
        eta_plus: float = 1.2,
        step_size_min: float = 1e-6,
        step_size_max: float = 50.0,
        *,
        name: str = "rprop",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**arguments("Rprop", locals()))
