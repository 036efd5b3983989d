"""What `./inv` and `./inv TASK --help` print, and docs/options.md: all of it read from the options' fields."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence

from artifact import ROOT
from pipeline import schemas
from pipeline.command_line import Command
from pipeline.options import Field, listed

TEXT_COLUMN = 28
WIDEST = 100
NARROWEST = 60


def overview(commands: Iterable[Command]) -> str:
    """Return all tasks, one on each line, grouped in the order of the pipeline."""
    lines = ["usage: ./inv TASK [MODEL] [TARGET] [options]", "       ./inv TASK --help says what a task takes"]
    group = ""
    for command in commands:
        if command.group != group:
            group = command.group
            lines += ["", group]
        lines.append(f"  {command.name:<17}{command.summary}")
    return "\n".join(lines) + "\n"


def task_page(command: Command, width: int | None = None) -> str:
    """Return the help of a task: what it does, then its options by group. `width` is in columns."""
    width = width or min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))
    words = [f"[{name.upper()}]" for name in command.positional] + (["[options]"] if command.fields else [])
    lines = [" ".join(["usage: ./inv", command.name, *words]), ""]
    for paragraph in command.about.split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    for group, fields in by_group(command.fields.values()):
        scopes = {field.option.scope for field in fields}
        shared = scopes.pop() if len(fields) > 1 and len(scopes) == 1 else None
        lines += [f"{group} (for {shared.words})" if shared else group]
        lines += [*(line for field in fields for line in _lines(field, width, not shared, command)), ""]
    return "\n".join(lines[:-1]) + "\n"


def by_group(fields: Iterable[Field]) -> list[tuple[str, list[Field]]]:
    """Return fields by their group, both in the order in which they come."""
    groups: dict[str, list[Field]] = {}
    for field in fields:
        groups.setdefault(field.option.group, []).append(field)
    return list(groups.items())


def _lines(field: Field, width: int, scoped: bool, command: Command) -> list[str]:
    left = f"  {field.flag} {field.option.value}".rstrip()
    words = sentence(field, scoped)
    if field.name == "json":
        words += f", of {schemas.path_of(command.name).relative_to(ROOT)}"
    text = textwrap.wrap(words, width - TEXT_COLUMN, break_on_hyphens=False, break_long_words=False)
    if len(left) > TEXT_COLUMN - 2:
        return [left, *(" " * TEXT_COLUMN + line for line in text)]
    return [f"{left:<{TEXT_COLUMN}}{text[0]}", *(" " * TEXT_COLUMN + line for line in text[1:])]


def sentence(field: Field, scoped: bool = True) -> str:
    """Return what an option is, its default in words, and, with `scoped`, what it applies to."""
    option = field.option
    text = option.help.format(choices=listed(option.choices) if option.choices else "")
    if default := default_text(field):
        text += f"; by default {default}"
    return text + (f" (for {option.scope.words})" if option.scope and scoped else "")


def default_text(field: Field) -> str:
    """Return the default as words, empty if an option that is not set means nothing."""
    if field.option.default_words:
        return field.option.default_words
    has_none = field.default is None or isinstance(field.default, bool) or field.default in ("", ())
    return "" if has_none else str(field.default)


def markdown(commands: Iterable[Command]) -> str:
    """Return docs/options.md: the tasks, and each option once with the tasks that take it."""
    commands = list(commands)
    lines = [
        "# Tasks and options",
        "",
        "Written by `./inv --options > docs/options.md` from the fields of `pipeline/request.py`,"
        " `pipeline/task_requests.py` and `pipeline/task_options.py`.",
        "",
        *_table(("task", "does"), [(f"`{command.name}`", command.summary) for command in commands]),
    ]
    for group, fields in by_group(_first_of_each(commands)):
        rows = [_row(field, [c.name for c in commands if _takes(c, field)]) for field in fields]
        lines += ["", f"## {group}", "", *_table(("option", "is", "type", "tasks"), rows)]
    return "\n".join(lines) + "\n"


def _first_of_each(commands: Iterable[Command]) -> list[Field]:
    """Return each option once in each of its groups; the deploy task comes first, whose request has the most."""
    fields: dict[tuple[str, str], Field] = {}
    for command in sorted(commands, key=lambda command: command.name != "deploy"):
        for name, field in command.fields.items():
            fields.setdefault((name, field.option.group), field)
    return list(fields.values())


def _takes(command: Command, field: Field) -> bool:
    own = command.fields.get(field.name)
    return own is not None and own.option.group == field.option.group


def _row(field: Field, tasks: Sequence[str]) -> tuple[str, ...]:
    kind = {bool: "flag", int: "whole number", float: "number", tuple: "list"}.get(field.kind, "text")
    return f"`{field.flag} {field.option.value}`".replace(" `", "`"), sentence(field), kind, ", ".join(tasks)


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
