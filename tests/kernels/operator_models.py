"""The random networks of one operator, by its name."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.kernels.cases import Case
from tests.kernels.move_models import (
    concatenation,
    pack,
    pad,
    reshape,
    resize,
    same_bytes,
    slice_,
    split,
    strided_slice,
    transpose,
    unpack,
)
from tests.kernels.value_models import (
    absolute,
    binary,
    curve,
    dense,
    dequantize,
    leaky_relu,
    quantize,
    reduction,
    softmax,
    typical_binary,
    typical_dense,
    typical_mean,
    typical_unary,
    unary,
)
from tests.kernels.window_models import behind_pad, conv, pool, transpose_conv, typical

# Cases that kernel sets are fast for.
TYPICAL: dict[str, st.SearchStrategy[Case]] = {
    "CONV_2D": typical(),
    "DEPTHWISE_CONV_2D": typical(depthwise=True),
    "FULLY_CONNECTED": typical_dense(),
    "ADD": typical_binary("ADD"),
    "MUL": typical_binary("MUL"),
    "MEAN": typical_mean(),
    "HARD_SWISH": typical_unary("HARD_SWISH"),
}

OPERATORS: dict[str, st.SearchStrategy[Case]] = {
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": conv(depthwise=True),
    "FULLY_CONNECTED": dense(),
    "ADD": binary("ADD"),
    "MUL": binary("MUL"),
    "MEAN": reduction("MEAN"),
    "SUM": reduction("SUM"),
    "REDUCE_MAX": reduction("REDUCE_MAX"),
    "REDUCE_MIN": reduction("REDUCE_MIN"),
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "SOFTMAX": softmax(),
    "HARD_SWISH": unary("HARD_SWISH"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6"),
    "RELU_N1_TO_1": unary("RELU_N1_TO_1"),
    "QUANTIZE": quantize(),
    "DEQUANTIZE": dequantize(),
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "RESHAPE": reshape(),
    "CONCATENATION": concatenation(),
    "SUB": binary("SUB"),
    "MAXIMUM": binary("MAXIMUM"),
    "MINIMUM": binary("MINIMUM"),
    "PRELU": binary("PRELU"),
    "SLICE": slice_(),
    "STRIDED_SLICE": strided_slice(),
    "TRANSPOSE": transpose(),
    "SPLIT": split("SPLIT"),
    "SPLIT_V": split("SPLIT_V"),
    "UNPACK": unpack(),
    "PACK": pack(),
    "EXPAND_DIMS": same_bytes("EXPAND_DIMS"),
    "SQUEEZE": same_bytes("SQUEEZE"),
    "TRANSPOSE_CONV": transpose_conv(),
    "LOGISTIC": curve("LOGISTIC"),
    "TANH": curve("TANH"),
    "LEAKY_RELU": leaky_relu(),
    "ELU": curve("ELU"),
    "ABS": absolute(),
}

# Windows behind a PAD, as most files that do not come from Keras' SAME have them.
PADDED: dict[str, st.SearchStrategy[Case]] = {
    name: behind_pad(OPERATORS[name]) for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")
}
TYPICAL_PADDED = {name: behind_pad(TYPICAL[name]) for name in ("CONV_2D", "DEPTHWISE_CONV_2D")}
