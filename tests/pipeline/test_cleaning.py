"""`inv clean` removes what can be built again, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import ConfigError
from pipeline import cleaning
from pipeline.task_options import CleanOptions


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("build/int8/x", "build/journals", "reports/host", ".venv"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(bytes(5000))
    monkeypatch.setattr(cleaning, "BUILD_DIR", tmp_path / "build")
    monkeypatch.setattr(cleaning, "REPORTS_DIR", tmp_path / "reports")
    monkeypatch.setattr(cleaning, "TRAINED_DIR", tmp_path / "trained")
    monkeypatch.setattr(cleaning, "VENV", tmp_path / ".venv")
    return tmp_path


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("file")}


def test_build_products_go_and_answers_and_reports_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(home)
    cleaning.clean(CleanOptions(dry_run=True))
    assert files(home) == before
    assert "would remove" in capsys.readouterr().out
    cleaning.clean(CleanOptions())
    assert before - files(home) == {"build/int8/x/file"}
    cleaning.clean(CleanOptions())  # nothing is there


def test_an_environment_of_the_user_stays(home: Path) -> None:
    with pytest.raises(ConfigError, match="was not made by ./inv"):
        cleaning.clean(CleanOptions(environment=True))
    (home / ".venv" / "made-by-inv").write_text("")
    cleaning.clean(CleanOptions(environment=True))
    assert not (home / ".venv").exists()


def test_sizes_are_those_of_the_disk(home: Path) -> None:
    sizes = {use.folder.name: use.size_bytes for use in cleaning.uses()}
    assert set(sizes) == {"build", "reports", ".venv"}
    assert 10_000 <= sizes["build"] < 40_000
