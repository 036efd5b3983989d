"""The table of all runs: one row each, the same for HTML, Markdown and CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence

from measure.page.runs import Run

HEADINGS = (
    "model", "target", "kind", "engine", "latency", "unit", "p90", "accuracy", "AUC", "pictures", "equal outputs",
    "RAM", "RAM limit", "flash", "flash limit", "measured",
)  # fmt: skip


def values(run: Run) -> tuple[str | int | float | None, ...]:
    """Return the values of a row, in the order of HEADINGS; fractions as they are, times in microseconds."""
    report = run.report
    latency, accuracy, auc, exact = report.latency, report.accuracy, report.auc, report.exactness
    return (
        run.path.resolve().parent.name,
        run.unit,
        report.target.measured_on,
        f"{report.engine.name} {report.engine.version}, {report.engine.kernels}",
        latency.median if latency else None,
        latency.unit if latency else None,
        latency.p90 if latency else None,
        accuracy.top1 if accuracy else None,
        auc.auc if auc else None,
        accuracy.n if accuracy else exact.n if exact else None,
        f"{exact.equal} of {exact.n}" if exact else None,
        report.memory.get("ram", report.memory.get("peak_rss")),
        run.ram_bytes,
        report.memory.get("flash", report.memory.get("model_file")),
        run.flash_bytes,
        report.provenance.created,
    )


def latency_text(run: Run) -> str:
    """Return the median latency with its unit, "" for none."""
    latency = run.report.latency
    if latency is None:
        return ""
    return f"{latency.median / 1000:,.3f} ms" if latency.unit == "us" else f"{latency.median:,.0f} {latency.unit}"


def accuracy_text(run: Run) -> str:
    """Return top-1 or AUC with what it is over, "" for neither."""
    report = run.report
    if report.accuracy:
        return f"{100 * report.accuracy.top1:.2f} %"
    return f"AUC {report.auc.auc:.4f}" if report.auc else ""


def memory_text(used: int | None, limit: int | None) -> str:
    """Return bytes, of how many where the board says it."""
    if used is None:
        return ""
    return f"{used:,} of {limit:,}" if limit else f"{used:,}"


def as_csv(runs: Sequence[Run]) -> str:
    """Return the table as CSV (RFC 4180). Text that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for run in runs:
        writer.writerow([_plain(value) for value in values(run)])
    return out.getvalue()


def as_markdown(runs: Sequence[Run]) -> str:
    """Return the table as Markdown."""
    headings = (*HEADINGS[:4], "latency", "accuracy", "equal outputs", "RAM, bytes", "flash, bytes")
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * 4 + "---:|" * 5]
    for run in runs:
        cells = [str(cell or "") for cell in values(run)]
        memory = run.report.memory
        row = [
            *cells[:4], latency_text(run), accuracy_text(run), cells[10],
            memory_text(memory.get("ram", memory.get("peak_rss")), run.ram_bytes),
            memory_text(memory.get("flash", memory.get("model_file")), run.flash_bytes),
        ]  # fmt: skip
        lines.append("| " + " | ".join(_cell(text) for text in row) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return text that neither ends its cell nor is HTML or Markdown."""
    escaped = html.escape(text, quote=False)
    for character in "|`[*_":
        escaped = escaped.replace(character, f"\\{character}")
    return " ".join(escaped.split())


def _plain(value: str | int | float | None) -> str | int | float | None:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
