"""What is wrong with an account's token and with its subscription."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.accounts.connecting import NEEDED_FIELDS, WISHED_FIELDS, Subscribing
from vestlus.accounts.refreshing import TokenCalls
from vestlus.accounts.rules import DAY_MS, RefreshRules, is_alarming, may_be_too_young
from vestlus.clock import system_clock
from vestlus.doctor.findings import Check, Finding, Level
from vestlus.errors import GraphError, NotSent, TokenRejected
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.graph_answers import Me
from vestlus.settings import Settings
from vestlus.store.token_rows import TokenRow

CONNECT: Final = "`vestlus accounts connect` gives it a new one"

#: What helps against each reason for which Graph rejects a token.
_MEND: Final[Mapping[str, str]] = {
    "token_expired": f"it was not refreshed in time: {CONNECT}",
    "password_changed": f"the account's password was changed: {CONNECT}",
    "app_not_installed": f"the account has removed the app: {CONNECT}",
    "token_checkpoint": "the account's owner must log in to Instagram and answer its questions",
    "account_link_broken": "the account's owner must log in to Instagram: two-factor "
    "authentication or the link to its page wants attention",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known here of one account's token, before Graph is asked."""

    account: str
    row: TokenRow | None
    #: The token in the settings; empty where they have none.
    value: str = field(repr=False)
    cipher: TokenCipher

    def token(self) -> str:
        """The token that is in use; empty where there is none. Raises TokenUnreadable."""
        if self.row is None:
            return self.value
        try:
            return self.cipher.decrypt(self.account, self.row.token)
        except TokenUnreadable:
            if self.value:
                return self.value
            raise


async def check_token(standing: Standing, calls: TokenCalls, now_ms: int) -> list[Finding]:
    """Whether the token works, whose it is, and how long it still does."""
    name = f"token {standing.account}"
    try:
        token = standing.token()
    except TokenUnreadable:
        said = "was kept under another VESTLUS_ENCRYPTION_KEY"
        return [Finding(name, Level.FAIL, said, f"set the old key again, or {CONNECT}")]
    if not token:
        return [Finding(name, Level.FAIL, "there is none", CONNECT)]
    try:
        me = await calls.me(token)
    except TokenRejected as error:
        mend = _MEND.get(error.reason, CONNECT)
        return [Finding(name, Level.FAIL, f"Instagram does not accept it: {error}", mend)]
    except GraphError as error:
        said = f"Instagram could not be asked: {error}"
        mend = "is VESTLUS_GRAPH_URL right, and can this machine reach it?"
        return [Finding(name, Level.FAIL, said, mend if isinstance(error, NotSent) else "")]
    wrong = _another(standing.account, me)
    if wrong is not None:
        return [Finding(name, Level.FAIL, *wrong)]
    return [_life(name, standing, me, now_ms), *_unused(name, standing)]


def _another(account: str, me: Me) -> tuple[str, str] | None:
    if me.user_id == account:
        return None
    if me.id == account:
        said = f"{account} is the id that the app knows it by, and webhooks name it {me.user_id}"
        return said, f"use {me.user_id} as the account's id"
    return f"it is the token of {me.user_id}", f"give the account its own: {CONNECT}"


def _life(name: str, standing: Standing, me: Me, now_ms: int) -> Finding:
    row = standing.row
    works = f"works for {me.username or standing.account}"
    if row is None:
        said = f"{works}; the service keeps it, and learns its end, when it first runs"
        return Finding(name, Level.OK, said)
    if row.expires_ms:
        left = (row.expires_ms - now_ms) / DAY_MS
        works = f"{works}; ends in {left:.1f} days"
    elif row.failures and may_be_too_young(row, now_ms, RefreshRules()):
        said = f"{works}; Instagram tells when it ends once it is a day old"
        return Finding(name, Level.OK, said)
    else:
        works = f"{works}; its end is not known yet"
    if not row.failures:
        return Finding(name, Level.OK, works)
    said = f"{works}; {row.failures} times not refreshed: {row.reason}"
    alarming = is_alarming(row, now_ms, RefreshRules())
    mend = f"`vestlus accounts refresh` tries again; {CONNECT}"
    return Finding(name, Level.FAIL if alarming else Level.WARN, said, mend)


def _unused(name: str, standing: Standing) -> list[Finding]:
    row = standing.row
    if row is None or not standing.value or row.seed == standing.cipher.digest(standing.value):
        return []
    said = "the settings here have another one than the service knows"
    return [Finding(name, Level.WARN, said, "the service takes it up when it is started again")]


async def check_subscription(account: str, graph: Subscribing) -> list[Finding]:
    """Whether Meta sends the webhooks that are needed for this account."""
    name = f"subscription {account}"
    try:
        fields = set(await graph.subscribed_apps(account))
    except GraphError as error:
        return [Finding(name, Level.FAIL, f"Instagram could not be asked: {error}")]
    mend = "`vestlus accounts check --subscribe` subscribes to them"
    if missing := sorted(NEEDED_FIELDS - fields):
        return [Finding(name, Level.FAIL, f"not subscribed to {', '.join(missing)}", mend)]
    if missing := sorted(WISHED_FIELDS - fields):
        return [Finding(name, Level.WARN, f"not subscribed to {', '.join(missing)}", mend)]
    return [Finding(name, Level.OK, f"subscribed to {', '.join(sorted(fields))}")]


def account_check(
    standing: Standing,
    calls: TokenCalls,
    settings: Settings,
    subscription: Callable[[str, GraphClient], Awaitable[list[Finding]]] = check_subscription,
) -> Check:
    """The check of one account's token and, if that works, of its subscription."""

    async def look() -> Sequence[Finding]:
        found = await check_token(standing, calls, system_clock())
        if any(one.level is Level.FAIL for one in found):
            return found
        token = standing.token()
        async with GraphClient(settings.graph_url, lambda _: token) as graph:
            return [*found, *await subscription(standing.account, graph)]

    return look
