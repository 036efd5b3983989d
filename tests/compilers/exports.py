"""Exports built with gcc against stand-ins of their frameworks."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact import Artifact, NoFacts, sha256_of
from compilers.export import Exported, Settings, export
from tests.kernels import core_runner

STANDINS = Path(__file__).parent / "export_standins"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
BUILT = (".c", ".S", ".cpp")


@dataclass(frozen=True)
class Standin:
    """How this machine stands for a framework: its folder, options, the sources of the two examples, and its board."""

    folder: str
    options: tuple[str, ...]
    answers: str
    serve: str
    board: str


ARDUINO = ("-DARDUINO=10819", "-DARDUINO_ARCH_ESP32=1")
STANDIN_OF = {
    "cmake": Standin("", (), "examples/answers/main.c", "examples/serve/main.c", "cmake"),
    "arduino": Standin(
        "arduino", ARDUINO, "examples/Answers/Answers.ino", "examples/Serve/Serve.ino", "arduino"
    ),
    "platformio": Standin(
        "arduino", ARDUINO, "examples/answers/src/main.cpp", "examples/serve/src/main.cpp", "platformio"
    ),
    "pico-sdk": Standin(
        "pico-sdk", ('-DSMALL_NET_BOARD="pico"', "-DPICO_RP2040=1"), "examples/answers/main.c",
        "examples/serve/main.c", "pico",
    ),
    "zephyr": Standin(
        "zephyr", ('-DCONFIG_BOARD="native_sim"', "-DCONFIG_TIMING_FUNCTIONS=1",
         "-DCONFIG_ARCH_HAS_TIMING_FUNCTIONS=1"), "samples/answers/src/main.c", "samples/serve/src/main.c",
        "native_sim",
    ),
    "esp-idf": Standin("esp-idf", (), "examples/answers/main/main.c", "examples/serve/main/main.c", "esp32s3"),
    "cmsis-pack": Standin("", (), "examples/answers/main.c", "examples/serve/main.c", "cmsis-pack"),
}  # fmt: skip


def int8_artifact(path: Path) -> Artifact[NoFacts]:
    return Artifact(path, "int8", path.stem, sha256_of(path), NoFacts())


def exported(model: Path, out: Path, framework: str = "cmake", **more: str | bool | tuple[str, ...]) -> Exported:
    return export(int8_artifact(model), Settings(framework, **more), out)  # type: ignore[arg-type]


def sources(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "src").rglob("*")) if path.suffix in BUILT]


_OBJECTS: dict[tuple[str, str, str, tuple[str, ...]], Path] = {}
"""Object files by path, text and options: exports for several frameworks share most of their sources."""


def _headers(folder: Path) -> str:
    """Return the headers that sources of an export include, but those that differ by framework alone."""
    headers = sorted((folder / "src").rglob("*.h"))
    return "".join(path.read_text() for path in headers if path.name != "config.h")


def compile_objects(folder: Path, options: Sequence[str] = (), compiler: str = "gcc") -> list[Path]:
    """Return the object files of all C, C++ and assembly of an export."""
    objects = []
    headers = _headers(folder)
    for source in sources(folder):
        text, name = source.read_text(), "_".join(source.relative_to(folder).parts)
        own = tuple(options) if "config.h" in text or "serial" in name else ()
        command = (compiler, *WARNINGS, *_language(source), "-O0", *own)
        if (key := (name, text, headers, command)) not in _OBJECTS:
            output = Path(tempfile.mkdtemp(prefix="export-object-")) / f"{name}.o"
            atexit.register(shutil.rmtree, output.parent, ignore_errors=True)
            run(*command, f"-I{folder / 'src'}", "-c", source, "-o", output)
            # The facts in config.h are those of a framework, and not in the text.
            if "config.h" in text:
                objects.append(output)
                continue
            _OBJECTS[key] = output
        objects.append(_OBJECTS[key])
    return objects


def program(folder: Path, framework: str, example: str, objects: Sequence[Path]) -> Path:
    """Link an example of an export with its objects and the stand-in of its framework."""
    standin = STANDIN_OF[framework]
    output = folder.parent / f"{folder.name}-{Path(example).parts[1]}"
    is_sketch = example.endswith(".ino")
    main = ["-x", "c++", "-include", "Arduino.h", folder / example, "-x", "none"] if is_sketch else [folder / example]
    core = sorted((STANDINS / standin.folder).glob("core.*")) if standin.folder else []
    run("g++" if standin.folder == "arduino" else "gcc", *WARNINGS, *includes(framework), *standin.options,
        f"-I{folder / 'src'}", *main, *core, *objects, "-o", output)  # fmt: skip
    return output


def includes(framework: str) -> list[str]:
    folder = STANDIN_OF[framework].folder
    return [f"-I{STANDINS / folder}"] if folder else []


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _language(source: Path) -> list[str]:
    return {".c": ["-std=gnu11"], ".cpp": ["-std=gnu++17"]}.get(source.suffix, [])


def known_answers_on_core(folder: Path, name: str, core: str, libraries: Sequence[Path] = ()) -> int:
    """Run the known answers of an export on one of CORES; return the exit code of export_core.c."""
    cpu, machine, flash, ram = core_runner.CORES[core]
    floats = ["-mfloat-abi=hard"] if core == "mve" else []
    (folder.parent / "program.ld").write_text(core_runner.SCRIPT.format(flash=flash, ram=ram))
    upper = name.upper()
    facts = [
        f'-DNETWORK_H="{name}.h"',
        f"-DNETWORK_ARENA={upper}_ARENA",
        f"-DNETWORK_KNOWN_ANSWERS={name}_known_answers",
    ]
    run(core_runner.COMPILER, f"-mcpu={cpu}", "-mthumb", *floats, "-std=gnu11", "-O2", *WARNINGS, *facts,
        f"-I{folder / 'src'}", Path(__file__).with_name("export_core.c"), *sources(folder), *libraries, "-nostartfiles",
        "--specs=nano.specs", f"-Wl,-T,{folder.parent / 'program.ld'},--no-warn-rwx-segments",
        "-o", folder.parent / "program")  # fmt: skip
    command = [core_runner.EMULATOR, "-M", machine, "-nographic", "-monitor", "none", "-serial", "null", "-semihosting"]
    kernel = str(folder.parent / "program")
    return subprocess.run([*command, "-kernel", kernel], timeout=core_runner.TIMEOUT_S).returncode
