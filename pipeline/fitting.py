"""The task `fit`: what a network needs on boards, as planned and, with --measure, as linked and on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import console
import target as targets
from artifact import Artifact
from compilers.image import fit as fits
from compilers.image import fit_measured, fit_table
from compilers.image.fit import FORMS, Fit, Form
from compilers.image.fit_measured import Measured
from errors import ConfigError, Error
from pipeline import measuring, preflight, sweeping
from pipeline.preflight import Goal
from pipeline.request import Request
from pipeline.steps import Steps
from pipeline.task_requests import FitOptions
from target import Target

Known = dict[str, tuple[Measured, tuple[str, ...]]]


def fit(request: FitOptions, command: str) -> None:
    """Print what RAM and flash the int8 network needs on each board, or on one, in each form.

    Raises ConfigError if what to measure is not said, or can't be.
    """
    if request.measure and not request.target:
        raise ConfigError("--measure: builds and runs the network for one board; add --target")
    names = [request.target] if request.target else targets.names()
    boards = fits.boards_of([targets.load(name) for name in names])
    # The network is the same for all boards.
    whole = replace(request, target=Request.target, typed={})
    model = Steps(preflight.check(whole, Goal.INT8, needs_data=False)).quantize()
    with console.bar("compile", len(fits.compilations(boards))) as done:
        table = fits.table(model, boards, done)
    known = _measured(model, boards[0], table[boards[0].name], command) if request.measure else {}
    if request.json:
        console.print_json(fit_table.as_json(table, known))
        return
    console.table("", *fit_table.table(table), red=fit_table.SHORT, drop=fit_table.DROPPED)
    if known:
        results = {form: one for form, (one, _) in known.items()}
        columns, rows = fit_table.measured_table(table[boards[0].name], results)
        console.say("")
        console.table("", columns, rows, drop=fit_table.MEASURED_DROPPED)
    if request.target and (plot := _plot(table[boards[0].name], known)):
        console.plain(plot)
    console.plain(fit_table.notes(table))
    if boards[0].measured_on == "host":
        console.note(f"{boards[0].name} is a process on this machine: its RAM and flash are no limits")
    for form, (_, parted) in known.items():
        for problem in parted:
            console.note(f"{form}: {problem}")


def _plot(planned: dict[str, Fit], known: Known) -> str:
    counts = {form: one.count for form, (one, _) in known.items() if one.count is not None}
    if counts:
        unit = next(one.unit for one, _ in known.values())
        return fit_table.plot({form: (count, planned[form].ram_needed) for form, count in counts.items()}, unit)
    return fit_table.plot({form: (fit.macs, fit.ram_needed) for form, fit in planned.items()}, "MACs")


def _measured(model: Artifact[object], board: Target, planned: dict[str, Fit], command: str) -> Known:
    """Build and run each form that fits; on an emulated core like the board's if the board is hardware."""
    runner = sweeping.counting_board(board)
    known: Known = {}
    for form in FORMS:
        if form.name not in planned or not planned[form.name].fits:
            continue
        one = Request(model=str(model.path), target=runner.name, optimize=form.optimize, stream_input=form.stream_input)
        steps = Steps(preflight.check(one, Goal.MEASURED, needs_data=False))
        report = measuring.latency_of(steps, command)
        if report.latency is None:
            raise ConfigError(f"{form.name} on {runner.name}: no latency was measured; run the same command again")
        linked = report.memory if runner is board else _linked(one, board, form)
        known[form.name] = fit_measured.measured(
            planned[form.name], linked, runner.name, report.memory, report.latency.median, report.latency.unit
        )
    return known


def _linked(request: Request, board: Target, form: Form) -> Mapping[str, int] | None:
    """Return the sizes that the board's own image has by name, None where it can't be linked here."""
    try:
        image = Steps(preflight.check(replace(request, target=board.name), Goal.COMPILED, needs_data=False)).compile()
    except Error as e:
        console.note(f"{form.name}: not linked for {board.name}: {e}")
        return None
    return image.facts.memory
