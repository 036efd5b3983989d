"""Tasks that end with a build product: weights, the network, its int8 form, what runs on a target and what fits."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import console
import target as targets
from console.text import end_of
from errors import ConfigError
from models.checkpoint import CheckpointFacts
from pipeline import accuracy_tables, flashing, preflight, product_forms
from pipeline.preflight import Goal
from pipeline.request import Request
from pipeline.steps import Steps
from pipeline.task_options import EmulatorOptions, TrainOptions
from pipeline.task_requests import CalibrateRequest

if TYPE_CHECKING:
    from calibration.layer_noise import LayerNoise


def train(chosen: TrainOptions, command: str) -> None:
    """Train a preset and print where its weights are; `command` is what the user typed."""
    from models.training import summary

    if chosen.quantize:
        from pipeline import train_for_int8

        path, facts = train_for_int8.train(chosen, command)
    else:
        path, facts = trained(chosen, command)
        if not chosen.json:
            summary.print_summary(facts)
    assert facts.float_top1 is not None
    if chosen.json:
        known = {name: value for name, value in asdict(facts).items() if value is not None}
        console.print_json({"path": str(path), **known})
    else:
        console.say(f"{100 * facts.float_top1:.2f} % top-1 in float over the whole test split\n{path}")


def trained(chosen: TrainOptions, command: str) -> tuple[Path, CheckpointFacts]:
    """Train a preset in float; return the checkpoint's path and its facts."""
    if chosen.steps is not None:
        raise ConfigError(f"--steps {chosen.steps}: it is for --quantize; give --stages instead")
    from models import training, weights
    from models.training import recipe

    names = {field.name for field in fields(recipe.Wishes)}
    wishes = recipe.Wishes(**{name: value for name, value in asdict(chosen).items() if name in names})
    preflight.check_disk(Path(chosen.out).parent if chosen.out else weights.TRAINED_DIR)
    return training.run(chosen.model, chosen.data, chosen.weights, chosen.channels, wishes, chosen.out, command)


def build(request: Request) -> None:
    """Build the Keras network and print its path."""
    steps = _steps(request, Goal.NETWORK)
    network = steps.build_network()
    if request.json:
        assert steps.resolved.source is not None
        console.print_json(product_forms.of_network(network, steps.resolved.source.describe()))
        return
    console.say(str(network.path))


def calibrate(request: CalibrateRequest) -> None:
    """Convert the network to int8, print what that costs and its path; with --layers the noise of each tensor."""
    steps = _steps(request, Goal.INT8)
    int8 = steps.quantize()
    if request.json:
        console.print_json(product_forms.of_int8(int8, _noise(steps) if request.layers else []))
        return
    accuracy_tables.show(int8.facts)
    console.say(str(int8.path))
    if request.layers:
        rows = [[end_of(row.name), row.operator, f"{row.snr_db:.1f}"] for row in _noise(steps)]
        console.table("", [("tensor", "left"), ("operator", "left"), ("SNR, dB", "right")], rows)


def _noise(steps: Steps) -> list[LayerNoise]:
    from calibration import layer_noise

    return layer_noise.measure(steps.build_network(), steps.quantize(), steps.resolved.data)


def compile(request: Request) -> None:
    """Compile the int8 network for a target and print each file that runs there; for TFLite-Micro its folder."""
    steps = _steps(request, Goal.COMPILED)
    compiled, board = steps.compile(), steps.resolved.target
    paths = [compiled.path.parent] if compiled.kind == "tflm" else flashing.forms(compiled.path, board)
    if request.json:
        console.print_json(product_forms.of_image(compiled, board, steps.resolved.engine, paths))
        return
    for path in paths:
        console.say(str(path))


def emulator(chosen: EmulatorOptions) -> None:
    """Build, start or stop a virtual machine that stands for a Linux board, and print its state."""
    from deploy.machines.control import control, is_running

    board = targets.load(chosen.target)
    actions = [name for name in ("build", "start", "stop", "status") if getattr(chosen, name)] or ["status"]
    texts = []
    for action in actions:
        texts.append(control(board, action, console.note))
        if not chosen.json:
            console.say(texts[-1])
    if chosen.json:
        done = [{"action": action, "text": text} for action, text in zip(actions, texts, strict=True)]
        console.print_json({"target": board.name, "runs": is_running(board), "actions": done})


def _steps(request: Request, goal: Goal) -> Steps:
    return Steps(preflight.check(request, goal, needs_data=False))
