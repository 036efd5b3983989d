"""The steps from a network to what a device runs. Each is a method named by what it does, and runs at most once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import console
from artifact import Artifact, ImageFacts
from calibration import convert, labels
from calibration.convert import Int8Facts
from compilers.edgetpu import adopt_alone, check_table
from errors import CompileError, ConfigError, FitError
from models import build
from models.build import KerasFacts
from pipeline import edgetpu
from pipeline.request import Request
from pipeline.resolve import Resolved, resolve
from pipeline.step_texts import (
    assumed_range_text,
    check_text,
    far_rho_text,
    memory_text,
    near_chance_text,
    range_text,
    smaller_presets,
)
from target import Target

FAR_RHO = 2.0
"""Factor between the side of the input in training and in use from which accuracy suffers badly."""


class Steps:
    """The steps of one resolved request; each does what it needs before it, and prints a line that says it."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved
        self.request: Request = resolved.request
        self._network: Artifact[KerasFacts] | None = None
        self._int8: Artifact[Int8Facts] | None = None
        self._compiled: Artifact[ImageFacts] | None = None
        self._image: Artifact[ImageFacts] | None = None

    def build_network(self, *, is_checked: bool = False) -> Artifact[KerasFacts]:
        """Return the Keras network with its weights. Raises ConfigError if the model is a .tflite.

        With `is_checked` the range of its input is about to be tried, and not said to be assumed.
        """
        source = self.resolved.source
        if source is None:
            raise ConfigError(
                f"--model {self.request.model}: a .tflite has no Keras network; use a preset or its .keras"
            )
        if self._network is None:
            with console.step("build") as line:
                network = build.build(source, self.resolved.labels, self.request.input_range)
                line.text = f"{network.name}, {network.facts.parameters:,} parameters, weights: {source.describe()}"
                if self._has_pixels:
                    line.text += range_text(network.facts.input_range, network.facts.range_from)
                line.reused = network.reused
            if source.rho_ratio >= FAR_RHO:
                console.note(far_rho_text(source))
            if network.facts.range_from == "assumed" and self._has_pixels and not is_checked:
                console.note(assumed_range_text(network.facts.input_range, self.request))
            self._network = network
        return self._network

    @property
    def _has_pixels(self) -> bool:
        """Whether the data set has values of 0 to 255, of which the network takes others."""
        array = self.resolved.data.test.array
        return array is None or array.dtype == np.uint8

    def quantize(self) -> Artifact[Int8Facts]:
        """Return the network in int8: converted with pictures of the data set, or the user's own .tflite."""
        if self._int8 is None:
            self._int8 = self._adopt() if self.resolved.tflite else self._convert()
            facts, data = self._int8.facts, self.resolved.data
            has_classes = facts.classes is not None and not self.resolved.is_default_data
            if has_classes and (text := labels.note(facts.labels, data.class_names, facts.classes or 0, data.name)):
                console.note(text)
        return self._int8

    def _adopt(self) -> Artifact[Int8Facts]:
        assert self.resolved.tflite is not None
        with console.step("check") as line:
            int8 = convert.adopt(self.resolved.tflite, self.resolved.labels, self.request.input_range)
            line.text, line.reused = f"{int8.name}: full int8, {int8.facts.tensors} tensors", int8.reused
            line.text += range_text(int8.facts.input_range, int8.facts.range_from)
        if int8.facts.range_from == "assumed" and int8.facts.input_range and self._has_pixels:
            console.note(assumed_range_text(int8.facts.input_range, self.request))
        return int8

    def _convert(self) -> Artifact[Int8Facts]:
        request = self.request
        settings = convert.Settings(request.calibration_images, seed=request.seed, is_plain=request.plain)
        if self.request.model_kind == "keras" and self.request.is_default_data:
            console.note(f"calibrated with pictures of {self.resolved.data.name}; name the network's own with --data")
        network = self.build_network()
        with console.step("calibrate") as line:
            int8 = convert.calibrate(network, self.resolved.data, settings)
            line.text, line.reused = check_text(int8), int8.reused
        data = self.resolved.data
        if text := near_chance_text(int8.facts.check, len(data.class_names), self.request, data.test.array is not None):
            console.note(text)
        return int8

    def compile(self) -> Artifact[ImageFacts]:
        """Return what the compiler of the engine makes of the int8 network for the target."""
        if self._compiled is None:
            self._compiled = self._compile_edgetpu() if self.resolved.engine == "edgetpu" else self._compile()
        return self._compiled

    def _compile(self) -> Artifact[ImageFacts]:
        model, board = self.quantize(), self.resolved.target
        with console.step("compile") as line:
            try:
                compiled = _compiled_by(self.resolved.engine, model, board, self.request)
            except FitError as e:
                raise FitError(f"{e}; {smaller_presets(board, model)}") from e
            line.text = f"{self.resolved.engine} for {board.name}: {memory_text(compiled, board)}"
            line.reused = compiled.reused
        return compiled

    def _compile_edgetpu(self) -> Artifact[ImageFacts]:
        """Show which operators the Edge TPU should run, then compile."""
        model = self.quantize()
        if edgetpu.is_compiled(self.request):
            return self._adopt_compiled(model)
        with console.step("check") as line:
            check = edgetpu.predict(model)
            line.text = f"{check.mapped} of {len(check.rows)} operators should map to the Edge TPU, by Coral's rules"
        console.table("", *check_table.table(check), red=(check_table.CPU,))
        for text in check_table.notes(check, edgetpu.minimalistic_twin(model)):
            console.note(text)
        partners = edgetpu.partners(self.request, model, self._quantize_partner)
        with console.step("compile") as line:
            compiled = edgetpu.compile_for(model, self.request, partners)
            line.text = (
                f"edgetpu for {self.resolved.target.name}: {edgetpu.text_of(compiled.facts)}, {memory_text(compiled)}"
            )
            line.reused = compiled.reused
        if compiled.facts.mapping.mapped != check.mapped:
            console.note(f"{check.mapped} operators were predicted to map; what the compiler did counts")
        return compiled

    def _adopt_compiled(self, model: Artifact[Int8Facts]) -> Artifact[ImageFacts]:
        with console.step("compile") as line:
            compiled = adopt_alone(model)
            line.text = f"{edgetpu.text_of(compiled.facts)}, {memory_text(compiled)}"
            line.reused = compiled.reused
        return compiled

    def _quantize_partner(self, name: str) -> Artifact[Int8Facts]:
        request = replace(self.request, model=name, weights=None, rho=None, with_=(), typed={})
        return Steps(resolve(request)).quantize()

    def build_firmware(self) -> Artifact[ImageFacts]:
        """Return what the target runs: the compiled artifact, or the firmware with it."""
        if self._image is None:
            compiled = self.compile()
            is_library = compiled.kind == "tflm" and self.resolved.target.kind == "mcu"
            self._image = self._link_tflm(compiled) if is_library else compiled
        return self._image

    def build_traced(self) -> Artifact[ImageFacts]:
        """Return what shows its tensors on the target: firmware that hashes them, or the compiled network itself."""
        return self.compile() if self.resolved.engine != "aot" else self._with_hooks(trace=True)

    def build_profiled(self) -> Artifact[ImageFacts]:
        """Return the firmware of our engine with a count of each call."""
        return self._with_hooks(profile=True)

    def _with_hooks(self, trace: bool = False, profile: bool = False) -> Artifact[ImageFacts]:
        model, board, request = self.quantize(), self.resolved.target, self.request
        from compilers.image import linux_program, microcontroller

        with console.step("compile") as line:
            if board.kind == "linux":
                image = linux_program.compile_for(model, board, request.optimize, trace, profile)
            else:
                image = microcontroller.compile_for(
                    model, board, request.optimize, request.stream_input, trace, profile
                )
            what = "traced" if trace else "profiled"
            line.text, line.reused = f"aot for {board.name}, to be {what}: {memory_text(image, board)}", image.reused
        return image

    def _link_tflm(self, compiled: Artifact[ImageFacts]) -> Artifact[ImageFacts]:
        from compilers import tflm
        from compilers.tflm import firmware

        network = compiled.with_facts_of(tflm.TflmFacts)
        assert network is not None
        with console.step("firmware") as line:
            try:
                image = firmware.build_for(network, tflm.model_of(network), self.resolved.target)
            except FitError as e:
                raise FitError(f"{e}; or use --engine aot, which needs less RAM") from e
            line.text, line.reused = f"{image.facts.library}: {memory_text(image)}", image.reused
        return image


