"""The task `sweep`: networks of each family, α and ρ against a board, without training or TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import console
import datasets
import target as targets
from artifact import BUILD_DIR, write_atomic
from benchmarks import sweep as sweeps
from benchmarks.sweep import Candidate, Limits, Measured, Sweep
from compilers.image import fit
from datasets import Dataset
from errors import ConfigError, Error
from fields.dataclass_json import to_json
from graph.writer import write
from measure import cost as costs
from measure.cost import Costs
from models import checkpoint, presets, random_int8, weights
from models.presets import Preset
from pipeline import measuring, plans, preflight, products, profiling, second_lock
from pipeline.request import Request
from pipeline.steps import Steps
from pipeline.task_options import SweepOptions, TrainOptions
from pipeline.task_requests import ProfileRequest
from target import Target

RHOS = (64, 96, 128, 160, 192, 224)
SAMPLES = {
    "v1": ("v1_025_64", "v1_050_96"),
    "v2": ("v2_035_64", "v2_050_96"),
    "v3": ("v3s_075_64", "v3s_100_96"),
}
"""Presets whose layers are measured to know what a layer costs, by the beginning of the family."""
FOLDER = BUILD_DIR / "sweep"
CYCLES = "rp2040js cycles"


def run(chosen: SweepOptions, command: str) -> None:
    """Print the networks that fit a board, the best of them, and why each other is refused.

    Raises ConfigError for a board or a limit that can't be.
    """
    if not chosen.target:
        raise ConfigError("--target: a sweep needs a microcontroller, such as pico; ./inv targets lists them")
    board = targets.load(chosen.target)
    if chosen.train:
        second_lock.need_keras()
    result = _sweep(chosen, board, command)
    if chosen.json:
        console.print_json(to_json(result))
        return
    console.table("", *sweeps.table(result), drop=sweeps.DROPPED, red=("RAM", "flash", "latency", "cost", "accuracy"))
    if plot := sweeps.plot(result):
        console.plain(plot)
    console.plain(_summary(result))


def _summary(result: Sweep) -> str:
    if not result.best:
        return f"{result.target}: nothing fits; allow more, or take --stream-input"
    lines = [f"{result.best}: {result.why}"]
    lines += [
        f"{one.preset} measured on {one.measured.target}: {round(one.measured.cost):,} {result.unit}, "
        f"predicted {sweeps.deviation(one):+.1f} %"
        for one in result.candidates
        if one.measured
    ]
    lines.append(
        f"costs are predicted from layers measured on {result.counted_on}; the firmware's own RAM is estimated"
    )
    if any(one.modeled_ms is not None for one in result.candidates):
        lines.append(f"modeled ms: {result.unit} at the board's clock, as if flash never waits; no time was measured")
    if any(one.estimated for one in result.candidates):
        lines.append(f"{sweeps.ABOUT} your own SDK links for {result.target}, and what it takes itself is an estimate")
    return "\n".join(lines)


def _sweep(chosen: SweepOptions, board: Target, command: str) -> Sweep:
    room = fit.room_of(board)
    counter = counting_board(board)
    limits = Limits(
        chosen.max_ram or room.ram_bytes, chosen.max_flash or room.flash_bytes, chosen.max_latency, chosen.max_count,
        None if chosen.min_accuracy is None else chosen.min_accuracy / 100,
    )  # fmt: skip
    data = datasets.load(chosen.data)
    wanted = _presets(chosen, len(data.class_names))
    planned = _planned(chosen, board, wanted, limits)
    families = {one.family for one in planned if not one.refused}
    known = measured_costs(counter, chosen, sorted(families)) if families else None
    unit = known.unit if known else ""
    if limits.latency_ms is not None and unit == "instructions":
        raise ConfigError(
            f"--max-latency: {counter.name} counts instructions, which say no time; give --max-count, or measure "
            "on the board"
        )
    candidates = [
        sweeps.judged(_with_cost(one, preset, known, board, data, chosen), limits, unit)
        for one, preset in zip(planned, wanted, strict=True)
    ]
    candidates, (best, why) = _with_finalists(chosen, counter, candidates, limits, unit, len(data.class_names), command)
    shown = sweeps.with_front(candidates)
    return Sweep(
        sweeps.SCHEMA, board.name, counter.name, unit, chosen.optimize, chosen.stream_input, limits, best, why, shown
    )


def counting_board(board: Target) -> Target:
    """Return the target on which costs are counted: the board itself on this machine, else an emulated core like it.

    Raises ConfigError if there is none.
    """
    if board.measured_on != "hardware":
        return board
    kernels = fit.room_of(board).kernels
    others = [targets.load(name) for name in targets.names()]
    alike = [
        one for one in others
        if one.emulator and one.mcu and (one.cpu, one.mcu.kernels) == (board.cpu, kernels) and not one.mcu.by_pico_sdk
    ]  # fmt: skip
    if not alike:
        raise ConfigError(f"--target {board.name}: no emulated core is a {board.cpu}; sweep one of ./inv targets")
    # One that counts cycles says a time too.
    return min(alike, key=lambda one: (one.emulator is None or one.emulator.unit == "instructions", one.name))


def _presets(chosen: SweepOptions, classes: int) -> list[Preset]:
    """Return all networks that are asked for. Raises ConfigError for a family, alpha or rho that can't be."""
    families = chosen.families or tuple(presets.FAMILIES)
    for family in families:
        if family not in presets.FAMILIES:
            raise ConfigError(f"--families {family}: expected some of {', '.join(presets.FAMILIES)}")
    names = [
        f"{family}_{round(alpha * 100):03d}_{round(rho)}"
        for family in families
        for alpha in chosen.alphas or presets.ALPHAS[family]
        for rho in chosen.rhos or RHOS
    ]
    return [presets.parse(name, classes, chosen.channels) for name in names]


