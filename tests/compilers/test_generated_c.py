"""The generated C in other people's projects: names, headers, format, two networks in one program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compilers.aot import compile_model
from compilers.compiled import c_identifier, macro_prefix
from compilers.image.firmware import FIRMWARE_DIR
from device_tests import tiny_model
from tests.compilers import host_build
from tests.compilers.equality import pictures
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference
from tests.measure.test_trace import network

NETWORKS = ("v1_025", "v2_035", "v3sm_075")
TWO_NETWORKS = """
#include <stdio.h>

#include "first/v1_025.h"
#include "second/v2_035_new.h"

static _Alignas(16) int8_t first[V1_025_ARENA_BYTES];
static _Alignas(16) int8_t second[V2_035_NEW_ARENA_BYTES];

int main(void) {
  while (fread(first + V1_025_INPUT_0_OFFSET, V1_025_INPUT_0_BYTES, 1, stdin) == 1 &&
         fread(second + V2_035_NEW_INPUT_0_OFFSET, V2_035_NEW_INPUT_0_BYTES, 1, stdin) == 1) {
    v1_025_run(first);
    v2_035_new_run(second);
    fwrite(first + V1_025_OUTPUT_0_OFFSET, V1_025_OUTPUT_0_BYTES, 1, stdout);
    fwrite(second + V2_035_NEW_OUTPUT_0_OFFSET, V2_035_NEW_OUTPUT_0_BYTES, 1, stdout);
  }
  return 0;
}
"""


@pytest.mark.slow
def test_two_networks_link_into_one_program(tmp_path: Path) -> None:
    models = tflite_of("v1_025"), tflite_of("v2_035")
    compile_model(models[0], tmp_path / "first", name="v1_025")
    compile_model(models[1], tmp_path / "second", name="v2_035-new", optimize="speed")
    (tmp_path / "main.c").write_text(TWO_NETWORKS)
    sources = [*host_build.generated_sources(tmp_path / "first", "v1_025")]
    sources += [*host_build.generated_sources(tmp_path / "second", "v2_035_new"), tmp_path / "main.c"]
    objects = host_build.kernel_objects(*host_build.OPTIONS)
    host_build.gcc(
        *host_build.WARNINGS, "-O2", f"-I{host_build.KERNELS}", *sources, *objects, "-o", tmp_path / "program"
    )
    inputs = [picture for picture, _ in pictures(6, (1, 128, 128, 3))]
    done = subprocess.run([tmp_path / "program"], input=b"".join(p.tobytes() for p in inputs), capture_output=True)
    expected = [Reference(models[i % 2]).run(picture)[0].tobytes() for i, picture in enumerate(inputs)]
    assert done.returncode == 0
    assert done.stdout == b"".join(expected)
    assert len(set(expected)) == len(expected)


@pytest.mark.parametrize("stream_input", [False, True])
def test_all_that_other_files_see_begins_with_the_name(stream_input: bool, tmp_path: Path) -> None:
    compile_model(tflite_of("v1_025"), tmp_path, stream_input=stream_input, name="My net.v2")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"My_net_v2.c", "My_net_v2.h", "My_net_v2_weights.c", "My_net_v2_weights.h", "engine_model.h"}
    for source in host_build.generated_sources(tmp_path, "My_net_v2"):
        host_build.gcc(*host_build.WARNINGS, "-c", f"-I{host_build.KERNELS}", source, "-o", tmp_path / "x.o")
        listed = subprocess.run(["nm", "--defined-only", "-g", tmp_path / "x.o"], capture_output=True, text=True).stdout
        symbols = [line.split()[-1] for line in listed.splitlines()]
        assert symbols
        assert all(symbol.startswith("My_net_v2_") for symbol in symbols)
    macros = re.findall(r"^#define (\w+)", (tmp_path / "My_net_v2.h").read_text(), re.M)
    assert all(macro.startswith("My_net_v2_") for macro in macros)


@pytest.mark.parametrize("name", ["3net", "", "_x", "été", "engine", "string"])
def test_a_name_that_is_not_an_identifier_becomes_one(name: str, tmp_path: Path) -> None:
    compile_model(tflite_of("v1_025"), tmp_path, name=name)
    (source,) = (path for path in tmp_path.glob("*.c") if not path.name.endswith("_weights.c"))
    assert re.fullmatch(r"model_\w*", source.stem, re.ASCII)
    host_build.gcc(*host_build.WARNINGS, "-c", f"-I{host_build.KERNELS}", source, "-o", tmp_path / "x.o")


def test_the_headers_are_cpp(tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed")
    compile_model(tflite_of("v1_025"), tmp_path, stream_input=True, name="net")
    text = '#include "net.h"\n#include "net_weights.h"\nint8_t arena[NET_ARENA_BYTES];\n'
    text += "int main() { net_stream_begin(arena); net_run(arena); return net_step02_conv_2d_weights[0] == 0; }\n"
    (tmp_path / "main.cc").write_text(text)
    done = subprocess.run(
        ["g++", "-std=c++11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c", "main.cc", "-o", "main.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for source in host_build.generated_sources(tmp_path, "net"):
        host_build.gcc("-c", f"-I{host_build.KERNELS}", source, "-o", source.with_suffix(".o"))
    objects = ["main.o", "net.o", "net_weights.o", *host_build.kernel_objects(*host_build.OPTIONS)]
    linked = subprocess.run(["g++", *map(str, objects), "-o", "program"], cwd=tmp_path, capture_output=True, text=True)
    assert linked.returncode == 0, linked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("stream_input", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_format_is_the_projects_own(network: str, stream_input: bool, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("clang-format")
    if not program.exists():
        pytest.skip("clang-format is not installed")
    for kernels in ("portable", "dsp", "mve"):
        folder = tmp_path / kernels
        compile_model(
            tflite_of(network), folder, kernels, stream_input=stream_input, name=network, profile=kernels == "dsp"
        )
        shutil.copy(host_build.ROOT / ".clang-format", folder)
        # Megabytes of weights have one form in all networks; one network's show it.
        has_weights = network == NETWORKS[0] and not stream_input
        files = [str(f) for f in sorted(folder.glob("*.[ch]")) if has_weights or not f.match("*_weights.c")]
        done = subprocess.run([program, "--dry-run", "--Werror", *files], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.parametrize("stream_input", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_offsets_have_names_and_no_function_nests_deeply(network: str, stream_input: bool, tmp_path: Path) -> None:
    compile_model(tflite_of(network), tmp_path, "dsp", stream_input=stream_input)
    text = (tmp_path / "model.c").read_text()
    assert not re.search(r"arena \+ \(?\d", text)
    depths = [len(indent) // 2 for indent in re.findall(r"^( *)(?:for|if|return|alpharho_|step)", text, re.M)]
    assert max(depths) <= 5


def test_counted_c_gives_the_same_outputs(tmp_path: Path) -> None:
    """With `profile`, hooks are around each call and the counts are reported after each run."""
    model = tflite_of("v2_035")
    plan = compile_model(model, tmp_path, name="net", profile=True)
    (tmp_path / "profile.h").write_text(
        "#include <stdio.h>\nstatic int calls[PROFILE_STEPS];\n#define profile_begin() (void)0\n"
        "#define profile_end(step) calls[step]++\n"
        "static void profile_report(void) {\n"
        '  for (unsigned i = 0; i < PROFILE_STEPS; i++) fprintf(stderr, "%d ", calls[i]);\n}\n'
    )
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "net.h"\nstatic _Alignas(16) int8_t arena[NET_ARENA_BYTES];\n'
        "int main(void) {\n  if (fread(arena + NET_INPUT_0_OFFSET, NET_INPUT_0_BYTES, 1, stdin) != 1) return 1;\n"
        "  net_run(arena);\n  fwrite(arena + NET_OUTPUT_0_OFFSET, NET_OUTPUT_0_BYTES, 1, stdout);\n  return 0;\n}\n"
    )
    sources = [*host_build.generated_sources(tmp_path, "net"), tmp_path / "main.c"]
    objects = host_build.kernel_objects(*host_build.OPTIONS)
    host_build.gcc("-O2", f"-I{host_build.KERNELS}", *sources, *objects, "-o", tmp_path / "program")
    ((picture, _),) = pictures(1, plan.inputs[0].shape)
    done = subprocess.run([tmp_path / "program"], input=picture.tobytes(), capture_output=True)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.int8), Reference(model).run(picture)[0].reshape(-1))
    calls = list(map(int, done.stderr.split()))
    assert len(calls) == len(plan.operators)
    # Operators in blocks are called once a row, and no operator but one that moves nothing is left out.
    moving = [(i, o) for i, o in enumerate(plan.operators) if o.name != "RESHAPE"]
    assert all(calls[i] >= (o.shape[1] if o.block is not None else 1) for i, o in moving)


@pytest.mark.parametrize("stream_input", [False, True])
def test_operators_are_counted_at_their_places_where_some_are_part_of_others(
    tmp_path: Path, stream_input: bool
) -> None:
    """A PAD before a convolution is part of it: there are fewer counts than operators in the file."""
    model = network(tmp_path / "pad.tflite")
    plan = compile_model(model, tmp_path, stream_input=stream_input, name="net", profile=True)
    assert [operator.index for operator in plan.operators] == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    places = re.findall(r"profile_end\((\d+)\);", (tmp_path / "net.c").read_text())
    assert sorted(set(map(int, places))) == list(range(len(plan.operators)))


def test_copying_a_streamed_input_is_counted_as_the_first_step(tmp_path: Path) -> None:
    """An input of 16 rows comes whole, then in two parts, the first of which ends in mid-row: one copy more."""
    model = tiny_model.convolution(tmp_path / "tiny.tflite")
    compile_model(model, tmp_path, stream_input=True, name="net", profile=True)
    (tmp_path / "profile.h").write_text(
        "#include <stdio.h>\nstatic int calls[PROFILE_STEPS], open;\n#define profile_begin() open++\n"
        "#define profile_end(step) calls[step]++, open--\n"
        'static void profile_report(void) { printf("%d %d %d ", calls[0], calls[1], open); }\n'
    )
    (tmp_path / "main.c").write_text(
        '#include "engine.h"\nint main(void) {\n  static const int8_t input[16 * 16 * 3];\n'
        "  alpharho_engine_info()->stream(input, sizeof input, true);\n  alpharho_engine_invoke();\n"
        "  alpharho_engine_info()->stream(input, 100, true);\n"
        "  alpharho_engine_info()->stream(input + 100, sizeof input - 100, false);\n"
        "  return alpharho_engine_invoke();\n}\n"
    )
    engines = FIRMWARE_DIR / "engines"
    sources = [*host_build.generated_sources(tmp_path, "net"), tmp_path / "main.c", engines / "aot" / "engine.c"]
    includes = [f"-I{folder}" for folder in (host_build.KERNELS, engines, tmp_path)]
    host_build.gcc(
        "-O1", *includes, *sources, *host_build.kernel_objects(*host_build.OPTIONS), "-o", tmp_path / "program"
    )
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True)
    whole, second, open_then, both, both_second, still_open = map(int, done.stdout.split())
    assert whole > 16
    assert both == 2 * whole + 1
    assert both_second == 2 * second
    assert open_then == still_open == 0


@pytest.mark.parametrize("names", [("net", "Net", "NET"), ("a_1", "A_1"), ("model_net", "model_Net")])
def test_names_that_differ_only_in_case_share_no_macro_and_no_symbol(names: tuple[str, ...]) -> None:
    identifiers = [c_identifier(name) for name in names]
    prefixes = [macro_prefix(identifier) for identifier in identifiers]
    assert len({*identifiers, *prefixes}) >= len({*prefixes}) == len({*identifiers}) == len(names)
    assert prefixes[0] == names[0].upper()


@pytest.mark.parametrize("name", ["dsp", "Portable", "mve", "engine", "string", "8bit", "int8 net"])
def test_no_network_has_the_name_of_a_header_or_an_identifier_that_c_refuses(name: str) -> None:
    identifier = c_identifier(name)
    assert re.fullmatch(r"[A-Za-z]\w*", identifier)
    headers = {path.stem for path in host_build.FIRMWARE.rglob("*.h")}
    assert identifier not in headers | {"string"}
