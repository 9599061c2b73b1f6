"""Base class of the optimizers; the update rules are in C++ (csrc/optimizers)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...checks import describe, is_sequence, shown
from .arrays import as_parameter, flatten, gather
from .attached import Attached
from .bound import Bound
from .copying import Copied
from .groups import Group, is_groups, settings
from .hyperparameters import Hyperparameter
from .sparse import as_rows
from .state import Stateful
from .stepped import Stepped

__all__ = ["Hyperparameter", "Optimizer"]


class Optimizer(Attached, Copied, Stateful):
    """Base class of the optimizers, which update arrays in place by their gradients.

    Not used itself. A subclass names its update rule and the rule's hyperparameters; everything else is here.

    Parameters
    ----------
    rule : str
        Name of an update rule of the compiled engine.
    name : str
        Name of the optimizer, as in its config.
    options : dict, optional
        What every optimizer can be asked for, by name: the keywords from ``weight_decay`` on.
    **hyperparameters : float or LearningRateSchedule
        A value for every field of the rule.

    Raises
    ------
    TypeError
        A hyperparameter is not a real number.
    ValueError
        A hyperparameter is outside its bounds, NaN or infinite.

    Notes
    -----
    State is tied to an array by the memory it covers, not by its place in a list: ``step([w, b], ...)`` and
    ``step([b, w], ...)`` mean the same, and so do two views of the same elements. An array that was resized, reshaped
    or reallocated since its first step is an error, and so is a new array in the place of one that is gone, as after
    ``params["w"] = np.clip(params["w"], 0, 1)``: write into it, ``params["w"][...] = np.clip(...)``. The optimizer
    holds its arrays: their memory is not reused.

    Optimizers can be pickled and copied, and continue bit for bit. ``pickle`` and `copy.deepcopy` include the arrays:
    copy them together with the optimizer, as in ``{"params": params, "optimizer": optimizer}``. A copy without such
    arrays takes those of its first step that have the same names, shapes and dtypes. `copy.copy` gives an optimizer
    of the same arrays, with separate state.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.ones(2)
    >>> optimizer = gs.optimizers.SGD(learning_rate=0.5)
    >>> optimizer.step(w, np.ones(2))
    >>> w, optimizer.iterations, isinstance(optimizer, gs.optimizers.Optimizer)
    (array([0.5, 0.5]), 1, True)
    """

    def _rated_optimizers(self) -> Sequence[Optimizer]:
        """The contained optimizers with separate learning rates; empty if there is one rate."""
        return ()

    def _leaves(self) -> list[Optimizer]:
        """The optimizers with a rule that this one is made of, each once."""
        return [self]

    def _leaf_positions(self, indices: Sequence[int]) -> list[tuple[int, int]]:
        """Which of the leaves steps each of these arrays, and its number there."""
        return [(0, index) for index in indices]

    _built: tuple[list[int], list[str]] | None = None  # numbers and labels of the arrays

    def step(self, params: Any, grads: Any) -> None:
        """Take one step: update `params`, in place.

        Parameters
        ----------
        params : array, or sequence or dict of arrays, nested to any depth
            float32 or float64, writable, of any strides; no two may share memory. An array is an ndarray, or anything
            on the CPU with ``__array_interface__``, the buffer protocol or DLPack (a PyTorch tensor; NumPy 2.1). In a
            build with CUDA, also arrays on a GPU in C order, with ``__cuda_array_interface__`` (CuPy) or PyTorch's: the
            step is queued on their stream.
        grads : the same structure
            The gradient of each array, of its shape and dtype; None leaves an array as it is. A `RowSparse` or SciPy
            CSR matrix stands for an array that is 0 but for some rows.

        Raises
        ------
        TypeError
            Something is not an array, or has another dtype, or the structures differ in kind.
        ValueError
            A shape, length or key differs; an array is read-only, misaligned, overlaps another, was resized, reshaped
            or reallocated since its first step, or took the place of another.

        After an error all arrays, state and counters are as they were.

        Notes
        -----
        Subnormal numbers count as 0 in a step: a weight, gradient or number of the state below 1.2e-38 in float32, or
        2.2e-308 in float64, becomes 0.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> params = {"w": np.array([1.0, -2.0]), "b": np.array(0.5)}
        >>> gs.optimizers.SGD(learning_rate=0.5).step(params, {"w": np.array([1.0, 1.0]), "b": np.array(1.0)})
        >>> params["w"], params["b"]
        (array([ 0.5, -2.5]), array(0.))
        """
        known = self._known
        if known is not None and known.last is self._last and not self._unclaimed:
            gradients = known.gradients(params, grads)
            if gradients is not None:
                known.last[2].step(gradients)
                tree = params if isinstance(params, (list, dict)) else None
                if tree is not self._stepped:
                    self._stepped = tree
                return
        leaves, labels, structure = flatten(params)
        gradients = gather(structure, grads)
        registered = len(self._core)
        try:
            indices = self._attach_once(params, leaves, labels)
            bound = self._bound(indices, labels)
            bound[2].step(gradients if labels[0] else gradients[0])
        except Exception:
            self._withdraw(registered)
            raise
        self._stepped = params if isinstance(params, (list, dict)) else None
        self._known = Stepped(params, leaves, structure, bound)

    def bind(self, params: Any) -> Bound:
        """Tie arrays to the optimizer once, for the fastest steps: no lookups or checks of the arrays per step.

        Parameters
        ----------
        params : array, or sequence or dict of arrays, nested to any depth
            As in `step`. Or groups, ``[{"params": ..., "learning_rate": 1e-4, "weight_decay": 0}, ...]``: arrays with
            separate values for any hyperparameters; `groups` has them afterwards.

        Returns
        -------
        Bound
            Its ``step(grads)`` takes a step; with groups, `grads` is a list of what each group's ``"params"`` was.
            State is shared with the unbound form.

        Raises
        ------
        TypeError, ValueError
            As `step` does for `params`; ValueError if a group names no hyperparameter, or holds an array that the
            optimizer has already.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> w = np.array([1.0, -2.0])
        >>> bound = gs.optimizers.SGD(learning_rate=0.5).bind(w)
        >>> bound.step(2 * w); w
        array([0., 0.])
        """
        if is_groups(params):
            return self._bind_groups(params)
        leaves, labels, structure = flatten(params)
        return Bound(self, self._attach_once(params, leaves, labels), labels, structure)

    def _bind_groups(self, groups: Sequence[Mapping[str, Any]]) -> Bound:
        chosen = [settings(self, group, f"[{i}]") for i, group in enumerate(groups)]
        leaves, labels, structure = flatten([group["params"] for group in groups])
        owner = [i for i, group in enumerate(groups) for _ in range(len(flatten(group["params"])[0]))]
        registered, before = len(self._core), self._core.groups
        try:
            for own in chosen:
                index = self._core.add_group({})
                for name, value in own.items():
                    Group(self, index)[name] = value
            indices = self._attach(leaves, labels, [before + i for i in owner])
            for i, index in zip(owner, indices, strict=True):
                if self._core.group_of(index) != before + i:
                    raise ValueError("groups must be made of arrays that this optimizer does not know yet.")
            return Bound(self, indices, labels, structure)
        except Exception:
            self._withdraw(registered)
            self._core.truncate_groups(before)
            self._group_schedules = {key: s for key, s in self._group_schedules.items() if key[0] < before}
            raise

    @property
    def groups(self) -> list[Group]:
        """The parameter groups made by `bind`, in order. The first one has all arrays given without a group."""
        return [Group(self, index) for index in range(self._core.groups)]

    def flush(self, array: Any = None, rows: Any = None) -> None:
        """Apply the pending updates of rows that were not in the last row-sparse gradients: see `RowSparse`.

        To be called before such rows are read; `state_dict`, `fit` and a dense gradient do it by themselves. What is
        flushed then is what dense gradients would have made of it.

        Parameters
        ----------
        array : array, optional
            One that is stepped, if `rows` are given; by default all rows of all arrays are flushed.
        rows : array of int, shape (n,)
            Which of its rows, in any order.

        Raises
        ------
        TypeError
            Only one of the two is given, or has a wrong type.
        ValueError
            A row is out of range, or an array was resized, reshaped or reallocated since its first step.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> table, opt = np.zeros((3, 1)), gs.optimizers.SGD(learning_rate=1.0, momentum=0.5)
        >>> for row in [0, 1]:
        ...     opt.step(table, gs.RowSparse([row], np.ones((1, 1)), (3, 1)))
        >>> table.ravel()
        array([-1., -1.,  0.])
        >>> opt.flush(table, [0])
        >>> table.ravel()
        array([-1.5, -1. ,  0. ])
        """
        if array is None and rows is None:
            return self._core.flush()
        if array is None or rows is None:
            raise TypeError("flush takes an array and its rows, or neither.")
        parameter = as_parameter(array, "array")
        if not parameter.ndim:
            raise ValueError("array must have rows; got one of shape ().")
        wanted, index = as_rows(rows, len(parameter)), self._core.find(parameter)
        if index >= 0:  # others have missed nothing
            self._core.flush_rows(index, wanted)
        return None

    def build(self, variables: Sequence[Any]) -> None:
        """Create the state of arrays before their first step, as in Keras. ``apply(grads)`` then updates them.

        Raises
        ------
        TypeError, ValueError
            As `bind` does.
        """
        leaves, labels, _ = flatten(list(variables))
        self._built = self._attach_once(variables, leaves, labels), labels

    @property
    def variables(self) -> list[np.ndarray]:
        """Iterations, learning rate (unless it follows a schedule) and state of all arrays.

        State is given itself, and may be written in place; the first two are copies.
        """
        self._core.flush()
        others = set(self._all_fields()) - {"learning_rate"}
        return [array for name, array in self._state().items() if name.rpartition(".")[2] not in others]

    def scale_loss(self, loss: Any) -> Any:
        """The loss times ``loss_scale_factor``, by which gradients are divided again."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def apply(self, grads: Any, params: Any = None) -> None:
        """Take one step, with the arguments in Keras's order; without `params`, of the arrays given to `build`.

        Raises
        ------
        TypeError, ValueError
            As `step` does; ValueError without `params` before `build`.
        """
        if params is not None:
            self.step(params, grads)
        elif self._built is None:
            raise ValueError("params must be given, or build(params) called first.")
        else:
            indices, labels = self._built
            self._bound(indices, labels)[2].step(list(grads))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Take one step with pairs of gradient and array: ``apply_gradients(zip(grads, params))``, as in Keras.

        Raises
        ------
        TypeError, ValueError
            As `step` does; ValueError for an element that is not a pair.
        """
        try:
            pairs = [tuple(pair) for pair in grads_and_vars]
        except TypeError:
            got = shown(grads_and_vars)
            raise TypeError(
                f"grads_and_vars must be pairs (gradient, array), as of zip(grads, params); got {got}."
            ) from None
        for i, pair in enumerate(pairs):
            if len(pair) != 2:
                raise ValueError(f"grads_and_vars[{i}] must be a pair (gradient, array); it has length {len(pair)}.")
        self.step([param for _, param in pairs], [grad for grad, _ in pairs])

    # -- beside steps ----

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude arrays from ``weight_decay``, as in Keras.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The arrays.
        var_names : sequence of str, optional
            Patterns, searched with `re.search` in the names of arrays and in their last part, as Keras does: a model's
            ``dense/bias``; ``out/bias`` for ``params["out"]["bias"]``. An array given alone has no name.

        Raises
        ------
        TypeError
            Not a sequence, or an element of it is no array, or no str.
        ValueError
            A pattern is no regular expression.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> params = {"kernel": np.ones(2), "bias": np.ones(2)}
        >>> opt = gs.optimizers.SGD(learning_rate=0.5, weight_decay=0.5)
        >>> opt.exclude_from_weight_decay(var_names=["bias"])
        >>> opt.step(params, {"kernel": np.zeros(2), "bias": np.zeros(2)})
        >>> params["kernel"], params["bias"]
        (array([0.75, 0.75]), array([1., 1.]))
        """
        for name, given in (("var_list", var_list), ("var_names", var_names)):
            if given is not None and not is_sequence(given):
                raise TypeError(f"{name} must be a sequence; got {describe(given)}.")
        arrays = [as_parameter(array, f"var_list[{i}]") for i, array in enumerate(var_list or [])]
        patterns = list(var_names or [])
        for i, pattern in enumerate(patterns):
            if not isinstance(pattern, str):
                raise TypeError(f"var_names[{i}] must be a str; got {describe(pattern)}.")
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"var_names[{i}] must be a regular expression; got {pattern!r}: {error}.") from None
        self._excluded[0].extend(arrays)
        self._excluded[1].extend(patterns)
        for index in range(len(self._core)):
            self._core.set_decays(index, self._decays(self._core.parameter(index), self._names[index]))

    def finalize_variable_values(self, var_list: Any) -> None:
        """Set arrays to their running averages, as Keras does at the end of `fit`; without ``use_ema`` nothing happens.

        Parameters
        ----------
        var_list : array, or sequence or dict of arrays
            Some that have been stepped. Others stay as they are.

        Raises
        ------
        TypeError
            Something is not an array.
        """
        if not self.use_ema or self.iterations == 0:
            return
        for leaf in flatten(var_list)[0]:
            array = as_parameter(leaf, "parameter")
            index = self._core.find(array)
            if index >= 0:
                array[...] = self._core.state(index)["average"]
