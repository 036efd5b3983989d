"""The compiler's promises: the same bytes, a plan that tells the truth, errors of one line."""

from __future__ import annotations

import ctypes
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compilers.aot import Plan, compile_model
from errors import CompileError
from fields import Source
from fields.dataclass_json import from_json, to_json
from graph.builder import Builder
from tests.compilers import host_build
from tests.kernels import core_runner

ENGINES = host_build.FIRMWARE / "engines"


def small_network(name: str = "serving_default_input:0", depth: int = 3) -> bytes:
    """Return a convolution, an addition of its output to itself and a softmax."""
    b = Builder()
    rng = np.random.default_rng(1)
    x = b.tensor((1, 6, 5, depth), scale=1 / 128, zero_point=-1, name=name)
    kernel = b.tensor((4, 3, 3, depth), scale=[0.01, 0.02, 0.03, 0.04], data=rng.integers(-127, 128, (4, 3, 3, depth)))
    bias = b.tensor((4,), "int32", scale=[1e-4] * 4, data=[1, -2, 3, -4])
    y = b.tensor((1, 3, 3, 4), scale=0.1, zero_point=-128, name="conv/Relu6;conv/BiasAdd")
    options = {"StrideH": 2, "StrideW": 2, "FusedActivationFunction": 3}
    b.operator("CONV_2D", [x, kernel, bias], [y], options, "Conv2DOptions")
    total = b.tensor((1, 3, 3, 4), scale=0.2, zero_point=-128)
    b.operator("ADD", [y, y], [total], {}, "AddOptions")
    out = b.tensor((1, 3, 3, 4), scale=1 / 256, zero_point=-128, name="output")
    b.operator("SOFTMAX", [total], [out], {"Beta": 1.0}, "SoftmaxOptions")
    return b.finish([x], [out])


