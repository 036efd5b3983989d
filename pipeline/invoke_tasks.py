"""Tasks as plain `invoke` runs them; ./inv has a command line of its own and does not import this."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias

from invoke import Context, Exit, task
from invoke.tasks import Task

from pipeline.parsing import Command

InvokeTask: TypeAlias = "Task[Callable[[Context], None]]"


def task_of(command: Command, attempt: Callable[[Callable[[], None]], tuple[int, str]]) -> InvokeTask:
    """Return a command as an invoke task. `attempt` runs it and returns the exit code and the line to end with."""

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
