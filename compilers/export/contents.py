"""The files of an export by path: templates filled in, and the C around them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import jinja2
import numpy as np

from compilers.aot import Plan, TensorSpec
from compilers.aot.arithmetic import INT32_MAX, INT32_MIN
from compilers.aot.sets import SETS
from compilers.compiled import c_identifier, macro_prefix
from compilers.export import library, sources
from compilers.export.answers import STORED_BYTES, Answer
from compilers.export.folder import MANIFEST
from compilers.export.frameworks import Framework
from compilers.export.guard import guarded
from graph.fnv import fnv1a

# Measured on emulated cores with gcc -O2, over MobileNets (V1, V2, V3; V3 not on mve) and networks of MLPerf Tiny: at
# most 288 bytes with portable kernels, 232 with dsp, 344 with mve.
STACK_BYTES = 512
PROTOCOL_STACK_BYTES = 512
# For printf and what a framework itself calls.
MAIN_STACK_BYTES = 3072
# Static variables of the protocol beside a bit for each 64 bytes of input and, where it is ours, the receive buffer.
PROTOCOL_BYTES = 3600
BYTES_PER_WRITTEN_BIT = 512
NUMBERS_A_LINE = 16
REVISION = "000000000000"

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("compilers.export"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined, autoescape=False,
)  # fmt: skip
_CONSTANT = re.compile(r"^(const \w+ \w+\[\d+\]) = \{$", re.MULTILINE)
_ARRAY = re.compile(r"^const (\w+)_t (\w+)\[\d+\] = \{\n(.*?)\};", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r"^extern const", re.MULTILINE)
# Teensy 4 copies constants to its fast RAM where they are not told to stay in flash.
_PLACED = """#ifndef {upper}_CONSTANTS
#if defined(ARDUINO) && defined(__IMXRT1062__)
#define {upper}_CONSTANTS __attribute__((section(".progmem")))
#else
#define {upper}_CONSTANTS // an attribute that places the weights
#endif
#endif

