"""Parity that repairs damaged frames: docs/protocol.md, "Parity". It also runs on the device, inside the agent.

A Reed-Solomon code over GF(256), whose polynomial is x^8 + x^4 + x^3 + x^2 + 1; its generator has the roots 2^0 to 2^7
(Reed and Solomon 1960). The first byte is the coefficient of the highest power.
"""

from __future__ import annotations

BYTES = 8
REPAIRS = BYTES // 2
"""So many damaged bytes of a frame are repaired."""
LONGEST = 255
"""Bytes of a frame with its parity."""

_GENERATOR = 0xFF0B5136EFADC818
_LOW = (1 << 56) - 1


def _powers() -> list[int]:
    powers, power = [], 1
    for _ in range(LONGEST):
        powers.append(power)
        power = power << 1 ^ (0x11D if power & 0x80 else 0)
    return powers * 3


_POWER = _powers()
_LOG = {power: exponent for exponent, power in enumerate(_POWER[:LONGEST])}


def _times(a: int, b: int) -> int:
    return _POWER[_LOG[a] + _LOG[b]] if a and b else 0


def _over(a: int, b: int) -> int:
    """Return a quotient; 0 over 0 is 0, which no frame without an error needs."""
    return _POWER[_LOG[a] - _LOG[b] + LONGEST] if a and b else 0


_STEPS = [int.from_bytes(bytes(_times(c, f) for c in _GENERATOR.to_bytes(BYTES, "big")), "big") for f in range(256)]
"""What a factor adds to the rest of the division by the generator."""


def of(data: bytes) -> bytes:
    """Return the parity of at most 247 bytes."""
    rest, steps = 0, _STEPS
    for byte in data:
        rest = (rest & _LOW) << 8 ^ steps[rest >> 56 ^ byte]
    return rest.to_bytes(BYTES, "big")


def repaired(data: bytes) -> tuple[bytes, int] | None:
    """Return at most 255 bytes, parity at their end, without their errors, and how many there were.

    None if there are more than REPAIRS. What a frame of random bytes becomes is not what was sent: only the checksum in
    it shows that.
    """
    size = len(data) - BYTES
    rest = bytes(a ^ b for a, b in zip(of(data[:size]), data[size:]))  # noqa: B905 (Python 3.9)
    syndromes = [_at(rest, root) for root in range(BYTES)]
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


def _at(coefficients: bytes, root: int) -> int:
    """Return the polynomial's value at 2 to the power of `root`."""
    value = 0
    for coefficient in coefficients:
        value = coefficient ^ (_POWER[_LOG[value] + root] if value else 0)
    return value


def _locator(syndromes: list[int]) -> list[int]:
    """Return the polynomial whose roots are the places of the errors (Berlekamp 1968, Massey 1969).

    Coefficients begin with that of x^0; there is one more than its degree.
    """
    locator, earlier = [1] + [0] * (BYTES - 1), [1] + [0] * (BYTES - 1)
    degree, shift, divisor = 0, 1, 1
    for n in range(BYTES):
        difference = 0
        for i in range(n + 1):
            difference ^= _times(locator[i], syndromes[n - i])
        if difference:
            factor, kept = _over(difference, divisor), locator[:]
            for i in range(shift, BYTES):
                locator[i] ^= _times(factor, earlier[i - shift])
            if 2 * degree <= n:
                degree, earlier, divisor, shift = n + 1 - degree, kept, difference, 0
        shift += 1
    return (locator + [0])[: degree + 1]


def _errors(syndromes: list[int], locator: list[int], size: int) -> list[tuple[int, int]]:
    """Return place and value of each error within `size` bytes (Chien 1964, Forney 1965)."""
    evaluator = [0] * REPAIRS
    for i in range(REPAIRS):
        for k in range(min(i + 1, len(locator))):
            evaluator[i] ^= _times(locator[k], syndromes[i - k])
    terms = [(k, _LOG[c]) for k, c in enumerate(locator) if c]
    errors = []
    for place in range(size if len(locator) > 1 else 0):
        exponent = LONGEST - (size - 1 - place)
        value = 0
        for k, log in terms:
            value ^= _POWER[(log + k * exponent) % LONGEST]
        if value:
            continue
        slope = top = 0
        for k, log in terms:
            slope ^= _POWER[(log + k * exponent) % LONGEST] if k % 2 else 0
        for k, coefficient in enumerate(evaluator):
            top ^= _times(coefficient, _POWER[k * exponent % LONGEST])
        errors.append((place, _over(top, slope)))
    return errors
