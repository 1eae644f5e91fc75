"""``vestlus doctor``: what is wrong with the set-up, and what to mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from cyclopts import Parameter

from vestlus.accounts.cipher import TokenUnreadable
from vestlus.accounts.open import token_cipher, tokens_in
from vestlus.doctor.accounts import Standing
from vestlus.doctor.checks import settings_findings
from vestlus.doctor.examining import examine, opened_store
from vestlus.doctor.findings import Finding, Level
from vestlus.doctor.probes import Live, Observation, run_probes
from vestlus.errors import SettingsError
from vestlus.instagram.graph_http import GraphHttp
from vestlus.settings import Mode, Settings, load_settings

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class _Report:
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...] = ()


def doctor(
    *,
    live: Annotated[bool, Parameter(negative="")] = False,
    user: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Check settings, bus, store, model, tokens, subscriptions, clocks and the public address.

    The service need not run; the public address answers only when it does. The exit status is 1
    when something has to be mended.

    Parameters
    ----------
    live
        Try on the real accounts, too, what Meta's documents leave open, as far as that harms
        nobody.
    user
        With --live: write test messages to this user (IGSID), who has agreed to it and has written
        to the account within 24 hours. The bot is silent for that user then, as after a person's
        message; `vestlus conversations hand-back` ends that.
    """
    report = asyncio.run(_report(live=live, user=user))
    if as_json:
        values = {
            "findings": [asdict(one) for one in report.findings],
            "probes": [asdict(one) for one in report.observations],
        }
        _say(json.dumps(values, ensure_ascii=False, indent=2))
    else:
        _show(report)
    if any(one.level is Level.FAIL for one in report.findings):
        raise SystemExit(1)


async def _report(*, live: bool, user: str | None) -> _Report:
    problems: Sequence[str] = ()
    try:
        settings = load_settings(mode=Mode.SERVE)
    except SettingsError as error:
        problems = error.problems
        try:
            settings = load_settings(mode=Mode.OPERATE)
        except SettingsError:
            # Nothing else can be tried with what cannot be read.
            return _Report(tuple(settings_findings(problems)))
    findings = [*settings_findings(problems), *await examine(settings)]
    observations = await _observed(settings, user) if live else []
    return _Report(tuple(findings), tuple(observations))


async def _observed(settings: Settings, user: str | None) -> list[Observation]:
    if settings.encryption_key is None:
        return []
    cipher, values = token_cipher(settings), tokens_in(settings)
    observed: list[Observation] = []
    async with opened_store(settings) as (store, _), GraphHttp(settings.graph_url) as http:
        rows = {row.account: row for row in await store.tokens()} if store else {}
        for account in sorted({*rows, *(one.id for one in settings.accounts)}):
            try:
                token = Standing(
                    account, rows.get(account), values.get(account, ""), cipher
                ).token()
            except TokenUnreadable:
                token = ""
            if token:
                observed += await run_probes(Live(account, token, http, user, store))
    return observed


def _show(report: _Report) -> None:
    for finding in report.findings:
        _say(f"{finding.level:<4}  {finding.name}: {finding.said}")
        if finding.mend and finding.level is not Level.OK:
            _say(f"      {finding.mend}")
    for one in report.observations:
        _say(f"{'seen' if one.tried else 'open'}  {one.account} {one.name}: {one.question}")
        _say(f"      {one.seen}")
    failed = sum(one.level is Level.FAIL for one in report.findings)
    warned = sum(one.level is Level.WARN for one in report.findings)
    if failed or warned:
        _say(f"{failed} to mend, {warned} to look at.")
    else:
        _say("All is well.")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's output
