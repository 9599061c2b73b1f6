"""Every kind of array is either moved in place, as its contiguous copy would be, or refused with no byte changed."""

from __future__ import annotations

import array
import ctypes
import tempfile
from typing import Any, NamedTuple

import gpu
import numpy as np
import pytest
from gradstep import _core
from numpy.lib.stride_tricks import as_strided, sliding_window_view

N = 60


def numbers(dtype: Any = "f8", n: int = N) -> np.ndarray:
    return np.linspace(-1.0, 1.0, n).astype(dtype)


class Kind(NamedTuple):
    """What a user passes, the same elements as an ndarray, and the memory that they lie in."""

    param: Any
    view: np.ndarray
    base: np.ndarray

    def bytes(self) -> bytes:
        return np.ascontiguousarray(self.base).tobytes()


def of(view: np.ndarray, base: np.ndarray | None = None) -> Kind:
    return Kind(view, view, view if base is None else base)


class Subclass(np.ndarray):
    pass


class Interface:
    """An object that lends its memory by ``__array_interface__`` only."""

    def __init__(self, a: np.ndarray) -> None:
        self.a = a
        self.__array_interface__ = a.__array_interface__


class DLPack:
    """An object that lends its memory by DLPack only, as a PyTorch tensor does."""

    requires_grad = False
    device = (1, 0)

    def __init__(self, a: np.ndarray) -> None:
        self.a = a

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.a.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


class OnGPU(DLPack):
    device = (2, 0)


class InGraph(DLPack):
    requires_grad = True


