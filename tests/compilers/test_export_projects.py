"""The project files of exports: read as the frameworks' own tools read them, or built with them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compilers.export.contents import STACK_BYTES
from tests.compilers.exports import STANDINS, exported, known_answers_on_core, run
from tests.compilers.test_compile import small_network
from tests.kernels import core_runner

NAME = "small_net"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small net.tflite"
    path.write_bytes(small_network())
    return path


def calls(text: str) -> list[list[str]]:
    """Return the commands of a CMake file, each as its words."""
    text = re.sub(r"#.*", "", text)
    return [[name, *re.findall(r'"[^"]*"|[^\s()]+', words)] for name, words in re.findall(r"(\w+)\(([^)]*)\)", text)]


def scripted(folder: Path, functions: list[str], *definitions: str) -> list[list[str]]:
    """Return what a CMakeLists.txt calls of the given functions when CMake itself runs it as a script."""
    script = folder.parent / "script.cmake"
    defined = "".join(f'function({name})\nmessage("{name};${{ARGN}}")\nendfunction()\n' for name in functions)
    script.write_text(f'{defined}include("{folder / "CMakeLists.txt"}")\n')
    lines = run("sh", "-c", 'exec cmake "$@" 2>&1', "cmake", *(f"-D{d}" for d in definitions), "-P", script)
    return [line.split(";") for line in lines.splitlines()]


@pytest.mark.parametrize("framework", ["cmake", "pico-sdk"])
def test_cmake_builds_it_and_its_program_passes(
    framework: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "an export"
    is_pico = framework == "pico-sdk"
    exported(model, folder, framework, with_protocol=is_pico)
    monkeypatch.setenv("PICO_SDK_PATH", str(STANDINS / "pico-sdk"))
    said = run("cmake", "-S", folder, "-B", tmp_path / "build", "-G", "Ninja", "-DPICO_BOARD=pico2")
    assert ("outputs of small_net_serve" in said) == is_pico
    program = "serve" if is_pico else "answers"
    run("cmake", "--build", tmp_path / "build", "--target", f"{NAME}_{program}")
    if is_pico:
        assert b"pico2" in (tmp_path / "build" / f"{NAME}_serve").read_bytes()
    else:
        assert "0 of 5 known answers differ" in run(tmp_path / "build" / f"{NAME}_answers")


ZEPHYR_FUNCTIONS = [
    "zephyr_include_directories", "zephyr_library_named", "zephyr_library_compile_options", "zephyr_library_sources"
]  # fmt: skip


def test_a_zephyr_module_follows_its_options(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder, "zephyr", with_protocol=True)
    assert scripted(folder, ZEPHYR_FUNCTIONS) == []
    built = [
        {word for call in scripted(folder, ZEPHYR_FUNCTIONS, *options) if call[0].endswith("sources") for word in call}
        for options in (["CONFIG_SMALL_NET=1"], ["CONFIG_SMALL_NET=1", "CONFIG_SMALL_NET_PROTOCOL=1"])
    ]
    assert f"src/{NAME}/network/model.c" in built[0]
    assert f"src/{NAME}/serial.c" not in built[0]
    assert f"src/{NAME}/serial.c" in built[1]
    kconfig = (folder / "Kconfig").read_text()
    for sample in ("answers", "serve"):
        wanted = (folder / "samples" / sample / "prj.conf").read_text()
        ours = re.findall(r"^CONFIG_(SMALL_NET\w*)=y$", wanted, re.MULTILINE)
        assert ours
        assert all(f"config {name}\n" in kconfig for name in ours)
    module = (folder / "zephyr" / "module.yml").read_text()
    assert f"name: {NAME}\nbuild:\n  cmake: .\n  kconfig: Kconfig\n" in module


def test_an_esp_idf_component_registers_its_sources(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    exported(model, folder, "esp-idf", with_protocol=True)
    [registered, _] = scripted(folder, ["idf_component_register", "target_compile_options"])
    assert registered[1:3] == ["SRCS", next(word for word in registered if word.endswith(".c"))]
    assert all((folder / word).is_file() for word in registered if word.startswith("src/"))
    assert registered[registered.index("INCLUDE_DIRS") + 1] == "src"
    assert "esp_driver_uart" in registered[registered.index("PRIV_REQUIRES") :]
    for example in ("answers", "serve"):
        main = folder / "examples" / example / "main"
        assert calls((main / "CMakeLists.txt").read_text()) == [
            ["idf_component_register", "SRCS", '"main.c"', "REQUIRES", NAME]
        ]
        override = re.search(r'override_path: "(.*)"', (main / "idf_component.yml").read_text())
        assert override is not None
        assert (main / override[1]).resolve() == folder


def test_an_arduino_library_follows_the_specification(model: Path, tmp_path: Path) -> None:
    """The rules are those that arduino-lint checks."""
    folder = tmp_path / NAME
    exported(model, folder, "arduino", with_protocol=True)
    lines = (folder / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = ["name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"]
    assert [key for key in required if not properties.get(key)] == []
    assert re.fullmatch(r"[A-Za-z0-9][\w.-]{0,62}", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] == "Data Processing"
    assert all((folder / "src" / header).is_file() for header in properties["includes"].split(","))
    assert (folder / "src" / f"{properties['name']}.h").is_file()
    assert "arduino" not in (properties["name"] + properties["maintainer"]).lower()
    assert not properties["paragraph"].startswith(properties["sentence"])
    sketches = sorted(folder.rglob("*.ino"))
    assert [path.stem for path in sketches] == [path.parent.name for path in sketches] == ["Answers", "Serve"]
    assert all(path.parent.parent == folder / "examples" for path in sketches)
    assert not list(folder.rglob("*.exe"))
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert (folder / "README.md").is_file()
    assert (folder / "LICENSE.txt").is_file()


def test_a_platformio_library_names_what_is_there(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    exported(model, folder, "platformio", with_protocol=True)
    library = json.loads((folder / "library.json").read_text())
    assert library["name"] == NAME
    assert (folder / "src" / library["headers"]).is_file()
    assert (folder / library["build"]["srcDir"]).is_dir()
    ini = (folder / "examples" / "serve" / "platformio.ini").read_text()
    assert f"lib_deps = {NAME}=symlink://../.." in ini


def test_a_cmsis_pack_has_each_file_that_it_names(model: Path, tmp_path: Path) -> None:
    """The same .pdsc was valid by PACK.xsd of schema version 1.7.7 and newer; that schema is not in here."""
    exported(model, tmp_path / "export", "cmsis-pack", kernels="dsp", with_protocol=True)
    [pack] = (tmp_path / "export").glob("*.pack")
    with zipfile.ZipFile(pack) as archive:
        names = set(archive.namelist())
        package = ElementTree.fromstring(archive.read(f"Alpharho.{NAME}.pdsc"))
    version = package.findtext("vendor"), package.findtext("name"), package.find("releases/release")
    assert version[2] is not None
    assert pack.name == f"{version[0]}.{version[1]}.{version[2].get('version')}.pack"
    files = [file for file in package.iter("file") if file.get("category") != "include"]
    assert files
    assert {file.get("name") for file in files} <= names
    categories = {Path(file.get("name", "")).suffix: file.get("category") for file in files}
    assert categories == {".h": "header", ".c": "sourceC", ".S": "sourceAsm"}
    assert package.findtext("license") in names


@pytest.mark.parametrize("board", ["", "zephyr:mine"])
def test_a_core_without_the_instructions_of_the_kernels_is_noticed(board: str, model: Path, tmp_path: Path) -> None:
    """The compiler stops, or, where the core was guessed from a board's name, says that C takes their place."""
    if package := core_runner.missing():
        pytest.skip(f"needs apt install {package}")
    folder = tmp_path / "export"
    exported(model, folder, kernels="dsp", board=board, with_protocol=bool(board))
    said = {}
    for cpu in ("cortex-m4", "cortex-m3"):
        command = [core_runner.COMPILER, f"-mcpu={cpu}", "-mthumb", "-c", "-o", os.devnull]
        source = folder / "src" / NAME / "network" / "model.c"
        said[cpu] = subprocess.run([*command, source], capture_output=True, text=True)
    assert (said["cortex-m4"].returncode, said["cortex-m4"].stderr) == (0, "")
    assert (said["cortex-m3"].returncode == 0) == bool(board)
    words = "C takes their place" if board else "export it with --kernels portable, or define SMALL_NET_ANY_CORE"
    assert words in said["cortex-m3"].stderr
    if not board:
        run(*command, "-DSMALL_NET_ANY_CORE", source)
    assert '"dsp in C"' in (folder / "src" / NAME / "network" / "model.h").read_text()


@pytest.mark.emulated
@pytest.mark.parametrize("kernels", ["portable/armv6-m", "dsp", "mve"])
def test_it_computes_the_same_on_the_core_within_its_stack(kernels: str, model: Path, tmp_path: Path) -> None:
    """The assembly of a set runs on its core alone: linked under the export's names, and run."""
    if package := core_runner.missing():
        pytest.skip(f"needs apt install {package}")
    exported(model, tmp_path / "export", kernels=core_runner.kernels_of(kernels))
    code = known_answers_on_core(tmp_path / "export", NAME, kernels)
    assert 0 < code * 8 <= STACK_BYTES
    header = (tmp_path / "export" / "src" / f"{NAME}.h").read_text()
    assert f"#define SMALL_NET_STACK_BYTES {STACK_BYTES}\n" in header
