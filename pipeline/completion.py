"""What a shell's completion shows: tasks, options, presets, boards, choices of an option, and files.

`./inv --print-completion-script bash` (zsh, fish) prints what a shell sources. Its function calls
`./inv --complete -- WORD...` with the words behind the program's name, the last of which is being typed; each line
that comes back is a whole word. One that may go on (a folder, `folder:`, a list) ends in / : or ,.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from errors import ConfigError
from pipeline.options import Field
from pipeline.parsing import IMAGES, Command
from pipeline.request import MODEL_FILES

SHELLS = ("bash", "zsh", "fish")
TARGETS, MODELS = ("target", "targets"), ("model", "models", "before", "after")
FILES = ("FILE", "DIR", "FOLDER", "RUNS", "RUN")
"""What stands for the value of an option that is a path."""


def script(shell: str) -> str:
    """Return what a shell sources. Raises ConfigError for a shell that we have none for."""
    if shell not in SHELLS:
        raise ConfigError(f"--print-completion-script {shell}: expected {', '.join(SHELLS)}")
    return (Path(__file__).parent / "shells" / f"inv.{shell}").read_text()


def candidates(words: Sequence[str], commands: Mapping[str, Command]) -> list[str]:
    """Return what the word at the end may become, in the order of help; what its beginning rules out is left out."""
    *before, word = words or [""]
    task = next((name for name in reversed(before) if name in commands), None)
    if task is None:
        return _beginning(word, [*commands, *(["--help", "--list", "--version"] if word.startswith("-") else [])])
    command, flags = commands[task], {field.flag: field for field in commands[task].fields.values()}
    flag, equals, value = word.partition("=")
    if equals and flag in flags:
        return [f"{flag}={one}" for one in _values(flags[flag], value)]
    if word.startswith("-"):
        return _beginning(word, [flag for flag in flags if flag not in before] + ["--help"])
    last = flags.get(before[-1])
    if last is not None and last.kind is not bool:
        return _values(last, word)
    return _positional(command, word)


def _positional(command: Command, word: str) -> list[str]:
    """Return models, boards and files that a task takes without an option's name."""
    found = []
    for name in command.positional:
        found += _values(command.fields[name], word)
    return list(dict.fromkeys(found)) or _beginning(word, [])


def _values(field: Field, word: str) -> list[str]:
    """Return what an option's value may become; in a list the last of its parts."""
    if field.name in TARGETS:
        import target

        return _in_list(word, target.names())
    if field.name in MODELS:
        from models import presets

        return [*_in_list(word, presets.all_names()), *_files(word, (*MODEL_FILES, ".json"))]
    if field.name == "data":
        return _data(word)
    if field.name == "image":
        return _files(word, IMAGES)
    if field.option.choices:
        return _beginning(word, field.option.choices)
    return _files(word) if field.kind is Path or field.option.value in FILES else []


def _data(word: str) -> list[str]:
    from datasets import catalog

    kind, colon, path = word.partition(":")
    if colon:
        return [f"{kind}:{one}" for one in _files(path, (".npz",) if kind == "npz" else ())]
    return _beginning(word, (f"{kind}{colon}" for kind, colon, _ in (name.partition(":") for name in catalog.NAMES)))


def _in_list(word: str, names: Iterable[str]) -> list[str]:
    head, comma, last = word.rpartition(",")
    taken = head.split(",")
    return [f"{head}{comma}{name}" for name in _beginning(last, names) if name not in taken]


def _beginning(word: str, names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(word)]


def _files(word: str, suffixes: Sequence[str] | None = None) -> list[str]:
    """Return files (with one of the suffixes; () is none) and folders that begin so; folders end in /."""
    folder, slash, start = word.rpartition("/")
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder + slash) or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    found = []
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        if entry.is_dir():
            found.append(f"{folder}{slash}{entry.name}/")
        elif suffixes is None or entry.name.endswith(tuple(suffixes)):
            found.append(f"{folder}{slash}{entry.name}")
    return found
