"""Checked values out of TOML and JSON: types, bounds and names, with one form of error for all files and messages."""

from __future__ import annotations

import json
import re
import reprlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, overload

from errors import ConfigError, Error, nearest

SHOWN_CHARACTERS = 60
TEXT_CHARACTERS = 200
NAME_CHARACTERS = 64
INTEGER_LIMIT = (1 << 63) - 1
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


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

    def wrong_value(self, path: str, expected: str, received: object) -> Error:
        """Return the error that says what was expected of the key at `path`, "" for the whole, and what came."""
        return self.wrong((f"key {path}: " if path else "") + f"expected {expected}, got {shown(received)}")


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
                raise self.source.wrong(f"key {self._path(key)} is not known; {nearest(key, known)}")

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
            raise self.source.wrong_value(self.path, f"at most {most} integers", self.values)
        for name in self.values:
            if not name.isidentifier() or len(name) > NAME_CHARACTERS:
                raise self.source.wrong_value(self.path, "names of letters, digits and _", name)
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
        return self.source.wrong_value(self._path(key), expected, received)

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
        # A key may be the file's own, such as the name of a target in bench.toml.
        return f"{self.path}.{shown_key(key)}" if self.path else shown_key(key)


def shown_key(key: str) -> str:
    """Return a key for an error's line: as it is where a terminal can show it and it is short."""
    return key if key.isprintable() and len(key) <= NAME_CHARACTERS else shown(key)[1:-1]


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
