"""A claimed row whose request is not written yet."""

from __future__ import annotations

import math

from publishers.lane import Lane


class Place:
    """A row's place among those of its lane that are not written yet, until it is freed."""

    def __init__(self, lane: Lane) -> None:
        self._lane: Lane | None = lane
        #: Until when its request may be written, by the monotonic clock; set with the claim.
        self.lasts_until = -math.inf

    @property
    def is_free(self) -> bool:
        """Whether bytes of the request may have been written."""
        return self._lane is None

    def free(self) -> None:
        """Gives the place to others; at most once."""
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.written()
