"""Which actors do not reach the bus while others do. Plain code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

#: A ConversationActor that has not reached the bus for so long has its partitions given to those
#: that do. Longer than a broker takes to start again, or to move to another node.
CUT_OFF_SECONDS: Final = 20.0


class CutOff:
    """Of ConversationActors: what is assigned to such a one is taken in by nobody. PublisherActors
    need no bus to find what there is to send.
    """

    def __init__(self) -> None:
        #: Since when each has not reached the bus while another one has, monotonic.
        self._alone: dict[str, float] = {}
        self.names: frozenset[str] = frozenset()

    def look(self, away_seconds: Mapping[str, float], now: float) -> None:
        """``away_seconds`` is for how long each has not reached the bus, as it says itself, 0 of
        who reaches it; without those who have not opened it yet. ``now`` is monotonic.
        """
        # Not by what they say alone: after an outage one of them finds the bus again first.
        reached = 0.0 in away_seconds.values()
        alone = {name for name, seconds in away_seconds.items() if seconds and reached}
        self._alone = {name: self._alone.get(name, now) for name in alone}
        before = self.names
        self.names = frozenset(
            name for name, since in self._alone.items() if now - since >= CUT_OFF_SECONDS
        )
        for name in self.names - before:
            _log.error("actor_cut_off_from_bus", actor=name)
        for name in before - self.names:
            _log.info("actor_no_more_cut_off", actor=name)
