"""The verbs of a measurement, over a device that computes with LiteRT here and can be lost in mid-run."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import target
from artifact import Artifact, ImageFacts
from calibration import convert
from calibration.convert import Int8Facts
from datasets import Dataset
from deploy.agent.linux import board_facts
from deploy.board_state import BoardState
from deploy.identity import differences
from deploy.info import Counter, DeviceInfo, Stats
from deploy.session import Inference
from device_tests import tiny_model
from errors import ConfigError, DeviceError, LinkError
from graph.oracle import Oracle, run_bytes
from measure import bench, identity, layout, measurement, report, samples
from measure.setup import Settings, Setup, prepare_pictures
from target import Target

PICTURES = 12
SETTINGS = Settings(
    images=PICTURES, seed=0, threads=1, kernels="xnnpack", link=None, fresh=False, runtime="auto", accept_new=False,
    device=None,
)  # fmt: skip


@dataclass
class Device:
    """A device and its session. It is lost after `lives` inferences of pictures, or the user stops it."""

    model: Path
    lives: int = 10**9
    unit: str = "ticks"
    end: BaseException = field(default_factory=lambda: LinkError("gone"))
    inferences: int = 0
    runs: int = 0
    stack_used: int = 5
    opened: list[int] = field(default_factory=list)
    is_closed: bool = False
    is_lost: bool = False
    is_other: bool = False
    rate: float = 1.0
    comes_back_with: int = 0
    comes_back_as: dict[str, Any] = field(default_factory=dict)
    link: Any = field(default_factory=lambda: SimpleNamespace(name="device"))
    state: BoardState = field(default_factory=BoardState)

    def __post_init__(self) -> None:
        self._oracle = Oracle(self.model, "reference")
        counter = Counter("clock", 1_000_000_000, self.unit)
        self.info = DeviceInfo(
            1,
            "board",
            "engine",
            "7",
            "reference",
            "ab" * 32,
            "0123",
            (),
            (),
            {"arena": 9},
            counter,
            64,
            80,
            True,
            False,
        )

    @contextmanager
    def session(self, lost: object = None) -> Iterator[Device]:
        self.is_closed = False
        if lost is not None:
            self.lives, self.is_lost = self.inferences + self.comes_back_with, False
            self.info = replace(self.info, **self.comes_back_as)
        yield self
        self.is_closed = True

    def infer(self, data: bytes) -> Inference:
        if self.inferences >= self.lives:
            self.is_lost = True
            raise self.end
        self.inferences += 1
        return Inference(run_bytes(self._oracle, [data])[0], 1000, 0.0)

    def run(self, count: int) -> list[int]:
        self.runs += count
        return [2_000_000 // self.opened[-1]] * count

    def stats(self) -> Stats:
        assert not self.is_lost
        return Stats(stack_used=self.stack_used, uptime_us=round(time.monotonic() * 1e6 * self.rate))

    def board(self) -> BoardState:
        assert not self.is_lost
        return self.state


@pytest.fixture(autouse=True)
def _no_earlier_run(home: Path) -> None:
    shutil.rmtree(home / "build" / "journals", ignore_errors=True)


@pytest.fixture
def int8(tmp_path: Path, data: Dataset) -> Artifact[Int8Facts]:
    return convert.adopt(tiny_model.dense(tmp_path / "tiny.tflite", classes=4), data.class_names, None)


@pytest.fixture
def device(int8: Artifact[Int8Facts], monkeypatch: pytest.MonkeyPatch) -> Device:
    one = Device(int8.path)

    def device_of(setup: Setup, threads: int) -> Any:
        one.opened.append(threads)
        if not one.is_other:
            one.state, one.info = honest(setup.target, one.info)
        return one

    monkeypatch.setattr(measurement, "device_of", device_of)
    return one


def honest(board: Target, info: DeviceInfo) -> tuple[BoardState, DeviceInfo]:
    """Return what a device says that is the board of its target."""
    state = BoardState(
        architecture=board.expect.machine or platform.machine(),
        cpu=str(board_facts().get("cpu", "")) or None,
        machine=f"{board.expect.model} Rev 1.5" if board.expect.model else None,
        cpu_part="" if board.cpu == "native" else "0x41:0xd08",
        cores=2,
    )
    return state, replace(info, board=board.name, cpuid=0x410FC240 if board.kind == "mcu" else 0)


def set_up(int8: Artifact[Int8Facts], data: Dataset, name: str, threads: int = 1) -> Setup:
    facts = ImageFacts(int8.sha256, {"model_file": 7})
    image = Artifact(int8.path, "firmware", "tiny", int8.sha256, facts, parents={"int8": int8.sha256})
    return Setup(target.load(name), image, int8, data, replace(SETTINGS, threads=threads))


def test_a_whole_measurement(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    result = bench.measure(set_up(int8, data, "rpi4"), ["latency", "accuracy"], "./inv deploy")
    made = result.report
    report.check(made)
    assert made.exactness is not None
    assert (made.exactness.n, made.exactness.equal, made.exactness.max_abs_diff) == (PICTURES, PICTURES, 0)
    assert made.accuracy is not None
    assert made.accuracy.top1 == made.accuracy.host_top1
    assert made.latency is not None
    assert (made.latency.unit, made.latency.median, made.latency.n) == ("us", 2000.0, 200)
    assert made.memory == {"model_file": 7, "arena": 9, "stack_used": 5}
    assert made.linux is not None
    assert (made.linux.machine, made.linux.cores) == ("Raspberry Pi 4 Model B Rev 1.5", 2)
    assert made.engine.threads == 1
    assert made.provenance.artifacts["int8"] == int8.sha256
    assert device.is_closed


@pytest.mark.parametrize(("parts", "expected"), [(["latency"], (True, False)), (["accuracy"], (False, True))])
def test_only_what_was_asked_for_is_measured(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, parts: list[bench.Part], expected: tuple[bool, bool]
) -> None:
    made = bench.measure(set_up(int8, data, "rpi4"), parts, "").report
    assert (made.latency is not None, made.exactness is not None) == expected
    assert (made.provenance.pictures is not None) == expected[1]


@pytest.mark.parametrize(("end", "reason"), [(LinkError("gone"), "gone"), (KeyboardInterrupt(), "stopped by the user")])
def test_answers_before_the_end_are_kept(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, end: BaseException, reason: str
) -> None:
    device.lives, device.end = 5, end
    result = bench.measure(set_up(int8, data, "rpi4"), ["accuracy"], "")
    made = result.report
    report.check(made)
    assert made.exactness is not None
    assert (made.exactness.n, made.exactness.equal) == (5, 5)
    assert result.measurement.interrupted == f"after 5 of {PICTURES} pictures: {reason}"
    assert made.provenance.interrupted == result.measurement.interrupted
    assert "stack_used" not in made.memory


def test_the_next_run_goes_on_where_one_was_cut_short(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    device.lives = 5
    bench.measure(setup, ["accuracy"], "").measurement.forget()
    device.lives, device.is_lost = 10**9, False
    result = bench.measure(setup, ["accuracy"], "")
    assert device.inferences == PICTURES, "no picture is measured twice"
    assert result.report.exactness is not None
    assert result.report.exactness.equal == PICTURES
    assert result.report.provenance.resumed_pictures == 5
    assert ("resumed", "5 pictures are from earlier, interrupted runs") in layout.rows(result.report)
    assert f"goes on behind 5 of {PICTURES} pictures" in capsys.readouterr().out
    again = bench.measure(setup, ["accuracy"], "")
    assert again.report.provenance.resumed_pictures == PICTURES, "until the report is written"
    again.measurement.forget()
    assert bench.measure(setup, ["accuracy"], "").report.provenance.resumed_pictures is None
    assert device.inferences == 2 * PICTURES


def test_a_changed_model_or_data_set_begins_again_and_says_what_differs(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    device.lives = 5
    bench.measure(setup, ["accuracy"], "")
    other = replace(setup, compiled=replace(setup.compiled, sha256="ef" * 32), settings=replace(SETTINGS, seed=1))
    device.lives, device.is_lost = 10**9, False
    assert bench.measure(other, ["accuracy"], "").report.provenance.resumed_pictures is None
    text = " ".join(capsys.readouterr().out.split())
    assert "a run that was cut short measured something else (firmware " in text
    assert "efefefefefef now; data " in text


def test_a_device_that_comes_back_ends_the_run_with_a_full_report(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = set_up(int8, data, "rpi4")
    setup = replace(setup, settings=replace(SETTINGS, give_up_s=60))
    device.comes_back_with = 4
    device.lives = 4
    made = bench.measure(setup, ["accuracy"], "").report
    assert made.exactness is not None
    assert made.exactness.equal == PICTURES == device.inferences
    assert made.provenance.reconnects == 2
    assert made.provenance.interrupted is None
    assert ("reconnected", "the device was lost 2 times and came back") in layout.rows(made)
    text = " ".join(capsys.readouterr().out.split())
    assert "device lost (gone); waits for it for up to 60 s" in text
    assert "device is back after" in text


def test_another_device_that_comes_back_is_refused(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    setup = set_up(int8, data, "rpi4")
    setup = replace(setup, settings=replace(SETTINGS, give_up_s=60))
    device.lives, device.comes_back_with, device.comes_back_as = 4, 100, {"unit": "b2"}
    result = bench.measure(setup, ["accuracy"], "")
    expected = "another device is there now (unit None before, b2 now); connect the first one again"
    assert expected in result.measurement.interrupted
    assert len(result.measurement.outputs.raw) == 4  # type: ignore[union-attr]


def test_a_device_that_is_lost_before_any_answer_raises(
    int8: Artifact[Int8Facts], data: Dataset, device: Device
) -> None:
    device.lives = 0
    with pytest.raises(LinkError, match="gone"):
        bench.measure(set_up(int8, data, "rpi4"), ["accuracy"], "")


@pytest.mark.parametrize(("name", "is_reused"), [("qemu-rpi4", True), ("host", True), ("rpi4", False)])
def test_outputs_are_reused_where_they_must_be_equal(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, name: str, is_reused: bool
) -> None:
    setup = set_up(int8, data, name)
    first = bench.measure(setup, ["accuracy"], "")
    first.measurement.forget()
    before = device.inferences
    second = bench.measure(setup, ["accuracy"], "")
    assert (device.inferences == before) == is_reused
    assert second.measurement.outputs is not None
    assert second.measurement.outputs.is_reused == is_reused
    assert second.report.exactness == first.report.exactness
    again = bench.measure(replace(setup, settings=replace(setup.settings, fresh=True)), ["accuracy"], "")
    assert again.measurement.outputs is not None
    assert not again.measurement.outputs.is_reused


def test_the_time_of_an_emulated_linux_board_is_not_reported(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    made = bench.measure(set_up(int8, data, "qemu-rpi4"), ["latency"], "").report
    report.check(made)
    assert made.latency is None
    assert "no latency: the time of qemu-rpi4 is its emulator's" in capsys.readouterr().out
    device.unit = "instructions"
    device.__post_init__()
    counted = bench.measure(set_up(int8, data, "qemu-m4"), ["latency"], "").report
    assert counted.latency is not None
    assert (counted.latency.unit, counted.linux, counted.engine.threads) == ("instructions", None, None)


def test_the_fastest_number_of_threads_is_chosen(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    made = bench.measure(set_up(int8, data, "rpi4", threads=0), ["latency"], "").report
    assert device.opened == [1, 2, 2]
    assert made.engine.threads == 2
    assert made.linux is not None
    assert [trial.median_us for trial in made.linux.threads_tried or ()] == [2000.0, 1000.0]
    with pytest.raises(ConfigError, match="--threads auto: an emulator's time says nothing"):
        bench.measure(set_up(int8, data, "qemu-rpi4", threads=0), ["latency"], "")


def test_pictures_are_the_same_each_time_and_all_of_them_for_zero(int8: Artifact[Int8Facts], data: Dataset) -> None:
    setup = set_up(int8, data, "rpi4")
    first, second = prepare_pictures(setup), prepare_pictures(setup)
    assert first.digest == second.digest
    assert len(first.inputs) == PICTURES
    assert first.inputs.dtype.name == "int8"
    assert first.truth is not None
    everything = prepare_pictures(replace(setup, settings=replace(SETTINGS, images=0)))
    assert len(everything.inputs) == len(data.test)


# --- Which board it is -----------------------------------------------------------------------------------------------

X86 = BoardState(architecture="x86_64", cpu="Some CPU @ 2 GHz", cores=2)


def test_another_machine_is_refused_before_it_is_measured(
    int8: Artifact[Int8Facts], data: Dataset, device: Device
) -> None:
    device.is_other, device.state = True, X86
    expected = (
        r"rpi4: the device is another board \(machine: expected aarch64, received x86_64; core: expected cortex-a72, "
        r"received Some CPU @ 2 GHz; model: expected Raspberry Pi 4 Model B, received nothing\); give --target its name"
    )
    for threads in (1, 0):
        with pytest.raises(DeviceError, match=expected):
            bench.measure(set_up(int8, data, "rpi4", threads), ["latency", "accuracy"], "")
    assert device.inferences == 0


def test_another_machine_that_is_allowed_is_labeled(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, capsys: pytest.CaptureFixture[str]
) -> None:
    device.is_other, device.state = True, X86
    setup = set_up(int8, data, "rpi4")
    setup = replace(setup, settings=replace(setup.settings, allow_mismatch=True))
    made = bench.measure(setup, ["accuracy"], "").report
    report.check(made)
    assert made.device is not None
    assert (made.device.machine, made.device.cpu, made.device.core) == ("x86_64", "Some CPU @ 2 GHz", None)
    assert made.device.mismatches is not None
    assert made.device.mismatches[0] == "machine: expected aarch64, received x86_64"
    rows = layout.rows(made)
    assert rows[0] == ("target", "NOT rpi4 (cortex-a72), hardware: measured on another board")
    assert ("MISMATCH", "machine: expected aarch64, received x86_64") in rows
    assert "| MISMATCH | machine: expected aarch64, received x86_64 |" in layout.markdown(made)
    assert "rpi4: the device is another board; machine: expected aarch64" in capsys.readouterr().out


def test_the_right_board_has_no_mismatch(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    made = bench.measure(set_up(int8, data, "rpi4"), ["latency"], "").report
    assert made.device is not None
    assert (made.device.core, made.device.mismatches) == ("cortex-a72", None)
    assert made.device.model == "Raspberry Pi 4 Model B Rev 1.5"
    assert layout.rows(made)[0] == ("target", "rpi4 (cortex-a72), hardware")


@pytest.mark.parametrize(
    ("name", "cpuid", "expected"),
    [
        ("qemu-m4", 0x410FC240, ()),
        ("qemu-m4", 0x410FC231, ("core: expected cortex-m4, received cortex-m3",)),
        ("qemu-m4", 0x999FC240, ("core: expected cortex-m4, received part 0xc24 of implementer 0x99",)),
        ("qemu-m4", 0, ("core: expected cortex-m4, received nothing",)),
        ("qemu-m0", 0x410FC231, ()),
        ("qemu-m0", 0x410CC601, ("core: expected cortex-m3, received cortex-m0plus",)),
        ("qemu-m7", 0x411FC272, ()),
        ("qemu-m33", 0x410FD213, ()),
        ("qemu-m55", 0x411FD221, ()),
    ],
)
def test_a_microcontroller_is_known_by_its_cpuid(
    device: Device, name: str, cpuid: int, expected: tuple[str, ...]
) -> None:
    info = replace(device.info, board=name, cpuid=cpuid)
    assert differences(target.load(name), info, BoardState()) == expected


@pytest.mark.parametrize(
    ("machine", "expected"), [("rv32imc", ()), ("rv32imac", ("core: expected rv32imc, received rv32imac",))]
)
def test_a_risc_v_core_is_known_by_its_instruction_set(device: Device, machine: str, expected: tuple[str, ...]) -> None:
    info = replace(device.info, board="qemu-rv32", machine=machine)
    assert differences(target.load("qemu-rv32"), info, BoardState()) == expected


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("STM32F446", ()),
        ("STM32 device 0x433", ("chip: expected STM32F446, received STM32 device 0x433",)),
        (None, ("chip: expected STM32F446, received nothing",)),
    ],
)
def test_another_chip_under_the_probe_is_a_mismatch(
    device: Device, machine: str | None, expected: tuple[str, ...]
) -> None:
    info = replace(device.info, board="nucleo-f446re", cpuid=0x410FC241, machine=machine)
    assert differences(target.load("nucleo-f446re"), info, BoardState()) == expected


def test_firmware_of_another_board_is_a_mismatch(device: Device) -> None:
    info = replace(device.info, board="netduinoplus2", cpuid=0x410FC240)
    expected = ("board: expected qemu-m4, received netduinoplus2",)
    assert differences(target.load("qemu-m4"), info, BoardState()) == expected


def test_native_is_this_machine(device: Device) -> None:
    facts = board_facts()
    here = BoardState(architecture=platform.machine(), cpu=str(facts["cpu"]) if "cpu" in facts else None)
    assert differences(target.load("host"), device.info, here) == ()
    assert len(differences(target.load("host"), device.info, BoardState(architecture="mips", cpu="x"))) == 2
    firmware = replace(device.info, board="host-fw", machine="mips")
    expected = (f"machine: expected {platform.machine()}, received mips",)
    assert differences(target.load("host-fw"), firmware, BoardState()) == expected


def test_one_kind_of_core_of_several_is_enough(device: Device) -> None:
    board, _ = honest(target.load("rpi4"), device.info)
    board = replace(board, cpu_part="0x41:0xd03, 0x41:0xd08")
    assert differences(target.load("rpi4"), device.info, board) == ()


# --- Its clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1.0, ""), (1.015, ""), (1.05, "5.0 % fast"), (0.9, "10.0 % slow")],
)
def test_a_counter_of_another_rate_is_seen(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], rate: float, expected: str,
) -> None:  # fmt: skip
    device.rate = rate
    warm_up = samples.warm_up

    def slow(*arguments: Any) -> int:
        time.sleep(1.2)
        return warm_up(*arguments)

    monkeypatch.setattr(samples, "warm_up", slow)
    made = bench.measure(set_up(int8, data, "rpi4"), ["latency"], "").report
    assert made.device is not None
    assert made.device.clock_error == pytest.approx(rate - 1, abs=0.005)
    text = f"the device's counter is {expected} by this host's clock"
    assert [label for label, _ in layout.rows(made)].count("CLOCK") == bool(expected)
    assert (text in " ".join(capsys.readouterr().out.split())) == bool(expected)


def test_readings_that_say_nothing_are_not_compared() -> None:
    first = identity.ClockReading(0.0, 10.0, 0.001)
    assert identity.clock_error(first, identity.ClockReading(2.0, 11.5, 0.001)) == pytest.approx(0.3333)
    assert identity.clock_error(first, identity.ClockReading(2.0, 10.5, 0.001)) is None
    assert identity.clock_error(first, identity.ClockReading(2.0, 11.5, 0.1)) is None
    assert identity.clock_error(first, None) is None


def test_an_emulators_counter_is_not_compared(int8: Artifact[Int8Facts], data: Dataset, device: Device) -> None:
    setup = set_up(int8, data, "qemu-rpi4")
    assert measurement.read_clock(setup, device) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "unit", "is_reused"), [("qemu-m4", "instructions", True), ("rpi4", "ticks", False)])
def test_counts_of_an_emulator_are_reused_and_times_are_not(
    int8: Artifact[Int8Facts], data: Dataset, device: Device, home: Path, name: str, unit: str, is_reused: bool
) -> None:
    shutil.rmtree(home / "build" / "counts", ignore_errors=True)
    device.info = replace(device.info, counter=Counter("timer", 25_000_000, unit))
    device.stack_used = 7
    setup = set_up(int8, data, name)
    first = bench.measure(setup, ["latency"], "")
    before, device.stack_used = device.runs, 3
    second = bench.measure(setup, ["latency"], "")
    assert (device.runs == before) == is_reused
    assert (second.measurement.stats.stack_used == 7) == is_reused, "an idle device has used less of its stack"
    assert second.report.latency == first.report.latency
    bench.measure(replace(setup, settings=replace(setup.settings, fresh=True)), ["latency"], "")
    assert device.runs > before
