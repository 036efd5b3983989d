"""The serial commands of EEMBC's runner for MLPerf Tiny, over the same engine: docs/protocol.md, "Text mode".

tests/vectors/text.json holds what this and firmware/protocol/text.c answer, byte for byte.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.agent.server import Server

READY = "m-ready"
MAX_INFERENCES = 10_000_000
"""The runner measures for ten seconds or more: this is enough for inferences of a microsecond."""
PIXEL_OFFSET = 128
_FORMATS = {"int8": "b", "uint8": "B", "int16": "h", "int32": "i", "float32": "f"}
_PRINT_COLUMNS = 8
_PROFILE = "ULPMark for tinyML Firmware V0.0.1"  # by this the runner knows which commands there are
_SHOWN_CHARACTERS = 200
_MOST_THOUSANDTHS = 0xFFFFFFFF


class TextMode:
    """Answers one command at a time; bytes loaded by `db` become input 0 when all that were announced are there."""

    def __init__(self, server: Server, board: str, model: str):
        self._server = server
        self._board = board
        self._model = model
        self._loaded = bytearray()
        self._announced = 0

    def answer(self, command: str) -> str:
        """Return the lines that answer a command (without its `%`), each ended by CR LF, the last one `m-ready`."""
        words = command.split()
        handlers = {
            "name": self._name,
            "profile": self._profile,
            "timestamp": self._timestamp,
            "db": self._db,
            "infer": self._infer,
            "results": self._results,
        }
        if not words:
            lines = []
        elif words[0] in handlers:
            lines = handlers[words[0]](words[1:])
        else:
            lines = [f"e-[Unknown command: {words[0][:_SHOWN_CHARACTERS]}]"]
        return "".join(line + "\r\n" for line in [*lines, READY])

    def _name(self, words: list[str]) -> list[str]:
        return [f"m-name-dut-[{self._board}]"]

    def _profile(self, words: list[str]) -> list[str]:
        return [f"m-profile-[{_PROFILE}]", f"m-model-[{self._model}]"]

    def _timestamp(self, words: list[str]) -> list[str]:
        return [f"m-lap-us-{time.monotonic_ns() // 1000}"]

    def _db(self, words: list[str]) -> list[str]:
        if not words:
            return ["e-[Command 'db' requires a subcommand]"]
        if words[0] == "load":
            return self._db_load(words[1:])
        if words[0] == "print":
            return self._db_print(words[1:])
        return self._db_digits(words[0])

    def _db_load(self, words: list[str]) -> list[str]:
        most = len(self._server.inputs[0].data)
        size = _number(words[0], most) if words else 0
        if not 1 <= size <= most:
            return [f"e-[db load takes the number of bytes, 1 to {most}]"]
        self._server.clear_inputs()
        self._loaded, self._announced = bytearray(), size
        return [f"m-[Expecting {size} bytes]"]

    def _db_digits(self, digits: str) -> list[str]:
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            return ["e-[db takes pairs of hexadecimal digits]"]
        missing = self._announced - len(self._loaded)
        if not missing:
            return ["e-[db: nothing is expected, db load comes first]"]
        self._loaded += data[:missing]  # the benchmark's own code drops what is too much as well
        if len(self._loaded) < self._announced:
            return []
        self._server.load_input(self._tensor_bytes())
        return ["m-load-done"]

    def _db_print(self, words: list[str]) -> list[str]:
        size = len(self._loaded)
        count = _number(words[0], size) if words else size
        offset = _number(words[1], size) if len(words) > 1 else 0
        if offset > size:
            return [f"e-[db print: the offset is at most {size}]"]
        data = self._loaded[offset : offset + count]
        return [
            "m-buffer-" + data[start : start + _PRINT_COLUMNS].hex("-") for start in range(0, len(data), _PRINT_COLUMNS)
        ]

    def _infer(self, words: list[str]) -> list[str]:
        runs = _number(words[0], MAX_INFERENCES) if words else 1
        warmups = _number(words[1], MAX_INFERENCES) if len(words) > 1 else 10
        if not 1 <= runs <= MAX_INFERENCES or warmups > MAX_INFERENCES:
            return [f"e-[infer: inferences are 1, warm-ups 0, to {MAX_INFERENCES}]"]
        if not all(tensor.whole for tensor in self._server.inputs):
            return [f"e-[infer: the input is not whole, it takes {len(self._server.inputs[0].data)} bytes]"]
        lines = [f"m-warmup-start-{warmups}"]
        try:
            if warmups:
                self._server.run(warmups, keeps_ticks=False)
            lines += ["m-warmup-done", f"m-infer-start-{runs}", *self._timestamp([])]
            self._server.run(runs, keeps_ticks=False)
        except Exception as e:  # Whatever went wrong, the runner waits for m-ready.
            return [*lines, f"e-[infer: the inference failed: {' '.join(str(e).split())}]"]
        return [*lines, *self._timestamp([]), "m-infer-done", *self._results([])]

    def _tensor_bytes(self) -> bytes:
        """Return the input as the tensor has it: pixels, 0 to 255, less 128 where the input is an int8 picture."""
        spec = self._server.engine.inputs[0]
        shape = spec["shape"]
        if spec["dtype"] != "int8" or len(shape) != 4 or shape[1] != shape[2]:
            return bytes(self._loaded)
        return bytes((pixel - PIXEL_OFFSET) % 256 for pixel in self._loaded)

    def _results(self, words: list[str]) -> list[str]:
        if not self._server.has_output:
            return ["e-[results: nothing was inferred since the last input]"]
        spec = self._server.engine.outputs[0]
        data = self._server.engine.output(0)
        kind = _FORMATS[spec["dtype"]]
        values = struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data)
        scale, zero_point = spec["scale"] or 1.0, spec["zero_point"]
        return [
            "m-results-[" + ",".join(three_decimals((value - zero_point) * _float32(scale)) for value in values) + "]"
        ]


def _number(word: str, most: int) -> int:
    """Return a decimal number up to `most`, else `most` + 1."""
    is_number = word.isascii() and word.isdigit() and len(word.lstrip("0")) <= len(str(most))
    return min(int(word), most + 1) if is_number else most + 1


def three_decimals(value: float) -> str:
    """Return a value with three decimals, halves rounded away from zero, as the firmware does."""
    scaled = abs(value) * 1000 + 0.5
    count = int(scaled) if scaled <= _MOST_THOUSANDTHS else _MOST_THOUSANDTHS
    return f"{'-' if value < 0 and count else ''}{count // 1000}.{count % 1000:03d}"


def _float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
