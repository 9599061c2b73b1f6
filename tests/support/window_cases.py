"""Layers that move a window over rows of several axes: tests/layers/test_convolution.py and test_pooling.py."""

__all__ = ["CONVOLUTIONS", "POOLS", "WINDOWED"]

CONVOLUTIONS = [f"Conv{n}D" for n in (1, 2, 3)]
POOLS = [f"{kind}Pooling{n}D" for kind in ("Max", "Average", "GlobalMax", "GlobalAverage") for n in (1, 2, 3)]
WINDOWED = {*CONVOLUTIONS, *POOLS}
