"""Convolution and pooling in plain loops over float64 NumPy, from their definitions."""

import itertools

import numpy as np

__all__ = ["convolution", "pooling"]


def borders(n, size, stride, dilation, padding):
    """Zeros before and after an axis, and how many places a window has."""
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        return 0, 0, (n - reach) // stride + 1
    count = -(-n // stride)
    if padding == "causal":
        return reach - 1, 0, count
    total = max((count - 1) * stride + reach - n, 0)
    return total // 2, total - total // 2, count


def convolution(x, kernel, bias, strides, padding, dilation, groups):
    """x (rows, *sizes, channels), kernel (*sizes, channels / groups, filters) -> the sums before the activation."""
    sizes = kernel.shape[:-2]
    ends = [borders(*each, padding) for each in zip(x.shape[1:-1], sizes, strides, dilation, strict=True)]
    x = np.pad(x.astype(float), [(0, 0), *[end[:2] for end in ends], (0, 0)])
    share, out = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((len(x), *[end[2] for end in ends], kernel.shape[-1]))
    for place in itertools.product(*[range(end[2]) for end in ends]):
        for tap in itertools.product(*map(range, sizes)):
            at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilation, strict=True))
            for group in range(groups):
                inputs = x[(slice(None), *at, slice(group * share, (group + 1) * share))]
                columns = slice(group * out, (group + 1) * out)
                y[(slice(None), *place, columns)] += inputs @ kernel[(*tap, slice(None), columns)]
    return y + (0 if bias is None else bias)


def pooling(x, sizes, strides, padding, mean):
    """x (rows, *sizes, channels) -> y, and dx(dy)."""
    ends = [borders(n, size, stride, 1, padding) for n, size, stride in zip(x.shape[1:-1], sizes, strides, strict=True)]
    y = np.zeros((len(x), *[end[2] for end in ends], x.shape[-1]))

    def windows():
        for place in itertools.product(*[range(end[2]) for end in ends]):
            yield (
                place,
                tuple(
                    slice(max(p * s - end[0], 0), min(p * s - end[0] + size, n))
                    for p, s, end, size, n in zip(place, strides, ends, sizes, x.shape[1:-1], strict=True)
                ),
            )

    def flat(window):
        return x[(slice(None), *window)].reshape(len(x), -1, x.shape[-1])

    for place, window in windows():
        y[(slice(None), *place)] = flat(window).mean(1) if mean else flat(window).max(1)

    def back(dy):
        dx = np.zeros(x.shape)
        for place, window in windows():
            numbers, slope = flat(window), dy[(slice(None), *place)][:, None]
            if mean:
                parts = np.broadcast_to(slope / numbers.shape[1], numbers.shape)
            else:  # argmax finds a NaN first, else the first of the largest
                largest = numbers.argmax(1)[:, None]
                parts = np.where(np.arange(numbers.shape[1])[None, :, None] == largest, slope, 0)
            part = dx[(slice(None), *window)]
            part += parts.reshape(part.shape)
        return dx

    return y, back
