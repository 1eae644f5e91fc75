"""The numbers of one subscription's deliveries."""

from __future__ import annotations

from collections.abc import Sequence

from vestlus.bus.port import Delivery


class Tags:
    """Tags run from 1 without gaps; groups are acknowledged from the oldest on."""

    def __init__(self) -> None:
        self._handed_out = 0
        self._acknowledged = 0

    def hand_out(self, deliveries: Sequence[Delivery]) -> None:
        """Notes that the caller has these now."""
        if deliveries:
            self._handed_out = deliveries[-1].tag

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Notes that these are done.

        Raises ValueError for anything but the oldest of those that were handed out: a group is
        removed up to its last message, so a gap in it would remove what nobody has seen to.
        """
        last = self._acknowledged + len(deliveries)
        expected = range(self._acknowledged + 1, last + 1)
        if [delivery.tag for delivery in deliveries] != list(expected) or last > self._handed_out:
            message = "only the oldest unacknowledged deliveries can be acknowledged"
            raise ValueError(message)
        self._acknowledged = last
