"""MobileNet V3, Large and Small, and their minimalistic variants.

Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244, tables 1 and 2. The minimalistic
variants (no squeeze-and-excite, ReLU for h-swish, 3x3 for 5x5) are those of the reference implementation.
"""

from dataclasses import dataclass

from models.network import Network, make_divisible

STEM_FILTERS = 16
SQUEEZE_RATIO = 0.25


@dataclass(frozen=True)
class Bottleneck:
    """A row of table 1 or 2. `expansion` is the expanded channels over the input's; `squeeze` is squeeze-and-excite."""

    kernel: int
    expansion: float
    filters: int
    squeeze: bool
    hard_swish: bool
    stride: int


LARGE = (
    Bottleneck(3, 1, 16, False, False, 1),
    Bottleneck(3, 4, 24, False, False, 2),
    Bottleneck(3, 3, 24, False, False, 1),
    Bottleneck(5, 3, 40, True, False, 2),
    Bottleneck(5, 3, 40, True, False, 1),
    Bottleneck(5, 3, 40, True, False, 1),
    Bottleneck(3, 6, 80, False, True, 2),
    Bottleneck(3, 2.5, 80, False, True, 1),
    Bottleneck(3, 2.3, 80, False, True, 1),
    Bottleneck(3, 2.3, 80, False, True, 1),
    Bottleneck(3, 6, 112, True, True, 1),
    Bottleneck(3, 6, 112, True, True, 1),
    Bottleneck(5, 6, 160, True, True, 2),
    Bottleneck(5, 6, 160, True, True, 1),
    Bottleneck(5, 6, 160, True, True, 1),
)
SMALL = (
    Bottleneck(3, 1, 16, True, False, 2),
    Bottleneck(3, 72 / 16, 24, False, False, 2),
    Bottleneck(3, 88 / 24, 24, False, False, 1),
    Bottleneck(5, 4, 40, True, True, 2),
    Bottleneck(5, 6, 40, True, True, 1),
    Bottleneck(5, 6, 40, True, True, 1),
    Bottleneck(5, 3, 48, True, True, 1),
    Bottleneck(5, 3, 48, True, True, 1),
    Bottleneck(5, 6, 96, True, True, 2),
    Bottleneck(5, 6, 96, True, True, 1),
    Bottleneck(5, 6, 96, True, True, 1),
)
# The redesigned tail: channels of the convolution that stands after the pooling.
TAIL_FILTERS = {"large": 1280, "small": 1024}


def build(rho: int, channels: int, classes: int, alpha: float, size: str, minimalistic: bool = False) -> Network:
    """Return MobileNet V3 `size` ("large" or "small") for (rho, rho, channels) inputs, ending in softmax."""
    net = Network(rho, rho, channels)
    swish = "relu" if minimalistic else "hard_swish"
    net.block = "stem"
    net.conv("conv", STEM_FILTERS, kernel=3, stride=2, activation=swish)
    for index, row in enumerate(LARGE if size == "large" else SMALL):
        _bottleneck(net, index, row, alpha, minimalistic)
    net.block = "head"
    net.conv("conv_1", make_divisible(net[net.last].output_shape[2] * 6), activation=swish)
    net.pool("pool")
    tail = TAIL_FILTERS[size]
    net.conv("conv_2", make_divisible(tail * alpha) if alpha > 1 else tail, activation=swish, batch_norm=False)
    net.dropout("dropout", 0.2)
    net.dense("logits", classes)
    net.softmax("predictions")
    return net


def _bottleneck(net: Network, index: int, row: Bottleneck, alpha: float, minimalistic: bool) -> None:
    net.block = f"block {index}"
    source = net.last
    channels = net[source].output_shape[2]
    activation = "hard_swish" if row.hard_swish and not minimalistic else "relu"
    expanded = make_divisible(channels * row.expansion)
    prefix = f"expanded_conv_{index}" if index else "expanded_conv"
    if index:
        net.conv(f"{prefix}_expand", expanded, activation=activation)
    net.depthwise(f"{prefix}_depthwise", 3 if minimalistic else row.kernel, row.stride, activation)
    if row.squeeze and not minimalistic:
        _squeeze_excite(net, prefix)
    filters = make_divisible(row.filters * alpha)
    net.conv(f"{prefix}_project", filters)
    if row.stride == 1 and channels == filters:
        net.add(f"{prefix}_add", source, net.last)


def _squeeze_excite(net: Network, prefix: str) -> None:
    """Append squeeze-and-excite: pool, reduce (ReLU), expand (hard sigmoid), scale."""
    features = net.last
    channels = net[features].output_shape[2]
    net.pool(f"{prefix}_se_pool")
    net.conv(f"{prefix}_se_reduce", make_divisible(channels * SQUEEZE_RATIO), activation="relu", batch_norm=False)
    net.conv(f"{prefix}_se_expand", channels, activation="hard_sigmoid", batch_norm=False)
    net.scale(f"{prefix}_se_scale", features, net.last)
