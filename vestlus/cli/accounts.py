"""``vestlus accounts``: connects Instagram accounts, and looks after their tokens."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from getpass import getpass
from typing import Annotated, Any

from cyclopts import App, Parameter, validators

from vestlus.accounts.stopping import start_account
from vestlus.cli.accounts_desk import (
    Service,
    checked,
    connected,
    listed,
    moment,
    on_service,
    refreshed,
    summary,
)
from vestlus.cli.accounts_usage import line_of, used
from vestlus.doctor.findings import Finding, Level
from vestlus.errors import VestlusError
from vestlus.store.token_rows import TokenState

app = App(
    name="accounts",
    help="Connect Instagram accounts, and look after their tokens.",
)

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]


class NoToken(VestlusError):
    """No token was given. Its message says how one is."""


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
    done = on_service(lambda service: connected(service, token, account, long_lived=long_lived))
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
    findings = on_service(lambda service: checked(service, accounts, subscribe=subscribe))
    if as_json:
        _say_json([asdict(one) for one in findings])
    else:
        for one in findings:
            _say(_line(one))
        if not findings:
            _say("There are no accounts: `vestlus accounts connect` connects one.")
    if any(one.level is Level.FAIL for one in findings):
        raise SystemExit(1)


@app.command
def refresh(*accounts: str, as_json: AsJson = False) -> None:
    """Refresh tokens now, whatever their age; the service does it by itself a month ahead.

    The exit status is 1 if one was not refreshed: Instagram refuses tokens under a day old.

    Parameters
    ----------
    accounts
        Only these; all without any.
    """
    rows = on_service(lambda service: refreshed(service, accounts))
    if as_json:
        _say_json([summary(row) for row in rows])
    else:
        for row in rows:
            outcome = f"not refreshed: {row.reason}" if row.failures else "refreshed"
            _say(f"{row.account}: {outcome}. {_until(moment(row.expires_ms))}")
        if not rows:
            _say("No account has a token: `vestlus accounts connect` connects one.")
    if any(row.failures for row in rows):
        raise SystemExit(1)


@app.command
def start(account: str) -> None:
    """Start an account again that was stopped, with the token that it had.

    Parameters
    ----------
    account
        Its id.
    """
    if not on_service(lambda service: start_account(service.store, account)):
        raise NoToken(
            "this account is not stopped, or has no token any more: `vestlus accounts connect` "
            "gives it one"
        )
    _say("The account is served again within seconds, if Instagram still takes its token.")


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List accounts, how their tokens stand and until when, and what they spent on models today.

    Tokens are never shown.
    """
    rows, today = on_service(_listed)
    if as_json:
        _say_json([{**row, "today": today.get(row["account"])} for row in rows])
        return
    for row in rows:
        name = f"  {row['username']}" if row["username"] else ""
        why = f" ({row['reason']})" if row["reason"] else ""
        _say(f"{row['account']}{name}  {row['state']}{why}  {_until(row['expires_at'])}")
        if row["account"] in today:
            _say(f"    today: {line_of(today[row['account']]).partition('  ')[2]}")
        if row["state"] == TokenState.STOPPED:
            _say(
                f"  Nothing is sent. Start it again: `vestlus accounts start {row['account']}`, or "
                "`vestlus accounts connect` with a new token."
            )
    if not rows:
        _say("There are no accounts: `vestlus accounts connect` connects one.")


async def _listed(service: Service) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    return await listed(service), {one["account"]: one for one in await used(service, (), 1)}


@app.command
def usage(
    *accounts: str,
    days: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=400))] = 1,
    as_json: AsJson = False,
) -> None:
    """Say what accounts spent on models, and how far their daily budgets are used up.

    Days are those of each account's own time zone. Running processes tell every two seconds.

    Parameters
    ----------
    accounts
        Only these; all without any.
    days
        So many days, today included.
    """
    rows = on_service(lambda service: used(service, accounts, days))
    if as_json:
        _say_json(rows)
        return
    for row in rows:
        _say(line_of(row))
        for one in row["by_model"]:
            _say(
                f"    {one['purpose']:<10} {one['model']}: {one['calls']} calls, "
                f"{one['input_tokens']:,} tokens in ({one['cached_tokens']:,} cached), "
                f"{one['output_tokens']:,} out"
            )
    if not rows:
        _say("Nothing was spent, and there are no accounts.")


def _until(moment: str) -> str:
    return f"Ends at {moment}." if moment else "Its end is not known yet."


def _line(finding: Finding) -> str:
    mend = f"\n      {finding.mend}" if finding.mend else ""
    return f"{finding.level:<4}  {finding.name}: {finding.said}{mend}"


def _say_json(values: object) -> None:
    _say(json.dumps(values, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output
