"""When webhooks may have been lost, so that Instagram is to be asked before its time. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from publishers.rules import SendingRules

#: Moments at which an account was heard of, by which its usual pace is known.
_MOMENTS: Final = 20

#: What comes closer together is one moment: the parts of an answer, the signs before it.
_APART_MS: Final = 1000


class Rhythm:
    """How often an account is heard of, and from when on its silence is out of the ordinary.

    A silence tells little: evenings are quiet too. It costs one call to look, so it is enough
    that few silences of an ordinary day are so long. Told once for each silence.
    """

    def __init__(self, *, least_seconds: float, times: float, most_seconds: float) -> None:
        """A silence is long from ``times`` the usual pause on, at least ``least_seconds``. Of an
        account for which that is longer than ``most_seconds`` nothing is told.
        """
        self._least_ms = least_seconds * 1000
        self._times = times
        self._most_ms = most_seconds * 1000
        self._moments: deque[int] = deque(maxlen=_MOMENTS)
        self._told = False

    def heard(self, now_ms: int) -> None:
        """The account gave a sign of its users."""
        self._told = False
        if not self._moments or abs(now_ms - self._moments[-1]) >= _APART_MS:
            self._moments.append(now_ms)

    def told(self) -> None:
        """This silence is known."""
        self._told = True

    @property
    def long_from_ms(self) -> int | None:
        """When the silence will be, or became, too long; ``None`` for "that cannot be told"."""
        if self._told or len(self._moments) < _MOMENTS:
            return None
        usual_ms = (self._moments[-1] - self._moments[0]) / (_MOMENTS - 1)
        long_ms = max(self._least_ms, self._times * usual_ms)
        return self._moments[-1] + round(long_ms) if long_ms <= self._most_ms else None


class Gaps:
    """Signs of a delivery gap of one account, and when a look is due because of them.

    After a sign there is a look at once and one more when nothing of that time can be on its way
    any longer; between two looks there is a pause, however many signs come. All times are
    milliseconds since 1970.
    """

    def __init__(self, rules: SendingRules) -> None:
        #: Whether anything is looked for by itself.
        self._on = rules.missed_sweep_seconds > 0
        self._pause_ms = round(rules.missed_pause_seconds * 1000)
        # As old as a message must be to be taken in, by the clock of whoever is behind.
        settling = rules.missed_grace_seconds + rules.clock_tolerance_seconds + 1
        self._settling_ms = round(settling * 1000)
        self._rhythm = Rhythm(
            # Sooner, what came at its beginning might be on its way.
            least_seconds=settling,
            times=rules.silence_times,
            most_seconds=rules.missed_sweep_seconds,
        )
        self._suspected_ms: int | None = None
        self._began_ms: int | None = None

    @property
    def suspected(self) -> bool:
        """Whether there was a sign that is not yet answered."""
        return self._suspected_ms is not None

    def suspect(self, now_ms: int) -> None:
        """Webhooks of about this moment may have been lost."""
        self._suspected_ms = now_ms

    def heard(self, now_ms: int) -> None:
        """The account gave a sign of its users."""
        self._rhythm.heard(now_ms)

    def began(self, now_ms: int) -> bool:
        """A look begins, whatever for; whether a long silence is a reason for it."""
        self._began_ms = now_ms
        if self._suspected_ms is not None and now_ms >= self._suspected_ms + self._settling_ms:
            self._suspected_ms = None
        long_from_ms = self._rhythm.long_from_ms
        if long_from_ms is None or now_ms < long_from_ms:
            return False
        self._rhythm.told()
        return True

    @property
    def due_ms(self) -> int | None:
        """When a look is wanted; ``None`` while nothing is suspected."""
        if not self._on:
            return None
        dues = []
        if (suspected_ms := self._suspected_ms) is not None:
            looked = self._began_ms is not None and self._began_ms >= suspected_ms
            dues.append(suspected_ms + (self._settling_ms if looked else 0))
        if (long_from_ms := self._rhythm.long_from_ms) is not None:
            dues.append(long_from_ms)
        if not dues:
            return None
        rested_ms = 0 if self._began_ms is None else self._began_ms + self._pause_ms
        return max(min(dues), rested_ms)
