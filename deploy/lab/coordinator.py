"""A session with labgrid's coordinator over gRPC. Only deploy/lab/program.py, a process of its own, imports this."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

import grpc

from deploy.lab.facts import Lab, Match, Place, Resource
from deploy.lab.messages import MESSAGES, SERVICE, TESTED
from errors import LinkError

ANSWER_S = 20.0
"""How long the coordinator may take: to take a place it asks the exporter, which starts ser2net."""
CONNECT_S = 10.0
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 7500),
    ("grpc.keepalive_timeout_ms", 10000),
    # Two sessions of a process would share a connection, and the coordinator takes a connection for a session.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)
GONE_STEP = "start labgrid-coordinator, or correct the address (LG_COORDINATOR, --coordinator)"


class Coordinator:
    """A session; places and resources follow what the coordinator says. Use it as a context manager.

    `target` is gRPC's address, `name` what errors call the coordinator, `owner` the name of this client.
    Entering raises LinkError if it is not reached.
    """

    def __init__(self, target: str, name: str, owner: str):
        self.name, self.owner = name, owner
        self.lost = ""
        self._places: dict[str, Place] = {}
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._target = target
        self._channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._outgoing: queue.Queue[Any] = queue.Queue()
        self._changed = threading.Condition()
        self._synced = self._asked = 0
        self._stream: Any = None

    def __enter__(self) -> Coordinator:
        """Connect, and get to know all places and resources."""
        try:
            check_port(self._target, self.name)
            grpc.channel_ready_future(self._channel).result(CONNECT_S)
        except grpc.FutureTimeoutError:
            self._channel.close()
            raise LinkError(f"coordinator {self.name}: no answer in {CONNECT_S:g} s; {GONE_STEP}") from None
        except BaseException:
            self._channel.close()
            raise
        call = self._channel.stream_stream(
            f"{SERVICE}ClientStream",
            request_serializer=MESSAGES["ClientInMessage"].SerializeToString,
            response_deserializer=MESSAGES["ClientOutMessage"].FromString,
        )
        self._stream = call(iter(self._outgoing.get, None))
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._send(startup=MESSAGES["StartupDone"](version=TESTED, name=self.owner))
            self._send(subscribe=MESSAGES["Subscribe"](all_places=True))
            self._send(subscribe=MESSAGES["Subscribe"](all_resources=True))
            self.sync()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        """End the session."""
        self.close()

    def close(self) -> None:
        """End the session. What is taken stays taken. Never raises."""
        self._outgoing.put(None)
        if self._stream is not None:
            self._stream.cancel()
        self._channel.close()

    def lab(self) -> Lab:
        """Return what the coordinator has said so far."""
        with self._changed:
            return Lab(self.name, tuple(self._places.values()), tuple(self._resources.values()))

    def sync(self) -> None:
        """Wait until the coordinator has said all that it knew when this was called. Raises LinkError."""
        self._asked += 1
        asked = self._asked
        self._send(sync=MESSAGES["Sync"](id=asked))
        self.wait(lambda: self._synced >= asked, ANSWER_S)

    def wait(self, is_so: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something is so by what the coordinator says. Raises LinkError after the time or if it is lost."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self.lost) or is_so(), timeout_s)
            if self.lost:
                raise LinkError(f"coordinator {self.name}: {self.lost}; {GONE_STEP}")
            if not is_so():
                raise LinkError(f"coordinator {self.name}: no answer in {timeout_s:g} s; see its output")

    def acquire(self, place: str) -> None:
        """Take a place. Raises LinkError with the coordinator's reason."""
        self._call("AcquirePlace", MESSAGES["AcquirePlaceRequest"](placename=place))
        self.sync()

    def release(self, place: str, owner: str = "") -> None:
        """Give a place back if it is taken by `owner`, this client by default; another's is never touched."""
        self._call("ReleasePlace", MESSAGES["ReleasePlaceRequest"](placename=place, fromuser=owner or self.owner))
        self.sync()

    def reserve(self, tags: tuple[tuple[str, str], ...]) -> str:
        """Get into the queue for a place with these tags, and return the token."""
        request = MESSAGES["CreateReservationRequest"](filters={"main": MESSAGES["Filter"](filter=dict(tags))})
        answer = self._call("CreateReservation", request, "CreateReservationResponse")
        return str(answer.reservation.token)

    def poll(self, token: str) -> tuple[int, str]:
        """Keep a reservation, which ends without this, and return its state and the place that it got, "" if none."""
        request = MESSAGES["PollReservationRequest"](token=token)
        reservation = self._call("PollReservation", request, "PollReservationResponse").reservation
        return int(reservation.state), str(reservation.allocations.get("main", ""))

    def cancel(self, token: str) -> None:
        """Leave the queue. Without this a place would stay reserved for a minute after its release."""
        self._call("CancelReservation", MESSAGES["CancelReservationRequest"](token=token))

    def owners_of_reservations(self) -> dict[str, str]:
        """Return the owners of all reservations by token."""
        answer = self._call("GetReservations", MESSAGES["GetReservationsRequest"](), "GetReservationsResponse")
        return {str(one.token): str(one.owner) for one in answer.reservations}

    def _send(self, **what: Any) -> None:
        self._outgoing.put(MESSAGES["ClientInMessage"](**what))

    def _call(self, method: str, request: Any, answer: str = "Empty") -> Any:
        rpc = self._channel.unary_unary(
            f"{SERVICE}{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=MESSAGES[answer].FromString,
        )
        try:
            return rpc(request, timeout=ANSWER_S)
        except grpc.RpcError as e:
            raise LinkError(f"coordinator {self.name}: {_line(e)}") from e

    def _listen(self) -> None:
        try:
            for message in self._stream:
                with self._changed:
                    for update in message.updates:
                        self._take(update)
                    if message.HasField("sync"):
                        self._synced = message.sync.id
                    self._changed.notify_all()
            why = "ended the session"
        except grpc.RpcError as e:
            why = f"the connection is lost ({_line(e)})"
        with self._changed:
            self.lost = why
            self._changed.notify_all()

    def _take(self, update: Any) -> None:
        kind = update.WhichOneof("kind")
        if kind == "place":
            self._places[update.place.name] = _place(update.place)
        elif kind == "del_place":
            self._places.pop(update.del_place, None)
        elif kind == "resource":
            self._resources[_key(update.resource.path)] = _resource(update.resource)
        elif kind == "del_resource":
            self._resources.pop(_key(update.del_resource), None)


