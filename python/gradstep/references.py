"""Objects of the program's own in what is written: by class and arguments in files, by reference in pickles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

__all__ = [
    "by_reference",
    "is_ours",
    "is_reference",
    "noting_options",
    "reference_to",
    "references_are_written",
    "with_options",
    "written_anew",
]

Made = TypeVar("Made")

PREFIX = "reference "
# Within `by_reference`, in one thread: the objects that were met, by what stands for them.
_references: ContextVar[dict[str, Any] | None] = ContextVar("references", default=None)


# Whether of an object its class is a reference, and its arguments are written.
_anew: ContextVar[bool] = ContextVar("anew", default=False)


@contextmanager
def by_reference(anew: bool = False) -> Iterator[dict[str, Any]]:
    """A ``with`` statement in which this thread writes the program's own objects, classes and functions as references.

    The dict it gives says what each name stands for, and `custom_object_scope` of that dict reads them again. A pickle
    holds what was written and the dict, and so leaves the program's own objects to pickle itself.

    anew: whether objects are made anew, of classes that are references; functions stay the same.
    """
    references: dict[str, Any] = {}
    token, before = _references.set(references), _anew.set(anew)
    try:
        yield references
    finally:
        _references.reset(token)
        _anew.reset(before)


def written_anew() -> bool:
    """Whether objects are written to be made anew."""
    return _anew.get()


def reference_to(thing: Any) -> str | None:
    """The name that stands for an object within `by_reference`; None elsewhere."""
    references = _references.get()
    if references is None:
        return None
    for name, known in references.items():
        if known is thing:
            return name
    name = f"{PREFIX}{len(references)}"
    references[name] = thing
    return name


def references_are_written() -> bool:
    """Whether this is within `by_reference`."""
    return _references.get() is not None


def is_reference(name: Any) -> bool:
    """Whether `reference_to` gave this name."""
    return isinstance(name, str) and name.startswith(PREFIX)


def with_options(made: Made, options: Mapping[str, Any]) -> Made:
    """An object of a class of the program's own with the names that its constructor may hand on by ``**options``."""
    if options and not is_ours(type(made)):
        vars(made).setdefault("_handed_on", tuple(options))
    return made


def noting_options(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that does `with_options` first."""

    @wraps(init)
    def wrapped(self: Any, *args: Any, **options: Any) -> None:
        init(with_options(self, options), *args, **options)

    return wrapped


def is_ours(thing: Any) -> bool:
    """Whether a class or function is of this package."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == __name__.partition(".")[0]
