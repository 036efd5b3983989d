"""Deploy a compiled artifact, measure it, and put the report together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import console
from artifact import Artifact, ImageFacts, NoFacts, produce, versions
from calibration import evaluate
from calibration import labels as label_maps
from calibration.convert import Int8Facts
from compilers.image.microcontroller import FirmwareFacts
from datasets import Dataset, digest_of, prepare_many, sample
from deploy.agents import AgentOptions
from deploy.board_state import BoardState
from deploy.device import device_for, model_sha256
from deploy.info import Stats
from deploy.session import Session
from errors import ConfigError, Error
from measure import edgetpu, linux
from measure import samples as measure
from measure.sections import latency_text, model_section, target_section, utc_now
from target import Target

# Pictures and timed runs unless told; an emulator needs seconds for each.
IMAGES = {"host": 1000, "hardware": 1000, "emulated": 20}
LINUX_IMAGES = 1000  # emulated too: it runs many instructions at once
RUNS = {"host": (20, 200), "hardware": (20, 200), "emulated": (0, 3)}


@dataclass(frozen=True)
class Settings:
    """How to measure: `images` None for the target's usual number, 0 for the whole test split.

    `threads` 0 is for the best number, found by trying; `runtime` and `accept_new` are for boards over SSH.
    """

    images: int | None = None
    seed: int = 0
    threads: int = 1
    kernels: str = "xnnpack"
    link: str | None = None
    fresh: bool = False
    runtime: str = "auto"
    accept_new: bool = False
    device: str | None = None


@dataclass(frozen=True)
class OutputsFacts:
    """Facts of a device's outputs: when they were measured, ISO 8601 in UTC."""

    measured: str


