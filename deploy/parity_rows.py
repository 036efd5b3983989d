"""Parity of many frames at once: numpy's calls cost less for a hundred frames than Python's steps for ten.

What it gives for each frame is what deploy/parity.py gives. It also runs on the device, inside the agent.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from deploy import parity
from deploy.parity import BYTES, LONGEST, REPAIRS


@functools.cache
def _tables() -> tuple[Any, Any, Any, Any]:
    """Return all products (256, 256), powers of each column's root, parts of syndromes (8, 256), and inverses (256,).

    A column's root is what a locator has that finds an error in it: 2 to the power of its number and one.
    """
    np = parity.tables()[0]
    products = np.frombuffer(b"".join(parity.PRODUCTS), np.uint8).reshape(256, 256)
    powers = [bytes(parity.POWER[k * (i + 1) % LONGEST] for i in range(LONGEST)) for k in range(REPAIRS + 1)]
    chien = np.frombuffer(b"".join(powers), np.uint8).reshape(-1, LONGEST)
    return products, chien, np.array(parity.parts_of_syndromes(), np.uint64), (products == 1).argmax(axis=1)


def of(bodies: Sequence[bytes]) -> list[bytes]:
    """Return the parity of each of some bodies of at most 247 bytes."""
    np = parity.tables()[0]
    rests = _rests(np, _rows(np, bodies, LONGEST - BYTES))
    return [rest.to_bytes(BYTES, "big") for rest in rests.tolist()]


def repaired(frames: Sequence[bytes], mask: int) -> list[tuple[bytes, int] | None]:
    """Return each of some frames without its errors and its parity, and how many there were, None for too many.

    `mask` is taken off all bytes but the first. A frame that is damaged in its parity alone has no errors.
    """
    if not frames:
        return []
    np = parity.tables()[0]
    rows = _rows(np, frames, LONGEST)
    sizes = np.array([len(frame) for frame in frames])
    rests = _rests(np, rows[:, :-BYTES]) ^ rows[:, -BYTES:].copy().view(">u8")[:, 0].astype(np.uint64)
    counts = np.zeros(len(frames), np.intp)
    damaged = np.flatnonzero(rests)
    if len(damaged):
        counts[damaged] = _repair(np, rows, damaged, rests[damaged], sizes)
    rows ^= mask
    rows[np.arange(len(frames)), LONGEST - sizes] ^= mask
    joined, found = rows.tobytes(), []
    for stop, size, count in zip(range(LONGEST, len(joined) + 1, LONGEST), sizes.tolist(), counts.tolist()):  # noqa: B905 (3.9)
        found.append((joined[stop - size : stop - BYTES], count) if count >= 0 else None)
    return found


def _rows(np: Any, pieces: Sequence[bytes], size: int) -> Any:
    """Return bytes as rows (n, size) that end where they end: zeros before a polynomial do not change it."""
    joined = bytearray().join(piece.rjust(size, b"\0") for piece in pieces)
    return np.frombuffer(joined, np.uint8).reshape(-1, size)


def _rests(np: Any, rows: Any) -> Any:
    """Return the rest of the division by the generator for rows (n, 247), as (n,) uint64."""
    _, table, begins, xor = parity.tables()
    return xor(table.take(begins + rows), axis=1)


def _repair(np: Any, rows: Any, damaged: Any, rests: Any, sizes: Any) -> Any:
    """Repair rows (n, 255) by the rests of the damaged ones; return how many errors each of those had, -1: too many."""
    products, chien, parts, _ = _tables()
    syndromes = _syndromes(np, parts, rests)
    locators, degrees = _locators(np, products, syndromes)
    values = locators[:, :1].repeat(LONGEST, 1)
    for k in range(1, REPAIRS + 1):
        values ^= products[locators[:, k : k + 1], chien[k]]
    is_root = values == 0
    counts = is_root.sum(axis=1)
    first = np.where(counts, is_root.argmax(axis=1), LONGEST)
    row, column = np.nonzero(is_root)
    is_good = (degrees <= REPAIRS) & (counts == degrees) & (first >= LONGEST - sizes[damaged])
    chosen = is_good[row]
    row, column = row[chosen], column[chosen]
    rows[damaged[row], column] ^= _errors(np, syndromes[row], locators[row], column)
    counts[first >= LONGEST - BYTES] = 0
    return np.where(is_good, counts, -1)


def _syndromes(np: Any, parts: Any, rests: Any) -> Any:
    """Return the values of rests (n,) at the generator's roots, (n, 8) uint8."""
    packed = np.zeros(len(rests), np.uint64)
    for table, values in zip(parts, rests.astype(">u8").view(np.uint8).reshape(-1, BYTES).T):  # noqa: B905 (3.9)
        packed ^= table[values]
    return packed.astype(">u8").view(np.uint8).reshape(-1, BYTES)


def _locators(np: Any, products: Any, syndromes: Any) -> tuple[Any, Any]:
    """Return the polynomials (n, 9) whose roots are the places of the errors, and their degrees (n,).

    Without divisions (Burton 1971), each is a multiple of that of Berlekamp and Massey.
    """
    count = len(syndromes)
    locators = np.zeros((count, BYTES + 1), np.uint8)
    locators[:, 0] = 1
    earlier, divisors, degrees = locators.copy(), np.ones((count, 1), np.uint8), np.zeros(count, np.intp)
    for n in range(BYTES):
        differences = np.bitwise_xor.reduce(products[locators[:, : n + 1], syndromes[:, n::-1]], axis=1)[:, None]
        earlier[:, 1:] = earlier[:, :-1].copy()
        earlier[:, 0] = 0
        longer = products[divisors, locators] ^ products[differences, earlier]
        grows = (differences[:, 0] != 0) & (2 * degrees <= n)
        earlier[grows], divisors[grows], degrees[grows] = locators[grows], differences[grows], n + 1 - degrees[grows]
        locators = longer
    return locators, degrees


def _errors(np: Any, syndromes: Any, locators: Any, columns: Any) -> Any:
    """Return the value of an error (n,) for each column, with the syndromes and locators of its row (Forney 1965)."""
    products, chien, _, inverses = _tables()
    top, slope = np.zeros(len(columns), np.uint8), np.zeros(len(columns), np.uint8)
    for k in range(REPAIRS + 1):
        powers = chien[k][columns]
        if k % 2:
            slope ^= products[locators[:, k], powers]
        if k < REPAIRS:
            terms = products[locators[:, : k + 1], syndromes[:, k::-1]]
            top ^= products[np.bitwise_xor.reduce(terms, axis=1), powers]
    return products[top, inverses[slope]]
