"""What a network needs on each board, as `inv fit` shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from compilers.image.fit import Fit
from compilers.image.fit_measured import Measured

Fits = Mapping[str, Mapping[str, Fit]]
"""By board, then by form: --optimize, and --stream-input."""

PLOT_COLUMNS, PLOT_LINES = 52, 10
STREAMED = " --stream-input"

HEADINGS = (
    "board",
    "--optimize",
    "fits",
    "RAM\nneeded",
    "RAM\nthere",
    "flash\nneeded",
    "flash\nthere",
    "arena",
    "weights",
)
DROPPED = (8, 7, 6, 4)
"""Columns of `table` that a narrow terminal does without, the least needed first."""
MEASURED_DROPPED = (7, 3, 5, 1)
"""The same of `measured_table`."""
SHORT = ("RAM", "flash", "no")
ABOUT, ESTIMATED = "~", (0, 2)
"""What marks an estimate, and which sizes of a row are estimates where an SDK links."""


def table(fits: Fits) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows: bytes needed and there on each board, for each --optimize that makes a difference."""
    columns = [(name, "left" if i < 3 else "right") for i, name in enumerate(HEADINGS)]
    rows = []
    for name, aims in fits.items():
        for i, (fit, same) in enumerate(_distinct(aims)):
            sizes = (
                fit.ram_needed, fit.ram_bytes, fit.flash_needed, fit.flash_bytes, fit.arena_bytes, fit.weights_bytes
            )  # fmt: skip
            optimize = "any" if len(same) == len(aims) > 1 else _joined(same)
            texts = [f"{size:,}" for size in sizes]
            for place in ESTIMATED if fit.estimated else ():
                texts[place] = ABOUT + texts[place]
            rows.append(["" if i else name, optimize, verdict(fit), *texts])
    return columns, rows


def _joined(forms: Sequence[str]) -> str:
    """Return forms as a cell has them: what they share once."""
    whole = [form for form in forms if not form.endswith(STREAMED)]
    streamed = [form.removesuffix(STREAMED) for form in forms if form.endswith(STREAMED)]
    return "; ".join(", ".join(names) + ending for names, ending in ((whole, ""), (streamed, STREAMED)) if names)


def verdict(fit: Fit) -> str:
    """Return `yes`, or what is short by how many bytes; `probably` where the bytes are an estimate."""
    over = (("RAM", fit.ram_needed - fit.ram_bytes), ("flash", fit.flash_needed - fit.flash_bytes))
    about, fits = (ABOUT, "probably") if fit.estimated else ("", "yes")
    return " and ".join(f"{what} short by {about}{size:,}" for what, size in over if size > 0) or fits


def doubt(name: str, fit: Fit) -> str:
    """Return what to say of a board whose SDK will probably refuse to link, "" if it will probably not."""
    if not fit.estimated or fit.fits:
        return ""
    return f"{name}: {verdict(fit)} bytes, if its SDK takes as much as is assumed here; the SDK's linker decides"


def _distinct(aims: Mapping[str, Fit]) -> list[tuple[Fit, list[str]]]:
    """Return each different fit of a board with the names of its --optimize, in their order."""
    found: dict[Fit, list[str]] = {}
    for aim, fit in aims.items():
        found.setdefault(fit, []).append(aim)
    return list(found.items())


