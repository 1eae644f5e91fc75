"""Occurrences and their steps in SQL."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    Update,
    bindparam,
    case,
    func,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.occurrences import DECIDED, OccurrenceState
from vestlus.store.plan_rows import Decision, OccurrenceStep
from vestlus.store.post_rows import NewPost
from vestlus.store.rows import Lease
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_occurrence_lists import SqlOccurrenceLists, is_open
from vestlus.store.sql_plan_rows import check_occurrence_step, occurrence_step_values
from vestlus.store.sql_post_rows import new_post_values

_OCCURRENCE: Final = schema.occurrence.c


def _text(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=Text())


def _number(name: str) -> Any:  # noqa: ANN401 - as above
    return bindparam(name, type_=BigInteger())


class SqlOccurrences(SqlOccurrenceLists):
    """What becomes of times that are due. See :class:`~vestlus.store.plan_port.Occurrences`.

    Statements are made when they are first used.
    """

    async def occurrence_step(self, lease: Lease, step: OccurrenceStep) -> bool:
        """See :meth:`vestlus.store.plan_port.Occurrences.occurrence_step`."""
        check_occurrence_step(step)
        named = {"of": cleaned(step.of.id)}

        def work(connection: Connection) -> bool:
            self._hold(connection, lease)
            row = connection.execute(self._lock_occurrence, named).one_or_none()
            if row is None or (row.state, row.version) != (str(step.of.state), step.of.version):
                return False
            values = occurrence_step_values(step)
            if step.post is not None:
                values["post"] = self._handed(connection, step.post, step.at_ms)
            connection.execute(self._step.values(values), named)
            return True

        return await self._database.write(work)

    async def decide(self, id_: str, decision: Decision) -> bool:
        """See :meth:`vestlus.store.plan_port.Occurrences.decide`.

        One that is READY now wakes when it is due. Raises ValueError for a state that is no
        decision.
        """
        if decision.after not in DECIDED:
            message = f"{decision.after} is no decision about a draft"
            raise ValueError(message)
        values: dict[str, object] = {
            "state": str(decision.after),
            "by": cleaned(decision.by),
            "at": decision.at_ms,
            "words": None if decision.caption is None else cleaned(decision.caption),
            "why": cleaned(decision.why),
            "due": decision.due_ms,
            "of": cleaned(id_),
        }
        return await self._database.write(
            lambda connection: bool(connection.execute(self._decide, values).all())
        )

    async def cancel_occurrence(self, id_: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.plan_port.Occurrences.cancel_occurrence`."""
        values = {"of": cleaned(id_), "at": now_ms}
        return await self._database.write(
            lambda connection: bool(connection.execute(self._cancel_occurrence, values).all())
        )

    def _handed(self, connection: Connection, post: NewPost, now_ms: int) -> str:
        """Adds the post and returns its id: that of the one there is, where its key is known."""
        values = new_post_values(post, self._outbox_partitions, now_ms)
        added = connection.execute(self._add_handed, values).scalar()
        if added is None:
            added = connection.execute(self._post_of_key, {"of": values["key"]}).scalar_one()
        return str(added)

    @cached_property
    def _lock_occurrence(self) -> Select[Any]:
        return (
            select(_OCCURRENCE.state, _OCCURRENCE.version)
            .where(_OCCURRENCE.id == _text("of"))
            .with_for_update()
        )

    @cached_property
    def _step(self) -> Update:
        return update(schema.occurrence).where(_OCCURRENCE.id == _text("of"))

    @cached_property
    def _add_handed(self) -> Any:  # noqa: ANN401 - RETURNING has a type of its own
        add = self._dialect.insert(schema.post)
        return add.on_conflict_do_nothing(index_elements=["key"]).returning(schema.post.c.id)

    @cached_property
    def _post_of_key(self) -> Select[Any]:
        return select(schema.post.c.id).where(schema.post.c.key == _text("of"))

    @cached_property
    def _decide(self) -> Any:  # noqa: ANN401 - as above
        state = _text("state")
        due_ms = func.coalesce(_number("due"), _OCCURRENCE.due_ms)
        return (
            update(schema.occurrence)
            .where(
                _OCCURRENCE.id == _text("of"),
                _OCCURRENCE.state == str(OccurrenceState.WAITING),
            )
            .values(
                state=state,
                version=_OCCURRENCE.version + 1,
                due_ms=due_ms,
                wake_ms=case((state == str(OccurrenceState.READY), due_ms), else_=schema.ZERO),
                caption=func.coalesce(_text("words"), _OCCURRENCE.caption),
                decided_by=_text("by"),
                decided_ms=_number("at"),
                reason="",
                problem=_text("why"),
                changed_ms=_number("at"),
            )
            .returning(_OCCURRENCE.id)
        )

    @cached_property
    def _cancel_occurrence(self) -> Any:  # noqa: ANN401 - as above
        return (
            update(schema.occurrence)
            .where(_OCCURRENCE.id == _text("of"), is_open())
            .values(
                state=str(OccurrenceState.CANCELLED),
                version=_OCCURRENCE.version + 1,
                wake_ms=0,
                changed_ms=_number("at"),
            )
            .returning(_OCCURRENCE.id)
        )
