"""Tombstones, looked at where something is to be recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, select

from vestlus.conversation.events import Event, EventKind
from vestlus.store import schema
from vestlus.store.erasing import Tomb
from vestlus.store.rows import DeadLetter
from vestlus.store.sql_arrivals import Arrival
from vestlus.store.sql_dialect import Dialect

_TOMB: Final = schema.tombstone.c


def is_forgotten(event: Event, tomb: Tomb) -> bool:
    """Whether an event is of before its user's erasure.

    Echoes are so for a moment longer, since requests were under way. Readings always are: they
    tell when somebody looked at something that is gone, or at the last word.
    """
    if event.kind is EventKind.READ:
        return True
    until_ms = tomb.echo_ms if event.kind is EventKind.ECHO else tomb.at_ms
    return event.timestamp_ms <= until_ms


class Tombstones:
    """Looks at tombstones by their names. Callers hold leases that an erasure waits for."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._find = select(
            _TOMB.grave, _TOMB.at_ms, _TOMB.echo_ms, _TOMB.version, _TOMB.messages
        ).where(dialect.one_of(_TOMB.grave, "graves"))

    def find(self, connection: Connection, graves: Collection[str]) -> dict[str, Tomb]:
        """Those that stand, by name. By the primary key: it does not matter how many there are."""
        if not graves:
            return {}
        rows = connection.execute(self._find, {"graves": self._dialect.value_set(graves)})
        return {grave: Tomb(*rest) for grave, *rest in rows}

    def living(
        self, connection: Connection, arrivals: Collection[Arrival]
    ) -> tuple[list[Arrival], dict[str, Tomb]]:
        """Those of the events that may be recorded, and, by conversation, what stands of users who
        come anew.
        """
        graves = {one.new.grave for one in arrivals if one.new.grave}
        tombs = self.find(connection, graves)
        if not tombs:
            return list(arrivals), {}
        living: list[Arrival] = []
        anew: dict[str, Tomb] = {}
        for one in arrivals:
            tomb = tombs.get(one.new.grave)
            if tomb is None:
                living.append(one)
            elif not is_forgotten(one.new.event, tomb):
                living.append(one)
                if one.conversation is not None:
                    anew[one.conversation] = tomb
        return living, anew

    def kept(self, connection: Connection, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Those of the letters that name nobody who was erased."""
        graves = {grave for letter in letters for grave in letter.graves}
        tombs = self.find(connection, graves)
        return [letter for letter in letters if tombs.keys().isdisjoint(letter.graves)]
