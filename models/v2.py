"""MobileNet V2: inverted residuals with linear bottlenecks.

Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381, table 2.
"""

from models.network import Network, make_divisible

STEM_FILTERS = 32
LAST_FILTERS = 1280

# Table 2: expansion t, output channels c, repeats n, stride s of the first repeat.
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def build(rho: int, channels: int, classes: int, alpha: float) -> Network:
    """Return MobileNet V2 for (rho, rho, channels) inputs, with ReLU6, ending in softmax over `classes`.

    The last convolution is widened by alpha only above 1 (section 5 of the paper, "minor implementation
    difference").
    """
    net = Network(rho, rho, channels)
    net.block = "stem"
    net.conv("Conv1", make_divisible(STEM_FILTERS * alpha), kernel=3, stride=2, activation="relu6")
    index = 0
    for expansion, filters, repeats, stride in BOTTLENECKS:
        for repeat in range(repeats):
            _inverted_residual(net, index, expansion, make_divisible(filters * alpha), stride if repeat == 0 else 1)
            index += 1
    net.block = "head"
    net.conv("Conv_1", make_divisible(LAST_FILTERS * alpha) if alpha > 1 else LAST_FILTERS, activation="relu6")
    net.pool("pool")
    net.dense("predictions", classes)
    net.softmax("softmax")
    return net


def _inverted_residual(net: Network, index: int, expansion: int, filters: int, stride: int) -> None:
    """Append expand (1x1, ReLU6), depthwise (3x3, ReLU6), project (1x1, linear), and the residual if shapes agree."""
    net.block = f"block {index}"
    source = net.last
    channels = net[source].output_shape[2]
    prefix = f"block_{index}" if index else "expanded_conv"
    if expansion > 1:
        net.conv(f"{prefix}_expand", expansion * channels, activation="relu6")
    net.depthwise(f"{prefix}_depthwise", kernel=3, stride=stride, activation="relu6")
    net.conv(f"{prefix}_project", filters)
    if stride == 1 and channels == filters:
        net.add(f"{prefix}_add", source, net.last)
