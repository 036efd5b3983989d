"""The report's section `tpu`: which Edge TPU it was, and how much of the network ran on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artifact import Artifact, ImageFacts
from compilers.edgetpu import EdgeTpuFacts
from deploy.board_state import BoardState

SAID = {"device": "tpu", "path": "tpu_path", "runtime": "tpu_runtime"}


def section(compiled: Artifact[ImageFacts], board: BoardState) -> dict[str, Any]:
    """Return {"tpu": ...} for a network that was compiled for the Edge TPU, {} for others.

    `board` is the answer of session.board(), which says what the device found.
    """
    facts = compiled.facts
    if not isinstance(facts, EdgeTpuFacts):
        return {}
    made = {name: getattr(board, key) for name, key in SAID.items() if getattr(board, key) is not None}
    mapping = facts.mapping
    made |= {"operators": mapping.operators, "on_cpu": list(mapping.on_cpu), "subgraphs": mapping.subgraphs}
    made |= {"min_runtime_version": mapping.min_runtime_version}
    if mapping.on_chip_remaining_bytes is not None:
        made["on_chip_remaining_bytes"] = mapping.on_chip_remaining_bytes
    made |= {"operators_mapped": mapping.mapped, "operators_predicted": mapping.predicted.mapped}
    if facts.partners:
        made["compiled_with"] = [partner.name for partner in facts.partners]
    return {"tpu": made}


def found_text(board: BoardState) -> str:
    """Return which Edge TPU was found, to end a line with; "" if there is none."""
    return f", {board.tpu} at {board.tpu_path or '?'}" if board.tpu else ""


def rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the section as label and text, for a person."""
    parts = [f"{found[name]}" for name in ("device", "path", "runtime") if name in found]
    made = [("Edge TPU", ", ".join(parts))] if parts else []
    text = f"{found['operators_mapped']} of {found['operators']} operators on the Edge TPU"
    if found.get("on_cpu"):
        text += f", on its host's CPU: {', '.join(dict.fromkeys(found['on_cpu']))}"
    made.append(("mapping", text))
    if "compiled_with" in found:
        made.append(("compiled with", ", ".join(found["compiled_with"])))
    return made
