"""The way to a coordinator that listens on its host's loopback alone: SSH, and a socket that only this user opens."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramiko import Channel, Transport

OPEN_S = 10.0
READ_BYTES = 1 << 16


@contextmanager
def grpc_target(coordinator: str, accept_new: bool = False) -> Iterator[str]:
    """Yield the address under which gRPC reaches a coordinator: its own, or that of a socket that leads there.

    Raises LinkError if the host of ssh://[USER@]HOST[:PORT][/COORDINATOR_PORT] is not reached.
    """
    if not coordinator.startswith("ssh://"):
        yield coordinator
        return
    from deploy.lab.address import ssh_parts
    from deploy.remote.connect import close, connect, parse_address

    host, port = ssh_parts(coordinator)
    connection = connect(parse_address(host), accept_new)
    folder = Path(tempfile.mkdtemp(prefix="alpharho-lab-"))  # for this user alone, which a TCP port would not be
    try:
        path = folder / "coordinator"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen()
            threading.Thread(target=_serve, args=(listener, connection.transport, port), daemon=True).start()
            yield f"unix:{path}"
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    finally:
        close(connection)
        shutil.rmtree(folder, ignore_errors=True)


def _serve(listener: socket.socket, transport: Transport, port: int) -> None:
    """Pass each connection on to the coordinator's port, until the listener or the transport ends."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=OPEN_S)
        except Exception:  # paramiko raises its own, EOFError and OSError: to gRPC it is a port that refuses
            near.close()
            continue
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_pass, args=(source, sink), daemon=True).start()


def _pass(source: socket.socket | Channel, sink: socket.socket | Channel) -> None:
    with contextlib.suppress(Exception):
        while data := source.recv(READ_BYTES):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(Exception):
            end.close()
