"""What was typed behind `./inv`: tasks, options, models and targets; nearest names for mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from errors import ConfigError
from pipeline.options import Field, Words
from pipeline.request import is_model, is_target

POSITIONAL = ("model", "target", "image")
RUNS = ("before", "after")
"""What a comparison takes without an option's name, in order."""
IMAGES = (".elf", ".hex", ".bin", ".uf2")
READING = ("report", "history")
"""Tasks that read runs: their words may also be names of models and units that were measured."""


@dataclass(frozen=True)
class Command:
    """One task. `fields` are its options by field name, in the order in which help shows them.

    `run` runs it with options as typed; it raises Error.
    """

    name: str
    group: str
    about: str
    fields: Mapping[str, Field]
    run: Callable[[Words], None]

    @property
    def summary(self) -> str:
        """The first line of what it does."""
        return self.about.partition("\n")[0]

    @property
    def positional(self) -> tuple[str, ...]:
        """The options that may be typed without their name."""
        return RUNS if RUNS[0] in self.fields else tuple(name for name in POSITIONAL if name in self.fields)


COMMANDS: dict[str, Command] = {}
"""By name, in the order of their definition."""


def find(name: str) -> Command:
    """Return the task of that name. Raises ConfigError with the nearest name if there is none."""
    name = name.replace("_", "-")
    if name not in COMMANDS:
        raise ConfigError(f"{name}: no such task; {_suggest(name, COMMANDS, './inv lists them')}")
    return COMMANDS[name]


def parse(arguments: Sequence[str]) -> list[tuple[Command, Words]]:
    """Return the tasks of a command line, each with its options as typed.

    Raises ConfigError for an unknown task, option or word, with the nearest name.
    """
    runs: list[tuple[Command, dict[str, str | bool]]] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in COMMANDS or not runs:
            if word.startswith("-"):
                raise ConfigError(f"{word}: no such option before a task; run ./inv --help")
            runs.append((find(word), {}))
        elif word.startswith("-") and word != "-":
            _read_option(word, rest, *runs[-1])
        else:
            _read_positional(word, *runs[-1])
    return list(runs)


def check(arguments: Sequence[str]) -> None:
    """Raise ConfigError where a command line is wrong by itself: also for values, presets and boards.

    Files are not looked for.
    """
    import target
    from models import presets

    for command, words in parse(arguments):
        for name, text in words.items():
            field = command.fields[name]
            field.read(text)
            if name == "model" and isinstance(text, str) and presets.looks_like(text):
                presets.parse(text)
            if name == "target" and isinstance(text, str):
                for one in filter(is_target, text.split(",")):
                    target.load(one)


def _read_option(word: str, rest: list[str], command: Command, words: dict[str, str | bool]) -> None:
    """Add one option to `words`; its value is taken from `rest` if it is a word of its own."""
    flag, has_value, value = word.partition("=")
    by_flag = {field.flag: field for field in command.fields.values()}
    field = by_flag.get(flag) or by_flag.get(flag.replace("_", "-"))
    if field is None:
        raise ConfigError(f"{flag}: no such option of {command.name}; {_nearest_option(flag, command)}")
    if field.kind is bool:
        if has_value:
            raise ConfigError(f"{word}: {flag} takes no value; leave ={value} out")
        words[field.name] = True
        return
    if not has_value:
        if not rest or rest[0].startswith("--"):
            raise ConfigError(f"{flag}: a value is missing; expected {flag} {field.option.value}")
        value = rest.pop(0)
    words[field.name] = value


def _nearest_option(flag: str, command: Command) -> str:
    others = [other.name for other in COMMANDS.values() if flag in {f.flag for f in other.fields.values()}]
    if others:
        return f"it is an option of {', '.join(others)}"
    return _suggest(flag, [field.flag for field in command.fields.values()], f"./inv {command.name} --help lists them")


def _suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the one name that was probably meant as a question, or `otherwise`."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else otherwise


def _read_positional(word: str, command: Command, words: dict[str, str | bool]) -> None:
    """Add a word without an option's name as --model or --target, by what it names."""
    if command.positional == RUNS:
        free = [name for name in RUNS if name not in words]
        if not free:
            raise ConfigError(f"{word}: there are two runs already, {' and '.join(map(str, words.values()))}; give two")
        words[free[0]] = word
        return
    fits = [name for name, test in (("model", is_model), ("target", is_target), ("image", is_image)) if test(word)]
    if command.name in READING and not fits:
        fits = _measured(word)
    if not command.positional:
        raise ConfigError(f"{word}: {command.name} takes options only; run ./inv {command.name} --help")
    fits = [name for name in fits if name in command.positional]
    if len(fits) > 1:
        raise ConfigError(f"{word}: is a model and a target; say --model {word} or --target {word}")
    listed = [name for name in command.positional if name != "image"]
    known = " and ".join(f"./inv {name}s" for name in listed) + " list them"
    if not fits:
        raise ConfigError(
            f"{word}: not a {' or a '.join(command.positional)}; {_suggest(word, _known(command), known)}"
        )
    (name,) = fits
    if name in words:
        raise ConfigError(f"{word}: there is a {name} already, {words[name]}; give one")
    words[name] = word


def _measured(word: str) -> list[str]:
    """Return whether a word is the name of a model or of a unit whose report is there."""
    from measure import report_file

    root = report_file.root()
    is_name = "/" not in word and word not in ("", ".", "..")
    fits = ["target"] if is_name and (root / word).is_dir() else []
    return fits + (["model"] if is_name and any(folder.name == word for folder in root.glob("*/*/")) else [])


def flags() -> set[str]:
    """Return the options of all tasks, as they are typed."""
    return {field.flag for command in COMMANDS.values() for field in command.fields.values()}


def is_image(word: str) -> bool:
    """Return whether a word names an image of firmware."""
    return word.endswith(IMAGES)


def _known(command: Command) -> list[str]:
    """Return the words that a task takes without an option's name, and the names of tasks."""
    import target
    from models import presets

    names: dict[str, Callable[[], list[str]]] = {"model": presets.all_names, "target": target.names, "image": list}
    return [word for name in command.positional for word in names[name]()]
