"""Names of layers: those of `gradstep.naming`."""

from ..naming import name_for

__all__ = ["name_for"]
