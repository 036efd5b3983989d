"""The device's side of the wire protocol (docs/protocol.md): answers frames about one engine."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable

from deploy import coding, frames
from deploy.agent.engine import EngineError, one_line
from deploy.agent.inputs import Input, tensor_bytes
from deploy.agent.interface import Engine
from deploy.agent.payloads import Refusal, as_json, decoded, expect_size, unpack
from deploy.agent.text_mode import TextMode
from deploy.agent.unanswered import Answer, Stored, Unanswered
from deploy.agent.writes import plain_writes
from deploy.frames import CHUNK, COUNT, REPAIRED, STORED, WITH_MAP, Code, Frame, Type

WINDOW = 1 << 18
MAX_PAYLOAD = frames.MAX_PAYLOAD
JOINED_BYTES = 1024  # short answers go together; the host goes on before all it sent is taken
MAX_COMMAND = 1 << 17  # a `db` of one picture may come as one command of MLPerf Tiny's runner

_FLAGS = WITH_MAP | coding.CODED
_RUN, _WRITE, _WRITTEN = int(Type.RUN), int(Type.WRITE), Type.WRITE | frames.REPLY
_OFFSET = struct.Struct("<I")
_OFFSET_MOST = struct.Struct("<IH")
_PART = struct.Struct("<II")
_REFUSAL = struct.Struct("<BH")


class Server:
    """Answers what `receive` is fed by calling `send` with whole frames or text, short ones together.

    `identity` gives board and firmware, and the model's name if it has one; `own_stats` adds to STATS, `board` answers
    BOARD. After RESET is answered, `reset_wanted` is true and the caller is to start the device again.
    """

    def __init__(
        self,
        engine: Engine,
        identity: dict[str, str],
        send: Callable[[bytes], object],
        own_stats: Callable[[], dict[str, int]] = dict,
        board: Callable[[], dict[str, object]] | None = None,
        window: int = WINDOW,
        max_payload: int = MAX_PAYLOAD,
    ):
        self.engine = engine
        self.send = send
        self.reset_wanted = False
        self.inputs = [Input(tensor_bytes(spec)) for spec in engine.inputs]
        self.input_sizes = [len(tensor.data) for tensor in self.inputs]
        self.output_sizes = [tensor_bytes(spec) for spec in engine.outputs]
        self.inferences = 0
        self.has_output = False
        self._input_is_old = False
        self._unsent = bytearray()
        self._unanswered = Unanswered()
        self._own_stats = own_stats
        self._max_payload = max_payload
        limits = {"window": window, "max_payload": max_payload, "write_map": True, "parity": True, "coding": True}
        self._info = json.dumps({**_describe(engine, identity), **limits}).encode()
        self._decoder = frames.Decoder(frames.encoded_size(max_payload), text_end=b"%", max_text=MAX_COMMAND)
        self._last_run: tuple[int, bytes] | None = None
        self._last_answer = (int(Type.RUN), b"")
        self._text = TextMode(self, identity["board"], identity.get("model") or engine.model_sha256[:12])
        self._handlers: dict[int, Callable[[bytes], bytes]] = {
            Type.INFO: self._on_info,
            Type.STATS: self._on_stats,
            Type.WRITE: self._on_write,
            Type.READ: self._on_read,
            Type.RESET: self._on_reset,
            Type.PING: bytes,
        }
        if board:
            self._handlers[Type.BOARD] = lambda payload: as_json(payload, board)

    def receive(self, data: bytes) -> None:
        """Take bytes from the host and answer what they complete."""
        items, at = self._decoder.feed(data), 0
        while at < len(items):
            item = items[at]
            if isinstance(item, Frame):
                at += self._take_writes(items, at) or self._take_write_with_map(item) or self._take(item)
            else:
                self._answer_writes(self._unanswered.last())
                self._flush()
                self.send(self._text.answer(item.line).encode())
                at += 1
        self._answer_writes(self._unanswered.last())
        self._flush()

    def _take_writes(self, items: list[frames.Item], at: int) -> int:
        """Store the plain WRITEs that follow each other from a place on; return how many there are."""
        answers, pieces = plain_writes(items, at, self.input_sizes)
        if not answers:
            return 0
        self._begin_write()
        tensor = self.inputs[answers[0][1][0] & ~_FLAGS]
        for offset, data in pieces:
            tensor.write(offset, data)
        self._answer_writes(self._unanswered.add(answers))
        return len(answers)

    def _take_write_with_map(self, request: Frame) -> int:
        """Store a WRITE with a map, whose answer may wait; 0 for another request, and for one that is refused."""
        payload = request.payload
        if request.type != _WRITE or not payload or not payload[0] & WITH_MAP or request.version != frames.VERSION:
            return 0
        try:
            stored = self._write(payload)
        except Refusal:
            return 0
        self._answer_writes(self._unanswered.add([(request.seq, stored, request.repaired)]))
        return 1

    def _take(self, request: Frame) -> int:
        self._answer_writes(self._unanswered.last())
        kind, payload = self._answer(request)
        # With parity if the request had some and the answer is short enough.
        has_parity = request.repaired is not None and len(payload) <= frames.LONGEST_REPAIRABLE
        self._reply(Frame(kind, request.seq, payload, repaired=0 if has_parity else None))
        return 1

    def _answer_writes(self, answers: list[Answer]) -> None:
        """Answer WRITEs with a map, which need no parity: those behind them say the same."""
        for seq, stored, repaired in answers:
            flagged, offset, _ = stored
            payload = STORED.pack(*stored) + self.inputs[flagged & ~_FLAGS].map_around(offset)
            payload += b"" if repaired is None else REPAIRED.pack(repaired)
            self._reply(Frame(_WRITTEN, seq, payload))

    def _reply(self, reply: Frame) -> None:
        self._unsent += frames.encode(reply)
        if len(self._unsent) >= JOINED_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._unsent:
            data = bytes(self._unsent)
            self._unsent.clear()
            self.send(data)

    def log(self, text: str) -> None:
        """Send a line of log to the host."""
        self._flush()
        self.send(frames.encode(Frame(Type.LOG, 0, text.encode()[:1000])))

    def _answer(self, frame: Frame) -> tuple[int, bytes]:
        try:
            if frame.version != frames.VERSION:
                raise Refusal(Code.VERSION, f"this device speaks version {frames.VERSION}, not {frame.version}")
            if frame.type == _RUN:
                return self._remembered_run(frame)
            handler = self._handlers.get(frame.type)
            if handler is None:
                raise Refusal(Code.TYPE, f"no request of type {frame.type:02x}")
            return frame.type | frames.REPLY, handler(frame.payload)
        except Refusal as e:
            return Type.ERROR, _REFUSAL.pack(frame.type, e.code) + str(e).encode()

    def _remembered_run(self, frame: Frame) -> tuple[int, bytes]:
        key = (frame.seq, frame.payload)
        if key != self._last_run:
            try:
                self._last_answer = (Type.RUN | frames.REPLY, self._on_run(frame.payload))
            except Refusal as e:
                self._last_answer = (int(Type.ERROR), _REFUSAL.pack(Type.RUN, e.code) + str(e).encode())
            self._last_run = key
        return self._last_answer

    def _on_info(self, payload: bytes) -> bytes:
        most = self._max_payload - _PART.size
        if len(payload) == _OFFSET_MOST.size:
            offset, wanted = _OFFSET_MOST.unpack(payload)
            most = min(most, wanted)
        else:
            (offset,) = unpack(_OFFSET, payload)
        if offset >= len(self._info):
            raise Refusal(Code.RANGE, f"INFO has {len(self._info)} bytes, got offset {offset}")
        part = self._info[offset : offset + most]
        return _PART.pack(offset, len(self._info)) + part

    def _on_stats(self, payload: bytes) -> bytes:
        expect_size(payload, 0)
        own = {
            "inferences": self.inferences,
            "frames": self._decoder.frames,
            "damaged_frames": self._decoder.damaged,
            "overruns": 0,
            "uptime_us": time.monotonic_ns() // 1000,
        }
        return json.dumps({**own, **self.engine.stats(), **self._own_stats()}).encode()

    def _on_write(self, payload: bytes) -> bytes:
        return STORED.pack(*self._write(payload))

    def _write(self, payload: bytes) -> Stored:
        if len(payload) < CHUNK.size:
            raise Refusal(Code.LENGTH, f"WRITE takes at least {CHUNK.size} bytes, got {len(payload)}")
        flagged, offset = CHUNK.unpack_from(payload)
        tensor, chunk = flagged & ~_FLAGS, payload[CHUNK.size :]
        if flagged & coding.CODED and tensor < len(self.inputs):
            chunk = decoded(chunk)
        self._check_range("input", self.input_sizes, tensor, offset, len(chunk))
        self._begin_write()
        self.inputs[tensor].write(offset, chunk)
        return flagged, offset, len(chunk)

    def _on_read(self, payload: bytes) -> bytes:
        tensor, offset, size = unpack(STORED, payload)
        self._check_range("output", self.output_sizes, tensor, offset, size)
        if size > self._max_payload - CHUNK.size:
            raise Refusal(Code.RANGE, f"READ gives at most {self._max_payload - CHUNK.size} bytes at once, got {size}")
        if not self.has_output:
            raise Refusal(Code.INPUT, "READ: no output since the last WRITE")
        data: bytes = self.engine.output(tensor)
        return CHUNK.pack(tensor, offset) + data[offset : offset + size]

    def _check_range(self, what: str, sizes: list[int], tensor: int, offset: int, size: int) -> None:
        if tensor >= len(sizes):
            raise Refusal(Code.RANGE, f"no {what} {tensor}; there are {len(sizes)}")
        if offset + size > sizes[tensor]:
            raise Refusal(Code.RANGE, f"{what} {tensor} has {sizes[tensor]} bytes, got {size} from {offset}")

    def _on_run(self, payload: bytes) -> bytes:
        (count,) = unpack(COUNT, payload)
        most = (self._max_payload - COUNT.size) // 8
        if not 1 <= count <= most:
            raise Refusal(Code.RANGE, f"count is 1 to {most}, got {count}")
        self._flush()  # what came before is answered while this one computes
        return payload + struct.pack(f"<{count}Q", *self.run(count))

    def run(self, count: int, *, keeps_ticks: bool = True) -> list[int]:
        """Run `count` times on the input that was written; return the ticks if they are kept. Raises Refusal."""
        for number, tensor in enumerate(self.inputs):
            if not tensor.whole:
                raise Refusal(Code.INPUT, f"input {number} is not whole; write all {len(tensor.data)} bytes")
        self._input_is_old = True
        for number, tensor in enumerate(self.inputs):
            self.engine.set_input(number, bytes(tensor.data))
        ticks = []
        try:
            for _ in range(count):
                taken = self.engine.run()
                self.inferences += 1
                if keeps_ticks:
                    ticks.append(taken)
        except EngineError as e:
            self.has_output = False
            raise Refusal(Code.ENGINE, one_line(e)) from e
        self.has_output = True
        return ticks

    def clear_inputs(self) -> None:
        """Forget all inputs and outputs, as text mode does when it begins to load."""
        self._forget_run()
        self.inputs = [Input(len(tensor.data)) for tensor in self.inputs]
        self._input_is_old = False

    def load_input(self, data: bytes) -> None:
        """Write input 0 from its start, as text mode does."""
        self._begin_write()
        self.inputs[0].write(0, data)

    def _begin_write(self) -> None:
        """The first WRITE after a RUN begins a new example: nothing of any input is kept."""
        self._forget_run()
        if self._input_is_old:
            for tensor in self.inputs:
                tensor.spans = []
            self._input_is_old = False

    def _forget_run(self) -> None:
        self._last_run = None
        self.has_output = False

    def _on_reset(self, payload: bytes) -> bytes:
        expect_size(payload, 0)
        self.reset_wanted = True
        return b""


def _describe(engine: Engine, identity: dict[str, str]) -> dict[str, object]:
    return {
        "protocol": frames.VERSION,
        "board": identity["board"],
        "engine": engine.name,
        "engine_version": engine.version,
        "kernels": engine.kernels,
        "model_sha256": engine.model_sha256,
        "firmware": identity["firmware"],
        "inputs": engine.inputs,
        "outputs": engine.outputs,
        "memory": engine.memory,
        "counter": engine.counter,
        "input_preserved": engine.input_preserved,
    }
