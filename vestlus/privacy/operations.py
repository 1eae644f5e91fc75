"""What every way in calls: a user's data given out, erased, and what is recorded of erasures."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Collection
from typing import Final

import structlog

from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.errors import BusUnavailable, ConversationPreserved
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import ERASURES
from vestlus.messages import encode, inbox_message
from vestlus.privacy.export import Export
from vestlus.privacy.graves import Graves
from vestlus.store.erasing import Erasing, Erasure, ErasureState, Farewell, Way, Whom
from vestlus.store.operator_rows import AuditEntry

_log = structlog.get_logger(__name__)

#: Where confirmation codes are looked up, at the public address.
DATA_DELETION_PATH: Final = "/data-deletion"

#: Of a confirmation code: 80 bits, which nobody guesses, in 16 characters.
_CODE_BYTES: Final = 10
_CODE: Final = re.compile(r"[A-Z2-7]{16}", re.ASCII)


class Privacy:
    """Exports and erases users. One per process; holds nothing that changes.

    All raise StoreUnavailable, upon which trying again is right, with the same code.
    """

    def __init__(
        self, store: Erasing, bus: Bus, graves: Graves, *, clock: Clock, partitions: int
    ) -> None:
        """``partitions``: of the inbox."""
        self._store = store
        self._bus = bus
        self._graves = graves
        self._clock = clock
        self._partitions = partitions

    async def export(self, account: str, user: str) -> Export | None:
        """Everything that the store has of a user, as of one moment; ``None`` for nothing."""
        data = await self._store.user_data(account, user, conversation_id(account, user))
        return Export(account, user, self._clock(), data) if data else None

    async def erase(
        self,
        account: str,
        user: str,
        *,
        by: str,
        way: Way,
        code: str = "",
        even_preserved: bool = False,
        entry: AuditEntry | None = None,
    ) -> Erasure:
        """Erases a user at one account. Nothing can be read through any interface when it returns,
        and nothing that was written before comes back; what comes later is answered as from
        somebody new.

        Also right where nothing is held: what is still on its way is dropped then. ``by`` is the
        operator's name, and never the user's; ``entry`` is what the audit says of them. A ``code``
        that is known is not done again; raises CodeTaken where it is of another erasure.

        Raises ConversationPreserved where somebody marked the conversation, and nothing was done
        then, unless ``even_preserved`` says that the mark is known and goes too.
        """
        whom = [self.whom(account, user)]
        return await self.erase_all(
            whom, by=by, way=way, code=code, even_preserved=even_preserved, entry=entry
        )

    async def erase_what_may(
        self,
        whom: Collection[Whom],
        *,
        by: str,
        way: Way,
        code: str,
        state: ErasureState = ErasureState.ERASED,
    ) -> tuple[Erasure, tuple[str, ...]]:
        """As :meth:`erase_all` for those whom no mark keeps; with the conversations of the others,
        for whose sake what is recorded is OPEN.

        For whoever may not pass over a mark: users, and Meta.
        """
        kept: set[str] = set()
        while True:
            free = [one for one in whom if one.conversation not in kept]
            try:
                done = await self.erase_all(
                    free, by=by, way=way, code=code, state=ErasureState.OPEN if kept else state
                )
            except ConversationPreserved as preserved:
                kept.update(preserved.conversations)
            else:
                return done, tuple(sorted(kept))

    async def erase_all(
        self,
        whom: Collection[Whom],
        *,
        by: str,
        way: Way,
        code: str = "",
        state: ErasureState = ErasureState.ERASED,
        even_preserved: bool = False,
        entry: AuditEntry | None = None,
    ) -> Erasure:
        """As :meth:`erase`, for several accounts at once, in one transaction. ``state`` OPEN: a
        person has to see to it besides.
        """
        wanted = Erasure(code=code or new_code(), asked_ms=0, way=way, state=state, by=by)
        done = await self._store.erase(wanted, whom, even_preserved=even_preserved, entry=entry)
        await self.forget(whom)
        while await self._store.erase_more(done.code):
            pass
        if not done.is_new:
            return done
        of(ERASURES, done.way, done.state).inc()
        about = {"way": str(way), "code_begins": done.code[:4], "state": str(done.state)}
        _log.info("erasure_recorded", **about, rows=sum(done.counts.values()))
        return done

    def whom(self, account: str, user: str, farewell: Farewell | None = None) -> Whom:
        """A user of an account, as the store is told of them."""
        conversation = conversation_id(account, user)
        return Whom(
            account=account,
            user=user,
            conversation=conversation,
            partition=partition_of(account, user, self._partitions),
            grave=self._graves.of(conversation),
            farewell=farewell,
        )

    async def held(self, account: str, user: str) -> bool:
        """Whether the store has anything of a user."""
        return bool(await self._store.user_data(account, user, conversation_id(account, user)))

    async def forget(self, whom: Collection[Whom]) -> None:
        """Tells the processes that may have these users in memory, by the conversation's id.

        Best effort: what is there commits nothing any more, and is dropped within ten minutes by
        itself.
        """
        for one in whom:
            message = inbox_message((), at_ms=self._clock(), forget=(one.conversation,))
            try:
                await self._bus.publish(Queue.INBOX, one.partition, [encode(message)])
            except BusUnavailable:
                _log.warning("erasure_not_told", partition=one.partition)

    def code_for(self, request: bytes) -> str:
        """The confirmation code of a request: the same each time it comes."""
        return _written(self._graves.code_of(request)[:_CODE_BYTES])

    async def erasure(self, code: str) -> Erasure | None:
        """What is recorded under a confirmation code."""
        return await self._store.erasure(code)

    async def erasure_of(self, code: str, conversation: str) -> Erasure | None:
        """What is recorded under a code of this conversation's user; raises CodeTaken where the
        code is of another erasure.
        """
        return await self._store.erasure_of(code, self._graves.of(conversation))

    async def erasures(self, *, limit: int = 50) -> tuple[Erasure, ...]:
        """What is recorded, the newest first."""
        return await self._store.erasures(limit=limit)

    async def close(self, code: str, *, by: str) -> bool:
        """Ends one that waits for a person; False for others."""
        return await self._store.close_erasure(code, by=by)


def new_code() -> str:
    """A confirmation code that nobody had before."""
    return _written(secrets.token_bytes(_CODE_BYTES))


def is_code(text: str) -> bool:
    """Whether that is written as confirmation codes are."""
    return _CODE.fullmatch(text) is not None


def _written(code: bytes) -> str:
    return base64.b32encode(code).decode()
