"""Access tokens of accounts in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, select, update

from vestlus.store import schema
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart
from vestlus.store.token_rows import TokenRow, TokenState

_TOKEN: Final = schema.account_token.c


class SqlTokens(SqlPart):
    """What accounts are called with. See :class:`~vestlus.store.port.Tokens`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._tokens = select(schema.account_token).order_by(_TOKEN.account)
        self._first_token = (
            dialect.insert(schema.account_token).on_conflict_do_nothing().returning(_TOKEN.version)
        )
        changed = {
            column.name: bindparam(column.name, type_=column.type)
            for column in schema.account_token.columns
            if column is not _TOKEN.account
        }
        self._next_token = (
            update(schema.account_token)
            .where(_TOKEN.account == bindparam("of", type_=Text()))
            .where(_TOKEN.version == bindparam("before", type_=BigInteger()))
            .values(changed)
            .returning(_TOKEN.version)
        )

    async def tokens(self) -> tuple[TokenRow, ...]:
        """See :meth:`vestlus.store.port.Tokens.tokens`."""
        rows = await self._database.fetch(self._tokens)
        return tuple(
            TokenRow(**{**row._mapping, "state": TokenState(row.state)})  # noqa: SLF001 - public in SQLAlchemy
            for row in rows
        )

    async def put_token(self, row: TokenRow) -> bool:
        """See :meth:`vestlus.store.port.Tokens.put_token`."""
        values = {
            name: cleaned(value) if isinstance(value, str) else value
            for name, value in asdict(row).items()
        } | {"state": str(row.state)}

        def work(connection: Connection) -> bool:
            if row.version == 1:
                done = connection.execute(self._first_token, values)
            else:
                where = {"of": values["account"], "before": row.version - 1}
                changed = {name: values[name] for name in values if name != "account"}
                done = connection.execute(self._next_token, changed | where)
            return done.first() is not None

        return await self._database.write(work)
