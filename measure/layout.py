"""The report as rows for a person, and as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping

from fields import Json, to_json
from measure import edgetpu, linux
from measure.report import (
    AccuracySection,
    EngineSection,
    ExactnessSection,
    LatencySection,
    ModelSection,
    Report,
    StreamedInput,
)

Rows = list[tuple[str, str]]
"""Label and text of each row."""


def rows(report: Report) -> Rows:
    """Return the report in the order in which a person reads it. What is absent has no row."""
    target, engine = report.target, report.engine
    table = [
        ("target", f"{target.name} ({target.cpu}), {target.measured_on}"),
        ("model", _model_text(report.model)),
        ("engine", _engine_text(engine)),
    ]
    if engine.streamed_input:
        table.append(("input", _streamed_text(engine.streamed_input)))
    if report.tpu:
        table += edgetpu.rows(report.tpu)
    if report.linux:
        table += linux.rows(report.linux)
    if report.latency:
        table += _latency_rows(report.latency)
    table += [(f"memory, {name.replace('_', ' ')}", f"{size:,} bytes") for name, size in report.memory.items()]
    if report.accuracy:
        table.append(("accuracy", _accuracy_text(report.accuracy)))
    if report.exactness:
        table.append(("exactness", _exactness_text(report.exactness)))
    if report.provenance.interrupted:
        table.append(("interrupted", report.provenance.interrupted))
    return table


def latency_text(latency: LatencySection) -> str:
    """Return the latency in a line."""
    if latency.unit == "instructions":
        return f"{latency.median:,.0f} instructions an inference"
    return f"{latency.median / 1000:.3f} ms median, {latency.p90 / 1000:.3f} ms p90, {latency.n} runs"


def markdown(report: Report) -> str:
    """Return the report as a Markdown page: the figures, then where they came from."""
    lines = [f"# {report.model.name} on {report.target.name}", "", "| | |", "|---|---|"]
    lines += [f"| {label} | {_cell(text)} |" for label, text in rows(report)]
    lines += ["", "## Provenance", "", "| | |", "|---|---|"]
    provenance = to_json(report.provenance)
    assert isinstance(provenance, Mapping)
    for name, value in provenance.items():
        if isinstance(value, Mapping):
            lines += [f"| {name}: {key} | `{_cell(item)}` |" for key, item in value.items()]
        else:
            lines.append(f"| {name} | `{_cell(value)}` |")
    return "\n".join(lines) + "\n"


def _model_text(model: ModelSection) -> str:
    parts = [model.name]
    if model.alpha is not None:
        parts.append(f"α {model.alpha:g}, ρ {model.rho}")
    parts.append(f"{model.classes:,} classes")
    if model.parameters is not None:
        parts.append(f"{model.parameters:,} parameters")
    if model.macs is not None:
        parts.append(f"{model.macs:,} MACs")
    return ", ".join(parts)


def _engine_text(engine: EngineSection) -> str:
    text = f"{engine.name} {engine.version}, {engine.kernels} kernels"
    if engine.threads is not None:
        text += f", {engine.threads} thread{'s' if engine.threads > 1 else ''}"
    return text + (f", for {engine.optimize}" if engine.optimize else "")


def _streamed_text(streamed: StreamedInput) -> str:
    return (
        f"streamed: {streamed.rows} rows of {streamed.row_bytes:,} bytes kept of {streamed.input_bytes:,}; with all of "
        f"it the arena would be {streamed.whole_arena_bytes:,} bytes"
    )


def _latency_rows(latency: LatencySection) -> Rows:
    if latency.unit == "instructions":
        text = f"{latency.median:,.0f} an inference (median of {latency.n}; {latency.counter})"
        return [("instructions", text)]
    first, last = latency.min / 1000, latency.max / 1000
    return [
        (
            "latency",
            f"{latency.median / 1000:.3f} ms median, {latency.p90 / 1000:.3f} p90, {latency.p99 / 1000:.3f} p99",
        ),
        ("", f"{first:.3f} to {last:.3f} ms over {latency.n} runs after {latency.warmup}; {latency.counter}"),
    ]


def _accuracy_text(accuracy: AccuracySection) -> str:
    text = f"{100 * accuracy.top1:.2f} % top-1"
    if accuracy.top5 is not None:
        text += f", {100 * accuracy.top5:.2f} % top-5"
    text += f" over {accuracy.n:,} pictures of {accuracy.dataset}"
    if accuracy.host_top1 is None:
        return text
    text += f" (LiteRT on the host: {100 * accuracy.host_top1:.2f} %"
    if accuracy.reference_top1 is not None:
        text += f", its reference kernels {100 * accuracy.reference_top1:.2f} %"
    return f"{text})"


def _exactness_text(exactness: ExactnessSection) -> str:
    text = f"{exactness.equal:,} of {exactness.n:,} outputs equal to {exactness.oracle}"
    if exactness.max_abs_diff:
        text += f"; largest difference {exactness.max_abs_diff} of 256 steps"
    return text


def _cell(value: Json) -> str:
    """Return text that does not end its cell of a Markdown table."""
    return " ".join(str(value).replace("|", "\\|").split())
