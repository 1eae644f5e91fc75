"""Lists of conversations, in SQL.

No index orders conversations by their last message: it would cost every message more than people
who look save. What is newest is found by going back through recorded events, which have their
order anyway, a stretch of numbers at a time; what waits, is silent, has failed or has drafts, by
indexes of just those.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)

from vestlus.conversation.window import WINDOW_MS
from vestlus.store import schema
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_talk_rows import TalkRows, Walk, stretch
from vestlus.store.talk_rows import Place, Talk, TalkPage, Wanted

_CONVERSATION: Final = schema.conversation.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c
_READ: Final = schema.conversation_read.c

#: Numbers of events that are looked at together, and how often for one page. Reading 20,000 short
#: rows in their order takes some ten milliseconds.
_STRETCH: Final = 2_000
_STRETCHES: Final = 10
_NUMBER: Final = BigInteger()


class SqlTalks(SqlPart):
    """See :class:`~vestlus.store.talk_port.Talks`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._talk_rows = TalkRows(dialect)
        self._talks_stretch = (
            select(_EVENT.seq, _EVENT.conversation)
            .where(*stretch(), _EVENT.conversation.is_not(None))
            .order_by(_EVENT.seq.desc())
        )
        #: Of some conversations, in which something was recorded since.
        self._talks_later = (
            select(_EVENT.conversation)
            .where(
                dialect.one_of(_EVENT.conversation, "ids"),
                _EVENT.seq >= bindparam("before", type_=_NUMBER),
            )
            .distinct()
        )
        until, at = bindparam("until", type_=_NUMBER), bindparam("at", type_=_NUMBER)
        # Of a conversation that is there: one that was erased meanwhile leaves no mark.
        mark = dialect.insert(schema.conversation_read).from_select(
            ["conversation", "user_ms", "read_ms"],
            select(_CONVERSATION.id, until, at).where(
                _CONVERSATION.id == bindparam("of", type_=Text())
            ),
        )
        self._talks_mark_read = mark.on_conflict_do_update(
            index_elements=["conversation"],
            set_={"user_ms": mark.excluded.user_ms, "read_ms": mark.excluded.read_ms},
            where=_READ.user_ms < mark.excluded.user_ms,
        )

    async def talks(
        self,
        wanted: Wanted,
        *,
        now_ms: int,
        limit: int,
        account: str | None = None,
        behind: Place | None = None,
        closing_ms: int = 0,
    ) -> TalkPage:
        """See :meth:`vestlus.store.talk_port.Talks.talks`."""
        if wanted in (Wanted.NEWEST, Wanted.UNREAD):
            unread = wanted is Wanted.UNREAD
            return await self._database.read(
                lambda connection: self._talks_newest(
                    connection, limit, account, behind, unread=unread
                )
            )
        listing = _listing(wanted, now_ms, closing_ms)
        statement = _page(listing, limit, account, behind)

        def work(connection: Connection) -> TalkPage:
            rows = connection.execute(statement).all()
            page = rows[:limit]
            talks = self._talk_rows.talks(connection, [row.id for row in page])
            more = len(rows) > limit
            return TalkPage(talks=talks, behind=Place(page[-1].n, page[-1].id) if more else None)

        return await self._database.read(work)

    async def talk(self, conversation: str) -> Talk | None:
        """See :meth:`vestlus.store.talk_port.Talks.talk`."""
        found = await self._database.read(
            lambda connection: self._talk_rows.talks(connection, [conversation])
        )
        return found[0] if found else None

    async def mark_read(self, conversation: str, user_ms: int, now_ms: int) -> None:
        """See :meth:`vestlus.store.talk_port.Talks.mark_read`."""
        values = {"of": cleaned(conversation), "until": user_ms, "at": now_ms}
        await self._database.write(
            lambda connection: connection.execute(self._talks_mark_read, values)
        )

    def _talks_newest(
        self,
        connection: Connection,
        limit: int,
        account: str | None,
        behind: Place | None,
        *,
        unread: bool,
    ) -> TalkPage:
        walk = self._talk_rows.begin(connection, behind)
        statement = self._talks_stretch
        if account is not None:
            statement = statement.where(_EVENT.account == cleaned(account))
        top = behind.number if behind else None
        for _ in range(_STRETCHES):
            if walk.over or len(walk.found) >= limit:
                break
            self._talks_step(connection, walk, statement, top, limit, unread=unread)
        talks = self._talk_rows.talks(connection, walk.found)
        return TalkPage(
            talks=talks, behind=walk.behind, looked_ms=self._talk_rows.looked(connection, walk)
        )

    def _talks_step(
        self,
        connection: Connection,
        walk: Walk,
        statement: Select[Any],
        top: int | None,
        limit: int,
        *,
        unread: bool,
    ) -> None:
        """Looks at one stretch."""
        start = max(walk.first, walk.before - _STRETCH)
        rows = connection.execute(statement, {"before": walk.before, "from": start})
        newest: dict[str, int] = {}
        for seq, id_ in rows:
            if id_ not in walk.seen:
                newest.setdefault(id_, seq)
        walk.before = start
        if not newest:
            return
        walk.seen.update(newest)
        ids = self._dialect.value_set(newest)
        shown: set[str] = set()
        if top is not None:
            later = connection.execute(self._talks_later, {"ids": ids, "before": top})
            shown = set(later.scalars())
        wanted = [id_ for id_ in newest if id_ not in shown]
        if unread and wanted:
            kept = self._talk_rows.unread(connection, wanted)
            wanted = [id_ for id_ in wanted if id_ in kept]
        for id_ in wanted:
            walk.found.append(id_)
            if len(walk.found) == limit:
                walk.before = newest[id_]
                return


