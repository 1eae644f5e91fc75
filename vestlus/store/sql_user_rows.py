"""All rows that hold something of one user, taken away.

Which tables and columns these are is declared in :mod:`vestlus.privacy.inventory`; a test holds the
two together.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    bindparam,
    delete,
    func,
    select,
    union,
    update,
)

from vestlus.store import schema
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.rows import EventState
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import is_in
from vestlus.store.sql_user_reading import UserReading
from vestlus.store.user_letters import Kept

_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c
_MARK: Final = schema.preservation.c

#: Whatever would still be answered, settled or sent goes at once, however much it is.
_OPEN_EVENTS: Final = (EventState.PENDING, EventState.UNDETERMINED)
_OPEN_SENDS: Final = tuple(sorted(set(SendState) - FINISHED))


class UserRows(UserReading):
    """Statements on one user's rows. Callers hold the leases under which others change them."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        of = bindparam("of", type_=Text())
        most = bindparam("most", type_=BigInteger())
        mine = _EVENT.conversation == of
        mids = union(
            select(_EVENT.mid).where(mine, _EVENT.mid.is_not(None)),
            *(
                select(mid).where(_LEDGER.conversation == of, mid.is_not(None))
                for mid in (_LEDGER.sent_mid, _LEDGER.echo_mid)
            ),
        )
        # Of whom Meta named nobody, and that were resolved by nobody.
        self._nameless = delete(schema.inbox_event).where(
            _EVENT.account == bindparam("account", type_=Text()),
            # Not to be found by the index of conversations, which would lead to everybody's.
            func.coalesce(_EVENT.conversation, "") == "",
            _EVENT.mid.in_(mids),
        )
        self._open_events = delete(schema.inbox_event).where(
            mine, is_in(_EVENT.state, _OPEN_EVENTS)
        )
        self._open_sends = delete(schema.ledger).where(
            _LEDGER.conversation == of, is_in(_LEDGER.state, _OPEN_SENDS)
        )
        self._letters = delete(schema.dead_letter).where(_LETTER.conversation == of)
        self._some_letters = delete(schema.dead_letter).where(dialect.one_of(_LETTER.id, "ids"))
        self._shortened = (
            update(schema.dead_letter)
            .where(_LETTER.id == bindparam("letter", type_=Text()))
            .values(body=bindparam("others", type_=LargeBinary()))
        )
        self._conversation = delete(schema.conversation).where(_CONVERSATION.id == of)
        self._mark = delete(schema.preservation).where(_MARK.conversation == of)
        self._read = delete(schema.conversation_read).where(
            schema.conversation_read.c.conversation == of
        )
        self._said = self._some_said(of, most)
        self._events = self._some_events(mine, most)
        self._sends = self._some_sends(_LEDGER.conversation == of, most)
        before = {name: bindparam(name, type_=BigInteger()) for name in ("position", "seq", "turn")}
        self._more_said = self._some_said(of, most, _HISTORY.position < before["position"])
        self._more_events = self._some_events(mine & (_EVENT.seq <= before["seq"]), most)
        self._more_sends = self._some_sends(
            (_LEDGER.conversation == of) & (_LEDGER.turn < before["turn"]), most
        )
        send = bindparam("send", type_=Text())
        self._ended = select(_LEDGER.state, _LEDGER.changed_ms).where(_LEDGER.id == send)
        proofs = union(
            *(
                select(mid).where(_LEDGER.id == send, mid.is_not(None))
                for mid in (_LEDGER.sent_mid, _LEDGER.echo_mid)
            )
        )
        self._farewells_events = delete(schema.inbox_event).where(mine, _EVENT.mid.in_(proofs))
        self._farewells_letter = delete(schema.dead_letter).where(
            _LETTER.id == bindparam("letter", type_=Text())
        )
        self._farewell = delete(schema.ledger).where(_LEDGER.id == send)

    def _some_said(
        self,
        of: ColumnElement[str],
        most: ColumnElement[int],
        before: ColumnElement[bool] | None = None,
    ) -> Any:  # noqa: ANN401 - a deletion
        """Of the newest messages so many: a conversation that begins anew is near those."""
        conditions = [_HISTORY.conversation == of, *([] if before is None else [before])]
        chosen = select(_HISTORY.position).where(*conditions)
        chosen = chosen.order_by(_HISTORY.position.desc()).limit(most)
        return delete(schema.history).where(
            _HISTORY.conversation == of, _HISTORY.position.in_(chosen)
        )

    def _some_events(self, which: ColumnElement[bool], most: ColumnElement[int]) -> Any:  # noqa: ANN401
        chosen = select(_EVENT.seq).where(which).limit(most)
        return delete(schema.inbox_event).where(_EVENT.seq.in_(chosen))

    def _some_sends(self, which: ColumnElement[bool], most: ColumnElement[int]) -> Any:  # noqa: ANN401
        chosen = select(_LEDGER.id).where(which).limit(most)
        return delete(schema.ledger).where(_LEDGER.id.in_(chosen))

    def take_away(self, connection: Connection, whose: Kept, most: int) -> Counter[str]:
        """Takes everything away that somebody could read or would do; of what is over, at most so
        many rows of each table. How many went, by table.
        """
        here = {"of": whose.conversation}
        counts: Counter[str] = Counter()
        # First: it is found by what goes afterwards.
        counts["inbox_event"] += connection.execute(
            self._nameless, here | {"account": whose.account}
        ).rowcount
        # Of the people who read, and not counted among what the user said or got.
        connection.execute(self._read, here)
        for name, statement in (
            ("conversation", self._conversation),
            ("preservation", self._mark),
            ("dead_letter", self._letters),
            ("inbox_event", self._open_events),
            ("ledger", self._open_sends),
        ):
            counts[name] += connection.execute(statement, here).rowcount
        for name, statement in (
            ("history", self._said),
            ("inbox_event", self._events),
            ("ledger", self._sends),
        ):
            counts[name] += connection.execute(statement, here | {"most": most}).rowcount
        counts["dead_letter"] += self._leave_letters(connection, whose)
        return counts

    def _leave_letters(self, connection: Connection, whose: Kept) -> int:
        """Takes the user out of letters of no conversation: what others have in them stays there.
        How many were taken away or made shorter.
        """
        named = self._letters_that_name(connection, whose)
        shorter = [
            {"letter": id_, "others": parts.others}
            for id_, parts in named.items()
            if parts is not None and parts.mine and parts.others
        ]
        for values in shorter:
            connection.execute(self._shortened, values)
        gone = [id_ for id_, parts in named.items() if parts is None or not parts.others]
        if gone:
            connection.execute(self._some_letters, {"ids": self._dialect.value_set(gone)})
        return len(shorter) + len(gone)

    def take_more(
        self,
        connection: Connection,
        conversation: str,
        *,
        position: int,
        seq: int,
        turn: int,
        most: int,
    ) -> Counter[str]:
        """Takes away what is left of a conversation: messages before a position, events up to a
        number, sends of turns before one; at most so many rows of each table.
        """
        values = {"of": conversation, "most": most}
        counts: Counter[str] = Counter()
        for name, statement, before in (
            ("history", self._more_said, {"position": position}),
            ("inbox_event", self._more_events, {"seq": seq}),
            ("ledger", self._more_sends, {"turn": turn}),
        ):
            counts[name] += connection.execute(statement, values | before).rowcount
        return counts

    def ended_ms(self, connection: Connection, send: str) -> int | None:
        """When a send ended, 0 where there is none; ``None`` while it is under way."""
        row = connection.execute(self._ended, {"send": send}).one_or_none() if send else None
        if row is None:
            return 0
        return int(row.changed_ms) if SendState(row.state) in FINISHED else None

    def take_farewell(self, connection: Connection, conversation: str, send: str) -> None:
        """Takes away a last word and its echo, and leaves what the user wrote since."""
        here = {"of": conversation, "send": send}
        connection.execute(self._farewells_events, here)
        connection.execute(self._farewells_letter, {"letter": f"ledger:{send}"})
        connection.execute(self._farewell, {"send": send})

    def take_stragglers(self, connection: Connection, conversation: str) -> None:
        """Takes away whatever there is of a conversation. It is little."""
        for table, is_mine in self._tables.values():
            connection.execute(delete(table).where(is_mine), {"of": conversation})
