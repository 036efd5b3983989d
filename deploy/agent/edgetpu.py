"""Coral's Edge TPU under the agent: which ones there are, and libedgetpu as a delegate of the interpreter.

Sources: tflite/public/edgetpu_c.h (the functions called here) and edgetpu_delegate_for_custom_op_tflite_plugin.cc (the
option `device`) of google-coral/libedgetpu.
"""

from __future__ import annotations

import ctypes
import os
import re
from types import ModuleType

LIBRARY = "libedgetpu.so.1"
CUSTOM_OP = b"edgetpu-custom-op"
KERNELS = "edgetpu"
TYPES = {0: "pci", 1: "usb"}
DEVICE = re.compile(r"(usb|pci)?(?::(\d{1,2}))?")
HOW_TO_GET_IT = "install Coral's package libedgetpu1-std there (see coral.ai/software)"
HOW_TO_SEE_IT = (
    "plug it in; on USB it is 1a6e:089a or 18d1:9302 in lsusb, and its user is in group plugdev; on PCIe it is "
    "/dev/apex_0, and its user is in group apex"
)


class EdgeTpuError(Exception):
    """An Edge TPU is missing or can't be used; the message is one line with the next step."""


class Record(ctypes.Structure):
    """struct edgetpu_device."""

    _fields_ = [("type", ctypes.c_int), ("path", ctypes.c_char_p)]


class EdgeTpu:
    """An Edge TPU of this machine: `name` such as usb:0, `path` of the driver, `runtime` libedgetpu's version."""

    def __init__(self, name: str, path: str, runtime: str):
        self.name, self.path, self.runtime = name, path, runtime

    def delegate(self, module: ModuleType) -> object:
        """Return libedgetpu's delegate for it, of a runtime's module. Raises EdgeTpuError if it can't be opened."""
        try:
            return module.load_delegate(LIBRARY, {"device": self.name})
        except (ValueError, OSError) as e:
            reason = " ".join(str(e).split())[:200]
            raise EdgeTpuError(
                f"Edge TPU {self.name} at {self.path} can't be opened ({reason}); check that no other program uses it "
                "and that you may use it (group plugdev or apex)"
            ) from e

    def is_there(self) -> bool:
        """Whether it is still plugged in; True where its path is not a file's."""
        return not self.path.startswith("/") or os.path.exists(self.path)

    def gone(self, reason: str) -> str:
        """Return the message for when it is no longer there; `reason` is libedgetpu's last output."""
        return f"Edge TPU {self.name} at {self.path} is gone ({reason}); plug it in again and run again"

    def facts(self) -> dict[str, str]:
        """Return its fields of BOARD."""
        return {"tpu": self.name, "tpu_path": self.path, "tpu_runtime": self.runtime}


def find(device: str) -> EdgeTpu:
    """Return the Edge TPU that `usb`, `usb:N`, `pci`, `pci:N` or `:N` means.

    Raises EdgeTpuError if libedgetpu is missing, if it lists no Edge TPU, or not that one.
    """
    form = DEVICE.fullmatch(device)
    if not form:
        raise EdgeTpuError(f"--device {device}: expected usb:N, pci:N, usb, pci or :N")
    library = _library()
    devices = _list(library)
    if not devices:
        raise EdgeTpuError(f"no Edge TPU found; {HOW_TO_SEE_IT}")
    kind, number = form.group(1), int(form.group(2) or 0)
    matching = [entry for entry in devices if kind in (None, entry[0].split(":")[0])]
    if number >= len(matching):
        there = ", ".join(f"{name} at {path}" for name, path in devices)
        raise EdgeTpuError(f"--device {device}: no such Edge TPU; there is {there}")
    name, path = matching[number]
    return EdgeTpu(name, path, _version(library))


def hint(message: str) -> str:
    """Return the next step for a message of libedgetpu's when a model is loaded; "" if none is known."""
    if "Unsupported data type in custom op handler" in message:  # issue 44 of google-coral/edgetpu
        return "; this libedgetpu is built for another runtime: choose it with --runtime, or install one built for it"
    return ""


def kernels_of(operators: list[str], rest: str) -> str:
    """Return which kernels run a model of these operators: `edgetpu`, with `+` and `rest` where the CPU has a part."""
    ours = (CUSTOM_OP.decode(), "EdgeTpuDelegateForCustomOp", "DELEGATE")
    return f"{KERNELS}+{rest}" if any(name not in ours for name in operators) else KERNELS


def expect_compiled(content: bytes, model: str) -> None:
    """Check that a model holds what the Edge TPU runs, or it would run on the CPU unnoticed. Raises EdgeTpuError."""
    if CUSTOM_OP not in content:
        raise EdgeTpuError(
            f"{model}: holds no {CUSTOM_OP.decode()}, so it was not compiled for the Edge TPU; compile it with "
            "`inv compile --target coral-usb`"
        )


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
        library.edgetpu_list_devices.restype = ctypes.POINTER(Record)
        library.edgetpu_list_devices.argtypes = [ctypes.POINTER(ctypes.c_size_t)]
        library.edgetpu_free_devices.restype = None
        library.edgetpu_free_devices.argtypes = [ctypes.POINTER(Record)]
        library.edgetpu_version.restype = ctypes.c_char_p
    except (OSError, AttributeError) as e:
        reason = " ".join(str(e).split())[:200]
        raise EdgeTpuError(f"the Edge TPU's library can't be loaded ({reason}); {HOW_TO_GET_IT}") from e
    return library


def _list(library: ctypes.CDLL) -> list[tuple[str, str]]:
    """Return name and path of each Edge TPU; names count each type by itself, as the option `device` does."""
    count = ctypes.c_size_t(0)
    records = library.edgetpu_list_devices(ctypes.byref(count))
    devices = []
    seen = dict.fromkeys(TYPES.values(), 0)
    for i in range(count.value):
        kind = TYPES.get(records[i].type)
        if kind:
            devices.append((f"{kind}:{seen[kind]}", (records[i].path or b"?").decode("utf-8", "replace")))
            seen[kind] += 1
    if records:
        library.edgetpu_free_devices(records)
    return devices


def _version(library: ctypes.CDLL) -> str:
    """Return libedgetpu's version text, such as `BuildLabel(...), RuntimeVersion(14)`."""
    text = (library.edgetpu_version() or b"").decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable())[:200] or "unknown"
