"""Build products: reused when whole, built again when not, never half there. Dataclasses as JSON and back."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import artifact
from artifact import Artifact, from_json, load_json, produce, to_json
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


# Dataclasses as JSON


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    name: str
    size: float | None = None


TYPES = {
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    Literal["us", "instructions"]: st.sampled_from(["us", "instructions"]),
    Color: st.sampled_from(Color),
    Inner: st.builds(Inner, st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
}


def containers(hint: Any, values: st.SearchStrategy[Any]) -> dict[Any, st.SearchStrategy[Any]]:
    return {
        tuple[hint, ...]: st.lists(values, max_size=4).map(tuple),
        tuple[hint, int]: st.tuples(values, st.integers()),
        Mapping[str, hint]: st.dictionaries(st.text(), values, max_size=4),
        hint | None: st.none() | values,
    }


ALL_TYPES = [*TYPES.items(), *(pair for hint, values in TYPES.items() for pair in containers(hint, values).items())]


@st.composite
def instances(draw: st.DrawFn) -> Any:
    chosen = draw(st.lists(st.sampled_from(ALL_TYPES), max_size=5))
    kind = make_dataclass("Kind", [(f"field{i}", hint) for i, (hint, _) in enumerate(chosen)], frozen=True)
    return kind(*(draw(values) for _, values in chosen))


@given(instances())
def test_a_dataclass_comes_back_from_its_json(value: Any) -> None:
    text = json.dumps(to_json(value), allow_nan=False)
    assert from_json(type(value), load_json(text, "x"), "x") == value


def json_of(value: object) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(json.dumps(to_json(value)))
    return form


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(instances(), JSON_VALUES, st.data())
def test_any_other_json_is_refused_in_one_line_or_fits(value: Any, other: object, data: st.DataObject) -> None:
    form = json_of(value)
    form[data.draw(st.sampled_from([*form, "more"]))] = other
    try:
        decoded, said = from_json(type(value), form, "x.json"), ""
    except ConfigError as e:
        decoded, said = value, str(e)
    assert not said or said.startswith("x.json: key ")
    assert said.isprintable()
    assert from_json(type(value), to_json(decoded), "x.json") == decoded


@dataclass(frozen=True)
class Outer:
    count: int
    ratio: float
    unit: Literal["us", "instructions"]
    color: Color
    inner: Inner
    inners: tuple[Inner, ...] = ()
    pair: tuple[int, int] | None = None
    sizes: Mapping[str, int] | None = None


OUTER = Outer(1, 0.5, "us", Color.RED, Inner("a"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": True}, "key count: expected a whole number, got True"),
        ({"count": 1.0}, "key count: expected a whole number, got 1.0"),
        ({"ratio": "1"}, "key ratio: expected a finite number, got '1'"),
        ({"ratio": False}, "key ratio: expected a finite number, got False"),
        ({"ratio": float("nan")}, "key ratio: expected a finite number, got nan"),
        ({"ratio": 10**400}, "key ratio: expected a finite number, got 10000"),
        ({"unit": "ms"}, "key unit: expected 'us' or 'instructions', got 'ms'"),
        ({"color": "green"}, "key color: expected 'red' or 'blue', got 'green'"),
        ({"inner": []}, "key inner: expected an object, got a list of 0"),
        ({"inner": {}}, "key inner.name is missing"),
        ({"inner": {"name": "a", "sise": 1}}, r"key inner.sise is not known; did you mean size\?"),
        ({"inner": {"name": None}}, "key inner.name: expected a text, got None"),
        ({"inners": [{"name": "a"}, 7]}, r"key inners\[1\]: expected an object, got 7"),
        ({"pair": [1]}, "key pair: expected a list, got a list of 1"),
        ({"pair": [1, 2, 3]}, "key pair: expected a list, got a list of 3"),
        ({"sizes": {"a": -1.5}}, "key sizes.a: expected a whole number, got -1.5"),
        ({"count": "x" * 1000}, r"got 'x{56}\.\.\.$"),
    ],
)
def test_a_value_that_does_not_fit_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^x.json: .*{message}"):
        from_json(Outer, {**json_of(OUTER), **change}, "x.json")


def test_a_top_level_that_is_not_an_object_is_named() -> None:
    with pytest.raises(ConfigError, match=r"x.json: key \(top\): expected an object, got a list of 1"):
        from_json(Outer, [1], "x.json")


def test_a_whole_number_serves_as_a_float() -> None:
    decoded = from_json(Outer, {**json_of(OUTER), "ratio": 2}, "x.json")
    assert type(decoded.ratio) is float


def test_what_is_none_by_default_is_left_out() -> None:
    assert to_json(OUTER) == {
        "count": 1, "ratio": 0.5, "unit": "us", "color": "red", "inner": {"name": "a"}, "inners": [],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, "NaN", "[Infinity]", "1" * 5000])
def test_what_is_not_json_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^x.json: not JSON \(") as caught:
        load_json(text, "x.json")
    assert "\n" not in str(caught.value)


def test_an_artifact_is_narrowed_to_the_class_of_its_facts(tmp_path: Path) -> None:
    made: Artifact[object] = make(tmp_path, Maker())
    assert made.with_facts_of(Inner) is None
    assert made.with_facts_of(Facts) is made
