"""Posts and their steps in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.names import partition_number
from vestlus.store.post_rows import NewPost, PostStep, PostStepResult
from vestlus.store.posts import CANCELLABLE, RECOVERED, PostState
from vestlus.store.rows import Lease
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_post_lists import SqlPostLists, is_unended
from vestlus.store.sql_post_rows import (
    changed_values,
    check_post_step,
    new_post_values,
)
from vestlus.store.sql_rows import is_in

_POST: Final = schema.post.c
_CONTAINER: Final = schema.post_container.c


def _number(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=BigInteger())


class SqlPosts(SqlPostLists):
    """What is to be published. See :class:`~vestlus.store.port.Posts`.

    Posts are few, a hundred a day and account at most: each step is a transaction of its own.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        named = _POST.id == bindparam("of", type_=Text())
        self._add_post = dialect.insert(schema.post).on_conflict_do_nothing().returning(_POST.id)
        of_outbox = _POST.outbox == bindparam("of", type_=Integer())
        self._recoveries = [
            update(schema.post)
            .where(of_outbox, is_unended(), _POST.state == str(before))
            .values(
                state=str(after),
                version=_POST.version + 1,
                due_ms=_number("at"),
                changed_ms=_number("at"),
                looking_ms=_number("at") if after is PostState.LOOKING else 0,
            )
            .returning(_POST.id)
            for before, after in RECOVERED.items()
        ]
        self._lock_post = (
            select(_POST.state, _POST.version)
            .where(named, _POST.outbox == bindparam("outbox", type_=Integer()))
            .with_for_update()
        )
        self._change_post = update(schema.post).where(named)
        self._note_made = update(schema.post_container).where(
            _CONTAINER.post == bindparam("of", type_=Text()),
            _CONTAINER.number == _number("which"),
        )
        self._note_finished = (
            update(schema.post_container)
            .where(
                _CONTAINER.post == bindparam("of", type_=Text()),
                dialect.one_of(_CONTAINER.number, "numbers"),
            )
            .values(finished=1)
        )
        self._cancel_one = (
            update(schema.post)
            .where(named, is_in(_POST.state, sorted(CANCELLABLE)))
            .values(
                state=str(PostState.CANCELLED),
                version=_POST.version + 1,
                changed_ms=_number("at"),
            )
            .returning(_POST.id)
        )

    async def add_posts(self, posts: Sequence[NewPost], now_ms: int) -> frozenset[str]:
        """See :meth:`vestlus.store.port.Posts.add_posts`."""

        def work(connection: Connection) -> frozenset[str]:
            added: set[str] = set()
            # In one order, so that two who plan the same do not wait for each other in a ring.
            for one in sorted(posts, key=lambda post: post.key):
                row = new_post_values(one, self._outbox_partitions, now_ms)
                added |= set(connection.execute(self._add_post, row).scalars())
            return frozenset(added)

        return await self._database.write(work)

    async def recover_posts(self, lease: Lease, now_ms: int) -> int:
        """See :meth:`vestlus.store.port.Posts.recover_posts`."""

        def work(connection: Connection) -> int:
            self._hold(connection, lease)
            values = {"of": partition_number(lease.name), "at": now_ms}
            return sum(len(connection.execute(one, values).all()) for one in self._recoveries)

        return await self._database.write(work)

    async def post_step(self, lease: Lease, step: PostStep) -> PostStepResult:
        """See :meth:`vestlus.store.port.Posts.post_step`.

        Raises ValueError for a step that does not exist or lacks what it needs.
        """
        check_post_step(step)
        named = {"of": step.of.id}

        def work(connection: Connection) -> PostStepResult:
            if lease not in self._held(connection, (lease,)):
                return PostStepResult.LEASE_LOST
            where = named | {"outbox": partition_number(lease.name)}
            row = connection.execute(self._lock_post, where).one_or_none()
            if row is None or (row.state, row.version) != (str(step.of.state), step.of.version):
                return PostStepResult.STALE
            if step.media_id is not None and self._is_taken(connection, step):
                return PostStepResult.MEDIA_TAKEN
            connection.execute(self._change_post.values(changed_values(step)), named)
            self._note_containers(connection, step)
            return PostStepResult.DONE

        return await self._database.write(work)

    async def cancel_post(self, id_: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.port.Posts.cancel_post`."""
        values = {"of": cleaned(id_), "at": now_ms}
        return await self._database.write(
            lambda connection: bool(connection.execute(self._cancel_one, values).all())
        )

    def _is_taken(self, connection: Connection, step: PostStep) -> bool:
        media = self._dialect.value_set([cleaned(step.media_id or "")])
        values = {"account": step.of.account, "media": media}
        return any(row.id != step.of.id for row in connection.execute(self._media_of, values))

    def _note_containers(self, connection: Connection, step: PostStep) -> None:
        of = step.of
        if step.begins is not None:
            row = {
                "post": of.id,
                "number": len(of.containers) + 1,
                "account": of.account,
                "round": of.round,
                "position": step.begins,
                "begun_ms": step.at_ms,
            }
            connection.execute(insert(schema.post_container), row)
        if step.made:
            values = {"container": cleaned(step.made), "made_ms": step.at_ms}
            where = {"of": of.id, "which": len(of.containers)}
            connection.execute(self._note_made.values(values), where)
        if step.finished:
            numbers = self._dialect.value_set(step.finished)
            connection.execute(self._note_finished, {"of": of.id, "numbers": numbers})
