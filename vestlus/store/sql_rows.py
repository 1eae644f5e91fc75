"""What the rows of conversations, histories and the ledger are as values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column

from vestlus.conversation import allowance
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.rows import ConversationRow, Kind, Origin, RecordedEvent, SendRow, Silence

_CONVERSATION: Final = schema.conversation.c
_HISTORY: Final = schema.history.c
_LEDGER: Final = schema.ledger.c

CONVERSATION_COLUMNS: Final = (
    _CONVERSATION.id,
    _CONVERSATION.account,
    _CONVERSATION.user_id,
    _CONVERSATION.partition,
    _CONVERSATION.version,
    _CONVERSATION.failures,
    _CONVERSATION.wake_ms,
    _CONVERSATION.takeovers,
    _CONVERSATION.probes,
    _CONVERSATION.language,
    _CONVERSATION.silence,
    _CONVERSATION.silent_until_ms,
    _CONVERSATION.waiting_ms,
    _CONVERSATION.note,
    _CONVERSATION.user_ms,
    _CONVERSATION.answered_ms,
    _CONVERSATION.disclosed_ms,
    _CONVERSATION.apology_ms,
    _CONVERSATION.pictures,
    _CONVERSATION.summary,
    _CONVERSATION.summarised,
    _CONVERSATION.messages,
    _CONVERSATION.usage,
    _CONVERSATION.erase_asked_ms,
)

HISTORY_COLUMNS: Final = (_HISTORY.role, _HISTORY.text, _HISTORY.at_ms, _HISTORY.mid)

SEND_COLUMNS: Final = (
    _LEDGER.id,
    _LEDGER.account,
    _LEDGER.user_id,
    _LEDGER.conversation,
    _LEDGER.position,
    _LEDGER.text,
    _LEDGER.answers,
    _LEDGER.state,
    _LEDGER.due_ms,
    _LEDGER.deadline_ms,
    _LEDGER.attempts,
    _LEDGER.resends,
    _LEDGER.attempted_ms,
    _LEDGER.traceparent,
    _LEDGER.kind,
    _LEDGER.pictures,
    _LEDGER.origin,
    _LEDGER.turn,
    _LEDGER.created_ms,
    _LEDGER.asked_ms,
)

#: In place of a role: the message was taken back, or never sent. Its row keeps the place, so that
#: positions have no gaps, and has no text any more.
REMOVED: Final = "removed"

#: Most conversations were sent none.
_NO_PICTURES: Final = "[]"


def is_in(column: ColumnElement[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column is one of our own words, which are written out in the statement."""
    listed = ", ".join(f"'{word}'" for word in words)
    return column.bool_op("IN")(literal_column(f"({listed})"))


# Rows are unpacked: naming their columns one by one takes twenty times as long.


def conversation_row(
    row: Iterable[Any],
    history: tuple[HistoryMessage, ...] = (),
    pending: tuple[RecordedEvent, ...] = (),
) -> ConversationRow:
    """A row of :data:`CONVERSATION_COLUMNS` as a value."""
    id_, account, user, partition, version, failures, wake_ms, takeovers, probes, *rest = row
    language, silence, silent_until_ms, waiting_ms, note, user_ms, *rest = rest
    answered_ms, disclosed_ms, apology_ms, pictures, summary, summarised, messages, *rest = rest
    usage, erase_asked_ms = rest
    return ConversationRow(
        id=id_,
        account=account,
        user=user,
        partition=partition,
        version=version,
        failures=failures,
        wake_ms=wake_ms,
        takeovers=takeovers,
        probes=probes,
        history=history,
        pending=pending,
        language=language,
        silence=Silence(silence),
        silent_until_ms=silent_until_ms,
        waiting_ms=waiting_ms,
        note=note,
        user_ms=user_ms,
        answered_ms=answered_ms,
        disclosed_ms=disclosed_ms,
        apology_ms=apology_ms,
        pictures=picture_ids(pictures),
        summary=summary,
        summarised=summarised,
        messages=messages,
        usage=allowance.read(usage),
        erase_asked_ms=erase_asked_ms,
    )


def history_message(role: str, text: str, at_ms: int, mid: str | None) -> HistoryMessage:
    """The values of :data:`HISTORY_COLUMNS` as one."""
    return HistoryMessage(Role(role), text, at_ms, mid)


def send_row(row: Iterable[Any]) -> SendRow:
    """A row of :data:`SEND_COLUMNS` as a value."""
    id_, account, user, conversation, position, text, answers, state, due_ms, *rest = row
    deadline_ms, attempts, resends, attempted_ms, traceparent, *rest = rest
    kind, pictures, origin, turn, created_ms, asked_ms = rest
    return SendRow(
        id=id_,
        account=account,
        user=user,
        conversation=conversation,
        position=position,
        text=text,
        answers=tuple(json.loads(answers)),
        state=SendState(state),
        due_ms=due_ms,
        deadline_ms=deadline_ms,
        attempts=attempts,
        resends=resends,
        attempted_ms=attempted_ms,
        traceparent=traceparent,
        kind=Kind(kind),
        pictures=picture_ids(pictures),
        origin=Origin(origin),
        turn=turn,
        created_ms=created_ms,
        asked_ms=asked_ms,
    )


def picture_ids(column: str) -> tuple[str, ...]:
    """The ids in a column of pictures."""
    return () if column == _NO_PICTURES else tuple(json.loads(column))
