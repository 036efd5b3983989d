"""The command line of `./inv`: tasks from dataclasses of options, positional model and target, nearest names.

Help, listings and mistakes are answered with Python's own library alone, so that they need no installed package.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from errors import Error, Stopped
from pipeline.options import fields_of, read
from pipeline.parsing import COMMANDS, Command, check, find, parse
from process.interrupts import interrupts

if TYPE_CHECKING:
    from pipeline.invoke_tasks import InvokeTask

T = TypeVar("T")
__all__ = ["COMMANDS", "Command", "attempt", "command", "find", "main", "parse", "typed_command"]
VERSION = "0.1.0"
STOPPED = 130
COMPLETE = "--complete"
COMPLETION = (COMPLETE, "--print-completion-script")
"""Options before the task with which a shell's completion asks, as invoke has them."""
BEFORE_INSTALL, GO_ON = "--before-install", 3
"""Option before the task with which the launcher asks what needs no package, and the exit code for all else."""


def command(group: str, kind: type[T], *names: str) -> Callable[[Callable[[T], None]], InvokeTask | None]:
    """Make a task of a function that takes a dataclass of options; `names` are option groups or fields, all if empty.

    It is registered in COMMANDS. Where plain `invoke` reads the tasks, it is returned as an invoke task too.
    """
    fields = fields_of(kind)
    chosen = {n: field for n, field in fields.items() if not names or n in names or field.option.group in names}

    def wrap(body: Callable[[T], None]) -> InvokeTask | None:
        name = body.__name__.replace("_", "-")
        about = inspect.cleandoc(body.__doc__ or "")
        command = Command(name, group, about, chosen, lambda words: _run_task(body, read(kind, words)))
        COMMANDS[name] = command
        if "invoke" not in sys.modules:
            return None
        from pipeline import invoke_tasks

        return invoke_tasks.task_of(command, attempt)

    return wrap


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
    if arguments[:1] == [BEFORE_INSTALL]:
        return before_install(arguments[1:])
    try:
        code, message = attempt(lambda: _run_with_libraries(arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # such as ./inv targets | head; Python would complain again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    _print_end(message)
    return code


def before_install(arguments: Sequence[str]) -> int:
    """Answer help, listings and mistakes, which need no package; return the exit code, or GO_ON for all else."""
    code = GO_ON

    def answer() -> None:
        nonlocal code
        with contextlib.suppress(ModuleNotFoundError):
            if (page := _page(arguments)) is not None:
                print(page, end="")
                code = 0
            else:
                check(arguments)

    failed, message = attempt(answer)
    _print_end(message)
    return failed or code


def _print_end(message: str) -> None:
    if message:
        print(_in_color(_shown(message)), file=sys.stderr)


def _shown(message: str) -> str:
    """Return a message as one line, for a terminal broken between words; the terminal would break inside them."""
    try:
        from console.text import one_line, wrapped
    except ModuleNotFoundError:  # rich is not installed yet
        return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in message)
    line = one_line(message)
    return wrapped(line, shutil.get_terminal_size().columns) if sys.stderr.isatty() else line


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
    if (page := _page(arguments)) is not None:
        print(page, end="")
        return
    for command, words in parse(arguments):
        command.run(words)


def _page(arguments: Sequence[str]) -> str | None:
    """Return the help or the listing that a command line asks for, which may be empty; None if it asks for none."""
    from pipeline import help as pages

    first, *rest = [*arguments, ""]
    if first.partition("=")[0] in COMPLETION:
        return _completion(*arguments)
    if first in ("--version", "-V"):
        return f"Alpharho {VERSION}\n"
    if first == "--options":
        return pages.markdown(COMMANDS.values())
    if not arguments or first in ("--list", "-l") or (first in ("--help", "-h") and rest == [""]):
        return pages.overview(COMMANDS.values())
    if first in ("--help", "-h"):
        return pages.task_page(find(rest[0]))
    if first.startswith("--help="):
        return pages.task_page(find(first.removeprefix("--help=")))
    if first in COMMANDS and any(word in ("--help", "-h") for word in rest):
        return pages.task_page(COMMANDS[first])
    return None


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
