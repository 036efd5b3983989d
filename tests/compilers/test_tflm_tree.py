"""Firmware with TFLite-Micro out of the user's tree, and models that the interpreter can't run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import target as targets
from artifact import Artifact, NoFacts
from compilers import tflm
from compilers.image.toolchain import TOOLCHAINS, Toolchain, toolchain_of
from compilers.tflm import arena, checks, firmware, planner, tree
from compilers.tflm.operators import METHODS, additions
from deploy.agents import AgentOptions
from deploy.device import device_for
from deploy.request import Timeouts
from errors import CompileError, DeployError, Error
from graph.builder import Builder
from tests.compilers.networks import shared_data
from tests.compilers.tflm_models import build_dir, small

__all__ = ["build_dir", "small"]  # fixtures


STANDIN = Path(__file__).parent / "tflm_standin"
HERE = f"linux_{os.uname().machine}"


def test_a_legacy_uint8_model_is_one_line(tmp_path: Path) -> None:
    path = shared_data("coral_mobilenet_v1_0.25_128_quant.tflite")
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    with pytest.raises(CompileError, match="Hybrid models are not supported on TFLite Micro"):
        arena.measure(path, checks.read(path))


def test_a_model_that_aborts_the_interpreter_is_one_line(tmp_path: Path) -> None:
    """A softmax whose scale is too small for its tables: the process is killed, ours goes on."""
    b = Builder()
    x = b.tensor((1, 8), scale=1e-12)
    y = b.tensor((1, 8), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], {"Beta": 1.0}, "SoftmaxOptions")
    path = tmp_path / "flat.tflite"
    path.write_bytes(b.finish([x], [y]))
    with pytest.raises(CompileError) as caught:
        arena.measure(path, checks.read(path))
    assert "\n" not in str(caught.value)
    assert "killed by SIGABRT" in str(caught.value)


def test_damaged_models_are_one_line(small: Artifact[NoFacts], tmp_path: Path) -> None:
    raw = small.path.read_bytes()
    rng = np.random.default_rng(0)
    for number in range(300):
        broken = bytearray(raw[: rng.integers(8, len(raw))] if number % 3 == 0 else raw)
        for at in rng.integers(0, len(broken), 6):
            broken[at] = rng.integers(0, 256)
        path = tmp_path / "broken.tflite"
        path.write_bytes(broken)
        try:
            planner.head_bytes(checks.read(path), "mve")
        except CompileError as e:
            assert "\n" not in str(e)  # noqa: PT017 (most of the damage does not raise)


def test_operators_that_upstream_has_not() -> None:
    with pytest.raises(CompileError, match="no operator CUSTOM, RFFT2D"):
        additions(["ADD", "CUSTOM", "RFFT2D"], "net")
    assert all(re.fullmatch(r"Add[A-Z]\w+", method) for method in METHODS.values())


# The user's tree


def fake_tree(root: Path, *built: str) -> Path:
    shutil.copytree(STANDIN, root)
    for name in built:
        (root / "gen" / name / "lib").mkdir(parents=True)
        (root / "gen" / name / "lib" / tree.LIBRARY).write_bytes(name.encode())
    return root


def test_a_tree_that_is_missing_or_wrong(tmp_path: Path) -> None:
    m4 = targets.load("qemu-m4")
    with pytest.raises(
        CompileError, match=r"TFLM_DIR is not set; clone .*TARGET_ARCH=cortex-m4\+fp OPTIMIZED_KERNEL_DIR"
    ):
        tree.find(m4, {})
    with pytest.raises(CompileError, match=r"no tensorflow/lite/micro/micro_interpreter.h; expected"):
        tree.find(m4, {"TFLM_DIR": str(tmp_path)})
    root = fake_tree(tmp_path / "tree", "cortex_m_generic_cortex-m55_default_gcc")
    with pytest.raises(
        CompileError, match=r"nothing built for qemu-m4; built there: cortex_m_generic_cortex-m55_default_gcc"
    ):
        tree.find(m4, {"TFLM_DIR": str(root)})
    with pytest.raises(
        CompileError, match="TFLM_BUILD=cortex_m_generic_cortex-m55_default_gc: not built.*did you mean"
    ):
        tree.find(m4, {"TFLM_DIR": str(root), "TFLM_BUILD": "cortex_m_generic_cortex-m55_default_gc"})
    with pytest.raises(CompileError, match=r"run `make -f \S+ microlite`"):
        tree.find(targets.load("host-fw"), {"TFLM_DIR": str(root)})


def test_of_several_libraries_the_fastest_unless_one_is_named(tmp_path: Path) -> None:
    m4 = targets.load("qemu-m4")
    prefix = "cortex_m_generic_cortex-m4+fp"
    names = [f"{prefix}_default_cmsis_nn_gcc", f"{prefix}_release_gcc", f"{prefix}_release_with_logs_cmsis_nn_gcc"]
    others = ["cortex_m_generic_cortex-m4_release_cmsis_nn_gcc", f"{HERE}_default_gcc"]
    root = fake_tree(tmp_path / "tree", *names, *others)
    library = tree.find(m4, {"TFLM_DIR": str(root)})
    assert (library.name, library.kernels, library.build_type) == (names[2], "cmsis_nn", "release_with_logs")
    assert library.definitions[0] == "TF_LITE_STATIC_MEMORY"
    assert {"NDEBUG", "CMSIS_NN"} <= set(library.definitions)
    named = tree.find(m4, {"TFLM_DIR": str(root), "TFLM_BUILD": names[1]})
    assert (named.kernels, named.build_type) == ("reference", "release")
    assert tree.find(targets.load("host-fw"), {"TFLM_DIR": str(root)}).name == f"{HERE}_default_gcc"


def standin_library(root: Path, name: str, small: Artifact[NoFacts], toolchain: Toolchain, flags: list[str]) -> None:
    network = checks.read(small.path)
    sizes = [network.tensors[t].bytes for t in (network.inputs[0], network.outputs[0])]
    folder = root / "gen" / name / "lib"
    folder.mkdir(parents=True, exist_ok=True)
    definitions = ["-DTF_LITE_STATIC_MEMORY", f"-DINPUT_BYTES={sizes[0]}", f"-DOUTPUT_BYTES={sizes[1]}"]
    common = [
        "-std=c++17",
        "-fno-rtti",
        "-fno-exceptions",
        "-ffunction-sections",
        f"-I{root}",
        "-c",
        "-O1",
        *definitions,
    ]
    source, object_file = str(root / "standin.cc"), str(folder / "standin.o")
    subprocess.run([toolchain.cpp_compiler, *flags, *common, source, "-o", object_file], check=True)
    subprocess.run([toolchain.archiver, "rcs", str(folder / tree.LIBRARY), object_file], check=True)


@pytest.mark.parametrize("board", ["host-fw", pytest.param("qemu-m4", marks=pytest.mark.emulated)])
def test_the_firmware_with_a_stand_in_for_the_library(
    board: str, small: Artifact[NoFacts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load(board)
    root = fake_tree(tmp_path / "tree")
    if board == "host-fw":
        standin_library(root, f"{HERE}_default_gcc", small, TOOLCHAINS["host"], ["-fPIE"])
    else:
        assert target.mcu
        toolchain = toolchain_of(target.mcu)
        try:
            toolchain.check_cpp()
        except CompileError as e:
            pytest.skip(str(e))
        name = "cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc"
        standin_library(root, name, small, toolchain, target.mcu.cpu_flags.split())
    monkeypatch.setenv("TFLM_DIR", str(root))
    compiled = tflm.compile_for(small)
    image = firmware.build_for(compiled, tflm.model_of(compiled), target)
    again = firmware.build_for(compiled, tflm.model_of(compiled), target)
    assert again.reused
    planned = compiled.facts.arena
    assert image.facts.memory["arena"] == (
        planned.host_bytes if board == "host-fw" else planned.bytes_for("cmsis_nn", "cortex-m4")
    )
    if board != "host-fw":
        assert image.facts.memory["weights"] == pytest.approx(small.path.stat().st_size, abs=16)
    with device_for(target, image).session() as session:
        info = session.info
        assert (info.engine, info.kernels) == ("tflm", "reference" if board == "host-fw" else "cmsis_nn")
        assert info.model_sha256 == small.sha256
        assert info.memory["arena_used"] == 6 * 5 * 3 + 3 * 3 * 4
        assert not info.input_preserved
        for seed in range(3):
            picture = np.random.default_rng(seed).integers(-128, 128, 90).astype(np.int8)
            answer = np.frombuffer(session.infer(picture.tobytes()).output_bytes, np.int8)
            np.testing.assert_array_equal(answer, picture[:36] + np.int8(1))


def test_an_arena_that_is_too_small_is_an_error_and_does_not_run(
    small: Artifact[NoFacts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in asks for more than it is given: the device says so and runs nothing."""
    root = fake_tree(tmp_path / "tree")
    source = (root / "standin.cc").read_text()
    (root / "standin.cc").write_text(source.replace("return INPUT_BYTES + OUTPUT_BYTES;", "return 1 << 20;"))
    standin_library(root, f"{HERE}_default_gcc", small, TOOLCHAINS["host"], ["-fPIE"])
    monkeypatch.setenv("TFLM_DIR", str(root))
    compiled = tflm.compile_for(small)
    target = targets.load("host-fw")
    image = firmware.build_for(compiled, tflm.model_of(compiled), target)
    with pytest.raises(Error, match=r"."), device_for(target, image, timeouts=Timeouts(handshake_s=2.0)).session():
        pass


def test_the_interpreter_is_of_this_host_alone(small: Artifact[NoFacts]) -> None:
    compiled = tflm.compile_for(small)
    with pytest.raises(DeployError, match="runs on this host alone"):
        device_for(targets.load("rpi4"), compiled).session().__enter__()
    with pytest.raises(DeployError, match="has one thread"):
        device_for(targets.load("host-tflm"), compiled, agent=AgentOptions(2)).session().__enter__()
