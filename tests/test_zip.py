"""Zip files whose bytes are those of their entries alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from artifact import write_zip


@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_zip_has_the_same_bytes_at_any_time_and_on_any_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_compressed: bool
) -> None:
    entries = [("b.txt", b"second" * 100), ("a/one.txt", b"first")]
    write_zip(tmp_path / "one.zip", entries, is_compressed=is_compressed, mode=0o644)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("sys.platform", "win32")
    write_zip(tmp_path / "two.zip", iter(entries), is_compressed=is_compressed, mode=0o644)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["b.txt", "a/one.txt"]
        assert archive.read("b.txt") == entries[0][1]
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o644}
        assert (archive.getinfo("b.txt").compress_size < 600) == is_compressed
