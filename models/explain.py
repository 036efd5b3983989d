"""The tables of `inv models` and `inv explain`, as rows of numbers. No TensorFlow."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from models import presets
from models.network import Layer
from models.presets import FAMILIES, Preset

COUNTED = {
    "v1": "layers with a kernel, depthwise and pointwise apart, as the paper counts 28",
    "v1s": "layers with a kernel, depthwise and pointwise apart, as the paper counts V1's 28",
    "v2": "layers with a kernel: stem; expand, depthwise and project of each of the 17 bottlenecks; last convolution "
    "and classifier",
    "v3": "layers with a kernel: stem; expand, depthwise, both of squeeze-and-excite and project of each bottleneck; "
    "the tail's two convolutions and classifier",
}


@dataclass(frozen=True)
class Summary:
    """One preset: Keras parameters, MACs, bytes of int8 weights and int32 biases, peak bytes of int8 activations."""

    name: str
    network: str
    alpha: float
    rho: int
    layers: int
    parameters: int
    macs: int
    int8_bytes: int
    peak_activation_bytes: int


def summarize(preset: Preset) -> Summary:
    """Return the totals of a preset."""
    net = preset.network()
    sizes = (net.weight_layers, net.parameters, net.macs, net.int8_bytes, net.peak_activation_bytes)
    return Summary(preset.name, FAMILIES[preset.family], preset.alpha, preset.rho, *sizes)


def all_presets(rho: int | None, classes: int) -> list[Summary]:
    """Return the totals of every published preset, at one rho."""
    suffix = "" if rho is None else f"_{rho}"
    return [summarize(presets.parse(name + suffix, classes)) for name in presets.all_names()]


@dataclass(frozen=True)
class Row:
    """One layer as the papers print it. `cost`: its MACs over those of the standard convolution that it replaces."""

    layer: str
    block: str
    operator: str
    stride: int | None
    filter: str
    input: str
    parameters: int
    macs: int
    cost: float | None


def rows(preset: Preset) -> list[Row]:
    """Return a row for each layer but dropout, in order of execution."""
    net = preset.network()
    table = []
    for i, layer in enumerate(net.layers[1:], start=1):
        if layer.op == "dropout":
            continue
        # The convolutions of squeeze-and-excite stand between, without batch normalization: they are not the pointwise.
        pointwise = (later for later in net.layers[i + 1 :] if later.op == "conv" and later.batch_norm)
        following = next(pointwise, None)
        table.append(_row(layer, following))
    return table


def _row(layer: Layer, following: Layer | None) -> Row:
    h, w, c = layer.input_shape
    k = layer.kernel
    shape = {
        "conv": f"{k}x{k}x{c}x{layer.output_shape[2]}",
        "depthwise": f"{k}x{k}x{c} dw",
        "dense": f"{c}x{layer.output_shape[2]}",
        "pool": f"pool {h}x{w}",
    }.get(layer.op, layer.op)
    cost = None
    if layer.op == "depthwise" and following is not None:
        cost = depthwise_separable_cost(layer, following)
    activation = f" {layer.activation}" if layer.activation else ""
    stride = layer.stride if layer.op in ("conv", "depthwise") else None
    return Row(
        layer.name,
        layer.block,
        layer.op + activation,
        stride,
        shape,
        f"{h}x{w}x{c}",
        layer.parameters,
        layer.macs,
        cost,
    )


def depthwise_separable_cost(depthwise: Layer, pointwise: Layer) -> float:
    """Return the MACs of a depthwise and its pointwise convolution over those of one standard convolution.

    Equals 1/N + 1/Dk^2 for N output channels and a kernel of side Dk (Howard et al. 2017, section 3.1).
    """
    h, w, c = depthwise.output_shape
    standard = depthwise.kernel**2 * c * pointwise.output_shape[2] * h * w
    return (depthwise.macs + pointwise.macs) / standard


def as_json(preset: Preset) -> dict[str, object]:
    """Return summary and rows as plain data."""
    return {**asdict(summarize(preset)), "classes": preset.classes, "rows": [asdict(row) for row in rows(preset)]}


def what_is_counted(preset: Preset) -> str:
    """Say what the number of layers counts."""
    return COUNTED.get(preset.family, COUNTED["v3"])
