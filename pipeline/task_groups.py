"""Which options of a request each task has: by their groups, or by their names."""

from __future__ import annotations

NETWORK = ("model", "data")
INT8 = (*NETWORK, "calibration")
COMPILED = (*INT8, "target", "Edge TPU", "accept_new")
MEASURED = (*COMPILED, "device", "measurement", "output")
TEST = (
    *INT8, "target", "Edge TPU", "link", "place_match", "coordinator", "give_up_after", "flasher", "accept_new",
    "runtime", "kernels", "device", "allow_mismatch", "lossy",
    "count", "inferences", "retry", "soak", "unit", "junit", "pytest_arguments", "json",
)  # fmt: skip
FLASH = (
    *INT8, "target", "optimize", "stream_input", "image", "link", "place_match", "coordinator", "give_up_after",
    "accept_new", "flasher", "allow_mismatch", "json",
)  # fmt: skip
TRACE = (
    *COMPILED, "link", "flasher", "runtime", "threads", "kernels", "allow_mismatch", "picture", "answers", "json",
)  # fmt: skip
PROFILE = (
    *INT8, "target", "engine", "optimize", "stream_input", "accept_new", "link", "flasher", "runtime", "threads",
    "kernels", "allow_mismatch", "modeled", "json",
)  # fmt: skip
COMPARE = (
    "comparison", "target", "engine", "optimize", "data", "labels", "images", "seed", "calibration_images", "plain",
    "link", "threads", "kernels", "accept_new", "fresh", "junit", "json",
)  # fmt: skip
