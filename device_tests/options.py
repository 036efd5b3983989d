"""The suite's options of pytest."""

from __future__ import annotations

import pytest

from graph.kernels import KERNELS, USUAL


def add(parser: pytest.Parser) -> None:
    """Add the options of the suite to those of pytest."""
    group = parser.getgroup("device tests")
    for flag, default, text in (
        ("--target", "host", "boards to test, joined by commas [default: host]"),
        ("--link", None, "address of an already flashed or a Linux board: serial:///dev/ttyACM0 or ssh://pi@host"),
        ("--engine", None, "engine that the device is to have [default: the target's]"),
        ("--flasher", "", "flasher of a microcontroller [default: the target's]"),
        ("--device", None, "Edge TPU, such as usb:0 [default: the target's]"),
        ("--model-artifact", None, "the int8 .tflite that the device holds or is to run"),
        ("--model-name", None, "what the JUnit file calls it [default: the name of that file]"),
        ("--image", None, "what was compiled from that model: firmware, a Linux program, or a file for an Edge TPU"),
        ("--kind", "firmware", "kind of --image, as ./inv compile calls it: firmware, edgetpu, export or tflm"),
        ("--pictures", None, "npz of `inputs` as the model takes them, and `labels` if known"),
        ("--runtime", "auto", "LiteRT on a Linux board"),
        ("--kernels", USUAL, f"LiteRT kernels of Linux boards: {', '.join(KERNELS)}"),
        ("--soak-journal", None, "file to append a line of JSON to from time to time while it soaks"),
    ):
        group.addoption(flag, default=default, help=text)
    for flag, text in (
        ("--count", "pictures [default: 100, on an emulator 20]"),
        ("--inferences", "inferences while memory is watched [default: as many as pictures]"),
        ("--lossy", "run over a line that loses bytes, with this seed"),
    ):
        group.addoption(flag, type=int, default=None, help=text)
    group.addoption("--retry", type=int, default=0, help="run a failed test again, so often; passing then is a flake")
    group.addoption("--rounds", type=int, default=1, help="run all tests so often, each time on a device just started")
    group.addoption("--soak", type=float, default=None, help="seconds to go on with inferences after the other tests")
    group.addoption("--stream-input", action="store_true", help="build firmware that takes its input row by row")
    group.addoption("--tflm-arena", type=int, default=0, help="bytes of the arena of TFLite-Micro on this host")
    group.addoption("--accept-new", action="store_true", help="store the key of an SSH host that is not known yet")
    group.addoption("--allow-mismatch", action="store_true", help="test a device that is not the target's board")
