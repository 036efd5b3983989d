"""The files for TFLite-Micro, tested with its real interpreter on this host; the firmware, with a stand-in."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import target as targets
from artifact import Artifact, NoFacts, sha256_of
from compilers import tflm
from compilers.image.toolchain import TOOLCHAINS, Toolchain, toolchain_of
from compilers.tflm import arena, checks, firmware, planner, tree
from compilers.tflm.emit import Model, emit
from compilers.tflm.operators import METHODS, additions
from deploy.agent.engine import EngineError
from deploy.agent.tflm import TflmEngine
from deploy.agents import AgentOptions
from deploy.device import device_for
from deploy.request import Timeouts
from errors import CompileError, DeployError, Error
from graph.builder import Builder
from tests.compilers.networks import shared_data, tflite_of
from tests.compilers.reference import Reference
from tests.compilers.test_compile import small_network

STANDIN = Path(__file__).parent / "tflm_standin"
PRESETS = ("v1_025", "v2_035", "v3sm_075")
HERE = f"linux_{os.uname().machine}"


@pytest.fixture(autouse=True)
def build_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    return tmp_path


def int8_artifact(path: Path) -> Artifact[NoFacts]:
    return Artifact(path, "int8", path.stem, sha256_of(path), NoFacts())


@pytest.fixture
def small(tmp_path: Path) -> Artifact[NoFacts]:
    """Return a network of three operators."""
    path = tmp_path / "my net.tflite"
    path.write_bytes(small_network())
    return int8_artifact(path)


def test_the_artifact_is_the_same_for_the_same_model(small: Artifact[NoFacts], tmp_path: Path) -> None:
    artifact = tflm.compile_for(small)
    files = emit(tflm.model_of(artifact))
    assert {name: (artifact.path.parent / name).read_text() for name in files} == files
    assert emit(tflm.model_of(artifact)) == files
    assert {name for name in files if "/" not in name} == {
        f"my_net_{part}" for part in ("data.cc", "data.h", "ops.h", "arena.h", "run.h")
    }
    assert artifact.facts.operators == ("ADD", "CONV_2D", "SOFTMAX")
    assert artifact.tools == {"tflite-micro": arena.version()}
    assert tflm.compile_for(small).reused


def test_the_data_is_the_model_aligned_and_visible_to_c(small: Artifact[NoFacts], tmp_path: Path) -> None:
    """Compiled by a real compiler and read back out of the library it makes."""
    artifact = tflm.compile_for(small)
    library = tmp_path / "data.so"
    source = artifact.path.parent / "my_net_data.cc"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    size = ctypes.c_uint.in_dll(loaded, "my_net_data_bytes").value
    data = (ctypes.c_ubyte * size).in_dll(loaded, "my_net_data")
    assert bytes(data) == small.path.read_bytes()
    assert ctypes.addressof(data) % 16 == 0


def test_examples_name_upstream_s_packages(small: Artifact[NoFacts]) -> None:
    files = emit(tflm.model_of(tflm.compile_for(small)))
    assert "github.com/tensorflow/tflite-micro" in files["examples/cmake/CMakeLists.txt"]
    assert "CONFIG_TENSORFLOW_LITE_MICRO=y" in files["examples/zephyr/prj.conf"]
    assert "+tflite-micro" in files["examples/zephyr/CMakeLists.txt"]
    assert "espressif/esp-tflite-micro" in files["examples/esp-idf/main/idf_component.yml"]
    assert "Arduino_TensorFlowLite" in files["examples/arduino/my_net/my_net.ino"]
    assert files["examples/arduino/my_net/my_net_data.cpp"] == files["my_net_data.cc"]
    for name, text in files.items():
        assert "{{" not in text, name


@pytest.mark.parametrize("name", ["3 nets", "naïve-net", "v1_025"])
def test_any_name_is_one_of_c(name: str, small: Artifact[NoFacts]) -> None:
    model = tflm.model_of(tflm.compile_for(small))
    renamed = Model(name, model.data, model.sha256, model.graph, model.arena)
    assert re.fullmatch(r"[A-Za-z]\w*", renamed.identifier, re.ASCII)
    assert f"{renamed.identifier}_data.h" in emit(renamed)


# The arena


@pytest.mark.parametrize("preset", PRESETS)
def test_the_measured_arena_is_the_smallest(preset: str) -> None:
    """The agent's engine runs in it, over pictures, and 16 bytes fewer are refused."""
    path = tflite_of(preset)
    measured = arena.measure(path, checks.read(path))
    assert measured.host_bytes >= measured.host_head + measured.host_tail
    engine = TflmEngine(str(path), measured.host_bytes)
    assert engine.memory["arena_used"] <= measured.host_bytes == engine.memory["arena"]
    assert (engine.memory["arena_head"], engine.memory["arena_tail"]) == (measured.host_head, measured.host_tail)
    with pytest.raises(EngineError, match="not loaded in an arena of"):
        TflmEngine(str(path), measured.host_bytes - 16)


