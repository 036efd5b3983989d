"""The state of a training on disk, from which the same command continues. Imports TensorFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from artifact import write_atomic, write_errors
from errors import ConfigError
from models import checkpoint

Epoch = dict[str, float]
"""Number, side in pixels, loss and accuracy of one epoch, and of its held-out pictures."""


class State:
    """Files beside the checkpoint `out`: the network with its optimizer, what was done so far, and the best weights.

    `identity` decides whether they belong to this training.
    """

    def __init__(self, out: Path, identity: Mapping[str, object]) -> None:
        self.path = out.with_suffix(".state.keras")
        self._log, self._best = out.with_suffix(".state.json"), out.with_suffix(".best.npz")
        self._identity = identity

    def history(self) -> list[Epoch]:
        """Return the epochs done so far, if what is on disk belongs to this training."""
        if not (self._log.is_file() and self.path.is_file()):
            return []
        try:
            saved = json.loads(self._log.read_text())
            history: list[Epoch] = saved.pop("history")
        except (ValueError, KeyError) as e:
            raise ConfigError(f"{self._log}: can't be read ({e}); delete it to train from the start") from e
        return history if saved == json.loads(json.dumps(self._identity)) else []

    def write_history(self, history: list[Epoch]) -> None:
        """Write what was done. Raises ConfigError if the disk is full or may not be written."""
        write_atomic(self._log, json.dumps({**self._identity, "history": history}, indent=1))

    def save(self, model: keras.Model) -> None:
        """Write the network and its optimizer. Raises ConfigError if the disk is full or may not be written.

        Without a network of an earlier epoch nothing can continue: the other files are removed then.
        """
        partial = self.path.with_suffix(".partial.keras")
        try:
            with write_errors(self.path):
                model.save(partial)
                os.replace(partial, self.path)
        except ConfigError:
            if not self.path.is_file():
                self.clear()
            raise
        finally:
            partial.unlink(missing_ok=True)

    def load(self) -> keras.Model:
        """Return the network that was saved, with its optimizer."""
        try:
            return keras.models.load_model(self.path)
        except Exception as e:  # Keras raises many types
            raise ConfigError(f"{self.path}: can't be read ({str(e)[:200]}); delete it to train from the start") from e

    def save_best(self, weights: list[npt.NDArray[np.float32]]) -> None:
        """Write the weights of the best epoch, in the model's order."""
        write_atomic(self._best, checkpoint.pack({str(i): w for i, w in enumerate(weights)}, np.float32))

    def load_best(self) -> list[npt.NDArray[np.float32]]:
        """Return the weights of the best epoch."""
        return list(checkpoint.load(self._best).values())

    def clear(self) -> None:
        """Remove the files."""
        for path in (self.path, self._log, self._best):
            path.unlink(missing_ok=True)
