"""Posts, pictures and events as people who look after them ask for them, in SQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from vestlus.store import schema
from vestlus.store.content_rows import PictureUse, PictureUses
from vestlus.store.ledger import UNSEEN
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, TriggerRow
from vestlus.store.post_rows import PostRow
from vestlus.store.posts import PostState
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_occurrence_lists import is_held
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_plan_rows import occurrence_row, trigger_row
from vestlus.store.sql_post_rows import POST_COLUMNS, post_rows
from vestlus.store.sql_rows import is_in

_POST: Final = schema.post.c
_OCCURRENCE: Final = schema.occurrence.c
_EVENT: Final = schema.trigger_event.c
_SEND: Final = schema.ledger.c


def _text(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=Text())


def _number(name: str) -> Any:  # noqa: ANN401 - as above
    return bindparam(name, type_=BigInteger())


class SqlContent(SqlPart):
    """See :class:`~vestlus.store.content_port.Content`. Statements are made when they are first
    used: most processes never do.
    """

    async def posts_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[PostRow, ...]:
        """See :meth:`vestlus.store.content_port.Content.posts_between`."""
        listed = (
            select(*POST_COLUMNS)
            .where(_POST.planned_ms >= since_ms, _POST.planned_ms < until_ms)
            .order_by(_POST.planned_ms.desc(), _POST.id.desc())
            .limit(limit)
        )
        if account is not None:
            listed = listed.where(_POST.account == cleaned(account))
        return post_rows(await self._database.fetch(listed))

    async def occurrences_between(
        self, since_ms: int, until_ms: int, *, limit: int, account: str | None = None
    ) -> tuple[OccurrenceRow, ...]:
        """See :meth:`vestlus.store.content_port.Content.occurrences_between`."""
        listed = (
            select(schema.occurrence)
            .where(_OCCURRENCE.due_ms >= since_ms, _OCCURRENCE.due_ms < until_ms)
            .order_by(_OCCURRENCE.due_ms.desc(), _OCCURRENCE.id.desc())
            .limit(limit)
        )
        if account is not None:
            listed = listed.where(_OCCURRENCE.account == cleaned(account))
        return tuple(occurrence_row(row) for row in await self._database.fetch(listed))

    async def occurrences_of(self, ids: Collection[str]) -> Mapping[str, OccurrenceRow]:
        """See :meth:`vestlus.store.content_port.Content.occurrences_of`."""
        if not ids:
            return {}
        values = {"ids": self._dialect.value_set([cleaned(one) for one in ids])}
        rows = await self._database.fetch(self._occurrences_by_id, values)
        return {row.id: occurrence_row(row) for row in rows}

    async def posts_of(self, ids: Collection[str]) -> Mapping[str, PostRow]:
        """See :meth:`vestlus.store.content_port.Content.posts_of`."""
        if not ids:
            return {}
        values = {"ids": self._dialect.value_set([cleaned(one) for one in ids])}
        rows = await self._database.fetch(self._posts_by_id, values)
        return {row.id: row for row in post_rows(rows)}

    async def hasten_post(self, id_: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.content_port.Content.hasten_post`."""
        return await self._changed(self._hasten_post, id_, now_ms)

    async def hasten_occurrence(self, id_: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.content_port.Content.hasten_occurrence`."""
        return await self._changed(self._hasten_occurrence, id_, now_ms)

    async def events_before(
        self, *, limit: int, before: tuple[int, str] | None = None, name: str | None = None
    ) -> tuple[TriggerRow, ...]:
        """See :meth:`vestlus.store.content_port.Content.events_before`."""
        listed = (
            select(schema.trigger_event)
            .order_by(_EVENT.received_ms.desc(), _EVENT.id.desc())
            .limit(limit)
        )
        if before is not None:
            at_ms, id_ = before
            place = tuple_(_EVENT.received_ms, _EVENT.id)
            listed = listed.where(
                place < tuple_(literal(at_ms, BigInteger()), literal(cleaned(id_), Text()))
            )
        if name is not None:
            listed = listed.where(_EVENT.name == cleaned(name))
        return tuple(trigger_row(row) for row in await self._database.fetch(listed))

    async def picture_uses(self, *, limit: int) -> PictureUses:
        """See :meth:`vestlus.store.content_port.Content.picture_uses`."""
        rows = await self._database.fetch(self._pictures_sent, {"most": limit})
        answers: dict[str, int] = {}
        last: dict[str, int] = {}
        for row in rows:
            for picture in frozenset(json.loads(row.pictures)):
                answers[picture] = answers.get(picture, 0) + row.seen
                last[picture] = max(last.get(picture, 0), row.last_ms if row.seen else 0)
        return PictureUses(
            uses={one: PictureUse(number, last[one]) for one, number in answers.items() if number},
            looked=sum(row.looked for row in rows),
            since_ms=min((row.first_ms for row in rows), default=0),
        )

    async def posts_showing(self, picture: str, *, limit: int, among: int) -> tuple[PostRow, ...]:
        """See :meth:`vestlus.store.content_port.Content.posts_showing`."""
        # As the column has it: the picture's id is the first of a pair.
        start = f"[{json.dumps(cleaned(picture), ensure_ascii=False)}, "
        latest = (
            select(*POST_COLUMNS)
            .order_by(_POST.planned_ms.desc(), _POST.id.desc())
            .limit(among)
            .subquery()
        )
        listed = (
            select(latest)
            .where(latest.c.pictures.contains(start, autoescape=True))
            .order_by(latest.c.planned_ms.desc(), latest.c.id.desc())
            .limit(limit)
        )
        return post_rows(await self._database.fetch(listed))

    async def _changed(self, statement: Any, id_: str, now_ms: int) -> bool:  # noqa: ANN401 - RETURNING has a type of its own
        values = {"of": cleaned(id_), "at": now_ms}
        return await self._database.write(
            lambda connection: bool(connection.execute(statement, values).all())
        )

    @cached_property
    def _occurrences_by_id(self) -> Select[Any]:
        return select(schema.occurrence).where(self._dialect.one_of(_OCCURRENCE.id, "ids"))

    @cached_property
    def _posts_by_id(self) -> Select[Any]:
        return select(*POST_COLUMNS).where(self._dialect.one_of(_POST.id, "ids"))

    @cached_property
    def _hasten_post(self) -> Any:  # noqa: ANN401 - RETURNING has a type of its own
        return (
            update(schema.post)
            .where(
                _POST.id == _text("of"),
                _POST.state == str(PostState.PLANNED),
                _POST.round == 1,
                _POST.failures == schema.ZERO,
                _POST.planned_ms > _number("at"),
            )
            .values(
                planned_ms=_number("at"),
                due_ms=_number("at"),
                deadline_ms=_number("at") + _POST.deadline_ms - _POST.planned_ms,
                version=_POST.version + 1,
                changed_ms=_number("at"),
            )
            .returning(_POST.id)
        )

    @cached_property
    def _hasten_occurrence(self) -> Any:  # noqa: ANN401 - as above
        return (
            update(schema.occurrence)
            .where(
                _OCCURRENCE.id == _text("of"),
                _OCCURRENCE.state == str(OccurrenceState.READY),
                or_(_OCCURRENCE.due_ms > _number("at"), is_held()),
            )
            .values(
                due_ms=_number("at"),
                wake_ms=_number("at"),
                version=_OCCURRENCE.version + 1,
                changed_ms=_number("at"),
            )
            .returning(_OCCURRENCE.id)
        )

    @cached_property
    def _pictures_sent(self) -> Select[Any]:
        newest = (
            select(_SEND.pictures, _SEND.state, _SEND.created_ms)
            .where(_has_pictures())
            .order_by(_SEND.created_ms.desc(), _SEND.id.desc())
            .limit(_number("most"))
            .subquery()
        )
        column = newest.c
        counts = ~is_in(column.state, sorted(UNSEEN))
        return select(
            column.pictures,
            func.count().label("looked"),
            func.count().filter(counts).label("seen"),
            func.max(column.created_ms).label("last_ms"),
            func.min(column.created_ms).label("first_ms"),
        ).group_by(column.pictures)


def _has_pictures() -> ColumnElement[bool]:
    """Whether a send has pictures, in the words by which the index of those is found."""
    pictures: ColumnElement[str] = _SEND.pictures
    return pictures.bool_op("<>")(literal_column("'[]'"))