def _listing(wanted: Wanted, now_ms: int, closing_ms: int) -> FromClause:
    """Conversations by the number ``n``, least first, with their ``id`` and ``account``."""
    talk = (_CONVERSATION.id.label("id"), _CONVERSATION.account.label("account"))
    match wanted:
        case Wanted.WAITING:
            made = select(_CONVERSATION.waiting_ms.label("n"), *talk).where(text("waiting_ms > 0"))
        case Wanted.PAUSED:
            made = select(_CONVERSATION.silent_until_ms.label("n"), *talk).where(
                text(schema.SILENT), _CONVERSATION.silent_until_ms > now_ms
            )
        case Wanted.FAILED:
            made = (
                select(
                    (-func.max(_LETTER.at_ms)).label("n"),
                    _LETTER.conversation.label("id"),
                    func.max(_LETTER.account).label("account"),
                )
                .where(text(schema.OPEN_LETTERS))
                .group_by(_LETTER.conversation)
            )
        case Wanted.DRAFTS:
            made = (
                select(
                    func.min(_LEDGER.deadline_ms).label("n"),
                    func.max(_LEDGER.conversation).label("id"),
                    func.max(_LEDGER.account).label("account"),
                )
                .where(_LEDGER.state == literal_column(schema.DRAFT, Text))
                # Not the bare column: SQLite would read the whole ledger in its order.
                .group_by(_LEDGER.conversation.concat(""))
            )
        case _:
            made = select(_CONVERSATION.user_ms.label("n"), *talk).where(
                _CONVERSATION.id.in_(_open_ones()),
                _CONVERSATION.user_ms > now_ms - WINDOW_MS,
                _CONVERSATION.user_ms <= now_ms - WINDOW_MS + closing_ms,
            )
    return made.subquery("listed")


def _open_ones() -> Any:  # noqa: ANN401 - a compound select of one column
    """Ids of conversations with something unanswered or unsent, or that wait for a person: each
    by the index of just those, which are few.
    """
    pending = _EVENT.state == literal_column(schema.PENDING, Text)
    return union_all(
        select(_CONVERSATION.id).where(text("waiting_ms > 0")),
        select(_EVENT.conversation).where(pending, _EVENT.conversation.is_not(None)),
        select(_LEDGER.conversation).where(text(f"ledger.state IN {schema.UNFINISHED}")),
        select(_LEDGER.conversation).where(_LEDGER.state == literal_column(schema.DRAFT, Text)),
    )


def _page(
    listing: FromClause, limit: int, account: str | None, behind: Place | None
) -> Select[Any]:
    """One row more than a page has."""
    one = listing.c
    page = select(one.n, one.id).order_by(one.n, one.id).limit(limit + 1)
    if account is not None:
        page = page.where(one.account == cleaned(account))
    if behind is not None:
        page = page.where(
            or_(one.n > behind.number, and_(one.n == behind.number, one.id > behind.id))
        )
    return page
