"""What ``vestlus accounts`` does, apart from how it is asked and told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from vestlus.accounts import connecting
from vestlus.accounts.open import token_cipher, token_refresher, tokens_in
from vestlus.bus.port import Topology
from vestlus.cli.noting import came_to, work_done
from vestlus.clock import system_clock
from vestlus.doctor.accounts import Standing, account_check, check_subscription
from vestlus.doctor.findings import Finding, Level, run_checks
from vestlus.errors import GraphError, SettingsError, VestlusError
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.token_api import TokenApi
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_secrets import SHORTEST_KEY
from vestlus.store.open import open_store
from vestlus.store.operator_rows import DONE
from vestlus.store.port import Store
from vestlus.store.token_rows import TokenRow, TokenState

T = TypeVar("T")

#: In the audit: the account's token is kept, and its webhooks do not come.
NOT_SUBSCRIBED: Final = "not_subscribed"
NOT_REFRESHED: Final = "not_refreshed"


class NoSuchAccount(VestlusError):
    """The account is neither in the settings nor in the store."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the commands work on: the store and the settings, without the service."""

    store: Store
    settings: Settings

    async def standings(self, accounts: Collection[str] = ()) -> list[Standing]:
        """The accounts of the settings and of the store, or those asked for."""
        rows = {row.account: row for row in await self.store.tokens()}
        known = await self.known(accounts)
        values, cipher = tokens_in(self.settings), token_cipher(self.settings)
        return [Standing(one, rows.get(one), values.get(one, ""), cipher) for one in known]

    async def known(self, accounts: Collection[str] = ()) -> list[str]:
        """The ids of these accounts, or of all that there are. Raises NoSuchAccount."""
        rows = await self.store.tokens()
        known = {*(row.account for row in rows), *(one.id for one in self.settings.accounts)}
        if unknown := sorted(set(accounts) - known):
            raise NoSuchAccount(
                f"{', '.join(unknown)}: neither in the settings nor connected; "
                "`vestlus accounts list` shows what is"
            )
        return sorted(set(accounts) or known)

    def graph(self, token: str) -> GraphClient:
        """A client that calls with this token."""
        return GraphClient(self.settings.graph_url, lambda _: token)


@asynccontextmanager
async def _service() -> AsyncIterator[Service]:
    settings = load_settings(mode=Mode.OPERATE)
    topology = Topology(inbox=settings.partitions)
    store = open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    )
    async with store as opened:
        yield Service(opened, settings)


def on_service(work: Callable[[Service], Awaitable[T]]) -> T:
    """Does something with an open store; the audit is told that it went through. Raises
    SettingsError, StoreError, and what work raises.
    """

    async def main() -> T:
        async with _service() as service:
            return await work(service)

    done = asyncio.run(main())
    work_done()
    return done


async def connected(
    service: Service, token: str, account: str | None, *, long_lived: bool
) -> dict[str, Any]:
    """Connects an account; what came of it. Raises NotConnected, SettingsError."""
    settings, cipher = service.settings, token_cipher(service.settings)
    key = settings.encryption_key
    if key is not None and len(key) < SHORTEST_KEY:
        # The service refuses to start with it, and with another one it could not read the token.
        problem = f"VESTLUS_ENCRYPTION_KEY: needs at least {SHORTEST_KEY} characters"
        raise SettingsError((problem,))
    async with TokenApi(settings.graph_url) as calls:
        me = await connecting.whose(token, account, calls)
        kept = await connecting.lasting(
            token,
            exchange=not long_lived,
            secrets=settings.secrets,
            calls=calls,
            clock=system_clock,
        )
    value = tokens_in(settings).get(me.user_id)
    row = await connecting.keep(
        me,
        kept,
        seed=None if value is None else cipher.digest(value),
        store=service.store,
        cipher=cipher,
        clock=system_clock,
    )
    came_to(row.account, NOT_SUBSCRIBED)
    async with service.graph(kept.token) as graph:
        findings = await _subscribed(me.user_id, graph)
    if all(one.level is not Level.FAIL for one in findings):
        came_to(row.account)
    return {
        "account": row.account,
        "username": row.username,
        "token": kept.how,
        "expires_at": moment(row.expires_ms),
        "configured": settings.account(row.account) is not None,
        "subscription": [asdict(one) for one in findings],
    }


async def _subscribed(account: str, graph: GraphClient) -> list[Finding]:
    try:
        await connecting.subscribe(account, graph)
    except GraphError as error:
        said = f"could not be made: {error}"
        mend = (
            "the token is kept; has it the scope instagram_business_manage_messages, and are "
            "webhooks set up in the app dashboard? Then `vestlus accounts check --subscribe`"
        )
        return [Finding(f"subscription {account}", Level.FAIL, said, mend)]
    return await check_subscription(account, graph)


async def checked(service: Service, accounts: Collection[str], *, subscribe: bool) -> list[Finding]:
    """What is wrong with accounts, and what is not. Raises NoSuchAccount."""
    standings, settings = await service.standings(accounts), service.settings
    subscription = _subscribed if subscribe else check_subscription
    async with TokenApi(settings.graph_url) as calls:
        return await run_checks(
            [
                (f"account {one.account}", account_check(one, calls, settings, subscription))
                for one in standings
            ]
        )


async def refreshed(service: Service, accounts: Collection[str]) -> list[TokenRow]:
    """Refreshes tokens; the rows afterwards, which tell of failures. Raises NoSuchAccount."""
    await service.standings(accounts)
    for one in accounts:
        # Until it is: one that is stopped, or has no token, is left alone.
        came_to(one, NOT_REFRESHED)
    async with TokenApi(service.settings.graph_url) as calls:
        refresher = token_refresher(service.settings, service.store, calls)
        await refresher.take_from_settings()
        rows = {
            row.account: row
            for row in await service.store.tokens()
            if (not accounts or row.account in accounts) and row.state is not TokenState.STOPPED
        }
        after: dict[str, TokenRow | None] = {}
        for account, before in rows.items():
            row = after[account] = await refresher.refresh(before)
            came_to(account, NOT_REFRESHED if row is None or row.failures else DONE)
    # Where somebody else changed a token meanwhile, what they made of it.
    now = {row.account: row for row in await service.store.tokens()}
    return [row or now[account] for account, row in after.items()]


async def listed(service: Service) -> list[dict[str, Any]]:
    """All accounts, of the settings and of the store, as :func:`summary` tells of them."""
    rows = {row.account: row for row in await service.store.tokens()}
    values = tokens_in(service.settings)
    served = {one.id for one in service.settings.accounts}
    found = []
    for account in sorted({*rows, *served}):
        if account in rows:
            told = summary(rows[account])
        else:
            state = "in the settings, not kept yet" if account in values else "without a token"
            told = {
                "account": account,
                "username": "",
                "state": state,
                "reason": "",
                "expires_at": "",
                "obtained_at": "",
                "failed_refreshes": 0,
            }
        found.append({**told, "configured": account in served})
    return found


def summary(row: TokenRow) -> dict[str, Any]:
    """What is told of a token; never the token."""
    return {
        "account": row.account,
        "username": row.username,
        "state": str(row.state),
        "reason": row.reason,
        "expires_at": moment(row.expires_ms),
        "obtained_at": moment(row.obtained_ms),
        "failed_refreshes": row.failures,
    }


def moment(at_ms: int) -> str:
    """A time for people and scripts, empty where there is none."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
