"""The serial port over Telnet: its commands in bytes, and the link to a server that answers as ser2net does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.links import make_link
from deploy.links.rfc2217 import Rfc2217Link
from deploy.links.telnet import (
    BINARY,
    COM_PORT,
    DO,
    DONT,
    ECHO,
    IAC,
    SB,
    SE,
    SUPPRESS,
    WILL,
    WONT,
    Codec,
    encode,
    hello,
    set_port,
)
from errors import LinkError

BAUD = 921600
GRANTED = bytes([IAC, DO, COM_PORT, IAC, WILL, BINARY, IAC, DO, BINARY, IAC, WILL, SUPPRESS, IAC, DO, SUPPRESS])


def answer(command: int, value: bytes) -> bytes:
    return bytes([IAC, SB, COM_PORT, command + 100]) + encode(value) + bytes([IAC, SE])


def answers(baud: int = BAUD) -> bytes:
    values = {1: baud.to_bytes(4, "big"), 2: b"\x08", 3: b"\x01", 4: b"\x01", 5: b"\x01"}
    return GRANTED + b"".join(answer(command, value) for command, value in values.items())


def parts(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    yield from (data[a:b] for a, b in pairwise(places))


@given(st.binary(max_size=300), st.lists(st.integers(0, 1000), max_size=20))
def test_any_bytes_pass_in_any_parts(data: bytes, cuts: list[int]) -> None:
    codec = Codec("line")
    sent = encode(data[:150]) + answers() + encode(data[150:])
    assert b"".join(codec.decode(part) for part in parts(sent, cuts)) == data
    assert codec.is_ready
    assert codec.baud == BAUD
    assert not codec.answer


@given(st.lists(st.sampled_from([IAC, SB, SE, DO, WILL, WONT, DONT, COM_PORT, 0, 65]), max_size=200))
def test_any_commands_end_without_an_exception(commands: list[int]) -> None:
    codec = Codec("line")
    for value in commands:
        codec.decode(bytes([value]))


def test_bytes_of_255_are_doubled() -> None:
    assert encode(b"\xff\x00\xff\xff") == b"\xff\xff\x00\xff\xff\xff\xff"
    # A speed of 0x0000ff00 baud has a byte of 255 in a command.
    assert bytes([IAC, SB, COM_PORT, 1, 0, 0, 255, 255, 0, IAC, SE]) in set_port(0xFF00)
    codec = Codec("line")
    codec.decode(answer(1, (0xFF00).to_bytes(4, "big")))
    assert codec.baud == 0xFF00


def test_what_was_not_asked_for_is_refused_and_the_rest_not_answered() -> None:
    codec = Codec("line")
    assert codec.decode(bytes([IAC, WILL, ECHO, IAC, DO, 31]) + GRANTED + bytes([IAC, 241]) + b"x") == b"x"
    assert bytes(codec.answer) == bytes([IAC, DONT, ECHO, IAC, WONT, 31])


def test_a_command_without_end_is_not_kept() -> None:
    codec = Codec("line")
    with pytest.raises(LinkError, match="a command has no end; for a plain port use tcp://"):
        codec.decode(bytes([IAC, SB]) + b"x" * 5000)


@contextmanager
def server(*talks: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection after the other, each by its talk, then refuse."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for talk in talks:
                line, _ = listener.accept()
                with line, suppress(ConnectionError):  # a client that closes with bytes unread resets it
                    talk(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def take(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        assert more
        data += more
    return data


def echo_once(line: socket.socket) -> None:
    take(line, len(hello() + set_port(BAUD)))
    line.sendall(b"boot\xff\xff" + answers() + b"ready")
    size = len(encode(bytes(range(256))))
    line.sendall(take(line, size))
    line.recv(1)


def test_a_port_is_set_and_every_byte_passes_both_ways() -> None:
    with server(echo_once) as port:
        link = make_link(f"rfc2217://127.0.0.1:{port}?baud={BAUD}")
        assert isinstance(link, Rfc2217Link)
        assert link.bytes_per_s == BAUD / 10
        link.open()
        link.open()
        link.write(bytes(range(256)))
        got = b""
        while len(got) < len(b"boot\xffready") + 256:
            got += link.read(30)
        assert got == b"boot\xffready" + bytes(range(256))
        link.close()
        link.close()


def refuse_com_port(line: socket.socket) -> None:
    line.sendall(bytes([IAC, DONT, COM_PORT]))
    line.recv(1 << 10)
    line.recv(1 << 10)


def other_speed(line: socket.socket) -> None:
    line.sendall(answers(115200))
    line.recv(1 << 10)
    line.recv(1 << 10)


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (refuse_com_port, "no RFC 2217 server answers there; if it is a raw port, use tcp://"),
        (other_speed, r"the port runs at 115200 baud; say so with \?baud=115200"),
    ],
)
def test_a_port_that_is_not_as_asked_for_is_one_line(talk: Callable[[socket.socket], None], message: str) -> None:
    with server(talk) as port:
        link = make_link(f"rfc2217://127.0.0.1:{port}?baud={BAUD}")
        with pytest.raises(LinkError, match=message) as error:
            link.open()
    assert "\n" not in str(error.value)


def test_a_port_that_the_last_connection_still_has_is_tried_again() -> None:
    with server(lambda line: None, echo_once) as port:
        link = make_link(f"rfc2217://127.0.0.1:{port}?baud={BAUD}")
        link.open()
        assert link.read(30).startswith(b"boot\xff")
        link.write(bytes(range(256)))
        link.close()
