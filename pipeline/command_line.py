"""The command line of `./inv`: tasks from dataclasses of options, positional model and target, nearest names."""

from __future__ import annotations

import difflib
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from invoke import Context, Exit, task
from invoke.tasks import Task

from errors import ConfigError, Error, Stopped
from pipeline.options import Field, Words, fields_of, read
from pipeline.request import is_model, is_target
from process.interrupts import interrupts

T = TypeVar("T")
InvokeTask: TypeAlias = "Task[Callable[[Context], None]]"
VERSION = "0.1.0"
STOPPED = 130
POSITIONAL = ("model", "target", "image")
RUNS = ("before", "after")
"""What a comparison takes without an option's name, in order."""
IMAGES = (".elf", ".hex", ".bin", ".uf2")
COMPLETE = "--complete"
COMPLETION = (COMPLETE, "--print-completion-script")
"""Options before the task with which a shell's completion asks, as invoke has them."""


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


def command(group: str, kind: type[T], *names: str) -> Callable[[Callable[[T], None]], InvokeTask]:
    """Make a task of a function that takes a dataclass of options; `names` are option groups or fields, all if empty.

    It is registered in COMMANDS, and returned as an invoke task, so that plain `invoke` runs it too.
    """
    fields = fields_of(kind)
    chosen = {n: field for n, field in fields.items() if not names or n in names or field.option.group in names}

    def wrap(body: Callable[[T], None]) -> InvokeTask:
        name = body.__name__.replace("_", "-")
        about = inspect.cleandoc(body.__doc__ or "")
        command = Command(name, group, about, chosen, lambda words: _run_task(body, read(kind, words)))
        COMMANDS[name] = command
        return _invoke_task(command)

    return wrap


def _invoke_task(command: Command) -> InvokeTask:
    def run(c: Context, **values: str | bool | None) -> None:
        code, message = attempt(lambda: command.run({n: v for n, v in values.items() if v not in (None, False)}))
        if code:
            from console.text import one_line

            raise Exit(one_line(message), code=code)

    fields = command.fields
    parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=False if field.kind is bool else None)
        for n, field in fields.items()
    ]
    run.__name__, run.__doc__ = command.name.replace("-", "_"), command.about
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    invoke_help = {name: field.option.help.replace("{choices}", "") for name, field in fields.items()}
    result: InvokeTask = task(name=command.name, auto_shortflags=False, help=invoke_help)(run)
    return result


def _run_task(body: Callable[[T], None], options: T) -> None:
    """Run a task; with --json it prints JSON alone on standard output, and steps and notes on standard error."""
    if not getattr(options, "json", False):
        body(options)
        return
    import console

    with console.beside_json():
        body(options)


STOPPED_TEXT = "stopped; what was finished is kept"


def attempt(body: Callable[[], None]) -> tuple[int, str]:
    """Run something and return the exit code and the line to end with: 1 for our errors, 130 for Ctrl-C."""
    with interrupts() as is_interrupted:
        try:
            body()
        except Stopped as e:
            return STOPPED, f"stopped: {e}"
        except Error as e:
            return 1, f"error: {e}"
        except BaseException as e:  # such as the ImportError of a library whose import was stopped
            if not isinstance(e, KeyboardInterrupt) and not is_interrupted():
                raise
            return STOPPED, STOPPED_TEXT
        return (STOPPED, STOPPED_TEXT) if is_interrupted() else (0, "")  # a library may lose Ctrl-C


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; errors are one line on standard error."""
    try:
        code, message = attempt(lambda: _run_with_libraries(arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # such as ./inv targets | head; Python would complain again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if message:
        from console.text import one_line

        print(_in_color(one_line(message)), file=sys.stderr)
    return code


def _in_color(message: str) -> str:
    """Return the line that a command ends with, its first word in red where the terminal has colors."""
    has_colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    kind, colon, rest = message.partition(":")
    return f"\x1b[31m{kind}{colon}\x1b[0m{rest}" if has_colors and colon else message


def _run_with_libraries(arguments: Sequence[str]) -> None:
    try:
        _run(arguments)
    except ModuleNotFoundError as e:
        from pipeline import second_lock

        second_lock.start_again_after(e)
        raise


def _run(arguments: Sequence[str]) -> None:
    from pipeline import help as pages

    if page := _page(arguments):
        print(page, end="")
        return
    runs = parse(arguments)
    if not runs:
        print(pages.overview(COMMANDS.values()), end="")
    for command, words in runs:
        command.run(words)


def _page(arguments: Sequence[str]) -> str:
    """Return the help or the listing that a command line asks for, empty if it asks for none."""
    from pipeline import help as pages

    first, *rest = [*arguments, ""]
    if first.partition("=")[0] in COMPLETION:
        return _completion(*arguments)
    if first in ("--version", "-V"):
        return f"Alpharho {VERSION}\n"
    if first == "--options":
        return pages.markdown(COMMANDS.values())
    if first in ("--list", "-l") or (first in ("--help", "-h") and rest == [""]):
        return pages.overview(COMMANDS.values())
    if first in ("--help", "-h"):
        return pages.task_page(find(rest[0]))
    if first.startswith("--help="):
        return pages.task_page(find(first.removeprefix("--help=")))
    if first in COMMANDS and any(word in ("--help", "-h") for word in rest):
        return pages.task_page(COMMANDS[first])
    return ""


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


def is_image(word: str) -> bool:
    """Return whether a word names an image of firmware."""
    return word.endswith(IMAGES)


def _known(command: Command) -> list[str]:
    """Return the words that a task takes without an option's name, and the names of tasks."""
    import target
    from models import presets

    names: dict[str, Callable[[], list[str]]] = {"model": presets.all_names, "target": target.names, "image": list}
    return [word for name in command.positional for word in names[name]()]


def typed_command(arguments: Sequence[str] | None = None) -> str:
    """Return a command as it was typed, by default this process's."""
    return shlex.join(["./inv", *(sys.argv[1:] if arguments is None else arguments)])


def _completion(first: str, *rest: str) -> str:
    """Return the lines that answer a shell's completion, or what the shell sources for it."""
    from pipeline import completion

    option, _, shell = first.partition("=")
    if option == COMPLETE:
        return "".join(f"{word}\n" for word in completion.candidates(rest[1:], COMMANDS))
    return completion.script(shell or next(iter(rest), ""))
