"""Build products: reused when whole, built again when not, never half there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import artifact
from artifact import Artifact, produce, temporary
from errors import ConfigError


@dataclass(frozen=True)
class Facts:
    bytes: int = 0
    shape: tuple[int, int] = (1, 2)


class Maker:
    """Writes `out.bin` and counts how often it was called."""

    def __init__(self, data: bytes = b"model") -> None:
        self.data, self.calls = data, 0

    def __call__(self, folder: Path) -> Facts:
        self.calls += 1
        (folder / "out.bin").write_bytes(self.data)
        (folder / "more.txt").write_text("also kept")
        return Facts(len(self.data), (3, 4))


def make(tmp_path: Path, maker: Callable[[Path], Facts], **options: Any) -> Artifact[Facts]:
    return produce("kind", "v1_025", "out.bin", Facts, maker, build_dir=tmp_path, **options)


def change_sidecar(made: Artifact[Facts], change: Callable[[dict[str, Any]], object]) -> None:
    path = made.path.parent / artifact.SIDECAR
    sidecar = json.loads(path.read_text())
    change(sidecar)
    path.write_text(json.dumps(sidecar))


def leftovers(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob(".*") if path.name.startswith(".making")]


def test_made_once_and_then_reused_with_the_same_fields(tmp_path: Path) -> None:
    maker = Maker()
    options = {"parents": {"keras": "a" * 64}, "tools": {"numpy": "2"}, "parameters": {"images": 200, "range": (-1, 1)}}
    first = make(tmp_path, maker, **options)
    second = make(tmp_path, maker, **options)
    assert (first.reused, second.reused, maker.calls) == (False, True, 1)
    assert first == Artifact(**{**vars(second), "reused": False})
    assert first.path.read_bytes() == b"model"
    assert first.sha256 == artifact.sha256_of(first.path)
    assert first.facts == Facts(5, (3, 4))
    assert (first.path.parent / "more.txt").read_text() == "also kept"
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("changed", ["parents", "tools", "parameters"])
def test_another_input_is_another_artifact(tmp_path: Path, changed: str) -> None:
    options = {"parents": {"a": "1"}, "tools": {"a": "1"}, "parameters": {"a": "1"}}
    first = make(tmp_path, Maker(), **options)
    second = make(tmp_path, Maker(), **options | {changed: {"a": "2"}})
    assert not second.reused
    assert first.path != second.path
    assert make(tmp_path, Maker(), **options).reused


def test_order_of_parameters_does_not_matter(tmp_path: Path) -> None:
    first = make(tmp_path, Maker(), parameters={"a": 1, "b": 2})
    assert make(tmp_path, Maker(), parameters={"b": 2, "a": 1}).path == first.path


def test_fresh_builds_it_again(tmp_path: Path) -> None:
    maker = Maker()
    first = make(tmp_path, maker)
    second = make(tmp_path, maker, fresh=True)
    assert (second.reused, maker.calls, second.path) == (False, 2, first.path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: made.path.write_bytes(b"other"),
        lambda made: made.path.unlink(),
        lambda made: (made.path.parent / artifact.SIDECAR).unlink(),
        lambda made: (made.path.parent / artifact.SIDECAR).write_text("{"),
        lambda made: (made.path.parent / artifact.SIDECAR).write_text("[]"),
        lambda made: (made.path.parent / artifact.SIDECAR).write_text(json.dumps({"sha256": made.sha256})),
        lambda made: (made.path.parent / artifact.SIDECAR).write_text("[" * 200_000),
        lambda made: change_sidecar(made, lambda sidecar: sidecar["facts"].update(bytes="5")),
        lambda made: change_sidecar(made, lambda sidecar: sidecar["facts"].update(other=5)),
        lambda made: change_sidecar(made, lambda sidecar: sidecar.update(facts=None)),
        lambda made: change_sidecar(made, lambda sidecar: sidecar.update(parents=[])),
        lambda made: change_sidecar(made, lambda sidecar: sidecar.update(parameters=None)),
    ],
    ids=[
        "file changed",
        "file gone",
        "sidecar gone",
        "sidecar cut",
        "sidecar a list",
        "sidecar without keys",
        "sidecar nested too deep",
        "a fact of another type",
        "a fact that the class has not",
        "no facts",
        "parents a list",
        "no parameters",
    ],
)
def test_a_damaged_artifact_is_built_again(tmp_path: Path, damage: Callable[[Artifact[Facts]], object]) -> None:
    maker = Maker()
    damage(make(tmp_path, maker))
    again = make(tmp_path, maker)
    assert (again.reused, maker.calls) == (False, 2)
    assert again.path.read_bytes() == b"model"
    assert make(tmp_path, maker).reused
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("error", [ValueError("bug"), ConfigError("user's"), KeyboardInterrupt()])
def test_a_failed_make_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fail(folder: Path) -> Facts:
        (folder / "out.bin").write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        make(tmp_path, fail)
    assert list((tmp_path / "kind").iterdir()) == []


def test_a_failed_make_keeps_what_was_there(tmp_path: Path) -> None:
    made = make(tmp_path, Maker())

    def fail(folder: Path) -> Facts:
        raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        make(tmp_path, fail, fresh=True)
    assert made.path.read_bytes() == b"model"
    assert make(tmp_path, Maker()).reused


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_is_one_line(tmp_path: Path, number: int) -> None:
    def fail(folder: Path) -> Facts:
        (folder / "out.bin").write_bytes(b"half")
        raise OSError(number, "No space left on device")

    with pytest.raises(ConfigError, match=r"v1_025-.*can't be written \(No space left on device\); free disk space"):
        make(tmp_path, fail)
    assert not leftovers(tmp_path)


def test_a_disk_full_at_the_first_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mkdtemp(**options: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("artifact.tempfile.mkdtemp", mkdtemp)
    with pytest.raises(ConfigError, match="No space left on device"):
        make(tmp_path, Maker())


def test_what_killed_runs_left_is_removed_and_what_runs_use_is_not(tmp_path: Path) -> None:
    (tmp_path / "kind" / ".making-dead").mkdir(parents=True)
    (tmp_path / "kind" / ".making-dead" / "out.bin").write_bytes(b"half")
    (tmp_path / "kind" / ".making-dead.replaced").mkdir()
    (tmp_path / ".report.json.dead").write_bytes(b"half")

    def while_another_builds(folder: Path) -> Facts:
        assert [path.name for path in (tmp_path / "kind").iterdir()] == [folder.name]
        produce("kind", "other", "out.bin", Facts, Maker(), build_dir=tmp_path)
        (folder / "out.bin").write_bytes(b"ours")
        return Facts()

    assert make(tmp_path, while_another_builds).path.read_bytes() == b"ours"
    artifact.write_atomic(tmp_path / "report.json", "whole")
    assert not leftovers(tmp_path)


def test_what_a_killed_run_left_of_any_kind_is_removed_where_nothing_has_to_be_built(tmp_path: Path) -> None:
    make(tmp_path, Maker())
    for name in ("kind/.making-dead", "other/.making-dead"):
        (tmp_path / name).mkdir(parents=True)
    assert make(tmp_path, Maker()).reused
    assert not leftovers(tmp_path)


def test_a_temporary_folder_that_another_run_removes_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdtemp, created = tempfile.mkdtemp, []

    def raced(**options: Any) -> str:
        created.append(mkdtemp(**options))
        if len(created) == 1:
            os.rmdir(created[0])
        if len(created) == 2:
            fcntl.flock(os.open(created[1], os.O_RDONLY), fcntl.LOCK_EX)  # about to be removed
        return created[-1]

    monkeypatch.setattr("artifact.tempfile.mkdtemp", raced)
    assert make(tmp_path, Maker()).path.read_bytes() == b"model"
    assert sum(Path(path).name.startswith(temporary.MAKING) for path in created) == 3


def test_another_os_error_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    def fail(folder: Path) -> Facts:
        (folder / "no such file").read_bytes()
        return Facts()

    with pytest.raises(FileNotFoundError, match="no such file"):
        make(tmp_path, fail)


def test_two_runs_at_once_end_with_one_whole_artifact(tmp_path: Path) -> None:
    def while_another_finishes(folder: Path) -> Facts:
        make(tmp_path, Maker(b"theirs"))
        (folder / "out.bin").write_bytes(b"ours")
        return Facts()

    assert make(tmp_path, while_another_finishes).path.read_bytes() == b"ours"
    assert make(tmp_path, Maker()).reused
    assert not leftovers(tmp_path)


def test_the_build_folder_can_be_moved(tmp_path: Path) -> None:
    make(tmp_path / "a", Maker())
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert make(tmp_path / "b", Maker()).reused


def test_write_atomic_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "report.json"
    artifact.write_atomic(path, "one")
    artifact.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_write_atomic_keeps_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    artifact.write_atomic(path, "old")

    def full(source: str, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("artifact.os.replace", full)
    with pytest.raises(ConfigError, match=r"report.json: can't be written \(No space left on device\)"):
        artifact.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_versions_are_those_installed() -> None:
    assert artifact.versions("numpy") == {"numpy": np.__version__}


def test_an_artifact_is_narrowed_to_the_class_of_its_facts(tmp_path: Path) -> None:
    made: Artifact[object] = make(tmp_path, Maker())
    assert made.with_facts_of(artifact.NoFacts) is None
    assert made.with_facts_of(Facts) is made


def test_temporary_files_of_a_build_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of programs, which read TMPDIR, and those that a killed run has left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TMPDIR", "as before")
    abandoned = tmp_path / "tmp" / f"{temporary.TEMPORARY}killed"
    abandoned.mkdir(parents=True)
    (abandoned / "half.o").touch()
    (tmp_path / "tmp" / "of-another-program").touch()
    seen = []

    def make(folder: Path) -> artifact.NoFacts:
        descriptor, name = tempfile.mkstemp()
        os.close(descriptor)
        seen.extend([Path(name).parent, Path(os.environ["TMPDIR"])])
        (folder / "x.bin").write_bytes(b"x")
        return artifact.NoFacts()

    artifact.produce("thing", "net", "x.bin", artifact.NoFacts, make, build_dir=tmp_path / "build")
    assert seen[0] == seen[1] != tmp_path / "tmp"
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["of-another-program"]
    assert tempfile.tempdir == str(tmp_path / "tmp")
    assert os.environ["TMPDIR"] == "as before"
