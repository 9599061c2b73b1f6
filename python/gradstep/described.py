"""Objects as JSON has them: a class's name and the arguments that make an equal object.

A name in a file only ever finds a class of this package, or one that the program itself handed over: nothing is
imported for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from .checks import check_choice, check_config, describe, snake_case
from .hints import closest
from .references import by_reference, is_ours, is_reference, noting_options, reference_to, written_anew

__all__ = [
    "MODELS",
    "Described",
    "arguments_of",
    "check_unsettled",
    "custom_object_scope",
    "equal",
    "get_custom_objects",
    "instance",
    "known_objects",
    "named_classes",
    "register_keras_serializable",
    "registered_name",
    "revive",
    "serialize",
    "serialize_object",
]

Self = TypeVar("Self", bound="Described")
Found = TypeVar("Found")
Registered = TypeVar("Registered", bound=Callable[..., Any])

# Arguments of Keras's classes at values that ask for nothing, beside None.
NEUTRAL = {
    "data_format": "channels_last",
    "dtype": "float32",
    "renorm": False,
    "renorm_momentum": 0.99,
    "rms_scaling": False,
    "sparse": False,
    "synchronized": False,
    "trainable": True,
    "use_gate": False,
}
# The classes of models that a file may name; each of this package adds itself.
MODELS: dict[str, Any] = {}
# What the program handed over for all files, by name: classes, and functions.
_custom: dict[str, Any] = {}
# What it handed over for the files that one thread reads within `custom_object_scope`.
_scope: ContextVar[Mapping[str, Any] | None] = ContextVar("custom_object_scope", default=None)


class Described:
    """Base of what is made again from its arguments: each is an attribute of its name."""

    # Arguments that belong to the place where an object is made, not to the object.
    _passing: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls) and not is_ours(cls):
            cls.__init__ = noting_options(cls.__init__)  # type: ignore[method-assign]

    def get_config(self) -> dict[str, Any]:
        """Config of the object: the arguments of its constructor as numbers, strings, lists and dicts.

        Raises
        ------
        TypeError
            An argument cannot be written, such as a lambda.
        """
        return arguments_of(self, self._passing)

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Create an object from its config.

        Raises
        ------
        TypeError, ValueError
            As the class itself does for these arguments.
        """
        return cls(**check_config(config))


def check_unsettled(thing: object, name: str) -> None:
    """Refuse to set an argument again that is read once: it would change nothing.

    Classes of the program's own may set theirs.
    """
    cls: Any = type(thing)
    if name in vars(thing) and name != "name" and is_ours(cls) and name in _parameters(cls):
        raise AttributeError(f"{name} of {cls.__name__} holds for good: make a new {cls.__name__} with another one.")


@lru_cache(256)  # classes that are described one after another are few
def _parameters(cls: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cls).parameters


def arguments_of(thing: Any, passing: tuple[str, ...] = ()) -> dict[str, Any]:
    """The arguments of an object that has each as an attribute of its name, but for those in `passing`."""
    kinds = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL
    cls: Any = type(thing)
    parameters = _parameters(cls)
    names = [name for name, one in parameters.items() if one.kind not in kinds]
    names += [name for name in vars(thing).get("_handed_on", ()) if name not in parameters and hasattr(thing, name)]
    found = {name: getattr(thing, name) for name in names if name not in passing}
    return {
        name: value if isinstance(value, PLAIN) else serialize(value, f"{name} of {thing!r}")
        for name, value in found.items()
    }


PLAIN = type(None), bool, int, float, str  # what JSON has as it is


