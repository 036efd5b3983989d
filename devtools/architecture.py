"""Which package imports which, read from the sources, and whether an import goes up.

`python -m devtools.architecture` prints the drawing that docs/architecture.md holds; with `--write` it goes there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from artifact import ROOT

# From the top: a package imports from lower layers only, never from its own layer or from one above.
LAYERS = (
    ("tasks",),
    ("pipeline",),
    ("benchmarks", "device_tests"),
    ("measure",),
    ("compilers", "deploy"),
    ("calibration",),
    ("models",),
    ("datasets", "graph"),
    ("devtools", "cycles"),
    ("target",),
    ("console",),
    ("artifact",),
    ("process", "fields"),
    ("errors",),
)


def imports(root: Path = ROOT) -> dict[str, dict[str, set[str]]]:
    """Return for each package or root module those that it imports, each with the files that do.

    Imports inside functions count, those for type checkers alone too. Tests are left out, but for `device_tests`.
    """
    names = {name for layer in LAYERS for name in layer}
    graph: dict[str, dict[str, set[str]]] = {name: {} for name in sorted(names)}
    for name in graph:
        module = root / f"{name}.py"
        for path in [module] if module.is_file() else sorted((root / name).rglob("*.py")):
            for imported in _imported(path) & names - {name}:
                graph[name].setdefault(imported, set()).add(path.relative_to(root).as_posix())
    return graph


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def upward(graph: Mapping[str, Mapping[str, Iterable[str]]]) -> list[str]:
    """Return a line for each import that does not go down: `deploy -> compilers (deploy/a.py)`."""
    depth = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    return [
        f"{name} -> {imported} ({', '.join(sorted(files))})"
        for name, targets in graph.items()
        for imported, files in targets.items()
        if depth[imported] <= depth[name]
    ]


def draw(graph: Mapping[str, Iterable[str]]) -> str:
    """Return the layers from the top, a line for each package with what it imports."""
    depth = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    width = max(map(len, depth))
    lines = []
    for layer in LAYERS:
        for name in layer:
            targets = sorted(graph[name], key=lambda imported: (depth[imported], imported))
            lines.append(f"{name:<{width}} -> {' '.join(targets)}" if targets else name)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


PAGE = """# Architecture

The layers of the project from the top, and what each package or root module imports. An import goes down, never up and
never sideways; a test compares this page with the sources. The C in `firmware/` is a tree of its own: `kernels/` and
`protocol/` know no board, `port/port.h` is all that a family provides.

```
{drawing}```

Data flows through types: `Preset` -> `Network` -> `Artifact[KerasFacts]` -> `Artifact[Int8Facts]` -> a compiler's
`Artifact[ImageFacts]` -> `Device` -> `Session` -> `Measurement` -> `Report`. Each is a frozen dataclass; facts of build
products are serialized by `fields` alone.

`.venv/bin/python -m devtools.architecture --write` writes this page.
"""


def main(arguments: list[str]) -> None:
    """Print the drawing, or write the page that holds it."""
    drawing = draw(imports())
    if arguments == ["--write"]:
        (ROOT / "docs" / "architecture.md").write_text(PAGE.format(drawing=drawing), encoding="utf-8")
    else:
        print(drawing, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
