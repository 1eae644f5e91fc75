"""What the bot decided and did not send, cancelled."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Text,
    bindparam,
    case,
    func,
    select,
    union,
    update,
)

from vestlus.store import schema
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.rows import EMERGENCY_FROM, MOST_SENDS, Origin
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import is_in

_CONVERSATION: Final = schema.conversation.c
_LEDGER: Final = schema.ledger.c

#: Why rows are cancelled, in the column ``reason``: a person has the conversation, or the user
#: wants no more answers.
SILENCED: Final = "silenced"
STOPPED: Final = "stopped"

_OPEN: Final = (SendState.PENDING, SendState.DRAFT)


class Cancelling:
    """Statements on ledger rows. Whoever uses them holds the conversations' rows."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        of = bindparam("of", type_=Text())
        one, other = schema.ledger.alias("named").c, schema.ledger.alias("unsent").c
        # A union, because neither database finds both sides of an OR by indexes.
        wanted = union(
            select(one.id).where(dialect.one_of(one.id, "ids")),
            select(other.id).where(
                dialect.one_of(other.conversation, "conversations"), is_in(other.state, _OPEN)
            ),
        )
        self._lock = (
            select(_LEDGER.id)
            .where(_LEDGER.id.in_(wanted))
            .order_by(_LEDGER.id)
            .with_for_update(of=schema.ledger)
        )
        bots = (_LEDGER.conversation == of, _LEDGER.origin == str(Origin.BOT))
        in_danger = _LEDGER.position % MOST_SENDS >= EMERGENCY_FROM
        self._cancel_bots = (
            update(schema.ledger)
            .where(*bots, is_in(_LEDGER.state, _OPEN))
            .values(
                state=str(SendState.CANCELLED),
                reason=bindparam("why", type_=Text()),
                changed_ms=bindparam("at", type_=BigInteger()),
                text=case((_LEDGER.erased == 1, ""), else_=_LEDGER.text),
            )
            .returning(_LEDGER.turn, _LEDGER.answers)
        )
        self._stop_bots = self._cancel_bots.where(~in_danger)
        # No send of a later turn has begun before the text for an emergency is sent.
        spared = (
            select(func.min(_LEDGER.turn))
            .where(
                *bots,
                in_danger,
                ~is_in(_LEDGER.state, sorted(FINISHED)),
                _LEDGER.turn >= _CONVERSATION.silenced_turn,
            )
            .correlate(schema.conversation)
            .scalar_subquery()
        )
        by = bindparam("by", type_=BigInteger())
        self._silence = (
            update(schema.conversation)
            .where(_CONVERSATION.id == of)
            .values(silenced_turn=func.coalesce(spared, by))
        )

    def lock(
        self, connection: Connection, conversations: Collection[str], ids: Collection[str]
    ) -> None:
        """Locks what is not sent yet in the conversations, and the rows ``ids``, in one order."""
        sets = {
            "conversations": self._dialect.value_set(conversations),
            "ids": self._dialect.value_set(ids),
        }
        connection.execute(self._lock, sets)

    def cancel_bots(
        self, connection: Connection, conversation: str, reason: str, now_ms: int
    ) -> dict[int, set[str]]:
        """Cancels what the bot decided and did not send; the mids that it answered, by turn."""
        values = {"of": conversation, "why": reason, "at": now_ms}
        return _by_turn(connection.execute(self._cancel_bots, values))

    def stop_bots(
        self, connection: Connection, conversation: str, turn: int, now_ms: int
    ) -> dict[int, set[str]]:
        """As :meth:`cancel_bots`, because the user said stop in ``turn``, but for the text for an
        emergency; and lets nothing of before begin again.
        """
        connection.execute(self._silence, {"of": conversation, "by": turn})
        values = {"of": conversation, "why": STOPPED, "at": now_ms}
        return _by_turn(connection.execute(self._stop_bots, values))


def _by_turn(cancelled: Iterable[Row[*tuple[Any, ...]]]) -> dict[int, set[str]]:
    by_turn: defaultdict[int, set[str]] = defaultdict(set)
    for turn, answers in cancelled:
        by_turn[turn].update(json.loads(answers))
    return dict(by_turn)
