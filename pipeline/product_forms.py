"""What tasks that end with a build product print with --json: schemas/TASK.schema.json."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from artifact import Artifact, ImageFacts
from calibration.convert import Int8Facts
from fields.dataclass_json import to_json
from measure import limits
from models.build import KerasFacts
from target import Target

if TYPE_CHECKING:
    from calibration.layer_noise import LayerNoise
    from compilers.export import Exported

Form = dict[str, object]


def _product(artifact: Artifact[object]) -> Form:
    return {
        "path": str(artifact.path), "name": artifact.name, "sha256": artifact.sha256, "reused": artifact.reused
    }  # fmt: skip


def _known(form: Form) -> Form:
    """Return a form without what is not known."""
    return {name: value for name, value in form.items() if value is not None}


def _network(facts: KerasFacts | Int8Facts) -> Form:
    """Return what a network takes, and what it tells apart."""
    return _known({
        "input_shape": facts.input_shape,
        "input_range": facts.input_range,
        "range_from": facts.range_from,
        "classes": facts.classes,
        "labels": facts.labels,
    })  # fmt: skip


def of_network(network: Artifact[KerasFacts], weights: str) -> Form:
    """Return a Keras network; `weights` says where they are from."""
    facts = network.facts
    return _product(network) | {"weights": weights, "parameters": facts.parameters} | _network(facts)


def of_int8(int8: Artifact[Int8Facts], noise: Sequence[LayerNoise]) -> Form:
    """Return an int8 network, how it compares with its float form, and the noise of its tensors.

    A tensor that is the same in both has no ratio of signal to noise.
    """
    facts = int8.facts
    layers = [
        {"tensor": one.name, "operator": one.operator} | ({"snr_db": one.snr_db} if math.isfinite(one.snr_db) else {})
        for one in noise
    ]
    return _product(int8) | _network(facts) | _known({
        "tensors": facts.tensors,
        "operators": dict(facts.operators),
        "check": to_json(facts.check),
        "improvement": to_json(facts.improvement),
        "layers": layers or None,
    })  # fmt: skip


def of_image(image: Artifact[ImageFacts], board: Target, engine: str, paths: Sequence[Path]) -> Form:
    """Return what runs on a board, in all its forms; sizes in bytes, those of the board where it has such limits."""
    ram_bytes, flash_bytes = limits.of_board(board)
    plan = getattr(image.facts, "plan", None)
    return _product(image) | _known({
        "kind": image.kind,
        "target": board.name,
        "engine": engine,
        "files": [str(path) for path in paths],
        "memory": dict(image.facts.memory),
        "ram_bytes": ram_bytes,
        "flash_bytes": flash_bytes,
        "macs_again": plan.macs_again if plan is not None and plan.macs_again else None,
        "macs_left_out": plan.macs_left_out if plan is not None and plan.macs_left_out else None,
    })  # fmt: skip


def of_export(exported: Exported, framework: str) -> Form:
    """Return an export for a framework."""
    return {
        "folder": str(exported.folder),
        "framework": framework,
        "identifier": exported.identifier,
        "arena_bytes": exported.arena_bytes,
        "stack_bytes": exported.stack_bytes,
        "weights_bytes": exported.weights_bytes,
        "files": exported.files,
        "steps": exported.steps,
    }
