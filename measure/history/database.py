"""The SQLite file of all runs. Transactions are short, so that several runs may write at once.

It is in rollback mode: write-ahead logs need shared memory, which folders on a network lack.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fields import Source
from measure import report_file
from measure.history.entry import Entry, HistoryError, Kept, columns_of, of_columns, read

FILENAME = "history.sqlite"
LOCK = ".history.lock"
VERSION = 1
APPLICATION = 0x416C7068
"""In the header of the file: "Alph"."""
BUSY_S = 5.0
"""How long one waits while another run writes."""
BATCH = 200
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
COLUMNS = tuple(Entry.__dataclass_fields__)
TABLE = f"""CREATE TABLE runs (
 {", ".join(f"{name} TEXT NOT NULL" for name in COLUMNS[:12])},
 firmware TEXT, latency REAL, latency_unit TEXT, accuracy REAL, auc REAL, pictures INTEGER, dataset TEXT, ram INTEGER,
 flash INTEGER, warning TEXT, report TEXT NOT NULL)"""
INDICES = (
    "CREATE UNIQUE INDEX runs_by_digest ON runs (digest)",
    "CREATE INDEX runs_by_time ON runs (created)",
    "CREATE INDEX runs_by_model ON runs (model, created)",
    "CREATE INDEX runs_by_target ON runs (target, created)",
    "CREATE INDEX runs_by_unit ON runs (unit, model, created)",
)


class DamagedError(HistoryError):
    """The file is not a history, or has lost a part of itself."""


@dataclass(frozen=True)
class Query:
    """Which runs are meant: of a model, on a target or unit, since a time (ISO 8601 in UTC); "" is for all.

    The newest `limit` of them, 0 for all.
    """

    model: str = ""
    target: str = ""
    since: str = ""
    limit: int = 0


@dataclass(frozen=True)
class Merged:
    """What a merge did: runs that were added, that were there already, and that can't be read."""

    added: int
    known: int
    unreadable: int


def default_path() -> Path:
    """Return where the history of this checkout is."""
    return report_file.root() / FILENAME


