"""What a network needs on each board: one row where --optimize makes no difference, and how much is short."""

from __future__ import annotations

from dataclasses import replace

from compilers.image import fit_table
from compilers.image.fit import Fit
from compilers.image.fit_measured import measured

FITS = Fit(40_000, 131_072, 330_000, 524_288, 30_000, 300_000, 4096, "at CONV_2D")


def test_a_board_has_a_row_for_each_different_fit() -> None:
    large = replace(FITS, ram_needed=140_000, flash_needed=524_289)
    _, rows = fit_table.table(
        {
            "nucleo": {"size": FITS, "speed": FITS, "ram": FITS},
            "small": {"size": large, "speed": replace(large, flash_needed=1000), "ram": large},
        }
    )
    assert [row[:5] for row in rows] == [
        ["nucleo", "any", "yes", "40,000", "131,072"],
        ["small", "size, ram", "RAM short by 8,928 and flash short by 1", "140,000", "131,072"],
        ["", "speed", "RAM short by 8,928", "140,000", "131,072"],
    ]
    assert all(row[2].startswith(("yes", *fit_table.SHORT)) for row in rows)


def test_what_an_sdk_links_is_marked_as_an_estimate() -> None:
    estimate = replace(FITS, estimated=True)
    small = replace(estimate, flash_needed=530_000)
    fits = {"nano33ble": {"size": estimate, "speed": small}, "nucleo": {"size": FITS}}
    _, rows = fit_table.table(fits)
    assert [row[2:7] for row in rows] == [
        ["probably", "~40,000", "131,072", "~330,000", "524,288"],
        ["flash short by ~5,712", "~40,000", "131,072", "~530,000", "524,288"],
        ["yes", "40,000", "131,072", "330,000", "524,288"],
    ]
    assert "\n~ your own SDK links these boards" in fit_table.notes(fits)
    assert "SDK" not in fit_table.notes({"nucleo": {"size": FITS}})
    assert fit_table.doubt("nano33ble", small).startswith("nano33ble: flash short by ~5,712 bytes, if its SDK takes")
    assert fit_table.doubt("nano33ble", estimate) == fit_table.doubt("nucleo", replace(FITS, flash_bytes=1)) == ""


def test_streamed_forms_share_a_cell() -> None:
    names = ("size", "speed", "size --stream-input", "speed --stream-input", "ram --stream-input")
    fits = {name: replace(FITS, ram_needed=1000 + 10 * (name[0] == "r")) for name in names}
    assert [row[1] for row in fit_table.table({"nucleo": fits})[1]] == [
        "size, speed; size, speed --stream-input", "ram --stream-input",
    ]  # fmt: skip


def test_one_optimize_alone_keeps_its_name() -> None:
    assert fit_table.table({"nucleo": {"ram": FITS}})[1][0][:3] == ["nucleo", "ram", "yes"]


def test_plan_linker_and_device_are_compared() -> None:
    linked = {"ram": 39_900, "flash": 320_000}
    one, parted = measured(FITS, linked, "qemu-m4", {"arena": 30_000, "stack_used": 2000}, 1e6, "instructions")
    assert not parted
    _, rows = fit_table.measured_table({"size": FITS}, {"size": one})
    sizes = ["40,000", "39,900", "330,000", "320,000", "30,000", "30,000", "2,000", "1,000,000"]
    assert rows == [["size", *sizes]]
    memory = {"arena": 29_000, "stack_used": 5000}
    _, parted = measured(FITS, {"ram": 40_001, "flash": 330_001}, "qemu-m4", memory, 1e6, "instructions")
    assert [text.split(" is ")[0] for text in parted[:3]] == ["RAM", "flash", "the arena"]
    assert "qemu-m4 used 5,000" in parted[3]
    assert measured(FITS, None, "qemu-m4", {}, 1.0, "instructions")[1] == ()


def test_a_plot_has_the_least_ram_at_the_bottom() -> None:
    same = (10.0, 50_000)
    text = fit_table.plot({"size": same, "ram": (14.0, 20_000), "speed": same}, "MACs")
    lines = text.splitlines()
    assert lines[0].startswith("RAM 50,000 |a")
    assert lines[fit_table.PLOT_LINES - 1].endswith("b")
    assert lines[-2:] == ["a size, speed", "b ram"]
    assert max(map(len, lines)) <= 80
    assert fit_table.plot({"size": same, "speed": same}, "MACs") == ""


def test_what_is_computed_again_is_said() -> None:
    slim = replace(FITS, macs=150, peak="at ADD")
    text = fit_table.notes({"nucleo": {"size": replace(FITS, macs=100), "ram": slim}})
    assert "ram: computes 50 % of the MACs again" in text
    assert "leaves out" not in text


def test_what_is_left_out_is_said() -> None:
    """Of the network's MACs: those that are computed again are no part of them."""
    left = replace(FITS, macs=100, macs_left_out=300)
    again = replace(left, macs=150)
    assert "\nleaves out 75 % of the network's MACs, which have no effect\n" in fit_table.notes(
        {"nucleo": {"size": left, "ram": again}}
    )
    fits = {"nucleo": {"size": left, "ram": again}, "pico": {"size": replace(left, macs_left_out=100)}}
    assert "\nleaves out 50 to 75 % of" in fit_table.notes(fits)
    assert fit_table.as_json(fits)["pico"]["size"]["macs_left_out"] == 100
