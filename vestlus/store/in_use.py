"""Whether anybody serves a store, for what must not be done beside a service."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from vestlus.errors import StoreError
from vestlus.store import schema
from vestlus.store.sql_dialect import Dialect

#: As long as a member counts as present that gives no sign of life.
PRESENT_SECONDS: Final = 15.0


class StoreInUse(StoreError):
    """A process serves the store. The message says which, and what to do."""


def check_not_in_use(connection: Connection, dialect: Dialect) -> None:
    """Raises StoreInUse."""
    now = dialect.now_ms()
    held = select(schema.lease.c.name).where(
        schema.lease.c.member_id.is_not(None), schema.lease.c.expires_ms > now
    )
    present = select(schema.member.c.id).where(
        schema.member.c.heartbeat_ms >= now - int(PRESENT_SECONDS * 1000)
    )
    using = [
        *connection.execute(present).scalars(),
        *(f"who holds {name}" for name in connection.execute(held).scalars()),
    ]
    if using:
        raise StoreInUse(
            f"the store is in use by {', '.join(sorted(using)[:5])}: stop every service on "
            f"it, wait {PRESENT_SECONDS:.0f} s, and try again"
        )
