"""Deploy a compiled artifact, measure it, and put the report together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import console
from artifact import Artifact, produce, versions
from benchmarks import measure
from calibration import evaluate
from calibration import labels as label_maps
from datasets import Dataset, digest_of, prepare_many, sample
from deploy.device import open_session
from errors import ConfigError, Error
from target import Target

# Pictures and timed runs unless told; an emulator needs seconds for each.
IMAGES = {"host": 1000, "hardware": 1000, "emulated": 20}
RUNS = {"host": (20, 200), "hardware": (20, 200), "emulated": (0, 3)}


@dataclass(frozen=True)
class Settings:
    """How to measure: `images` None for the target's usual number, 0 for the whole test split."""

    images: int | None = None
    seed: int = 0
    threads: int = 1
    kernels: str = "xnnpack"
    link: str | None = None
    fresh: bool = False


class Bench:
    """One compiled artifact on one target. Steps run at most once; the device is started when first needed."""

    def __init__(self, target: Target, compiled: Artifact, int8: Artifact, data: Dataset, settings: Settings) -> None:
        self.target, self.compiled, self.int8, self.data, self.settings = target, compiled, int8, data, settings
        self._device: AbstractContextManager[Any] | None = None
        self._session: Any = None
        self.reused: list[str] = []
        self.interrupted = ""

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *reason: Any) -> None:
        if self._device is not None:
            self._device.__exit__(*reason)

    @cached_property
    def session(self) -> Any:
        """The session with the device, which must have this very model."""
        asked = self.settings
        with console.step("deploy") as line:
            self._device = open_session(
                self.target, self.compiled, link=asked.link, threads=asked.threads, kernels=asked.kernels
            )
            self._session = self._device.__enter__()
            self._session.expect_model(self.int8.sha256)
            info = self._session.info
            line.text = f"{info.board}: {info.engine} {info.engine_version}, {info.kernels} kernels"
        return self._session

    @cached_property
    def indices(self) -> npt.NDArray[np.int64]:
        """The test pictures, the same for each target."""
        asked, test = self.settings.images, self.data.test
        if not len(test):
            raise ConfigError(f"--data {self.data.name}: expected pictures to test with, has none")
        if asked == 0:
            return sample(test, None)
        count = min(IMAGES[self.target.where], len(test)) if asked is None else asked
        return sample(test, count, self.settings.seed)

    @cached_property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The test pictures as the model takes them, before quantisation: (n, h, w, c)."""
        _, h, _, channels = self.int8.facts["input_shape"]
        return prepare_many(self.data.test, self.indices, h, channels)

    def _quantised(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        low, high = self.int8.facts["input_range"]
        return evaluate.quantise(pixels, (low, high), self.int8.facts["input"])

    @property
    def inputs(self) -> npt.NDArray[Any]:
        """The test pictures as the model's input tensor has them: (n, h, w, c), int8 or uint8."""
        return self._quantised(self.pixels)

    @property
    def truth(self) -> npt.NDArray[np.int64] | None:
        """The model's class number of each test picture, (n,); None if model and data are not about the same things."""
        facts = self.int8.facts
        classes = label_maps.align(facts["labels"], self.data.class_names, facts["output"]["shape"][-1])
        return None if classes is None else classes[self.data.test.labels[self.indices]]

    @property
    def oracle_kernels(self) -> str:
        """The kernels to compare bytes with: those of the device's own numeric profile."""
        return self.settings.kernels if self.compiled.kind == "litert" else "reference"

    @cached_property
    def reference(self) -> npt.NDArray[Any]:
        """What LiteRT on this host answers for the test pictures, (n, classes)."""
        facts, pixels = self.int8.facts, self.pixels
        low, high = facts["input_range"]

        def make(folder: Path) -> Mapping[str, Any]:
            with console.bar("reference", len(pixels)) as progress:
                raw = evaluate.outputs(self.int8.path, pixels, (low, high), self.oracle_kernels, progress)
            np.save(folder / "outputs.npy", raw, allow_pickle=False)
            return {}

        with console.step("reference") as line:
            made = produce(
                "reference",
                self.int8.name,
                "outputs.npy",
                make,
                parents={"int8": self.int8.sha256},
                tools=versions("ai-edge-litert"),
                parameters={"pictures": digest_of(pixels), "kernels": self.oracle_kernels},
            )
            line.text, line.reused = f"LiteRT {self.oracle_kernels} kernels on {len(pixels):,} pictures", made.reused
        return np.asarray(np.load(made.path, allow_pickle=False))

    @cached_property
    def latency(self) -> measure.Latency:
        """Times of single inferences, measured each time it is asked for in a new run."""
        warmup, runs = RUNS[self.target.where]
        session, first = self.session, self._quantised(self.pixels[:1]).tobytes()
        with console.step("bench") as line, console.bar("bench", warmup + runs) as progress:
            found = measure.latency(session, first, warmup, runs, progress)
            line.text = _latency_text(found)
        return found

    @cached_property
    def device_outputs(self) -> tuple[npt.NDArray[Any], str]:
        """What the device answered for the test pictures, and when it was measured (UTC).

        An emulator or this host answers the same bytes for the same inputs: an earlier run of just these is reused.
        """
        inputs = self.inputs
        rows = self.int8.facts["output"]
        outputs = measure.Outputs(np.zeros((len(inputs), rows["shape"][-1]), rows["dtype"]), [])

        def make(folder: Path) -> Mapping[str, Any]:
            with console.bar("accuracy", len(inputs)) as progress:
                measure.run_all(self.session, inputs, outputs, progress)
            np.save(folder / "outputs.npy", outputs.raw, allow_pickle=False)
            return {"measured": utc_now()}

        try:
            made = self._outputs_artifact(make, digest_of(self.pixels))
        except (Error, KeyboardInterrupt) as e:
            if not outputs.done:
                raise
            self.interrupted = f"after {outputs.done} of {len(inputs)} pictures: {str(e) or 'stopped by the user'}"
            return outputs.raw[: outputs.done], utc_now()
        if made.reused:
            self.reused.append("accuracy")
        return np.load(made.path, allow_pickle=False), made.facts["measured"]

    def _outputs_artifact(self, make: Callable[[Path], Mapping[str, Any]], pictures: str) -> Artifact:
        info = self.session.info
        return produce(
            "outputs",
            f"{self.target.name}-{self.int8.name}",
            "outputs.npy",
            make,
            parents={self.compiled.kind: self.compiled.sha256},
            tools={info.engine: info.engine_version},
            parameters={
                "pictures": pictures,
                "kernels": info.kernels,
                "firmware": info.firmware,
                "threads": self.settings.threads,
                "link": self.settings.link,
            },
            fresh=self.settings.fresh or self.target.where == "hardware",
        )

    @cached_property
    def accuracy(self) -> dict[str, Any]:
        """Sections of the report: `exactness`, `accuracy` where labels are known, and when it was `measured`."""
        reference = self.reference
        begin = time.monotonic()
        raw, measured = self.device_outputs
        seconds = time.monotonic() - begin
        truth = self.truth
        with console.step("accuracy") as line:
            profile = f"LiteRT {versions('ai-edge-litert')['ai-edge-litert']} {self.oracle_kernels} kernels on the host"
            found: dict[str, Any] = {
                "exactness": measure.exactness(raw, reference[: len(raw)], profile),
                "measured": measured,
            }
            text = f"{found['exactness']['equal']:,} of {len(raw):,} outputs equal to the reference"
            if truth is not None:
                found["accuracy"] = measure.accuracy(raw, truth[: len(raw)], reference[: len(raw)], self.data.name)
                text = f"{100 * found['accuracy']['top1']:.2f} % top-1, " + text
            line.text, line.reused, line.seconds = text, "accuracy" in self.reused, seconds
        return found

    def report(self, parts: tuple[str, ...], command: str) -> dict[str, Any]:
        """Return the report with the asked parts: "latency", "accuracy". What was not measured is absent."""
        info, facts = self.session.info, self.int8.facts
        made: dict[str, Any] = {"schema": 1, "target": _target_section(self.target), "model": _model_section(self.int8)}
        made["engine"] = {"name": info.engine, "version": info.engine_version, "kernels": info.kernels}
        if self.target.klass == "linux":
            made["engine"]["threads"] = self.settings.threads
        if "latency" in parts:
            made["latency"] = self.latency.summary()
        found = self.accuracy if "accuracy" in parts else {}
        made["memory"] = measure.memory_of(info, self._stats(), self.compiled.facts.get("memory", {}))
        made |= {key: found[key] for key in ("accuracy", "exactness") if key in found}
        made["provenance"] = self._provenance(found, command) | (
            {"damaged_pictures": len(self.data.damaged)} if self.data.damaged else {}
        )
        if "check" in facts:
            made["provenance"]["calibration"] = {k: json.dumps(v) for k, v in facts["check"].items()}
        return made

    def _stats(self) -> Mapping[str, int]:
        """Return the device's counters; none if it was lost in mid-run."""
        return {} if self.interrupted else dict(self.session.stats())

    def _provenance(self, found: Mapping[str, Any], command: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "created": utc_now(),
            "command": command,
            "artifacts": {self.compiled.kind: self.compiled.sha256, "int8": self.int8.sha256, **self.int8.parents},
            "tools": {**self.int8.tools, **self.compiled.tools},
            "firmware": self.session.info.firmware,
        }
        if found:
            made |= {"pictures": digest_of(self.pixels), "accuracy_measured": found["measured"]}
        if self.interrupted:
            made["interrupted"] = self.interrupted
        return made


def _target_section(target: Target) -> dict[str, str]:
    return {"name": target.name, "class": target.klass, "where": target.where, "cpu": _cpu(target)}


def _cpu(target: Target) -> str:
    """Return the CPU's name; this very machine's for `native`."""
    if target.cpu != "native":
        return target.cpu
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "native"


def _model_section(int8: Artifact) -> dict[str, Any]:
    facts = int8.facts
    known = {key: facts[key] for key in ("family", "alpha", "rho", "parameters", "macs") if key in facts}
    return {"name": int8.name, "classes": facts["classes"], "sha256": int8.sha256, **known}


def _latency_text(found: measure.Latency) -> str:
    figures = found.summary()
    if found.unit == "instructions":
        return f"{figures['median']:,} instructions an inference"
    return f"{figures['median'] / 1000:.3f} ms median, {figures['p90'] / 1000:.3f} ms p90, {figures['n']} runs"


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
