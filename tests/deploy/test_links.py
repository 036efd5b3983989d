"""Links: what a URI says, and what happens when the other end is absent, taken, or gone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.links import Link, make_link, open_link
from deploy.links.lossy import Faults, LossyLink
from deploy.links.process import ProcessLink
from deploy.links.serial_line import SerialLink
from deploy.links.tcp import TcpLink
from errors import LinkError
from tests.deploy.fake import FakeLink

BIG = bytes(range(256)) * 8000


def read_all(link: Link, size: int) -> bytes:
    data = b""
    limit = time.monotonic() + 60
    while len(data) < size and time.monotonic() < limit:
        data += link.read(0.5)
    return data


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "expected serial:///dev/ttyACM0"),
        ("/dev/ttyACM0", "expected serial:///dev/ttyACM0"),
        ("serial:/dev/ttyACM0", "expected serial:///dev/ttyACM0"),
        ("serail:///dev/ttyACM0", "no link serail://; did you mean serial?"),
        ("usb://x", "no link usb://; known: rfc2217, serial, tcp"),
        ("exec:", "started by its target"),
        ("serial://dev/ttyACM0", "expected three slashes"),
        ("serial://", "expected three slashes"),
        ("serial:///dev/x?baud=fast", "baud is a whole number from 300 to 12000000, got fast"),
        ("serial:///dev/x?baud=", "baud is a whole number .* got nothing"),
        ("serial:///dev/x?baud=12", "baud is a whole number"),
        ("serial:///dev/x?baud=99999999999999999999", "baud is a whole number"),
        ("serial:///dev/x?baud=9600&baud=9600", "given twice"),
        ("serial:///dev/x?bold=9600", "no option bold; did you mean baud"),
        ("serial:///dev/x?baud", "name=value"),
        ("serial:///dev/x#1", "nothing may follow #"),
        ("tcp://", "expected tcp://HOST:PORT"),
        ("tcp://localhost", "expected tcp://HOST:PORT"),
        ("tcp://:5000", "expected tcp://HOST:PORT"),
        ("tcp://localhost:70000", "port from 1 to 65535"),
        ("tcp://localhost:x", "port from 1 to 65535"),
        ("tcp://localhost:0", "port from 1 to 65535"),
        ("tcp://localhost:5000/x", "expected tcp://HOST:PORT"),
        ("tcp://me@localhost:5000", "expected tcp://HOST:PORT"),
        ("tcp://localhost:5000?x=1", "no option x; known: via"),
        ("tcp://localhost:5000?via=", "via is the host that reaches the port"),
        ("rfc2217://localhost", "expected rfc2217://HOST:PORT"),
        ("rfc2217://localhost:5000?baud=fast", "baud is a whole number"),
        ("labgrid://desk-1", "a place of a lab is taken for a whole run"),
        ("tcp://[::1:5000", "not a URI"),
    ],
)
def test_each_mistake_in_a_uri_is_one_line(uri: str, message: str) -> None:
    with pytest.raises(LinkError, match=message) as error:
        make_link(uri)
    assert "\n" not in str(error.value)
    assert uri in str(error.value)


def test_a_good_uri_is_its_link() -> None:
    serial = make_link("serial:///dev/ttyACM0?baud=115200")
    assert isinstance(serial, SerialLink)
    assert (serial.device, serial.baud) == ("/dev/ttyACM0", 115200)
    assert isinstance(make_link("tcp://[::1]:5000"), TcpLink)


@pytest.fixture
def echo_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    if data == b"close":
                        return
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]


def test_tcp_carries_more_than_its_buffers_hold(echo_port: int) -> None:
    link = open_link(f"tcp://127.0.0.1:{echo_port}")
    link.write(BIG)
    assert read_all(link, len(BIG)) == BIG
    assert link.read(0.01) == b""
    link.write(b"close")
    with pytest.raises(LinkError, match="device closed the connection"):
        read_all(link, 1)
    link.close()
    link.close()
    with pytest.raises(LinkError, match="is closed"):
        link.read(0)


def test_tcp_to_a_closed_port_is_an_error() -> None:
    with socket.socket() as taken:  # nothing else gets the port, and nothing listens there
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(LinkError, match=f"tcp://127.0.0.1:{port}: nothing listens there"):
            open_link(f"tcp://127.0.0.1:{port}")


def test_tcp_to_an_unknown_host_is_an_error() -> None:
    with pytest.raises(LinkError, match="can't connect"):
        open_link("tcp://no-such-host.invalid:5000")


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    with contextlib.suppress(OSError):
        os.close(master)


def test_serial_carries_all_bytes_both_ways(terminal: tuple[int, str]) -> None:
    master, path = terminal
    link = open_link(f"serial://{path}?baud=115200")
    data = bytes(range(256))
    link.write(data)
    assert os.read(master, 1000) == data
    os.write(master, data)
    assert read_all(link, 256) == data
    assert link.read(0.01) == b""
    link.close()


def test_serial_port_in_use_is_an_error(terminal: tuple[int, str]) -> None:
    _, path = terminal
    first = open_link(f"serial://{path}")
    with pytest.raises(LinkError, match="taken by another program"):
        open_link(f"serial://{path}")
    first.close()
    open_link(f"serial://{path}").close()


def test_serial_that_is_absent_lists_what_is_there() -> None:
    with pytest.raises(LinkError, match=r"/dev/no-such-port: no such serial port; (connected|none)"):
        open_link("serial:///dev/no-such-port")


def test_serial_port_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LinkError, match="no serial port"):
        open_link(f"serial://{tmp_path / 'file'}")


def test_serial_port_pulled_out_is_an_error(terminal: tuple[int, str]) -> None:
    master, path = terminal
    link = open_link(f"serial://{path}")
    os.close(master)
    with pytest.raises(LinkError, match="serial line lost"):
        read_all(link, 1)
    link.close()


def python(code: str) -> ProcessLink:
    return ProcessLink([sys.executable, "-c", code], name="exec:test")


def test_process_carries_more_than_its_pipes_hold() -> None:
    link = ProcessLink(["cat"])
    link.open()
    link.write(BIG)
    assert read_all(link, len(BIG)) == BIG
    link.close()


def test_error_of_a_process_that_dies_has_its_last_output() -> None:
    link = python("import sys; print('first', file=sys.stderr); print('no model', file=sys.stderr); sys.exit(3)")
    link.open()
    with pytest.raises(LinkError, match="exec:test: the process ended with exit code 3; last output: no model"):
        read_all(link, 1)
    assert list(link.stderr) == ["first", "no model"]
    link.close()


def test_process_that_is_killed_names_the_signal() -> None:
    link = python("import time; time.sleep(60)")
    link.open()
    assert link.pid is not None
    os.kill(link.pid, signal.SIGKILL)
    with pytest.raises(LinkError, match="was killed by SIGKILL"):
        read_all(link, 1)
    link.close()


def test_writing_to_a_dead_process_is_an_error() -> None:
    link = python("pass")
    link.open()
    with pytest.raises(LinkError, match="ended with exit code 0"):
        link.write(BIG)
    link.close()


def test_missing_program_is_an_error() -> None:
    with pytest.raises(LinkError, match=r"^exec:no-such-program: no-such-program: not found; install it"):
        ProcessLink(["no-such-program"]).open()


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it may end between any two looks at it
        return False


def test_process_that_does_not_leave_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.links.process.CLOSE_TIMEOUT_S", 0.2)
    link = python(
        "import subprocess, sys, time, os\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "os.write(1, b'%d\\n' % child.pid)\n"
        "time.sleep(60)"
    )
    link.open()
    child = int(link.read(60))
    link.close()
    assert link.pid is None
    limit = time.monotonic() + 60
    while is_running(child) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not is_running(child)


def test_lossy_link_does_the_same_for_the_same_seed_and_nothing_at_zero() -> None:
    def spoiled(seed: int, faults: Faults) -> bytes:
        return LossyLink(FakeLink(), faults, seed)._spoil(BIG[:50_000])

    often = Faults(0.1, 0.1, 0.1, 0.0, 0.1)
    assert spoiled(1, often) == spoiled(1, often) != spoiled(2, often)
    assert spoiled(1, Faults(0, 0, 0, 0, 0)) == BIG[:50_000]
