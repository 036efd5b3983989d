"""Imports go down the layers; no package is in a cycle; the root holds the modules that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools import architecture

# Imports that still go up, to be removed.
KNOWN: set[str] = set()


def test_no_import_goes_up(checkout: Path) -> None:
    found = architecture.upward(architecture.imports(checkout))
    assert [line for line in found if line.partition(" (")[0] not in KNOWN] == []


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
