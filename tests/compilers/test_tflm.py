"""The files for TFLite-Micro, tested with its real interpreter on this host."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from tflite_micro.python.tflite_micro.runtime import Interpreter

from artifact import Artifact, NoFacts
from compilers import tflm
from compilers.tflm import arena, checks, planner
from compilers.tflm.emit import Model, emit
from deploy.agent.engine import EngineError
from deploy.agent.tflm import TflmEngine
from graph.builder import Builder
from graph.reader import parse
from graph.tflm_recording import arena_parts, captured_stderr
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference
from tests.compilers.tflm_models import build_dir, small

__all__ = ["build_dir", "small"]  # fixtures


PRESETS = ("v1_025", "v2_035", "v3sm_075")


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
    model = b.finish([tensors[0]], [tensors[-1]])
    # In this process: a process for each graph takes most of its time to import.
    interpreter = Interpreter.from_bytes(model, arena_size=1 << 20)
    interpreter.set_input(np.zeros((1, 64), np.int8), 0)
    interpreter.invoke()
    recorded = arena_parts(captured_stderr(interpreter.print_allocations))
    assert planner.head_bytes(parse(model, "random")) == recorded["head"]


def test_a_device_gets_what_allocating_needs_for_a_while(small: Artifact[NoFacts]) -> None:
    measured = arena.measure(small.path, checks.read(small.path))
    assert measured.device_reference >= measured.host_bytes > measured.host_head + measured.host_tail


def test_each_library_gets_the_arena_of_its_kernels() -> None:
    figures = arena.Arena("1", 900, 500, 400, device_reference=600, device_dsp=700, device_mve=800)
    assert figures.bytes_for("reference", "cortex-m55") == 600
    assert figures.bytes_for("cmsis_nn", "cortex-m4") == figures.bytes_for("cmsis_nn", "cortex-m3") == 700
    assert figures.bytes_for("cmsis_nn", "cortex-m55") == figures.bytes_for("ethos_u", "cortex-m4") == 800


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
    """MobileNet V3 with random weights: with trained ones single outputs of TFLite-Micro differ by one."""
    path = tflite_of(preset, is_random=preset.startswith("v3"))
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
