"""The page: what its template shows of each run. All text is escaped by the template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from errors import Error
from fields import Json
from fields.dataclass_json import to_json
from measure import layout
from measure.compare import comparison
from measure.compare import layout as compare_layout
from measure.page import charts, classes, curve, table
from measure.page.charts import Point
from measure.page.runs import Run
from measure.profile_layout import amount_text, per_mac_heading, per_mac_text, shape_text, summary

KINDS = (
    ("hardware", "measured on the board"),
    ("emulated", "counted by an emulator: not a time"),
    ("modeled", "computed from a model of the core"),
    ("host", "measured on the PC"),
)
WARNINGS = ("MISMATCH", "CLOCK", "THROTTLED", "interrupted")
Trend = Mapping[str, Sequence[tuple[str, Markup]]]
"""Charts over time by the anchor of a run: (name, SVG)."""


@dataclass(frozen=True)
class Cell:
    """Bytes as text, and which part of the board's they are, None where that is not known."""

    text: str
    share: float | None

    @property
    def percent(self) -> str:
        """The share in percent."""
        return f"{100 * (self.share or 0):.1f}"

    @property
    def width(self) -> float:
        """The share in percent, at most 100."""
        return round(min(100.0, 100 * (self.share or 0)), 1)


def render(runs: Sequence[Run], problems: Sequence[str], trend: Trend | None = None) -> str:
    """Return the page of runs as HTML that needs nothing else; `problems` are lines about what is left out.

    The same runs give the same bytes.
    """
    dates = sorted(run.report.provenance.created[:10] for run in runs)
    shown = {run.report.target.measured_on for run in runs}
    rows = [_row(run) for run in runs]
    return _template().render(
        title=runs[0].name if len(runs) == 1 else "Alpharho: measurements",
        dates=dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}",
        kinds=[(kind, words) for kind, words in KINDS if kind in shown],
        problems=problems,
        warnings=WARNINGS,
        table=rows,
        has_accuracy=any(row["accuracy"] for row in rows),
        comparisons=_comparisons(runs),
        charts=_fronts(runs),
        runs=[_run(run, (trend or {}).get(run.anchor, ())) for run in runs],
    )


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("page.html.j2")


def _row(run: Run) -> dict[str, object]:
    report = run.report
    memory, exact = report.memory, report.exactness
    warning = ""
    if report.device and report.device.mismatches:
        warning = "measured on another board"
    elif report.provenance.interrupted:
        warning = "interrupted"
    return {
        "anchor": run.anchor,
        "name": run.name,
        "warning": warning,
        "kind": report.target.measured_on,
        "engine": f"{report.engine.name} {report.engine.version}, {report.engine.kernels}",
        "latency": table.latency_text(run),
        "accuracy": table.accuracy_text(run) + (f" of {report.accuracy.n:,}" if report.accuracy else ""),
        "equal": f"{exact.equal:,} of {exact.n:,}" if exact else "",
        "ram": _cell(memory.get("ram", memory.get("peak_rss")), run.ram_bytes),
        "flash": _cell(memory.get("flash", memory.get("model_file")), run.flash_bytes),
    }


def _cell(used: int | None, limit: int | None) -> Cell:
    return Cell(table.memory_text(used, limit), used / limit if used is not None and limit else None)


