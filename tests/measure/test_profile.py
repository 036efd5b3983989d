"""`inv profile`: counts of layers, their sum, the table at each width, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import target as targets
import tasks  # noqa: F401  # makes the commands
from compilers.aot import OperatorSpec
from deploy.info import Counter
from errors import ConfigError, DeviceError
from fields.dataclass_json import to_json
from measure import layers, modeled, profile_layout
from measure import profile as profiles
from measure.layers import OnLog, Open
from measure.modeled import CoreCycles, KernelCycles, LayerCycles
from measure.profile import Profile
from pipeline.command_line import main
from tests.measure.test_trace import network
from tests.schemas import checked, validator

OPERATORS = (
    OperatorSpec(0, "CONV_2D", "a/very/long/name/that/no/terminal/of/eighty/columns/has/room/for", (1, 64, 64, 16),
                 7_077_888, 0, 0, 0, False),
    OperatorSpec(3, "AVERAGE_POOL_2D", "pool", (1, 1, 1, 1280), 0, 0, 0, 0, False, 0),
)  # fmt: skip


def device(runs: Sequence[tuple[int, ...]], unit: str = "instructions") -> Open:
    """Return a device whose profile.h counts so many ticks of 256 empty calls, and in each layer; 40 ns a tick."""

    @contextmanager
    def opened(on_log: OnLog) -> Iterator[Any]:
        left = iter(runs)

        def infer(data: bytes) -> SimpleNamespace:
            whole, empty, *ticks = next(left)
            for i, count in enumerate(ticks):
                on_log(f"layer {i} {count} 10")
            on_log(f"layer {len(ticks)} {empty} 256")
            return SimpleNamespace(ticks=whole, output_bytes=b"\0")

        yield SimpleNamespace(
            infer=infer,
            stats=lambda: None,
            link=SimpleNamespace(name="board"),
            info=SimpleNamespace(board="qemu-m4", engine="aot", engine_version="7", kernels="dsp",
                                 input_preserved=False, counter=Counter("SysTick", 25_000_000, unit)),
        )  # fmt: skip

    return opened


def profile_of(whole: int = 1_000, ticks: tuple[int, ...] = (900, 120), where: str = "emulated") -> Profile:
    counted = device([(0, 256, *ticks)] * 100)
    return profiles.measure(device([(whole, 0)] * 100), counted, OPERATORS, b"", where, profiles.REPEATS[where])


def test_what_counting_takes_is_taken_off_and_the_rest_is_in_the_unit_of_the_device() -> None:
    made = profile_of()
    assert [layer.amount for layer in made.layers] == [40 * 890, 40 * 110]
    assert [layer.share for layer in made.layers] == [0.89, 0.11]
    assert made.layers[0].per_mac == round(40 * 890 / 7_077_888, 4)
    assert made.layers[1].per_mac is None
    assert (made.whole, made.sum, made.unit) == (40_000, 40_000, "instructions")
    assert made.is_consistent


def test_times_are_those_that_other_programs_disturb_least() -> None:
    """Another program takes time from one layer in one run, and from another in the next."""
    runs = [(0, 256, 900, 120), (0, 256, 90_000, 120), (0, 256, 900, 8_000)] * 40
    slowed = [(1_000, 0), (5_000, 0), (4_000, 0)] * 40
    repeats = profiles.Repeats(4, 1, 20, 4)
    made = profiles.measure(device(slowed, "ticks"), device(runs, "ticks"), OPERATORS, b"", "host", repeats)
    assert (made.unit, made.sum, made.runs) == ("us", 40.0, 80)
    assert made.layers[0].per_mac == pytest.approx(made.layers[0].amount / 7_077_888, abs=1e-9), "not rounded to 0"
    fast = replace(made.layers[0], per_mac=6.78e-06)  # of a PC: 6.78 ps
    table = profile_layout.table(replace(made, layers=(fast,)), 100)
    assert dict(zip(table.columns, table.rows[0], strict=True))["ns per MAC", "right"] == "0.00678"
    assert made.is_consistent


def test_the_two_programs_start_in_turn_and_the_layers_are_of_the_same_runs() -> None:
    """In one run layers 0 and 1 are quick, each in another run of a greater sum: these do not count."""
    opened: list[str] = []
    runs = [(0, 256, 900, 120), (0, 256, 500, 700), (0, 256, 1_100, 10)]

    def named(name: str, made: Open) -> Open:
        def open_device(on_log: OnLog) -> Any:
            opened.append(name)
            return made(on_log)

        return open_device

    ordinary = named("ordinary", device([(1_000, 0)] * 3, "ticks"))
    made = profiles.measure(
        ordinary, named("profiled", device(runs, "ticks")), OPERATORS, b"", "host", profiles.Repeats(2, 0, 3, 2)
    )
    assert opened == ["ordinary", "profiled"] * 2
    assert [layer.amount for layer in made.layers] == [35.6, 4.4]


@pytest.mark.parametrize(
    ("wholes", "ticks", "rounds"),
    [
        ([1_000, 1_003], [900, 902], 4),
        ([1_000, 1_010], [900, 900], 12),
        ([1_000, 1_000], [900, 909], 12),
        ([2_000, 2_000], [900, 900], 4),
    ],
)
def test_it_is_run_again_until_odd_and_even_rounds_say_the_same(
    wholes: list[int], ticks: list[int], rounds: int
) -> None:
    """Whether the layers add up to the whole does not decide."""
    opened = [0, 0]

    def alternating(kind: int, made: Callable[[int], Open]) -> Open:
        def open_device(on_log: OnLog) -> Any:
            opened[kind] += 1
            return made(opened[kind] % 2)(on_log)

        return open_device

    made = profiles.measure(
        alternating(0, lambda odd: device([(wholes[odd], 0)] * 5, "ticks")),
        alternating(1, lambda odd: device([(0, 256, ticks[odd], 120)] * 5, "ticks")),
        OPERATORS, b"", "host", profiles.Repeats(4, 0, 5, 12),
    )  # fmt: skip
    assert opened == [rounds, rounds]
    assert made.runs == 5 * rounds


def test_empty_calls_that_were_interrupted_do_not_count() -> None:
    """One run in three measures a hundred ticks for each of its empty calls."""
    runs = [(0, 256, 900, 120), (0, 25_600, 900, 120), (0, 256, 900, 120)] * 40
    ordinary, repeats = device([(1_000, 0)] * 100, "ticks"), profiles.Repeats(4, 0, 30, 4)
    made = profiles.measure(ordinary, device(runs, "ticks"), OPERATORS, b"", "host", repeats)
    assert [layer.amount for layer in made.layers] == [35.6, 4.4]
    assert made.counting == 0.84, "21 ticks of 40 ns"


def test_layers_that_do_not_add_up_are_said() -> None:
    assert "(100.00 %)" in profile_layout.summary(profile_of())
    assert "over 1 % apart" not in profile_layout.summary(profile_of(whole=1_009))
    assert "the rest takes in the input's rows" in profile_layout.summary(profile_of(whole=1_020))
    apart = replace(profile_of(whole=1_020), unit="us", counting=0.0)
    assert "over 1 % apart: other programs" in profile_layout.summary(apart)
    tiny = replace(apart, counting=900.0)
    assert "over 1 % apart, by less than reading the counter takes (9e+02 us)" in profile_layout.summary(tiny)


LAYER_LINES = "layer 0 5 5\nlayer 1 5 5\nlayer 2 5 256"


@pytest.mark.parametrize(
    "text",
    [
        "", "layer 0 5 5", "layer 0 5 5\nlayer 1 5 5\nlayer 2 5 0", LAYER_LINES.replace("layer 1", "layer 2"),
        f"{LAYER_LINES}\n{LAYER_LINES}", f"{LAYER_LINES}\nlayer 0 5 5",
    ],
)  # fmt: skip
def test_a_device_that_does_not_report_its_layers_is_one_line(text: str) -> None:
    @contextmanager
    def opened(on_log: OnLog) -> Iterator[Any]:
        yield SimpleNamespace(
            infer=lambda data: on_log(text), stats=lambda: None, link=SimpleNamespace(name="board"),
            info=SimpleNamespace(counter=Counter("c", 1, "ticks")),
        )  # fmt: skip

    with pytest.raises(DeviceError, match=r"board: expected the ticks of 2 layers in 1 runs, got \d lines"):
        layers.count(opened, 2, b"")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits(width: int) -> None:
    table = profile_layout.table(profile_of(), width)
    rows = [[heading for heading, _ in table.columns], *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    assert sum(widths) + len(widths) - 1 <= width
    assert ("tensor" in rows[0], "MACs" in rows[0]) == (width == 160, width >= 100)
    assert rows[1][-2 if width >= 100 else -1] == "89.0 %"


def test_json_is_of_its_schema() -> None:
    form = checked("profile", json.dumps(to_json(profile_of())))
    schema: Any = validator("profile").schema
    assert set(form) == {*schema["required"], "counting"}
    assert set(schema["properties"]) - set(form) == {"modeled", "ordinary", "mismatch"}
    layer = schema["properties"]["layers"]["items"]["properties"]
    assert set(form["layers"][1]) <= set(layer) == set(profiles.LayerProfile.__dataclass_fields__)


def test_a_device_that_is_another_board_is_named() -> None:
    made = replace(profile_of(where="hardware"), mismatch=("chip: expected rp2040, received rp2350",))
    checked("profile", json.dumps(to_json(made)))
    said = "on hardware, which is another board (chip: expected rp2040, received rp2350)"
    assert said in profile_layout.summary(made)


CYCLES = CoreCycles(
    "cortex-m4", 1, ("caches",), 5, 30_000, 50_000,
    (LayerCycles(0, "CONV_2D", "a", (1, 64, 64, 16), 7_077_888, 25_000, 40_000),
     LayerCycles(3, "AVERAGE_POOL_2D", "pool", (1, 1, 1, 1280), 0, 5_000, 10_000)),
    (KernelCycles("multiply", 25_000, 39_000), KernelCycles("small", 1, 49)),
)  # fmt: skip


def test_modeled_cycles_are_beside_what_was_counted() -> None:
    made = replace(profile_of(), modeled=(CYCLES,))
    checked("profile", json.dumps(to_json(made)))
    table = profile_layout.table(made, 100)
    assert table.columns[-1] == ("modeled cycles", "right")
    assert [row[-1] for row in table.rows] == ["40,000", "10,000"]
    assert profile_layout.kernels(CYCLES).rows == (("multiply", "25,000", "39,000", "78.0 %"),)
    assert (
        modeled.summary([CYCLES])
        == "modeled cycles: 50,000 on cortex-m4 (rules 1, 5 flash wait states; without caches)"
    )


def test_a_profile_of_the_model_alone_is_of_the_same_schema() -> None:
    made = profiles.of_model([CYCLES], "small", "board", "aot", "dsp")
    checked("profile", json.dumps(to_json(made)))
    assert (made.unit, made.whole, made.sum) == ("modeled cycles", 50_000, 50_000)
    assert [layer.share for layer in made.layers] == [0.8, 0.2]
    assert profile_layout.summary(made) == "all layers 50,000, a whole inference 50,000 modeled cycles (100.00 %)"
    assert "modeled cycles" in [name for name, _ in profile_layout.table(made, 80).columns]


def test_a_board_is_modeled_with_the_image_of_the_emulated_one_of_its_core() -> None:
    board = targets.load("nucleo-f446re")
    twin = modeled.emulated_twin(board)
    assert (twin.name, twin.cycles) == ("qemu-m4", board.cycles)
    assert board.cycles is not None
    assert board.cycles.flash_wait_states == 5
    assert modeled.cores_of(board) == []
    assert modeled.cores_of(targets.load("qemu-m55")) == ["cortex-m55", "cortex-m85"]
    with pytest.raises(
        ConfigError, match="--target esp32-c3: its core has no cycle model; take one of qemu-m0, qemu-m3"
    ):
        modeled.emulated_twin(targets.load("esp32-c3"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--target", "rpi4", "--runtime", "tflite-runtime"],
            "its profiler can't be read by Python; take --runtime ai",
        ),
        (["--target", "rpi4", "--link", "tcp://pi:1"], "is started over SSH; expected ssh://"),
        (
            ["--target", "host", "--link", "ssh://pi@pi.local"],
            "--target host is this host; take the board",
        ),
        (["--target", "qemu-rpi4"], "its time is its emulator's"),
        (["--target", "host", "--kernels", "reference"], "LiteRT's profiler runs with xnnpack and builtin alone"),
        (["--target", "host", "--threads", "auto"], "give it, such as --threads 2"),
        (["--target", "host-tflm"], "tflm shows no counts of its layers to Python; our engine does"),
        (["--target", "coral-usb"], "edgetpu shows no counts"),
        (["--target", "qemu-rpi4", "--engine", "aot"], "its time is its emulator's"),
        (["--target", "zephyr:board"], "what your SDK builds is not counted"),
    ],
)
def test_what_can_not_be_profiled_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "--model", str(network(tmp_path / "small.tflite")), *words]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
