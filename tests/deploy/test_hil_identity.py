"""`inv hil` tests no device that is not the target's board, unless that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import process
import target
from artifact import Artifact, ImageFacts
from deploy.board_state import BoardState
from deploy.flash_tool import OtherChip
from deploy.identity import differences
from device_tests import conftest, run
from errors import DeployError, DeviceError
from pipeline.device_test import arguments_of
from pipeline.task_requests import TestRequest

HERE = BoardState(architecture="x86_64", cpu="a CPU")


@dataclass
class Session:
    """A session with a Linux board that is none of ours."""

    info: Any = None

    def board(self) -> BoardState:
        return HERE


def test_another_board_ends_the_run() -> None:
    board, session = target.load("rpi4"), Session()
    with pytest.raises(pytest.exit.Exception) as ended:
        conftest._mismatches(board, session, False)  # type: ignore[arg-type]
    assert ended.value.returncode == run.OTHER_BOARD
    assert "rpi4: the device is another board (machine: expected aarch64, received x86_64" in str(ended.value)
    assert "--allow-mismatch" in str(ended.value)
    allowed = conftest._mismatches(board, session, True)  # type: ignore[arg-type]
    assert allowed == differences(board, None, HERE)  # type: ignore[arg-type]
    assert len(allowed) >= 2


@pytest.mark.parametrize(
    ("error", "ending"),
    [(OtherChip("another chip is there"), pytest.exit.Exception), (DeployError("x"), pytest.skip.Exception)],
)
def test_another_chip_ends_the_run_and_is_not_a_skip(
    error: Exception, ending: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(conftest, "_device", refuse)
    with pytest.raises(ending) as ended:
        conftest._flashed(target.load("nucleo-f446re"), None, None)  # type: ignore[arg-type]
    assert getattr(ended.value, "returncode", None) in (None, run.OTHER_BOARD)


def test_the_task_says_why_nothing_was_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def show(command: list[str], **_: Any) -> int:
        commands.append(command)
        return run.OTHER_BOARD

    monkeypatch.setattr(process, "show", show)
    model = Artifact(tmp_path / "net.tflite", "litert", "net", "ab", ImageFacts("ab", {}))
    options = arguments_of(TestRequest(allow_mismatch=True))
    inputs, junit = np.zeros((1, 4), np.int8), tmp_path / "hil.xml"
    order = run.Order(target.load("host"), "litert", model, model, inputs, None, junit)
    with pytest.raises(DeviceError, match="host: the device is another board, nothing was tested; see above"):
        run.run(order, options)
    assert "--allow-mismatch" in commands[0]