def _comparisons(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return two runs side by side, where the page has two; why not, if they can't be."""
    if len(runs) != 2:
        return []
    before, after = runs
    names = (str(before.path.parent), str(after.path.parent))
    heading = f"{before.name}, then {after.name}"
    try:
        one = comparison.compare(before.report, after.report, names, any_model=True)
    except Error as e:
        return [{"heading": heading, "reason": str(e).partition("can't be compared: ")[2] or str(e)}]
    rows = compare_layout.rows(one)
    return [{"heading": heading, "reason": "", "before": "first", "after": "second", "rows": rows}]


def _fronts(runs: Sequence[Run]) -> list[dict[str, object]]:
    """Return charts of accuracy against latency for each target, and against RAM, where there are two runs or more."""
    by_latency: dict[tuple[str, str, str], list[Point]] = defaultdict(list)
    by_ram: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for run in runs:
        report = run.report
        if report.accuracy is None:
            continue
        data, y = f"{report.accuracy.n:,} of {report.accuracy.dataset}", report.accuracy.top1
        name = run.path.parent.name
        if report.latency:
            point = Point(name, report.latency.median, y, run.anchor)
            by_latency[(run.unit, report.latency.unit, data)].append(point)
        if "ram" in report.memory:
            by_ram[(run.unit, data)].append(Point(name, report.memory["ram"], y, run.anchor))
    found: list[dict[str, object]] = []
    for (unit, of, data), points in by_latency.items():
        if len(points) > 1:
            svg = charts.scatter(points, "latency", "top-1", lambda x, of=of: _amount(x, of), _percent)  # type: ignore[misc]
            found.append({"name": f"{unit}: accuracy over {data} against latency", "svg": svg})
    for (unit, data), points in by_ram.items():
        if len(points) > 1:
            svg = charts.scatter(points, "RAM", "top-1", lambda x: f"{x:,.0f} bytes", _percent)
            found.append({"name": f"{unit}: accuracy over {data} against RAM", "svg": svg})
    return found


def _run(run: Run, trend: Sequence[tuple[str, Markup]]) -> dict[str, object]:
    latency = run.report.latency
    chart, counted = None, ""
    if latency and latency.samples:
        if latency.max > latency.min:
            chart = charts.histogram(latency.samples, lambda value: _amount(value, latency.unit))
        else:
            counted = f"Each of {latency.n} inferences took {_amount(latency.median, latency.unit)}."
    answers = run.details.answers if run.details else None
    return {
        "anchor": run.anchor,
        "name": run.name,
        "kind": run.report.target.measured_on,
        "rows": layout.rows(run.report),
        "latency": chart,
        "counted": counted,
        "trend": trend,
        "layers": _layers(run),
        "plan": _plan(run),
        "classes": classes.view(answers) if answers else None,
        "training": _training(run),
        "provenance": list(_flat(to_json(run.report.provenance))) + [("report", run.path.name)],
    }


def _layers(run: Run) -> dict[str, object] | None:
    profile = run.profile
    if profile is None:
        return None
    most = max((layer.amount for layer in profile.layers), default=0) or 1
    most_per_mac = max((layer.per_mac or 0 for layer in profile.layers), default=0) or 1
    rows = [
        {
            "number": "" if layer.operator is None else layer.operator,
            "name": layer.name,
            "shape": shape_text(layer),
            "macs": f"{layer.macs:,}" if layer.macs else "",
            "amount": amount_text(layer.amount, profile.unit),
            "share": f"{100 * layer.share:.1f}",
            "width": round(100 * layer.amount / most, 1),
            "per_mac": per_mac_text(layer, profile.unit),
            "per_mac_width": round(100 * (layer.per_mac or 0) / most_per_mac, 1),
        }
        for layer in profile.layers
    ]
    left_out = run.report.engine.macs_left_out
    missing = f". {left_out:,} MACs of the network have no effect, and are not computed" if left_out else ""
    return {
        "caption": f"{profile.engine}, {profile.kernels} kernels: {summary(profile)}{missing}",
        "unit": profile.unit,
        "per_mac": per_mac_heading(profile.unit),
        "rows": rows,
    }


def _plan(run: Run) -> dict[str, object] | None:
    plan = run.details.plan if run.details else None
    if plan is None or not plan.steps:
        return None
    peak = plan.steps[plan.peak]
    text = f"The arena has {plan.arena_bytes:,} bytes. "
    text += f"Most are needed in step {plan.peak}, {peak.name}: {peak.live_bytes:,} bytes"
    if peak.scratch_bytes:
        text += f", of which {peak.scratch_bytes:,} are rows and other scratch of its own"
    if plan.row_bytes:
        text += f"; of the input {plan.row_bytes:,} bytes of rows are kept"
    return {
        "text": f"{text}.",
        "svg": charts.memory_map(plan),
        "places": sorted(plan.places, key=lambda p: (p.first, p.offset)),
    }


def _training(run: Run) -> dict[str, object] | None:
    training = run.details.training if run.details else None
    if training is None or not training.epochs:
        return None
    return {"caption": curve.caption(training), "charts": curve.draw(training)}


def _flat(value: Json, before: str = "") -> list[tuple[str, str]]:
    """Return a JSON object as (key, text), nested keys joined by ': '."""
    if not isinstance(value, Mapping):
        return [(before, str(value))]
    return [row for key, item in value.items() for row in _flat(item, f"{before}: {key}" if before else key)]


def _amount(value: float, unit: str) -> str:
    return f"{value / 1000:,.3f} ms" if unit == "us" else f"{value:,.0f} {unit}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
