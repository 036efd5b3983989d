"""Whether a device is the board of its target, and whether its counter runs at the rate that it states."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import target
from artifact import Artifact
from calibration import convert
from calibration.convert import Int8Facts
from datasets import Dataset
from deploy.agent.linux import board_facts
from deploy.board_state import BoardState
from deploy.identity import differences
from device_tests import tiny_model
from errors import DeviceError
from measure import bench, identity, layout, measurement, report_file, samples
from tests.measure.device import Device, honest, set_up


@pytest.fixture
def int8(tmp_path: Path, data: Dataset) -> Artifact[Int8Facts]:
    return convert.adopt(tiny_model.dense(tmp_path / "tiny.tflite", classes=4), data.class_names, None)


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
    report_file.check(made)
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
    now = [100.0]

    def clock() -> float:
        now[0] += 0.0005
        return now[0]

    def slow(*arguments: Any) -> int:
        now[0] += 1.2
        return warm_up(*arguments)

    device.rate, device.clock, warm_up = rate, clock, samples.warm_up
    monkeypatch.setattr(identity, "time", SimpleNamespace(perf_counter=clock))
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
