"""Checked values out of TOML and JSON: types, bounds and names, with one form of error for all files and messages."""

from __future__ import annotations

import json
import math
import re
import reprlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints, overload

from errors import ConfigError, Error, nearest

SHOWN_CHARACTERS = 60
TEXT_CHARACTERS = 200
NAME_CHARACTERS = 64
INTEGER_LIMIT = (1 << 63) - 1
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """Where values come from: the name that begins each error, its class, and the next step that ends it."""

    name: str
    error: type[Error] = ConfigError
    next_step: str = ""
    is_json: bool = False

    def wrong(self, text: str) -> Error:
        """Return the error with this text."""
        return self.error(f"{self.name}: {text}" + (f"; {self.next_step}" if self.next_step else ""))


def load_toml(path: Path) -> Fields:
    """Return the values of a TOML file. Raises ConfigError naming the file if it can't be read or is not TOML."""
    try:
        return Fields(tomllib.loads(path.read_text(encoding="utf-8")), Source(path.name))
    except (OSError, ValueError, RecursionError) as e:
        raise ConfigError(f"{path.name}: not a TOML file ({e})") from e


def load_json(text: bytes | str, source: Source) -> Fields:
    """Return the values of a JSON object. Raises the source's error if it is not one."""
    try:
        value = json.loads(text if isinstance(text, str) else text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise source.wrong(f"not JSON ({e}), starts {shown(text[:40])}") from e
    if not isinstance(value, dict):
        raise source.wrong(f"expected a JSON object, got {shown(value)}")
    return Fields(value, replace(source, is_json=True))


class Fields:
    """A table of TOML or an object of JSON. Each method takes one value by its key and checks it.

    Raises the source's error naming source, key, what was expected and what came. `path` is that of the table in its
    file. A key with a default may be missing.
    """

    def __init__(self, values: Mapping[str, object], source: Source, path: str = "") -> None:
        self.values, self.source, self.path = values, source, path

    def allow(self, known: Collection[str]) -> None:
        """Raise an error with the nearest right name if there is any key that is not known."""
        for key in self.values:
            if key not in known:
                raise self.source.wrong(f"key {self._path(shown(key)[1:-1])} is not known; {nearest(key, known)}")

    def text(
        self, key: str, *, pattern: re.Pattern[str] | None = None, expected: str = "", default: str | None = None
    ) -> str:
        """Take a printable string of 1 to 200 characters; with `pattern`, of the form that `expected` describes."""
        value = self._get(key, default)
        if not isinstance(value, str) or not 1 <= len(value) <= TEXT_CHARACTERS or not value.isprintable():
            raise self.wrong(key, f"1 to {TEXT_CHARACTERS} printable characters", value)
        if pattern and not pattern.fullmatch(value):
            raise self.wrong(key, expected or pattern.pattern, value)
        return value

    def texts(self, key: str, *, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Take a list of strings."""
        value = self._get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of strings", value)
        return tuple(value)

    def choice(self, key: str, allowed: Collection[str], *, default: str | None = None) -> str:
        """Take one of a few words."""
        value = self._get(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, f"one of {', '.join(allowed)}", value)
        return value

    def integer(self, key: str, low: int, high: int, *, default: int | None = None) -> int:
        """Take an integer from `low` to `high`."""
        return self._integer(key, self._get(key, default), low, high)

    def number(self, key: str, low: float = 0.0, high: float = 1e30, *, default: float | None = None) -> float:
        """Take a finite number from `low` to `high`."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}", value)
        return float(value)

    def boolean(self, key: str, *, default: bool | None = None) -> bool:
        """Take true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def integers(self, key: str, low: int, high: int, *, most: int, least: int = 0) -> tuple[int, ...]:
        """Take a list of `least` to `most` integers from `low` to `high`."""
        value = self._get(key)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.wrong(key, f"a list of {least} to {most} integers", value)
        return tuple(self._integer(f"{key}[{place}]", item, low, high) for place, item in enumerate(value))

    def counts(self, key: str, *, most: int = 64) -> dict[str, int]:
        """Take a table of at most `most` integers, 0 or more and below 2**63, whose keys are names."""
        return self.table(key).all_counts(most=most)

    def all_counts(self, *, most: int = 64) -> dict[str, int]:
        """Take all of this table as `counts` does."""
        if len(self.values) > most:
            raise self._wrong(self.path, f"at most {most} integers", self.values)
        for name in self.values:
            if not name.isidentifier() or len(name) > NAME_CHARACTERS:
                raise self._wrong(self.path, "names of letters, digits and _", name)
        return {name: self.integer(name, 0, INTEGER_LIMIT) for name in self.values}

    @overload
    def table(self, key: str) -> Fields: ...
    @overload
    def table(self, key: str, *, optional: Literal[True]) -> Fields | None: ...
    def table(self, key: str, *, optional: bool = False) -> Fields | None:
        """Take a nested table; None if it is optional and not there."""
        if optional and key not in self.values:
            return None
        value = self._get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "an object" if self.source.is_json else "a table", value)
        return Fields(value, self.source, self._path(key))

    def tables(self, key: str, *, most: int, least: int = 1) -> tuple[Fields, ...]:
        """Take a list of `least` to `most` tables."""
        value = self._get(key)
        if (
            not isinstance(value, list)
            or not least <= len(value) <= most
            or not all(isinstance(item, dict) for item in value)
        ):
            raise self.wrong(
                key, f"a list of {least} to {most} {'objects' if self.source.is_json else 'tables'}", value
            )
        return tuple(Fields(item, self.source, f"{self._path(key)}[{place}]") for place, item in enumerate(value))

    def wrong(self, key: str, expected: str, received: object) -> Error:
        """Return the error that says what was expected of a key and what came."""
        return self._wrong(self._path(key), expected, received)

    def _wrong(self, path: str, expected: str, received: object) -> Error:
        return self.source.wrong((f"key {path}: " if path else "") + f"expected {expected}, got {shown(received)}")

    def _integer(self, key: str, value: object, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(key, f"an integer from {low} to {high}", value)
        return value

    def _get(self, key: str, default: object = None) -> object:
        value = self.values.get(key, default)
        if value is None and key not in self.values:
            raise self.source.wrong(f"key {self._path(key)} is missing")
        return value

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def shown(value: object) -> str:
    """Return a value of unknown type and size for an error's line: ASCII, at most 60 characters."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    text = _short.repr(value).encode("ascii", "backslashreplace").decode()
    if len(text) <= SHOWN_CHARACTERS:
        return text
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return text[: SHOWN_CHARACTERS - 3] + "..."


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 2 * SHOWN_CHARACTERS


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


# Dataclasses as JSON


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
    raise Fields({}, source)._wrong(key or "(top)", _expected(hint), value)


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
