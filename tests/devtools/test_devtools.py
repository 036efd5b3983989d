"""The checks of `inv test` all run and say which failed; the lock is made with no setting of this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import process
from artifact import ROOT
from devtools import checks, lock
from errors import Error
from tests.schemas import checked


def exits(code: int) -> list[str]:
    return [sys.executable, "-c", f"raise SystemExit({code})"]


def test_a_failed_check_does_not_hide_the_next(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "FUZZING", exits(1))
    speaks = [sys.executable, "-c", "print('of pytest'); raise SystemExit(5)"]
    run = {"first": exits(1), "second": exits(0), "pytest": speaks}
    monkeypatch.setattr(checks, "commands", lambda pytest_arguments: run)
    with pytest.raises(Error, match=r"^failed: first, pytest, fuzzing; "):
        checks.run()
    shown = capfd.readouterr().out
    for line in ("== first: failed", "== second: passed", "of pytest", "== pytest: failed"):
        assert line in shown
    with pytest.raises(Error, match=r"^failed: first, pytest; "):
        checks.run(["-x"], as_json=True)
    printed = capfd.readouterr()
    passed = {"first": False, "second": True, "pytest": False}
    assert checked("test", printed.out) == [{"check": name, "passed": ended} for name, ended in passed.items()]
    assert "== second: passed" in printed.err
    assert "of pytest" in printed.err


def test_the_output_of_checks_that_run_together_stays_apart(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The first ends after the second, for which it waits."""
    waits = "import pathlib, time\nwhile not pathlib.Path('x').exists(): time.sleep(0.01)\nprint('of the first')"
    touches = "import pathlib; print('of the second'); pathlib.Path('x').touch()"
    run = {name: [sys.executable, "-c", code] for name, code in (("first", waits), ("second", touches))}
    monkeypatch.setattr(checks, "commands", lambda pytest_arguments: run)
    monkeypatch.setattr(checks, "FUZZING", [])
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    checks.run()
    lines = [line.partition(": passed")[0] for line in capfd.readouterr().out.splitlines()]
    assert lines == ["== first", "of the first", "== first", "== second", "of the second", "== second"]


def test_all_passed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "FUZZING", [])
    monkeypatch.setattr(checks, "commands", lambda pytest_arguments: {"only": exits(0)})
    checks.run()


def test_the_whole_suite_has_the_fuzzing_beside_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "commands", lambda pytest_arguments: {"only": exits(0)})
    monkeypatch.setattr(checks, "FUZZING", [sys.executable, "-c", "print('reports: 1 input'); raise SystemExit(1)"])
    checks.run(["-k", "x"])
    assert "fuzzing" not in capfd.readouterr().out
    with pytest.raises(Error, match=r"^failed: fuzzing; "):
        checks.run()
    shown = capfd.readouterr().out
    assert shown.index("== only: passed") < shown.index("== fuzzing\nreports: 1 input\n== fuzzing: failed in ")


def test_pytest_is_last_and_has_its_arguments() -> None:
    commands = checks.commands(["-k", "a b"])
    assert list(commands)[:3] == ["ruff check", "ruff format", "mypy"]
    assert list(commands)[-1] == "pytest"
    assert commands["pytest"][-3:] == ["pytest", "-k", "a b"]
    assert checks.commands()["pytest"][-len(checks.WHOLE_SUITE) :] == list(checks.WHOLE_SUITE)


def test_c_sources_are_those_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "clang-format" in checks.commands()
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    assert "clang-format" not in checks.commands()
    (tmp_path / "firmware" / "app").mkdir(parents=True)
    for name in ("main.c", "port.h", "notes.md"):
        (tmp_path / "firmware" / "app" / name).write_text("")
    assert checks.c_sources() == ["firmware/app/main.c", "firmware/app/port.h"]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what pip-compile is called with, in place of a call of it."""
    seen: dict[str, Any] = {"code": 0, "commands": []}

    def show(command: list[str], **options: Any) -> int:
        seen.update(options)
        seen["commands"].append(command)
        return int(seen["code"])

    monkeypatch.setattr(process, "show", show)
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    return seen


def test_the_lock_takes_no_setting_of_this_machine(called: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "somewhere")
    monkeypatch.setenv("PIP_CONSTRAINT", "constraints.txt")
    lock.lock()
    assert not {"PIP_FIND_LINKS", "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL"} & set(called["environment"])
    assert called["environment"]["PIP_CONFIG_FILE"] == "/dev/null"
    whole, light, cmake = called["commands"]
    assert {"--extra=dev", "--extra=keras", "--output-file=requirements-keras.lock"} <= set(whole)
    assert {"--constraint=requirements-keras.lock", "--output-file=requirements.lock"} <= set(light)
    assert "--output-file=requirements-cmake.lock" in cmake
    assert all({"--generate-hashes", "--no-emit-index-url"} <= set(command) for command in called["commands"])
    assert "--upgrade" not in whole + cmake
    assert called["folder"] == ROOT


def test_the_lock_takes_the_newest_when_asked(called: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    lock.run(upgrade=True, as_json=True)
    assert all("--upgrade" in command for command in called["commands"])
    assert called["output"] is sys.stderr
    names = [Path(path).name for path in checked("lock", capsys.readouterr().out)["locks"]]
    assert names == ["requirements.lock", "requirements-keras.lock", "requirements-cmake.lock"]


def test_the_lock_is_made_with_the_oldest_python(called: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    with pytest.raises(Error, match=r"made with Python 3.11, this is 3.13"):
        lock.lock()
    assert not called["commands"]


def test_what_can_not_be_resolved_is_one_line(called: dict[str, Any]) -> None:
    called["code"] = 2
    with pytest.raises(Error, match="could not be resolved"):
        lock.lock()
