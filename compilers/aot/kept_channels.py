"""Which channels of a network have to be computed.

Not those that no output depends on, nor those that have the same value for all inputs, which a bias can have in their
place. Tensors between a convolution and the next one have the same channels (depthwise layers, pools, means, functions
of one value, flattening): such a run keeps or loses a channel as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from compilers.aot.bounds import Bounds, is_padded, unknown
from compilers.aot.operands import Fields
from compilers.aot.packing import data
from compilers.aot.sets import portable
from compilers.aot.steps import Step
from graph.types import Graph

Mask = npt.NDArray[np.bool_]

CHANNEL_WISE = (portable.AVERAGE_POOL, portable.MAX_POOL, portable.TABLE)
MAKERS = (portable.CONV, portable.DENSE)


@dataclass
class Run:
    """Tensors that have the same channels, from the one that a convolution writes on.

    `tensors` has how many places are behind each other in the last dimension: 1, or more where one was flattened.
    `kept` says which of the channels stay.
    """

    kept: Mask
    tensors: dict[int, int] = field(default_factory=dict)

    def kept_of(self, tensor: int) -> Mask:
        """Return which indexes of a tensor's last dimension stay."""
        return np.tile(self.kept, self.tensors[tensor])


def kept_channels(graph: Graph, steps: Sequence[Step], bounds: Mapping[int, Bounds], multiple: int) -> dict[int, Mask]:
    """Return which indexes of the last dimension stay, for each tensor that loses some.

    `steps` are portable, with their `bounds`. As many channels stay as are a multiple of `multiple`, or all.
    """
    runs = _runs(graph, steps)
    of_tensor = {tensor: run for run in runs for tensor in run.tensors}
    readers = dict[int, list[Step]]()
    for step in steps:
        for tensor in step.inputs:
            readers.setdefault(tensor, []).append(step)
    # What reads a run comes behind it, and is known when it is its turn.
    for run in reversed(runs):
        needed = np.zeros(len(run.kept), np.bool_)
        for tensor, times in run.tensors.items():
            needed |= tensor in graph.outputs
            known = bounds.get(tensor) or unknown(times * len(run.kept))
            for reader in readers.get(tensor, []):
                if of_tensor.get(reader.output) is not run:
                    needed |= _read(reader, known, of_tensor, times)
        run.kept = _filled(needed, multiple)
    return {t: run.kept_of(t) for t, run in of_tensor.items() if not run.kept.all()}


def _runs(graph: Graph, steps: Sequence[Step]) -> list[Run]:
    """Return the runs in the order of what writes their first tensors."""
    found, of_tensor = list[Run](), dict[int, Run]()
    for step in steps:
        channels = graph.tensors[step.output].shape[-1:]
        run = of_tensor.get(step.inputs[0]) if len(step.inputs) == 1 else None
        if _is_maker(step):
            run = Run(np.ones(channels, np.bool_), {step.output: 1})
            found.append(run)
        elif run is not None and (times := _passes(graph, step, run.tensors[step.inputs[0]])):
            run.tensors[step.output] = times
        else:
            continue
        of_tensor[step.output] = run
    return found


def _is_maker(step: Step) -> bool:
    if len(step.calls) != 1 or step.calls[0].kernel not in MAKERS:
        return False
    return step.calls[0].kernel is portable.DENSE or step.calls[0].fields["groups"] == 1


def _passes(graph: Graph, step: Step, times: int) -> int:
    """Return how many places are in the last dimension of the output, 0 if it has not the channels of the input."""
    source, target = graph.tensors[step.inputs[0]], graph.tensors[step.output]
    if not source.shape or not target.shape or {source.dtype, target.dtype} != {"int8"}:
        return 0
    if not step.calls and not step.more_outputs:
        more, rest = divmod(target.shape[-1], source.shape[-1])
        is_flat = more == 1 or target.shape[-1] == source.size
        return times * more if not rest and is_flat else 0
    if len(step.calls) != 1 or times != 1:
        return 0
    call = step.calls[0]
    if call.kernel is portable.DEPTHWISE:
        return int(call.fields["multiplier"] == 1)
    if call.kernel is portable.MEAN:
        return int(call.fields["outer"] == 1 and call.fields["inner"] == source.shape[-1] == target.shape[-1])
    return int(call.kernel in CHANNEL_WISE)


def _read(reader: Step, known: Bounds, of_tensor: Mapping[int, Run], times: int) -> Mask:
    """Return which channels a reader needs as they are, of a tensor with `times` places in the last dimension."""
    everything = np.ones(len(known.low) // times, np.bool_)
    if not _is_maker(reader):
        return everything
    fields = reader.calls[0].fields
    weights = data(fields["weights"])
    weights = weights.reshape(len(weights), -1, len(everything))
    if reader.calls[0].kernel is portable.DENSE and weights.shape[1] != times:
        return everything
    made = of_tensor.get(reader.output)
    is_used = cast(Mask, weights[slice(None) if made is None else made.kept].any(axis=(0, 1)))
    return is_used & ~_foldable(fields, known)[: len(everything)]


def _foldable(fields: Fields, known: Bounds) -> Mask:
    """Return which channels a bias can have in their place: constant ones, or zero points if a window is padded."""
    if "window" not in fields or not is_padded(cast(Fields, fields["window"])):
        return known.is_constant
    return known.is_constant & (known.low == fields["input_zero_point"])


def _filled(needed: Mask, multiple: int) -> Mask:
    """Return the needed channels, and the first others that make them a multiple."""
    count = max(1, int(needed.sum()))
    missing = min(-count % multiple + count - int(needed.sum()), int((~needed).sum()))
    kept = needed.copy()
    kept[np.flatnonzero(~needed)[:missing]] = True
    return kept