def _planned(chosen: SweepOptions, board: Target, wanted: Sequence[Preset], limits: Limits) -> list[Candidate]:
    """Return each network with its memory; those whose weights alone are too many are not planned."""
    room, found = fit.room_of(board), []
    with console.step("plan") as line, console.bar("plan", len(wanted)) as done:
        for count, preset in enumerate(wanted, start=1):
            network = preset.network()
            one = Candidate(preset.name, preset.family, preset.alpha, preset.rho, network.parameters, network.macs)
            if limits.flash_bytes is not None and network.int8_bytes > limits.flash_bytes:
                found.append(
                    replace(one, refused=f"flash over by at least {network.int8_bytes - limits.flash_bytes:,}")
                )
                continue
            plan = plans.of_preset(preset, room.kernels, chosen.optimize, chosen.stream_input)
            ram, flash = fit.needed(room, plan.arena_bytes, plan.weights_bytes, plan.code_bytes, plan.input_bytes)
            found.append(
                replace(
                    one, ram_bytes=ram, flash_bytes=flash, arena_bytes=plan.arena_bytes,
                    weights_bytes=plan.weights_bytes, estimated=room.is_estimate,
                )
            )  # fmt: skip
            done(count)
        line.text = f"{len(wanted)} networks for {board.name}, {room.kernels} kernels"
    return found


def _with_cost(
    one: Candidate, preset: Preset, known: Costs | None, board: Target, data: Dataset, chosen: SweepOptions
) -> Candidate:
    """Return a candidate with its predicted cost, and the accuracy of its checkpoint if there is one."""
    accuracy = None
    for path in (weights.trained_path(preset, data.identity), checkpoint.shipped_path(preset.name, data.name)):
        if accuracy is None and path.is_file():
            accuracy = checkpoint.load_facts(path).float_top1
    if one.refused or known is None:
        return replace(one, accuracy=accuracy)
    plan = plans.of_preset(preset, known.kernels, chosen.optimize, chosen.stream_input)
    graph = random_int8.graph_of(preset, has_weights=False)
    cost = costs.predict(costs.work_of(graph, plan.by_rows, plan.computed), known)
    clock = board.mcu.clock_hz if board.mcu else board.sdk.memory.clock_hz if board.sdk and board.sdk.memory else 0
    latency = cost / 1e3 if cost is not None and known.unit == "us" else None
    modeled = cost / clock * 1e3 if cost is not None and known.unit == CYCLES and clock else None
    return replace(one, cost=cost, latency_ms=latency, modeled_ms=modeled, accuracy=accuracy)


