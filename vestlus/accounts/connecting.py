"""Connecting an account: a token that lasts, whose it is, and the webhooks it subscribes to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.rows import row_of
from vestlus.clock import Clock
from vestlus.errors import GraphError, NotSent, Refused, TokenRejected, VestlusError
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.port import Tokens
from vestlus.store.token_rows import TokenRow

#: Without these nobody is answered, or a person's answers are not seen.
NEEDED_FIELDS: Final = frozenset({"messages", "message_echoes"})

#: Fields of Instagram Login (Meta, "Webhooks setup") whose events the service understands.
#: ``comments`` is not among them: it needs Advanced Access, and nothing uses it.
WISHED_FIELDS: Final = NEEDED_FIELDS | {
    "message_reactions",
    "messaging_handover",
    "messaging_optins",
    "messaging_postbacks",
    "messaging_referral",
    "messaging_seen",
    "standby",
}

#: Documented among the examples of payloads, and not among the fields: asked for, and done without
#: where Meta refuses.
UNCERTAIN_FIELDS: Final = frozenset({"message_edit"})

#: How often a row is written anew that others change at the same time.
_TRIES: Final = 5

#: What Meta says of a wrong app secret. Its code is that of any unknown error.
_UNKNOWN_ERROR: Final = 1


class NotConnected(VestlusError):
    """The account could not be connected. The message says why and what to mend."""


class LongLiving(Protocol):
    """What is asked of Meta about a token. See :class:`~vestlus.instagram.token_api.TokenApi`."""

    async def exchange(self, token: str, app_secret: str) -> LongLivedToken:
        """A long-lived token for a short-lived one. Raises the GraphError family."""
        ...

    async def refresh(self, token: str) -> LongLivedToken:
        """A token that lives longer. Raises the GraphError family."""
        ...

    async def me(self, token: str) -> Me:
        """Whose token it is. Raises the GraphError family."""
        ...


class Subscribing(Protocol):
    """Webhook fields of accounts. See :class:`~vestlus.instagram.graph.GraphClient`."""

    async def subscribe(self, account: str, fields: Collection[str]) -> None:
        """Subscribes to fields, in place of those before. Raises the GraphError family."""
        ...

    async def subscribed_apps(self, account: str) -> tuple[str, ...]:
        """The fields subscribed to. Raises the GraphError family."""
        ...


@dataclass(frozen=True, slots=True)
class Lasting:
    """A token to keep. ``expires_ms`` is 0 where its end is not known."""

    token: str = field(repr=False)
    expires_ms: int
    #: How it came about, for the person who connects.
    how: str


async def whose(token: str, expected: str | None, calls: LongLiving) -> Me:
    """Whose token it is. Raises NotConnected where Graph does not take it, or it is another's."""
    try:
        me = await calls.me(token)
    except TokenRejected as error:
        raise NotConnected(
            f"Instagram does not accept this token ({error}): make a new one in the app dashboard, "
            "and copy all of it"
        ) from error
    except GraphError as error:
        raise NotConnected(f"Instagram could not say whose token this is: {error}") from error
    if expected is None or expected == me.user_id:
        return me
    if expected == me.id:
        raise NotConnected(
            f"{expected} is the id that this app knows the account by; webhooks name it "
            f"{me.user_id}: use that as the account's id (VESTLUS_ACCOUNT_ID, or in vestlus.toml)"
        )
    raise NotConnected(
        f"this token is of {me.username or 'another account'}, id {me.user_id}, not of {expected}"
    )


async def lasting(
    token: str, *, exchange: bool, secrets: Sequence[str], calls: LongLiving, clock: Clock
) -> Lasting:
    """A token that lives for weeks. Raises NotConnected.

    ``exchange`` is False for one that is known to be long-lived. One that Meta does not exchange
    is taken for long-lived, as those of the app dashboard are; its end is learnt by refreshing it,
    which works from 24 hours of age.
    """
    if exchange:
        gained = await _exchanged(token, secrets, calls)
        if gained is not None:
            return Lasting(gained.token, clock() + gained.seconds * 1000, "exchanged")
    try:
        gained = await calls.refresh(token)
    except Refused:
        return Lasting(token, 0, "kept as it is: too young to be refreshed, or short-lived")
    except GraphError as error:
        return Lasting(
            token, 0, f"kept as it is: Instagram did not say how long it lives ({error})"
        )
    return Lasting(gained.token, clock() + gained.seconds * 1000, "refreshed")


async def _exchanged(
    token: str, secrets: Sequence[str], calls: LongLiving
) -> LongLivedToken | None:
    """The exchanged token; None where Meta says that it is not one to exchange."""
    failure: GraphError | None = None
    for secret in secrets:
        try:
            return await calls.exchange(token, secret)
        except Refused:
            return None
        except NotSent as error:
            failure = error
            if error.code != _UNKNOWN_ERROR:
                break
    if failure is None:
        raise NotConnected(
            "VESTLUS_APP_SECRETS is missing: a short-lived token is exchanged with the Instagram "
            "app secret; for a token from the app dashboard add --long-lived"
        )
    if failure.code == _UNKNOWN_ERROR:
        raise NotConnected(
            "Instagram did not exchange the token: is the Instagram app secret (not the Meta "
            "app's) among VESTLUS_APP_SECRETS? For a token from the app dashboard add --long-lived"
        )
    raise NotConnected(f"Instagram did not exchange the token: {failure}; try again")


async def keep(
    me: Me,
    token: Lasting,
    *,
    seed: str | None,
    store: Tokens,
    cipher: TokenCipher,
    clock: Clock,
) -> TokenRow:
    """Puts the token into the store, in place of what was there.

    ``seed`` is the digest of the value in the settings, which this token wins over until it
    changes; None where the settings have none here, which says nothing about the service's.
    Raises StoreUnavailable, and NotConnected where others kept changing the row.
    """
    for _ in range(_TRIES):
        before = await row_of(store, me.user_id)
        row = TokenRow(
            account=me.user_id,
            version=before.version + 1 if before else 1,
            token=cipher.encrypt(me.user_id, token.token),
            seed=seed if seed is not None else before.seed if before else "",
            username=me.username,
            obtained_ms=clock(),
            expires_ms=token.expires_ms,
            app_scoped_id=me.id,
        )
        if await store.put_token(row):
            return row
    raise NotConnected("the token in the store kept changing: try again")


async def subscribe(account: str, graph: Subscribing) -> tuple[str, ...]:
    """Subscribes to all that is wished for; the fields as they are read back.

    What else the app was subscribed to for this account stays. Raises the GraphError family.
    """
    before = await graph.subscribed_apps(account)
    wished = WISHED_FIELDS | set(before)
    try:
        await graph.subscribe(account, wished | UNCERTAIN_FIELDS)
    except TokenRejected:
        raise
    except Refused:
        await graph.subscribe(account, wished - UNCERTAIN_FIELDS)
    return await graph.subscribed_apps(account)
