"""What the tests of keeping tokens share: a keeper, its store, and a time set by hand."""

from __future__ import annotations

from tests.fakes.clock import START_MS
from tests.fakes.tokens import MemoryTokens, PretendTokenCalls
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.keeper import TokenKeeper
from vestlus.accounts.refreshing import TokenRefresher
from vestlus.accounts.rules import DAY_MS, RefreshRules
from vestlus.store.rows import Member, MemberKind
from vestlus.store.token_rows import TokenRow

RULES = RefreshRules()


class Scene:
    """A keeper, its store, and a time that is set by hand."""

    def __init__(self, **values: str) -> None:
        self.store = MemoryTokens()
        self.calls = PretendTokenCalls()
        self.cipher = TokenCipher("a" * 32)
        self.now_ms = START_MS
        self.keeper = self.another(**values)

    def refresher(self, **values: str) -> TokenRefresher:
        return TokenRefresher(
            store=self.store,
            calls=self.calls,
            cipher=self.cipher,
            values=values,
            clock=lambda: self.now_ms,
        )

    def another(self, member: str = "one", **values: str) -> TokenKeeper:
        return TokenKeeper(
            store=self.store,
            member=Member(member, MemberKind.REGISTRY, "1", "here", 1),
            refresher=self.refresher(**values),
            clock=lambda: self.now_ms,
            monotonic=lambda: self.now_ms / 1000,
        )

    def row(self, account: str = "a") -> TokenRow:
        return self.store.rows[account]

    def token(self, account: str = "a") -> str:
        return self.cipher.decrypt(account, self.row(account).token)

    async def round_after(self, days: float) -> None:
        self.now_ms += round(days * DAY_MS)
        await self.keeper.round()