def serialize(value: Any, name: str = "value") -> Any:
    """Anything that an argument may be as JSON has it; raises TypeError if that cannot be."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [serialize(member, f"{name}[{i}]") for i, member in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{name} must have str as keys to be written; got {key!r}.")
        return {
            key: member if isinstance(member, PLAIN) else serialize(member, f"{name}[{key!r}]")
            for key, member in value.items()
        }
    if not isinstance(value, type) and hasattr(value, "get_config"):
        return value._entry() if hasattr(value, "_entry") else serialize_object(value)
    if isinstance(value, partial) and not value.args:
        called = _name_of_function(value.func, name)
        return {"class_name": "partial", "config": {"function": called} | serialize(value.keywords, name)}
    if callable(value) and not isinstance(value, type):
        return _name_of_function(value, name)
    raise TypeError(f"{name} must be something that can be written as JSON; got {describe(value)}.")


def equal(thing: Any, **changed: Any) -> Any:
    """An object of the same class and arguments but for some, for this process alone: it may be of any class."""
    with by_reference(anew=True) as references:
        config = thing.get_config() | changed
    with custom_object_scope(references):
        return type(thing).from_config(config)


def serialize_object(thing: Any) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}`` of an object, and where the class is from, in Keras's format."""
    cls = type(thing)
    if is_ours(cls):
        module, registered = f"keras.{cls.__module__.split('.')[1]}", None
    else:
        module = cls.__module__
        registered = reference_to(cls if written_anew() else thing) or registered_name(cls)
    config = (
        {}
        if is_reference(registered) and not written_anew()
        else serialize(thing.get_config(), f"the config of {thing!r}")
    )
    for key in getattr(cls, "_refused_by_keras", ()):
        config.pop(key, None)
    return {
        "module": module,
        "class_name": cls.__name__,
        "config": config,
        "registered_name": registered,
    }


def _name_of_function(function: Any, name: str) -> Any:
    called = getattr(function, "__name__", "<lambda>")
    if is_ours(function) and "<" not in called:
        return called
    reference = reference_to(function)
    if reference is None and "<" in called:
        raise TypeError(f"{name} must have a name to be written; got a lambda: define it with def.")
    return {
        "module": "builtins",
        "class_name": "function",
        "config": reference or registered_name(function),
        "registered_name": "function",
    }


def registered_name(thing: Any) -> str:
    """The name by which files know a class or function of the program's own."""
    return next((name for name, known in known_objects().items() if known is thing), thing.__name__)


def revive(config: Any, table: Mapping[str, Any], what: str) -> Any:
    """The object of a dict that `serialize_object` gave, by the classes of a table, or those that were handed over.

    Parameters
    ----------
    config : dict
        With the keys ``"class_name"`` and ``"config"``.
    table : dict of str to class
        The classes that may be meant.
    what : str
        What the object is, for errors.

    Raises
    ------
    TypeError
        Not a dict, or an argument of the wrong type or name.
    ValueError
        No class of that name, or an argument out of bounds.
    """
    check_config(config, what)
    for key in ("class_name", "config"):
        if key not in config:
            raise ValueError(f"{what} has no key {key!r}; it has {sorted(map(str, config))}.")
    name, arguments = config["class_name"], config["config"]
    if name == "function":
        return arguments if isinstance(arguments, str) and arguments in table else custom_object(arguments, what)
    known = known_objects()
    for candidate in (config.get("registered_name"), name):
        if isinstance(candidate, str) and candidate in known:
            found = known[candidate]
            return found if is_reference(candidate) and not isinstance(found, type) else _made(found, arguments)
    if not isinstance(name, str) or name not in table:
        hint = closest(name, table) if isinstance(name, str) else ""
        raise ValueError(
            f"{what} must be of a known class; got {name!r}.{hint} Pass custom classes in "
            "custom_objects={name: class}."
        )
    return _made(table[name], arguments)


def _made(cls: Any, arguments: Any) -> Any:
    if not isinstance(arguments, Mapping):
        raise TypeError(f"the config of {cls.__name__} must be a dict; got {describe(arguments)}.")
    taken = {
        name: custom_object(value.get("config"), name)
        if isinstance(value, Mapping) and value.get("class_name") == "function"
        else value
        for name, value in _taken(cls, arguments).items()
    }
    return cls.from_config(taken) if hasattr(cls, "from_config") else cls(**taken)


