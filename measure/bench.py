"""Measure one compiled artifact on one device, compare with the reference, and put the report together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import console
from compilers import aot
from compilers.image.microcontroller import FirmwareFacts
from deploy.board_state import BoardState
from deploy.info import Stats
from measure import clocks, details, edgetpu, figures, identity, linux
from measure.details import Details
from measure.layout import clock_text, difference_text
from measure.measurement import (
    Measurement,
    choose_threads,
    measure_latency,
    open_device,
    read_clock,
    run_pictures,
    utc_now,
)
from measure.reference import Agreement, agreement_of, agreement_of_timed, reference_outputs
from measure.report import EngineSection, ModelSection, Provenance, Report, StreamedInput, TargetSection
from measure.setup import Pictures, Setup, prepare_pictures
from target import Target

NO_REFERENCE = (
    "outputs are not compared: LiteRT on this host can't run a compiled file; to compare, give the int8 .tflite that "
    "it was compiled from as --model, and this file as --compiled"
)
Part: TypeAlias = Literal["latency", "accuracy"]


@dataclass(frozen=True, eq=False)
class Result:
    """A measurement, its report, and what a page shows beside it."""

    measurement: Measurement
    report: Report
    details: Details


def measure(setup: Setup, parts: Sequence[Part], command: str) -> Result:
    """Measure the parts on the device and return the measurement and its report. `command` is what the user typed.

    A device that is lost is waited for as long as the settings say. A run that loses it for longer, or is stopped by
    the user, keeps the answers that came before; without any answer it raises. Raises ConfigError for settings that
    can't be, and as deploy.device.Device.session.
    """
    pictures = prepare_pictures(setup)
    threads = choose_threads(setup, pictures)
    reference = outputs = agreement = None
    with open_device(setup, threads) as (connection, before):
        first = read_clock(setup, connection.session)
        bench = measure_latency(setup, connection, pictures) if "latency" in parts else None
        if "accuracy" in parts:
            if setup.has_reference:
                reference = reference_outputs(setup, pictures, setup.reference_kernels)
            else:
                console.note(NO_REFERENCE)
            outputs = run_pictures(setup, connection, pictures, threads)
        is_lost = bool(outputs and outputs.interrupted)
        stats = Stats() if is_lost else connection.run(lambda session: session.stats())
        stats = bench.of_all(stats) if bench else stats
        after = connection.run(lambda session: session.board()) if setup.is_linux and not is_lost else BoardState()
        last = None if is_lost else connection.run(partial(read_clock, setup))
        clock_error = None if connection.losses else identity.clock_error(first, last)
        latency = bench.latency if bench else None
        measurement = Measurement(
            connection.info, threads, latency, outputs, stats, before, after, clock_error, connection.losses
        )
    if text := clock_text(clock_error):
        console.note(f"{text}: its times are wrong by as much; check the rate that its firmware states")
    if outputs is not None:
        with console.step("accuracy") as line:
            agreement = agreement_of(setup, pictures, outputs.raw, reference)
            line.text, line.reused, line.seconds = agreement_text(agreement), outputs.is_reused, outputs.seconds
    elif bench is not None and setup.has_reference:
        agreement = agreement_of_timed(setup, pictures, bench.latency.answer)
        with console.step("exactness") as line:
            line.text, line.reused = agreement_text(agreement), bench.is_reused
    report = report_of(setup, pictures, measurement, agreement, command)
    if text := clocks.differs(report.clock):
        console.note(f"{text}: cycles or time are wrong by as much; check the clock that its firmware sets up")
    found = details.of(setup, pictures, outputs.raw if outputs else None, report.provenance.created)
    return Result(measurement, report, found)


def agreement_text(agreement: Agreement) -> str:
    """Return accuracy and exactness in a line."""
    exact, accuracy = agreement.exactness, agreement.accuracy
    text = f"{exact.equal:,} of {exact.n:,} outputs equal to the reference" if exact else "no reference"
    if exact and exact.first_difference:
        text += f" ({difference_text(exact.first_difference)})"
    if agreement.auc:
        return f"AUC {agreement.auc.auc:.4f}, {text}"
    if agreement.why_not:
        return f"{text}; accuracy has no meaning: {agreement.why_not}"
    return text if accuracy is None else f"{100 * accuracy.top1:.2f} % top-1, {text}"


def report_of(
    setup: Setup, pictures: Pictures, measurement: Measurement, agreement: Agreement | None, command: str
) -> Report:
    """Return the report of a measurement beside its reference. What was not measured is absent."""
    info, compiled, is_linux = measurement.info, setup.compiled, setup.is_linux
    before, after, stats = measurement.before, measurement.after, measurement.stats
    trials, measured_on = measurement.threads.trials, setup.target.measured_on
    latency = measurement.latency.summary() if measurement.latency else None
    return Report(
        target=target_section(setup.target),
        model=model_section(setup),
        engine=engine_section(setup, measurement),
        latency=latency,
        clock=clocks.section(info, latency.median if latency else None, stats),
        memory=figures.memory(info, stats, compiled.facts.memory),
        accuracy=agreement.accuracy if agreement else None,
        auc=agreement.auc if agreement else None,
        no_accuracy=agreement.why_not or None if agreement else None,
        exactness=agreement.exactness if agreement else None,
        device=identity.section(setup.target, info, before, measurement.clock_error, setup.lab),
        linux=linux.section(before, after, stats, trials, measured_on) if is_linux else None,
        tpu=edgetpu.section(compiled, before) if is_linux else None,
        provenance=provenance(setup, pictures, measurement, command),
    )


def target_section(target: Target) -> TargetSection:
    """Return the report's section `target`."""
    return TargetSection(target.name, target.kind, target.measured_on, _cpu(target))


