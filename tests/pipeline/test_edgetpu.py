"""`inv` for an Edge TPU as a user runs it, with and without the compiler, of which there is a stand-in here."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import console
from artifact import Artifact
from calibration.checks import QuantizedTensor
from calibration.convert import Int8Facts
from calibration.meaning import Meaning
from compilers.edgetpu import check_table
from compilers.edgetpu.check import Check, Row
from device_tests import tiny_model
from errors import ConfigError
from graph.reader import parse
from graph.writer import write
from models.build import PresetFacts
from pipeline import edgetpu as pipeline_edgetpu
from pipeline import preflight
from pipeline.request import Request
from tests.compilers import edgetpu_compiler_stand_in as stand_in
from tests.compilers import edgetpu_files
from tests.pipeline.small import call_inv, leftovers, one_line, options


def without_compiler(tmp_path: Path) -> str:
    """A PATH on which there is no edgetpu_compiler, wherever the tests run."""
    return os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p) / "edgetpu_compiler").exists()
    )


@pytest.mark.usefixtures("int8")
def test_without_the_compiler_there_is_the_table_and_then_the_way_to_get_it(
    home: Path, npz: Path, tmp_path: Path
) -> None:
    done = call_inv(home, "compile", "--target", "coral-usb", *options(npz), PATH=without_compiler(tmp_path))
    one_line(done, "edgetpu_compiler: not on the PATH", "--compile-on ssh://", "--compiled FILE")
    assert "29 of 29 operators should map to the Edge TPU" in done.stdout
    assert "DEPTHWISE_CONV_2D     13      1  Edge TPU" in done.stdout
    assert not (home / "build" / "edgetpu").exists() or leftovers(home / "build" / "edgetpu") == []


@pytest.mark.usefixtures("int8")
def test_compiled_by_the_stand_in_then_reused_and_taken_from_a_file(home: Path, npz: Path, tmp_path: Path) -> None:
    path = f"{stand_in.install(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    for ending in (" s", "reused"):
        done = call_inv(home, "compile", "--target", "coral-usb", *options(npz), PATH=path)
        assert done.returncode == 0, done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith("compile"))
        assert "edgetpu for coral-usb: 29 of 29 operators mapped" in line
        assert line.endswith(ending)
    compiled = Path(done.stdout.splitlines()[-1])
    assert compiled.name == "model_edgetpu.tflite"
    done = call_inv(home, "compile", "--target", "coral-dev-board", "--compiled", compiled, *options(npz))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).read_bytes() == compiled.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["compile", "--target", "host", "--with", "v2_035"],
            ["--with v2_035: host (litert) does not use it; it is for targets with an Edge TPU"],
        ),
        (["compile", "--target", "host", "--engine", "edgetpu"], ["--engine edgetpu: host can't run it"]),
        (["compile", "--target", "coral-usb", "--engine", "aot"], ["--engine aot: coral-usb can't run it"]),
        (["compile", "--target", "coral-usb", "--compiled", "x", "--with", "y"], ["--compiled x: nothing is compiled"]),
        (["compile", "--target", "coral-usb", "--compile-on", "board"], ["--compile-on board: expected ssh://"]),
        (["compile", "--target", "coral-usb", "--compiled", "none.tflite"], ["--compiled none.tflite: no such file"]),
        (["compile", "--target", "coral-usb", "--with", "none.tflite"], ["none.tflite: no such file"]),
    ],
)
@pytest.mark.usefixtures("int8")
def test_mistakes(home: Path, npz: Path, arguments: list[str], expected: list[str]) -> None:
    one_line(call_inv(home, *arguments, *options(npz)), *expected)


def custom(path: Path, name: str) -> Path:
    """Write a network whose one operator is another compiler's."""
    plain = tiny_model.dense(path.with_name("plain.tflite"))
    content = edgetpu_files.compiled(plain.read_bytes())
    if name != edgetpu_files.CUSTOM_OP:
        graph = parse(content, "source")
        content = write(replace(graph, operators=(replace(graph.operators[0], name=name),)))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("operator", "options", "expected"),
    [
        (
            "ethos-u",
            {"target": "qemu-m55"},
            "compiled by Vela for an Ethos-U: .* that NPU alone, which no target has; ",
        ),
        ("ethos-u", {"target": "coral-usb"}, "compiled by Vela .* give the int8 .tflite that it was compiled from"),
        ("edgetpu-custom-op", {"target": "host"}, "litert on host can't run its operator edgetpu-custom-op; give the"),
        ("edgetpu-custom-op", {"target": "qemu-m4"}, "aot on qemu-m4 can't run .* or use --target coral-usb"),
        ("edgetpu-custom-op", {"target": "coral-usb", "engine": "litert"}, "litert on coral-usb .* leave --engine out"),
        ("edgetpu-custom-op", {"target": "coral-usb", "with_": ("v2_035",)}, "already; leave --with out"),
        ("edgetpu-custom-op", {"target": "coral-usb", "compile_on": "ssh://x"}, "already; leave --compile-on out"),
    ],
)
def test_files_that_were_compiled_for_another_chip(
    operator: str, options: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    path = custom(tmp_path / "net.tflite", operator)
    with pytest.raises(ConfigError, match=expected) as caught:
        preflight.check(Request(str(path), **options), preflight.Goal.COMPILED, needs_data=False)
    assert "\n" not in str(caught.value)


def test_a_file_for_the_edge_tpu_needs_no_compiler(tmp_path: Path, home: Path) -> None:
    path = custom(tmp_path / "net_edgetpu.tflite", "edgetpu-custom-op")
    done = call_inv(home, "compile", "--target", "coral-usb", "--model", path, PATH=without_compiler(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "compiled already, 1 of its 1 operators for the Edge TPU" in done.stdout
    assert Path(done.stdout.splitlines()[-1]).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("preset", "twin"),
    [
        (PresetFacts("v3s_075", "v3s", 0.75, 128, 1), "v3sm_075"),
        (PresetFacts("v3l_100_224", "v3l", 1.0, 224, 1), "v3lm_100_224"),
        (PresetFacts("v3sm_100", "v3sm", 1.0, 128, 1), ""),
        (PresetFacts("v2_035", "v2", 0.35, 128, 1), ""),
        (None, ""),
    ],
)
def test_the_minimalistic_twin(preset: PresetFacts | None, twin: str) -> None:
    end = QuantizedTensor("x", (1, 2), "int8", 0.1, 0)
    facts = Int8Facts((1, 8, 8, 3), 2, (), (-1.0, 1.0), end, (end,), Meaning("classes", 2), 1, {}, preset=preset)
    model = Artifact(Path("x"), "int8", "x", "0" * 64, facts)
    assert pipeline_edgetpu.minimalistic_twin(model) == twin


@pytest.mark.parametrize(
    ("swish", "excite", "twin", "expected"),
    [
        (True, True, "v3sm_075", "h-swish and squeeze-and-excite, .* its minimalistic twin v3sm_075 has neither"),
        (False, True, "", "has squeeze-and-excite, .* minimalistic V3 networks have neither"),
        (False, False, "", None),
    ],
)
def test_the_warning_about_v3(
    capsys: pytest.CaptureFixture[str], swish: bool, excite: bool, twin: str, expected: str | None
) -> None:
    import re

    rows = (Row(0, "CONV_2D", True), Row(1, "HARD_SWISH", False, "[not] listed"))
    check = Check(rows, rows[1], 9_000_000, swish, excite, "refused")
    console.table("", *check_table.table(check), red=(check_table.CPU,))
    for text in check_table.notes(check, twin):
        console.note(text)
    output = " ".join(capsys.readouterr().out.split())
    assert "[not] listed" in output
    assert "9,000,000 bytes of parameters are over what the chip holds" in output
    assert "refused" in output
    assert ("h-swish" in output or "squeeze" in output) == (expected is not None)
    assert expected is None or re.search(expected, output)
