"""The steps up to a compiled artifact, each doing what it needs before it: data, network, int8, target."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import console
import target as targets
from artifact import Artifact, ImageFacts, no_such_file
from calibration import convert
from calibration.convert import Int8Facts
from datasets import Dataset, load
from errors import CompileError, ConfigError, FitError, nearest
from models import build, presets, weights
from models.build import KerasFacts
from pipeline import edgetpu as pipeline_edgetpu
from target import Target

ENGINES = ("litert", "aot", "tflm", "edgetpu")
# What each class of target can run; the first is usual.
ENGINES_OF = {"linux": ("litert", "tflm"), "mcu": ("aot", "tflm"), "tpu": ("edgetpu", "litert")}


@dataclass(frozen=True)
class Request:
    """What the user asked for, as typed on the command line; each field is checked by the step that uses it."""

    model: str
    target: str = "host"
    data: str = "fashion_mnist"
    weights: str | None = None
    calibration_images: int = convert.PICTURES
    seed: int = convert.RANDOM_SEED
    input_range: str | None = None
    labels: str | None = None
    channels: int = 3
    engine: str | None = None
    optimize: str = "size"
    stream_input: bool = False
    compile_on: str | None = None
    with_: str | None = None
    compiled: str | None = None
    accept_new: bool = False


class Pipeline:
    """One request on its way; each step runs at most once and says in a line what it did or reused."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def target(self) -> Target:
        """The board."""
        return targets.load(self.request.target)

    @cached_property
    def data(self) -> Dataset:
        """The data set; says which pictures could not be read."""
        data = load(self.request.data)
        for text in data.notes:
            console.note(text)
        if data.damaged:
            shown = ", ".join(data.damaged[:3]) + (", ..." if len(data.damaged) > 3 else "")
            console.note(f"{len(data.damaged)} pictures of {data.name} can't be read and are left out: {shown}")
        return data

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Class names of the model: --labels (a file with one a line, or a,b,c), else the data set's."""
        given = self.request.labels
        if given is None:
            return self.data.class_names
        names = self._labels(given)
        if len(set(names)) < max(2, len(names)):
            raise ConfigError(f"--labels {given}: expected at least two names, all different, got {len(names)}")
        return names

    def _labels(self, given: str) -> tuple[str, ...]:
        path = Path(given)
        try:
            if path.is_file():
                return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
        except UnicodeDecodeError as e:
            raise ConfigError(f"--labels {given}: expected text in UTF-8, one name a line ({e.reason})") from e
        except OSError as e:
            if "," not in given:  # a long list is no file name
                raise ConfigError(f"--labels {given}: can't be read ({e.strerror})") from e
        if "," not in given:
            raise ConfigError(f"--labels {given}: {no_such_file(path)}, and not a list a,b,c")
        return tuple(name.strip() for name in given.split(","))

    @cached_property
    def input_range(self) -> tuple[float, float] | None:
        """The float values that pixels 0 and 255 stand for, where the user said so."""
        given = self.request.input_range
        if given is None:
            return None
        try:
            low, high = (float(part) for part in given.split(","))
        except ValueError:
            raise ConfigError(f"--input-range {given}: expected LOW,HIGH such as -1,1 or 0,255") from None
        if not -math.inf < low < high < math.inf:
            raise ConfigError(f"--input-range {given}: expected two finite numbers, LOW below HIGH")
        return low, high

    @cached_property
    def keras_model(self) -> Artifact[KerasFacts]:
        """The network with its weights."""
        asked = self.request
        if Path(asked.model).suffix == ".tflite":
            raise ConfigError(f"--model {asked.model}: a .tflite has no Keras network; give a preset or its .keras")
        source = weights.resolve(asked.model, asked.weights, self.data.identity, self.labels, asked.channels)
        with console.step("build") as line:
            made = build.build(source, self.labels, self.input_range)
            line.text = f"{made.name}, {made.facts.parameters:,} parameters, weights: {source.describe()}"
            line.reused = made.reused
        return made

    @cached_property
    def int8(self) -> Artifact[Int8Facts]:
        """The int8 .tflite: converted, or the user's own."""
        if Path(self.request.model).suffix == ".tflite":
            if self.request.weights is not None:
                raise ConfigError(f"--weights {self.request.weights}: a .tflite has its own; leave --weights out")
            with console.step("check") as line:
                made = convert.adopt(Path(self.request.model), self.labels, self.input_range)
                line.text, line.reused = f"{made.name}: full int8, {made.facts.tensors} tensors", made.reused
            return made
        settings = convert.Settings(pictures=self.request.calibration_images, seed=self.request.seed)
        if settings.pictures < 1:
            raise ConfigError(f"--calibration-images {settings.pictures}: expected at least 1")
        model, data = self.keras_model, self.data
        with console.step("calibrate") as line:
            made = convert.calibrate(model, data, settings)
            line.text, line.reused = _check_text(made), made.reused
        return made

    @cached_property
    def engine(self) -> str:
        """The engine: the target's own unless the user chose another. Raises CompileError if it can't be."""
        asked, target = self.request.engine, self.target
        if asked is None:
            return target.engine
        if asked not in ENGINES:
            raise CompileError(f"--engine {asked}: no such engine; {nearest(asked, ENGINES)}")
        if asked != target.engine and asked not in ENGINES_OF.get(target.kind, ()):
            known = ", ".join(ENGINES_OF.get(target.kind, (target.engine,)))
            raise CompileError(f"--engine {asked}: {target.name} can't run it; it takes {known}")
        return asked

    @cached_property
    def optimize(self) -> str:
        """What the compiler saves, checked."""
        from compilers.aot import OPTIMIZE

        given = self.request.optimize
        if given not in OPTIMIZE:
            raise ConfigError(f"--optimize {given}: expected one of {', '.join(OPTIMIZE)}; {nearest(given, OPTIMIZE)}")
        if self.engine != "aot" and given != Request.optimize:
            raise ConfigError(
                f"--optimize {given}: {self.engine} has no such choice; leave it out for {self.target.name}"
            )
        return given

    @cached_property
    def stream_input(self) -> bool:
        """Whether the device takes its input row by row, checked."""
        given = self.request.stream_input
        if given and (self.engine != "aot" or self.target.kind != "mcu"):
            raise ConfigError(
                f"--stream-input: {self.engine} on {self.target.name} keeps its input whole;"
                " it is for --engine aot on a microcontroller"
            )
        return given

    @cached_property
    def compiled(self) -> Artifact[ImageFacts]:
        """What the compiler makes for the target."""
        target, engine, optimize, model = self.target, self.engine, self.optimize, self.int8
        tpu = pipeline_edgetpu.options(self.request, engine, target)
        if tpu is not None:
            return pipeline_edgetpu.compiled(model, target, tpu, self._partner)
        with console.step("compile") as line:
            try:
                made = _compile(model, target, engine, optimize, self.stream_input)
            except FitError as e:
                raise FitError(f"{e}; {smaller_presets(target, model)}") from e
            line.text, line.reused = f"{engine} for {target.name}: {_memory_text(made)}", made.reused
        return made

    @cached_property
    def runnable(self) -> Artifact[ImageFacts]:
        """The artifact that the target runs: what was compiled, or the firmware with it."""
        target, compiled = self.target, self.compiled
        if compiled.kind != "tflm" or target.kind != "mcu":
            return compiled
        from compilers import tflm
        from compilers.tflm import firmware

        network = compiled.with_facts_of(tflm.TflmFacts)
        assert network is not None

        with console.step("firmware") as line:
            try:
                made = firmware.build_for(network, tflm.model_of(network), target)
            except FitError as e:
                raise FitError(f"{e}; or use --engine aot, which needs less RAM") from e
            line.text, line.reused = f"{made.facts.library}: {_memory_text(made)}", made.reused
        return made

    def _partner(self, name: str) -> Artifact[Int8Facts]:
        return Pipeline(replace(self.request, model=name, weights=None, with_=None)).int8


