"""What is said where an SDK is missing, too old, fails or never ends. The SDKs are stand-ins.

What they print is composed after the texts of the real tools; none was recorded from one.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

import target as targets
from artifact import Artifact
from compilers.export import artifact as export
from compilers.image.fit import FIRMWARE_FLASH_BYTES, fit
from compilers.image.fit_table import doubt
from deploy import bench_file, flashed, ports
from deploy.flashers import flasher_for
from deploy.sdks import SDKS, ArduinoCli, PlatformIo, sdk_flasher
from errors import DeployError, FitError
from tests.deploy.sdk_boards import BOARDS, URI
from tests.firmware.flash_stand_in import StandIn

pytestmark = pytest.mark.usefixtures("desk_of_sdks")

WEST = """-- west build: making build dir
-- Performing Test COMPILER_HAS_ERROR - Failed
[1/9] gcc -Wno-error=cpp -c x.c
FAILED: CMakeFiles/app.dir/src/main.c.obj
../src/main.c:4:10: fatal error: zephyr/nothing.h: No such file or directory
compilation terminated.
ninja: build stopped: subcommand failed.
FATAL ERROR: command exited with status 1: cmake --build /tmp/build
"""
CMAKE = """-- Zephyr version: 3.7.0
CMake Error at /zephyr/cmake/modules/boards.cmake:210 (message):
  Invalid BOARD; see above.
-- Configuring incomplete, errors occurred!
FATAL ERROR: command exited with status 1: cmake
"""
IDF_TOO_LARGE = """Executing action: all
Error: app partition is too small for binary serve.bin size 0x1f0000:
  - Part 'factory' 0/0 @ 0x10000 size 0x177000 (overflow 0x79000)