def model_section(setup: Setup) -> ModelSection:
    """Return the report's section `model`."""
    facts, preset = setup.int8.facts, setup.int8.facts.preset
    return ModelSection(
        name=setup.int8.name,
        classes=facts.classes,
        sha256=setup.int8.sha256,
        family=preset.family if preset else None,
        alpha=preset.alpha if preset else None,
        rho=preset.rho if preset else None,
        parameters=facts.parameters,
        macs=preset.macs if preset else None,
    )


def engine_section(setup: Setup, measurement: Measurement) -> EngineSection:
    """Return the report's section `engine`."""
    info, firmware = measurement.info, setup.compiled.with_facts_of(FirmwareFacts)
    streamed = firmware.facts.plan.streamed if firmware else None
    plan: aot.Plan | None = getattr(setup.compiled.facts, "plan", None)
    return EngineSection(
        name=info.engine,
        version=info.engine_version,
        kernels=info.kernels,
        threads=measurement.threads.count if setup.is_linux else None,
        optimize=firmware.facts.optimize if firmware else None,
        streamed_input=StreamedInput(
            streamed.rows, streamed.row_bytes, streamed.input_bytes, streamed.whole_arena_bytes
        )
        if streamed
        else None,
        macs_left_out=plan.macs_left_out or None if plan else None,
    )


def provenance(setup: Setup, pictures: Pictures, measurement: Measurement, command: str) -> Provenance:
    """Return where the figures come from."""
    int8, compiled, outputs = setup.int8, setup.compiled, measurement.outputs
    return Provenance(
        created=utc_now(),
        command=command,
        artifacts={compiled.kind: compiled.sha256, "int8": int8.sha256, **int8.parents},
        tools={**int8.tools, **compiled.tools},
        firmware=measurement.info.firmware,
        pictures=pictures.digest if outputs else None,
        accuracy_measured=outputs.measured if outputs else None,
        interrupted=measurement.interrupted or None,
        resumed_pictures=(outputs.resumed or None) if outputs else None,
        reconnects=measurement.reconnects or None,
        damaged_pictures=len(setup.data.damaged) or None,
        calibration=int8.facts.check,
    )


def _cpu(target: Target) -> str:
    """Return the CPU's name; this machine's for `native`."""
    if target.cpu != "native":
        return target.cpu
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "native"
