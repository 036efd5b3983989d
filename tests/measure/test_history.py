"""The history of runs: what is kept and found, in what order, and what a damaged, locked or newer file does."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from measure.history import database, entry, trend
from measure.history.database import DamagedError, Query
from measure.history.entry import HistoryError, Kept
from measure.page import html, runs
from measure.report import Report
from tests.measure.test_compare import RUN, counted

MANY = 10_000


def run(number: int = 0, unit: str = "qemu-m4", model: str = "v1_025", **other: object) -> Kept:
    report = counted(1000.0 + number)
    time = f"2026-01-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    report = replace(report, provenance=replace(report.provenance, created=time))
    return entry.of(replace(report, model=replace(report.model, name=model), **other), unit)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "history.sqlite"


def latencies(path: Path, query: Query) -> list[float | None]:
    return [one.latency for one in database.find(path, query)[0]]


def test_runs_come_back_as_they_were_the_newest_first(path: Path) -> None:
    assert database.find(path, Query()) == ([], 0)
    assert not path.exists()
    first, second, other = run(1), run(2), run(3, "kitchen", "v2_035")
    assert database.add(path, [second, first, other]) == 3
    assert database.add(path, [first]) == 0, "a run is there once"
    assert database.find(path, Query()) == ([other.entry, second.entry, first.entry], 3)
    assert database.find(path, Query(limit=1)) == ([other.entry], 3)
    assert latencies(path, Query(model="v1_025")) == [1002, 1001]
    assert latencies(path, Query(target="kitchen")) == [1003], "a unit"
    assert latencies(path, Query(target="qemu-m4")) == [1003, 1002, 1001], "a target, whatever its unit"
    assert latencies(path, Query(model="v1_025", since="2026-01-01T00:02:00Z")) == [1002]
    with closing(sqlite3.connect(path)) as file:
        ((text,),) = file.execute("SELECT report FROM runs WHERE digest = ?", (first.entry.digest,)).fetchall()
    assert json.loads(text)["latency"]["median"] == 1001


def test_what_is_not_measured_is_none_and_another_board_is_said() -> None:
    bare = entry.of(replace(counted(), latency=None, accuracy=None, auc=None, memory={}), "u").entry
    assert (bare.latency, bare.latency_unit, bare.accuracy, bare.ram, bare.flash) == (None,) * 5
    assert entry.of(RUN, "rpi4").entry.warning == entry.OTHER_BOARD
    assert entry.of(counted(), "a").entry.digest != entry.of(counted(), "b").entry.digest


def test_ten_thousand_runs_are_found_by_an_index(path: Path) -> None:
    database.add(path, [run()])
    others = ", ".join(name for name in database.COLUMNS if name not in ("digest", "created", "model"))
    with closing(sqlite3.connect(path)) as file, file:
        sql = [
            "INSERT INTO runs (digest, created, model,", others, ", report)",
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1)",
            "SELECT printf('%064d', i), printf('%020d', i), 'm' || (i % 50),", others, ", '{}' FROM n, runs",
        ]  # fmt: skip
        file.execute(" ".join(sql), (MANY,))
    found, count = database.find(path, Query(model="m7", limit=3))
    assert count == MANY / 50
    assert [one.created for one in found] == [f"{i:020}" for i in (9957, 9907, 9857)]
    queries = (Query(limit=20), Query(model="m7"), Query(target="qemu-m4"), Query("m7", "qemu-m4", "2026", 5))
    with closing(sqlite3.connect(path)) as file:
        for query in queries:
            statement = database.statement(query)
            rows = file.execute(f"EXPLAIN QUERY PLAN {statement}", ["x"] * statement.count("?"))
            plan = [row[3] for row in rows]
            assert any("INDEX runs_by" in step for step in plan), plan
            assert not any(step == "SCAN runs" for step in plan), plan


def test_several_runs_write_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 300.0)
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda i: database.add(path, [run(i)]), range(24)))
    assert added == [1] * 24
    assert database.find(path, Query())[1] == 24


def test_a_merge_adds_what_is_not_there_and_done_twice_nothing(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other ?#.sqlite"
    database.add(path, [run(1), run(2)])
    database.add(other, [run(2), run(3, model="<b>"), run(4), run(5)])
    with closing(sqlite3.connect(other)) as file, file:
        file.execute("UPDATE runs SET report = '{' WHERE latency = 1004")
        file.execute("UPDATE runs SET unit = 'changed' WHERE latency = 1005")
    before = other.read_bytes()
    assert database.merge(path, other) == database.Merged(1, 1, 2)
    assert database.merge(path, other) == database.Merged(0, 2, 2)
    assert latencies(path, Query()) == [1003, 1002, 1001]
    assert other.read_bytes() == before
    with pytest.raises(HistoryError, match="is the history itself"):
        database.merge(path, path)


def test_a_newer_or_locked_history_is_an_error_and_stays_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database.add(path, [run(1)])
    monkeypatch.setattr(database, "BUSY_S", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match=r"history\.sqlite: another program has locked it") as caught:
            database.add(path, [run(2)])
        assert not isinstance(caught.value, DamagedError)
        file.execute("COMMIT")
        file.execute("PRAGMA user_version = 2")
    before = path.read_bytes()
    for action in (lambda: database.add(path, [run(2)]), lambda: database.find(path, Query())):
        with pytest.raises(HistoryError, match="version 2, of a newer Alpharho; this one reads 1") as caught:
            action()
        assert not isinstance(caught.value, DamagedError)
    assert path.read_bytes() == before


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE runs (x)")


def without_a_column(path: Path) -> None:
    database.add(path, [run(1)])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("ALTER TABLE runs RENAME COLUMN ram TO rom")


def overwritten(path: Path) -> None:
    database.add(path, [run(i) for i in range(50)])
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"x" * 5000), foreign, without_a_column, overwritten],
    ids=["no database", "another program's", "a missing column", "zeros"],
)  # fmt: skip
def test_a_damaged_history_is_renamed_with_its_journal_once(damage: object, path: Path) -> None:
    path.parent.mkdir()
    damage(path)  # type: ignore[operator]
    data, damaged = path.read_bytes(), database.identity(path)
    with pytest.raises(DamagedError):
        database.add(path, [run(99)])
    path.with_name("history.sqlite-journal").write_bytes(b"")
    aside = database.set_aside(path, damaged)
    assert aside is not None
    assert aside.read_bytes() == data
    assert aside.with_name(f"{aside.name}-journal").exists()
    database.add(path, [run(1)])
    assert database.set_aside(path, damaged) is None, "another run was first: the new file stays"
    assert latencies(path, Query()) == [1001]


def test_a_row_with_a_value_of_another_type_is_damage(path: Path) -> None:
    database.add(path, [run(1)])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE runs SET ram = x'ff00'")
    with pytest.raises(DamagedError, match=r"history\.sqlite: key ram: expected"):
        database.find(path, Query())


def test_the_page_has_charts_of_the_runs_that_mean_the_same(path: Path) -> None:
    report: Report = counted(1005)
    page_run = runs.Run(1, "qemu-m4", report, Path("reports/qemu-m4/v1_025/report.json"))
    assert trend.of(path, [page_run]) == {"run-1": []}
    other_cpu = replace(report.target, cpu="another")
    more_ram = {"ram": 2000, "flash": 5000}
    database.add(
        path, [run(1), run(2, target=other_cpu), run(3, memory=more_ram), run(4, "kitchen"), run(5, model="x")]
    )
    found = dict(trend.of(path, [page_run])["run-1"])
    assert list(found) == ["median latency, 2 runs", "RAM, bytes"], "accuracy and flash have not changed"
    assert "2026-01-01T00:03:00Z: 1,003 instructions" in found["median latency, 2 runs"]
    text = html.render([page_run], (), trend.of(path, [page_run]))
    assert "Over time" in text
    assert "2026-01-01T00:03:00Z: 2,000" in text