def _compiled_by(engine: str, model: Artifact[Int8Facts], board: Target, request: Request) -> Artifact[ImageFacts]:
    match engine:
        case "litert":
            from compilers import litert

            return litert.compile_for(model, board)
        case "aot":
            from compilers.image import linux_program, microcontroller

            if board.kind == "linux":
                return linux_program.compile_for(model, board, request.optimize)
            if board.sdk is not None:
                return _exported(model, board, request)
            if board.mcu is not None and board.mcu.by_pico_sdk:
                return _with_pico_sdk(model, board, request)
            return microcontroller.compile_for(model, board, request.optimize, request.stream_input)
        case "tflm":
            from compilers import tflm

            return tflm.compile_for(model)
    raise CompileError(f"--engine {engine}: nothing compiles for it on {board.name}")


def _with_pico_sdk(model: Artifact[Int8Facts], board: Target, request: Request) -> Artifact[ImageFacts]:
    from compilers.export import pico_image

    if request.stream_input:
        raise CompileError(f"--stream-input: {board.name} takes its input whole; leave it out")
    return pico_image.compile_for(model, board, request.optimize)


def _exported(model: Artifact[Int8Facts], board: Target, request: Request) -> Artifact[ImageFacts]:
    from compilers.export import artifact as export
    from compilers.export.cores import kernels_of
    from compilers.image import fit as fits
    from compilers.image import fit_table

    if board.sdk and not kernels_of(board.sdk):
        console.note(f"{board.name}: its core is not known here; portable kernels are used (docs/export.md)")
    exported = export.compile_for(model, board, request.optimize, request.stream_input)
    if board.sdk and board.sdk.memory and (text := fit_table.doubt(board.name, fits.fit(board, exported.facts.plan))):
        console.note(text)
    return exported
