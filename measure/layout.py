"""The report as rows for a person, and as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping

from fields import Json
from fields.dataclass_json import to_json
from graph.difference import TFLM, FirstDifference
from measure import clocks, limits
from measure.report import (
    AccuracySection,
    AucSection,
    DeviceSection,
    EngineSection,
    ExactnessSection,
    LatencySection,
    LinuxSection,
    LinuxState,
    ModelSection,
    Provenance,
    Report,
    StreamedInput,
    TpuSection,
)

Rows = list[tuple[str, str]]
"""Label and text of each row."""


def rows(report: Report) -> Rows:
    """Return the report in the order in which a person reads it. What is absent has no row."""
    engine = report.engine
    table = [
        ("target", _target_text(report)),
        ("model", _model_text(report.model)),
        ("engine", _engine_text(engine)),
    ]
    if report.device:
        table += device_rows(report.device)
    if engine.streamed_input:
        table.append(("input", _streamed_text(engine.streamed_input)))
    if engine.macs_left_out:
        table.append(("left out", f"{engine.macs_left_out:,} MACs of the network, which have no effect"))
    if report.tpu:
        table += tpu_rows(report.tpu)
    if report.linux:
        table += linux_rows(report.linux)
    if report.latency:
        table += _latency_rows(report.latency)
    if report.clock:
        table += clocks.rows(report.clock)
    table += _memory_rows(report)
    if report.accuracy:
        table.append(("accuracy", _accuracy_text(report.accuracy)))
    if report.auc:
        table.append(("AUC", _auc_text(report.auc)))
    if report.no_accuracy:
        table.append(("no accuracy", f"bytes compared; accuracy has no meaning: {report.no_accuracy}"))
    if report.exactness:
        table.append(("exactness", _exactness_text(report.exactness)))
    return table + run_rows(report.provenance)


def _memory_rows(report: Report) -> Rows:
    """Return what memory took, RAM and flash first, of how much where it is a board's."""
    ram, flash = limits.of(report.target.name)
    of = {"ram": ram, "flash": flash}
    names = [*(name for name in of if name in report.memory), *(name for name in report.memory if name not in of)]
    return [(f"memory, {_words(name)}", limits.text(report.memory[name], of.get(name))) for name in names]


def _words(name: str) -> str:
    """Return the name of a figure as words."""
    return {"ram": "RAM", "peak_rss": "peak RSS"}.get(name, name.replace("_", " "))


def run_rows(provenance: Provenance) -> Rows:
    """Return how a run went that was cut short, or lost its device and went on."""
    table = []
    if provenance.resumed_pictures:
        table.append(("resumed", f"{provenance.resumed_pictures:,} pictures are from earlier, interrupted runs"))
    if provenance.reconnects:
        times = "once" if provenance.reconnects == 1 else f"{provenance.reconnects:,} times"
        table.append(("reconnected", f"the device was lost {times} and came back"))
    if provenance.interrupted:
        table.append(("interrupted", provenance.interrupted))
    return table


def latency_text(latency: LatencySection) -> str:
    """Return the latency in a line."""
    if latency.unit != "us":
        return f"{latency.median:,.0f} {latency.unit} an inference"
    return f"{latency.median / 1000:.3f} ms median, {latency.p90 / 1000:.3f} ms p90, {latency.n} runs"


def clock_text(error: float | None) -> str:
    """Return what to say of a counter whose rate is wrong, "" for one that is right or could not be compared."""
    if error is None or abs(error) <= clocks.OFF:
        return ""
    return f"the device's counter is {100 * abs(error):.1f} % {'fast' if error > 0 else 'slow'} by this host's clock"


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


def device_rows(device: DeviceSection) -> Rows:
    """Return what the device said of itself, and what is wrong with that."""
    core = device.core and device.core + (f" (CPUID {device.cpuid})" if device.cpuid else "")
    parts = [device.model, device.machine, core, device.cpu, device.unit and f"unit {device.unit}"]
    texts = [part for part in parts if part]
    table = [("device", ", ".join(texts))] if texts else []
    if lab := device.lab:
        table.append(("place", f"{lab.place} of {lab.coordinator} ({lab.resource} of exporter {lab.exporter})"))
    table += [("MISMATCH", text) for text in device.mismatches or ()]
    if text := clock_text(device.clock_error):
        table.append(("CLOCK", f"{text}: its times are wrong by as much"))
    return table


