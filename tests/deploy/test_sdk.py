"""Boards of the user's own SDK: what is called, and with which kernels. The SDKs are stand-ins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import target as targets
from artifact import Artifact
from compilers.export import artifact as export
from compilers.export.cores import kernels_of
from deploy import flashed, ports
from deploy.flashers import flasher_for
from deploy.links.process import ProcessLink
from deploy.sdks import SDKS, sdk_flasher
from deploy.session import Session
from errors import ConfigError, DeployError
from target.sdk import SDKS as TARGET_SDKS
from tests.compilers.exports import STANDIN_OF, compile_objects, includes, program
from tests.deploy.sdk_boards import BOARDS, URI
from tests.firmware.flash_stand_in import StandIn

pytestmark = pytest.mark.usefixtures("desk_of_sdks")


NANO = ["--fqbn", "arduino:mbed_nano:nano33ble"]


@pytest.mark.parametrize("board", BOARDS)
def test_it_is_built_and_then_flashed(
    board: str, int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load(board)
    image = export.compile_for(int8_net, target)
    tool = StandIn(BOARDS[board], tmp_path, monkeypatch)
    tool.answers(0, json.dumps([{"id": "pico", "platform": "raspberrypi"}]))
    said: list[str] = []
    assert flasher_for(target, say=said.append).start(image.path).name == URI
    exported = str(image.path.parent)
    folder = str(tmp_path / "build" / "sdk" / image.path.parent.name)
    sketch = f"{exported}/examples/Serve"
    esp = ["-C", f"{exported}/examples/serve", "-B", folder]
    expected = {
        "west": [
            ["build", "-p", "auto", "-b", "nucleo_f746zg", "-d", folder, f"{exported}/samples/serve"],
            ["flash", "-d", folder],
        ],
        "arduino-cli": [
            ["version"],
            ["compile", *NANO, "--library", exported, "--build-path", folder, sketch],
            ["upload", *NANO, "--port", "/dev/ttyNOWHERE", "--input-dir", folder, sketch],
        ],
        "pio": [
            ["--version"],
            ["boards", "--json-output", "pico"],
            ["run", "-d", folder],
            ["run", "-d", folder, "-t", "upload", "--upload-port", "/dev/ttyNOWHERE"],
        ],
        "idf.py": [
            [*esp, "-DIDF_TARGET=esp32s3", f"-DSDKCONFIG={folder}/sdkconfig", "build"],
            [*esp, "-p", "/dev/ttyNOWHERE", "flash"],
        ],
    }
    assert [call[1:] for call in tool.calls()] == expected[BOARDS[board]]
    assert said == [f"{target.name}: building with {BOARDS[board]} in {folder}"]
    if board.startswith("pio"):
        ini = Path(folder, "platformio.ini").read_text()
        assert f"platform = raspberrypi\nboard = pico\nframework = arduino\nlib_deps = symlink://{exported}\n" in ini
        assert "small_net_serial_begin" in Path(folder, "src", "main.cpp").read_text()


def test_the_console_of_an_esp32_is_that_of_its_port(
    int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("esp32-c3")
    image = export.compile_for(int8_net, target)
    tool = StandIn("idf.py", tmp_path, monkeypatch)
    tool.answers(0, "")
    built = []
    for usb_id in ("303a:1001", "10c4:ea60"):
        monkeypatch.setattr(ports, "connected", lambda usb_id=usb_id: [ports.Port("/dev/ttyUSB7", usb_id, "1")])
        flasher_for(target).start(image.path)
        built.append(next(call for call in tool.calls()[-2:] if call[-1] == "build"))
    usb, uart = built
    assert usb[usb.index("-B") + 1] == f"{uart[uart.index('-B') + 1]}-usb"
    defaults = next(word for word in usb if word.startswith("-DSDKCONFIG_DEFAULTS="))
    usual, more = defaults.partition("=")[2].split(";")
    assert usual == f"{image.path.parent}/examples/serve/sdkconfig.defaults"
    assert Path(more).read_text() == "CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG=y\n"
    assert not any("SDKCONFIG_DEFAULTS" in word for word in uart)


def test_a_board_that_answers_with_this_network_is_left_alone(
    int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("zephyr:nucleo_f746zg")
    image = export.compile_for(int8_net, target)
    tool = StandIn("west", tmp_path, monkeypatch)
    tool.answers(0, "")
    said: list[str] = []
    monkeypatch.setattr(flashed, "is_there", lambda uri, link, path: path == image.path)
    flasher_for(target, say=said.append).start(image.path)
    assert said == [f"{target.name}: runs this network already; it is not flashed again"]
    assert not tool.calls()


def test_the_device_says_the_target_and_the_manifest_s_revision(int8_net: Artifact[object], tmp_path: Path) -> None:
    target = targets.load("zephyr:nrf5340dk/nrf5340/cpuapp")
    image = export.compile_for(int8_net, target)
    assert export.compile_for(int8_net, target).reused
    objects = compile_objects(image.path.parent, includes("zephyr"))
    serve = program(image.path.parent, "zephyr", STANDIN_OF["zephyr"].serve, objects)
    with Session(ProcessLink([str(serve)])) as session:
        assert session.info.board == target.name == "zephyr:nrf5340dk_nrf5340_cpuapp"
    assert flashed.answers_with(ProcessLink([str(serve)]), image.path)


def test_the_port_of_a_named_board_is_known_by_its_usb_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("arduino-cli", tmp_path, monkeypatch).answers(0, "")
    flasher = sdk_flasher(targets.load("teensy41"))
    assert flasher.board == "teensy:avr:teensy41"
    with pytest.raises(DeployError, match=r"teensy41: no serial port with USB ID 16c0:0483 \(connected: none\)"):
        flasher.check()
    monkeypatch.setattr(
        ports, "connected", lambda: [ports.Port("/dev/ttyACM0", "2e8a:000a"), ports.Port("/dev/ttyACM3", "16c0:0483")]
    )
    assert flasher.uri() == "serial:///dev/ttyACM3?baud=115200"


def test_another_sdk_is_chosen_by_the_name_before_the_colon(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, zephyr = targets.load("portenta-h7"), targets.load("zephyr:portenta-h7")
    assert usual.sdk
    assert zephyr.sdk
    assert (zephyr.name, zephyr.sdk.name, zephyr.sdk.board) == (
        "zephyr:portenta-h7", "zephyr", "arduino_portenta_h7/stm32h747xx/m7"
    )  # fmt: skip
    assert zephyr.sdk.others == ("arduino:arduino:mbed_portenta:envie_m7", "pio:portenta_h7_m7")
    assert zephyr.sdk.kernels == usual.sdk.kernels == "m7"
    same = targets.load("zephyr:arduino_portenta_h7/stm32h747xx/m7")
    assert same.sdk == zephyr.sdk
    assert same.name == "zephyr:arduino_portenta_h7_stm32h747xx_m7"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployError, match=r"arduino-cli: not found; .*; or take another SDK: --target pio:portenta_h7"):
        flasher_for(usual).check()


@pytest.mark.parametrize(
    ("board", "kernels"),
    [
        ("zephyr:nucleo_f746zg", "m7"), ("zephyr:nucleo_f072rb", ""), ("zephyr:nrf5340dk/nrf5340/cpuapp", "dsp"),
        ("zephyr:nrf5340dk/nrf5340/cpunet", "portable"), ("zephyr:mps3/corstone300/an547", "mve"),
        ("zephyr:rpi_pico2/rp2350a/hazard3", "rv32"), ("zephyr:rpi_pico2/rp2350a/m33", "dsp"),
        ("zephyr:rpi_pico", ""), ("zephyr:nucleo_l073rz", ""), ("zephyr:nucleo_n657x0_q", "mve"),
        ("arduino:STMicroelectronics:stm32:Nucleo_64:pnum=NUCLEO_F446RE", "dsp"), ("pio:blackpill_f411ce", "dsp"),
        ("pio:genericSTM32F103C8", ""), ("arduino:arduino:renesas_uno:minima", "dsp"), ("pio:teensylc", ""),
        ("zephyr:frdm_k64f", "dsp"), ("zephyr:frdm_kl25z", ""), ("zephyr:ek_ra8m1", "mve"), ("idf:esp32h2", "rv32"),
        ("zephyr:esp32s3_devkitc/esp32s3/procpu", "portable"), ("pio:teensy40", "m7"), ("nano33ble", "dsp"),
        ("pio:nano33ble", "dsp"), ("esp32-p4", "rv32"), ("zephyr:nucleo_g071rb", ""),
        ("pio:esp32-c3-devkitm-1", "rv32"), ("idf:esp32", "portable"),
        ("zephyr:arduino_giga_r1/stm32h747xx/m4", "dsp"), ("zephyr:mimxrt1060_evk", "m7"),
        ("zephyr:mimxrt685_evk", "dsp"),
    ],
)  # fmt: skip
def test_kernels_are_those_of_the_core(board: str, kernels: str) -> None:
    sdk = targets.load(board).sdk
    assert sdk is not None
    assert kernels_of(sdk) == kernels


@pytest.mark.parametrize("name", ["zephyr:", "zephyr:a b", "pio:../x", "idf:;reboot"])
def test_names_that_no_sdk_has(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--target {name}: expected a board as"):
        targets.load(name)


def test_each_sdk_has_a_flasher_and_a_framework() -> None:
    assert set(SDKS) == set(TARGET_SDKS) == set(export.FRAMEWORK_OF)


def test_a_board_that_comes_back_with_another_usb_id(
    int8_net: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a Nano 33 BLE with an Arduino sketch does that gets Zephyr, and then is found by Zephyr's ID."""
    target = targets.load("zephyr:nano33ble")
    image = export.compile_for(int8_net, target)
    tool = StandIn("west", tmp_path, monkeypatch)
    tool.answers(0, "")
    other = ports.Port("/dev/ttyUSB0", "0403:6001", "x")
    arduino, zephyr = ports.Port("/dev/ttyACM0", "2341:805a", "1"), ports.Port("/dev/ttyACM1", "2fe3:0004", "2")
    monkeypatch.setattr(
        ports, "connected", lambda: [other, zephyr if any("flash" in call for call in tool.calls()) else arduino]
    )
    flasher = flasher_for(target)
    assert flasher.start(image.path).name == "serial:///dev/ttyACM1?baud=115200"
    assert sdk_flasher(target).uri() == "serial:///dev/ttyACM1?baud=115200"


def test_another_sdk_has_another_partition() -> None:
    for name, bytes_ in (("esp32-c3", 1_536_000), ("arduino:esp32-c3", 1_310_720), ("zephyr:portenta-h7", 393_216)):
        sdk = targets.load(name).sdk
        assert sdk
        assert sdk.memory
        assert sdk.memory.flash_bytes == bytes_
