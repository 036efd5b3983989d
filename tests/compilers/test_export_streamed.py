"""Exports that take their input row by row: their known answers, their protocol, and beside another network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from deploy.links.process import ProcessLink
from deploy.session import Session
from errors import CompileError
from graph.builder import Builder
from graph.oracle import Oracle, run_bytes
from tests.compilers.exports import STANDIN_OF, WARNINGS, compile_objects, exported, includes, program, run
from tests.compilers.test_compile import small_network

NAME = "rows"


def network() -> bytes:
    """Return two convolutions in a row, the first of which reads the input."""
    b, rng = Builder(), np.random.default_rng(2)
    x = b.tensor((1, 12, 10, 3), scale=1 / 64, zero_point=-3)
    y = b.tensor((1, 6, 5, 4), scale=0.1, zero_point=-128)
    z = b.tensor((1, 6, 5, 6), scale=0.1, zero_point=4)
    for source, out, shape, stride in ((x, y, (4, 3, 3, 3), 2), (y, z, (6, 1, 1, 4), 1)):
        kernel = b.tensor(shape, scale=[0.02] * shape[0], data=rng.integers(-127, 128, shape))
        bias = b.tensor((shape[0],), "int32", scale=[1e-3] * shape[0], data=rng.integers(-500, 500, shape[0]))
        options = {"StrideH": stride, "StrideW": stride, "FusedActivationFunction": 0}
        b.operator("CONV_2D", [source, kernel, bias], [out], options, "Conv2DOptions")
    return b.finish([x], [z])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / f"{NAME}.tflite"
    path.write_bytes(network())
    return path


@pytest.mark.parametrize(("framework", "kernels"), [("arduino", "dsp")])
def test_it_computes_what_litert_does_and_speaks_the_protocol(
    framework: str, kernels: str, model: Path, tmp_path: Path
) -> None:
    folder, standin = tmp_path / NAME, STANDIN_OF[framework]
    exported(model, folder, framework, kernels=kernels, stream_input=True, with_protocol=True)
    assert json.loads((folder / "alpharho-export.json").read_text())["stream_input"] is True
    objects = compile_objects(folder, [*standin.options, *includes(framework)])
    assert "0 of 5 known answers differ" in run(program(folder, framework, standin.answers, objects))
    serve = program(folder, framework, standin.serve, objects)
    oracle = Oracle(model)
    with Session(ProcessLink([str(serve)])) as session:
        assert session.info.input_streamed
        for seed in range(2):
            picture = np.random.default_rng(seed).integers(0, 256, 360, np.uint8).tobytes()
            session.write_input(picture)
            session.run(1)
            assert session.read_output() == run_bytes(oracle, [picture])[0]


def test_its_example_compiles_and_it_links_beside_another_network(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "whole.tflite"
    other.write_bytes(small_network())
    exported(other, tmp_path / "whole")
    rows = exported(model, tmp_path / NAME, stream_input=True)
    assert rows.arena_bytes < exported(model, tmp_path / "not streamed").arena_bytes
    header = (tmp_path / NAME / "src" / f"{NAME}.h").read_text()
    example = "\n".join(line[7:] for line in re.findall(r"^//     .*$|^//$", header, re.MULTILINE))
    assert "rows_stream_row(arena);" in example
    both = example.replace("int main(void) {", "static WHOLE_ARENA(second);\nint main(void) {\n"
                           "  if (whole_known_answers(second) != 0) return 2;")  # fmt: skip
    (tmp_path / "example.c").write_text(f'#include "whole.h"\n{both}')
    objects = [path for name in (NAME, "whole") for path in compile_objects(tmp_path / name)]
    paths = [f"-I{tmp_path / name / 'src'}" for name in (NAME, "whole")]
    run("gcc", *WARNINGS, *paths, tmp_path / "example.c", *objects, "-o", tmp_path / "program")
    run(tmp_path / "program")


def test_a_row_in_a_wrong_place_is_noticed(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    exported(model, folder, stream_input=True)
    answers = folder / "src" / NAME / "answers" / "known_answers.c"
    answers.write_text(answers.read_text().replace("i % hold == 0", "i % hold == hold - 1"))
    main = "examples/answers/main.c"
    path = program(folder, "cmake", main, compile_objects(folder))
    with pytest.raises(AssertionError):
        run(path)


def test_an_input_that_can_not_be_taken_by_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "whole.tflite"
    path.write_bytes(small_network())
    with pytest.raises(CompileError, match="its input can't be taken row by row"):
        exported(path, tmp_path / "export", stream_input=True)
    assert not (tmp_path / "export").exists()
