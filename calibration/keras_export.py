"""Keras's export of a network, as TensorFlow's converter calls it, without what the converter does not need.

Keras's own walks through all objects of a network several times, lists each variable for a person, and takes longer
than the conversion itself. Then the converter loads the result in Python for its debugging information, which is empty.
The converter makes the same bytes without both. Imports TensorFlow late.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any


class _Archive:
    """What the converter uses of keras.export.ExportArchive, for a network whose only resources are variables."""

    own: Any = None
    """Keras's class, for all other networks."""

    def track(self, model: Any) -> None:
        """Remember the network."""
        self._model = model

    def add_endpoint(self, name: str, call: Callable[..., Any], signature: Any) -> None:
        """Remember the function to write."""
        self._endpoint = name, call, signature

    def write_out(self, folder: str) -> None:
        """Write the SavedModel."""
        import tensorflow as tf

        name, call, signature = self._endpoint
        module = tf.Module()
        # Not an attribute of the module: TensorFlow would trace it again to save it.
        serve = tf.function(call, input_signature=signature, autograph=False)
        concrete = serve.get_concrete_function()
        module.used = list(concrete.variables)
        try:
            # The same two names as in Keras's: they decide how the converter names outputs.
            tf.saved_model.save(module, folder, signatures={name: concrete, "serving_default": concrete})
        except AssertionError:  # it uses a table or another resource
            archive = self.own()
            archive.track(self._model)
            archive.add_endpoint(name, call, signature)
            archive.write_out(folder)


@contextlib.contextmanager
def quick_export() -> Iterator[None]:
    """Let the converter export networks of Keras in less than half of the time meanwhile."""
    import keras
    from tensorflow.core.framework import graph_debug_info_pb2
    from tensorflow.lite.python import lite

    own, load = keras.export.ExportArchive, lite._load
    loaded = SimpleNamespace(graph_debug_info=graph_debug_info_pb2.GraphDebugInfo())
    keras.export.ExportArchive = type("Archive", (_Archive,), {"own": own})
    lite._load = lambda *_: loaded
    try:
        yield
    finally:
        keras.export.ExportArchive, lite._load = own, load
