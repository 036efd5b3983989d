"""Parity that repairs damaged frames: docs/protocol.md, "Parity". It also runs on the device, inside the agent.

A Reed-Solomon code over GF(256), whose polynomial is x^8 + x^4 + x^3 + x^2 + 1; its generator has the roots 2^0 to 2^7
(Reed and Solomon 1960). The first byte is the coefficient of the highest power.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

BYTES = 8
REPAIRS = BYTES // 2
"""So many damaged bytes of a frame are repaired."""
LONGEST = 255
"""Bytes of a frame with its parity."""

_GENERATOR = 0xFF0B5136EFADC818
_ALL = (1 << 64) - 1


def _powers() -> bytes:
    powers, power = bytearray(), 1
    for _ in range(LONGEST):
        powers.append(power)
        power = power << 1 ^ (0x11D if power & 0x80 else 0)
    return bytes(powers) * (REPAIRS + 2)


POWER = _powers()
"""Powers of 2, so often that each term of a locator is a slice of them."""
_LOG = {power: exponent for exponent, power in enumerate(POWER[:LONGEST])}
_LOGS = bytes(_LOG[element] for element in range(1, 256))
PRODUCTS = [bytes(256)] + [b"\0" + _LOGS.translate(POWER[log : log + 256]) for log in _LOGS]
"""All products, by their two factors."""
_STEPS = [int.from_bytes(_GENERATOR.to_bytes(BYTES, "big").translate(row), "big") for row in PRODUCTS]
"""What a factor adds to the rest of the division by the generator."""


def _over(a: int, b: int) -> int:
    """Return a quotient; 0 over 0 is 0, which no frame without an error needs."""
    return POWER[_LOG[a] - _LOG[b] + LONGEST] if a and b else 0


@functools.cache
def parts_of_syndromes() -> list[list[int]]:
    """Return what a byte of the rest adds to all syndromes, by place and value; the first one is the highest byte."""
    tables, powers = [], [1] * BYTES
    for _ in range(BYTES):
        rows = [PRODUCTS[power] for power in powers]
        tables.append([int.from_bytes(bytes([row[value] for row in rows]), "big") for value in range(256)])
        powers = [PRODUCTS[power][POWER[root]] for root, power in enumerate(powers)]
    return tables[::-1]


@functools.cache
def tables() -> tuple[Any, Any, Any, Any]:
    """Return numpy, the parity of each byte by place and value, where each place begins in it, and a XOR of all.

    The last place is that of the byte before the parity. 0.5 MB, which only lines that damage frames need.
    """
    np: Any = importlib.import_module("numpy")
    places = np.zeros((LONGEST, 256), np.uint64)  # by powers of x: the rest of a byte there
    shifts = 8 * np.arange(BYTES, dtype=np.uint64)
    places[:BYTES] = np.arange(256, dtype=np.uint64) << shifts[:, None]
    places[BYTES] = _STEPS
    known = BYTES + 1
    while known < LONGEST:
        # A rest of eight bytes, times a power of x, is the sum of the rests of its bytes times that power.
        more = min(known - BYTES, LONGEST - known)
        digits = places[BYTES : BYTES + more, None] >> shifts[:, None] & np.uint64(0xFF)
        first = known - BYTES
        terms = [places[first + i].take(digits[:, i].astype(np.intp)) for i in range(BYTES)]
        places[known : known + more] = np.bitwise_xor.reduce(terms)
        known += more
    table = places[: BYTES - 1 : -1].ravel()
    return np, table, 256 * np.arange(LONGEST - BYTES, dtype=np.intp), np.bitwise_xor.reduce


def of(data: bytes) -> bytes:
    """Return the parity of at most 247 bytes."""
    return _rest(data).to_bytes(BYTES, "big")


def _rest(data: bytes) -> int:
    np, table, begins, xor = tables()
    first = len(begins) - len(data)
    return int(xor(table.take(begins[first:] + np.frombuffer(data, np.uint8)))) if data else 0


def repaired(data: bytes) -> tuple[bytes, int] | None:
    """Return at most 255 bytes, parity at their end, without their errors, and how many there were.

    None if there are more than REPAIRS. What a frame of random bytes becomes is not what was sent: only the checksum in
    it shows that.
    """
    rest = _rest(data[:-BYTES]) ^ int.from_bytes(data[-BYTES:], "big")
    syndromes = _syndromes(rest.to_bytes(BYTES, "big"))
    errors = _one_error(syndromes, len(data))
    if errors is None:
        locator = _locator(syndromes)
        if len(locator) - 1 > REPAIRS:
            return None
        errors = _errors(syndromes, locator, len(data))
        if len(errors) != len(locator) - 1:
            return None
    fixed = bytearray(data)
    for place, value in errors:
        fixed[place] ^= value
    return bytes(fixed), len(errors)


def _syndromes(rest: bytes) -> bytes:
    """Return the values of the rest of the division at the generator's roots."""
    packed = 0
    for table, value in zip(parts_of_syndromes(), rest):  # noqa: B905 (the device may have Python 3.9)
        packed ^= table[value]
    return packed.to_bytes(BYTES, "big")


