"""Dataclasses as JSON, both ways, by the types of their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from errors import nearest
from fields import NAME_CHARACTERS, Json, Source, shown

T = TypeVar("T")


def to_json(value: object) -> Json:
    """Return the JSON form of a dataclass, or of anything that a field of one may hold (see `from_json`).

    A field that is None, which is its default, is left out.
    """
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f, getattr(value, f.name)) for f in fields(value))
        return {f.name: to_json(item) for f, item in pairs if item is not None or f.default is not None}
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], value: object, source: Source) -> T:
    """Return the dataclass whose JSON form is `value`.

    Fields may be bool, int, float (finite; a whole number too), str, Literal, Enum, another dataclass, tuple[X, ...],
    tuple[X, Y], Mapping[str, X], X | None, and object for any JSON. A field that is missing takes its default.
    Raises the source's error naming the key, what was expected and what came.
    """
    return cast(T, _decode(kind, value, source, ""))


def _decode(hint: object, value: object, source: Source, key: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        (hint,) = (argument for argument in arguments if argument is not NoneType)
        return _decode(hint, value, source, key)
    if origin is tuple and isinstance(value, list):
        hints = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(hints) == len(value):
            pairs = enumerate(zip(hints, value, strict=True))
            return tuple(_decode(part, item, source, f"{key}[{i}]") for i, (part, item) in pairs)
    elif origin is Mapping and isinstance(value, dict):
        return {name: _decode(arguments[1], item, source, _join(key, name)) for name, item in value.items()}
    elif (
        origin is Literal and any(value == known and type(value) is type(known) for known in arguments)
    ) or hint is object:
        return value
    elif isinstance(hint, type):
        if is_dataclass(hint) and isinstance(value, dict):
            return _decode_fields(hint, value, source, key)
        if issubclass(hint, Enum) and any(value == known.value for known in hint):
            return hint(value)
        if hint is float and _is_finite(value):
            return float(cast(float, value))
        if hint in (bool, int, str) and type(value) is hint:
            return value
    raise source.wrong_value(key or "(top)", _expected(hint), value)


def _decode_fields(kind: type, value: dict[str, object], source: Source, key: str) -> object:
    hints = _hints(kind)
    for name in value:
        if name not in hints:
            raise source.wrong(f"key {_join(key, name)} is not known; {nearest(name, hints)}")
    for f in fields(kind):
        if f.name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise source.wrong(f"key {_join(key, f.name)} is missing")
    decoded: object = kind(
        **{name: _decode(hints[name], item, source, _join(key, name)) for name, item in value.items()}
    )
    return decoded


@cache
def _hints(kind: type) -> dict[str, object]:
    return dict(get_type_hints(kind))


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _join(key: str, name: str) -> str:
    name = name if name.isidentifier() and len(name) <= NAME_CHARACTERS else shown(name)
    return f"{key}.{name}" if key else name


def _expected(hint: object) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(repr(known.value) for known in hint)
    names = {bool: "true or false", int: "an integer", float: "a finite number", str: "a string"}
    if isinstance(hint, type):
        return names.get(hint, "an object")
    return "a list" if get_origin(hint) is tuple else "an object"
