"""Boards of the user's own SDK: what is called, and what is said where it fails. The SDKs are stand-ins."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import target as targets
from artifact import Artifact, NoFacts, sha256_of
from compilers.export import artifact as export
from compilers.export.cores import kernels_of
from deploy import bench_file, flashed, ports
from deploy.flashers import flasher_for
from deploy.links.process import ProcessLink
from deploy.sdk import SDKS, sdk_flasher
from deploy.session import Session
from errors import ConfigError, DeployError, FitError
from target.sdk import SDKS as TARGET_SDKS
from tests.compilers.exports import STANDIN_OF, compile_objects, includes, program
from tests.compilers.test_compile import small_network
from tests.firmware.flash_stand_in import StandIn

URI = "serial:///dev/ttyNOWHERE?baud=115200"
BOARDS = {
    "zephyr:nucleo_f746zg": "west",
    "arduino:arduino:mbed_nano:nano33ble": "arduino-cli",
    "pio:pico": "pio",
    "idf:esp32s3": "idf.py",
}


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the line of each board, and keep what is built here."""
    monkeypatch.setattr("artifact.BUILD_DIR", tmp_path / "build")
    bench = tmp_path / "bench.toml"
    bench.write_text("".join(f'["{board}"]\nlink = "{URI}"\n' for board in BOARDS))
    monkeypatch.setattr(bench_file, "BENCH", bench)
    monkeypatch.setattr(ports, "connected", lambda: [])
    for variable in ("ZEPHYR_BASE", "IDF_PATH"):
        monkeypatch.setenv(variable, str(tmp_path))


@pytest.fixture
def model(tmp_path: Path) -> Artifact[object]:
    path = tmp_path / "small net.tflite"
    path.write_bytes(small_network())
    return Artifact(path, "int8", path.stem, sha256_of(path), NoFacts())


