"""The report's section `tpu`: which Edge TPU it was, and how much of the network ran on it."""

from __future__ import annotations

from artifact import Artifact, ImageFacts
from compilers.edgetpu import EdgeTpuFacts
from deploy.board_state import BoardState
from measure.report import TpuSection


def section(compiled: Artifact[ImageFacts], board: BoardState) -> TpuSection | None:
    """Return the section of a network that was compiled for the Edge TPU, None for others.

    `board` is the answer of session.board(), which names the device.
    """
    facts = compiled.facts
    if not isinstance(facts, EdgeTpuFacts):
        return None
    mapping = facts.mapping
    return TpuSection(
        operators=mapping.operators,
        operators_mapped=mapping.mapped,
        operators_predicted=mapping.predicted.mapped if mapping.predicted else None,
        device=board.tpu,
        path=board.tpu_path,
        runtime=board.tpu_runtime,
        on_cpu=mapping.on_cpu,
        subgraphs=mapping.subgraphs,
        min_runtime_version=mapping.min_runtime_version,
        on_chip_remaining_bytes=mapping.on_chip_remaining_bytes,
        compiled_with=tuple(partner.name for partner in facts.partners) or None,
    )


def device_text(board: BoardState) -> str:
    """Return which Edge TPU the board has, to end a line with; "" if there is none."""
    return f", {board.tpu} at {board.tpu_path or '?'}" if board.tpu else ""
