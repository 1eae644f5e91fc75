"""``vestlus accounts``: connects Instagram accounts, and looks after their tokens."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from getpass import getpass
from typing import Annotated, Any, TypeVar

from cyclopts import App, Parameter

from vestlus.accounts import connecting
from vestlus.accounts.open import token_cipher, token_refresher, tokens_in
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.doctor.accounts import Standing, check_subscription
from vestlus.doctor.examining import account_check
from vestlus.doctor.findings import Finding, Level, run_checks
from vestlus.errors import GraphError, VestlusError
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.token_api import TokenApi
from vestlus.settings import Mode, Settings, load_settings
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.token_rows import TokenRow

app = App(
    name="accounts",
    help="Connect Instagram accounts, and look after their tokens.",
)

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]

T = TypeVar("T")


class NoToken(VestlusError):
    """No token was given. Its message says how one is."""


class NoSuchAccount(VestlusError):
    """The account is neither in the settings nor in the store."""


@dataclass(frozen=True, slots=True)
class _Service:
    store: Store
    settings: Settings

    async def standings(self, accounts: Collection[str] = ()) -> list[Standing]:
        """The accounts of the settings and of the store, or those asked for."""
        rows = {row.account: row for row in await self.store.tokens()}
        known = sorted({*rows, *(one.id for one in self.settings.accounts)})
        if unknown := sorted(set(accounts) - set(known)):
            raise NoSuchAccount(
                f"{', '.join(unknown)}: neither in the settings nor connected; "
                "`vestlus accounts list` shows what is"
            )
        values, cipher = tokens_in(self.settings), token_cipher(self.settings)
        return [
            Standing(one, rows.get(one), values.get(one, ""), cipher)
            for one in known
            if not accounts or one in accounts
        ]

    def graph(self, token: str) -> GraphClient:
        """A client that calls with this token."""
        return GraphClient(self.settings.graph_url, lambda _: token)


@asynccontextmanager
async def _service() -> AsyncIterator[_Service]:
    settings = load_settings(mode=Mode.OPERATE)
    topology = Topology(inbox=settings.partitions)
    store = open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    )
    async with store as opened:
        yield _Service(opened, settings)


def _run(work: Callable[[_Service], Awaitable[T]]) -> T:
    async def main() -> T:
        async with _service() as service:
            return await work(service)

    return asyncio.run(main())


@app.command
def connect(
    account: str | None = None,
    *,
    long_lived: Annotated[bool, Parameter(negative="")] = False,
    token_env: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Connect an account: make its token last, keep it encrypted, subscribe to its webhooks.

    The token is asked for, or read from standard input, or from an environment variable: never
    from the command line, which shells keep. A running service uses it within seconds.

    Parameters
    ----------
    account
        The id that the account is expected to have: refuses another account's token.
    long_lived
        The token is from the app dashboard, which are long-lived already: do not exchange it.
    token_env
        Read the token from this environment variable.
    """
    token = _given_token(token_env)
    done = _run(lambda service: _connected(service, token, account, long_lived=long_lived))
    if as_json:
        _say_json(done)
    else:
        _say(f"Connected {done['username'] or 'the account'}, id {done['account']}.")
        _say(f"Token: {done['token']}. {_until(done['expires_at'])}")
        if not done["configured"]:
            _say(
                f"It is not served yet: set VESTLUS_ACCOUNT_ID={done['account']}, or add it to "
                "vestlus.toml, and start the service."
            )
        for finding in done["subscription"]:
            _say(_line(Finding(**finding)))
    if any(finding["level"] == Level.FAIL for finding in done["subscription"]):
        raise SystemExit(1)