extern const"""


@dataclass(frozen=True)
class Contents:
    """A compiled network for a framework. `compiled` are the files of compilers.aot by name.

    `traced_hashes` are those of each tensor of a traced plan for each answer, from LiteRT's reference kernels.
    `cores` are those that there is a library for in place of the network's sources, none for its sources.
    With `falls_back` a core without the instructions of the kernels is served by C in their place.
    """

    name: str
    framework: Framework
    plan: Plan
    compiled: Mapping[str, str]
    answers: tuple[Answer, ...]
    with_protocol: bool
    version: str
    falls_back: bool = False
    cores: tuple[str, ...] = ()
    traced_hashes: tuple[tuple[int, ...], ...] = ()

    @property
    def identifier(self) -> str:
        """The network's name in C."""
        return c_identifier(self.name)

    @property
    def stack_bytes(self) -> int:
        """The most stack that a call of the network or of the protocol takes."""
        return STACK_BYTES + (PROTOCOL_STACK_BYTES if self.with_protocol else 0)

    @property
    def steps(self) -> tuple[str, ...]:
        """What to do with the folder."""
        first = (self.framework.library_steps if self.cores else ()) or self.framework.steps
        steps = first + (self.framework.protocol_steps if self.with_protocol else ())
        return tuple(
            step.format(id=self.identifier, upper=macro_prefix(self.identifier), version=self.version) for step in steps
        )

    @cached_property
    def revision(self) -> str:
        """What the protocol says of itself: a digest of the code and its facts, "" without the protocol."""
        config = self.code.get(f"src/{self.identifier}/{sources.CONFIG}", "")
        return next(iter(re.findall(r'FIRMWARE_REVISION +"(\w+)"', config)), "")

    def files(self) -> dict[str, str]:
        """Return all files by path but for the libraries."""
        code = library.without_sources(self.code, self.model_sources) if self.cores else self.code
        protocol = [path for path in self._compiled if self._is_protocol(path)]
        lists = {
            "sources": protocol if self.cores else self._compiled,
            "protocol_sources": protocol,
            "model_sources": [] if self.cores else self.model_sources,
        }
        templates = self.framework.files + (self.framework.protocol_files if self.with_protocol else ())
        beside = {
            path.format(id=self.identifier): self._render(template, **lists)
            for template, path in templates
            if not template.startswith("serial/")
        }
        return code | beside | {"README.md": self._render("readme.md", **lists)}

    @property
    def model_sources(self) -> list[str]:
        """What is compiled of the network itself, and not of the protocol."""
        return [path for path in self._compiled if not self._is_protocol(path)]

    @property
    def _compiled(self) -> list[str]:
        return [path for path in sorted(self.code) if PurePosixPath(path).suffix in (".c", ".S", ".cpp")]

    @cached_property
    def code(self) -> dict[str, str]:
        """The C by its place, all of it below src/."""
        pool = self._pool()
        public = [f"public/{self.identifier}.h"]
        roots = [*public, "network/model.c", "network/weights.c", "answers/known_answers.c"]
        if self.with_protocol:
            public.append(f"public/{self.identifier}_protocol.h")
            roots += [*public[1:], *sources.PROTOCOL, *(path for path in pool if path.startswith("serial."))]
        places = {path: f"src/{Path(path).name}" for path in public}
        code = sources.renamed(pool, sources.needed(pool, tuple(roots)), self.identifier, places)
        config = f"src/{self.identifier}/{sources.CONFIG}"
        return {
            path: text.replace(REVISION, _revision(code)) if path == config else text for path, text in code.items()
        }

    def _pool(self) -> dict[str, str]:
        """Return the files that may be part of the C, by their path in `firmware/` or a folder of their own."""
        pool = sources.firmware_files(self.plan.kernels, self.with_protocol, bool(self.plan.traced))
        pool |= self._network()
        pool[f"public/{self.identifier}.h"] = self._render("public.h")
        pool["answers/known_answers.c"] = self._render("known_answers.c")
        if not self.with_protocol:
            return pool
        pool[f"public/{self.identifier}_protocol.h"] = self._render("protocol.h")
        pool["port/line.c"] = self._render("line.c")
        pool[sources.CONFIG] = self._render("config.h", revision=REVISION)
        for template, path in self.framework.protocol_files:
            if template.startswith("serial/"):
                pool[Path(path).name] = self._render(template)
        return sources.configured(pool)

    def _network(self) -> dict[str, str]:
        """Return what compilers.aot wrote, under names that do not depend on the network."""
        name, upper = self.identifier, macro_prefix(self.identifier)
        parts = {f"{name}.h": "model.h", f"{name}.c": "model.c"}
        parts |= {f"{name}_weights.h": "weights.h", f"{name}_weights.c": "weights.c"}
        network = {}
        for file, text in self.compiled.items():
            for old, new in parts.items():
                text = text.replace(f'#include "{old}"', f'#include "{new}"')
            network[f"network/{parts.get(file, file)}"] = text
        network = guarded(network, name, self.plan.kernels, self.falls_back)
        weights = network["network/weights.h"]
        network["network/weights.h"] = _DECLARED.sub(_PLACED.format(upper=upper), weights, count=1)
        network["network/weights.c"] = _CONSTANT.sub(rf"\1 {upper}_CONSTANTS = {{", network["network/weights.c"])
        return network

    def _is_protocol(self, path: str) -> bool:
        below = path.removeprefix(f"src/{self.identifier}/")
        if below in sources.TRACE[:2]:  # of the network itself
            return False
        return below.split("/")[0] in ("app", "engines", "port", "protocol") or below.startswith("serial.")

    def _render(self, template: str, **more: object) -> str:
        return _TEMPLATES.get_template(f"{template}.jinja").render(self._context | more)

    @cached_property
    def _context(self) -> dict[str, object]:
        plan = self.plan
        ends = f"from {_shapes(plan.inputs)} to {_shapes(plan.outputs)}"
        arrays = stored_arrays(self.compiled[f"{self.identifier}_weights.c"])
        weights = b"".join(data for _, data in arrays)
        facts = plan.compiled(self.name, Path())
        dtypes = {tensor.dtype for tensor in plan.inputs}
        return {
            "generated": f"Generated by Alpharho from the .tflite of sha256 {plan.model_sha256[:16]}. Do not edit.",
            "title": f"Neural network {self.name}: {ends}, {plan.macs:,} MACs.",
            "id": self.identifier,
            "upper": macro_prefix(self.identifier),
            "version": self.version,
            "manifest": MANIFEST,
            "framework": self.framework,
            "plan": plan,
            "header": SETS[plan.kernels].header,
            "with_protocol": self.with_protocol,
            "cores": self.cores,
            "examples": ["answers", *(["serve"] if self.with_protocol else [])],
            "steps": self.steps,
            "stack_bytes": self.stack_bytes,
            "main_stack_bytes": self.stack_bytes + MAIN_STACK_BYTES,
            "protocol_bytes": PROTOCOL_BYTES + facts.input_bytes // BYTES_PER_WRITTEN_BIT + self._ring_bytes,
            "input_bytes": facts.input_bytes,
            "pixel_offset": facts.pixel_offset,
            "answers": [_answer(answer) for answer in self.answers],
            "known": len(self.answers) + 1,
            "traced_hashes": [[f"{value:#010x}u" for value in row] for row in self.traced_hashes],
            "weights_hash": f"{fnv1a(weights):#010x}u",
            "arrays": [name for name, _ in arrays],
            "is_hashed": len(self.answers[0].outputs) > STORED_BYTES,
            "has_floats": "float32" in dtypes,
            "has_bytes": bool(dtypes - {"float32"}),
        }

    @property
    def _ring_bytes(self) -> int:
        return self.framework.window if self.framework.name == "zephyr" else 0


def _shapes(tensors: Sequence[TensorSpec]) -> str:
    return " and ".join(f"{'x'.join(map(str, tensor.shape)) or 'scalar'} {tensor.dtype}" for tensor in tensors)


def stored_arrays(weights: str) -> list[tuple[str, bytes]]:
    """Return name and bytes of each array of the generated weights, as they are in memory: little-endian."""
    least = f"({-INT32_MAX} - 1)"
    return [
        (name, np.array(numbers.replace(least, str(INT32_MIN)).rstrip(",\n").split(","), dtype).tobytes())
        for dtype, name, numbers in _ARRAY.findall(weights)
    ]


def _revision(code: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()[: len(REVISION)]


def _answer(answer: Answer) -> dict[str, object]:
    numbers = [str(byte) for byte in answer.outputs]
    lines = [", ".join(numbers[i : i + NUMBERS_A_LINE]) + "," for i in range(0, len(numbers), NUMBERS_A_LINE)]
    return {
        "seed": answer.seed, "hold": answer.hold, "outputs": answer.outputs, "lines": lines,
        "hash_text": f"{answer.hash:#010x}u",
    }  # fmt: skip
