"""How the weights of a network were trained, for the page of its report."""

from __future__ import annotations

from datasets import Identity
from errors import Error
from fields import Source
from fields.dataclass_json import from_json
from measure.details import Epoch, Training
from models import checkpoint, weights


def read(source: weights.Source | None, data: Identity) -> Training | None:
    """Return the epochs of the float checkpoint that a network has, or was trained for int8 from.

    None for weights that `inv train` did not write, and where its log is damaged.
    """
    path = weights.float_checkpoint(source, data) if source else None
    if path is None:
        return None
    try:
        facts = checkpoint.load_facts(path)
        log = Source(path.name)
        epochs = tuple(from_json(Epoch, row, log) for row in facts.history or ())
    except Error:
        return None
    return Training(path.name, epochs, facts.kept_epoch) if epochs else None
