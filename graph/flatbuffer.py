"""Reads tables and vectors of a flatbuffer: several times as fast as the classes that are generated of its schema.

All of it raises struct.error or ValueError where a damaged file points outside itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

FIELDS_LIMIT = 16
"""Fields of a table that can be read, by their numbers; the tables of the `.tflite` schema have 14 at most."""
_INT32, _UINT16, _UINT32 = (struct.Struct(code).unpack_from for code in ("<i", "<H", "<I"))
# The list of a table's fields: bytes of the list, bytes of the table, then each field's place in the table.
_LISTS = [struct.Struct(f"<{count}H").unpack_from for count in range(2 + FIELDS_LIMIT + 1)]
_NUMBERS = {code: struct.Struct(f"<{code}").unpack_from for code in "?bBiIQ"}


class Table:
    """A table. Fields have the numbers of the schema, from 0 on; those that are left out have their defaults."""

    __slots__ = ("_at", "_data", "_places")

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        places = at - _INT32(data, at)[0]
        if places < 0:
            raise ValueError("a list of fields before the file")
        count = (_UINT16(data, places)[0] + 1) // 2
        self._places: tuple[int, ...] = _LISTS[min(count, 2 + FIELDS_LIMIT)](data, places)[2:]

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Return a number or flag; `code` is its type as the module `struct` names it."""
        places = self._places
        if field >= len(places) or not places[field]:
            return default
        value: int = _NUMBERS[code](self._data, self._at + places[field])[0]
        return value

    def has(self, field: int) -> bool:
        """Return whether the field is there."""
        return field < len(self._places) and self._places[field] != 0

    def position(self, field: int) -> int:
        """Return where in the file a table, vector or text begins that is there."""
        at = self._at + self._places[field]
        return at + int(_UINT32(self._data, at)[0])

    def table(self, field: int) -> Table | None:
        """Return a table, None if it is left out."""
        return Table(self._data, self.position(field)) if self.has(field) else None

    def length(self, field: int) -> int:
        """Return the number of elements of a vector or of bytes of a text, 0 if it is left out."""
        return int(_UINT32(self._data, self.position(field))[0]) if self.has(field) else 0

    def numbers(self, field: int, code: str) -> tuple[int, ...]:
        """Return a vector of integers."""
        length = self.length(field)
        return struct.unpack_from(f"<{length}{code}", self._data, self.position(field) + 4) if length else ()

    def floats(self, field: int) -> tuple[float, ...]:
        """Return a vector of float32."""
        length = self.length(field)
        return struct.unpack_from(f"<{length}f", self._data, self.position(field) + 4) if length else ()

    def raw(self, field: int) -> bytes:
        """Return a text, or a vector of bytes."""
        length = self.length(field)
        start = self.position(field) + 4 if length else 0
        found = self._data[start : start + length]
        if len(found) != length:
            raise ValueError("a vector beyond the file")
        return found

    def element(self, field: int, index: int) -> Table:
        """Return a table of a vector of tables."""
        at = self.position(field) + 4 + 4 * index
        return Table(self._data, at + int(_UINT32(self._data, at)[0]))

    def elements(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        for index in range(self.length(field)):
            yield self.element(field, index)


def root(data: bytes) -> Table:
    """Return the root of a file."""
    return Table(data, int(_UINT32(data, 0)[0]))
