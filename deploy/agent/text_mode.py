"""The serial commands of EEMBC's runner for MLPerf Tiny, over the same engine.

Commands and answers are those of the benchmark's API (`name`, `profile`, `timestamp`, `db`, `infer`, `results`).
Unlike its reference code, `db load` is held to the input's size and digits past it are refused.
"""

from __future__ import annotations

import struct
import time
from typing import Any

READY = "m-ready"
_FORMATS = {"int8": "b", "uint8": "B", "int16": "h", "int32": "i", "float32": "f"}
_PRINT_COLUMNS = 16
_PROFILE = "ULPMark for tinyML Firmware V0.0.1"  # by this the runner knows which commands there are
_PIXEL_TO_INT8 = bytes((pixel - 128) % 256 for pixel in range(256))


class TextMode:
    """Answers one command at a time; bytes loaded by `db` become input 0 at `infer`."""

    def __init__(self, server: Any, board: str):
        self._server = server
        self._board = board
        self._buffer = bytearray()
        self._expected = 0

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
            lines = [f"e-[Unknown command: {words[0][:40]}]"]
        return "".join(line + "\r\n" for line in [*lines, READY])

    def _name(self, words: list[str]) -> list[str]:
        return [f"m-name-dut-[{self._board}]"]

    def _profile(self, words: list[str]) -> list[str]:
        return [f"m-profile-[{_PROFILE}]", f"m-model-[{self._server.engine.model_sha256[:12]}]"]

    def _timestamp(self, words: list[str]) -> list[str]:
        return [f"m-lap-us-{time.monotonic_ns() // 1000}"]

    def _db(self, words: list[str]) -> list[str]:
        if not words:
            return ["e-[Command 'db' requires a subcommand]"]
        if words[0] == "load":
            return self._db_load(words[1:])
        if words[0] == "print":
            rows = range(0, len(self._buffer), _PRINT_COLUMNS)
            return ["m-buffer-" + self._buffer[row : row + _PRINT_COLUMNS].hex("-") for row in rows]
        return self._db_digits(words[0])

    def _db_load(self, words: list[str]) -> list[str]:
        size = len(self._server.inputs[0].data)
        if not words or not words[0].isdigit() or not 1 <= int(words[0][:9]) <= size:
            return [f"e-[Command 'db load' takes 1 to {size} bytes]"]
        self._buffer, self._expected = bytearray(), int(words[0])
        return [f"m-[Expecting {self._expected} bytes]"]

    def _db_digits(self, digits: str) -> list[str]:
        if not self._expected:
            return ["e-[Buffer not allocated]"]
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            return ["e-[Invalid or missing hex digit]"]
        if len(self._buffer) + len(data) > self._expected:
            return [f"e-[{self._expected} bytes expected, more given]"]
        self._buffer += data
        return ["m-load-done"] if len(self._buffer) == self._expected else []

    def _infer(self, words: list[str]) -> list[str]:
        counts = [int(word[:9]) if word.isdigit() else -1 for word in words[:2]]
        runs, warmup = (counts + [1, 10][len(counts) :])[:2]
        if runs < 1:
            return ["e-[Inference iterations must be >0]"]
        if warmup < 0:
            return ["e-[Inference warmup must be >=0]"]
        if self._buffer and len(self._buffer) == self._expected:
            self._server.load_input(self._tensor_bytes())
        lines = [f"m-warmup-start-{warmup}", "m-warmup-done", f"m-infer-start-{runs}"]
        try:
            if warmup:
                self._server.run(warmup)
            lines += self._timestamp([])
            self._server.run(runs)
            lines += self._timestamp([])
        except Exception as e:  # Whatever went wrong, the runner waits for m-ready.
            return [f"e-[{' '.join(str(e).split())}]"]
        return [*lines, "m-infer-done", *self._results([])]

    def _tensor_bytes(self) -> bytes:
        """Pixels, 0 to 255, as the runner sends them; an int8 input takes each less 128, as in its reference code."""
        if self._server.engine.inputs[0]["dtype"] == "int8":
            return bytes(self._buffer).translate(_PIXEL_TO_INT8)
        return bytes(self._buffer)

    def _results(self, words: list[str]) -> list[str]:
        if not self._server.has_output:
            return ["e-[results: nothing was inferred since the last input]"]
        spec = self._server.engine.outputs[0]
        data = self._server.engine.output(0)
        kind = _FORMATS[spec["dtype"]]
        values = struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data)
        scale, zero_point = spec["scale"] or 1.0, spec["zero_point"]
        return ["m-results-[" + ",".join(f"{(value - zero_point) * scale:.3f}" for value in values) + "]"]