def measured_costs(counter: Target, chosen: SweepOptions, families: Sequence[str]) -> Costs:
    """Return what layers cost on a core, measured on two networks of each kind of family; measured once."""
    names = tuple(dict.fromkeys(name for family in families for name in SAMPLES[family[:2]]))
    rows, factors, unit, kernels = [], [], "", ""
    for name in names:
        preset = presets.parse(name, classes=10, channels=chosen.channels)
        graph = random_int8.graph_of(preset, has_weights=False)
        request = ProfileRequest(
            model=str(_file_of(preset)), target=counter.name, optimize=chosen.optimize,
            stream_input=chosen.stream_input,
        )  # fmt: skip
        try:
            profile = profiling.reused(request, counter)
        except Error as e:  # such as one that does not fit
            console.note(f"{name}: not measured: {e}")
            continue
        plan = plans.of_preset(preset, profile.kernels, chosen.optimize, chosen.stream_input)
        work = costs.work_of(graph, plan.by_rows, plan.computed)
        rows += [(work[layer.operator], layer.amount) for layer in profile.layers if layer.operator is not None]
        factors.append(profile.whole / profile.sum)
        unit, kernels = profile.unit, profile.kernels
    if not rows:
        raise ConfigError(f"--target {counter.name}: no network could be measured on it")
    return Costs(counter.name, kernels, unit, names, costs.fit(rows), sum(factors) / len(factors))


def _file_of(preset: Preset) -> Path:
    """Return the .tflite of a preset with random weights, written if it is not there."""
    path = FOLDER / f"{preset.name}-random-{preset.classes}-{preset.channels}.tflite"
    if not path.is_file():
        write_atomic(path, write(random_int8.graph_of(preset)))
    return path


def _with_finalists(
    chosen: SweepOptions, counter: Target, candidates: Sequence[Candidate], limits: Limits, unit: str, classes: int,
    command: str,
) -> tuple[list[Candidate], tuple[str, str]]:  # fmt: skip
    """Measure the best until so many hold what was predicted; return all candidates, the best and why."""
    found = list(candidates)
    for _ in range(chosen.finalists):
        left = [one for one in found if not one.measured]
        name, _why = sweeps.best(left)
        if not name:
            break
        at = next(i for i, one in enumerate(found) if one.preset == name)
        measured = _measure(chosen, counter, found[at], classes, command)
        one = replace(found[at], measured=measured)
        if chosen.train and one.accuracy is None:
            one = replace(one, accuracy=_train(chosen, one.preset))
        found[at] = sweeps.judged(one, limits, unit)
    return found, sweeps.best(found)


def _measure(chosen: SweepOptions, counter: Target, one: Candidate, classes: int, command: str) -> Measured:
    preset = presets.parse(one.preset, classes, chosen.channels)
    request = Request(
        model=str(_file_of(preset)), target=counter.name, optimize=chosen.optimize, stream_input=chosen.stream_input
    )
    resolved = preflight.check(request, preflight.Goal.MEASURED, needs_data=False)
    report = measuring.latency_of(Steps(resolved), command)
    if report.latency is None:
        raise ConfigError(f"{one.preset} on {counter.name}: no latency was measured; run the same command again")
    return Measured(counter.name, report.latency.median, report.memory.get("ram"), report.memory.get("flash"))


def _train(chosen: SweepOptions, name: str) -> float | None:
    """Train a preset as `inv train` does, and return its float top-1."""
    options = TrainOptions(model=name, data=chosen.data, channels=chosen.channels)
    return products.trained(options, f"./inv train --model {name} --data {chosen.data}")[1].float_top1
