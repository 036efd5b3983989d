"""The commands of MLPerf Tiny's runner, on the same line as the frames."""

from __future__ import annotations

import re

import pytest

from deploy import frames
from deploy.frames import Frame, Type
from tests.deploy.fake import FakeEngine, FakeLink, expected_output


@pytest.fixture
def link() -> FakeLink:
    return FakeLink(FakeEngine(input_size=8, output_size=3))


def ask(link: FakeLink, command: str) -> list[str]:
    link.write(command.encode())
    answer = link.read(0).decode()
    assert answer.endswith("m-ready\r\n")
    return answer.split("\r\n")[:-2]


def test_name_profile_timestamp(link: FakeLink) -> None:
    assert ask(link, "name%") == ["m-name-dut-[fake]"]
    assert ask(link, "profile%") == ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[abababababab]"]
    assert re.fullmatch(r"m-lap-us-\d+", ask(link, "timestamp%")[0])


def test_load_infer_results(link: FakeLink) -> None:
    assert ask(link, "db load 8%") == ["m-[Expecting 8 bytes]"]
    assert ask(link, "db 00010203%") == []
    assert ask(link, "db 040506FF%") == ["m-load-done"]
    assert ask(link, "db print%") == ["m-buffer-00-01-02-03-04-05-06-ff"]
    answer = ask(link, "infer 5 2%")
    assert link.engine.runs == 7
    assert answer[:3] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-5"]
    assert [line[:9] for line in answer[3:5]] == ["m-lap-us-", "m-lap-us-"]
    total = sum(bytes.fromhex("00010203040506ff")) % 256
    values = ",".join(f"{((total + i) % 256 - 3) * 0.5:.3f}" for i in range(3))
    assert answer[5:] == ["m-infer-done", f"m-results-[{values}]"]
    assert ask(link, "results%") == [f"m-results-[{values}]"]


def test_pixels_become_int8(link: FakeLink) -> None:
    link.engine.inputs[0]["dtype"] = "int8"
    ask(link, "db load 8%")
    ask(link, "db 0001027f8081feff%")
    ask(link, "infer 1 0%")
    signed = bytes((pixel - 128) % 256 for pixel in bytes.fromhex("0001027f8081feff"))
    assert link.engine.output(0) == expected_output(signed, 3)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("db load 9%", "e-[Command 'db load' takes 1 to 8 bytes]"),
        ("db load%", "e-[Command 'db load' takes 1 to 8 bytes]"),
        ("db load -1%", "e-[Command 'db load' takes 1 to 8 bytes]"),
        ("db load 99999999999999999999%", "e-[Command 'db load' takes 1 to 8 bytes]"),
        ("db%", "e-[Command 'db' requires a subcommand]"),
        ("db 00%", "e-[Buffer not allocated]"),
        ("infer 0%", "e-[Inference iterations must be >0]"),
        ("infer x%", "e-[Inference iterations must be >0]"),
        ("infer 1 -1%", "e-[Inference warmup must be >=0]"),
        ("infer 1 0%", "e-[input 0 is not whole; write all 8 bytes]"),
        ("infer 70000 0%", "e-[input 0 is not whole; write all 8 bytes]"),
        ("results%", "e-[results: nothing was inferred since the last input]"),
        ("reboot now%", "e-[Unknown command: reboot]"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_runner_goes_on(link: FakeLink, command: str, answer: str) -> None:
    assert ask(link, command) == [answer]


def test_digits_beyond_what_was_announced_are_refused(link: FakeLink) -> None:
    ask(link, "db load 2%")
    assert ask(link, "db 00112233%") == ["e-[2 bytes expected, more given]"]
    assert ask(link, "db 0%") == ["e-[Invalid or missing hex digit]"]
    assert ask(link, "db zz%") == ["e-[Invalid or missing hex digit]"]
    assert ask(link, "db 0011%") == ["m-load-done"]


def test_frames_and_text_share_the_line(link: FakeLink) -> None:
    ping = Frame(Type.PING, 7, b"abc")
    link.write(b"na" + frames.encode(ping) + b"name%" + frames.encode(ping))
    items = frames.Decoder().feed(link.read(0))
    pong = Frame(Type.PING | frames.REPLY, 7, b"abc")
    assert [item for item in items if isinstance(item, Frame)] == [pong, pong]
    assert frames.Text("m-name-dut-[fake]") in items
