"""The store's port for events in memory; it can be away."""

from __future__ import annotations

from collections.abc import Sequence

from vestlus.errors import StoreUnavailable
from vestlus.store.plan_rows import NewTrigger, RuleFiring, RuleOutcome, Taken, TriggerRow


class MemoryTriggers:
    """See :class:`vestlus.store.plan_port.Triggers`. Rules have no limits here."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], TriggerRow] = {}
        self.fired: list[RuleFiring] = []
        self.is_away = False

    async def take_event(
        self, event: NewTrigger, passed: Sequence[RuleOutcome], firings: Sequence[RuleFiring]
    ) -> Taken:
        self._check()
        key = (event.source, event.name, event.key)
        if key in self.rows:
            return Taken(self.rows[key], known=True)
        self.fired += firings
        done = [
            RuleOutcome(
                rule=one.occurrence.name, occurrence=one.occurrence.id, due_ms=one.occurrence.due_ms
            )
            for one in firings
        ]
        row = TriggerRow(
            id=event.id,
            source=event.source,
            name=event.name,
            key=event.key,
            digest=event.digest,
            payload=event.payload,
            received_ms=event.received_ms,
            outcomes=tuple(sorted((*passed, *done), key=lambda one: one.rule)),
            traceparent=event.traceparent,
        )
        self.rows[key] = row
        return Taken(row, known=False)

    async def event(self, id_: str) -> TriggerRow | None:
        self._check()
        return next((row for row in self.rows.values() if row.id == id_), None)

    async def event_of_key(self, source: str, name: str, key: str) -> TriggerRow | None:
        self._check()
        return self.rows.get((source, name, key))

    async def events(self, *, limit: int, name: str | None = None) -> tuple[TriggerRow, ...]:
        self._check()
        found = [row for row in self.rows.values() if name in (None, row.name)]
        return tuple(found[::-1][:limit])

    async def forget_events(self, before_ms: int, *, limit: int) -> int:
        self._check()
        old = [key for key, row in self.rows.items() if row.received_ms < before_ms][:limit]
        for key in old:
            del self.rows[key]
        return len(old)

    def _check(self) -> None:
        if self.is_away:
            raise StoreUnavailable