def check_port(target: str, name: str) -> None:
    """Raise LinkError with the reason, which gRPC would not say, if nothing listens at a coordinator's address."""
    if target.startswith("unix:"):
        return
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as e:
        raise LinkError(f"coordinator {name}: not reached ({e.strerror or e}); {GONE_STEP}") from e


def _line(error: grpc.RpcError) -> str:
    """Return what a failed call says, as one line."""
    return " ".join(str(error.details() or error.code()).split())[:300]


def _key(path: Any) -> tuple[str, str, str]:
    return path.exporter_name, path.group_name, path.resource_name


def _place(message: Any) -> Place:
    matches = tuple(Match(m.exporter, m.group, m.cls, m.name or "*", m.rename) for m in message.matches)
    return Place(
        message.name, tuple(sorted(message.tags.items())), matches, message.acquired, message.changed,
        tuple(message.acquired_resources), message.reservation,
    )  # fmt: skip


def _resource(message: Any) -> Resource:
    params, extra = _values(message.params), _values(message.extra)
    exporter, group, name = _key(message.path)
    return Resource(
        exporter, group, name, message.cls, message.avail, message.acquired,
        host=_text(params, "host") or _text(params, "address"),
        port=_number(params, "port"),
        protocol=_text(params, "protocol") or "rfc2217",  # labgrid's own default
        speed=_number(params, "speed"),
        user=_text(params, "username"),
        proxy=_text(extra, "proxy"),
        is_isolated=extra.get("proxy_required") is True,
        device=_text(extra, "path"),
        usb_path=_text(params, "path"),
    )  # fmt: skip


def _values(values: Any) -> dict[str, object]:
    return {name: getattr(value, kind) for name, value in values.items() if (kind := value.WhichOneof("kind"))}


def _text(values: dict[str, object], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _number(values: dict[str, object], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
