"""The model under the agent: LiteRT's interpreter, its tensors as bytes, and the clock around it."""

from __future__ import annotations

import hashlib
import importlib
import time
from types import ModuleType

import deploy.agent.edgetpu as edgetpu
from deploy.agent.interface import Detail, Tensor

RUNTIMES = (("ai_edge_litert", "ai-edge-litert", "litert"), ("tflite_runtime", "tflite-runtime", "tflite-runtime"))
KERNELS = {"xnnpack": "AUTO", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}
DTYPES = ("int8", "uint8", "int16", "int32", "float32")


class EngineError(Exception):
    """The model can't be loaded or run; the message is the runtime's, on one line."""


class LiteRtEngine:
    """One loaded model. Tensors go in and out as the bytes of a C-ordered array.

    `kernels` is xnnpack, builtin (optimized, no delegate) or reference; `device` is the Edge TPU that runs what was
    compiled for it, and the kernels then run the rest. Raises EngineError if no runtime is installed, the model can't
    be loaded or that Edge TPU is missing.
    """

    input_preserved = True

    def __init__(self, model: str, threads: int, kernels: str, runtime: str = "", device: str = ""):
        self.threads = threads
        self.kernels = kernels
        self.tpu: edgetpu.EdgeTpu | None = None
        self.counter = {"name": "CLOCK_MONOTONIC", "rate_hz": 1_000_000_000, "unit": "ticks"}
        started = time.perf_counter_ns()
        module, self.name, self.version = _import_runtime(runtime)
        self.import_ns = time.perf_counter_ns() - started
        self._np = importlib.import_module("numpy")
        started = time.perf_counter_ns()
        try:
            self._load(model, module, device)
        except edgetpu.EdgeTpuError as e:
            raise EngineError(str(e)) from e
        except OSError as e:
            raise EngineError(f"{model}: can't be read ({e.strerror or e})") from e
        except (ValueError, RuntimeError) as e:
            hint = edgetpu.hint(str(e)) if self.tpu else ""
            raise EngineError(f"{model}: {self.name} can't load it ({one_line(e)}){hint}") from e
        self.load_ns = time.perf_counter_ns() - started
        if self.tpu:
            names = [str(operator["op_name"]) for operator in self._interpreter._get_ops_details()]
            self.kernels = edgetpu.kernels_of(names, kernels)
        self.first_inference_ns = 0
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self.inputs = [describe(detail) for detail in self._inputs]
        self.outputs = [describe(detail) for detail in self._outputs]

    def _load(self, model: str, module: ModuleType, device: str) -> None:
        with open(model, "rb") as file:
            content = file.read()
        self.model_sha256 = hashlib.sha256(content).hexdigest()
        self.memory = {"model_file": len(content)}
        if device:
            edgetpu.expect_compiled(content, model)
            self.tpu = edgetpu.find(device)
        self._interpreter = module.Interpreter(
            model_content=content,
            num_threads=self.threads,
            experimental_op_resolver_type=getattr(module.OpResolverType, KERNELS[self.kernels]),
            experimental_delegates=[self.tpu.delegate(module)] if self.tpu else None,
        )
        self._interpreter.allocate_tensors()

    def set_input(self, tensor: int, data: bytes) -> None:
        """Set input `tensor` to these bytes, as many as its shape and dtype need."""
        detail = self._inputs[tensor]
        array = self._np.frombuffer(data, dtype=detail["dtype"]).reshape(detail["shape"])
        self._interpreter.set_tensor(detail["index"], array)

    def run(self) -> int:
        """Run once and return the nanoseconds it took. Raises EngineError with the runtime's message."""
        invoke = self._interpreter.invoke
        started = time.perf_counter_ns()
        try:
            invoke()
        except (RuntimeError, ValueError) as e:
            if self.tpu and not self.tpu.is_there():
                raise EngineError(self.tpu.gone(one_line(e))) from e
            raise EngineError(one_line(e)) from e
        ticks = time.perf_counter_ns() - started
        self.first_inference_ns = self.first_inference_ns or ticks
        return ticks

    def output(self, tensor: int) -> bytes:
        """Return the bytes of output `tensor`."""
        data: bytes = self._interpreter.get_tensor(self._outputs[tensor]["index"]).tobytes()
        return data

    def stats(self) -> dict[str, int]:
        """Return what only the engine knows; nothing that was not measured."""
        known = {"import_ns": self.import_ns, "load_ns": self.load_ns, "threads": self.threads}
        if self.first_inference_ns:
            known["first_inference_ns"] = self.first_inference_ns
        return known


def describe(detail: Detail) -> Tensor:
    """Return a tensor's INFO entry from the runtime's. Raises EngineError if the wire can't carry it."""
    dtype = detail["dtype"].__name__
    shape = [int(size) for size in detail["shape"]]
    if dtype not in DTYPES:
        raise EngineError(f"tensor {detail['name']}: expected {', '.join(DTYPES)}, the model has {dtype}")
    # An open batch is 1 once the runtime has allocated it.
    if any(size < 1 for size in shape) or any(size < 0 for size in detail.get("shape_signature", ())[1:]):
        raise EngineError(f"tensor {detail['name']}: shape {shape} is not fixed; export the model with batch 1")
    scale, zero_point = detail["quantization"]
    return {
        "name": str(detail["name"]),
        "shape": shape,
        "dtype": dtype,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }


def one_line(error: Exception) -> str:
    """Return an exception's message as one line of at most 500 characters."""
    return " ".join(str(error).split())[:500] or type(error).__name__


def _import_runtime(chosen: str) -> tuple[ModuleType, str, str]:
    from importlib import metadata

    failures = []
    for package, distribution, name in RUNTIMES:
        if chosen and chosen != distribution:
            continue
        try:
            module = importlib.import_module(package + ".interpreter")
            return module, name, metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return module, name, "unknown"
        except ImportError as e:
            failures.append(f"{distribution}: {one_line(e)}")
    raise EngineError(
        "no runtime on the device (" + "; ".join(failures) + "); install ai-edge-litert or tflite-runtime"
    )
