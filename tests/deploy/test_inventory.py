"""What is plugged in, and how it gets into bench.toml."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import target
from deploy import bench_file, inventory, ports, uf2_drives, usb_devices
from deploy.inventory import Item
from deploy.ports import Port
from errors import ConfigError

BOARDS = [target.load(name) for name in ("nucleo-f446re", "nucleo-f401re", "nrf52840-dk", "blackpill-f411", "rpi4")]
ST_LINK = Item("port", "/dev/ttyACM0", "0483:374b", "0668", "", ("nucleo-f446re", "nucleo-f401re"))
J_LINK = Item("port", "/dev/serial/by-id/usb-SEGGER", "1366:1015", "1050", "", ("nrf52840-dk",))


@pytest.fixture(autouse=True)
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench_file, "BENCH", tmp_path / "bench.toml")
    return tmp_path / "bench.toml"


def test_ports_probes_boot_loaders_and_drives_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tty").write_text("")
    monkeypatch.setattr(ports, "connected", lambda: [Port(str(tmp_path / "tty"), "0483:374b", "0668")])
    devices = [
        usb_devices.UsbDevice("0483:374b", usb_devices.ST_LINK, "0668"),
        usb_devices.UsbDevice("0483:df11", "STM32 in DFU mode"),
    ]
    monkeypatch.setattr(usb_devices, "connected", lambda: devices)
    monkeypatch.setattr(uf2_drives, "drives", lambda: [uf2_drives.Drive(tmp_path, "RPI-RP2", "Raspberry Pi RP2")])
    items = inventory.look(BOARDS)
    assert [(item.kind, item.targets) for item in items] == [
        ("port", ("nucleo-f446re", "nucleo-f401re")),
        ("probe", ()),
        ("boot loader", ("blackpill-f411",)),
        ("drive", ()),
    ]
    columns, rows = inventory.table(items)
    assert all(len(row) == len(columns) for row in rows)
    noted = [dataclasses.replace(items[3], note="mount it"), items[0]]
    assert inventory.notes(noted) == [f"{tmp_path}: mount it"]
    assert [name for name, _ in inventory.table(noted[:1])[0]] == ["", "where", "product"]


def test_a_port_that_may_not_be_opened_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "group_of", lambda device: "uucp")
    assert ports.rights_step("/dev/ttyACM0") == "sudo usermod -aG uucp $USER, then log in again"
    monkeypatch.setattr(ports, "group_of", lambda device: "root")
    assert ports.rights_step("/dev/ttyACM0").startswith("add a udev rule that gives it to the group dialout")


def test_only_what_is_certain_is_written(bench: Path) -> None:
    bench.write_text('[rpi4]\nlink = "ssh://pi@kitchen"\n')
    assert inventory.write_bench([ST_LINK, J_LINK], BOARDS) == ["nrf52840-dk"]
    assert bench_file.links_of("nrf52840-dk") == ["serial:///dev/serial/by-id/usb-SEGGER?baud=1000000"]
    assert bench_file.links_of("rpi4") == ["ssh://pi@kitchen"]
    assert inventory.write_bench([ST_LINK, J_LINK], BOARDS) == []


def test_the_wanted_board_is_written_if_one_port_may_be_it(bench: Path) -> None:
    assert inventory.write_bench([ST_LINK, J_LINK], BOARDS, "nucleo-f401re") == ["nucleo-f401re"]
    assert bench_file.links_of("nucleo-f401re") == ["serial:///dev/ttyACM0?baud=921600"]
    with pytest.raises(ConfigError, match=r"^bench.toml: has a table nucleo-f401re already; edit or remove it$"):
        inventory.write_bench([ST_LINK], BOARDS, "nucleo-f401re")
    for items, count in (([], 0), ([ST_LINK, ST_LINK], 2)):
        with pytest.raises(ConfigError, match=rf"^nucleo-f446re: expected one port that may be it, found {count} "):
            inventory.write_bench(items, BOARDS, "nucleo-f446re")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('flasher = "opencd"', "key nucleo-f446re.flasher: expected one of"),
        ("probe = 7", "key nucleo-f446re.probe: expected 1 to 200 printable characters"),
        ("link = []", "key nucleo-f446re.link: expected a URI or a list of URIs"),
        ('prob = "x"', "key nucleo-f446re.prob is not known; did you mean probe"),
    ],
)
def test_a_mistake_in_bench_toml_is_one_line(bench: Path, text: str, message: str) -> None:
    bench.write_text(f"[nucleo-f446re]\n{text}\n")
    with pytest.raises(ConfigError, match=rf"^bench.toml: {message}"):
        bench_file.unit_of("nucleo-f446re")