def _one_error(syndromes: bytes, size: int) -> list[tuple[int, int]] | None:
    """Return the place and value of the only error within `size` bytes, None if there is none or are more.

    Each syndrome is then the one before times the power of the place.
    """
    first, second = syndromes[:2]
    if not first or not second:
        return None
    exponent = (_LOG[second] - _LOG[first]) % LONGEST
    if exponent >= size or syndromes[:-1].translate(PRODUCTS[POWER[exponent]]) != syndromes[1:]:
        return None
    return [(size - 1 - exponent, first)]


def _locator(syndromes: bytes) -> bytes:
    """Return the polynomial whose roots are the places of the errors (Berlekamp 1968, Massey 1969).

    Coefficients begin with that of x^0; there is one more than its degree, or too many for REPAIRS.
    """
    locator, earlier = b"\1".ljust(BYTES, b"\0"), b"\1"
    degree, shift, divisor = 0, 1, 1
    for n in range(BYTES):
        difference = syndromes[n]
        for i in range(1, degree + 1):
            difference ^= PRODUCTS[locator[i]][syndromes[n - i]]
        if difference:
            added = int.from_bytes(earlier.translate(PRODUCTS[_over(difference, divisor)]), "little") << 8 * shift
            kept = locator
            locator = ((int.from_bytes(locator, "little") ^ added) & _ALL).to_bytes(BYTES, "little")
            if 2 * degree <= n:
                degree, earlier, divisor, shift = n + 1 - degree, kept, difference, 0
                if degree > REPAIRS:
                    break
        shift += 1
    return locator[: degree + 1]


def _errors(syndromes: bytes, locator: bytes, size: int) -> list[tuple[int, int]]:
    """Return place and value of each error within `size` bytes (Chien 1964, Forney 1965)."""
    if len(locator) == 1:
        return []
    degree = len(locator) - 1
    evaluator = [0] * degree
    for i in range(degree):
        for k in range(i + 1):
            evaluator[i] ^= PRODUCTS[locator[k]][syndromes[i - k]]
    terms = [(k, _LOG[c]) for k, c in enumerate(locator) if c]
    first = LONGEST - (size - 1)
    values = int.from_bytes(bytes([locator[0]]) * size, "big")
    for k, log in terms[1:]:
        start = (log + k * first) % LONGEST
        values ^= int.from_bytes(POWER[start : start + k * size : k], "big")
    at_places, errors = values.to_bytes(size, "big"), []
    place = at_places.find(0)
    while place >= 0:
        exponent = first + place
        slope = top = 0
        for k, log in terms:
            slope ^= POWER[(log + k * exponent) % LONGEST] if k % 2 else 0
        for k, coefficient in enumerate(evaluator):
            top ^= PRODUCTS[coefficient][POWER[k * exponent % LONGEST]]
        errors.append((place, _over(top, slope)))
        place = at_places.find(0, place + 1)
    return errors
