"""Events that other systems sent, and how often their rules led to posts, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, delete, select, update

from vestlus.scheduling.event_rules import Applies, LastFirings, fired, held_back
from vestlus.store import schema
from vestlus.store.plan_rows import NewTrigger, RuleFiring, RuleOutcome, Taken, TriggerRow
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_plan_rows import encode_outcomes, new_occurrence_values, trigger_row

_EVENT: Final = schema.trigger_event.c
_RULE: Final = schema.event_rule.c


def _word(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=Text())


def _number(name: str) -> Any:  # noqa: ANN401 - as above
    return bindparam(name, type_=BigInteger())


class SqlTriggers(SqlPart):
    """What other systems told. See :class:`~vestlus.store.port.Triggers`.

    Locks are taken in one order: the event by its key, then its rules by name.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        by_key = (
            _EVENT.source == _word("of_source"),
            _EVENT.name == _word("of_name"),
            _EVENT.key == _word("of_key"),
        )
        self._add_event = (
            dialect.insert(schema.trigger_event)
            .on_conflict_do_nothing(index_elements=[_EVENT.source, _EVENT.name, _EVENT.key])
            .returning(_EVENT.id)
        )
        self._event_of_key = select(schema.trigger_event).where(*by_key)
        self._event_of_id = select(schema.trigger_event).where(_EVENT.id == _word("of"))
        self._note_outcomes = (
            update(schema.trigger_event)
            .where(_EVENT.id == _word("of"))
            .values(outcomes=_word("what"))
        )
        self._know_rule = dialect.insert(schema.event_rule).on_conflict_do_nothing()
        self._lock_rule = (
            select(_RULE.fired_ms, _RULE.day, _RULE.fired)
            .where(_RULE.name == _word("of"))
            .with_for_update()
        )
        self._note_firing = (
            update(schema.event_rule)
            .where(_RULE.name == _word("of"))
            .values(fired_ms=_number("at"), day=_word("on"), fired=_number("count"))
        )
        self._add_fired = dialect.insert(schema.occurrence).on_conflict_do_nothing()
        listed = (
            select(schema.trigger_event)
            .order_by(_EVENT.received_ms.desc(), _EVENT.id.desc())
            .limit(_number("most"))
        )
        self._all_events = listed
        self._events_of_name = listed.where(_EVENT.name == _word("of"))
        old = (
            select(_EVENT.id)
            .where(_EVENT.received_ms < _number("before"))
            .order_by(_EVENT.received_ms, _EVENT.id)
            .limit(_number("most"))
        )
        self._forget_old_events = (
            delete(schema.trigger_event).where(_EVENT.id.in_(old)).returning(_EVENT.id)
        )

    async def take_event(
        self, event: NewTrigger, passed: Sequence[RuleOutcome], firings: Sequence[RuleFiring]
    ) -> Taken:
        """See :meth:`vestlus.store.port.Triggers.take_event`."""
        row = _new_row(event)
        where = _key(event.source, event.name, event.key)

        def work(connection: Connection) -> Taken:
            if not connection.execute(self._add_event, row).all():
                # A rival's that was not committed yet was waited for, and is seen now.
                known = connection.execute(self._event_of_key, where).one()
                return Taken(trigger_row(known), known=True)
            ordered = sorted(firings, key=lambda one: one.occurrence.name)
            done = [self._fire_rule(connection, one, event.received_ms) for one in ordered]
            outcomes = sorted((*passed, *done), key=lambda one: one.rule)
            what = {"of": row["id"], "what": encode_outcomes(outcomes)}
            connection.execute(self._note_outcomes, what)
            recorded = connection.execute(self._event_of_id, {"of": row["id"]}).one()
            return Taken(trigger_row(recorded), known=False)

        return await self._database.write(work)

    async def event(self, id_: str) -> TriggerRow | None:
        """See :meth:`vestlus.store.port.Triggers.event`."""
        rows = await self._database.fetch(self._event_of_id, {"of": cleaned(id_)})
        return trigger_row(rows[0]) if rows else None

    async def event_of_key(self, source: str, name: str, key: str) -> TriggerRow | None:
        """See :meth:`vestlus.store.port.Triggers.event_of_key`."""
        rows = await self._database.fetch(self._event_of_key, _key(source, name, key))
        return trigger_row(rows[0]) if rows else None

    async def events(self, *, limit: int, name: str | None = None) -> tuple[TriggerRow, ...]:
        """See :meth:`vestlus.store.port.Triggers.events`."""
        if name is None:
            rows = await self._database.fetch(self._all_events, {"most": limit})
        else:
            values = {"most": limit, "of": cleaned(name)}
            rows = await self._database.fetch(self._events_of_name, values)
        return tuple(trigger_row(row) for row in rows)

    async def forget_events(self, before_ms: int, *, limit: int) -> int:
        """See :meth:`vestlus.store.port.Triggers.forget_events`."""
        values = {"before": before_ms, "most": limit}
        return await self._database.write(
            lambda connection: len(connection.execute(self._forget_old_events, values).all())
        )

    def _fire_rule(self, connection: Connection, firing: RuleFiring, now_ms: int) -> RuleOutcome:
        """One more occurrence of a rule, unless its limits forbid it. Others wait meanwhile."""
        occurrence = firing.occurrence
        rule, applies = cleaned(occurrence.name), Applies(occurrence.due_ms, firing.day)
        connection.execute(self._know_rule, {"name": rule})
        last = LastFirings(*connection.execute(self._lock_rule, {"of": rule}).one())
        held = held_back(
            last, applies, cool_down_ms=firing.cool_down_ms, most_per_day=firing.most_per_day
        )
        if held is not None:
            return RuleOutcome(rule=rule, reason=str(held.reason), problem=held.problem)
        now = fired(last, applies)
        count = {"of": rule, "at": now.due_ms, "on": now.day, "count": now.count}
        connection.execute(self._note_firing, count)
        connection.execute(self._add_fired, new_occurrence_values(occurrence, now_ms))
        return RuleOutcome(rule=rule, occurrence=cleaned(occurrence.id), due_ms=occurrence.due_ms)


def _key(source: str, name: str, key: str) -> dict[str, str]:
    return {"of_source": cleaned(source), "of_name": cleaned(name), "of_key": cleaned(key)}


def _new_row(event: NewTrigger) -> dict[str, str | int]:
    return {
        "id": cleaned(event.id),
        "source": cleaned(event.source),
        "name": cleaned(event.name),
        "key": cleaned(event.key),
        "digest": event.digest,
        "payload": cleaned(event.payload),
        "outcomes": encode_outcomes(()),
        "received_ms": event.received_ms,
        "traceparent": cleaned(event.traceparent),
    }
