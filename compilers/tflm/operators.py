"""TFLite-Micro's names for operators: the method of MicroMutableOpResolver that adds each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from errors import CompileError

# Methods of micro_mutable_op_resolver.h whose names do not follow from the schema's.
_IRREGULAR = {
    "ADD_N": "AddAddN",
    "ARG_MAX": "AddArgMax",
    "ARG_MIN": "AddArgMin",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
    "CONV_2D": "AddConv2D",
    "CUMSUM": "AddCumSum",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "GATHER_ND": "AddGatherNd",
    "L2_NORMALIZATION": "AddL2Normalization",
    "L2_POOL_2D": "AddL2Pool2D",
    "MAX_POOL_2D": "AddMaxPool2D",
    "PADV2": "AddPadV2",
    "RELU6": "AddRelu6",
    "SELECT_V2": "AddSelectV2",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
# Those with a regular name: SPLIT_V is AddSplitV.
_REGULAR = (
    "ABS", "ADD", "ASSIGN_VARIABLE", "BROADCAST_ARGS", "BROADCAST_TO", "CAST", "CEIL", "CONCATENATION", "COS",
    "DEPTH_TO_SPACE", "DEQUANTIZE", "DIV", "DYNAMIC_UPDATE_SLICE", "ELU", "EMBEDDING_LOOKUP", "EQUAL", "EXP",
    "EXPAND_DIMS", "FILL", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED", "GATHER", "GREATER", "GREATER_EQUAL",
    "HARD_SWISH", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG", "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC",
    "LOG_SOFTMAX", "MAXIMUM", "MEAN", "MINIMUM", "MIRROR_PAD", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PRELU",
    "QUANTIZE", "READ_VARIABLE", "REDUCE_ALL", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "ROUND", "RSQRT", "SHAPE", "SIN", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH",
    "SPLIT", "SPLIT_V", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "SVDF",
    "TANH", "TRANSPOSE", "TRANSPOSE_CONV", "UNPACK", "VAR_HANDLE", "ZEROS_LIKE",
)  # fmt: skip
METHODS = {name: "Add" + "".join(word.title() for word in name.split("_")) for name in _REGULAR} | _IRREGULAR
# Operators of which upstream has a registration for int8 alone, and the header that declares it: code for other types
# is then not linked.
INT8_ONLY = {
    "ADD": "add.h",
    "AVERAGE_POOL_2D": "pooling.h",
    "CONV_2D": "conv.h",
    "DEPTHWISE_CONV_2D": "depthwise_conv.h",
    "FULLY_CONNECTED": "fully_connected.h",
    "MAX_POOL_2D": "pooling.h",
    "MUL": "mul.h",
    "SOFTMAX": "softmax.h",
}


@dataclass(frozen=True)
class Addition:
    """A call that adds an operator: `method` of the resolver, and the registration for int8 alone if there is one."""

    operator: str
    method: str
    int8_registration: str
    header: str


def additions(names: Iterable[str], source: str) -> list[Addition]:
    """Return the calls for operators by schema name. Raises CompileError naming those that TFLite-Micro lacks."""
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise CompileError(
            f"{source}: TFLite-Micro has no operator {', '.join(unknown)}; convert the network without it"
        )
    return [
        Addition(name, METHODS[name], f"Register_{name}_INT8" if name in INT8_ONLY else "", INT8_ONLY.get(name, ""))
        for name in names
    ]
