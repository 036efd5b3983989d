"""Options as dataclass fields: what the command line, `--help`, preflight and docs/options.md read about each."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Literal, TypeVar, cast

from errors import ConfigError, nearest

T = TypeVar("T")
METADATA_KEY = "option"
Words = Mapping[str, "str | bool"]
"""Options as typed: the text, or True for a flag, by field name."""


@dataclass(frozen=True)
class Scope:
    """What an option applies to; an empty tuple stands for everything.

    `kinds`, `engines` and `links` are those of a target, `models` is preset, keras or tflite. `words` say it to a
    person and end the sentence "it is for ...".
    """

    words: str
    kinds: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """One option. `value` stands for its value in help, such as `FILE`; it is empty for a flag.

    `help` may hold `{choices}`. `default_words` say a default that is not a plain value. `words` are texts that a
    number option takes beside numbers; `low` and `high` bound it. `parse` turns the typed text into the field's value
    and raises ValueError with what was expected.
    """

    help: str
    group: str
    value: str = ""
    default_words: str = ""
    choices: tuple[str, ...] = ()
    words: Mapping[str, int] = dataclasses.field(default_factory=dict)
    low: float = 0
    high: float = math.inf
    parse: Callable[[str], object] | None = None
    scope: Scope | None = None


@dataclass(frozen=True)
class Field:
    """An option with the name, the type (bool, int, float, str or Path) and the default of its dataclass field."""

    name: str
    kind: type
    default: object
    option: Option

    @property
    def flag(self) -> str:
        """The option as it is typed, such as --calibration-images."""
        return flag_of(self.name)

    def read(self, text: str | bool) -> object:
        """Return the value of a typed text. Raises ConfigError naming the option and what it expects."""
        option = self.option
        if isinstance(text, bool):
            return text
        if option.choices and text not in option.choices:
            raise ConfigError(f"{self.flag} {text}: expected {listed(option.choices)}; {nearest(text, option.choices)}")
        if option.parse:
            try:
                return option.parse(text)
            except ValueError as e:
                raise ConfigError(f"{self.flag} {text}: expected {e}") from None
        if self.kind in (int, float):
            return self._number(text)
        return self.kind(text)

    def _number(self, text: str) -> float:
        option = self.option
        if text in option.words:
            return option.words[text]
        try:
            number: float = self.kind(text) if text.isascii() else math.nan
        except ValueError:
            number = math.nan
        if not option.low <= number <= option.high or not math.isfinite(number):
            noun = "a whole number" if self.kind is int else "a number"
            bounds = f"{option.low:g} to {option.high:g}" if math.isfinite(option.high) else f"{option.low:g} or more"
            others = "".join(f", or `{word}`" for word in option.words)
            raise ConfigError(f"{self.flag} {text}: expected {noun}, {bounds}{others}")
        return number


def option(
    default: T,
    help: str,
    *,
    group: str,
    value: str = "",
    default_words: str = "",
    choices: tuple[str, ...] = (),
    words: Mapping[str, int] | None = None,
    low: float = 0,
    high: float = math.inf,
    parse: Callable[[str], object] | None = None,
    scope: Scope | None = None,
) -> T:
    """Return a dataclass field that is an option, for type checkers its default; see Option."""
    about = Option(help, group, value, default_words, choices, words or {}, low, high, parse, scope)
    return dataclasses.field(default=default, metadata={METADATA_KEY: about})


class _Default(Enum):
    OTHERS = "the default that the option has in the other dataclass"


def like(
    owner: type[object],
    name: str,
    default: T | Literal[_Default.OTHERS] = _Default.OTHERS,
    *,
    help: str = "",
    default_words: str = "",
    is_scoped: bool = True,
) -> T:
    """Return a field that is the option `name` of another dataclass, with another default or other words."""
    field = fields_of(owner)[name]
    changed = dataclasses.replace(
        field.option,
        help=help or field.option.help,
        default_words=default_words or field.option.default_words,
        scope=field.option.scope if is_scoped else None,
    )
    value = field.default if default is _Default.OTHERS else default
    return cast(T, dataclasses.field(default=value, metadata={METADATA_KEY: changed}))


def fields_of(owner: type[object]) -> dict[str, Field]:
    """Return the options of a dataclass by field name, in order."""
    types = typing.get_type_hints(owner)
    return {
        field.name: Field(field.name, _kind(types[field.name]), field.default, field.metadata[METADATA_KEY])
        for field in dataclasses.fields(owner)  # type: ignore[arg-type]
        if METADATA_KEY in field.metadata
    }


def _kind(annotation: object) -> type:
    """Return bool, int, float, str, Path or tuple for an annotation such as `int | None`."""
    kinds = [part for part in typing.get_args(annotation) or (annotation,) if part is not NoneType]
    origin = typing.get_origin(annotation)
    if origin is tuple or any(typing.get_origin(part) is tuple for part in kinds):
        return tuple
    if kinds[0] not in (bool, int, float, str, Path):
        raise TypeError(f"no option can be of type {annotation}")
    kind: type = kinds[0]
    return kind


def read(owner: type[T], words: Words) -> T:
    """Return a dataclass of options from what was typed. Raises ConfigError if a value is not what its option expects.

    A field `typed`, if it has one, holds `words`.
    """
    fields = fields_of(owner)
    values = {name: fields[name].read(text) for name, text in words.items()}
    if any(field.name == "typed" for field in dataclasses.fields(owner)):  # type: ignore[arg-type]
        values["typed"] = dict(words)
    return owner(**values)


def flag_of(name: str) -> str:
    """Return a field's name as an option: `with_` is --with."""
    return "--" + name.rstrip("_").replace("_", "-")


def listed(names: tuple[str, ...]) -> str:
    """Return names as a sentence has them: a, b or c."""
    return ", ".join(names[:-1]) + (" or " if names[1:] else "") + names[-1]
