"""What is walked through in search of what is old, and what of it may go, in SQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    update,
)

from vestlus.store import schema
from vestlus.store.pruning import (
    AHEAD_MS,
    GOING_EVENTS,
    GOING_LETTERS,
    GOING_OCCURRENCES,
    GOING_POSTS,
    PLAUSIBLE_MS,
    Remains,
)
from vestlus.store.rows import EVENT_LETTER_PREFIX, EventState, LetterState
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import is_in
from vestlus.store.sql_walk import NOW, Walk, is_whose

_CONVERSATION: Final = schema.conversation.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c
_POST: Final = schema.post.c
_CONTAINER: Final = schema.post_container.c
_OCCURRENCE: Final = schema.occurrence.c
_AUDIT: Final = schema.audit.c

_HOLDS: Final = or_(
    _CONVERSATION.waiting_ms > schema.ZERO, _CONVERSATION.preserved_ms > schema.ZERO
)

_BEFORE: Final = bindparam("before", type_=BigInteger())


def walks(dialect: Dialect) -> dict[Remains, tuple[Walk, ...]]:
    """Every walk, by what it takes away."""
    return {
        Remains.EVENTS: (_events(dialect),),
        Remains.MEDIA: (_events(dialect, _HAS_MEDIA),),
        Remains.SENDS: (_sends(dialect),),
        Remains.MESSAGES: tuple(
            walk(dialect, table)
            for table in dialect.weeks().apart()
            for walk in (_messages, _messages_ahead)
        ),
        Remains.SUMMARIES: (_summaries(dialect),),
        Remains.LETTERS: (_letters(dialect),),
        Remains.POSTS: (_posts(dialect),),
        Remains.OCCURRENCES: (_occurrences(dialect),),
        Remains.AUDIT: (_audit(dialect),),
    }


def _audit(dialect: Dialect) -> Walk:
    """What people did is theirs for its time, and nothing holds it longer."""
    old = _AUDIT.at_ms < _BEFORE
    may_go = and_(old, _of_account(dialect, _AUDIT.account))
    order = (_AUDIT.at_ms, _AUDIT.id)
    return Walk(dialect, schema.audit, order, (_AUDIT.id,), may_go, bound=(old,))


#: Written without spaces, and a quotation mark in what a user wrote has a backslash before it.
_HAS_MEDIA: Final = or_(
    _EVENT.payload.contains('"attachments":', autoescape=True),
    _EVENT.payload.contains('"story_url":', autoescape=True),
)


def _is_held(conversation: ColumnElement[str]) -> ColumnElement[bool]:
    """For rows of other tables: of a conversation's own row it would ask about every other one."""
    return exists().where(_CONVERSATION.id == conversation, _HOLDS)


def _of_talk(dialect: Dialect, conversation: ColumnElement[str]) -> ColumnElement[bool]:
    """Whose a row is that has no account of its own."""
    named = dialect.one_of(_CONVERSATION.account, "accounts")
    return is_whose(exists().where(_CONVERSATION.id == conversation, named))


def _of_account(dialect: Dialect, account: ColumnElement[str]) -> ColumnElement[bool]:
    return is_whose(dialect.one_of(account, "accounts"))


def _events(dialect: Dialect, *which: ColumnElement[bool]) -> Walk:
    """Numbers are given in the order of recording: no index by time is needed."""
    has_open_letter = exists().where(
        _LETTER.id == literal(EVENT_LETTER_PREFIX, Text()).concat(_EVENT.key),
        _LETTER.state == str(LetterState.OPEN),
    )
    may_go = and_(
        is_in(_EVENT.state, sorted(GOING_EVENTS)),
        _EVENT.recorded_ms < _BEFORE,
        ~_is_held(_EVENT.conversation),
        or_(_EVENT.state != str(EventState.DEAD), ~has_open_letter),
        _of_account(dialect, _EVENT.account),
        *which,
    )
    key = (_EVENT.seq,)
    return Walk(dialect, schema.inbox_event, key, key, may_go, age=_EVENT.recorded_ms)


def _sends(dialect: Dialect) -> Walk:
    finished = _LEDGER.state.bool_op("IN")(literal_column(schema.FINISHED))
    old = (finished, _LEDGER.changed_ms < _BEFORE)
    may_go = and_(*old, ~_is_held(_LEDGER.conversation), _of_account(dialect, _LEDGER.account))
    order = (_LEDGER.changed_ms, _LEDGER.id)
    return Walk(dialect, schema.ledger, order, (_LEDGER.id,), may_go, bound=old)


