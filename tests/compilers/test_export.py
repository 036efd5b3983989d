"""Exports: compiled with gcc against stand-ins of their frameworks, their known answers run, their protocol spoken."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from compilers.export import FRAMEWORKS, KERNEL_SETS
from compilers.export import sources as export_sources
from deploy.links.process import ProcessLink
from deploy.session import Session
from errors import CompileError, ConfigError
from graph.builder import Builder
from graph.oracle import Oracle, run_bytes
from tests.compilers.exports import (
    STANDIN_OF,
    WARNINGS,
    compile_objects,
    exported,
    includes,
    program,
    run,
    sources,
)
from tests.compilers.test_compile import small_network

NAME = "small_net"
WITH_CYCLES = ("arduino", "esp-idf", "pico-sdk", "platformio", "zephyr")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small net.tflite"
    path.write_bytes(small_network())
    return path


@dataclass(frozen=True)
class Built:
    """An export with the protocol, and its object files."""

    framework: str
    folder: Path
    objects: list[Path]


@pytest.fixture(scope="module", params=sorted(FRAMEWORKS))
def built(request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name) / NAME
    exported(model, folder, name, with_protocol=True)
    options = [*STANDIN_OF[name].options, *includes(name)]
    return Built(name, folder, compile_objects(folder, options))


def test_the_known_answers_are_those_of_litert(built: Built) -> None:
    answers = program(built.folder, built.framework, STANDIN_OF[built.framework].answers, built.objects)
    assert "0 of 5 known answers differ" in run(answers)


def test_the_protocol_speaks_with_the_host(built: Built, model: Path) -> None:
    standin = STANDIN_OF[built.framework]
    serve = program(built.folder, built.framework, standin.serve, built.objects)
    oracle = Oracle(model)
    size = int(np.prod(oracle.inputs[0].shape))
    picture = np.random.default_rng(3).integers(0, 256, size, np.uint8).tobytes()
    with Session(ProcessLink([str(serve)])) as session:
        assert session.info.board == standin.board
        assert session.info.kernels == "portable"
        first = session.infer(picture)
        assert first.output_bytes == run_bytes(oracle, [picture])[0]
        session.reset()
        second = session.infer(picture[::-1])
        assert second.output_bytes == run_bytes(oracle, [picture[::-1]])[0]
        assert session.stats().overruns == 0
        if built.framework in WITH_CYCLES:
            check_cycles(session, first.round_trip_s + second.round_trip_s)


def check_cycles(session: Session, waited_s: float) -> None:
    """The stand-ins' cycles follow their microseconds. They are read outside of these, within what the host waited."""
    info, stats = session.info, session.stats()
    assert info.second
    assert (stats.run_ticks or 0) > 0
    time_s = (stats.run_ticks or 0) / info.counter.rate_hz
    cycles_s = (stats.run_second_ticks or 0) / info.second.rate_hz
    assert time_s - 2e-6 * stats.inferences <= cycles_s <= waited_s


def test_each_file_of_the_code_is_built(built: Built) -> None:
    """What a project lists by name is what is there; the others take all of src/."""
    listed = {"cmake": "CMakeLists.txt", "pico-sdk": "CMakeLists.txt", "zephyr": "CMakeLists.txt",
              "esp-idf": "CMakeLists.txt", "cmsis-pack": f"Alpharho.{NAME}.pdsc"}.get(built.framework)  # fmt: skip
    if listed is None:
        return
    text = (built.folder / listed).read_text()
    named = set(re.findall(r"\bsrc/[\w./]+\.(?:c|S|cpp)\b", text))
    assert named == {path.relative_to(built.folder).as_posix() for path in sources(built.folder)}


def test_the_readme_has_some_ten_lines_and_names_the_sizes(built: Built) -> None:
    lines = (built.folder / "README.md").read_text().splitlines()
    assert len(lines) <= 11
    assert not [line for line in lines if "{" in line or "}" in line]
    assert "bytes of arena" in "".join(lines)


def test_assembly_whose_functions_are_made_by_a_macro_is_part_of_an_export() -> None:
    """A core's linker needs them; on this host C takes their place, so that no stand-in of an SDK would miss them."""
    for kernels in ("dsp", "m7"):
        pool = export_sources.firmware_files(kernels, with_protocol=False)
        assert f"kernels/{kernels}/row_pair.S" in export_sources.needed(pool, (f"kernels/{kernels}/depthwise.c",))
        for path, text in pool.items():
            named = re.findall(r"^\s*(?!END)[A-Z0-9_]+ +(alpharho_\w+)", text, re.MULTILINE)
            assert not path.endswith(".S") or set(named) == set(export_sources._defined(".S", text)), path


@pytest.mark.parametrize("kernels", KERNEL_SETS)
def test_a_changed_weight_is_noticed(kernels: str, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder, kernels=kernels)
    objects = compile_objects(folder)
    assert "0 of 5" in run(program(folder, "cmake", "examples/answers/main.c", objects))
    weights = folder / "src" / NAME / "network" / "weights.c"
    text = weights.read_text()
    last = re.search(r"(-?\d+),\n\};\n$", text)
    assert last is not None
    weights.write_text(text[: last.start(1)] + str(int(last[1]) ^ 1) + text[last.end(1) :])
    objects = compile_objects(folder)
    done = subprocess.run([program(folder, "cmake", "examples/answers/main.c", objects)], capture_output=True)
    assert done.returncode == 1
    assert b"0 of 5" not in done.stdout


