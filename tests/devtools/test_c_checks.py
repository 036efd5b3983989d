"""The checks of C find a fault in any folder of the firmware, and say which program is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artifact import ROOT
from devtools import c_checks, checks
from errors import Error

FAULT = "int first(void);\nint first(void) {\n  int values[2] = {1, 2};\n  return values[2];\n}\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout without a fault, with the settings of this one."""
    shutil.copy(ROOT / ".clang-tidy", tmp_path)
    for name in ("kernels/portable/good.c", "families/mps3/good.c"):
        path = tmp_path / "firmware" / name
        path.parent.mkdir(parents=True)
        path.write_text(
            "static const int one = 1;\nextern const int *const alpharho_one;\nconst int *const alpharho_one = &one;\n"
        )
    monkeypatch.setattr(c_checks, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("tool", c_checks.TOOLS)
def test_a_fault_is_reported_with_its_file(tool: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if tool == "cppcheck" and not shutil.which(tool):
        pytest.skip("cppcheck is not installed")
    assert c_checks.main([tool]) == 0
    assert capsys.readouterr().out == ""
    (checkout / "firmware" / "families" / "mps3" / "fault.c").write_text(FAULT)
    assert c_checks.main([tool]) == 1
    assert "firmware/families/mps3/fault.c:4" in capsys.readouterr().out


def test_each_c_file_of_the_firmware_is_checked() -> None:
    checked = {source for unit in c_checks.units(2) for source in unit.sources}
    assert checked == {s for s in checks.c_sources() if s.startswith("firmware/") and s.endswith(".c")}


def test_a_family_is_checked_with_the_board_of_a_target() -> None:
    includes = {
        source: {option for option in unit.options if "/boards/" in option}
        for unit in c_checks.units(1)
        for source in unit.sources
    }
    assert includes["firmware/families/stm32h7/clock.c"] == {"-Ifirmware/boards/nucleo-h743zi2"}
    assert includes["firmware/families/stm32/stm32.c"] == {"-Ifirmware/boards/blackpill-f411"}
    assert includes["firmware/families/linux/linux.c"] == {"-Ifirmware/boards/linux"}


def test_files_are_divided_among_processors(checkout: Path) -> None:
    for i in range(4):
        (checkout / "firmware" / "kernels" / "portable" / f"{i}.c").write_text("")
    sizes = sorted(len(unit.sources) for unit in c_checks.units(2))
    assert sizes == [1, 2, 3]
    assert all("-D" in " ".join(unit.options) for unit in c_checks.units(2))


def test_a_missing_program_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(c_checks.TOOLS, "cppcheck", lambda unit: ["/nowhere/cppcheck", *unit.sources])
    with pytest.raises(Error, match=r"^/nowhere/cppcheck: not found; `./inv test` installs it$"):
        c_checks.main(["cppcheck"])
