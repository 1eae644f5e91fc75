"""What is done about Meta's two callbacks: somebody's data are to go, an account's owner leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from vestlus.accounts.stopping import DEAUTHORISED, DELETION_ASKED, stop_account
from vestlus.clock import Clock
from vestlus.privacy.operations import Privacy
from vestlus.privacy.signed_request import RequestRejected, SignedRequest
from vestlus.store.erasing import BY_META, Erasure, ErasureState, Way
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Tokens
from vestlus.store.rows import ConversationRow

_log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 24 * 60 * 60

#: One that was made longer ago is a replayer's: Meta sends them at once, and repeats what fails for
#: 36 hours at most.
_OLDEST_SECONDS: Final = 7 * DAY_SECONDS
_CLOCKS_DIFFER_SECONDS: Final = DAY_SECONDS

#: In the audit, with a digest of the request by which it is known again.
_DEAUTHORISE: Final = "account.deauthorise"
_BY_META: Final = "deauthorize"
#: The same of each account that either callback stops, by its id.
_STOP: Final = "account.stop"

#: With more accounts a stranger's id is not kept from all of them, one by one, in a transaction.
_MOST_ACCOUNTS: Final = 30


class Conversations(Tokens, Protocol):
    """What callbacks need of the store besides."""

    async def audit(self, entry: AuditEntry) -> None:
        """See :class:`~vestlus.store.operator_port.Operators`."""
        ...

    async def audit_entries(
        self, *, target: str | None = None, action: str | None = None, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """See :class:`~vestlus.store.operator_port.Operators`."""
        ...

    async def load(
        self, conversations: Collection[str], history: int, *, unanswered: int | None = None
    ) -> dict[str, ConversationRow]:
        """See :class:`~vestlus.store.port.Turns`."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the people of an account are to know."""

    account: str
    event: str
    note: str


Tell = Callable[[Notice], None]