@pytest.mark.parametrize("preset", [*PRESETS, "v3s_075"])
def test_the_head_is_planned_as_upstream_plans_it(preset: str) -> None:
    """What follows for other scratch is only as good as that."""
    path = tflite_of(preset)
    network = checks.read(path)
    measured = arena.measure(path, network)
    assert planner.head_bytes(network) == measured.host_head
    assert planner.head_bytes(network) <= planner.head_bytes(network, "dsp") <= measured.host_head + (1 << 16)
    assert measured.host_tail // 2 < measured.device_dsp - planner.head_bytes(network, "dsp") < measured.host_tail


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), min_size=1, max_size=9))
def test_the_head_of_random_graphs_is_upstream_s(joins: list[tuple[int, int]]) -> None:
    """Additions of earlier tensors of many sizes: what is alive when differs from graph to graph."""
    b = Builder()
    tensors = [b.tensor((1, 64), scale=0.1)]
    for back, width in joins:
        source = tensors[-1 - back % len(tensors)]
        depth = b.tensors[source].shape[1]
        kernel = b.tensor((8 * width, depth), scale=0.01, data=np.ones((8 * width, depth)))
        tensors.append(b.tensor((1, 8 * width), scale=0.1))
        b.operator("FULLY_CONNECTED", [source, kernel, -1], [tensors[-1]], {}, "FullyConnectedOptions")
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"tflm-head-{os.getpid()}.tflite"
    path.write_bytes(b.finish([tensors[0]], [tensors[-1]]))
    try:
        network = checks.read(path)
        assert planner.head_bytes(network) == arena.measure(path, network).host_head
    finally:
        path.unlink()


def test_a_device_gets_what_allocating_needs_for_a_while(small: Artifact[NoFacts]) -> None:
    measured = arena.measure(small.path, checks.read(small.path))
    assert measured.device_reference >= measured.host_bytes > measured.host_head + measured.host_tail


def test_each_library_gets_the_arena_of_its_kernels() -> None:
    figures = arena.Arena("1", 900, 500, 400, device_reference=600, device_dsp=700, device_mve=800)
    assert figures.bytes_for("reference", "cortex-m55") == 600
    assert figures.bytes_for("cmsis_nn", "cortex-m4") == figures.bytes_for("cmsis_nn", "cortex-m3") == 700
    assert figures.bytes_for("cmsis_nn", "cortex-m55") == figures.bytes_for("ethos_u", "cortex-m4") == 800


# Models that it can't run


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


# The real interpreter


def test_every_output_is_known_and_read(tmp_path: Path) -> None:
    b = Builder()
    x = b.tensor((1, 6), "int8", 1 / 128, name="x")
    parts = [b.tensor((1, 3), "int8", 1 / 128), b.tensor((1, 3), "int8", 1 / 128)]
    b.operator("SPLIT", [b.tensor((), "int32", data=1), x], parts, {"NumSplits": 2}, "SplitOptions")
    path = tmp_path / "two.tflite"
    path.write_bytes(b.finish([x], parts))
    engine = TflmEngine(str(path), 20_000)
    assert [spec["shape"] for spec in engine.outputs] == [[1, 3], [1, 3]]
    engine.set_input(0, bytes(range(6)))
    engine.run()
    assert [engine.output(i) for i in range(2)] == [bytes([0, 1, 2]), bytes([3, 4, 5])]


@pytest.mark.parametrize("preset", PRESETS)
def test_outputs_equal_litert_s_reference_kernels(preset: str) -> None:
    path = tflite_of(preset)
    reference, engine = Reference(path), TflmEngine(str(path), arena.measure(path, checks.read(path)).host_bytes)
    rng = np.random.default_rng(0)
    distinct = set()
    for _ in range(40):
        coarse = rng.integers(-128, 128, (1, 16, 16, 3))
        picture = coarse.repeat(8, 1).repeat(8, 2).astype(np.int8)
        engine.set_input(0, picture.tobytes())
        engine.run()
        theirs = reference.run(picture)[0].tobytes()
        assert engine.output(0) == theirs
        distinct.add(theirs)
    assert len(distinct) > 20