class Bench:
    """One compiled artifact on one target. Steps run at most once; the device is started when first needed."""

    def __init__(
        self,
        target: Target,
        compiled: Artifact[ImageFacts],
        int8: Artifact[Int8Facts],
        data: Dataset,
        settings: Settings,
    ) -> None:
        self.target, self.compiled, self.int8, self.data, self.settings = target, compiled, int8, data, settings
        self._device: AbstractContextManager[Session] | None = None
        self._before = BoardState()
        self.tried: dict[int, float] = {}
        self.reused: list[str] = []
        self.interrupted = ""

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *reason: Any) -> None:
        if self._device is not None:
            self._device.__exit__(*reason)

    @cached_property
    def session(self) -> Session:
        """The session with the device, which must have this very model."""
        threads = self.threads
        with console.step("deploy") as line:
            self._device = self._open(threads)
            session = self._device.__enter__()
            session.expect_model(model_sha256(self.compiled))
            if self.target.kind != "mcu":
                self._before = session.board()
            info = session.info
            line.text = f"{info.board}: {info.engine} {info.engine_version}, {info.kernels} kernels"
            line.text += edgetpu.found_text(self._before)
        return session

    @cached_property
    def threads(self) -> int:
        """The threads to run with: as asked, or the fastest number."""
        if self.settings.threads or self.target.kind == "mcu":
            return self.settings.threads or 1
        if self.target.measured_on == "emulated":
            raise ConfigError("--threads auto: an emulator's time says nothing of the device; give a number")
        with console.step("threads") as line:
            self.tried = linux.try_threads(self._open, self._first)
            best = min(self.tried, key=lambda threads: self.tried[threads])
            line.text = f"{best} of {len(self.tried)} tried"
        return best

    def _open(self, threads: int) -> AbstractContextManager[Session]:
        asked = self.settings
        agent = AgentOptions(threads, asked.kernels, asked.device, asked.runtime, asked.accept_new)
        return device_for(self.target, self.compiled, asked.link, agent, say=console.note).session()

    @cached_property
    def indices(self) -> npt.NDArray[np.int64]:
        """The test pictures, the same for each target."""
        asked, test = self.settings.images, self.data.test
        if not len(test):
            raise ConfigError(f"--data {self.data.name}: expected pictures to test with, has none")
        if asked == 0:
            return sample(test, None)
        usual = LINUX_IMAGES if self.target.kind != "mcu" else IMAGES[self.target.measured_on]
        count = min(usual, len(test)) if asked is None else asked
        return sample(test, count, self.settings.seed)

    @cached_property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The test pictures as the model takes them, before quantisation: (n, h, w, c)."""
        _, h, _, channels = self.int8.facts.input_shape
        return prepare_many(self.data.test, self.indices, h, channels)

    def _quantized(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return evaluate.quantize(pixels, self.int8.facts.input_range, self.int8.facts.input)

    @property
    def inputs(self) -> npt.NDArray[Any]:
        """The test pictures as the model's input tensor has them: (n, h, w, c), int8 or uint8."""
        return self._quantized(self.pixels)

    @property
    def truth(self) -> npt.NDArray[np.int64] | None:
        """The model's class number of each test picture, (n,); None if model and data are not about the same things."""
        facts = self.int8.facts
        classes = label_maps.align(facts.labels, self.data.class_names, facts.output.shape[-1])
        return None if classes is None else classes[self.data.test.labels[self.indices]]

    @property
    def oracle_kernels(self) -> str:
        """The kernels to compare bytes with: those of the device's own numeric profile."""
        return self.settings.kernels if self.compiled.kind == "litert" else "reference"

    @property
    def _first(self) -> bytes:
        """The first test picture as the model takes it."""
        return self._quantized(self.pixels[:1]).tobytes()

    @cached_property
    def reference(self) -> npt.NDArray[Any]:
        """What LiteRT on this host answers for the test pictures with the device's kernels, (n, classes)."""
        return self._reference(self.oracle_kernels)

    def _reference(self, kernels: str) -> npt.NDArray[Any]:
        facts, pixels = self.int8.facts, self.pixels

        def make(folder: Path) -> NoFacts:
            with console.bar("reference", len(pixels)) as progress:
                raw = evaluate.outputs(self.int8.path, pixels, facts.input_range, kernels, progress)
            np.save(folder / "outputs.npy", raw, allow_pickle=False)
            return NoFacts()

        with console.step("reference") as line:
            made = produce(
                "reference",
                self.int8.name,
                "outputs.npy",
                NoFacts,
                make,
                parents={"int8": self.int8.sha256},
                tools=versions("ai-edge-litert"),
                parameters={"pictures": digest_of(pixels), "kernels": kernels},
            )
            line.text, line.reused = f"LiteRT {kernels} kernels on {len(pixels):,} pictures", made.reused
        return np.asarray(np.load(made.path, allow_pickle=False))

    @cached_property
    def latency(self) -> measure.Latency:
        """Times of single inferences, measured each time it is asked for in a new run."""
        warmup, runs = RUNS[self.target.measured_on]
        session, first, settled = self.session, self._first, 0
        if self.target.kind != "mcu":
            settled, warmup = measure.warm_up(session, first, *linux.WARM_UP_RUNS), 0
        with console.step("bench") as line, console.bar("bench", warmup + runs) as progress:
            found = measure.latency(session, first, warmup, runs, progress)
            found = replace(found, warmup=found.warmup + settled)
            line.text = latency_text(found)
        return found

    @cached_property
    def device_outputs(self) -> tuple[npt.NDArray[Any], str]:
        """What the device answered for the test pictures, and when it was measured (UTC).

        An emulator or this host answers the same bytes for the same inputs: an earlier run of just these is reused.
        """
        inputs = self.inputs
        rows = self.int8.facts.output
        outputs = measure.Outputs(np.zeros((len(inputs), rows.shape[-1]), rows.dtype), [])

        def make(folder: Path) -> OutputsFacts:
            with console.bar("accuracy", len(inputs)) as progress:
                measure.run_all(self.session, inputs, outputs, progress)
            np.save(folder / "outputs.npy", outputs.raw, allow_pickle=False)
            return OutputsFacts(utc_now())

        try:
            made = self._outputs_artifact(make, digest_of(self.pixels))
        except (Error, KeyboardInterrupt) as e:
            if not outputs.done:
                raise
            self.interrupted = f"after {outputs.done} of {len(inputs)} pictures: {str(e) or 'stopped by the user'}"
            return outputs.raw[: outputs.done], utc_now()
        if made.reused:
            self.reused.append("accuracy")
        return np.load(made.path, allow_pickle=False), made.facts.measured

    def _outputs_artifact(self, make: Callable[[Path], OutputsFacts], pictures: str) -> Artifact[OutputsFacts]:
        info = self.session.info
        return produce(
            "outputs",
            f"{self.target.name}-{self.int8.name}",
            "outputs.npy",
            OutputsFacts,
            make,
            parents={self.compiled.kind: self.compiled.sha256},
            tools={info.engine: info.engine_version},
            parameters={
                "pictures": pictures,
                "kernels": info.kernels,
                "firmware": info.firmware,
                "threads": self.threads,
                "link": self.settings.link,
            },
            fresh=self.settings.fresh or self.target.measured_on == "hardware",
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
                if self.target.link == "ssh" and self.oracle_kernels != "reference":
                    found["accuracy"]["reference_top1"] = self._reference_top1(truth[: len(raw)])
                text = f"{100 * found['accuracy']['top1']:.2f} % top-1, " + text
            line.text, line.reused, line.seconds = text, "accuracy" in self.reused, seconds
        return found

    def _reference_top1(self, truth: npt.NDArray[np.int64]) -> float:
        """Return the top-1 of the reference kernels, which no platform rounds its own way."""
        return float((self._reference("reference")[: len(truth)].argmax(axis=1) == truth).mean())

    def report(self, parts: tuple[str, ...], command: str) -> dict[str, Any]:
        """Return the report with the asked parts: "latency", "accuracy". What was not measured is absent."""
        info, facts = self.session.info, self.int8.facts
        made: dict[str, Any] = {"schema": 1, "target": target_section(self.target), "model": model_section(self.int8)}
        made["engine"] = {"name": info.engine, "version": info.engine_version, "kernels": info.kernels}
        if self.target.kind != "mcu":
            made["engine"]["threads"] = self.threads
        if "optimize" in self.compiled.parameters:
            made["engine"]["optimize"] = self.compiled.parameters["optimize"]
        if isinstance(self.compiled.facts, FirmwareFacts) and (streamed := self.compiled.facts.plan.streamed):
            made["engine"]["streamed_input"] = asdict(streamed)
        if "latency" in parts and self._times_count():
            made["latency"] = self.latency.summary()
        found = self.accuracy if "accuracy" in parts else {}
        stats = self._stats()
        made["memory"] = measure.memory_of(info, stats, self.compiled.facts.memory)
        if self.target.kind != "mcu":
            after = BoardState() if self.interrupted else self.session.board()
            made |= edgetpu.section(self.compiled, self._before)
            made["linux"] = linux.section(self._before, after, stats, self.tried, self.target.measured_on)
        made |= {key: found[key] for key in ("accuracy", "exactness") if key in found}
        made["provenance"] = self._provenance(found, command) | (
            {"damaged_pictures": len(self.data.damaged)} if self.data.damaged else {}
        )
        if facts.check is not None:
            figures = {name: value for name, value in asdict(facts.check).items() if value is not None}
            made["provenance"]["calibration"] = {k: json.dumps(v) for k, v in figures.items()}
        return made

    def _times_count(self) -> bool:
        """Whether the device's times are its own: an emulated Linux board counts its host's time, not instructions."""
        if self.target.measured_on != "emulated" or self.session.info.counter.unit == "instructions":
            return True
        console.note(f"no latency: the time of {self.target.name} is its emulator's, not the board's")
        return False

    def _stats(self) -> Stats:
        """Return the device's counters; none if it was lost in mid-run."""
        return Stats() if self.interrupted else self.session.stats()

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
