"""`export_c` and `export_onnx` of models."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..checks import describe
from ..saving.atomic import path_of, replacing, wanted

if TYPE_CHECKING:
    from .._core import Guard

__all__ = ["Exports"]

# Words of C that a function cannot be called by, with "_predict" behind none is left.
IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


class Exports:
    """Mixin of models for files that other tools run."""

    name: str

    if TYPE_CHECKING:

        @property
        def _guard(self) -> Guard: ...
        @property
        def output_names(self) -> list[str]: ...

    def export_c(self, filepath: str | os.PathLike[str], name: str | None = None, overwrite: bool = True) -> None:
        """Export what `predict` computes as one C file, which needs the standard library's math alone.

        Parameters
        ----------
        filepath : str or path
            Of the file, which usually ends in ``.c``.
        name : str, optional
            What its function begins with: ``NAME_predict``; by default the model's name.
        overwrite : bool, default True
            As in `save`.

        Raises
        ------
        TypeError
            `filepath` or `name` is no str.
        ValueError
            The model is not built, or has a layer in NumPy or a stateful one, which the message names; a weight is not
            finite; `name` is no identifier of C. Nothing is written then.
        OSError
            As in `save`.

        Notes
        -----
        The file is C99 without extensions. Weights are constant arrays of the model's dtype, and long sums are made in
        double, so that numbers agree with `predict` but for rounding. ``NAME_predict(rows, x, y, scratch)`` allocates
        nothing: the caller brings ``NAME_SCRATCH`` numbers to work in. Rows are computed one after another, on one
        thread and without a BLAS: the file is for places where Python is not, and not for speed. Layers that draw, such
        as `Dropout`, do nothing, as in `predict`.

        Examples
        --------
        >>> import os, tempfile
        >>> import gradstep as gs
        >>> model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(3, "relu"), gs.layers.Dense(1)], name="price")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export_c(os.path.join(folder, "price.c"))
        ...     with open(os.path.join(folder, "price.c")) as file:
        ...         print([line.rstrip() for line in file if line.startswith("void")][0])
        void price_predict(size_t rows, const real *x, real *y, real *scratch);
        """
        from .c_file import c_source
        from .lowering import program_of

        path = path_of(filepath)
        chosen = re.sub(r"\W", "_", self.name) if name is None else name
        if not isinstance(chosen, str):
            raise TypeError(f"name must be a str; got {describe(name)}.")
        chosen = f"_{chosen}" if name is None and chosen[:1].isdigit() else chosen
        if not IDENTIFIER.match(chosen):
            raise ValueError(f"name must be an identifier of C; got {chosen!r}.")
        with self._guard:
            text = c_source(program_of(self, "C"), chosen, self.output_names)
        _write(path, text.encode(), overwrite)

    def export_onnx(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Export what `predict` computes as an ONNX file (extra ``onnx``).

        Parameters
        ----------
        filepath : str or path
            Of the file, which usually ends in ``.onnx``.
        overwrite : bool, default True
            As in `save`.

        Raises
        ------
        TypeError, ValueError, OSError
            As `export_c` does.
        ImportError
            onnx is not installed: ``pip install "gradstep[onnx]"``.

        Notes
        -----
        Operators are those of opset 17, without extensions. Inputs and outputs have the names and shapes of the
        model's, with any number of rows: those that are ids, of an `Embedding`, are floats too unless
        ``Input(dtype="int32")`` says otherwise. Recurrent layers are a ``Scan`` over their steps. What `compile`
        was given is not in the file. The config of the model is, in its metadata, so that `models.from_onnx` gives the
        model with these layers.

        Examples
        --------
        >>> import gradstep as gs
        >>> model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(1)])
        >>> model.export_onnx("price.onnx")  # doctest: +SKIP
        """
        from .lowering import program_of
        from .onnx_file import onnx_bytes, onnx_module

        path = path_of(filepath)
        onnx_module()
        with self._guard:
            data = onnx_bytes(self, program_of(self, "ONNX"))
        _write(path, data, overwrite)

    def export(self, filepath: str | os.PathLike[str], format: str | None = None, overwrite: bool = True) -> None:
        """Export what `predict` computes for other tools: `export_onnx` or `export_c`, by Keras's name.

        Parameters
        ----------
        filepath : str or path
            Of the file.
        format : {"onnx", "c"}, optional
            By default what `filepath` ends in: ``.onnx`` or ``.c``.
        overwrite : bool, default True
            As in `save`.

        Raises
        ------
        TypeError, ValueError, OSError, ImportError
            As `export_onnx` and `export_c` do; or `format` is another one.

        Notes
        -----
        Keras's other formats (``"tf_saved_model"``, ``"openvino"``, ``"litert"``) are made by their own converters,
        from the ONNX file.

        Examples
        --------
        >>> import os, tempfile
        >>> import gradstep as gs
        >>> model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(os.path.join(folder, "price.c"), format="c")
        ...     os.listdir(folder)
        ['price.c']
        """
        path = path_of(filepath)
        chosen = os.path.splitext(path)[1].removeprefix(".").lower() if format is None else format
        if chosen == "onnx":
            self.export_onnx(path, overwrite)
        elif chosen == "c":
            self.export_c(path, overwrite=overwrite)
        elif format is None:
            raise ValueError(f"filepath must end in .onnx or .c where no format is given; got {path!r}.")
        else:
            raise ValueError(f'format must be "onnx" or "c"; got {format!r}. Converters of other formats read ONNX.')


def _write(path: str, data: bytes, overwrite: bool) -> None:
    if wanted(path, overwrite):
        with replacing(path) as file:
            file.write(data)
