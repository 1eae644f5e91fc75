"""Tries of signing in, in SQL: counted over all replicas."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, delete, insert, select

from vestlus.store import schema
from vestlus.store.operator_rows import SignInTry
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_part import SqlPart

_TRY: Final = schema.sign_in_try.c

#: The row that whoever counts writes first: others wait for their commit, or two could both find
#: room where there is room for one. No digest is written like this.
_GATE: Final = "gate"


class SqlSignIn(SqlPart):
    """See :class:`~vestlus.store.operator_port.Operators`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        gate = dialect.insert(schema.sign_in_try)
        self._try_gate = gate.on_conflict_do_update(
            index_elements=["bucket", "id"], set_={"at_ms": gate.excluded.at_ms}
        )
        self._try_forget = delete(schema.sign_in_try).where(
            _TRY.at_ms <= bindparam("past", type_=BigInteger())
        )
        #: The try that has to leave before there is room: the oldest of as many as there may be.
        self._try_last = (
            select(_TRY.at_ms)
            .where(_TRY.bucket == bindparam("of", type_=Text()))
            .order_by(_TRY.at_ms.desc())
            .limit(1)
            .offset(bindparam("most", type_=Integer()))
        )
        self._try_add = insert(schema.sign_in_try)
        self._try_forgive = delete(schema.sign_in_try).where(
            _TRY.id == bindparam("of", type_=Text())
        )

    async def admit_try(self, tried: SignInTry) -> int:
        """See :meth:`vestlus.store.operator_port.Operators.admit_try`."""

        def work(connection: Connection) -> int:
            now_ms = tried.at_ms
            connection.execute(self._try_gate, {"bucket": _GATE, "id": _GATE, "at_ms": now_ms})
            connection.execute(self._try_forget, {"past": now_ms - tried.window_ms})
            free_ms = 0
            for bucket, most in tried.buckets:
                values = {"of": bucket, "most": most - 1}
                last = connection.execute(self._try_last, values).scalar()
                if last is not None:
                    free_ms = max(free_ms, last + tried.window_ms)
            if free_ms == 0:
                rows = [
                    {"bucket": bucket, "id": tried.id, "at_ms": now_ms}
                    for bucket, _ in tried.buckets
                ]
                connection.execute(self._try_add, rows)
            return free_ms

        return await self._database.write(work)

    async def forgive_try(self, id_: str) -> None:
        """See :meth:`vestlus.store.operator_port.Operators.forgive_try`."""
        await self._database.write(
            lambda connection: connection.execute(self._try_forgive, {"of": id_})
        )