def _taken(cls: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those that only Keras has, at values that do nothing."""
    parameters = _parameters(cls)
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    known = {*parameters, *getattr(cls, "_apart", ())}
    taken = {}
    for name, value in arguments.items():
        if name == "dtype" and isinstance(value, Mapping):  # a policy
            value = (value.get("config") or {}).get("name")
        if open_ended or name in known or (value is not None and NEUTRAL.get(name, cls) != value):
            taken[name] = value
    return taken


def custom_object(name: Any, what: str) -> Any:
    """The custom object registered under a name."""
    known = known_objects()
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{what} is {name!r}, which is not of gradstep: put it into custom_objects={{name: it}}.")
    return known[name]


def get_custom_objects() -> dict[str, Any]:
    """Dict of the registered classes and functions that files may name, by name; the dict itself, as in Keras.

    Those of a `custom_object_scope` are not in it.

    Examples
    --------
    >>> import gradstep as gs
    >>> isinstance(gs.saving.get_custom_objects(), dict)
    True
    """
    return _custom


def known_objects() -> dict[str, Any]:
    """The classes and functions of the program that this thread's files may name now, by name."""
    return {**_custom, **(_scope.get() or {})}


@contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Make classes and functions available to files that this thread reads, within a ``with`` statement.

    Parameters
    ----------
    objects : dict of str to class or function
        By the names that files have for them.

    Raises
    ------
    TypeError
        Not a dict.

    Examples
    --------
    >>> import gradstep as gs
    >>> class Half(gs.layers.Rescaling):
    ...     def __init__(self, scale=0.5, **options):
    ...         super().__init__(scale, **options)
    >>> model = gs.Sequential([gs.Input((1,)), Half(name="half")])
    >>> with gs.saving.custom_object_scope({"Half": Half}):
    ...     gs.models.model_from_json(model.to_json()).layers[0].scale
    0.5
    """
    if objects is not None and not isinstance(objects, Mapping):
        raise TypeError(f"custom_objects must be a dict of names to classes and functions; got {describe(objects)}.")
    token = _scope.set({**(_scope.get() or {}), **(objects or {})})
    try:
        yield
    finally:
        _scope.reset(token)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Registered], Registered]:
    """Decorator that registers a class or function, so that files may name it.

    Parameters
    ----------
    package : str, default "Custom"
        Files have it before the name, ``Custom>Half``, so that names of several packages differ.
    name : str, optional
        By default that of the class or function.

    Raises
    ------
    ValueError
        A class that cannot be written, because it has no ``get_config``.

    Examples
    --------
    >>> import gradstep as gs
    >>> @gs.saving.register_keras_serializable(package="docs")
    ... class Third(gs.layers.Rescaling):
    ...     def __init__(self, scale=1 / 3, **options):
    ...         super().__init__(scale, **options)
    >>> "docs>Third" in gs.saving.get_custom_objects()
    True
    """

    def register(thing: Registered) -> Registered:
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"class {thing.__name__} must have get_config() to be written to files.")
        _custom[f"{package}>{name or thing.__name__}"] = thing
        return thing

    return register


@cache
def named_classes(*modules: Any) -> Mapping[str, Any]:
    """The classes that modules list in ``__all__``, by their names and by those in small letters, as Keras has them."""
    classes = {name: getattr(module, name) for module in modules for name in module.__all__}
    return MappingProxyType({snake_case(name): cls for name, cls in classes.items()} | classes)


def instance(identifier: Any, base: type[Found], table: Mapping[str, Any]) -> Found | None:
    """An object of a class from its name, from what configs have for it, or itself; None is none.

    Raises
    ------
    TypeError
        None of these; a class where an object is meant.
    ValueError
        An unknown name.
    """
    noun = base.__name__.lower()
    if identifier is None or isinstance(identifier, base):
        return identifier
    if isinstance(identifier, str):
        made: Found = check_choice(noun, identifier, table)()
        return made
    if isinstance(identifier, Mapping):
        revived: Found = revive(identifier, table, noun)
        return revived
    got = f"the class {identifier.__name__}: call it" if isinstance(identifier, type) else describe(identifier)
    raise TypeError(f"{noun} must be a name or a {base.__name__}; got {got}.")