def test_two_networks_link_into_one_program(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "model.tflite"
    other.write_bytes(small_network(depth=5))
    objects = []
    for path, name in ((model, NAME), (other, "model")):
        exported(path, tmp_path / name, with_protocol=True)
        objects += compile_objects(tmp_path / name)
    (tmp_path / "main.cpp").write_text(f"""
#include "{NAME}.h"
#include "{NAME}_protocol.h"
#include "model.h"
#include "model_protocol.h"
static SMALL_NET_ARENA(first);
static MODEL_ARENA(second);
int main() {{ return {NAME}_known_answers(first) + model_known_answers(second); }}
""")
    paths = [f"-I{tmp_path / name / 'src'}" for name in (NAME, "model")]
    run("g++", *WARNINGS, *paths, tmp_path / "main.cpp", *objects, "-o", tmp_path / "main")
    run(tmp_path / "main")


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_example_in_the_header_compiles(language: str, model: Path, tmp_path: Path) -> None:
    exported(model, tmp_path / "export")
    header = (tmp_path / "export" / "src" / f"{NAME}.h").read_text()
    example = "\n".join(line[7:] for line in re.findall(r"^//     .*$|^//$", header, re.MULTILINE))
    (tmp_path / "example").write_text(example)
    objects = compile_objects(tmp_path / "export")
    standard = {"c": "-std=c11", "c++": "-std=c++17"}[language]
    compiler = {"c": "gcc", "c++": "g++"}[language]
    run(compiler, *WARNINGS, standard, f"-I{tmp_path / 'export' / 'src'}", "-x", language, tmp_path / "example", "-x",
        "none", *objects, "-o", tmp_path / "program")  # fmt: skip
    assert subprocess.run([tmp_path / "program"]).returncode == 0
    assert len(example.strip().splitlines()) <= 12


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("framework", ["arduino", "cmsis-pack"])
def test_the_same_network_gives_the_same_bytes(framework: str, model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        exported(model, tmp_path / name, framework, with_protocol=True)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_earlier_export_is_replaced(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder, "arduino", with_protocol=True)
    exported(model, folder, "zephyr")
    assert not (folder / "library.properties").exists()
    assert (folder / "zephyr" / "module.yml").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_a_folder_of_somebody_else_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"not empty and not an earlier export \(notes.txt\)"):
        exported(model, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(ConfigError, match="expected a folder, this is a file"):
        exported(model, tmp_path / "notes.txt")


@pytest.mark.parametrize(("path", "how"), [("README.md", "was changed since"), ("build/a.o", "is not of the export")])
def test_files_that_would_be_lost_are_named(path: str, how: str, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder)
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text("mine")
    with pytest.raises(ConfigError, match=f"{path} {how}"):
        exported(model, folder)
    assert (folder / path).read_text() == "mine"


def test_an_export_that_fails_leaves_the_earlier_one(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "export"
    exported(model, folder)
    before = contents(folder)

    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fail)
        with pytest.raises(ConfigError, match="No space left on device"):
            exported(model, folder, "zephyr")
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_a_damaged_manifest_is_an_error(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    exported(model, folder)
    (folder / "alpharho-export.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"alpharho-export.json"):
        exported(model, folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"framework": "zefyr"}, "--for zefyr: unknown; did you mean zephyr"),
        ({"kernels": "neon"}, "--kernels neon: unknown"),
        ({"optimize": "sped"}, "--optimize sped: unknown; did you mean speed"),
    ],
)
def test_names_that_do_not_exist(settings: dict[str, str], message: str, model: Path, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=message):
        exported(model, tmp_path / "export", **settings)
    assert not (tmp_path / "export").exists()


def test_float_inputs_several_inputs_and_a_large_output(tmp_path: Path) -> None:
    """A large output is compared by its hash."""
    b = Builder()
    shape = (1, 48, 48, 4)
    real = b.tensor(shape, "float32", name="real")
    quantized = b.tensor(shape, scale=1 / 64)
    b.operator("QUANTIZE", [real], [quantized], {}, "QuantizeOptions")
    other = b.tensor(shape, scale=1 / 32, zero_point=3, name="other")
    total = b.tensor(shape, scale=1 / 16, zero_point=-5, name="total")
    b.operator("ADD", [quantized, other], [total], {}, "AddOptions")
    path = tmp_path / "two.tflite"
    path.write_bytes(b.finish([real, other], [total]))
    exported(path, tmp_path / "export")
    answers = tmp_path / "export" / "src" / "two" / "answers" / "known_answers.c"
    objects = compile_objects(tmp_path / "export")
    assert "0 of 5" in run(program(tmp_path / "export", "cmake", "examples/answers/main.c", objects))
    text = answers.read_text()
    assert "fill_floats(" in text
    expected = re.search(r"expected\[ANSWERS\] = \{(0x\w+)u", text)
    assert expected is not None
    answers.write_text(text.replace(expected[1], f"{int(expected[1], 16) ^ 1:#x}"))
    objects = compile_objects(tmp_path / "export")
    done = subprocess.run(
        [program(tmp_path / "export", "cmake", "examples/answers/main.c", objects)], capture_output=True
    )
    assert b"1 of 5 known answers differ" in done.stdout
