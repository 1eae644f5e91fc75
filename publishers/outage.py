"""Requests in a row that came to nothing: whether that is an outage, and how long it may last."""

from __future__ import annotations

from publishers.rules import SendingRules

#: Ambiguous outcomes in a row that are taken for an outage.
_AMBIGUOUS_IN_A_ROW = 3


class Outage:
    """How often in a row nothing answered one account, and how long to wait therefore. Pure."""

    def __init__(self, rules: SendingRules) -> None:
        self._rules = rules
        #: Pauses in a row because nothing answered.
        self._pauses = 0
        #: Ambiguous outcomes in a row.
        self._ambiguous = 0

    def next_pause(self) -> float:
        """Seconds until the account is tried again; longer each time."""
        pause = self._rules.unreachable_seconds * 2.0 ** min(self._pauses, 16)
        self._pauses += 1
        return min(pause, self._rules.longest_unreachable_seconds)

    def ambiguous(self) -> bool:
        """A request got no usable answer; whether that makes it an outage."""
        self._ambiguous += 1
        return self._ambiguous >= _AMBIGUOUS_IN_A_ROW

    def over(self) -> None:
        """Something answered."""
        self._pauses = self._ambiguous = 0
