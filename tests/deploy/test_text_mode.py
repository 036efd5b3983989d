"""The commands of MLPerf Tiny's runner, on the same line as the frames: the vectors that the firmware passes too."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from deploy import frames
from deploy.agent.text_mode import three_decimals
from deploy.agents import agent_arguments
from deploy.frames import Frame, Type
from tests.deploy import fake
from tests.deploy.fake import FakeEngine, FakeLink, expected_output

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "text.json").read_text())
CASES = [case for case in VECTORS["cases"] if case["input_preserved"]]  # the agent's engines keep their input


class VectorEngine(FakeEngine):
    """The engine of the vectors: int8 pictures of 10x10x2, ten outputs with scale 0.5 and zero point -3."""

    def __init__(self) -> None:
        super().__init__(200, 10)
        self.inputs[0] |= {"dtype": "int8", "shape": [1, 10, 10, 2]}
        self.outputs[0] |= {"dtype": "int8", "zero_point": -3}


@pytest.fixture
def link() -> FakeLink:
    return FakeLink(FakeEngine(input_size=8, output_size=3))


def ask(link: FakeLink, command: str) -> list[str]:
    link.write(command.encode())
    answer = link.read(0).decode()
    assert answer.endswith("m-ready\r\n")
    return answer.split("\r\n")[:-2]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_vectors(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake.IDENTITY, "board", "board")
    monkeypatch.setitem(fake.IDENTITY, "model", "network")
    monkeypatch.setattr(time, "monotonic_ns", lambda: VECTORS["device"]["microseconds"] * 1000)
    link = FakeLink(VectorEngine())
    for command, lines in case["exchange"]:
        assert ask(link, f"{command}%") == lines, command


def test_a_model_without_a_name_is_called_by_its_hash(link: FakeLink) -> None:
    assert ask(link, "profile%")[1] == f"m-model-[{fake.SHA256[:12]}]"


def test_the_agent_gets_the_models_name_as_firmware_prints_it() -> None:
    arguments = agent_arguments("host", "m.tflite", "r", name="vww 01\n[é]")
    assert arguments[arguments.index("--model-name") + 1] == "vww_01____"


def test_timestamps_are_microseconds(link: FakeLink) -> None:
    before = time.monotonic_ns() // 1000
    first = ask(link, "timestamp%")[0]
    assert re.fullmatch(r"m-lap-us-\d+", first)
    assert before <= int(first.removeprefix("m-lap-us-")) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize(
    ("dtype", "shape", "offset"),
    [("int8", [1, 2, 2, 2], 128), ("int8", [1, 4, 2, 1], 0), ("int8", [1, 8], 0), ("uint8", [1, 2, 2, 2], 0)],
)
def test_only_int8_pictures_lose_128(link: FakeLink, dtype: str, shape: list[int], offset: int) -> None:
    link.engine.inputs[0] |= {"dtype": dtype, "shape": shape}
    ask(link, "db load 8%")
    ask(link, "db 0001027f8081feff%")
    ask(link, "infer 1 0%")
    stored = bytes((pixel - offset) % 256 for pixel in bytes.fromhex("0001027f8081feff"))
    assert link.engine.output(0) == expected_output(stored, 3)


def test_the_engine_runs_as_often_as_requested(link: FakeLink) -> None:
    ask(link, "db load 8%")
    ask(link, "db 0001020304050607%")
    ask(link, "infer 5 2%")
    assert link.engine.runs == 7


def test_a_failed_inference_has_a_reason_and_no_result(link: FakeLink) -> None:
    ask(link, "db load 8%")
    ask(link, "db 0001020304050607%")
    link.engine.fails = "index out\nof bounds"
    assert ask(link, "infer 1 1%") == ["m-warmup-start-1", "e-[infer: the inference failed: index out of bounds]"]
    assert ask(link, "results%") == ["e-[results: nothing was inferred since the last input]"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"), (-0.0004, "0.000"), (-0.0006, "-0.001"), (0.0005, "0.001"), (12.3456, "12.346"),
        (1e30, "4294967.295"), (-1e39, "-4294967.295"), (float("nan"), "4294967.295"),
    ],
)  # fmt: skip
def test_results_have_three_decimals(value: float, text: str) -> None:
    assert three_decimals(value) == text


def test_frames_and_text_share_the_line(link: FakeLink) -> None:
    ping = Frame(Type.PING, 7, b"abc")
    link.write(b"na" + frames.encode(ping) + b"name%" + frames.encode(ping))
    items = frames.Decoder().feed(link.read(0))
    pong = Frame(Type.PING | frames.REPLY, 7, b"abc")
    assert [item for item in items if isinstance(item, Frame)] == [pong, pong]
    assert frames.Text("m-name-dut-[fake]") in items