@pytest.mark.parametrize("board", BOARDS)
def test_it_is_built_and_then_flashed(
    board: str, model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load(board)
    image = export.compile_for(model, target)
    tool = StandIn(BOARDS[board], tmp_path, monkeypatch)
    tool.answers(0, json.dumps([{"id": "pico", "platform": "raspberrypi"}]))
    said: list[str] = []
    assert flasher_for(target, say=said.append).start(image.path).name == URI
    exported = str(image.path.parent)
    folder = str(tmp_path / "build" / "sdk" / image.path.parent.name)
    sketch = f"{exported}/examples/Serve"
    nano = ["--fqbn", "arduino:mbed_nano:nano33ble"]
    esp = ["-C", f"{exported}/examples/serve", "-B", folder]
    expected = {
        "west": [
            ["build", "-p", "auto", "-b", "nucleo_f746zg", "-d", folder, f"{exported}/samples/serve"],
            ["flash", "-d", folder],
        ],
        "arduino-cli": [
            ["compile", *nano, "--library", exported, "--build-path", folder, sketch],
            ["upload", *nano, "--port", "/dev/ttyNOWHERE", "--input-dir", folder, sketch],
        ],
        "pio": [
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


def test_what_was_not_built_is_not_flashed(
    model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("zephyr:nucleo_f746zg")
    image = export.compile_for(model, target)
    tool = StandIn("west", tmp_path, monkeypatch)
    tool.answers(1, "-- west build: making build dir\nFATAL ERROR: No board named 'nucleo_f746zg' found.\nusage\n")
    with pytest.raises(DeployError, match=r"zephyr:nucleo_f746zg: west build: FATAL ERROR: No board named"):
        flasher_for(target).start(image.path)
    assert len(tool.calls()) == 1


def test_a_build_that_never_ends(model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.load("zephyr:nucleo_f746zg")
    image = export.compile_for(model, target)
    StandIn("west", tmp_path, monkeypatch).hangs()
    monkeypatch.setattr("deploy.sdk.BUILD_S", 0.3)
    with pytest.raises(DeployError, match=r"west build: did not end within 0.3 s; run it yourself"):
        flasher_for(target).start(image.path)


def test_a_board_that_answers_with_this_network_is_left_alone(
    model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("zephyr:nucleo_f746zg")
    image = export.compile_for(model, target)
    tool = StandIn("west", tmp_path, monkeypatch)
    tool.answers(0, "")
    said: list[str] = []
    monkeypatch.setattr(flashed, "is_there", lambda uri, link, path: path == image.path)
    flasher_for(target, say=said.append).start(image.path)
    assert said == [f"{target.name}: runs this network already; it is not flashed again"]
    assert not tool.calls()


def test_the_device_says_the_target_and_the_manifest_s_revision(model: Artifact[object], tmp_path: Path) -> None:
    target = targets.load("zephyr:nrf5340dk/nrf5340/cpuapp")
    image = export.compile_for(model, target)
    assert export.compile_for(model, target).reused
    objects = compile_objects(image.path.parent, includes("zephyr"))
    serve = program(image.path.parent, "zephyr", STANDIN_OF["zephyr"].serve, objects)
    with Session(ProcessLink([str(serve)])) as session:
        assert session.info.board == target.name == "zephyr:nrf5340dk_nrf5340_cpuapp"
    assert flashed.answers_with(ProcessLink([str(serve)]), image.path)


@pytest.mark.parametrize("board", BOARDS)
def test_a_missing_sdk_is_named(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployError, match=rf"{board}: {BOARDS[board]}: not found; .*install"):
        flasher_for(targets.load(board)).check()


def test_an_sdk_that_is_not_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("west", tmp_path, monkeypatch).answers(0, "")
    monkeypatch.delenv("ZEPHYR_BASE")
    with pytest.raises(DeployError, match="ZEPHYR_BASE is not set; source zephyr-env.sh"):
        flasher_for(targets.load("zephyr:nucleo_f746zg")).check()


def test_a_line_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn("pio", tmp_path, monkeypatch).answers(0, "")
    flasher = sdk_flasher(targets.load("pio:teensy36"))
    with pytest.raises(DeployError, match=r'USB serial ports: none\); name it in bench.toml: \["pio:teensy36"\] link'):
        flasher.check()
    monkeypatch.setattr(ports, "connected", lambda: [ports.Port("/dev/ttyS0"), ports.Port("/dev/ttyACM3", "16c0:0483")])
    assert flasher.uri() == "serial:///dev/ttyACM3?baud=115200"


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
    assert zephyr.sdk.memory == usual.sdk.memory
    same = targets.load("zephyr:arduino_portenta_h7/stm32h747xx/m7")
    assert same.sdk == zephyr.sdk
    assert same.name == "zephyr:arduino_portenta_h7_stm32h747xx_m7"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployError, match=r"arduino-cli: not found; .*; or take another SDK: --target pio:portenta_h7"):
        flasher_for(usual).check()


@pytest.mark.parametrize(
    ("board", "kernels"),
    [
        ("zephyr:nucleo_f746zg", "dsp"), ("zephyr:nucleo_f072rb", ""), ("zephyr:nrf5340dk/nrf5340/cpuapp", "dsp"),
        ("zephyr:nrf5340dk/nrf5340/cpunet", "portable"), ("zephyr:mps3/corstone300/an547", "mve"),
        ("zephyr:rpi_pico2/rp2350a/hazard3", "portable"), ("zephyr:rpi_pico2/rp2350a/m33", "dsp"),
        ("zephyr:rpi_pico", ""), ("zephyr:nucleo_l073rz", ""), ("zephyr:nucleo_n657x0_q", "mve"),
        ("arduino:STMicroelectronics:stm32:Nucleo_64:pnum=NUCLEO_F446RE", "dsp"), ("pio:blackpill_f411ce", "dsp"),
        ("pio:genericSTM32F103C8", ""), ("arduino:arduino:renesas_uno:minima", "dsp"), ("pio:teensylc", ""),
        ("zephyr:frdm_k64f", "dsp"), ("zephyr:frdm_kl25z", ""), ("zephyr:ek_ra8m1", "mve"), ("idf:esp32h2", "portable"),
        ("zephyr:esp32s3_devkitc/esp32s3/procpu", "portable"), ("pio:teensy40", "dsp"), ("nano33ble", "dsp"),
        ("pio:nano33ble", "dsp"), ("esp32-p4", "portable"), ("zephyr:nucleo_g071rb", ""),
    ],
)  # fmt: skip
def test_kernels_are_those_of_the_core(board: str, kernels: str) -> None:
    sdk = targets.load(board).sdk
    assert sdk is not None
    assert kernels_of(sdk) == kernels


def test_a_network_that_the_partition_has_no_room_for(model: Artifact[object]) -> None:
    target = targets.load("esp32-c3")
    assert target.sdk
    assert target.sdk.memory
    memory = dataclasses.replace(target.sdk.memory, flash_bytes=0x40000 + 24_576 + 1000)
    small = dataclasses.replace(target, sdk=dataclasses.replace(target.sdk, memory=memory))
    with pytest.raises(FitError, match=r"esp32-c3: flash is short by 168 bytes: 1,168 for weights and about 286,720"):
        export.compile_for(model, small)


def test_a_board_that_platformio_does_not_know(
    model: Artifact[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = targets.load("pio:pico")
    image = export.compile_for(model, target)
    StandIn("pio", tmp_path, monkeypatch).answers(0, "[]")
    with pytest.raises(DeployError, match="PlatformIO knows no board pico; list them with: pio boards"):
        flasher_for(target).start(image.path)


@pytest.mark.parametrize("name", ["zephyr:", "zephyr:a b", "pio:../x", "idf:;reboot"])
def test_names_that_no_sdk_has(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--target {name}: expected a board as"):
        targets.load(name)


def test_each_sdk_has_a_flasher_and_a_framework() -> None:
    assert set(SDKS) == set(TARGET_SDKS) == set(export.FRAMEWORK_OF)
