"""Imports go down the layers; no package is in a cycle; the root holds the modules that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import architecture


def test_no_import_goes_up(checkout: Path) -> None:
    assert architecture.upward(architecture.imports(checkout)) == []


def test_the_drawing_in_the_documents_is_current(checkout: Path) -> None:
    drawing = architecture.draw(architecture.imports(checkout))
    page = (checkout / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert drawing in page, "write it again: .venv/bin/python -m devtools.architecture --write"


def test_an_import_that_goes_up_is_found(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "link.py").write_text("def f() -> None:\n    from compilers.aot import Plan\n")
    (tmp_path / "errors.py").write_text("import artifact\n")
    assert architecture.upward(architecture.imports(tmp_path)) == [
        "deploy -> compilers (deploy/link.py)",
        "errors -> artifact (errors.py)",
    ]


@pytest.mark.parametrize("kind", ["module", "package"])
def test_each_of_ours_has_a_layer(checkout: Path, kind: str) -> None:
    named = {name for layer in architecture.LAYERS for name in layer}
    modules = {path.stem for path in checkout.glob("*.py")}
    packages = {path.parent.name for path in checkout.glob("*/__init__.py")}
    assert (modules if kind == "module" else packages) - named == set()