def week_walk(dialect: Dialect, table: Table) -> Walk:
    """Through one week's messages, which are all old: see :meth:`Weeks.walked`."""
    mine = table.c
    key = (mine.conversation, mine.position)
    whose = _of_talk(dialect, mine.conversation)
    may_go = and_(mine.at_ms < _BEFORE, ~_is_held(mine.conversation), whose)
    return Walk(dialect, table, key, key, may_go)


def _messages(dialect: Dialect, table: Table) -> Walk:
    """``table`` is one that is pruned row by row: see :meth:`Weeks.apart`."""
    mine = table.c
    old = mine.at_ms < _BEFORE
    silent = _is_silent(mine.conversation)
    plausible = or_(mine.at_ms >= PLAUSIBLE_MS, silent)
    whose = _of_talk(dialect, mine.conversation)
    may_go = and_(old, plausible, ~_is_held(mine.conversation), whose)
    order = (mine.at_ms, mine.conversation, mine.position)
    return Walk(dialect, table, order, (mine.conversation, mine.position), may_go, bound=(old,))


def _messages_ahead(dialect: Dialect, table: Table) -> Walk:
    """Of a time that has not come."""
    mine = table.c
    ahead = mine.at_ms > NOW + AHEAD_MS
    whose = _of_talk(dialect, mine.conversation)
    may_go = and_(ahead, _is_silent(mine.conversation), ~_is_held(mine.conversation), whose)
    order = (mine.at_ms, mine.conversation, mine.position)
    return Walk(dialect, table, order, (mine.conversation, mine.position), may_go, bound=(ahead,))


def _is_silent(conversation: ColumnElement[str]) -> ColumnElement[bool]:
    """The user wrote nothing since."""
    return ~exists().where(_CONVERSATION.id == conversation, _CONVERSATION.user_ms >= _BEFORE)


def _summaries(dialect: Dialect) -> Walk:
    """What summaries and notes say of messages that are gone. Who was told what is kept."""
    # Of no type: SQLite's truth would be compared with 1, and the index not be known by that.
    said: ColumnElement[bool] = literal_column(schema.SAID)
    may_go = and_(
        _CONVERSATION.user_ms < _BEFORE,
        _CONVERSATION.answered_ms < _BEFORE,
        said,
        ~_HOLDS,
        _of_account(dialect, _CONVERSATION.account),
    )
    emptied = update(schema.conversation).values(
        summary="", note="", trail="", summarised=_CONVERSATION.messages
    )
    order, key = (_CONVERSATION.account, _CONVERSATION.id), (_CONVERSATION.id,)
    return Walk(dialect, schema.conversation, order, key, may_go, bound=(said,), instead=emptied)


def _letters(dialect: Dialect) -> Walk:
    old = _LETTER.at_ms < _BEFORE
    seen_to = is_in(_LETTER.state, sorted(GOING_LETTERS))
    free = ~_is_held(func.coalesce(_LETTER.conversation, ""))
    may_go = and_(old, seen_to, free, _of_account(dialect, _LETTER.account))
    order = (_LETTER.at_ms, _LETTER.id)
    return Walk(dialect, schema.dead_letter, order, (_LETTER.id,), may_go, bound=(old,))


def _posts(dialect: Dialect) -> Walk:
    old = _POST.planned_ms < _BEFORE
    ended = is_in(_POST.state, sorted(GOING_POSTS))
    may_go = and_(old, _POST.changed_ms < _BEFORE, ended, _of_account(dialect, _POST.account))
    also = [(schema.post_container, _CONTAINER.post)]
    order = (_POST.planned_ms, _POST.id)
    return Walk(dialect, schema.post, order, (_POST.id,), may_go, bound=(old,), also=also)


def _occurrences(dialect: Dialect) -> Walk:
    old = _OCCURRENCE.due_ms < _BEFORE
    ended = is_in(_OCCURRENCE.state, sorted(GOING_OCCURRENCES))
    whose = _of_account(dialect, _OCCURRENCE.account)
    may_go = and_(old, _OCCURRENCE.changed_ms < _BEFORE, ended, whose)
    order = (_OCCURRENCE.due_ms, _OCCURRENCE.id)
    return Walk(dialect, schema.occurrence, order, (_OCCURRENCE.id,), may_go, bound=(old,))
