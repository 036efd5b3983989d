"""Steps run on an emulated core: the kernels of a set in the instructions of that core, called one by one.

One run takes many requests: collect cases, then run them all.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compilers.aot.checker import check
from compilers.aot.operands import Argument, At, Constant, Parameters, Scratch
from compilers.aot.planner import Layout
from compilers.aot.sets import SETS, folders
from compilers.aot.steps import Call, Step
from graph.types import Array, Graph
from tests.compilers import host_build
from tests.compilers.kernel_runner import structures
from tests.compilers.object_cache import compiled
from tests.kernels.linux_runner import CPUS, LinuxCore

Int8 = npt.NDArray[np.int8]

# What the kernels are built for and QEMU's machine, for each kernel set, and where that machine has flash and RAM.
# After a slash: another core of the set. An M3 runs all instructions of an M0+.
CORES = {
    "portable": ("cortex-m3", "mps2-an385", 0, 0x20000000),
    "portable/armv6-m": ("cortex-m0plus", "mps2-an385", 0, 0x20000000),
    "dsp": ("cortex-m4", "mps2-an386", 0, 0x20000000),
    "m7": ("cortex-m7", "mps2-an500", 0, 0x20000000),
    "mve": ("cortex-m55", "mps3-an547", 0, 0x21000000),
    "rv32": ("rv32imc", "virt", 0x80000000, 0x80400000),
}
EMULATOR, COMPILER = "qemu-system-arm", "arm-none-eabi-gcc"
RISCV_EMULATOR, RISCV_COMPILER = "qemu-system-riscv32", "riscv64-unknown-elf-gcc"
PACKAGES = {
    EMULATOR: "qemu-system-arm", COMPILER: "gcc-arm-none-eabi",
    RISCV_EMULATOR: "qemu-system-misc", RISCV_COMPILER: "gcc-riscv64-unknown-elf",
}  # fmt: skip
TIMEOUT_S = 300.0
GUARD = 64
ALIGNMENT = 16
ARGUMENTS = 5
SOURCE = Path(__file__).with_suffix(".c")
SCRIPT = """
SECTIONS {{
  . = {flash:#x};
  .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) *(.ARM.exidx*) }}
  . = {ram:#x};
  .bss (NOLOAD) : {{ *(.data*) *(.sdata*) *(.bss*) *(.sbss*) *(COMMON) }}
}}
"""


def missing() -> str | None:
    """Return the Debian package of what is not installed here, None if all is."""
    return next((package for program, package in PACKAGES.items() if not shutil.which(program)), None)


class Core:
    """The program for an emulated core, and the address of its memory."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="core-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        cpu, self.machine, flash, ram = CORES[name]
        self.pointer = ctypes.c_uint32
        kernels = kernels_of(name)
        self.functions = [kernel.symbol for name in folders(kernels) for kernel in SETS[name].kernels]
        (self.folder / "program.ld").write_text(SCRIPT.format(flash=flash, ram=ram))
        command, objects = compile_command(cpu), kernel_objects(cpu, kernels)
        command += [f"-DKERNELS={','.join(self.functions)}", f'-DHEADER="{SETS[kernels].header}"', str(SOURCE)]
        command += [*map(str, objects), "-nostartfiles", *([] if is_riscv(cpu) else ["--specs=nano.specs"])]
        command += ["-Tprogram.ld", "-Wl,--no-warn-rwx-segments", "-o", "program"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        tool = compiler_of(cpu).replace("gcc", "nm")
        symbols = subprocess.run([tool, self.folder / "program"], capture_output=True, text=True).stdout
        self.emulator = [RISCV_EMULATOR, "-bios", "none"] if is_riscv(cpu) else [EMULATOR]
        self.address = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" memory"))

    def run(self, requests: Sequence[tuple[bytes, Sequence[Sequence[int]]]]) -> list[bytes]:
        """Return what memory holds after each request's calls, which are function, then arguments."""
        with (self.folder / "request").open("wb") as file:
            for memory, calls in requests:
                file.write(struct.pack("<II", len(memory), len(calls)) + memory)
                for call in calls:
                    padded = (*call, *[0] * (1 + ARGUMENTS - len(call)))
                    file.write(struct.pack(f"<{1 + ARGUMENTS}I", *(n & 0xFFFFFFFF for n in padded)))
        command = [*self.emulator, "-M", self.machine, "-nographic", "-monitor", "none", "-serial", "null"]
        command += ["-semihosting", "-kernel", "program"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, f"a fault on the core {done.stderr}"
        reply, found, at = (self.folder / "reply").read_bytes(), [], 0
        for memory, _ in requests:
            found.append(reply[at : at + len(memory)])
            at += len(memory)
        assert at == len(reply)
        return found


def is_riscv(cpu: str) -> bool:
    """Whether a core is named by its RISC-V instruction set."""
    return cpu.startswith("rv32")


def compiler_of(cpu: str) -> str:
    """Return the compiler for a core."""
    return RISCV_COMPILER if is_riscv(cpu) else COMPILER


def compile_command(cpu: str) -> list[str]:
    """Return the command that compiles kernels for a core, without what is compiled."""
    options = ["-O2", *host_build.WARNINGS, "-fdata-sections", f"-I{host_build.KERNELS}"]
    if is_riscv(cpu):
        return [RISCV_COMPILER, f"-march={cpu}", "-mabi=ilp32", "--specs=picolibc.specs", *options]
    # Without the vector registers there are no vectors of integers either.
    floats = ["-mfloat-abi=hard"] if cpu == "cortex-m55" else []
    return [COMPILER, f"-mcpu={cpu}", "-mthumb", *floats, *options]


def kernel_objects(cpu: str, kernels: str) -> list[Path]:
    """Return the object files of a kernel set for a core, warnings being errors."""
    return compiled(compile_command(cpu), host_build.kernel_sources(kernels), "kernels")


def kernels_of(name: str) -> str:
    """Return the kernel set of one of CORES."""
    return name.partition("/")[0]


def is_emulated(name: str) -> bool:
    """Whether there is a program for a set, or one of its cores or CPUs, to run here."""
    return name in CORES or name in CPUS


@functools.cache
def core(name: str) -> Core | LinuxCore:
    """Return the program for one of CORES, or of CPUS."""
    return LinuxCore(name) if name in CPUS else Core(name)


class CoreRunner:
    """Runs the steps of a graph in a layout on a core, in an arena between guards, constants behind it.

    The layout is proved first, unless it `is_checked`.
    """

    def __init__(
        self, graph: Graph, steps: Sequence[Step], layout: Layout, name: str, is_checked: bool = False
    ) -> None:
        self.steps = tuple(s if i in layout.overlapped else s.without_overlap() for i, s in enumerate(steps))
        if not is_checked:
            check(graph, self.steps, layout)
        self.graph, self.layout, self.core = graph, layout, core(name)
        self.constants = bytearray()
        self.placed: dict[int, int] = {}
        self.arena_end = GUARD + layout.arena_bytes + GUARD
        self.arena_end += -self.arena_end % ALIGNMENT
        self.calls = [
            [self.core.functions.index(call.kernel.symbol), *(self._argument(a, i) for a in call.arguments)]
            for i, step in enumerate(self.steps)
            for call in step.execution()
            if isinstance(call, Call)
        ]

    def request(self, *inputs: Array) -> tuple[bytes, Sequence[Sequence[int]]]:
        """Return what to run for the inputs."""
        arena = np.full(self.arena_end, 77, np.int8)
        for index, value in zip(self.graph.inputs, inputs, strict=True):
            arena[self._part(index)] = np.ascontiguousarray(value).reshape(-1).view(np.int8)
        return arena.tobytes() + bytes(self.constants), self.calls

    def outputs(self, sent: bytes, received: bytes) -> list[Array]:
        """Return the outputs. Asserts that nothing outside the arena was written."""
        memory = np.frombuffer(received, np.int8)
        outside = np.ones(len(sent), bool)
        outside[GUARD : GUARD + self.layout.arena_bytes] = False
        assert (memory[outside] == np.frombuffer(sent, np.int8)[outside]).all(), "written outside the arena"
        outputs = [self.graph.tensors[t] for t in self.graph.outputs]
        return [memory[self._part(t.index)].copy().view(t.dtype).reshape(t.shape) for t in outputs]

    def _part(self, tensor: int) -> slice:
        start = GUARD + self.layout.tensors[tensor].offset
        return slice(start, start + self.graph.tensors[tensor].bytes)

    def _argument(self, argument: Argument, step: int) -> int:
        match argument:
            case At(tensor, offset):
                return self.core.address + GUARD + self.layout.tensors[tensor].offset + offset
            case Scratch(offset):
                return self.core.address + GUARD + self.layout.scratch[step].offset + offset
            case Constant() | Parameters():
                return self._constant(argument)
        return int(str(argument))

    def _constant(self, value: Constant | Parameters) -> int:
        """Return where a constant lies, which is placed once."""
        if id(value) not in self.placed:
            if isinstance(value, Constant):
                self.placed[id(value)] = self._place(value.data.tobytes())
            else:
                structure = self._fill(structures(self.core.pointer)[value.kind](), value.fields)
                self.placed[id(value)] = self._place(bytes(structure))
        return self.placed[id(value)]

    def _place(self, data: bytes) -> int:
        address = self.core.address + self.arena_end + len(self.constants)
        self.constants += data + bytes(-len(data) % ALIGNMENT)
        return address

    def _fill(self, structure: ctypes.Structure, fields: Mapping[str, object]) -> ctypes.Structure:
        assert list(fields) == [name for name, *_ in structure._fields_]
        for name, value in fields.items():
            if isinstance(value, Constant):
                setattr(structure, name, self._constant(value))
            elif isinstance(value, Mapping):
                self._fill(getattr(structure, name), value)
            elif isinstance(value, tuple):
                getattr(structure, name)[:] = value
            else:
                setattr(structure, name, value)
        return structure
