"""What a task prints with --json, checked against the schema that is committed for it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from referencing import Registry, Resource

from artifact import SCHEMAS_DIR
from pipeline import schemas


def checked(task: str, printed: str) -> Any:
    """Return the JSON that a task printed; it must be alone on standard output, and as its schema says."""
    form = json.loads(printed)
    validator(task).validate(form)
    return form


def validator(task: str) -> jsonschema.Draft202012Validator:
    """Return what checks the JSON of a task. Schemas refer to each other by their file names."""
    files = {path.name: json.loads(path.read_text()) for path in SCHEMAS_DIR.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(form)) for name, form in files.items()
    )
    return jsonschema.Draft202012Validator(files[schemas.path_of(task).name], registry=registry)