class Callbacks:
    """Decides whom a callback is about, and does what is safe. Raises StoreUnavailable.

    The id in a callback is that by which this app knows somebody who has logged in with it. It is

    - one of our own accounts', by either id: the account is stopped. Its users' conversations are
      the business of whoever runs the service: no callback erases them, a person is told;
    - a user's who wrote to one of our accounts, should Meta use the same id there: erased at once,
      but for a conversation that is preserved, of which a person is told;
    - nobody's whom we know: nothing that may still come under this id is taken in, nothing is said
      to be erased, and a person is told.
    """

    def __init__(
        self, privacy: Privacy, store: Conversations, accounts: Collection[str], *, tell: Tell
    ) -> None:
        self._privacy = privacy
        self._store = store
        self._accounts = tuple(accounts)
        self._tell = tell

    async def delete(self, request: SignedRequest, clock: Clock) -> Erasure:
        """What is recorded of it; of a request that came before, what was recorded then. Should the
        user have written anew since, that is not said to be erased: it waits for a person.

        Raises RequestRejected for one that is too old.
        """
        code = self._privacy.code_for(request.signed)
        known = await self._privacy.erasure(code)
        if known is not None:
            said_to_be_gone = known.state is not ErasureState.OPEN and not known.closed_by_person
            if said_to_be_gone and await self._came_back(request.user_id):
                return await self._again(request)
            return known
        _check_age(request, clock)
        own = await self._own(request.user_id)
        if own:
            for account in own:
                await self._stop(account, DELETION_ASKED, BY_META, clock, forget_token=True)
            done = await self._privacy.erase_all(
                (), by=BY_META, way=Way.META, code=code, state=ErasureState.OPEN
            )
            self._tell_all(own, "deletion_asked", _OWNERS.format(code=code))
            return done
        return await self._erase(request.user_id, code)

    async def _came_back(self, user: str) -> bool:
        accounts = await self._all_accounts()
        whom = [self._privacy.whom(account, user).conversation for account in accounts]
        return bool(await self._store.load(whom, 0))

    async def _again(self, request: SignedRequest) -> Erasure:
        """One for a person, under a code of its own, however often the request comes again."""
        # What Meta signs has no space in it.
        code = self._privacy.code_for(b"again " + request.signed)
        known = await self._privacy.erasure(code)
        if known is not None:
            return known
        done = await self._privacy.erase_all(
            (), by=BY_META, way=Way.META, code=code, state=ErasureState.OPEN
        )
        note = _CAME_BACK.format(code=code)
        self._tell_all(await self._all_accounts(), "deletion_asked", note)
        return done

    async def _erase(self, user: str, code: str) -> Erasure:
        accounts = await self._all_accounts()
        whom = {one.conversation: one for one in (self._privacy.whom(a, user) for a in accounts)}
        found = await self._store.load(list(whom), 0)
        if len(whom) > _MOST_ACCOUNTS:
            whom = {id_: one for id_, one in whom.items() if id_ in found}
        state = ErasureState.ERASED if found else ErasureState.OPEN
        done, kept = await self._privacy.erase_what_may(
            whom.values(), by=BY_META, way=Way.META, code=code, state=state
        )
        for conversation in kept:
            note = _PRESERVED.format(code=code, conversation=conversation)
            self._tell(Notice(whom[conversation].account, "deletion_asked", note))
        if not found:
            self._tell_all(accounts, "deletion_asked", _STRANGERS.format(code=code))
        return done

    async def deauthorise(self, request: SignedRequest, clock: Clock) -> tuple[str, ...]:
        """Stops the account that it is about; which one, or none of ours. A request that comes
        again stops nothing: the account may have been started since.

        Raises RequestRejected for one that is too old.
        """
        _check_age(request, clock)
        own = await self._own(request.user_id)
        if own:
            # What Meta signs has no space in it.
            code = self._privacy.code_for(b"deauthorise " + request.signed)
            if await self._store.audit_entries(target=code, action=_DEAUTHORISE, limit=1):
                return ()
            for account in own:
                await self._stop(account, DEAUTHORISED, _BY_META, clock)
            # Behind it: what ends in between is done anew when Meta repeats.
            entry = AuditEntry(int(clock()), _BY_META, "", "meta", _DEAUTHORISE, code)
            await self._store.audit(entry)
        if own:
            self._tell_all(own, "account_stopped", _STOPPED)
        else:
            # Where it was one of ours all the same, Graph refuses its token from now on.
            _log.warning("deauthorised_by_nobody_known")
        return own

    async def _stop(
        self, account: str, reason: str, by: str, clock: Clock, *, forget_token: bool = False
    ) -> None:
        """Behind it stands the entry of the audit: what ends in between is done anew when Meta
        repeats.
        """
        if await stop_account(self._store, account, reason, forget_token=forget_token):
            entry = AuditEntry(int(clock()), by, "", "meta", _STOP, account, detail=reason)
            await self._store.audit(entry)

    async def _own(self, id_: str) -> tuple[str, ...]:
        rows = await self._store.tokens()
        own = {row.account for row in rows if id_ in (row.account, row.app_scoped_id)}
        return tuple(sorted(own | ({id_} & set(self._accounts))))

    async def _all_accounts(self) -> list[str]:
        rows = await self._store.tokens()
        return sorted({*self._accounts, *(row.account for row in rows)})

    def _tell_all(self, accounts: Collection[str], event: str, note: str) -> None:
        for account in list(accounts)[:_MOST_ACCOUNTS]:
            self._tell(Notice(account, event, note))


def _check_age(request: SignedRequest, clock: Clock) -> None:
    age = clock() / 1000 - request.issued_at
    if request.issued_at and not -_CLOCKS_DIFFER_SECONDS <= age <= _OLDEST_SECONDS:
        raise RequestRejected("too_old")


_CAME_BACK: Final = (
    "A request of Meta's to erase somebody's data came once more, after they were erased and wrote "
    "anew. What they wrote since was not touched. Who turns to you with the code {code} is to be "
    "erased by `vestlus conversations erase`; then `vestlus conversations erasures --close {code}`."
)
_STOPPED: Final = (
    "The account's owner took this app's rights away on Instagram. Nothing is sent any more. "
    "`vestlus accounts connect` with a new token starts the account again; with the old one, "
    "should it still work, `vestlus accounts start ID` does."
)
_OWNERS: Final = (
    "The account's owner asked Meta to have their data erased. Nothing is sent any more, and the "
    "account's token is gone. Users' conversations were not touched: erase them or not, and then "
    "`vestlus conversations erasures --close {code}`."
)
_PRESERVED: Final = (
    "Somebody asked Meta to have their data erased whose conversation {conversation} is preserved: "
    "nothing of it was erased. When it may go, `vestlus conversations erase {conversation} "
    "--even-preserved`; when it was seen to, `vestlus conversations erasures --close {code}`."
)
_STRANGERS: Final = (
    "Somebody asked Meta to have their data erased, under an id that no conversation has. Perhaps "
    "Instagram names them differently here. Who turns to you with the code {code} is to be erased "
    "by `vestlus conversations erase`; then `vestlus conversations erasures --close {code}`."
)
