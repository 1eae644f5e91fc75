"""Echoes that prove a send, as the store has them."""

from __future__ import annotations

from publishers.attempt import MetaClock
from publishers.reconcile import evidence_since_ms, matching_echo
from publishers.rules import SendingRules
from vestlus.backoff import until_available
from vestlus.store.port import Ledger
from vestlus.store.rows import SendRow


class EchoEvidence:
    """Looks for them; costs Instagram nothing. Waits for a store that is away."""

    def __init__(self, ledger: Ledger, meta: MetaClock, rules: SendingRules) -> None:
        self._ledger = ledger
        self._meta = meta
        self._rules = rules

    async def mid_of(self, row: SendRow, claimed_at: float | None) -> str | None:
        """The mid of an echo of the row's last attempt; see :meth:`MetaClock.attempt`."""
        attempt = self._meta.attempt(row, claimed_at)
        since = evidence_since_ms(attempt, self._rules)
        echoes = await until_available(
            lambda: self._ledger.unclaimed_echoes(row.conversation, since, row.id)
        )
        return matching_echo(row, attempt, echoes, self._rules)
