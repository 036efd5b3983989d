"""The text commands of firmware: MLPerf Tiny's runner, vectors, and the same answers as the agent's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.agent.server import Server
from deploy.agent.text_mode import MAX_INFERENCES
from deploy.frames import REPLY, Decoder, Frame, Text, Type, encode
from tests.deploy.fake import FakeLink
from tests.deploy.test_text_mode import VectorEngine
from tests.firmware.device_driver import INPUT, OUTPUT, OVERWRITES_ONE, PRESERVES_ONE, driver
from tests.firmware.driver import Driver

__all__ = ["driver"]  # fixtures


TEXT_VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "text.json").read_text())


def say(driver: Driver, network: bytes, *commands: str) -> list[str]:
    """Return the lines that answer text commands."""
    lines = driver(network + "".join(f"{c}%" for c in commands).encode()).decode()
    assert lines.count("\n") == lines.count("\r\n")
    assert lines.endswith("m-ready\r\n")
    return lines.splitlines()


def test_the_runner_of_mlperf_tiny_gets_its_answers(driver: Driver) -> None:
    pixels = bytes((b + 128) & 0xFF for b in INPUT)  # the device takes 128 off
    load = ["db load 200"] + [f"db {pixels[at : at + 31].hex()}" for at in range(0, 200, 31)]
    answers = say(driver, OVERWRITES_ONE, "name", "profile", "timestamp", *load, "infer 2 1", "results")
    values = ",".join(f"{0.5 * (int.from_bytes(OUTPUT[j : j + 1], signed=True) + 3):.3f}" for j in range(10))
    assert answers == [
        "m-name-dut-[board]", "m-ready",
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[network]", "m-ready",
        "m-lap-us-1234567", "m-ready",
        "m-[Expecting 200 bytes]", "m-ready", *["m-ready"] * 6, "m-load-done", "m-ready",
        "m-warmup-start-1", "m-warmup-done", "m-infer-start-2", "m-lap-us-1234567", "m-lap-us-1234567", "m-infer-done",
        f"m-results-[{values}]", "m-ready",
        f"m-results-[{values}]", "m-ready",
    ]  # fmt: skip


@pytest.mark.parametrize("case", TEXT_VECTORS["cases"], ids=lambda case: str(case["name"]))
def test_text_vectors(driver: Driver, case: dict[str, Any]) -> None:
    network = PRESERVES_ONE if case["input_preserved"] else OVERWRITES_ONE
    expected = [line for _, lines in case["exchange"] for line in [*lines, "m-ready"]]
    assert say(driver, network, *(command for command, _ in case["exchange"])) == expected


def test_what_was_loaded_is_printed(driver: Driver) -> None:
    *_, first, second, ready = say(driver, PRESERVES_ONE, "db load 9", "db 000102030405060708", "db print")
    assert (first, second, ready) == ("m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08", "m-ready")
    assert say(driver, PRESERVES_ONE, "db load 9", "db 0001020304", "db print 2 3")[-2:] == [
        "m-buffer-03-04",
        "m-ready",
    ]


@pytest.mark.parametrize(
    "commands",
    [
        ["db load 201"], ["db load 0"], ["db load"], ["db load x"], ["db load 99999999999999999999"], ["db load -1"],
        ["db"], ["db 00"], ["db load 2", "db 0"], ["db load 2", "db 0g"], ["db load 2", "db 0001", "db 02"],
        ["db print 1 1"], ["infer"], ["infer 0"], ["infer 1 -1"], ["infer 99999999999"], ["results"], ["nonsense"],
        ["db load 199", f"db {'00' * 90}", f"db {'00' * 90}", f"db {'00' * 19}", "infer 1 0"], ["x" * 201],
    ],
)  # fmt: skip
def test_a_wrong_command_is_answered_with_an_error(driver: Driver, commands: list[str]) -> None:
    *_, message, ready = say(driver, PRESERVES_ONE, *commands)
    assert message.startswith("e-[")
    assert ready == "m-ready"


def test_digits_past_the_end_are_dropped(driver: Driver) -> None:
    answers = say(driver, PRESERVES_ONE, "db load 2", "db 00010203", "db print")
    assert answers[2:] == ["m-load-done", "m-ready", "m-buffer-00-01", "m-ready"]


def test_text_and_frames_share_the_line(driver: Driver) -> None:
    ping = Frame(Type.PING, 3, b"x")
    items = Decoder().feed(driver(PRESERVES_ONE + b"name%" + encode(ping) + b"name%\r\n" + encode(ping)))
    name = [Text("m-name-dut-[board]"), Text("m-ready")]
    reply = ping._replace(type=Type.PING | REPLY)
    assert items == [*name, reply, *name, reply]


WORDS = (
    "name", "profile", "timestamp", "db", "load", "print", "infer", "results", "0", "1", "2", "9", "199", "200", "201",
    "0200", "-1", "1e2", "4294967297", "00", "0f", "FF", "zz", "000", "0x00", "x" * 40, "00" * 90, "a5" * 33,
)  # fmt: skip
BETWEEN = (" ", "  ", "\t", "\r\n", "")


def runs_long(command: str) -> bool:
    """Whether a command may infer for seconds."""
    return any(10_000 < int(word) <= MAX_INFERENCES for word in command.split() if word.isascii() and word.isdigit())


COMMANDS = st.lists(
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN)).map("".join), max_size=4).map("".join)
    | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
    | st.sampled_from(BETWEEN),
    min_size=1,
    max_size=12,
).map(lambda commands: [c for c in commands if len(c) <= 200 and not runs_long(c)])
LOAD = ["db load 200", *(f"db {INPUT[at : at + 50].hex()}" for at in range(0, 200, 50))]


@given(st.sampled_from([[], LOAD]), COMMANDS)
def test_the_agent_answers_any_commands_as_the_firmware_does(
    driver: Driver, first: list[str], others: list[str]
) -> None:
    commands = ["name", *first, *others]
    link = FakeLink(VectorEngine())
    link.server = Server(VectorEngine(), {"board": "board", "firmware": "", "model": "network"}, link.answer)
    link.write("".join(f"{command}%" for command in commands).encode())
    answers = re.sub(r"m-lap-us-\d+", "m-lap-us-1234567", link.read(0).decode()).splitlines()
    assert answers == say(driver, PRESERVES_ONE, *commands)