class Converts:
    """An object that only gives copies of itself."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return numbers()


def memory_map(mode: str, step: int = 1) -> Kind:
    with tempfile.TemporaryFile() as file:
        file.write(numbers().tobytes())
        file.flush()
        a = np.memmap(file, dtype="f8", mode=mode)
    return of(a[::step], a)


def lent(owner: Any, view: np.ndarray) -> Kind:
    return Kind(owner, view, view)


def misaligned(dtype: str) -> Kind:
    base = np.zeros(N * 8 + 1, "u1")
    view = base[1 : 1 + N * np.dtype(dtype).itemsize].view(dtype)
    view[...] = numbers(dtype)
    return of(view, base)


def field(align: bool) -> Kind:
    base = np.zeros(N, np.dtype([("tag", "u1"), ("x", "f8")], align=align))
    base["x"] = numbers()
    return of(base["x"], base)


def part(make: Any, dtype: str = "f8", shape: Any = (N,)) -> Kind:
    base = numbers(dtype).reshape(shape)
    return of(make(base), base)


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.view()
    a.flags.writeable = False
    return a


def buffer(owner: Any) -> Kind:
    return lent(owner, np.asarray(memoryview(owner)))


def fortran() -> Kind:
    return of(np.asfortranarray(numbers().reshape(6, 10)))


IN_PLACE = {
    "float64": lambda: part(lambda a: a),
    "float32": lambda: part(lambda a: a, "f4"),
    "every second": lambda: part(lambda a: a[::2]),
    "every third, float32": lambda: part(lambda a: a[1::3], "f4"),
    "reversed": lambda: part(lambda a: a[::-1]),
    "every second from the end": lambda: part(lambda a: a[::-2], "f4"),
    "middle": lambda: part(lambda a: a[7:23]),
    "Fortran order": fortran,
    "transposed": lambda: part(lambda a: a.T, shape=(3, 4, 5)),
    "axes swapped": lambda: part(lambda a: a.swapaxes(0, 1), shape=(3, 4, 5)),
    "column": lambda: part(lambda a: a[:, 3], shape=(6, 10)),
    "row": lambda: part(lambda a: a[3], shape=(6, 10)),
    "block": lambda: part(lambda a: a[1:4, 2:9], "f4", shape=(6, 10)),
    "diagonal": lambda: part(lambda a: np.einsum("ii->i", a[:, :6]), shape=(6, 10)),
    "mixed strides": lambda: part(lambda a: a[::2, ::-1, 1:4], shape=(3, 4, 5)),
    "reversed in both axes": lambda: part(lambda a: a[::-1, ::-1], shape=(6, 10)),
    "0-d": lambda: of(np.array(0.5)),
    "0-d view": lambda: part(lambda a: a[3, ...], "f4"),
    "empty": lambda: of(np.zeros(0)),
    "empty in one axis": lambda: of(np.zeros((3, 0, 2), "f4")),
    "axes of one": lambda: part(lambda a: a[None, :, None]),
    "stride 0 over one element": lambda: part(lambda a: as_strided(a, (1, N), (0, 8))),
    "32 axes": lambda: part(lambda a: a.reshape((1,) * 31 + (N,))),
    "own strides": lambda: part(lambda a: as_strided(a, (5, 3), (96, 16))),
    "memmap": lambda: memory_map("r+"),
    "memmap, copy on write": lambda: memory_map("c"),
    "memmap, strided": lambda: memory_map("r+", 2),
    "matrix": lambda: of(numbers().reshape(6, 10).view(np.matrix)),
    "subclass": lambda: part(lambda a: a.view(Subclass)),
    "field of an aligned struct": lambda: field(align=True),
    "real part": lambda: (lambda z: of(z.real, z))(numbers("c16") * 1j),
    "imaginary part": lambda: (lambda z: of(z.imag, z))(numbers("c8") + 2),
    "over a bytearray": lambda: of(np.frombuffer(bytearray(numbers().tobytes()))),
    "bytes seen as floats": lambda: part(lambda a: a.view("u1").view("f8")),
    "array.array": lambda: buffer(array.array("d", range(10))),
    "array.array of floats": lambda: buffer(array.array("f", range(10))),
    "memoryview": lambda: (lambda a: lent(memoryview(a), a))(numbers()),
    "memoryview, strided": lambda: (lambda a: Kind(memoryview(a)[::2], a[::2], a))(numbers()),
    "ctypes": lambda: buffer((ctypes.c_double * 10)(*range(10))),
    "array interface": lambda: (lambda a: Kind(Interface(a[::3]), a[::3], a))(numbers()),
    "DLPack": lambda: (lambda a: lent(DLPack(a), a))(numbers("f4")),
    "DLPack, strided": lambda: (lambda a: Kind(DLPack(a[::2]), a[::2], a))(numbers()),
}

REFUSED = {
    "misaligned": (ValueError, lambda: misaligned("f8")),
    "misaligned float32": (ValueError, lambda: misaligned("f4")),
    "field of a packed struct": (ValueError, lambda: field(align=False)),
    "foreign byte order": (TypeError, lambda: of(numbers(np.dtype("f8").newbyteorder()))),
    "foreign byte order, float32": (TypeError, lambda: of(numbers(np.dtype("f4").newbyteorder()))),
    "read-only": (ValueError, lambda: part(read_only)),
    "memmap, read-only": (ValueError, lambda: memory_map("r")),
    "buffer, read-only": (ValueError, lambda: lent(memoryview(numbers()).toreadonly(), numbers())),
    "broadcast": (ValueError, lambda: part(lambda a: np.broadcast_to(a, (3, N)))),
    "broadcast, writable": (ValueError, lambda: part(lambda a: as_strided(a, (3, N), (0, 8)))),
    "overlapping windows": (ValueError, lambda: part(lambda a: sliding_window_view(a, 4, writeable=True))),
    "overlapping reversed": (ValueError, lambda: part(lambda a: as_strided(a[20:], (5, 5), (8, -16)))),
    "masked": (TypeError, lambda: part(lambda a: np.ma.masked_array(a, a > 0))),
    "masked, no mask set": (TypeError, lambda: part(np.ma.masked_array)),
    "structured": (TypeError, lambda: of(np.zeros(N, [("x", "f8")]))),
    "object": (TypeError, lambda: of(numbers("O"))),
    "float16, swapped": (TypeError, lambda: of(numbers("f2").astype(numbers("f2").dtype.newbyteorder()))),
    "long double": (TypeError, lambda: of(numbers("g"))),
    "int64": (TypeError, lambda: of(numbers("i8"))),
    "int32": (TypeError, lambda: of(numbers("i4"))),
    "uint8": (TypeError, lambda: of(numbers("u1"))),
    "bool": (TypeError, lambda: of(numbers("?"))),
    "complex128": (TypeError, lambda: of(numbers("c16"))),
    "complex64": (TypeError, lambda: of(numbers("c8"))),
    "dates": (TypeError, lambda: of(np.zeros(N, "M8[s]"))),
    "text array": (TypeError, lambda: of(numbers("U4"))),
    "array.array of ints": (TypeError, lambda: buffer(array.array("i", range(10)))),
    "bytes": (TypeError, lambda: lent(bytes(80), numbers(n=10))),
    "GPU": (TypeError, lambda: (lambda a: lent(OnGPU(a), a))(numbers())),
    "part of a graph": (TypeError, lambda: (lambda a: lent(InGraph(a), a))(numbers())),
    "converts to a copy": (TypeError, lambda: lent(Converts(), numbers())),
    "number": (TypeError, lambda: lent(1.0, np.ones(()))),
    "NumPy scalar": (TypeError, lambda: lent(np.float64(1.0), np.ones(()))),
    "text": (TypeError, lambda: lent("w", np.ones(()))),
    "None": (TypeError, lambda: lent(None, np.ones(()))),
    "set": (TypeError, lambda: lent({1.0}, np.ones(1))),
    "class": (TypeError, lambda: lent(np.ndarray, np.ones(1))),
}

if np.lib.NumpyVersion(np.__version__) < "2.1.0":  # it took all that comes by DLPack for read-only
    REFUSED |= {kind: (ValueError, IN_PLACE.pop(kind)) for kind in ("DLPack", "DLPack, strided")}


def test_there_are_at_least_48_kinds():
    assert len(IN_PLACE) + len(REFUSED) >= 48


@pytest.mark.grid("new", kind=IN_PLACE)
def test_moved_in_place_bit_for_bit_like_a_contiguous_copy(new, kind):
    """Sampled: each kind of array with each family of rules; --grid has all."""
    param, view, base = IN_PLACE[kind]()
    before, start = np.ascontiguousarray(base).tobytes(), view.copy()
    plain = np.ascontiguousarray(view)
    g = np.asarray(np.cos(np.arange(view.size)), view.dtype).reshape(view.shape)
    optimizer, other = new(), new()
    bound = optimizer.bind(param)
    optimizer.step(param, g)
    bound.step(g)
    for _ in range(2):
        other.step(plain.reshape(view.shape), g)
    assert optimizer.iterations == 2
    assert view.tobytes() == plain.tobytes()
    assert view.size == 0 or view.tobytes() != start.tobytes()
    view[...] = start
    assert np.ascontiguousarray(base).tobytes() == before, "an element beside the array was written"


@pytest.mark.grid("new", kind=REFUSED)
def test_refused_with_no_byte_changed(new, kind):
    """Sampled: each kind of array with each family of rules; --grid has all."""
    error, make = REFUSED[kind]
    refused = make()
    before = refused.bytes()
    good = numbers()
    g = np.ones(refused.view.shape)
    for params, grads, name in [
        (refused.param, g, "parameter"),
        ([good, refused.param], [np.ones(N), g], r"parameters\[1\]"),
        ({"w": good, "x": refused.param}, {"w": np.ones(N), "x": g}, r"parameters\['x'\]"),
    ]:
        optimizer = new()
        with pytest.raises(error, match=f"^{name} "):
            optimizer.bind(params)
        with pytest.raises(error):
            optimizer.step(params, grads)
        assert optimizer.iterations == 0
        assert len(optimizer._core) == 0
    assert refused.bytes() == before
    assert good.tobytes() == numbers().tobytes()


@pytest.mark.skipif(_core.build_info()["cuda"] != "", reason="a build with CUDA")
def test_arrays_on_a_gpu_need_a_build_with_cuda(new):
    w = numbers("f4")
    for lend in (OnGPU, gpu.OnGPU):
        with pytest.raises(
            TypeError, match=r"^parameters\[1\] .* on a GPU, and this build .* no CUDA code.*GRADSTEP_CUDA=ON"
        ):
            new().bind([numbers(), lend(w)])
        with pytest.raises(TypeError, match=r"^gradient must be in CPU memory; it is on a GPU"):
            new().step(w, lend(w.copy()))
    assert w.tobytes() == numbers("f4").tobytes()


GRADIENTS = {
    "every second": lambda g: np.repeat(g, 2)[::2],
    "reversed": lambda g: g[::-1].copy()[::-1],
    "Fortran order": np.asfortranarray,
    "read-only": read_only,
    "subclass": lambda g: g.view(Subclass),
    "memoryview": memoryview,
    "array interface": Interface,
    "DLPack": DLPack,
    "buffer, read-only": lambda g: memoryview(g).toreadonly(),
}


@pytest.mark.grid("new", kind=GRADIENTS)
def test_gradients_of_any_layout_give_the_same_bits(new, dtype, kind):
    """Sampled: each layout with each family of rules and each dtype; --grid has all."""
    w, other = numbers(dtype), numbers(dtype)
    g = np.cos(np.arange(N)).astype(dtype)
    new().step(w, g)
    optimizer = new()
    optimizer.step(other, GRADIENTS[kind](g))
    assert w.tobytes() == other.tobytes()
    optimizer.bind(other).step(GRADIENTS[kind](g))
    assert optimizer.iterations == 2


def beginning(at: int, values: np.ndarray) -> np.ndarray:
    """The same numbers, so many bytes behind a border of cache lines."""
    around = np.zeros(values.nbytes + 128, np.uint8)
    start = -around.ctypes.data % 64 + at
    moved = around[start : start + values.nbytes].view(values.dtype)
    moved[:] = values
    return moved


def test_arrays_that_begin_anywhere_give_the_same_bits(new, dtype):
    """Also those so long that a step begins with what lies before the first border."""
    found = set()
    g = np.cos(np.arange(2_500)).astype(dtype)
    for at in (0, dtype.itemsize, 16, 64 - dtype.itemsize):
        w = beginning(at, numbers(dtype, len(g)))
        optimizer = new()
        for _ in range(3):
            optimizer.step(w, beginning(16, g))
        state = [array.tobytes() for array in optimizer.state_dict().values() if isinstance(array, np.ndarray)]
        found.add((w.tobytes(), *state))
    assert len(found) == 1


def test_broadcast_and_scalar_gradients(new):
    w, other = np.ones((4, 5)), np.ones((4, 5))
    new().step(w, np.broadcast_to(np.arange(5.0), (4, 5)))
    new().step(other, np.broadcast_to(np.arange(5.0), (4, 5)).copy())
    assert w.tobytes() == other.tobytes()
    # 2 * w is a NumPy scalar where w has shape ().
    w, other = np.array(1.0), np.ones(1)
    new().step(w, 2 * w)
    new().step(other, 2 * other)
    assert w == other[0]
