"""`inv history`, and that no fault of the history costs a run its report."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from errors import ConfigError
from measure import report_file
from measure.history import database, entry
from pipeline import history
from pipeline.task_options import HistoryOptions, read_since
from tests.measure.test_compare import counted
from tests.schemas import checked


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report_file, "REPORTS_DIR", tmp_path / "reports")
    return tmp_path / "reports"


def test_a_run_is_listed_as_a_table_and_as_json(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history.run(HistoryOptions())
    assert "no runs yet; ./inv deploy adds one" in capsys.readouterr().out
    report = counted(1234)
    history.record(report, "qemu-m4")
    history.record(replace(report, engine=replace(report.engine, name="\x1b[31mred\nline")), "kitchen")
    history.run(HistoryOptions())
    printed = capsys.readouterr().out
    assert "1,234 instructions" in printed
    assert "2 runs" in printed
    assert "\\x1b[31mred line" in printed
    assert "\x1b[31m" not in printed
    history.run(HistoryOptions(limit=1))
    assert "1 of 2 runs; --limit 0 shows all" in capsys.readouterr().out
    history.run(HistoryOptions(model="v9"))
    assert "no such run" in capsys.readouterr().out
    history.run(HistoryOptions(target="kitchen", json=True))
    form = checked("history", capsys.readouterr().out)
    assert [one["unit"] for one in form["runs"]] == ["kitchen"]


def test_a_damaged_history_begins_again_with_one_note(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports.mkdir()
    path = database.default_path()
    path.write_bytes(b"damaged" * 1000)
    with pytest.raises(database.DamagedError, match=r"the next run renames it and begins another"):
        history.run(HistoryOptions())
    assert path.exists(), "a list renames nothing"
    assert history.trends([]) == {}
    history.record(counted(), "qemu-m4")
    note = " ".join("".join(capsys.readouterr()).split())
    assert len(re.findall("damaged \\(", note)) == 1
    assert "another history begins" in note
    (aside,) = reports.glob("history.sqlite.damaged-*")
    assert aside.read_bytes() == b"damaged" * 1000
    assert database.find(path, database.Query())[1] == 1


def test_a_history_that_can_not_be_written_is_one_note(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database.default_path().mkdir(parents=True)
    history.record(counted(), "qemu-m4")
    note = " ".join("".join(capsys.readouterr()).split())
    assert note.count("this run is not in the history") == 1
    assert "./inv history --merge" in note


def test_reports_and_other_histories_are_merged(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report_file.write(counted(), reports / "qemu-m4" / "v1_025")
    (reports / "old" / "v1").mkdir(parents=True)
    (reports / "old" / "v1" / "report.json").write_text('{"schema": 3, "target": {}}')
    history.run(HistoryOptions(merge=reports))
    printed = " ".join("".join(capsys.readouterr()).split())
    assert "1 run added, 0 were there" in printed
    newer = "report.json: schema 3, of a newer Alpharho; this one reads 2: update it"
    assert re.search(rf"left out: 1 runs .*; the first: .*{newer}", printed)
    history.record(counted(), "qemu-m4")
    assert database.find(database.default_path(), database.Query())[1] == 1, "the report is the run"
    other = tmp_path / "other.sqlite"
    database.add(other, [entry.of(counted(), "qemu-m4"), entry.of(counted(7), "kitchen")])
    history.run(HistoryOptions(merge=other, json=True))
    form = checked("history", capsys.readouterr().out)
    assert form["merged"] == {"added": 1, "known": 1, "unreadable": 0}
    (tmp_path / "text").write_text("not a database, not a database")
    for chosen, message in (
        (HistoryOptions(merge=tmp_path / "nowhere"), "--merge .*nowhere: no such file"),
        (HistoryOptions(merge=tmp_path / "text"), "text: damaged"),
        (HistoryOptions(merge=reports / "old" / "v1" / "report.json"), newer),
        (HistoryOptions(merge=other, model="v1"), "--merge: takes all runs"),
    ):
        with pytest.raises(Exception, match=message):
            history.run(chosen)
    assert (tmp_path / "text").exists()


def test_since_is_a_date_a_time_or_how_long_ago() -> None:
    assert read_since("2026-11-01") == "2026-11-01T00:00:00Z"
    assert read_since("2026-11-01T02:30+02:00") == "2026-11-01T00:30:00Z"
    ago = datetime.now(UTC) - timedelta(days=7)
    assert abs((datetime.fromisoformat(read_since("7d")) - ago).total_seconds()) < 3600
    for text in ("yesterday", "7w", "", "0001-01-01T00:00+14:00"):
        with pytest.raises(ValueError, match="a date or time"):
            read_since(text)


def test_errors_name_the_option() -> None:
    from pipeline.options import read

    with pytest.raises(ConfigError, match="--since x: expected a date or time in UTC"):
        read(HistoryOptions, {"since": "x"})
