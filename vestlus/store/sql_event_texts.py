"""What users and people said, where it stands in recorded events and their dead letters."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, Text, bindparam, select, update

from vestlus.conversation.events import Event, EventKind
from vestlus.store import schema
from vestlus.store.rows import EventState
from vestlus.store.sql_codec import cleaned, event_of, event_payload, rows_parameter
from vestlus.store.sql_dialect import Dialect

_EVENT: Final = schema.inbox_event.c
_LETTER: Final = schema.dead_letter.c
_COLUMNS: Final = (_EVENT.seq, _EVENT.key, _EVENT.kind, _EVENT.state, _EVENT.payload)

#: What a recorded event becomes: its state and itself.
_Rewritten = Callable[[EventState, Event], tuple[EventState, Event]]

_Found = Row[*tuple[Any, ...]]


class EventTexts:
    """Statements on recorded events. Callers hold the conversations' rows."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._of_mid = select(*_COLUMNS).where(
            _EVENT.account == bindparam("account", type_=Text()),
            _EVENT.mid == bindparam("of_mid", type_=Text()),
            _EVENT.conversation == bindparam("of", type_=Text()),
        )
        events = dialect.rows({"seq": BigInteger(), "state": Text(), "payload": Text()})
        self._rewrite = (
            update(schema.inbox_event)
            .where(_EVENT.seq == events.c.seq, dialect.one_of(_EVENT.seq, "seqs"))
            .values(state=events.c.state, payload=events.c.payload)
        )
        empty = update(schema.dead_letter).values(body=b"")
        self._empty_some = empty.where(dialect.one_of(_LETTER.id, "letters"))

    def edit(
        self, connection: Connection, conversation: str, account: str, mid: str, text: str
    ) -> None:
        """Gives the message a new text, if it has one: it may have been taken back before."""
        found = self._with_mid(connection, conversation, account, mid)
        messages = [row for row in found if row.kind == EventKind.MESSAGE]
        self._write(connection, messages, lambda state, event: (state, _edited(event, text)))

    def remove(
        self, connection: Connection, conversation: str, account: str, mid: str
    ) -> frozenset[int]:
        """Takes the content out of everything recorded about a message that was taken back; the
        numbers of those that called for an answer and do not any more.
        """
        found = self._with_mid(connection, conversation, account, mid)
        self._write(connection, found, _taken_back)
        letters = self._dialect.value_set([f"event:{row.key}" for row in found])
        connection.execute(self._empty_some, {"letters": letters})
        return frozenset(row.seq for row in found if row.state == EventState.PENDING)

    def _with_mid(
        self, connection: Connection, conversation: str, account: str, mid: str
    ) -> list[_Found]:
        about = {"of": conversation, "account": account, "of_mid": cleaned(mid)}
        return list(connection.execute(self._of_mid, about))

    def _write(
        self, connection: Connection, found: Collection[_Found], rewritten: _Rewritten
    ) -> None:
        rows: list[dict[str, str | int | None]] = []
        for row in found:
            state, event = rewritten(EventState(row.state), event_of(row.payload))
            rows.append({"seq": row.seq, "state": str(state), "payload": event_payload(event)})
        if rows:
            seqs = self._dialect.value_set([row.seq for row in found])
            connection.execute(self._rewrite, {"rows": rows_parameter(rows), "seqs": seqs})


def _edited(event: Event, text: str) -> Event:
    return event if event.text is None else replace(event, text=text)


def _taken_back(state: EventState, event: Event) -> tuple[EventState, Event]:
    after = EventState.NOTED if state is EventState.PENDING else state
    return after, _without_content(event)


def _without_content(event: Event) -> Event:
    """The event without anything that somebody said or showed."""
    return replace(
        event,
        text=None,
        attachments=(),
        story_id=None,
        story_url=None,
        payload=None,
        emoji=None,
        referral=None,
    )
