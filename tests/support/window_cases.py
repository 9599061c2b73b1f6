"""Layers that move a window over rows of several axes: tests/layers/test_convolution.py, test_convolution_kinds.py and
test_pooling.py."""

__all__ = ["CONVOLUTIONS", "POOLS", "WINDOWED", "needed"]

CONVOLUTIONS = [
    *(f"Conv{n}D{kind}" for kind in ("", "Transpose") for n in (1, 2, 3)),
    *(f"{kind}Conv{n}D" for kind in ("Depthwise", "Separable") for n in (1, 2)),
]
POOLS = [f"{kind}Pooling{n}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage") for n in (1, 2, 3)]
WINDOWED = {*CONVOLUTIONS, *POOLS}


def needed(name: str) -> dict[str, int]:
    """The arguments that a layer must have."""
    if name.startswith("Average"):
        return {"pool_size": 2}
    if name in POOLS:
        return {}
    return {"kernel_size": 3} if name.startswith("Depthwise") else {"filters": 4, "kernel_size": 3}
