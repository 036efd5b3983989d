"""What a network needs on each board: one row where --optimize makes no difference, and how much is short."""

from __future__ import annotations

from dataclasses import replace

from compilers.image import fit_table
from compilers.image.fit import Fit

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


def test_one_optimize_alone_keeps_its_name() -> None:
    assert fit_table.table({"nucleo": {"ram": FITS}})[1][0][:3] == ["nucleo", "ram", "yes"]
