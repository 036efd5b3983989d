"""How fast a line is, learned from its traffic, so that a lost frame is missed neither too soon nor too late."""

from __future__ import annotations

SURE_ANSWERS = 8
LEAST_SLACK_S = 0.02
SPREADS = 4
FIRST_RUN_S = 0.25
HASTE, CALM, MOST_CAUTION = 1.5, 0.98, 8.0
"""What time-outs are multiplied by: more with each that was too short, less with each answer in time."""


class LineSpeed:
    """What the line carries towards the device, learned from replies, as TCP learns its round-trip time.

    `byte_s` is seconds for a byte, `delay_s` seconds apart from size. Both start at the speed of a slow, emulated UART.
    `spread_s` is by how many seconds answers come earlier or later than expected, on average.
    """

    def __init__(self) -> None:
        self.byte_s = 1 / 8000
        self.delay_s = 0.05
        self.spread_s = 0.0
        self._caution = 1.0
        self._samples = 0
        self._answers = 0

    @property
    def is_known(self) -> bool:
        """Whether anything of size has been timed."""
        return self._samples > 0

    def expect(self, size: int) -> float:
        """Seconds until the answer, with `size` bytes under way."""
        return self.delay_s + size * self.byte_s

    def slack(self, longest_s: float) -> float:
        """Seconds by which an answer may be late before it counts as lost; `longest_s` while little is known."""
        if self._answers < SURE_ANSWERS:
            return longest_s
        return min(longest_s, max(LEAST_SLACK_S, SPREADS * self.spread_s))

    def patience(self, expected_s: float, longest_slack_s: float) -> float:
        """Seconds after which an answer that is expected after `expected_s` counts as lost.

        It has more time once answers have come late: the device, or its emulator, lacks processor time.
        """
        factor = 3.0 if self._answers < SURE_ANSWERS else 1.5
        return self._caution * (factor * expected_s + self.slack(longest_slack_s))

    def was_hasty(self) -> None:
        """Record that an answer counted as lost and came: a busy machine, or a device on one, stops now and then."""
        self._caution = min(MOST_CAUTION, HASTE * self._caution)

    def learn(self, size: int, took_s: float) -> None:
        """Record that an answer came so long after `size` bytes were under way."""
        self._answers += 1
        self._caution = max(1.0, CALM * self._caution)
        if self._answers > SURE_ANSWERS // 2:  # the first ones show how wrong the start was
            self.spread_s += 0.125 * (abs(took_s - self.expect(size)) - self.spread_s)
        self.delay_s = min(self.delay_s, took_s)
        if size < 256:
            self.delay_s += 0.25 * (took_s - self.delay_s)
            return
        self._samples += 1
        weight = max(0.25, 1 / self._samples)
        self.byte_s += weight * (max(0.0, took_s - self.delay_s) / size - self.byte_s)

    def learn_at_most(self, size: int, took_s: float) -> None:
        """Record that the answer to a frame sent more than once came within `took_s` of its first time.

        It may be that we did not wait long enough: without this, a line that becomes slower would see each frame twice.
        """
        if size >= 256:
            self.byte_s = max(self.byte_s, min(1.25 * self.byte_s, took_s / size))


class RunTime:
    """How long a device computes for one inference, learned from its answers."""

    def __init__(self) -> None:
        self._mean_s = FIRST_RUN_S
        self._spread_s = FIRST_RUN_S / 4
        self._is_known = False

    @property
    def longest_s(self) -> float:
        """Seconds after which an answer counts as lost, beside what the line takes."""
        return self._mean_s + max(SPREADS * self._spread_s, self._mean_s / 4, LEAST_SLACK_S)

    def learn(self, took_s: float) -> None:
        """Record that an inference took so long."""
        if not self._is_known:
            self._mean_s, self._spread_s, self._is_known = took_s, took_s / 4, True
            return
        off = took_s - self._mean_s
        self._mean_s += off / 8
        self._spread_s += (abs(off) - self._spread_s) / 4