ninja failed with exit code 1
"""
ARDUINO_TOO_LARGE = """Sketch uses 1183240 bytes (120%) of program storage space. Maximum is 983040 bytes.
Global variables use 90000 bytes (34%) of dynamic memory, leaving 172144 bytes for local variables.
Sketch too big; see the support pages for tips on reducing it.
Error during build: text section exceeds available space in board
"""
PIO_TOO_LARGE = """Checking size .pio/build/teensy41/firmware.elf
RAM:   [==========]  104.1% (used 545904 bytes from 524288 bytes)
Error: The data size (545904 bytes) is greater than maximum allowed (524288 bytes)
*** [checkprogsize] Explicit exit, status 1
"""
LD_TOO_LARGE = """/opt/ld: zephyr/zephyr_pre0.elf section `rodata' will not fit in region `FLASH'
/opt/ld: region `FLASH' overflowed by 90044 bytes
collect2: error: ld returned 1 exit status
"""


@pytest.mark.parametrize(
    ("board", "text", "expected"),
    [
        ("zephyr:nucleo_f746zg", WEST, r"west build: ../src/main.c:4:10: fatal error: zephyr/nothing.h: No such file"),
        ("zephyr:nucleo_f746zg", CMAKE, r"CMake Error at .*boards.cmake:210 \(message\): Invalid BOARD; see above."),
        ("zephyr:nucleo_f746zg", LD_TOO_LARGE, "will not fit in region `FLASH'; the board has no room for it"),
        ("zephyr:nucleo_f746zg", "killed without a word\n", "west build: killed without a word; all of its output"),
        ("zephyr:nucleo_f746zg", "", "west build: exit code 1; all of its output"),
        (
            "idf:esp32s3",
            IDF_TOO_LARGE,
            r"size 0x1f0000: - Part 'factory' .*\(overflow 0x79000\); the board has no room",
        ),
        ("arduino:arduino:mbed_nano:nano33ble", ARDUINO_TOO_LARGE, r"Sketch uses 1183240 bytes \(120%\).*no room"),
        ("pio:pico", PIO_TOO_LARGE, r"The data size \(545904 bytes\) is greater than maximum allowed .*no room for it"),
    ],
    ids=["compiler", "cmake", "ld", "silent", "nothing", "esp-idf partition", "arduino", "platformio"],
)
def test_a_build_that_fails_shows_its_first_error_and_keeps_the_log(
    board: str, text: str, expected: str, int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load(board)
    image = export.compile_for(int8_net, target)
    tool = StandIn(BOARDS[board], tmp_path, monkeypatch)
    tool.answers(1, text)
    monkeypatch.setattr(SDKS[board.partition(":")[0]], "version", lambda self: "")
    monkeypatch.setattr(PlatformIo, "_platform", lambda self: "raspberrypi")
    with pytest.raises(DeployError, match=expected) as caught:
        flasher_for(target).start(image.path)
    assert "\n" not in str(caught.value)
    log = Path(str(caught.value).rpartition("all of its output is in ")[2])
    assert log == tmp_path / "build" / "sdk" / "logs" / f"{target.name.replace(':', '-')}-build.log"
    assert log.read_text() == text
    assert len(tool.calls()) == 1


def test_a_build_that_never_ends(int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.load("zephyr:nucleo_f746zg")
    image = export.compile_for(int8_net, target)
    StandIn("west", tmp_path, monkeypatch).hangs()
    monkeypatch.setattr("deploy.sdks.BUILD_S", 0.3)
    with pytest.raises(DeployError, match=r"west build: did not end within 0.3 s; see where it waits in .*-build.log"):
        flasher_for(target).start(image.path)


def test_a_board_whose_flashing_fails_gets_the_next_step_of_its_flash_tool(
    int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench_file.BENCH.write_text(f'[nano33ble]\nlink = "{URI}"\n')
    target = targets.load("nano33ble")
    image = export.compile_for(int8_net, target)
    StandIn("arduino-cli", tmp_path, monkeypatch).answers(1, "No device found on ttyNOWHERE\n")
    monkeypatch.setattr(ArduinoCli, "version", lambda self: "")
    monkeypatch.setattr(ArduinoCli, "build", lambda self, exported, folder: None)
    with pytest.raises(DeployError, match=r"arduino-cli upload: No device found on ttyNOWHERE; press reset twice"):
        flasher_for(target).start(image.path)
    assert flashed.store().read_text() == "{}"


@pytest.mark.parametrize(
    ("board", "path", "text", "expected"),
    [
        ("zephyr:nucleo_f746zg", "VERSION", "VERSION_MAJOR = 2\nVERSION_MINOR = 7\n", "west 2.7 is too old"),
        ("zephyr:nucleo_f746zg", "VERSION", "VERSION_MAJOR = 3\nVERSION_MINOR = 7\n", ""),
        ("idf:esp32s3", "tools/cmake/version.cmake", "set(IDF_VERSION_MAJOR 5)\nset(IDF_VERSION_MINOR 1)\n", "5.1 is"),
        ("idf:esp32s3", "tools/cmake/version.cmake", "set(IDF_VERSION_MAJOR 6)\nset(IDF_VERSION_MINOR 2)\n", ""),
        ("idf:esp32s3", "elsewhere", "", ""),
        ("pio:pico", "", "PlatformIO Core, version 5.2.5\n", "pio 5.2 is too old, expected 6.0 or newer"),
        ("pio:pico", "", "PlatformIO Core, version 6.1.18\n", ""),
        ("arduino:arduino:mbed_nano:nano33ble", "", "arduino-cli  Version: 0.9.2 Commit: 0", "0.9 is too old"),
        ("arduino:arduino:mbed_nano:nano33ble", "", "arduino-cli  Version: 1.1.1 Commit: 0", ""),
        ("arduino:arduino:mbed_nano:nano33ble", "", "arduino-cli  Version: nightly", ""),
    ],
)  # fmt: skip
def test_an_sdk_that_is_too_old(
    board: str, path: str, text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    StandIn(BOARDS[board], tmp_path, monkeypatch).answers(0, "" if path else text)
    if path:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    flasher = flasher_for(targets.load(board))
    if not expected:
        flasher.check()
        return
    with pytest.raises(DeployError, match=expected):
        flasher.check()


def test_a_port_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("west", tmp_path, monkeypatch).answers(0, "")
    port = tmp_path / "ttyACM0"
    port.write_text("")
    bench_file.BENCH.write_text(f'["zephyr:pico"]\nlink = "serial://{port}?baud=115200"\n')
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(port) and may(path, mode))
    with pytest.raises(DeployError, match=r"zephyr:pico: .*ttyACM0 may not be opened; "):
        flasher_for(targets.load("zephyr:pico")).check()


def test_a_flasher_in_bench_toml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("west", tmp_path, monkeypatch).answers(0, "")
    bench_file.BENCH.write_text('["zephyr:pico"]\nflasher = "openocd"\n')
    with pytest.raises(DeployError, match=r"zephyr:pico: its SDK flashes it; remove flasher from its table"):
        flasher_for(targets.load("zephyr:pico")).check()


@pytest.mark.parametrize("board", BOARDS)
def test_a_missing_sdk_is_named(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployError, match=rf"{board}: {BOARDS[board]}: not found; .*install"):
        flasher_for(targets.load(board)).check()


def test_an_sdk_that_is_not_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("west", tmp_path, monkeypatch).answers(0, "")
    monkeypatch.delenv("ZEPHYR_BASE")
    with pytest.raises(DeployError, match="ZEPHYR_BASE is not set to a folder that exists; source zephyr-env.sh"):
        flasher_for(targets.load("zephyr:nucleo_f746zg")).check()


def test_a_line_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("pio", tmp_path, monkeypatch).answers(0, "")
    flasher = sdk_flasher(targets.load("pio:teensy36"))
    with pytest.raises(DeployError, match=r'USB serial ports: none\); name it in bench.toml: \["pio:teensy36"\] link'):
        flasher.check()
    monkeypatch.setattr(ports, "connected", lambda: [ports.Port("/dev/ttyS0"), ports.Port("/dev/ttyACM3", "16c0:0483")])
    assert flasher.uri() == "serial:///dev/ttyACM3?baud=115200"


def test_a_board_that_platformio_does_not_know(
    int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("pio:pico")
    image = export.compile_for(int8_net, target)
    StandIn("pio", tmp_path, monkeypatch).answers(0, "[]")
    with pytest.raises(DeployError, match="PlatformIO knows no board pico; list them with: pio boards"):
        flasher_for(target).start(image.path)


def test_a_network_that_the_partition_has_no_room_for(int8_net: Artifact[object]) -> None:
    target = targets.load("esp32-c3")
    assert target.sdk
    assert target.sdk.memory

    def with_flash(flash_bytes: int) -> targets.Target:
        assert target.sdk
        assert target.sdk.memory
        memory = dataclasses.replace(target.sdk.memory, flash_bytes=flash_bytes)
        return dataclasses.replace(target, sdk=dataclasses.replace(target.sdk, memory=memory))

    own = 0x40000 + FIRMWARE_FLASH_BYTES[target.sdk.kernels]
    with pytest.raises(FitError) as refused:
        export.compile_for(int8_net, with_flash(1000))
    small = with_flash(own + 1000)
    needs = fit(small, export.compile_for(int8_net, small).facts.plan)
    over = needs.weights_bytes + needs.code_bytes - 1000
    assert 0 < over < 1000
    assert doubt("esp32-c3", needs).startswith(f"esp32-c3: flash short by ~{over:,} bytes, if its SDK takes as much")
    parts = rf"{needs.weights_bytes:,} for weights and about {own + needs.code_bytes:,}"
    assert f"esp32-c3: flash is short by {over + own:,} bytes: {parts} for the firmware, of 1,000" in str(refused.value)