def measured_table(
    fits: Mapping[str, Fit], known: Mapping[str, Measured]
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return columns and rows of one board's forms: planned, as linked, and on the device."""
    unit = next((one.unit for one in known.values()), "")
    names = (
        "--optimize", "RAM\nplanned", "RAM\nlinked", "flash\nplanned", "flash\nlinked", "arena\nplanned",
        "arena\non device", "stack\nused", unit,
    )  # fmt: skip
    rows = []
    for form, one in known.items():
        fit = fits[form]
        sizes = (
            fit.ram_needed, one.linked_ram, fit.flash_needed, one.linked_flash, fit.arena_bytes, one.arena,
            one.stack_used, None if one.count is None else round(one.count),
        )  # fmt: skip
        rows.append([form, *("" if size is None else f"{size:,}" for size in sizes)])
    return [(name, "right" if i else "left") for i, name in enumerate(names)], rows


def plot(points: Mapping[str, tuple[float, float]], unit: str) -> str:
    """Return RAM in bytes against what an inference takes as lines of text, forms of one point under one letter.

    "" of fewer than two points.
    """
    forms: dict[tuple[float, float], list[str]] = {}
    for form, point in points.items():
        forms.setdefault(point, []).append(form)
    if len(forms) < 2:
        return ""
    costs, sizes = zip(*forms, strict=True)
    grid = [[" "] * PLOT_COLUMNS for _ in range(PLOT_LINES)]
    marks = "abcdefghijklmnopqrstuvwxyz"[: len(forms)]
    for mark, (cost, size) in reversed(list(zip(marks, forms, strict=True))):
        grid[PLOT_LINES - 1 - _place(size, sizes, PLOT_LINES)][_place(cost, costs, PLOT_COLUMNS)] = mark
    labels = [f"RAM {max(sizes):,.0f}", *[""] * (PLOT_LINES - 2), f"{min(sizes):,.0f}"]
    width = max(map(len, labels))
    lines = [f"{label:>{width}} |{''.join(row)}".rstrip() for label, row in zip(labels, grid, strict=True)]
    low, high = f"{min(costs):,.0f}", f"{max(costs):,.0f} {unit}"
    lines += [" " * width + " +" + "-" * PLOT_COLUMNS, " " * (width + 2) + low + high.rjust(PLOT_COLUMNS - len(low))]
    lines += [f"{mark} {', '.join(names)}" for mark, names in zip(marks, forms.values(), strict=True)]
    return "\n".join(lines)


def _place(value: float, values: Sequence[float], count: int) -> int:
    low, high = min(values), max(values)
    return round((value - low) / (high - low) * (count - 1)) if high > low else 0


def notes(fits: Fits) -> str:
    """Return where the arena's peaks are, what is computed again, and how exact the figures are."""
    peaks: dict[str, list[str]] = {}
    for aims in fits.values():
        least = min((fit.macs for fit in aims.values()), default=0)
        for form, fit in aims.items():
            peaks.setdefault(fit.peak, []).append(form)
            if fit.macs > least:
                peaks.setdefault(f"computes {100 * fit.macs / least - 100:.0f} % of the MACs again", []).append(form)
    lines = []
    for what, forms in peaks.items():
        text = what if what.startswith("computes") else f"the arena's peak is {what}"
        lines.append(f"{', '.join(dict.fromkeys(forms))}: {text}")
    if left_out := _left_out(fits):
        lines.append(f"leaves out {left_out} of the network's MACs, which have no effect")
    lines.append("bytes; the share of the firmware itself is an estimate, the linker's figures are exact")
    if any(fit.estimated for aims in fits.values() for fit in aims.values()):
        lines.append(f"{ABOUT} your own SDK links these boards, and what it takes itself is an estimate")
    return "\n".join(lines)


def _left_out(fits: Fits) -> str:
    """Return the share of the MACs that no form computes, "" if all are; sets of kernels may differ in it."""
    shares = set[int]()
    for aims in fits.values():
        computed = min((fit.macs for fit in aims.values()), default=0)
        shares |= {round(100 * (n := fit.macs_left_out) / (computed + n)) for fit in aims.values() if fit.macs_left_out}
    return " to ".join(map(str, sorted({min(shares), max(shares)}))) + " %" if shares else ""


def as_json(
    fits: Fits, known: Mapping[str, tuple[Measured, tuple[str, ...]]] | None = None
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the figures as JSON types, with what was measured of the forms of one board and where the two part."""

    def more(form: str) -> dict[str, object]:
        if not known or form not in known:
            return {}
        one, parted = known[form]
        return {"measured": asdict(one), "warnings": list(parted)}

    return {
        name: {form: asdict(fit) | {"fits": fit.fits} | more(form) for form, fit in forms.items()}
        for name, forms in fits.items()
    }