def _given_token(variable: str | None) -> str:
    if variable is not None:
        token = os.environ.get(variable, "")
        missing = f"the environment variable {variable} is not set, or empty"
    elif sys.stdin.isatty():
        token, missing = getpass("Access token (not shown): "), "nothing was entered"
    else:
        token, missing = sys.stdin.readline(), "standard input holds no token"
    token = token.strip()
    if not token:
        raise NoToken(f"there is no token: {missing}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NoToken("this is no access token: it has spaces or characters that none has")
    return token


async def _connected(
    service: _Service, token: str, account: str | None, *, long_lived: bool
) -> dict[str, Any]:
    settings, cipher = service.settings, token_cipher(service.settings)
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
    async with service.graph(kept.token) as graph:
        findings = await _subscribed(me.user_id, graph)
    return {
        "account": row.account,
        "username": row.username,
        "token": kept.how,
        "expires_at": _moment(row.expires_ms),
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


@app.command
def check(
    *accounts: str,
    subscribe: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the tokens and subscriptions. The exit status is 1 if anything is.

    Parameters
    ----------
    accounts
        Only these; all without any.
    subscribe
        Subscribe to the webhook fields that are wanted, before looking.
    """
    findings = _run(lambda service: _checked(service, accounts, subscribe=subscribe))
    if as_json:
        _say_json([asdict(one) for one in findings])
    else:
        for one in findings:
            _say(_line(one))
        if not findings:
            _say("There are no accounts: `vestlus accounts connect` connects one.")
    if any(one.level is Level.FAIL for one in findings):
        raise SystemExit(1)


async def _checked(
    service: _Service, accounts: Collection[str], *, subscribe: bool
) -> list[Finding]:
    standings, settings = await service.standings(accounts), service.settings
    subscription = _subscribed if subscribe else check_subscription
    async with TokenApi(settings.graph_url) as calls:
        return await run_checks(
            [
                (f"account {one.account}", account_check(one, calls, settings, subscription))
                for one in standings
            ]
        )


@app.command
def refresh(*accounts: str, as_json: AsJson = False) -> None:
    """Refresh tokens now, whatever their age; the service does it by itself a month ahead.

    The exit status is 1 if one was not refreshed: Instagram refuses tokens under a day old.

    Parameters
    ----------
    accounts
        Only these; all without any.
    """
    rows = _run(lambda service: _refreshed(service, accounts))
    if as_json:
        _say_json([_summary(row) for row in rows])
    else:
        for row in rows:
            outcome = f"not refreshed: {row.reason}" if row.failures else "refreshed"
            _say(f"{row.account}: {outcome}. {_until(_moment(row.expires_ms))}")
        if not rows:
            _say("No account has a token: `vestlus accounts connect` connects one.")
    if any(row.failures for row in rows):
        raise SystemExit(1)


async def _refreshed(service: _Service, accounts: Collection[str]) -> list[TokenRow]:
    await service.standings(accounts)
    async with TokenApi(service.settings.graph_url) as calls:
        refresher = token_refresher(service.settings, service.store, calls)
        await refresher.take_from_settings()
        kept = [
            one for one in await service.store.tokens() if not accounts or one.account in accounts
        ]
        for row in kept:
            await refresher.refresh(row)
    asked = {row.account for row in kept}
    return [row for row in await service.store.tokens() if row.account in asked]


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List accounts, how their tokens stand, and until when. Tokens are never shown."""
    rows = _run(_listed)
    if as_json:
        _say_json(rows)
        return
    for row in rows:
        name = f"  {row['username']}" if row["username"] else ""
        why = f" ({row['reason']})" if row["reason"] else ""
        _say(f"{row['account']}{name}  {row['state']}{why}  {_until(row['expires_at'])}")
    if not rows:
        _say("There are no accounts: `vestlus accounts connect` connects one.")


async def _listed(service: _Service) -> list[dict[str, Any]]:
    rows = {row.account: row for row in await service.store.tokens()}
    values = tokens_in(service.settings)
    served = {one.id for one in service.settings.accounts}
    listed = []
    for account in sorted({*rows, *served}):
        if account in rows:
            summary = _summary(rows[account])
        else:
            state = "in the settings, not kept yet" if account in values else "without a token"
            summary = {
                "account": account,
                "username": "",
                "state": state,
                "reason": "",
                "expires_at": "",
                "obtained_at": "",
                "failed_refreshes": 0,
            }
        listed.append({**summary, "configured": account in served})
    return listed


def _summary(row: TokenRow) -> dict[str, Any]:
    return {
        "account": row.account,
        "username": row.username,
        "state": str(row.state),
        "reason": row.reason,
        "expires_at": _moment(row.expires_ms),
        "obtained_at": _moment(row.obtained_ms),
        "failed_refreshes": row.failures,
    }


def _until(moment: str) -> str:
    return f"Ends at {moment}." if moment else "Its end is not known yet."


def _moment(at_ms: int) -> str:
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _line(finding: Finding) -> str:
    mend = f"\n      {finding.mend}" if finding.mend else ""
    return f"{finding.level:<4}  {finding.name}: {finding.said}{mend}"


def _say_json(values: object) -> None:
    _say(json.dumps(values, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output
