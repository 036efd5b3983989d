"""How many outputs of a compiled network equal LiteRT's reference kernels byte for byte, over a data set's pictures.

    python -m tests.compilers.equality MODEL.tflite --images 10000

MODEL is a file, or a preset for a network with random weights.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

import datasets
from tests.compilers.host_build import OPTIONS, HostEngine, forms_of
from tests.compilers.networks import tflite_of
from tests.compilers.reference import Reference


@dataclass
class Count:
    """`equal` of `total` pictures gave equal outputs; `correct` is our top-1; `different` has the first that differ."""

    equal: int = 0
    correct: int = 0
    total: int = 0
    distinct: set[bytes] = field(default_factory=set)
    different: list[int] = field(default_factory=list)


def pictures(
    count: int, shape: tuple[int, ...], data: str = "fashion_mnist"
) -> Iterator[tuple[npt.NDArray[np.int8], int]]:
    """Yield int8 pictures of shape (1, rho, rho, channels) from the test split, and their labels."""
    test = datasets.load(data).test
    for index in datasets.sample(test, count):
        pixels = datasets.prepare(test.read(int(index)), (shape[1], shape[2]), shape[3])
        yield (pixels.astype(np.int16) - 128).astype(np.int8)[None], int(test.labels[index])


def count_equal(
    model: Path,
    images: int,
    data: str = "fashion_mnist",
    options: tuple[str, ...] = OPTIONS,
    kernels: str = "portable",
) -> Count:
    """Compile a network for this machine and compare it with the reference on `images` test pictures.

    `model` takes one int8 picture and gives one output. `options` are gcc's; `kernels` is the kernel set, whose C is
    run where this machine lacks its instructions.
    """
    reference, count = Reference(model), Count()
    with tempfile.TemporaryDirectory() as folder:
        engine = HostEngine(model, Path(folder), *options, kernels=kernels)
        for i, (picture, label) in enumerate(pictures(images, engine.plan.inputs[0].shape, data)):
            theirs = reference.run(picture)[0]
            # Of the set simd, each form that this CPU has.
            of_forms = [engine.run(picture)[0] for _ in forms_of(engine.library, kernels)]
            ours = next((one for one in of_forms if not np.array_equal(one, theirs)), of_forms[-1])
            count.total += 1
            count.correct += int(ours.argmax()) == label
            count.distinct.add(ours.tobytes())
            if np.array_equal(ours, theirs):
                count.equal += 1
            elif len(count.different) < 10:
                count.different.append(i)
    return count


def main() -> None:
    """Print the count for the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--kernels", default="portable")
    options = parser.parse_args()
    model = Path(options.model) if options.model.endswith(".tflite") else tflite_of(options.model)
    count = count_equal(model, options.images, kernels=options.kernels)
    print(
        f"{model.name}: {count.equal} equal of {count.total}, {len(count.distinct)} distinct outputs, "
        f"top-1 {count.correct / count.total:.4f}, first different {count.different}"
    )


if __name__ == "__main__":
    main()
