"""Runs the suite: for each network, core and engine an image is built by the caller, and measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import console
import process
import target as targets
from artifact import Artifact, ImageFacts, versions
from benchmarks import modeled
from benchmarks.suite import Cell, measure_cell
from calibration import evaluate
from calibration.convert import Int8Facts, expect_range
from calibration.evaluate import Values
from compilers.image.firmware import tool_versions
from compilers.image.microcontroller import FirmwareFacts
from compilers.tflm import tree
from datasets import Dataset, prepare_many, sample
from errors import CompileError, ConfigError, FitError
from graph.reader import read
from measure import layers
from target import Target

VERSION_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Plan:
    """What to measure: presets or files, targets, and with how many pictures.

    `classes` None takes the shipped weights; a number takes scaled random weights for so many classes, so that no
    training is needed. With `cycles` a picture is run outside the firmware, for modeled cycles and its output alone.
    """

    networks: Sequence[str]
    targets: Sequence[str]
    pictures: int
    classes: int | None = None
    optimize: str = "size"
    layers: bool = False
    cycles: bool = False
    is_plain: bool = False


@dataclass(frozen=True)
class Order:
    """One network to build for one target with one engine.

    `labels` are class names, None for those of the data set; `weights` None takes the shipped ones. `is_plain` asks for
    TensorFlow's own int8 conversion, which is the same where floating point differs a little.
    """

    network: str
    target: str
    engine: str
    optimize: str
    labels: tuple[str, ...] | None = None
    weights: str | None = None
    is_plain: bool = False


@dataclass(frozen=True)
class Built:
    """The image of an order, its int8 network, and the data set that it is measured with."""

    image: Artifact[ImageFacts]
    int8: Artifact[Int8Facts]
    data: Dataset


Build = Callable[[Order], Built]
"""Builds an order. Raises FitError if the network does not fit the target."""


def run(plan: Plan, build: Build) -> tuple[list[Cell], dict[str, str]]:
    """Measure all cells in order and return them with the versions of the tools. Prints a line for each."""
    boards = [_board(name) for name in plan.targets]
    cells: list[Cell] = []
    tools: dict[str, str] = versions("ai-edge-litert", "tensorflow")
    for network in plan.networks:
        for board in boards:
            for engine in ("aot", "tflm") if os.environ.get("TFLM_DIR") else ("aot",):
                cells += _cells(plan, build, _order(plan, network, board, engine), board, tools)
    return cells, tools


def _board(name: str) -> Target:
    board = targets.load(name, "--targets")
    if board.mcu is None or board.emulator is None or board.emulator.unit != "instructions":
        raise ConfigError(f"--targets {name}: expected emulated microcontrollers; they count instructions")
    return board


def _cells(plan: Plan, build: Build, order: Order, board: Target, tools: dict[str, str]) -> list[Cell]:
    engine = order.engine
    blank = Cell(Path(order.network).stem, board.name, board.cpu, engine)
    if engine == "tflm" and (missing := tree.missing(board)):
        console.note(missing)
        return [replace(blank, problem="no library built for it")]
    try:
        built = build(order)
    except FitError as e:
        return [replace(blank, problem=str(e).split(";")[0])]
    tools |= tool_versions(board) | _emulator(board) | _library(built.image)
    inputs, reference = _pictures(built, plan.pictures)
    with console.step("bench") as line:
        cells = modeled.cells(blank, built.image, board, inputs[0], reference[0])
        if not plan.cycles:
            cell = measure_cell(blank.network, board, engine, built.image, inputs, reference)
            if plan.layers and (ours := built.image.with_facts_of(FirmwareFacts)):
                cell = replace(cell, layers=layers.profile(built.int8, ours, board, inputs[0]))
            cells = [replace(cell, cycles=one.cycles, cycle_rules=one.cycle_rules) for one in cells[:1]] or [cell]
        line.text = "; ".join(map(_text, cells))
    return cells


def _text(cell: Cell) -> str:
    cycles = f", {cell.cycles:,} modeled cycles" if cell.cycles else ""
    figures = f"{cell.instructions:,} instructions{cycles}, {cell.equal} of {cell.pictures} equal"
    return f"{cell.network} on {cell.core} with {cell.engine}: {figures}"


def _pictures(built: Built, count: int) -> tuple[Values, Values]:
    """Return the model's inputs for some test pictures, (n, ...), and the reference's outputs, uint8 (n, bytes).

    A network that takes no pictures, or pixels of an unknown range, gets random integers.
    """
    facts, test = built.int8.facts, built.data.test
    if facts.input.is_picture and facts.input_range is not None:
        _, height, width, channels = facts.input_shape
        pixels = prepare_many(test, sample(test, count, 0), (height, width), channels)
        inputs = evaluate.quantize(pixels, expect_range(facts, built.int8.name), facts.input)
    else:
        rng = np.random.default_rng(0)
        inputs = rng.integers(-128, 127, (count, *facts.input_shape[1:]), np.int8, endpoint=True)
    reference = evaluate.answers(built.int8.path, inputs, "reference")
    if len(np.unique(reference, axis=0)) < min(2, count):
        raise ConfigError(f"{built.int8.name}: one output for all pictures; equal outputs would prove nothing")
    return inputs, reference


def _order(plan: Plan, network: str, board: Target, engine: str) -> Order:
    optimize = plan.optimize if engine == "aot" else "size"
    order = Order(network, board.name, engine, optimize, is_plain=plan.is_plain)
    if network.endswith(".tflite"):  # the pictures need not be of its classes to be run
        graph = read(Path(network))
        return replace(order, labels=_labels(graph.tensors[graph.outputs[0]].shape[-1]), is_plain=False)
    if plan.classes is not None:
        return replace(order, labels=_labels(plan.classes), weights="random")
    return order


def _labels(count: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(count))


def _emulator(board: Target) -> dict[str, str]:
    assert board.emulator is not None
    program = board.emulator.program
    finished = process.run(
        [program, "--version"], error=CompileError, timeout_s=VERSION_TIMEOUT_S, install=board.emulator.package
    )
    return {program: (finished.lines or ["unknown"])[0]}


def _library(image: Artifact[object]) -> dict[str, str]:
    return {name: version for name, version in image.tools.items() if name.startswith("TFLite-Micro")}
