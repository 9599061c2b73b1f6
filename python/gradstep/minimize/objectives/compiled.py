"""Functions in machine code that `minimize` calls without Python: Numba's, SciPy's, ctypes's, cffi's and Cython's."""

from __future__ import annotations

import re
import sys
from typing import Any

from ... import _core

__all__ = ["machine_code"]

WANTED = "double f(intptr n, const double *x, double *grad_or_NULL, void *user), or the same with float"
INTEGERS = {"intptr", "int64", "long", "longlong", "ssize_t", "Py_ssize_t", "npy_intp"}
REALS = {"double": False, "float64": False, "float": True, "float32": True}


def machine_code(fun: Any) -> Any:
    """A function in machine code as the core calls it; None for a function of Python.

    Parameters
    ----------
    fun : object
        A Numba ``cfunc``, a SciPy ``LowLevelCallable``, a function pointer of ctypes or cffi, or a capsule as Cython
        makes it, of ``double f(intptr n, const double *x, double *grad_or_NULL, void *user)`` or the same with float.

    Raises
    ------
    TypeError
        It has another signature, or one that does not say what it is.
    """
    if isinstance(fun, _core.MachineCode):
        return fun
    kind, module = type(fun).__name__, type(fun).__module__
    if kind == "PyCapsule":
        return _of_capsule(fun, fun)
    if kind == "LowLevelCallable" and isinstance(fun, tuple):
        return _of_capsule(tuple.__getitem__(fun, 0), fun)
    if module.startswith("numba") and hasattr(fun, "address") and hasattr(fun, "_sig"):
        signature = fun._sig
        # In Numba a pointer that is null is hard to tell: it never gets one.
        return _made(fun.address, 0, [str(signature.return_type), *map(str, signature.args)], fun, always_fills=True)
    if hasattr(type(fun), "argtypes") and hasattr(type(fun), "restype"):  # ctypes
        words = [_of_ctypes(fun.restype), *map(_of_ctypes, fun.argtypes or ())]
        return _made(int.from_bytes(bytes(fun), sys.byteorder), 0, words, fun)
    if module == "_cffi_backend":
        cffi = sys.modules[module]
        words = re.split(r"[(),]+", cffi.typeof(fun).cname.replace("(*)", ""))
        return _made(int(cffi.cast(cffi.new_primitive_type("intptr_t"), fun)), 0, [word for word in words if word], fun)
    return None


def _of_capsule(capsule: Any, owner: Any) -> Any:
    address, user, name = _core.open_capsule(capsule)
    words = re.split(r"[(),]+", name)
    return _made(address, user, [word for word in words if word.strip()], owner)


def _of_ctypes(kind: Any) -> str:
    """The name of a C type: of ctypes's classes, the words before their ``c_``."""
    if kind is None:
        return "none"
    name = str(kind.__name__)
    if name.startswith("LP_"):
        return _of_ctypes(kind._type_) + " *"
    if name == "c_void_p":
        return "void *"
    return {"c_long": "long", "c_longlong": "longlong"}.get(name, name.removeprefix("c_"))


def _word(text: str) -> str:
    """A type of C or Numba by one name, pointers with a star."""
    text = re.sub(r"\b(const|restrict|struct)\b", "", text.strip())
    text = re.sub(r"\b(float|double|void|int64_t|intptr_t)\s*\*\s*\w*", r"\1*", text)
    text = text.replace("long long", "longlong").replace("long int", "long").replace("int64_t", "int64")
    text = text.replace("intptr_t", "intptr").replace(" ", "").rstrip("_")
    if text == "voidptr":
        return "void*"
    star = re.fullmatch(r"(float32|float64|double|float)\*", text)
    return f"{star[1]}*" if star else text


def _made(address: int, user: int, signature: list[str], owner: Any, always_fills: bool = False) -> Any:
    words = [_word(word) for word in signature]
    single = REALS.get(words[0]) if words else None
    right = (
        single is not None
        and len(words) == 5
        and words[1] in INTEGERS
        and words[2].endswith("*")
        and words[3].endswith("*")
        and REALS.get(words[2][:-1]) is single
        and REALS.get(words[3][:-1]) is single
        and words[4] == "void*"
    )
    if single is None or not right or not address:
        got = f"{signature[0].strip()} ({', '.join(word.strip() for word in signature[1:])})" if signature else "none"
        raise TypeError(f"fun in machine code must be {WANTED}; its signature is {got}.")
    return _core.MachineCode(address, user, single, always_fills, owner)