def add(path: Path, runs: Sequence[Kept]) -> int:
    """Add runs that are not there yet and return how many were added. The file is created where there is none.

    Raises DamagedError, or HistoryError if it is locked, of a newer version, or can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise HistoryError(f"{path}: can't be written ({e.strerror}); set its owner") from e
    with _opened(path, "rwc") as database, _transaction(database):
        _prepare(database, path)
        names = (*COLUMNS, "report")
        before = database.total_changes
        database.executemany(
            _sql("INSERT OR IGNORE INTO runs VALUES (", ", ".join(f":{name}" for name in names), ")"),
            ({**columns_of(run.entry), "report": run.report} for run in runs),
        )
        return database.total_changes - before


def find(path: Path, query: Query) -> tuple[list[Entry], int]:
    """Return the runs that are meant, the newest first, and how many there are without the limit.

    Raises as `add`; a history that is not there has no runs.
    """
    if not path.exists():
        return [], 0
    where, values = _where(query)
    with _opened(path, "rw") as database:
        if not _check(database, path):
            return [], 0
        (count,) = database.execute(_sql("SELECT COUNT(*) FROM runs", where), values).fetchone()
        rows = database.execute(statement(query), values).fetchall()
    source = Source(str(path), DamagedError)
    return [of_columns(dict(zip(COLUMNS, row, strict=True)), source) for row in rows], int(count)


def statement(query: Query) -> str:
    """Return the SQL that `find` runs."""
    return _select(_where(query)[0], query.limit)


def _select(where: str, limit: int) -> str:
    return _sql(
        "SELECT", ", ".join(COLUMNS), "FROM runs", where, "ORDER BY created DESC, rowid DESC",
        f"LIMIT {limit:d}" if limit else "",
    )  # fmt: skip


def _sql(*parts: str) -> str:
    """Join parts of a statement, all of which are of this file: values are bound."""
    return " ".join(part for part in parts if part)


def of_unit(path: Path, unit: str, model: str, limit: int) -> list[Entry]:
    """Return the newest `limit` runs of a model on a unit, the oldest first. Raises as `find`."""
    if not path.exists():
        return []
    with _opened(path, "rw") as database:
        if not _check(database, path):
            return []
        rows = database.execute(_select("WHERE unit = ? AND model = ?", limit), (unit, model)).fetchall()
    source = Source(str(path), DamagedError)
    return [of_columns(dict(zip(COLUMNS, row, strict=True)), source) for row in reversed(rows)]


def merge(path: Path, other: Path) -> Merged:
    """Add the runs of another machine's history, which stays as it is. Done twice, it adds nothing.

    Raises as `add`, naming the file that it is about.
    """
    if path.exists() and path.samefile(other):
        raise HistoryError(f"{other}: is the history itself; name the file of another machine")
    added = known = unreadable = 0
    with _opened(other, "ro") as database:
        if not _check(database, other):
            raise DamagedError(f"{other}: not a history of runs")
        digests = database.execute("SELECT digest FROM runs").fetchall()
    there = _digests(path)
    missing = [digest for (digest,) in digests if digest not in there]
    known = len(digests) - len(missing)
    for start in range(0, len(missing), BATCH):
        runs = list(_read_runs(other, missing[start : start + BATCH]))
        new = add(path, runs)
        added, known = added + new, known + len(runs) - new
        unreadable += len(missing[start : start + BATCH]) - len(runs)
    return Merged(added, known, unreadable)


def set_aside(path: Path, damaged: str) -> Path | None:
    """Rename a damaged history and return its new path; None if another run has done it meanwhile.

    `damaged` is the identity of the file that was found damaged, from `identity`. Raises HistoryError.
    """
    try:
        with (path.parent / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _rename(path) if identity(path) == damaged else None
    except OSError as e:
        raise HistoryError(f"{path}: is damaged and can't be renamed ({e.strerror}); set its owner") from e


def _rename(path: Path) -> Path:
    stamp, number = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), 1
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    # A journal that stays would be played into the next file of this name.
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():
        journal.rename(aside.with_name(f"{aside.name}-journal"))
    path.rename(aside)
    return aside


def identity(path: Path) -> str:
    """Return which file is at a path, "" for none."""
    try:
        about = os.stat(path)
    except OSError:
        return ""
    return f"{about.st_dev}:{about.st_ino}"


def _digests(path: Path) -> set[str]:
    if not path.exists():
        return set()
    with _opened(path, "rw") as database:
        return (
            {digest for (digest,) in database.execute("SELECT digest FROM runs")} if _check(database, path) else set()
        )


def _read_runs(path: Path, digests: Sequence[str]) -> Iterator[Kept]:
    """Give those runs of a history whose report is one, and is the run that its digest names."""
    with _opened(path, "ro") as database:
        sql = "SELECT digest, unit, report FROM runs WHERE digest = ?"
        rows = [row for digest in digests for row in database.execute(sql, (digest,))]
    source = Source(str(path), HistoryError)
    for digest, unit, report in rows:
        with contextlib.suppress(HistoryError):
            kept = read(str(report), str(unit), source)
            if kept.entry.digest == digest:
                yield kept


@contextlib.contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a history, and turn what SQLite says into errors that name it."""
    try:
        uri = f"file:{quote(str(path.resolve()))}?mode={mode}"
        database = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
        with contextlib.closing(database):
            database.text_factory = _text
            yield database
    except sqlite3.Error as e:
        raise _error(path, e) from e


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _error(path: Path, e: sqlite3.Error) -> HistoryError:
    code = (getattr(e, "sqlite_errorcode", None) or 0) & 0xFF
    if code in DAMAGE:
        return DamagedError(f"{path}: damaged ({e})")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return HistoryError(f"{path}: another program has locked it for {BUSY_S:g} s; end that program")
    return HistoryError(f"{path}: can't be used ({e}); set its owner, or free disk space")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Create the table in an empty file."""
    if not _check(database, path):
        for sql in (TABLE, *INDICES, f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {VERSION}"):
            database.execute(sql)


def _check(database: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file has the table of this version, False if it is empty. Raises HistoryError otherwise."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application == 0 and version == 0 and not database.execute("SELECT 1 FROM sqlite_master").fetchone():
        return False
    if application != APPLICATION or version < 1:
        raise DamagedError(f"{path}: not a history of runs")
    if version > VERSION:
        raise HistoryError(f"{path}: version {version}, of a newer Alpharho; this one reads {VERSION}: update it")
    there = {name for _, name, *_ in database.execute("PRAGMA table_info(runs)")}
    if not there >= {*COLUMNS, "report"}:
        raise DamagedError(f"{path}: damaged (columns are missing)")
    return True


def _where(query: Query) -> tuple[str, Sequence[str]]:
    parts: list[str] = []
    values: list[str] = []
    if query.model:
        parts.append("model = ?")
        values.append(query.model)
    if query.target:
        parts.append("(target = ? OR unit = ?)")
        values += [query.target] * 2
    if query.since:
        parts.append("created >= ?")
        values.append(query.since)
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values
