"""A token store in memory, and a Meta that exchanges and refreshes as it is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from vestlus.errors import GraphError, StoreUnavailable
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.rows import Lease, Member
from vestlus.store.token_rows import TokenRow


class MemoryTokens:
    """Rows by account, and one lease for each name."""

    def __init__(self) -> None:
        self.rows: dict[str, TokenRow] = {}
        self.leases: dict[str, tuple[Lease, str]] = {}
        self.away = False

    async def tokens(self) -> tuple[TokenRow, ...]:
        self._check()
        return tuple(self.rows[account] for account in sorted(self.rows))

    async def put_token(self, row: TokenRow) -> bool:
        self._check()
        before = self.rows.get(row.account)
        if row.version != (before.version if before else 0) + 1:
            return False
        self.rows[row.account] = row
        return True

    async def acquire(
        self,
        names: Collection[str],
        member: Member,
        seconds: float,  # noqa: ARG002 - as the port has it
    ) -> dict[str, Lease]:
        self._check()
        for name in names:
            if name not in self.leases:
                self.leases[name] = (Lease(name, 1), member.owner)
        mine = {name: self.leases[name] for name in names}
        return {name: lease for name, (lease, owner) in mine.items() if owner == member.owner}

    async def renew(
        self,
        leases: Collection[Lease],
        member: Member,
        seconds: float,  # noqa: ARG002 - as the port has it
    ) -> frozenset[str]:
        self._check()
        held = {lease for lease, owner in self.leases.values() if owner == member.owner}
        return frozenset(lease.name for lease in leases if lease in held)

    async def release(
        self,
        leases: Collection[Lease],
        member: Member,  # noqa: ARG002 - as the port has it
    ) -> None:
        self._check()
        for lease in leases:
            del self.leases[lease.name]

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("away")


@dataclass
class PretendTokenCalls:
    """Refreshes ``t`` to ``t+``, unless it is to fail."""

    error: GraphError | None = None
    seconds: int = 60 * 86_400
    refreshed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def refresh(self, token: str) -> LongLivedToken:
        self.refreshed.append(token)
        if self.error is not None:
            raise self.error
        return LongLivedToken(f"{token}+", self.seconds)

    async def me(self, token: str) -> Me:
        self.asked.append(token)
        if self.error is not None:
            raise self.error
        return Me(id="app-scoped", user_id="1", username="kohvik")