def tpu_rows(tpu: TpuSection) -> Rows:
    """Return the section of an Edge TPU."""
    parts = [part for part in (tpu.device, tpu.path, tpu.runtime) if part]
    table = [("Edge TPU", ", ".join(parts))] if parts else []
    whose = "operators" if tpu.operators_predicted is not None else "operators of the compiled file"
    text = f"{tpu.operators_mapped} of {tpu.operators} {whose} on the Edge TPU"
    if tpu.on_cpu:
        text += f", on its host's CPU: {', '.join(dict.fromkeys(tpu.on_cpu))}"
    table.append(("mapping", text))
    if tpu.compiled_with:
        table.append(("compiled with", ", ".join(tpu.compiled_with)))
    return table


def linux_rows(linux: LinuxSection) -> Rows:
    """Return the section of a Linux board."""
    parts = [linux.machine, linux.os, linux.kernel and f"Linux {linux.kernel}"]
    parts += [linux.python and f"Python {linux.python}", f"{linux.cores} cores" if linux.cores else None]
    table = [("board", ", ".join(part for part in parts if part))]
    if linux.threads_tried:
        texts = [f"{trial.threads}: {trial.median_us / 1000:.3f} ms" for trial in linux.threads_tried]
        table.append(("threads tried", ", ".join(texts)))
    times = (("runtime import", linux.import_us), ("model load", linux.load_us), ("first", linux.first_inference_us))
    texts = [f"{label} {us / 1000:,.1f} ms" for label, us in times if us is not None]
    if texts:
        table.append(("at the start", ", ".join(texts)))
    if texts := _state_texts(linux):
        table.append(("CPU", ", ".join(texts)))
    if linux.slowed_down:
        table.append(("THROTTLED", f"the board was slowed down while it was measured: {', '.join(linux.slowed_down)}"))
    return table


def _target_text(report: Report) -> str:
    target = report.target
    text = f"{target.name} ({target.cpu}), {target.measured_on}"
    if report.device and report.device.mismatches:
        return f"NOT {text}: measured on another board"
    return text


def _model_text(model: ModelSection) -> str:
    parts = [model.name]
    if model.alpha is not None:
        parts.append(f"α {model.alpha:g}, ρ {model.rho}")
    if model.classes is not None:
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
    if latency.unit != "us":
        text = f"{latency.median:,.0f} an inference (median of {latency.n}; {latency.counter})"
        return [(latency.unit, text)]
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


def _auc_text(auc: AucSection) -> str:
    text = f"{auc.auc:.4f} (area under ROC of the mean squared reconstruction error) over {auc.n:,} of {auc.dataset}"
    return text if auc.host_auc is None else f"{text} (LiteRT on the host: {auc.host_auc:.4f})"


def _exactness_text(exactness: ExactnessSection) -> str:
    text = f"{exactness.equal:,} of {exactness.n:,} outputs equal to {exactness.oracle}"
    if exactness.max_abs_diff:
        steps = "step" if exactness.max_abs_diff == 1 else "steps"
        text += f"; largest difference {exactness.max_abs_diff} {steps} of the output's scale"
    if exactness.first_difference:
        text += f"; {difference_text(exactness.first_difference)}"
    return text


def difference_text(first: FirstDifference) -> str:
    """Return which operator is the first that a device's kernels compute in another way than the reference kernels."""
    kernels = "TFLite-Micro's kernels" if first.kernels == TFLM else f"LiteRT's {first.kernels} kernels"
    text = f"{kernels} first differ from the reference kernels at operator {first.operator} {first.name}"
    if first.max_abs_diff is None:
        return text
    return f"{text}, by at most {first.max_abs_diff} step{'s' if first.max_abs_diff > 1 else ''}"


def _cell(value: Json) -> str:
    """Return text that does not end its cell of a Markdown table."""
    return " ".join(str(value).replace("|", "\\|").split())


def _state_texts(linux: LinuxSection) -> list[str]:
    """Return the governor, and clocks and temperature before and after, as far as they are known."""
    before, after = linux.before or LinuxState(), linux.after or LinuxState()
    texts = [f"governor {linux.governor}"] if linux.governor else []
    pairs = ((_clocks(before), _clocks(after), "MHz"), (_celsius(before), _celsius(after), "°C"))
    for first, last, unit in pairs:
        if first:
            texts.append(f"{first} {unit} before" + (f", {last} {unit} after" if last else ""))
    return texts


def _clocks(state: LinuxState) -> str:
    return "/".join(f"{hz / 1e6:.0f}" for hz in state.cpu_hz or ())


def _celsius(state: LinuxState) -> str:
    return "" if state.temperature_c is None else f"{state.temperature_c:.1f}"
