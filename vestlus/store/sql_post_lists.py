"""Posts read, in SQL. Their steps are in ``sql_posts``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from vestlus.store import schema
from vestlus.store.post_rows import PostRow, PostTimes
from vestlus.store.posts import PostState
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_post_rows import CONTAINER_COLUMNS, POST_COLUMNS, post_rows
from vestlus.store.sql_rows import is_in

_POST: Final = schema.post.c
_CONTAINER: Final = schema.post_container.c

#: Of a post that is in one of these states after an attempt, it is certain that it is not out.
_NOT_OUT: Final = (
    PostState.PLANNED,
    PostState.WAITING,
    PostState.READY,
    PostState.DEAD,
    PostState.CANCELLED,
)


def _number(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=BigInteger())


class SqlPostLists(SqlPart):
    """What is to be published, and was. See :class:`~vestlus.store.port.Posts`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        named = _POST.id == bindparam("of", type_=Text())
        of_outbox = _POST.outbox == bindparam("of", type_=Integer())
        self._one = select(*POST_COLUMNS).where(named)
        self._keyed = select(*POST_COLUMNS).where(_POST.key == bindparam("of", type_=Text()))
        self._containers = (
            select(*CONTAINER_COLUMNS)
            .where(dialect.one_of(_CONTAINER.post, "posts"))
            .order_by(_CONTAINER.post, _CONTAINER.number)
        )
        listed = (
            select(*POST_COLUMNS)
            .order_by(_POST.planned_ms.desc(), _POST.id.desc())
            .limit(_number("most"))
        )
        self._all_posts = listed
        self._accounts_posts = listed.where(_POST.account == bindparam("account", type_=Text()))
        self._due_posts = (
            select(*POST_COLUMNS)
            .where(of_outbox, is_unended(), _POST.due_ms <= _number("now"))
            .order_by(_POST.due_ms, _POST.id)
            .limit(_number("most"))
        )
        self._due_without = self._due_posts.where(~dialect.one_of(_POST.account, "without"))
        self._media_of = select(_POST.media_id, _POST.id).where(
            _POST.account == bindparam("account", type_=Text()),
            dialect.one_of(_POST.media_id, "media"),
        )
        account, since = bindparam("account", type_=Text()), _number("since")
        self._begun = (
            select(_CONTAINER.begun_ms)
            .where(_CONTAINER.account == account, _CONTAINER.begun_ms > since)
            .order_by(_CONTAINER.begun_ms)
        )
        tried = (_POST.attempted_ms > since, ~is_in(_POST.state, _NOT_OUT))
        self._attempted = (
            select(_POST.attempted_ms)
            .where(_POST.account == account, *tried)
            .order_by(_POST.attempted_ms)
        )
        self._tried = (
            select(_POST.account, func.count())
            .where(dialect.one_of(_POST.account, "accounts"), *tried)
            .group_by(_POST.account)
        )

    async def due_posts(
        self,
        outbox: int,
        now_ms: int,
        *,
        limit: int,
        without_accounts: Collection[str] = (),
    ) -> tuple[PostRow, ...]:
        """See :meth:`vestlus.store.port.Posts.due_posts`."""
        values: dict[str, object] = {"of": outbox, "now": now_ms, "most": limit}
        statement = self._due_posts
        if without_accounts:
            values["without"] = self._dialect.value_set(without_accounts)
            statement = self._due_without

        def work(connection: Connection) -> tuple[PostRow, ...]:
            rows = connection.execute(statement, values).all()
            return post_rows(rows, self._containers_of(connection, [row.id for row in rows]))

        return await self._database.read(work)

    async def post(self, id_: str) -> PostRow | None:
        """See :meth:`vestlus.store.port.Posts.post`."""
        return await self._single(self._one, {"of": cleaned(id_)})

    async def post_of_key(self, key: str) -> PostRow | None:
        """See :meth:`vestlus.store.port.Posts.post_of_key`."""
        return await self._single(self._keyed, {"of": cleaned(key)})

    async def posts(self, *, limit: int, account: str | None = None) -> tuple[PostRow, ...]:
        """See :meth:`vestlus.store.port.Posts.posts`."""
        if account is None:
            return post_rows(await self._database.fetch(self._all_posts, {"most": limit}))
        values = {"most": limit, "account": cleaned(account)}
        return post_rows(await self._database.fetch(self._accounts_posts, values))

    async def post_times(self, account: str, since_ms: int) -> PostTimes:
        """See :meth:`vestlus.store.port.Posts.post_times`."""
        values = {"account": cleaned(account), "since": since_ms}
        begun = await self._database.fetch(self._begun, values)
        attempted = await self._database.fetch(self._attempted, values)
        return PostTimes(tuple(row[0] for row in begun), tuple(row[0] for row in attempted))

    async def posts_since(self, accounts: Collection[str], since_ms: int) -> Mapping[str, int]:
        """See :meth:`vestlus.store.measure_port.PostsOfDay.posts_since`."""
        whose = self._dialect.value_set({cleaned(one) for one in accounts})
        rows = await self._database.fetch(self._tried, {"accounts": whose, "since": since_ms})
        return {row[0]: row[1] for row in rows}

    async def claimed_media(self, account: str, media: Collection[str]) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Posts.claimed_media`."""
        if not media:
            return frozenset()
        values = {"account": cleaned(account), "media": self._dialect.value_set(media)}
        rows = await self._database.fetch(self._media_of, values)
        return frozenset(row[0] for row in rows)

    async def _single(self, statement: Select[Any], values: dict[str, object]) -> PostRow | None:
        def work(connection: Connection) -> PostRow | None:
            rows = connection.execute(statement, values).all()
            found = post_rows(rows, self._containers_of(connection, [row.id for row in rows]))
            return found[0] if found else None

        return await self._database.read(work)

    def _containers_of(self, connection: Connection, posts: Sequence[str]) -> Sequence[Any]:
        if not posts:
            return ()
        return connection.execute(self._containers, {"posts": self._dialect.value_set(posts)}).all()


def is_unended() -> ColumnElement[bool]:
    """Whether a post has not ended, in the words by which the index of due ones is found."""
    state: ColumnElement[str] = _POST.state
    return state.bool_op("IN")(literal_column(schema.UNENDED_POSTS))
