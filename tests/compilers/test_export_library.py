"""Exports with static libraries in place of the network's sources: what they hold, link with, and compute."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from compilers.export import library
from errors import CompileError
from tests.compilers.exports import exported, known_answers_on_core, sources
from tests.compilers.test_compile import small_network
from tests.compilers.test_export_projects import scripted
from tests.kernels import core_runner

NAME = "small_net"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small net.tflite"
    path.write_bytes(small_network())
    return path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"framework": "arduino", "library": ("cortex-m4",)}, "--library: arduino takes sources; leave it out"),
        ({"library": ("cortex-m5",)}, "--library cortex-m5: unknown; did you mean"),
        ({"library": ("cortex-m0plus",), "kernels": "dsp"}, "--library cortex-m0plus: has no instructions for dsp"),
        ({"library": ("cortex-m4", "rv32imc"), "kernels": "dsp"}, "--library rv32imc: .* use --kernels portable"),
    ],
)
def test_what_can_not_be_built_is_refused(
    settings: dict[str, str | tuple[str, ...]], message: str, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(CompileError, match=message):
        exported(model, tmp_path / "export", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "export").exists()


def test_a_missing_compiler_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CompileError, match="arm-none-eabi-gcc: not found; install it with: apt install gcc-arm-none"):
        exported(model, tmp_path / "export", library=("cortex-m4",))


@pytest.mark.emulated
@pytest.mark.parametrize(("core", "kernels"), [("cortex-m4", "dsp"), ("cortex-m55f", "mve")])
def test_it_computes_the_same_on_the_core(core: str, kernels: str, model: Path, tmp_path: Path) -> None:
    if package := core_runner.missing():
        pytest.skip(f"needs apt install {package}")
    folder = tmp_path / "export"
    exported(model, folder, kernels=kernels, library=(core,))
    assert sources(folder) == []
    assert sorted(path.name for path in (folder / "src").rglob("*.*")) == ["model.h", f"{NAME}.h"]
    built = folder / "lib" / core / f"lib{NAME}.a"
    assert str(tmp_path).encode() not in built.read_bytes()
    assert known_answers_on_core(folder, NAME, kernels, [built]) not in (0, 255)
    exported(model, tmp_path / "again", kernels=kernels, library=(core,))
    assert (tmp_path / "again" / "lib" / core / f"lib{NAME}.a").read_bytes() == built.read_bytes()


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an empty library where one would be compiled: the projects are looked at, not the code."""
    monkeypatch.setattr(library, "_archive", lambda root, sources, core: b"!<arch>\n")


@pytest.mark.usefixtures("no_compiler")
def test_cmake_takes_the_library_of_the_core_that_it_is_given(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder, library=("cortex-m3", "cortex-m4f"), with_protocol=True)
    assert not [path for path in sources(folder) if "kernels" in path.parts or "network" in path.parts]
    for core, code in (("cortex-m4f", 0), ("cortex-m4", 1), ("", 1)):
        places = ["-S", str(folder), "-B", str(tmp_path / f"build {core}")]
        command = ["cmake", *places, "-G", "Ninja", f"-DSMALL_NET_CORE={core}"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert code == 0 or f"SMALL_NET_CORE is '{core}': expected one of cortex-m3," in done.stderr
    rules = (tmp_path / "build cortex-m4f" / "build.ninja").read_text()
    assert f"lib/cortex-m4f/lib{NAME}.a" in rules
    readme = (folder / "README.md").read_text()
    assert "cmake -B build -DSMALL_NET_CORE=CORE" in readme
    assert "To try it here" not in readme


@pytest.mark.usefixtures("no_compiler")
def test_zephyr_takes_the_library_of_the_core_of_its_configuration(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder, "zephyr", library=("cortex-m0plus", "cortex-m4f"), with_protocol=True)
    functions = [
        "zephyr_include_directories", "zephyr_library_import", "zephyr_library_named", "zephyr_library_compile_options",
        "zephyr_library_sources",
    ]  # fmt: skip
    for options, core in (
        (["CONFIG_CPU_CORTEX_M4=1", "CONFIG_FP_HARDABI=1", "CONFIG_SMALL_NET_PROTOCOL=1"], "cortex-m4f"),
        (["CONFIG_CPU_CORTEX_M0PLUS=1"], "cortex-m0plus"),
    ):
        calls = scripted(folder, functions, "CONFIG_SMALL_NET=1", *options)
        [imported] = [call for call in calls if call[0] == "zephyr_library_import"]
        assert imported[1:] == [f"{NAME}_network", f"{folder}/lib/{core}/lib{NAME}.a"]
        compiled = {word for call in calls if call[0] == "zephyr_library_sources" for word in call[1:]}
        assert (f"src/{NAME}/serial.c" in compiled) == (len(options) == 3)
        assert not any("/kernels/" in word for word in compiled)


@pytest.mark.usefixtures("no_compiler")
def test_esp_idf_takes_the_library_of_the_chip(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    exported(model, folder, "esp-idf", library=("rv32imc",))
    functions = ["idf_component_register", "add_prebuilt_library", "target_link_libraries"]
    registered, prebuilt, linked = scripted(folder, functions, "IDF_TARGET=esp32c3")
    assert registered == ["idf_component_register", "INCLUDE_DIRS", "src"]
    assert prebuilt[1:] == [f"{NAME}_network", f"{folder}/lib/rv32imc/lib{NAME}.a"]
    assert linked[-2:] == ["INTERFACE", f"{NAME}_network"]
