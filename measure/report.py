"""report.json (schema 1), checked against its JSON Schema when it is written, and report.md beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from artifact import HOME, write_atomic
from errors import ConfigError, Error, nearest
from measure import edgetpu, linux

REPORTS_DIR = HOME / "reports"
SCHEMA_PATH = Path(__file__).parent / "report.schema.json"
SCHEMA = 1


def folder(target: str, model: str) -> Path:
    """Where the report of a model on a target is."""
    return REPORTS_DIR / target / model


def check(report: dict[str, Any]) -> None:
    """Raise Error naming the first key that the schema does not allow."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))
    for problem in validator.iter_errors(report):
        raise Error(f"report.json: key {'.'.join(map(str, problem.path)) or '(top)'}: {problem.message}")
    # What a schema can't say
    for name, section in report.items():
        for key, value in section.items() if isinstance(section, dict) else ():
            if isinstance(value, float) and not math.isfinite(value):
                raise Error(f"report.json: key {name}.{key}: {value} is no measurement")
    found = report.get("exactness")
    if found and found["equal"] > found["n"]:
        raise Error(f"report.json: key exactness.equal: {found['equal']} of {found['n']} is too many")


def write(report: dict[str, Any], home: Path) -> Path:
    """Check the report and write it, as JSON and as Markdown. Returns the path of report.json."""
    check(report)
    path = home / "report.json"
    write_atomic(home / "report.md", markdown(report))
    write_atomic(path, json.dumps(report, indent=1) + "\n")
    return path


def read(path: Path) -> dict[str, Any]:
    """Return a report from disk, checked. Raises ConfigError if it is missing or not a report."""
    if not path.is_file():
        raise ConfigError(f"{path}: no report yet{_others(path)}; `inv deploy` writes it")
    try:
        report: dict[str, Any] = json.loads(path.read_text())
    except ValueError as e:
        raise ConfigError(f"{path}: not JSON ({e}); delete it and deploy again") from e
    check(report)
    return report


def _others(path: Path) -> str:
    """Name the reports that are there, of `<target>/<model>/report.json`."""
    root = path.parents[2]
    there = [f"{found.parent.parent.name}/{found.parent.name}" for found in root.glob("*/*/report.json")]
    return f"; {nearest(f'{path.parent.parent.name}/{path.parent.name}', there)}" if there else ""


def _streamed_text(streamed: dict[str, int]) -> str:
    rows, row_bytes, whole = (streamed[name] for name in ("rows", "row_bytes", "input_bytes"))
    return (
        f"streamed: {rows} rows of {row_bytes:,} bytes kept of {whole:,}; with all of it the arena would be"
        f" {streamed['whole_arena_bytes']:,} bytes"
    )


def rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the report as label and text, in the order in which a person reads it. What is absent has no row."""
    target, model, engine = report["target"], report["model"], report["engine"]
    threads = f", {engine['threads']} thread{'s' if engine['threads'] > 1 else ''}" if "threads" in engine else ""
    aim = f", for {engine['optimize']}" if "optimize" in engine else ""
    table = [
        ("target", f"{target['name']} ({target['cpu']}), {target['where']}"),
        ("model", _model_text(model)),
        ("engine", f"{engine['name']} {engine['version']}, {engine['kernels']} kernels{threads}{aim}"),
    ]
    if "streamed_input" in engine:
        table.append(("input", _streamed_text(engine["streamed_input"])))
    if "tpu" in report:
        table += edgetpu.rows(report["tpu"])
    if "linux" in report:
        table += linux.rows(report["linux"])
    if "latency" in report:
        table += _latency_rows(report["latency"])
    table += [
        (f"memory, {name.replace('_', ' ')}", f"{size:,} bytes") for name, size in report.get("memory", {}).items()
    ]
    if "accuracy" in report:
        table.append(("accuracy", _accuracy_text(report["accuracy"])))
    if "exactness" in report:
        found = report["exactness"]
        text = f"{found['equal']:,} of {found['n']:,} outputs equal to {found['oracle']}"
        if found["max_abs_diff"]:
            text += f"; largest difference {found['max_abs_diff']} of 256 steps"
        table.append(("exactness", text))
    if "interrupted" in report["provenance"]:
        table.append(("broken off", report["provenance"]["interrupted"]))
    return table


def _model_text(model: dict[str, Any]) -> str:
    parts = [model["name"]]
    if "alpha" in model:
        parts.append(f"α {model['alpha']:g}, ρ {model['rho']}")
    parts.append(f"{model['classes']:,} classes")
    if "parameters" in model:
        parts.append(f"{model['parameters']:,} parameters")
    if "macs" in model:
        parts.append(f"{model['macs']:,} MACs")
    return ", ".join(parts)


def _latency_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    if found["unit"] == "instructions":
        return [("instructions", f"{found['median']:,} an inference (median of {found['n']}; {found['counter']})")]

    def ms(name: str) -> str:
        return f"{found[name] / 1000:.3f}"

    return [
        ("latency", f"{ms('median')} ms median, {ms('p90')} p90, {ms('p99')} p99"),
        ("", f"{ms('min')} to {ms('max')} ms over {found['n']} runs after {found['warmup']}; {found['counter']}"),
    ]


def _accuracy_text(found: dict[str, Any]) -> str:
    text = f"{100 * found['top1']:.2f} % top-1"
    if "top5" in found:
        text += f", {100 * found['top5']:.2f} % top-5"
    text += f" over {found['n']:,} pictures of {found['dataset']}"
    if "host_top1" in found:
        reference = (
            f", its reference kernels {100 * found['reference_top1']:.2f} %" if "reference_top1" in found else ""
        )
        text += f" (LiteRT on the host: {100 * found['host_top1']:.2f} %{reference})"
    return text


def markdown(report: dict[str, Any]) -> str:
    """Return the report as a Markdown page: the figures, then where they came from."""
    lines = [f"# {report['model']['name']} on {report['target']['name']}", "", "| | |", "|---|---|"]
    lines += [f"| {label} | {_cell(text)} |" for label, text in rows(report)]
    lines += ["", "## Provenance", "", "| | |", "|---|---|"]
    for name, value in report["provenance"].items():
        if isinstance(value, dict):
            lines += [f"| {name}: {key} | `{_cell(item)}` |" for key, item in value.items()]
        else:
            lines.append(f"| {name} | `{_cell(value)}` |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    """Return text that does not end its cell of a Markdown table."""
    return " ".join(str(value).replace("|", "\\|").split())
