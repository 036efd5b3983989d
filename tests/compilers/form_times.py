"""How long an inference takes with each form of the set simd, beside LiteRT with XNNPACK.

    python -m tests.compilers.form_times MODEL.tflite...

All run in this process at one thread, XNNPACK before and after the others. Printed are the least and the median time,
in ms. Kernels of `portable` are beside the form in C. Forms that this CPU does not have are left out.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.compilers.host_build import HostEngine, forms_of

NAMES = ("C", "vectors", "dot products")
RUNS = 400


def times(invoke: Callable[[], object]) -> str:
    """Return the least and the median time of an inference, in ms."""
    found = []
    for _ in range(RUNS):
        begin = time.perf_counter_ns()
        invoke()
        found.append((time.perf_counter_ns() - begin) / 1e6)
    return f"{min(found):.3f} {statistics.median(found):.3f}"


def measure(model: Path) -> None:
    """Print the times of a network with one input."""
    from ai_edge_litert.interpreter import Interpreter

    litert = Interpreter(model_path=str(model), num_threads=1)
    litert.allocate_tensors()
    details = litert.get_input_details()[0]
    picture = np.random.default_rng(0).integers(-128, 128, details["shape"], dtype=np.int8)
    litert.set_tensor(details["index"], picture)
    with tempfile.TemporaryDirectory() as folder:
        engine = HostEngine(model, Path(folder), kernels="simd")
        engine.run(picture)
        print(f"{model}\n  XNNPACK {times(litert.invoke)}")
        portable = HostEngine(model, Path(folder), kernels="portable")
        portable.run(picture)
        print(f"  portable {times(portable.library.alpharho_engine_invoke)}")
        engine.library.alpharho_simd_form.restype = ctypes.c_void_p
        known: set[int] = set()
        for form in forms_of(engine.library, "simd"):
            functions = engine.library.alpharho_simd_form()
            if functions not in known:
                known.add(functions)
                print(f"  {NAMES[form]} {times(engine.library.alpharho_engine_invoke)}")
        print(f"  XNNPACK {times(litert.invoke)}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(Path(argument))
