"""What is measured on Linux boards besides latency: threads, the kernel's figures, and whether it was slowed down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.agent.linux import board_facts, sensors
from deploy.board_state import BoardState, parse_board, slowed_down
from deploy.info import Stats
from errors import DeviceError, Error
from measure import layout, linux, report_file
from measure.report import (
    EngineSection,
    LinuxSection,
    LinuxState,
    ModelSection,
    Provenance,
    Report,
    TargetSection,
    ThreadTrial,
)
from measure.samples import warm_up

PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n",
}


def machine(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def test_a_raspberry_pi_says_what_it_is_and_how_it_is(tmp_path: Path) -> None:
    root = machine(tmp_path, PI)
    facts = board_facts(root)
    assert facts["machine"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert facts["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert facts["governor"] == "ondemand"
    assert sensors(root) == {"cpu_hz": [1_500_000_000], "temperature_c": 48.312, "throttled_word": 0x50000}


def test_without_the_kernels_file_the_firmwares_tool_is_asked(tmp_path: Path) -> None:
    files = {name: text for name, text in PI.items() if "throttled" not in name}
    root = machine(tmp_path, files | {"usr/bin/vcgencmd": "#!/bin/sh\necho throttled=0x4\n"})
    (tmp_path / "usr/bin/vcgencmd").chmod(0o755)
    assert sensors(root)["throttled_word"] == 4


def test_what_the_kernel_does_not_say_is_absent(tmp_path: Path) -> None:
    assert sensors(str(tmp_path)) == {}
    assert set(board_facts(str(tmp_path))) == {"kernel", "python", "cores", "architecture"}
    broken = dict.fromkeys(PI, "nonsense\n") | {"sys/class/thermal/thermal_zone0/type": "battery\n"}
    assert sensors(machine(tmp_path, broken)) == {}


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n", ("Some CPU @ 2 GHz", None)),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xd08\n" * 4, (None, "0x41:0xd08")),
        ("CPU implementer : 0x41\nCPU part : 0xd0b\n\nCPU part : 0xd05\n", (None, "0x41:0xd05, 0x41:0xd0b")),
        ("CPU part\n:::\nmodel name :\n", (None, ":")),
    ],
)
def test_the_cpu_is_that_of_cpuinfo(tmp_path: Path, cpuinfo: str, expected: tuple[str | None, str | None]) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(cpuinfo)
    facts = board_facts(str(tmp_path))
    assert (facts.get("cpu"), facts.get("cpu_part")) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, None),
        ({"throttled_word": 0}, {}, None),
        ({"throttled_word": 0}, {"throttled_word": 0}, []),
        ({"throttled_word": 0x50000}, {"throttled_word": 0x50000}, []),  # before this run
        ({"throttled_word": 0}, {"throttled_word": 0x50005}, ["under-voltage", "throttled"]),
        ({"throttled_word": 0}, {"throttled_word": 0x80000}, ["soft temperature limit"]),  # in between, over by now
        ({"throttled_word": 0x20002}, {"throttled_word": 0x20000}, ["frequency capped"]),
        ({"throttle_count": 3}, {"throttle_count": 3}, []),
        ({"throttle_count": 3}, {"throttle_count": 4}, ["too hot"]),
    ],
)
def test_whether_it_was_slowed_down(before: dict[str, int], after: dict[str, int], expected: list[str] | None) -> None:
    assert slowed_down(BoardState(**before), BoardState(**after)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[]", "expected a JSON object"),
        (b'{"machine": 5}', "BOARD: key machine: expected .* got 5"),
        (b'{"os": "\\u0007"}', "BOARD: key os"),
        (b'{"cpu_hz": [-1]}', "BOARD: key cpu_hz"),
        (b'{"cpu_hz": []}', "BOARD: key cpu_hz"),
        (b'{"temperature_c": true}', "BOARD: key temperature_c"),
        (b'{"temperature_c": 1e999}', "BOARD: key temperature_c"),
        (b'{"cores": 1.5}', "BOARD: key cores"),
    ],
)
def test_what_can_not_be_right_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        parse_board(text, "ssh://board")


def test_what_a_newer_agent_adds_is_ignored() -> None:
    assert parse_board(b'{"cores": 4, "fan_rpm": 900}', "x") == BoardState(cores=4)


def test_the_section_of_a_throttled_run_says_so() -> None:
    before = BoardState(
        machine="Pi", cores=4, governor="ondemand", cpu_hz=(1_500_000_000,), temperature_c=48.3, throttled_word=0
    )
    after = replace(before, cpu_hz=(600_000_000,), temperature_c=84.9, throttled_word=0x60006)
    stats = Stats(load_ns=41_000_000, first_inference_ns=3_000_000, import_ns=900_000_000)
    found = linux.section(before, after, stats, (ThreadTrial(1, 10.0), ThreadTrial(2, 6.0)), "hardware")
    assert found.slowed_down == ("frequency capped", "throttled")
    assert found.load_us == 41_000
    assert found.before == LinuxState(cpu_hz=(1_500_000_000,), temperature_c=48.3, throttled_word=0)
    told = dict(layout.linux_rows(found))
    assert told["THROTTLED"] == "the board was slowed down while it was measured: frequency capped, throttled"
    assert told["CPU"] == "governor ondemand, 1500 MHz before, 600 MHz after, 48.3 °C before, 84.9 °C after"
    assert told["threads tried"] == "1: 0.010 ms, 2: 0.006 ms"


def test_emulator_times_are_not_reported() -> None:
    stats = Stats(load_ns=1, first_inference_ns=2)
    found = linux.section(
        BoardState(cores=2, cpu_hz=(1,)), BoardState(cpu_hz=(1,)), stats, (ThreadTrial(1, 1.0),), "emulated"
    )
    assert found == LinuxSection(cores=2)


@pytest.mark.parametrize(
    "section",
    [
        LinuxSection(load_us=1.0),
        LinuxSection(import_us=1.0),
        LinuxSection(first_inference_us=1.0),
        LinuxSection(threads_tried=(ThreadTrial(1, 1.0),)),
        LinuxSection(before=LinuxState()),
        LinuxSection(after=LinuxState()),
    ],
)
def test_the_schema_refuses_times_of_an_emulator(section: LinuxSection) -> None:
    emulated = Report(
        target=TargetSection("qemu-rpi4", "linux", "emulated", "cortex-a72"),
        model=ModelSection(name="m", classes=2, sha256="0" * 64),
        engine=EngineSection("litert", "1", "xnnpack"),
        linux=LinuxSection(cores=2),
        provenance=Provenance("", {}, {}),
    )
    report_file.check(emulated)
    with pytest.raises(Error, match=r"report\.json: key linux"):
        report_file.check(replace(emulated, linux=section))


class FakeSession:
    """Runs take what `ticks` says for each run in turn, then the last forever."""

    class info:
        input_preserved = True

        class counter:
            name, rate_hz, unit = "c", 1_000_000_000, "ticks"

    def __init__(self, ticks: list[int]):
        self.ticks = ticks
        self.runs = 0

    def infer(self, data: bytes) -> None:
        pass

    def board(self) -> BoardState:
        return BoardState(cores=3)

    def run(self, count: int) -> list[int]:
        found = [self.ticks[min(self.runs + i, len(self.ticks) - 1)] for i in range(count)]
        self.runs += count
        return found


def test_warm_up_goes_on_until_it_is_steady() -> None:
    steady: Any = FakeSession([1000])
    assert warm_up(steady, b"", 20, 400) == 41
    slowing: Any = FakeSession([1000] * 20 + [2000] * 20 + [3000] * 20 + [3010])
    assert warm_up(slowing, b"", 20, 400) == 81
    never: Any = FakeSession([(i // 20 + 1) * 1000 for i in range(1000)])
    assert 400 <= warm_up(never, b"", 20, 400) <= 420


def test_threads_are_tried_up_to_the_cores() -> None:
    opened = []

    @contextmanager
    def open_with(threads: int) -> Iterator[Any]:
        opened.append(threads)
        yield FakeSession([3_000_000 // threads])

    assert linux.try_threads(open_with, b"") == (
        ThreadTrial(1, 3000.0),
        ThreadTrial(2, 1500.0),
        ThreadTrial(3, 1000.0),
    )
    assert opened == [1, 2, 3]
