"""Modules of PyTorch that convolve, pool and resize, as layers here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import layers
from .converted import Converted, Shape, refuse, weights_of

__all__ = ["adaptive", "conv", "conv_transpose", "pad", "pooling", "shuffle", "unshuffle", "upsample"]

FIRST: dict[str, Any] = {"data_format": "channels_first"}


def _each(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def conv(module: Any, shape: Shape) -> Converted:
    """A convolution; padding that is not that of the layers is a layer of zeros before it."""
    n = len(module.kernel_size)
    refuse(module, module.padding_mode != "zeros", "have padding_mode='zeros'")
    padding, before = "valid", [0] * n
    if module.padding == "same":
        refuse(
            module,
            any((k - 1) * d % 2 for k, d in zip(module.kernel_size, module.dilation, strict=True)),
            "have a kernel of odd size for padding='same'",
        )
        padding = "same"
    elif module.padding != "valid":
        before = list(_each(module.padding, n))
        reach = [(k - 1) * d for k, d in zip(module.kernel_size, module.dilation, strict=True)]
        if any(before) and set(module.stride) == {1} and [2 * p for p in before] == reach:
            padding, before = "same", [0] * n
    layer = getattr(layers, f"Conv{n}D")(
        module.out_channels,
        module.kernel_size,
        strides=module.stride,
        padding=padding,
        dilation_rate=module.dilation,
        groups=module.groups,
        use_bias=module.bias is not None,
        data_format="channels_first",
    )
    kernel, *bias = weights_of(module, "weight", "bias")
    return [*_zeros(before, n), (layer, [kernel.transpose(*range(2, n + 2), 1, 0), *bias])]


def _zeros(before: Sequence[int], n: int) -> Converted:
    if not any(before):
        return []
    padding = tuple((p, p) for p in before)
    layer = getattr(layers, f"ZeroPadding{n}D")(padding[0] if n == 1 else padding, data_format="channels_first")
    return [(layer, [])]


def conv_transpose(module: Any, shape: Shape) -> Converted:
    """A transposed convolution."""
    n = len(module.kernel_size)
    refuse(module, module.groups != 1, "have groups=1")
    layer = getattr(layers, f"Conv{n}DTranspose")(
        module.out_channels,
        module.kernel_size,
        strides=module.stride,
        dilation_rate=module.dilation,
        output_padding=module.output_padding,
        use_bias=module.bias is not None,
        data_format="channels_first",
    )
    kernel, *bias = weights_of(module, "weight", "bias")
    made: Converted = [(layer, [kernel.transpose(*range(2, n + 2), 1, 0), *bias])]
    if any(module.padding):  # what lies over the edges is cut off
        cuts = tuple(slice(p, -p if p else None) for p in _each(module.padding, n))
        made.append((layers.GetItem((slice(None), slice(None), *cuts)), []))
    return made


def pooling(module: Any, shape: Shape) -> Converted:
    """Pooling. Where largest numbers are of padded windows, windows are at all places, and some of them are taken."""
    kind = type(module).__name__
    n = int(kind[-2])
    size, stride, padding = (_each(value, n) for value in (module.kernel_size, module.stride, module.padding))
    is_mean = kind.startswith("Avg")
    left = [
        (places + 2 * p - k) % s for places, k, s, p in zip(_places(module, shape), size, stride, padding, strict=True)
    ]
    refuse(module, module.ceil_mode and any(left), "have ceil_mode=False, or windows that fill its input,")
    refuse(module, not is_mean and set(_each(module.dilation, n)) != {1}, "have dilation=1")
    refuse(module, is_mean and any(padding) and not module.count_include_pad, "have count_include_pad=True")
    refuse(module, getattr(module, "divisor_override", None) is not None, "have divisor_override=None")
    if is_mean:
        mean = getattr(layers, f"AveragePooling{n}D")
        return [*_zeros(padding, n), (mean(size, strides=stride, **FIRST), [])]
    largest = getattr(layers, f"MaxPooling{n}D")
    if not any(padding):
        return [(largest(size, strides=stride, **FIRST), [])]
    refuse(
        module, any(2 * p != k - 1 for p, k in zip(padding, size, strict=True)), "have a padding of 0 or (size - 1) / 2"
    )
    made: Converted = [(largest(size, strides=1, padding="same", **FIRST), [])]
    if set(stride) != {1}:
        made.append((layers.GetItem((slice(None), slice(None), *(slice(None, None, s) for s in stride))), []))
    return made


def _places(module: Any, shape: Shape) -> list[int]:
    """Sizes of the axes behind that of the channels."""
    refuse(module, len(shape) != int(type(module).__name__[-2]) + 2, f"get inputs of its number of axes, not {shape},")
    return [size for size in shape[2:] if size is not None]


def adaptive(module: Any, shape: Shape) -> Converted:
    """Pooling to a number of places: of all, or in equal windows."""
    kind = type(module).__name__
    n, is_mean = int(kind[-2]), "Avg" in kind
    places = _places(module, shape)
    wanted = [size or place for size, place in zip(_each_or_none(module.output_size, n), places, strict=True)]
    if set(wanted) == {1}:
        layer = getattr(layers, f"Global{'Average' if is_mean else 'Max'}Pooling{n}D")
        return [(layer(keepdims=True, **FIRST), [])]
    refuse(
        module, any(p % w for p, w in zip(places, wanted, strict=True)), "have an output_size that divides its input"
    )
    size = tuple(p // w for p, w in zip(places, wanted, strict=True))
    layer = getattr(layers, f"{'Average' if is_mean else 'Max'}Pooling{n}D")
    return [(layer(size, **FIRST), [])] if set(size) != {1} else []


def _each_or_none(value: Any, n: int) -> tuple[int | None, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


def pad(module: Any, shape: Shape) -> Converted:
    """Zeros around the last axes."""
    refuse(module, getattr(module, "value", 0) != 0, "have value=0")
    edges = tuple(module.padding)
    pairs = tuple(zip(edges[::2], edges[1::2], strict=True))[::-1]
    n = len(pairs)
    refuse(module, len(shape) != n + 2, f"get inputs of its number of axes, not {shape},")
    if min(edges) < 0:
        cuts = (slice(max(-a, 0), (size or 0) - max(-b, 0)) for (a, b), size in zip(pairs, shape[2:], strict=True))
        cropped = layers.GetItem((slice(None), slice(None), *cuts))
        pairs = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
        return [(cropped, []), *_around(pairs)]
    return _around(pairs)


def _around(pairs: Sequence[tuple[int, int]]) -> Converted:
    if not any(map(any, pairs)):
        return []
    n = len(pairs)
    return [(getattr(layers, f"ZeroPadding{n}D")(pairs[0] if n == 1 else tuple(pairs), **FIRST), [])]


def upsample(module: Any, shape: Shape) -> Converted:
    """More places: each number several times, or between the numbers."""
    places, mode = [size or 0 for size in shape[2:]], module.mode
    n = len(places)
    if module.size is not None:
        sizes = [float(size) for size in _each(module.size, n)]
    else:
        factors = _each_or_none(module.scale_factor, n)
        sizes = [p * float(factor or 1) for p, factor in zip(places, factors, strict=True)]
    refuse(module, not all(size.is_integer() for size in sizes), "give a whole number of places")
    wanted = [int(size) for size in sizes]
    is_whole = all(w % p == 0 for w, p in zip(wanted, places, strict=True))
    modes = {"nearest"} if is_whole else set()
    modes |= {"nearest-exact"} if is_whole or n == 2 else set()
    modes |= {"bilinear"} if n == 2 else set()
    refuse(module, mode not in modes, "be by whole factors, or bilinear of images,")
    refuse(module, bool(module.align_corners), "have align_corners=False")
    kind: dict[str, Any] = {"interpolation": "bilinear" if mode == "bilinear" else "nearest"} if n == 2 else {}
    if not is_whole:
        return [(layers.Resizing(wanted[0], wanted[1], **kind, **FIRST), [])]
    size = tuple(w // p for w, p in zip(wanted, places, strict=True))
    if n == 1:  # which has no data_format
        return [(layers.Permute((2, 1)), []), (layers.UpSampling1D(size[0]), []), (layers.Permute((2, 1)), [])]
    return [(getattr(layers, f"UpSampling{n}D")(size, **kind, **FIRST), [])]


def shuffle(module: Any, shape: Shape) -> Converted:
    """Channels that become places: r r of them a square."""
    (channels, high, wide), r = (size or 0 for size in shape[1:]), module.upscale_factor
    return [
        (layers.Reshape((channels // (r * r), r, r, high, wide)), []),
        (layers.Permute((1, 4, 2, 5, 3)), []),
        (layers.Reshape((channels // (r * r), high * r, wide * r)), []),
    ]


def unshuffle(module: Any, shape: Shape) -> Converted:
    """Places that become channels."""
    (channels, high, wide), r = (size or 0 for size in shape[1:]), module.downscale_factor
    return [
        (layers.Reshape((channels, high // r, r, wide // r, r)), []),
        (layers.Permute((1, 3, 5, 2, 4)), []),
        (layers.Reshape((channels * r * r, high // r, wide // r)), []),
    ]
