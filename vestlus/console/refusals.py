"""What is told of tries with a wrong operator token: each is counted, and the audit says that there
were some. Never what was given, nor by whom.
"""

from __future__ import annotations

from typing import Final

import structlog

from vestlus.clock import Clock
from vestlus.console.guesses import WINDOW_MS
from vestlus.measuring.catalogue import SIGN_IN_REFUSALS, of
from vestlus.store.operator_rows import AuditEntry, AuditWanted
from vestlus.store.port import Store

_log = structlog.get_logger(__name__)

#: The token was not right.
WRONG: Final = "wrong"
#: There were too many wrong ones: nothing was compared.
LOCKED: Final = "locked"


class Refusals:
    """Of one way in. One per process.

    The audit, which only grows, has one entry of each outcome within the time that tries count,
    however many there are and from however many addresses; two where replicas write at the same
    moment.
    """

    def __init__(self, way: str, action: str, clock: Clock) -> None:
        """``way`` and ``action``: as the audit says them."""
        self._way = way
        self._action = action
        self._clock = clock
        self._noted: dict[str, int] = {}

    async def note(self, store: Store, outcome: str) -> None:
        """Somebody was refused. Raises StoreUnavailable, and is to be called all the same with the
        next one.
        """
        of(SIGN_IN_REFUSALS, self._way, outcome).inc()
        now_ms = self._clock()
        before_ms = self._noted.get(outcome, 0)
        if now_ms < before_ms + WINDOW_MS:
            return
        # At once: others are refused while the store is asked.
        self._noted[outcome] = now_ms
        _log.warning("sign_in_refused", way=self._way, reason=outcome)
        try:
            await self._audit(store, outcome, now_ms)
        except BaseException:
            self._noted[outcome] = before_ms
            raise

    async def _audit(self, store: Store, outcome: str, now_ms: int) -> None:
        since_ms = now_ms - WINDOW_MS + 1
        wanted = AuditWanted(action=self._action, way=self._way, outcome=outcome, since_ms=since_ms)
        if not await store.audit_entries(wanted=wanted, limit=1):
            await store.audit(AuditEntry(now_ms, "", "", self._way, self._action, outcome=outcome))
