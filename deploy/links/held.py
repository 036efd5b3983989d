"""The link to a board of a lab: it fails once the place is another's, whatever the line would still carry."""

from __future__ import annotations

from collections.abc import Callable

from deploy.lab.held import Held
from deploy.links import Link


class HeldLink:
    """A link within a held place. `make` makes it from the line's URI, which is another after a restart of ser2net.

    Opening, reading and writing raise PlaceLost once the place is lost.
    """

    def __init__(self, held: Held, make: Callable[[str], Link]):
        self.held = held
        self.uri = held.uri
        self.inner = make(self.uri)
        self._make = make

    @property
    def name(self) -> str:
        """What errors call it: the place and its line."""
        return f"{self.held.holding.place} ({self.inner.name})"

    def open(self) -> None:
        """See Link.open."""
        self.held.check()
        uri = self.held.uri
        if uri != self.uri:
            self.inner.close()
            self.uri, self.inner = uri, self._make(uri)
        self.inner.open()

    def read(self, timeout_s: float) -> bytes:
        """See Link.read."""
        self.held.check()
        return self.inner.read(timeout_s)

    def write(self, data: bytes) -> None:
        """See Link.write."""
        self.held.check()
        self.inner.write(data)

    def close(self) -> None:
        """See Link.close."""
        self.inner.close()
