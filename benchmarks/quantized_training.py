"""What quantization-aware training gives networks with spread ranges, beside a control in float.

`.venv/bin/python -m benchmarks.quantized_training --models v1_025,v2_035 --spread 100 --seeds 1,2,3` prints a line for
each network and seed: top-1 on all test pictures of Fashion-MNIST. The spread network is the shipped checkpoint, whose
channels are scaled by up to 1/100 and back: the same in float.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import datasets
from calibration.aware import run
from models import checkpoint, presets
from models.training import library


def main() -> None:
    """Read the options, train, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="v1_025,v2_035,v3sm_075,v3s_075")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--spread", type=float, default=100.0)
    parser.add_argument("--steps", type=int, default=run.STEPS)
    parser.add_argument("--batch", type=int, default=run.BATCH)
    parser.add_argument("--weights", type=Path, help="another checkpoint than the shipped one")
    options = parser.parse_args()
    library.start()
    data = datasets.load("fashion_mnist")
    for name in options.models.split(","):
        path = options.weights or checkpoint.shipped_path(name, "fashion_mnist")
        _measure(name, path, data, options)


def _measure(name: str, path: Path, data: datasets.Dataset, options: argparse.Namespace) -> None:
    from benchmarks.accuracy import provoke
    from calibration.aware import fine_tuning
    from calibration.aware.pictures import Pictures

    exact = run.folded(presets.parse(name, len(data.class_names)), path)
    pictures, labels = Pictures(data, exact.input.shape), data.test.labels
    inputs = pictures.calibration(run.CALIBRATION_PICTURES)
    if options.spread > 1:
        exact = provoke(exact, inputs, options.spread, seed=0)
    begin, ranges = fine_tuning.beginning(exact, inputs)
    for seed in map(int, options.seeds.split(",")):
        started, cpu = time.monotonic(), time.process_time()
        settings = fine_tuning.Settings(options.steps, options.batch, seed=seed)
        control, _ = fine_tuning.fine_tune(begin, None, data.train, settings, lambda done: None)
        quantized, learned = fine_tuning.fine_tune(begin, ranges, data.train, settings, lambda done: None, control)
        float_classes = [pictures.float_classes(graph) for graph in (control, quantized)]
        int8_classes = pictures.int8_classes(quantized, learned)
        top1 = [round(100 * float((some == labels).mean()), 2) for some in (*float_classes, int8_classes)]
        print(json.dumps({
            "model": name, "spread": options.spread, "seed": seed, "steps": options.steps, "batch": options.batch,
            "control_float": top1[0], "quantized_float": top1[1], "quantized_int8": top1[2],
            "int8_minus_control": round(top1[2] - top1[0], 2),
            "agreement_with_control": round(100 * float((float_classes[0] == int8_classes).mean()), 2),
            "agreement": round(100 * float((float_classes[1] == int8_classes).mean()), 2),
            "seconds": round(time.monotonic() - started), "cpu_seconds": round(time.process_time() - cpu),
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
