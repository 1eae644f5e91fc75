"""What was spent on models, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import Connection, Text, bindparam, delete, or_, select

from vestlus.store import schema
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.usage_rows import UsageRow

_USAGE: Final = schema.model_usage.c
_TOLD: Final = schema.budget_told.c

_SUMS: Final = tuple(one.name for one in _USAGE if not one.primary_key)


class SqlUsage(SqlPart):
    """Sums by day. See :class:`~vestlus.store.usage_port.ModelUsage`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        more = dialect.insert(schema.model_usage)
        self._add_usage = more.on_conflict_do_update(
            index_elements=[one.name for one in _USAGE if one.primary_key],
            set_={name: _USAGE[name] + more.excluded[name] for name in _SUMS},
        )
        since = _USAGE.day >= bindparam("since", type_=Text())
        order = (_USAGE.account, _USAGE.day, _USAGE.model, _USAGE.purpose)
        self._usage = select(schema.model_usage).where(since).order_by(*order)
        self._usage_of = self._usage.where(dialect.one_of(_USAGE.account, "accounts"))
        self._forget_usage = delete(schema.model_usage).where(
            _USAGE.day < bindparam("before", type_=Text())
        )
        told = dialect.insert(schema.budget_told)
        self._tell_budget = told.on_conflict_do_update(
            index_elements=["account"],
            set_={"day": told.excluded.day, "percent": told.excluded.percent},
            where=or_(_TOLD.day < told.excluded.day, _TOLD.percent < told.excluded.percent)
            & (_TOLD.day <= told.excluded.day),
        ).returning(_TOLD.account)

    async def add_usage(self, rows: Sequence[UsageRow]) -> None:
        """See :meth:`vestlus.store.usage_port.ModelUsage.add_usage`."""
        # In one order everywhere, so that two processes wait for each other and never in a ring.
        values = sorted(
            (
                {name: cleaned(one) if isinstance(one, str) else one for name, one in row.items()}
                for row in map(asdict, rows)
            ),
            key=lambda row: (row["account"], row["day"], row["model"], row["purpose"]),
        )

        def work(connection: Connection) -> None:
            for row in values:
                connection.execute(self._add_usage, row)

        await self._database.write(work)

    async def usage(
        self, since_day: str, accounts: Collection[str] | None = None
    ) -> tuple[UsageRow, ...]:
        """See :meth:`vestlus.store.usage_port.ModelUsage.usage`."""
        asked: dict[str, object] = {"since": since_day}
        statement = self._usage
        if accounts is not None:
            statement, asked = (
                self._usage_of,
                asked | {"accounts": self._dialect.value_set(frozenset(accounts))},
            )
        rows = await self._database.fetch(statement, asked)
        return tuple(UsageRow(**row._mapping) for row in rows)  # noqa: SLF001 - public in SQLAlchemy

    async def budget_told(self, account: str, day: str, percent: int) -> bool:
        """See :meth:`vestlus.store.usage_port.ModelUsage.budget_told`."""
        values = {"account": cleaned(account), "day": day, "percent": percent}

        def work(connection: Connection) -> bool:
            return connection.execute(self._tell_budget, values).first() is not None

        return await self._database.write(work)

    async def forget_usage(self, before_day: str) -> int:
        """See :meth:`vestlus.store.usage_port.ModelUsage.forget_usage`."""

        def work(connection: Connection) -> int:
            return connection.execute(self._forget_usage, {"before": before_day}).rowcount

        return await self._database.write(work)
