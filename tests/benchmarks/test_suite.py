"""The table of engines, networks and cores; layers; and the counts that must not grow."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import target as targets
from artifact import Artifact
from benchmarks import gate, goals, suite, suite_page, suite_run
from benchmarks.gate import Count
from benchmarks.suite import Cell
from calibration.convert import Int8Facts
from compilers.image import microcontroller
from deploy.device import device_for
from errors import ConfigError
from fields import Source
from fields.dataclass_json import from_json, to_json
from measure import layers
from models import presets
from pipeline.measuring import build_order
from tests.pipeline.small import at_home, call_inv, one_line
from tests.schemas import checked
from tests.shipped import home_of_tests

# Bytes of code and constants that an image may have, and the presets with more kinds of operators, which take more.
CODE_LIMIT = 24_576
LARGER = {"v3s_075"}
CELL = Cell("v1_025", "qemu-m4", "cortex-m4", "aot", "dsp", 1_000_000, {"arena": 5, "code": 2, "constants": 1}, 2, 2)


def test_a_preset_that_is_slower_by_over_a_thousandth_is_named() -> None:
    counts = {"cortex-m4": {"v1_025": Count(10, 1_000_000, 1)}}
    for cycles, said in ((999_000, ""), (1_000_999, ""), (1_001_100, "0.11 % over 1,000,000")):
        cell = replace(CELL, cycles=cycles, cycle_rules=1)
        found = gate.slower([cell], counts)
        assert said in found[0] if said else found == [], found
    assert "not in shipped_presets.json" in gate.slower([replace(CELL, network="v9")], counts)[0]
    assert "does not fit" in gate.slower([replace(CELL, problem="it does not fit")], counts)[0]
    assert "rules 2" in gate.slower([replace(CELL, cycles=5, cycle_rules=2)], counts)[0]


def test_where_there_are_no_rules_for_cycles_instructions_must_not_grow() -> None:
    counts = {"cortex-m4": {"v1_025": Count(990_000)}}
    assert gate.slower([CELL], counts) == [
        "v1_025 on cortex-m4: 1,000,000 instructions, 1.01 % over 990,000",
    ]


def test_counts_are_written_over_those_of_the_same_core_alone(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text(
        '{"cortex-m3": {"v1_025": {"instructions": 7}}, "cortex-m4": {"v2_035": {"instructions": 8, "cycles": 9}}}'
    )
    gate.write_counts([replace(CELL, cycles=6, cycle_rules=1), replace(CELL, engine="tflm", instructions=9)], path)
    assert gate.read_counts(path) == {
        "cortex-m3": {"v1_025": Count(7)},
        "cortex-m4": {"v2_035": Count(8, 9), "v1_025": Count(1_000_000, 6, 1)},
    }
    with pytest.raises(ConfigError, match="--presets --update"):
        gate.read_counts(tmp_path / "none.json")


def test_the_table_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    full = Cell("v2_035", "netduinoplus2", "cortex-m4", "tflm", problem="RAM is short by 1 byte")
    layered = Cell(**{**CELL.__dict__, "layers": (layers.LayerCount("0 CONV_2D", 10, 25),)})
    path = suite_page.write([layered, full], {"gcc": "12"}, "./inv bench-engines", tmp_path)
    text = path.read_text()
    assert "| v1_025 | cortex-m4 | aot, dsp | 1,000,000 |  |  | 5 | 0 |  | 3 | 0 | 2 of 2 |" in text
    assert "RAM is short by 1 byte" in text
    assert "| 0 CONV_2D | 10 | 25 | 2.50 |" in text
    made = json.loads((tmp_path / "engines.json").read_text())
    assert [cell["network"] for cell in made["cells"]] == ["v1_025", "v2_035"]
    assert "instructions" not in made["cells"][1]


def test_the_committed_results_are_read_back() -> None:
    form = checked("bench-engines", (suite.RESULTS_DIR / "engines.json").read_text())
    results = from_json(suite.Results, form, Source("engines.json"))
    assert {cell.target for cell in results.cells} >= {"qemu-m3", "qemu-m4", "qemu-m7", "qemu-m55"}
    assert to_json(results) == form
    page = (suite.RESULTS_DIR / "engines.md").read_text()
    assert suite_page.markdown(results.cells, results.tools, results.command) == page


def test_ratios_are_of_the_same_network_core_and_rules() -> None:
    ours = replace(CELL, cycles=500_000, cycle_rules=1)
    theirs = replace(CELL, engine="tflm", kernels="cmsis_nn", cycles=2_000_000, cycle_rules=1)
    text = suite_page.markdown([ours, theirs, replace(ours, core="cortex-m0plus")], {}, "")
    assert "| network | M4 |" in text
    assert "| v1_025 | 0.50 / 2.00 = **0.25** |" in text
    assert "| v1_025 | cortex-m4 | aot, dsp | 1,000,000 | 500,000 | 0.25 |" in text
    assert "| v1_025 | cortex-m4 | tflm, cmsis_nn | 1,000,000 | 2,000,000 |  |" in text
    assert suite_page.ratio(ours, replace(theirs, cycle_rules=2)) is None
    assert "0.50 (M85). None is above it.\n\n## All figures" in text
    slower = suite_page.markdown([replace(ours, cycles=1_000_000), theirs], {}, "")
    assert "0.50 (M85). Above it are:\n\n- v1_025 on M4 0.50.\n\n## All figures" in slower
    assert "## Visual wake words" not in text
    words = suite_page.markdown([replace(ours, network="mlperf_vww_96_int8")], {}, "")
    assert "| cortex-m4 | 0.50 M | 12.0 M | ST on an STM32L4R5 10.67 M," in words


@pytest.mark.emulated
def test_the_layers_add_up_to_the_network(int8: Artifact[Int8Facts], tmp_path: Path) -> None:
    board = targets.load("qemu-m4")
    import numpy as np

    picture = np.random.default_rng(0).integers(-128, 128, (32, 32, 3)).astype(np.int8)
    with at_home(tmp_path):
        image = microcontroller.compile_for(int8, board)
        found = layers.profile(int8, image, board, picture)
        with device_for(board, image).session() as session:
            total = session.infer(picture.tobytes()).ticks * 1e9 / session.info.counter.rate_hz
    assert len(found) == len(image.facts.plan.operators)
    assert sum(layer.instructions for layer in found) == pytest.approx(total, rel=0.02)
    assert all(layer.instructions > layer.macs // 4 for layer in found)


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("board", suite.CORES)
def test_shipped_presets_need_no_more_cycles_than_committed_and_little_code(board: str) -> None:
    """If this fails on purpose: `inv bench-engines --presets --update`."""
    with at_home(home_of_tests()):
        cells, _ = suite_run.run(
            suite_run.Plan(suite.NETWORKS, [board], pictures=1, cycles=True, is_plain=True), build_order
        )
    assert gate.slower([cell for cell in cells if cell.engine == "aot"], gate.read_counts()) == []
    assert all(cell.equal == cell.pictures == 1 for cell in cells)
    code = {cell.network: cell.memory["code"] + cell.memory["constants"] for cell in cells if cell.memory}
    assert {network for network, size in code.items() if size > CODE_LIMIT} <= LARGER
    assert set(code) == set(suite.NETWORKS)


def test_counts_are_of_all_shipped_presets_on_the_cores_of_the_table() -> None:
    counts = gate.read_counts()
    assert set(counts) >= {targets.load(name).cpu for name in suite.CORES} | {"cortex-m85"}
    checkpoints = Path(presets.__file__).parent / "checkpoints"
    shipped = {re.sub(r"\..*", "", path.name) for path in checkpoints.glob("*.npz")}
    assert all(set(names) >= shipped == set(suite.NETWORKS) for names in counts.values())


def test_each_ratio_above_its_goal_is_explained() -> None:
    results = from_json(suite.Results, json.loads((suite.RESULTS_DIR / "engines.json").read_text()), Source("engines"))
    above = {(cell.network, cell.core) for cell, _ in suite_page.above_goals(results.cells)}
    assert above == set(goals.REASONS)


# The command


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--update"], ["--update: belongs to --presets"]),
        (["--images", "0"], ["--images 0"]),
        (["--targets", "host-fw"], ["--targets host-fw", "emulated microcontrollers"]),
        (["--targets", "qemu-m44"], ["--targets qemu-m44: no such target; did you"]),
        (["--models", "none.tflite", "--targets", "qemu-m4"], ["none.tflite"]),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    one_line(call_inv(tmp_path, "bench-engines", *arguments), *expected)


@pytest.mark.slow
@pytest.mark.emulated
def test_a_run_writes_the_table(int8: Artifact[Int8Facts], tmp_path: Path) -> None:
    asked = ["--models", int8.path, "--targets", "qemu-m4", "--out", tmp_path / "out", "--layers"]
    done = call_inv(tmp_path, "bench-engines", *asked, "--json", TFLM_DIR="")
    assert done.returncode == 0, done.stderr
    assert checked("bench-engines", done.stdout) == json.loads((tmp_path / "out" / "engines.json").read_text())
    (cell,) = json.loads((tmp_path / "out" / "engines.json").read_text())["cells"]
    assert (cell["engine"], cell["kernels"], cell["equal"], cell["pictures"]) == ("aot", "dsp", 2, 2)
    assert cell["instructions"] == pytest.approx(sum(layer["instructions"] for layer in cell["layers"]), rel=0.02)
    text = (tmp_path / "out" / "engines.md").read_text()
    assert f"{cell['instructions']:,}" in text
    assert "--search-root" not in text
