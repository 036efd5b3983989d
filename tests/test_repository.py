"""What must stay true of the checkout as a whole."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import target
from compilers.image.linux_program import BUILDS
from compilers.image.toolchain import LINUX, TOOLCHAINS
from target import sections

ROOT = Path(__file__).resolve().parent.parent
# Names of the standard library, of Keras or of a library that we use: a folder or module of that name hides it.
FORBIDDEN = {"platform", "profile", "signal", "test", "serial", "usb", "compile", "keras"}
# A root folder that holds Python but is no package of ours.
NO_PACKAGES = {"build", "device_tests", "reports", "tests", "firmware"}
TEXT_LIMIT_BYTES = 1 << 20


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def our_packages() -> list[str]:
    folders = {path.parent for path in ROOT.glob("*/__init__.py")} | {p.parent for p in ROOT.glob("*/**/__init__.py")}
    names = [folder.relative_to(ROOT).parts for folder in folders if folder != ROOT]
    return sorted(".".join(n) for n in names if n[0] not in NO_PACKAGES and not n[0].startswith("."))


def our_modules() -> list[str]:
    return sorted(path.stem for path in ROOT.glob("*.py"))


def committed() -> list[Path]:
    """Return the files of the checkout that git knows; without git, those outside of ignored folders."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


LIGHT, WHOLE, CMAKE = "requirements.lock", "requirements-keras.lock", "requirements-cmake.lock"


def locked(name: str = WHOLE) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[\w,-]+\])?==([^\s\\]+)", (ROOT / name).read_text(), re.MULTILINE))


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()  # type: ignore[index]


@pytest.mark.parametrize("name", [*our_packages(), *our_modules()])
def test_our_packages_are_imported_from_this_checkout(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().is_relative_to(ROOT)


def test_pyproject_lists_our_packages_and_modules() -> None:
    listed = project()["tool"]["setuptools"]
    assert sorted(listed["packages"]) == our_packages()
    assert sorted(listed["py-modules"]) == our_modules()


def test_it_can_not_be_uploaded() -> None:
    assert "Private :: Do Not Upload" in project()["project"]["classifiers"]


def test_no_root_folder_or_module_hides_another() -> None:
    names = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert not names & FORBIDDEN
    assert not names & set(sys.stdlib_module_names)


def test_every_dependency_is_locked() -> None:
    table = project()["project"]
    extras = table["optional-dependencies"]
    for lock, asked in (
        (LIGHT, table["dependencies"]),
        (WHOLE, [*table["dependencies"], *extras["keras"], *extras["dev"]]),
        (CMAKE, extras["cmake"]),
    ):
        assert {canonical(requirement) for requirement in asked} <= set(locked(lock))


def test_a_package_that_is_needed_with_an_extra_is_locked_with_it() -> None:
    """Otherwise pip takes the newest one for the extra, and refuses it for want of a hash once there is a newer one."""
    text = (ROOT / WHOLE).read_text()
    for name in locked():
        try:
            requirements = map(Requirement, importlib.metadata.requires(name) or [])
        except importlib.metadata.PackageNotFoundError:  # for another system
            continue
        for needed in requirements:
            if needed.extras and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
                extras = ",".join(sorted(needed.extras))
                assert f"\n{canonical(needed.name)}[{extras}]==" in text, f"{name} needs {needed}"


def test_the_light_lock_is_a_part_of_the_whole_one_without_keras() -> None:
    light, whole = locked(LIGHT), locked()
    assert light.items() <= whole.items()
    assert not {"tensorflow", "keras", "h5py", "pytest", "mypy"} & set(light)


def test_invoke_is_one_that_fabric_takes() -> None:
    assert locked()["invoke"].startswith("2.")


@pytest.mark.parametrize("name", [LIGHT, WHOLE, CMAKE])
def test_the_locks_have_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-|--)[a-z]", text.replace("    --hash=sha256:", ""), re.MULTILINE)
    for entry in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_no_file_has_a_path_of_one_machine() -> None:
    # Split, so that this file does not match itself.
    homes = re.compile(
        "|".join(["/wo" + "rk/", "/ho" + r"me/(?!pi\b|mendel\b|\$|<|\.\.\.)\w+", "/ro" + "ot/", "file:" + "///"])
    )
    found = []
    for path in committed():
        data = path.read_bytes()
        if len(data) > TEXT_LIMIT_BYTES or b"\0" in data:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1)
            if homes.search(line)
        ]
    assert found == []


def test_system_packages_is_well_formed() -> None:
    rows = [
        line.split() for line in (ROOT / "system_packages.txt").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    assert {row[0] for row in rows} == {
        "toolchain",
        "emulator",
        "link",
        "flasher",
        "engine",
        "task",
        "data",
        "default-data",
        "optional",
    }
    assert all(len(row) == 4 for row in rows)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", row[2]) for row in rows)


def test_the_page_on_boards_says_of_every_target_where_it_was_measured() -> None:
    table = (ROOT / "docs" / "boards.md").read_text().partition("## What was measured where")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row[1])} == set(target.names())
    for row in rows:
        hardware = row[3].strip()
        boards = [target.load(name) for name in re.findall(r"`([a-z0-9-]+)`", row[1])]
        assert (hardware == "-") == all(board.measured_on != "hardware" for board in boards), row[1]


def test_the_package_of_each_emulator_is_one_that_the_launcher_installs() -> None:
    rows = [line.split() for line in (ROOT / "system_packages.txt").read_text().splitlines()]
    installed = {(row[1], row[2]) for row in rows if row[:1] == ["emulator"]}
    emulators = [board.emulator for board in map(target.load, target.names()) if board.emulator]
    assert {(emulator.program, emulator.package) for emulator in emulators} <= installed


def test_the_packages_of_each_toolchain_are_those_that_the_launcher_installs() -> None:
    rows = [line.split() for line in (ROOT / "system_packages.txt").read_text().splitlines()]
    assert set(TOOLCHAINS) == set(sections.toolchains())
    for architecture, build in BUILDS.items():
        toolchain = TOOLCHAINS[build.toolchain]
        installed = {row[2] for row in rows if row[:2] == ["engine", f"aot/{architecture}"]}
        assert {toolchain.package, toolchain.c_package, "cmake", "ninja-build"} == installed
    for toolchain in (one for one in TOOLCHAINS.values() if one.name not in LINUX):
        installed = {row[2] for row in rows if row[:2] == ["toolchain", toolchain.name]}
        assert {toolchain.package, toolchain.c_package} - {""} <= installed
        engine = ["engine", f"tflm/{toolchain.name}", toolchain.cpp_package]
        assert (engine in [row[:3] for row in rows]) == bool(toolchain.cpp_package)


def test_each_key_that_the_launcher_reads_is_on_a_line_of_its_own_in_every_target() -> None:
    for path in target.TARGETS_DIR.glob("*.toml"):
        board, text = target.load(path.stem), path.read_text()
        pairs = [("link", board.link), ("flasher", board.flasher)]
        pairs += [("architecture", board.architecture), ("engine", board.engine)]
        pairs += [("toolchain", board.mcu.toolchain)] if board.mcu else []
        pairs += [("program", board.emulator.program)] if board.emulator else []
        for key, value in pairs:
            assert re.findall(rf'^{key} = "(.*)"', text, re.MULTILINE) == ([value] if value else []), (path, key)


def test_scripts_can_be_run() -> None:
    for name in ("inv", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111, name
