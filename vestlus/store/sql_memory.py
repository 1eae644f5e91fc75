"""Histories: added to, changed, and taken from sight."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, exists, select, update

from vestlus.conversation.history import HistoryMessage, Role
from vestlus.store import schema
from vestlus.store.ledger import UNSEEN
from vestlus.store.rows import Kind, Origin
from vestlus.store.sql_codec import cleaned, indexed, rows_parameter, within_range
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_event_texts import EventTexts
from vestlus.store.sql_rows import REMOVED, is_in, picture_ids

_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_LEDGER: Final = schema.ledger.c

HistoryRow = dict[str, str | int | None]

_COLUMNS: Final[dict[str, Any]] = {
    "conversation": Text(),
    "position": BigInteger(),
    "role": Text(),
    "text": Text(),
    "at_ms": BigInteger(),
    "mid": Text(),
    "turn": BigInteger(),
}

_OUT_OF_SIGHT: Final = {"role": REMOVED, "text": ""}


def history_rows(
    conversation: str,
    first: int,
    messages: Sequence[HistoryMessage],
    turn: int | None = None,
) -> list[HistoryRow]:
    """Messages as rows from a position on. ``turn`` is noted with what the assistant said."""
    return [
        {
            "conversation": conversation,
            "position": position,
            "role": str(message.role),
            "text": message.text,
            "at_ms": within_range(message.at_ms),
            "mid": indexed(message.mid, conversation),
            "turn": turn if message.role is Role.ASSISTANT else None,
        }
        for position, message in enumerate(messages, first)
    ]


class Memory:
    """Statements on what was said. Callers hold the conversations' rows."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._events = EventTexts(dialect)
        rows = dialect.rows(_COLUMNS)
        self._insert = dialect.insert(schema.history).from_select(
            list(_COLUMNS), select(*(rows.c[name] for name in _COLUMNS))
        )
        of, new = bindparam("of", type_=Text()), bindparam("new", type_=Text())
        mine = update(schema.history).where(_HISTORY.conversation == of, _HISTORY.role != REMOVED)
        with_mid = mine.where(_HISTORY.mid == bindparam("of_mid", type_=Text()))
        self._edit = with_mid.values(text=new).returning(_HISTORY.position)
        self._remove = with_mid.values(_OUT_OF_SIGHT).returning(_HISTORY.position)
        seen = exists().where(
            _LEDGER.conversation == _HISTORY.conversation,
            _LEDGER.turn == _HISTORY.turn,
            _LEDGER.origin == str(Origin.BOT),
            ~is_in(_LEDGER.state, sorted(UNSEEN)),
        )
        self._unsay = (
            mine.where(dialect.one_of(_HISTORY.turn, "turns"), ~seen)
            .values(_OUT_OF_SIGHT)
            .returning(_HISTORY.position)
        )
        self._shown = (
            select(_LEDGER.pictures)
            .where(
                _LEDGER.conversation == of,
                _LEDGER.kind == str(Kind.PICTURES),
                ~is_in(_LEDGER.state, sorted(UNSEEN)),
            )
            .order_by(_LEDGER.position, _LEDGER.id)
        )
        # What went may have shown pictures, or have told that it is automated.
        self._say_again = (
            update(schema.conversation)
            .where(_CONVERSATION.id == of)
            .values(disclosed_ms=0, pictures=bindparam("shown", type_=Text()))
        )
        self._unask = (
            mine.where(_HISTORY.role == str(Role.USER), dialect.one_of(_HISTORY.mid, "mids"))
            .values(_OUT_OF_SIGHT)
            .returning(_HISTORY.position, _HISTORY.mid)
        )
        of_turn = _HISTORY.turn == bindparam("of_turn", type_=BigInteger())
        self._reword = mine.where(of_turn).values(text=new)
        # What a summary says of one message cannot be told from the rest of it.
        self._drop_summary = (
            update(schema.conversation)
            .where(
                _CONVERSATION.id == of,
                _CONVERSATION.summarised > bindparam("oldest", type_=BigInteger()),
            )
            .values(summary="")
        )

    def append(self, connection: Connection, rows: Sequence[HistoryRow]) -> None:
        """Adds rows that :func:`history_rows` made."""
        if rows:
            connection.execute(self._insert, {"rows": rows_parameter(rows)})

    def edit(
        self, connection: Connection, conversation: str, account: str, mid: str, text: str
    ) -> None:
        """The message has a new text, also where it waits for an answer."""
        values = {"of": conversation, "of_mid": cleaned(mid), "new": cleaned(text)}
        edited = connection.execute(self._edit, values).scalars().all()
        self._unsummed(connection, conversation, edited)
        self._events.edit(connection, conversation, account, mid, text)

    def remove(
        self, connection: Connection, conversation: str, account: str, mid: str
    ) -> frozenset[int]:
        """The message was taken back; the numbers of events that therefore need no answer."""
        removed = connection.execute(self._remove, {"of": conversation, "of_mid": cleaned(mid)})
        self._unsummed(connection, conversation, removed.scalars().all())
        return self._events.remove(connection, conversation, account, mid)

    def unsay(self, connection: Connection, conversation: str, turns: Collection[int]) -> bool:
        """Takes from sight what these turns decided and of which the user saw and sees nothing;
        whether there was any.

        Then the next answer says again that it is automated, and the pictures that count as sent
        are those of sends that the user saw or may see.
        """
        if not turns:
            return False
        sets = {"of": conversation, "turns": self._dialect.value_set(turns)}
        positions = connection.execute(self._unsay, sets).scalars().all()
        if not positions:
            return False
        self._unsummed(connection, conversation, positions)
        columns = connection.execute(self._shown, {"of": conversation}).scalars()
        shown = dict.fromkeys(id_ for column in columns for id_ in picture_ids(column))
        again = {"of": conversation, "shown": json.dumps(tuple(shown))}
        connection.execute(self._say_again, again)
        return True

    def unask(
        self, connection: Connection, conversation: str, mids: Collection[str]
    ) -> frozenset[str]:
        """Takes these messages of the user's from sight, since they are to be answered again; the
        mids of those that were in sight.
        """
        sets = {"of": conversation, "mids": self._dialect.value_set(mids)}
        rows = connection.execute(self._unask, sets).all()
        self._unsummed(connection, conversation, [position for position, _ in rows])
        return frozenset(mid for _, mid in rows)

    def reword(self, connection: Connection, conversation: str, turn: int, text: str) -> None:
        """What the turn said is this instead."""
        values = {"of": conversation, "of_turn": turn, "new": cleaned(text)}
        connection.execute(self._reword, values)

    def _unsummed(
        self, connection: Connection, conversation: str, positions: Sequence[int]
    ) -> None:
        if positions:
            oldest = {"of": conversation, "oldest": min(positions)}
            connection.execute(self._drop_summary, oldest)
