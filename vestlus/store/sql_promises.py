"""Ledger rows written: what is to be sent from now on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, Text, select

from vestlus.conversation.identity import outbox_partition_of
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.rows import NewSend
from vestlus.store.sql_codec import rows_parameter
from vestlus.store.sql_dialect import Dialect

_COLUMNS: Final[dict[str, Any]] = {
    "id": Text(),
    "outbox": Integer(),
    "account": Text(),
    "user_id": Text(),
    "conversation": Text(),
    "position": BigInteger(),
    "text": Text(),
    "answers": Text(),
    "state": Text(),
    "due_ms": BigInteger(),
    "deadline_ms": BigInteger(),
    "traceparent": Text(),
    "created_ms": BigInteger(),
    "kind": Text(),
    "pictures": Text(),
    "origin": Text(),
    "turn": BigInteger(),
    "asked_ms": BigInteger(),
}


class Promises:
    """Writes ledger rows. Callers hold the conversations' rows."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        self._outbox_partitions = outbox_partitions
        rows = dialect.rows(_COLUMNS)
        self._insert = (
            dialect.insert(schema.ledger)
            .from_select(
                list(_COLUMNS), select(*(rows.c[name] for name in _COLUMNS)).order_by(rows.c.id)
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )

    def add(self, connection: Connection, sends: Sequence[NewSend], now_ms: int) -> None:
        """Writes new rows; those whose id is there already are left alone."""
        if sends:
            rows = [self._row(send, now_ms) for send in sends]
            connection.execute(self._insert, {"rows": rows_parameter(rows)})

    def _row(self, send: NewSend, now_ms: int) -> dict[str, str | int | None]:
        return {
            "id": send.id,
            "outbox": outbox_partition_of(send.account, self._outbox_partitions),
            "account": send.account,
            "user_id": send.user,
            "conversation": send.conversation,
            "position": send.position,
            "text": send.text,
            "answers": json.dumps(send.answers),
            "state": str(SendState.DRAFT if send.draft else SendState.PENDING),
            "due_ms": send.due_ms,
            "deadline_ms": send.deadline_ms,
            "traceparent": send.traceparent,
            "created_ms": now_ms,
            "kind": str(send.kind),
            "pictures": json.dumps(send.pictures),
            "origin": str(send.origin),
            "turn": send.turn,
            "asked_ms": send.asked_ms,
        }
