"""Conversations by words that were said in them, in SQL.

There is no index of words. It would be a second copy of what everybody said, to be kept in step
with each edit, unsend and erasure, and paid for by every message. What is searched instead are the
recorded events, the newest first, so many at a time; whoever searches is told how far back that is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, bindparam, or_, select

from vestlus.store import schema
from vestlus.store.rows import RecordedEvent
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_rows import is_in
from vestlus.store.sql_talk_rows import EVENT_COLUMNS, SAID_KINDS, TalkRows, Walk, recorded, stretch
from vestlus.store.talk_rows import Place, TalkPage

_EVENT: Final = schema.inbox_event.c

_ASCII_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)

#: Numbers of events that are searched together, and how often for one page.
_TOGETHER: Final = 10_000
_TIMES: Final = 10


class SqlTalkSearch(SqlPart):
    """See :class:`~vestlus.store.talk_port.Talks`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._found_rows = TalkRows(dialect)
        said = select(*EVENT_COLUMNS).where(is_in(_EVENT.kind, SAID_KINDS))
        self._said_then = said.where(*stretch()).order_by(_EVENT.seq.desc())
        self._said_since = said.where(
            dialect.one_of(_EVENT.conversation, "ids"),
            _EVENT.seq >= bindparam("top", type_=BigInteger()),
        )

    async def talks_saying(
        self,
        words: Sequence[str],
        *,
        limit: int,
        account: str | None = None,
        behind: Place | None = None,
    ) -> TalkPage:
        """See :meth:`vestlus.store.talk_port.Talks.talks_saying`."""
        typed = [cleaned(word) for word in words if word]
        if not typed:
            return TalkPage(talks=())
        may_say = [_may_say(word) for word in typed]
        sought = [word.casefold() for word in typed]
        if account is not None:
            may_say.append(_EVENT.account == cleaned(account))
        then, since = self._said_then.where(*may_say), self._said_since.where(*may_say)

        def work(connection: Connection) -> TalkPage:
            walk = self._found_rows.begin(connection, behind)
            hits: dict[str, RecordedEvent] = {}
            for _ in range(_TIMES):
                if walk.over or len(hits) >= limit:
                    break
                found = _stretch(connection, walk, then, sought, hits=hits, limit=limit)
                shown = set[str]()
                if behind is not None and found:
                    shown = self._search_shown(connection, since, sought, found, behind)
                hits |= {id_: one for id_, one in found.items() if id_ not in shown}
            talks = self._found_rows.talks(connection, list(hits))
            return TalkPage(
                talks=tuple(replace(one, last=hits[one.row.id]) for one in talks),
                behind=walk.behind,
                looked_ms=self._found_rows.looked(connection, walk),
            )

        return await self._database.read(work)

    def _search_shown(
        self,
        connection: Connection,
        since: Select[Any],
        sought: Sequence[str],
        found: Collection[str],
        behind: Place,
    ) -> set[str]:
        """Those of the conversations that an earlier page has shown."""
        later = {"ids": self._dialect.value_set(found), "top": behind.number}
        rows = (recorded(row) for row in connection.execute(since, later))
        return {str(one.event.conversation) for one in rows if _says(one, sought)}


def _stretch(
    connection: Connection,
    walk: Walk,
    then: Select[Any],
    sought: Sequence[str],
    *,
    hits: Collection[str],
    limit: int,
) -> dict[str, RecordedEvent]:
    """The newest hits of a stretch, by conversation, without those there are; no more of them
    than fill the page.
    """
    start = max(walk.first, walk.before - _TOGETHER)
    rows = connection.execute(then, {"before": walk.before, "from": start})
    walk.before = start
    found: dict[str, RecordedEvent] = {}
    for row in rows:
        one = recorded(row)
        id_ = one.event.conversation
        if id_ is None or id_ in hits or id_ in found or not _says(one, sought):
            continue
        found[id_] = one
        if len(hits) + len(found) == limit:
            walk.before = one.seq
            break
    return found


def _may_say(word: str) -> ColumnElement[bool]:
    """Whether the payload has the word as it was typed or in one of the usual ways to write it.
    Both databases pass over the case of ASCII letters, and do not agree on that of others.
    """
    usual = (word, word.lower(), word.upper(), word.capitalize(), word.title())
    ways = {way.translate(_ASCII_SMALL): way for way in usual}
    written = (way.replace("\\", "\\\\").replace('"', '\\"') for way in ways)
    return or_(*(_EVENT.payload.icontains(way, autoescape=True) for way in written))


def _says(one: RecordedEvent, words: Sequence[str]) -> bool:
    said = (one.event.text or "").casefold()
    return all(word in said for word in words)