def test_same_bytes_each_time_and_under_any_name(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(small_network())
        compile_model(path, tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        assert [f.name for f in files] == [
            "engine_model.h", "model.c", "model.h", "model_weights.c", "model_weights.h"
        ]  # fmt: skip
        texts.append([f.read_bytes() for f in files])
    assert texts[0] == texts[1]


def test_plan_is_json_and_adds_up(tmp_path: Path) -> None:
    plan = host_build.compile_to(small_network(), tmp_path)
    facts = json.loads(json.dumps(to_json(plan)))
    assert from_json(Plan, facts, Source("plan")) == plan
    assert facts["inputs"][0]["name"] == "serving_default_input:0"
    assert facts["inputs"][0]["shape"] == [1, 6, 5, 3]
    assert facts["inputs"][0]["scale"] == 1 / 128
    assert facts["outputs"][0]["zero_point"] == -128
    assert [o["name"] for o in facts["operators"]] == ["CONV_2D", "ADD", "SOFTMAX"]
    assert facts["macs"] == 3 * 3 * 4 * 27
    assert plan.weights_bytes == 4 * 27 + 4 * 4 + 4 * 4 + 4 + 256 * 4
    assert max(o.live_bytes for o in plan.operators) <= plan.arena_bytes
    assert plan.operators[plan.peak_operator].live_bytes == max(o.live_bytes for o in plan.operators)
    assert plan.peak[0] in {t.name for t in plan.tensors}


def test_engine_tells_what_the_plan_says(tmp_path: Path) -> None:
    class Tensor(ctypes.Structure):
        _fields_ = [
            ("name", ctypes.c_char_p), ("dtype", ctypes.c_char_p), ("scale_text", ctypes.c_char_p),
            ("scale", ctypes.c_float), ("zero_point", ctypes.c_int32), ("shape", ctypes.POINTER(ctypes.c_int32)),
            ("rank", ctypes.c_uint32), ("bytes", ctypes.c_uint32),
        ]  # fmt: skip

    class Info(ctypes.Structure):
        _fields_ = [
            ("name", ctypes.c_char_p), ("version", ctypes.c_char_p), ("kernels", ctypes.c_char_p),
            ("model_sha256", ctypes.c_char_p), ("arena_bytes", ctypes.c_uint32), ("arena_used_bytes", ctypes.c_uint32),
            ("input_preserved", ctypes.c_bool),
            ("input_count", ctypes.c_uint32), ("output_count", ctypes.c_uint32),
            ("inputs", ctypes.POINTER(Tensor)), ("outputs", ctypes.POINTER(Tensor)),
        ]  # fmt: skip

    engine = host_build.HostEngine(small_network(), tmp_path)
    engine.library.alpharho_engine_info.restype = ctypes.POINTER(Info)
    info, plan = engine.library.alpharho_engine_info().contents, engine.plan
    assert (info.name, info.version, info.kernels) == (b"aot", plan.engine_version.encode(), b"portable")
    assert info.model_sha256.decode() == plan.model_sha256
    assert (info.arena_bytes, info.input_preserved) == (plan.arena_bytes, plan.input_preserved)
    for count, found, specs in (
        (info.input_count, info.inputs, plan.inputs), (info.output_count, info.outputs, plan.outputs)
    ):  # fmt: skip
        assert count == len(specs)
        for tensor, spec in zip(found[:count], specs, strict=True):
            assert (tensor.name.decode(), tensor.dtype) == (spec.name, b"int8")
            assert tuple(tensor.shape[: tensor.rank]) == spec.shape
            assert np.float32(tensor.scale_text) == tensor.scale == np.float32(spec.scale)
            assert (tensor.zero_point, tensor.bytes) == (spec.zero_point, spec.bytes)
    assert engine.library.alpharho_engine_input(1) is None
    assert engine.library.alpharho_engine_output(1) is None


def test_input_preserved_tells_the_truth(tmp_path: Path) -> None:
    for i, depth in enumerate((1, 3, 40)):
        engine = host_build.HostEngine(small_network(depth=depth), tmp_path / str(i))
        picture = np.arange(30 * depth).astype(np.int8)
        engine.run(picture)
        kept = ctypes.string_at(engine.library.alpharho_engine_input(0), 30 * depth) == picture.tobytes()
        assert kept or not engine.plan.input_preserved


@pytest.mark.parametrize("name", ['"; } evil(); //', "a\\", "*/ int x;", "né\n", "%s%n", "??/"])
def test_names_in_the_file_cannot_break_the_c(name: str, tmp_path: Path) -> None:
    host_build.HostEngine(small_network(name), tmp_path)


def test_builds_for_a_microcontroller_without_warnings(tmp_path: Path) -> None:
    if core_runner.missing():
        pytest.skip(f"install {core_runner.missing()}")
    host_build.compile_to(small_network(), tmp_path)
    sources = [*host_build.generated_sources(tmp_path), ENGINES / "aot" / "engine.c"]
    for cpu, kernels in (("cortex-m3", "portable"), ("cortex-m4", "dsp"), ("cortex-m55", "mve")):
        assert core_runner.kernel_objects(cpu, kernels)
        for source in sources:
            command = [*core_runner.compile_command(cpu), *(f"-I{d}" for d in (tmp_path, ENGINES)), "-c", str(source)]
            done = subprocess.run([*command, "-o", str(tmp_path / "x.o")], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


def test_kernels_use_no_floating_point_and_no_heap(tmp_path: Path) -> None:
    sources = host_build.kernel_sources("portable")
    text = "".join(s.read_text() for s in sources)
    assert "float" not in text
    assert not re.search(r"\bdouble\b", text)
    assert "malloc" not in text
    includes = {line for line in text.splitlines() if line.startswith("#include <")}
    assert includes <= {"#include <stddef.h>", "#include <stdint.h>", "#include <string.h>"}


def test_compiler_imports_no_tensorflow() -> None:
    code = "import sys, compilers.aot; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=host_build.ROOT).returncode == 0


def test_unknown_kernel_set_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(small_network())
    with pytest.raises(CompileError, match="portabel: unknown; did you mean portable"):
        compile_model(path, tmp_path, kernels="portabel")


def test_cmake_builds_the_libraries(tmp_path: Path) -> None:
    """Of the network whose header is there, whatever else is in the folder."""
    host_build.compile_to(small_network(), tmp_path)
    (tmp_path / "left_by_another.c").write_text("#error left by another network\n")
    project = tmp_path / "project with a space"
    project.mkdir()
    (project / "main.c").write_text(
        '#include "engine.h"\nint main(void) { return alpharho_engine_init() || alpharho_engine_invoke(); }\n'
    )
    (project / "CMakeLists.txt").write_text(
        f"""cmake_minimum_required(VERSION 3.20)
project(trial C)
add_subdirectory("{host_build.KERNELS}" kernels)
add_subdirectory("{host_build.FIRMWARE / "engines"}" engines)
add_executable(trial main.c)
target_link_libraries(trial engine)
"""
    )
    build = project / "build"
    try:
        configure = ["cmake", "-S", str(project), "-B", str(build), f"-DMODEL_DIR={tmp_path}"]
        assert subprocess.run(configure, capture_output=True).returncode == 0
    except FileNotFoundError:
        pytest.skip("cmake is not installed")
    done = subprocess.run(["cmake", "--build", str(build)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([str(build / "trial")]).returncode == 0