def _compile(
    model: Artifact[Int8Facts], target: Target, engine: str, optimize: str, stream_input: bool
) -> Artifact[ImageFacts]:
    match engine:
        case "litert":
            from compilers import litert

            return litert.compile_for(model, target)
        case "aot":
            from compilers.image import microcontroller

            return microcontroller.compile_for(model, target, optimize, stream_input)
        case "tflm":
            from compilers import tflm

            return tflm.compile_for(model)
    raise CompileError(f"{target.name}: engine {engine} is not built yet; {nearest(engine, ENGINES)}")


def smaller_presets(target: Target, model: Artifact[Int8Facts]) -> str:
    """Name presets that surely fit a microcontroller, the largest first; their RAM is an upper bound."""
    from compilers.image.fit import FIRMWARE_FLASH_BYTES, FIRMWARE_RAM_BYTES, mcu_of

    mcu = mcu_of(target)
    ram = mcu.ram_bytes - mcu.stack_bytes - FIRMWARE_RAM_BYTES
    flash = (mcu.flash_bytes - FIRMWARE_FLASH_BYTES) * 0.95  # tables beside the raw weights
    found = []
    for name in presets.all_names():
        for rho in (224, 192, 160, 128, 96, 64):
            preset = presets.parse(f"{name}_{rho}", model.facts.classes)
            network = preset.network()
            if network.peak_activation_bytes <= ram and network.int8_bytes <= flash:
                found.append((network.macs, preset.name))
                break
    names = [name for _, name in sorted(found, reverse=True)[:4]]
    return f"these fit: {', '.join(names)}" if names else "no preset fits"


def _check_text(made: Artifact[Int8Facts]) -> str:
    check = made.facts.check
    text = f"{made.parameters['pictures']} pictures of {made.parameters['data']}: "
    if check is None:
        return text + "not compared"
    if check.float_top1 is not None and check.int8_top1 is not None:
        text += f"float {100 * check.float_top1:.1f} % -> int8 {100 * check.int8_top1:.1f} % top-1, "
    return text + f"agreement {100 * check.agreement:.1f} % of {check.n:,} held-out pictures"


def _memory_text(made: Artifact[ImageFacts]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {size:,} bytes" for name, size in made.facts.memory.items())
