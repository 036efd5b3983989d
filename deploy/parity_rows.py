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
    """Return products (65536,), powers of each column's root (5, 255), parts of syndromes (8, 256), inverses (256,).

    A column's root is what a locator has that finds an error in it: 2 to the power of its number and one.
    """
    np = parity.tables()[0]
    products = np.frombuffer(b"".join(parity.PRODUCTS), np.uint8)
    powers = [bytes(parity.POWER[k * (i + 1) % LONGEST] for i in range(LONGEST)) for k in range(REPAIRS + 1)]
    chien = np.frombuffer(b"".join(powers), np.uint8).reshape(-1, LONGEST)
    return (
        products,
        chien,
        np.array(parity.parts_of_syndromes(), np.uint64),
        (products == 1).reshape(256, 256).argmax(axis=1),
    )


@functools.cache
def _terms() -> list[Any]:
    """Return what each coefficient of a locator (256,) adds to its value in each column, (256, 255) for each power."""
    products, chien = _tables()[:2]
    return [products.reshape(256, 256).take(chien[k], axis=1) for k in range(1, REPAIRS + 1)]


def of(bodies: Sequence[bytes]) -> list[bytes]:
    """Return the parity of each of some bodies of at most 247 bytes."""
    np = parity.tables()[0]
    # Zeros before a polynomial do not change it.
    joined = b"".join([body.rjust(LONGEST - BYTES, b"\0") for body in bodies])
    rests = _rests(np, np.frombuffer(joined, np.uint8).reshape(-1, LONGEST - BYTES))
    return [rest.to_bytes(BYTES, "big") for rest in rests.tolist()]


def repair(rows: Any, sizes: Any) -> Any:
    """Repair frames with parity in place; return how many errors (n,) each had, -1: too many.

    `rows` (n, 255) uint8 are frames that end where their row ends, zeros before them; `sizes` (n,) their lengths. A
    frame that is damaged in its parity alone has no errors.
    """
    np = parity.tables()[0]
    rests = _rests(np, rows[:, :-BYTES]) ^ rows[:, -BYTES:].copy().view(">u8")[:, 0].astype(np.uint64)
    counts = np.zeros(len(rows), np.intp)
    damaged = np.flatnonzero(rests)
    if len(damaged):
        counts[damaged] = _repair(np, rows, damaged, rests[damaged], sizes)
    return counts


def _rests(np: Any, rows: Any) -> Any:
    """Return the rest of the division by the generator for rows (n, 247), as (n,) uint64."""
    _, table, begins, xor = parity.tables()
    return xor(table.take(begins + rows), axis=1)


def _repair(np: Any, rows: Any, damaged: Any, rests: Any, sizes: Any) -> Any:
    """Repair rows (n, 255) by the rests of the damaged ones; return how many errors each of those had, -1: too many."""
    products, _, parts, _ = _tables()
    syndromes = _syndromes(np, parts, rests)
    locators, degrees = _locators(np, products, syndromes)
    values = np.repeat(locators[0].astype(np.uint8), LONGEST).reshape(-1, LONGEST)
    for terms, coefficients in zip(_terms(), locators[1:]):  # noqa: B905 (3.9)
        values ^= terms.take(coefficients, axis=0)
    is_root = values == 0
    counts = is_root.sum(axis=1)
    first = np.where(counts, is_root.argmax(axis=1), LONGEST)
    row, column = np.nonzero(is_root)
    is_good = (degrees <= REPAIRS) & (counts == degrees) & (first >= LONGEST - sizes[damaged])
    chosen = is_good[row]
    row, column = row[chosen], column[chosen]
    rows[damaged[row], column] ^= _errors(np, syndromes[:, row], locators[:, row], column)
    counts[first >= LONGEST - BYTES] = 0
    return np.where(is_good, counts, -1)


def _syndromes(np: Any, parts: Any, rests: Any) -> Any:
    """Return the values of rests (n,) at the generator's roots, (8, n)."""
    packed = np.zeros(len(rests), np.uint64)
    for table, values in zip(parts, rests.astype(">u8").view(np.uint8).reshape(-1, BYTES).T):  # noqa: B905 (3.9)
        packed ^= table[values]
    return packed.astype(">u8").view(np.uint8).reshape(-1, BYTES).T.astype(np.intp)


def _locators(np: Any, products: Any, syndromes: Any) -> tuple[Any, Any]:
    """Return the polynomials (5, n) whose roots are the places of the errors, and their degrees (n,).

    Syndromes are (8, n). Without divisions (Burton 1971), each is a multiple of that of Berlekamp and Massey. Of a
    degree above REPAIRS it is not whole: nothing is repaired then. A factor is 256 times as much, as `products` has it.
    """
    count, size = syndromes.shape[1], REPAIRS + 1
    factors = syndromes << 8
    locators, earlier = np.zeros((size, count), np.intp), np.zeros((size + 1, count), np.intp)
    locators[0] = earlier[1] = 1
    divisors, degrees = np.full(count, 1 << 8), np.zeros(count, np.intp)
    for n in range(BYTES):
        terms = products.take(factors[n::-1][:size] + locators[: n + 1])
        differences = np.bitwise_xor.reduce(terms, axis=0).astype(np.intp) << 8
        longer = products.take(divisors + locators) ^ products.take(differences + earlier[:size])
        grows = (differences != 0) & (2 * degrees <= n)
        earlier[1:] = np.where(grows, locators, earlier[:size])
        divisors = np.where(grows, differences, divisors)
        degrees = np.where(grows, n + 1 - degrees, degrees)
        locators = longer.astype(np.intp)
    return locators, degrees


def _errors(np: Any, syndromes: Any, locators: Any, columns: Any) -> Any:
    """Return the value of an error (n,) in each column, with the syndromes (8, n) and locators (5, n) of its row.

    Forney 1965.
    """
    products, chien, _, inverses = _tables()
    factors, powers = locators << 8, chien.take(columns, axis=1)
    slope = np.bitwise_xor.reduce(products.take(factors[1::2] + powers[1::2]), axis=0)
    top = np.zeros(len(columns), np.uint8)
    for k in range(REPAIRS):
        coefficients = np.bitwise_xor.reduce(products.take(factors[: k + 1] + syndromes[k::-1]), axis=0)
        top ^= products.take((coefficients.astype(np.intp) << 8) + powers[k])
    return products.take((top.astype(np.intp) << 8) + inverses.take(slope))
