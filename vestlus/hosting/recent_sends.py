"""What was sent lately, as the ledger has it: looked up together for many echoes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Self

from vestlus.conversation.echoes import Sent
from vestlus.grouping import GroupCommitter
from vestlus.hosting.commits import PACE_SECONDS
from vestlus.store.ledger import SendState
from vestlus.store.port import Turns
from vestlus.store.rows import Kind, RecentSend

#: Looks in one query.
TOGETHER = 64

#: Conversations, and how far back, milliseconds since 1970.
_Look = tuple[AbstractSet[str], int]


class RecentSends:
    """Looks at the ledger. Whoever asks while a look is under way shares the next one.

    A look of its own for each delivery would take a transaction and a change of threads each.
    """

    def __init__(self, store: Turns) -> None:
        self._store = store
        self._looks = GroupCommitter[_Look, Mapping[str, Sequence[RecentSend]]](
            self._look_up, name="recent sends", max_items=TOGETHER, pace=PACE_SECONDS
        )

    async def __aenter__(self) -> Self:
        await self._looks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends it. Safe to call twice."""
        await self._looks.close()

    async def of(
        self, conversations: AbstractSet[str], since_ms: int
    ) -> dict[str, tuple[Sent, ...]]:
        """By conversation, oldest first: what was tried since then, and perhaps some before.

        What the ledger has once this is called is in it. Raises StoreUnavailable.
        """
        found = await self._looks.submit((conversations, since_ms))
        return {name: tuple(map(_sent, found[name])) for name in conversations & found.keys()}

    async def _look_up(self, looks: list[_Look]) -> list[Mapping[str, Sequence[RecentSend]]]:
        conversations = frozenset[str]().union(*(wanted for wanted, _ in looks))
        found = await self._store.recent_sends(conversations, min(since for _, since in looks))
        return [found] * len(looks)


def _sent(row: RecentSend) -> Sent:
    return Sent(
        id=row.id,
        text=row.text,
        pictures=row.pictures if row.kind is Kind.PICTURES else 0,
        in_flight=row.state in (SendState.SENDING, SendState.LOOKING),
        attempted_ms=row.attempted_ms,
        mid=row.sent_mid,
        echo_mid=row.echo_mid,
    )
