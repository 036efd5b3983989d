"""The JSON schema of what a task prints with --json: schemas/TASK.schema.json, one for all reports."""

from __future__ import annotations

from pathlib import Path

from artifact import SCHEMAS_DIR

REPORTING = ("deploy", "bench", "accuracy")
"""Tasks that print a report, as the task `report` does."""


def path_of(task: str) -> Path:
    """Return the path of the schema of a task that has --json."""
    return SCHEMAS_DIR / f"{'report' if task in REPORTING else task}.schema.json"
