"""MobileNet V1: depthwise separable convolutions.

Source: Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", arXiv:1704.04861, table 1.
"""

from models.network import Network

STEM_FILTERS = 32

# Table 1: (output channels of the pointwise convolution, stride of the depthwise one), at alpha = 1.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
# Section 4.1: the shallow network leaves out the five layers of 14 x 14 x 512.
SHALLOW_BLOCKS = BLOCKS[:6] + BLOCKS[11:]


def build(rho: int, channels: int, classes: int, alpha: float, shallow: bool = False) -> Network:
    """Return MobileNet V1 for (rho, rho, channels) inputs, with ReLU6, ending in softmax over `classes`."""
    net = Network(rho, rho, channels)
    net.block = "stem"
    net.conv("conv1", int(STEM_FILTERS * alpha), kernel=3, stride=2, activation="relu6")
    for i, (filters, stride) in enumerate(SHALLOW_BLOCKS if shallow else BLOCKS, start=1):
        net.block = f"block {i}"
        net.depthwise(f"conv_dw_{i}", kernel=3, stride=stride, activation="relu6")
        net.conv(f"conv_pw_{i}", int(filters * alpha), activation="relu6")
    net.block = "head"
    net.pool("pool")
    net.dropout("dropout", 0.001)
    net.dense("conv_preds", classes)
    net.softmax("predictions")
    return net
