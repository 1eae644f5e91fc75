"""The checks of what the service stands on: bus, store, model, clocks, the way in from outside."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from random import Random
from typing import Final
from urllib.parse import urlsplit

from vestlus.assistant.failures import Reason
from vestlus.assistant.open import open_assistant
from vestlus.assistant.openai_client import OPENAI_URL
from vestlus.assistant.port import Question
from vestlus.assistant.retrying import Retrying
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import Clock, system_clock
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.doctor.findings import Finding, Level
from vestlus.errors import (
    AssistantInvalid,
    AssistantUnavailable,
    BusError,
    BusUnavailable,
    GraphError,
    SettingsError,
)
from vestlus.instagram.graph_http import GraphHttp
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.port import Store

#: How far our clock may be from Meta's for echoes and listings to be told by their time.
CLOCK_WARN_SECONDS: Final = 5.0
#: Beyond that, windows are judged wrongly enough to matter.
CLOCK_FAIL_SECONDS: Final = 60.0

#: Of the model's answer to the question that is asked here.
MODEL_SECONDS: Final = 45.0

#: What helps against each reason for which a model does not answer.
_MODEL_MEND: Final[Mapping[str, str]] = {
    Reason.CONNECTION: "is OPENAI_BASE_URL right, and can this machine reach it?",
    Reason.MODEL_NOT_CONFIGURED: "are OPENAI_API_KEY and VESTLUS_MODEL right, and may that key use "
    "that model?",
    Reason.QUOTA: "the model's provider wants to be paid: look at the billing of that key",
    Reason.RATE_LIMITED: "that key's limit is used up by others, or too low: look at its limits",
}


async def check_bus(settings: Settings) -> list[Finding]:
    """Whether messages can be queued."""
    embedded = settings.bus.startswith("sqlite:")
    try:
        async with open_bus(settings.bus, Topology(inbox=settings.partitions)) as bus:
            await bus.check()
    except BusUnavailable:
        mend = (
            "may this user write to VESTLUS_DATA_DIR, or the file of VESTLUS_BUS_URL?"
            if embedded
            else "is the broker running, and are address, user, password and virtual host of "
            "VESTLUS_BUS_URL right?"
        )
        return [Finding("bus", Level.FAIL, "does not answer", mend)]
    except SettingsError as error:
        return [Finding("bus", Level.FAIL, str(error))]
    except (BusError, ValueError, OSError) as error:
        said = f"cannot be used: {type(error).__name__}"
        return [Finding("bus", Level.FAIL, said, "is VESTLUS_BUS_URL right?")]
    return [Finding("bus", Level.OK, f"answers ({'embedded' if embedded else 'RabbitMQ'})")]


async def check_store_clock(store: Store, clock: Clock = system_clock) -> list[Finding]:
    """How far the database's clock is from this machine's."""
    before = clock()
    told = await store.now_ms()
    after = clock()
    return [_clock_finding("clock of the database", told, (before, after), 1, "this machine's")]


async def check_clock(settings: Settings, clock: Clock = system_clock) -> list[Finding]:
    """How far this machine's clock is from Meta's, or else from the model server's."""
    for name, url in (
        ("Instagram", settings.graph_url),
        ("the model's server", settings.openai_base_url or OPENAI_URL),
    ):
        async with GraphHttp(url, timeout=8) as http:
            before = clock()
            try:
                # Without a token: whatever the answer is, it bears the time.
                answer = await http.request("GET", "me", "")
            except GraphError:
                continue
            if (told := answer.told_ms) is not None:
                return [_clock_finding("clock", told, (before, clock()), 1000, f"{name}'s")]
    said = "neither Instagram nor the model's server could be asked for the time"
    return [Finding("clock", Level.WARN, said)]


def _clock_finding(
    name: str, told_ms: int, asked_ms: tuple[int, int], resolution_ms: int, whose: str
) -> Finding:
    """Of the least difference that is proven by what was told between two moments of ours."""
    ahead = (told_ms - asked_ms[1]) / 1000
    behind = (asked_ms[0] - told_ms - resolution_ms) / 1000
    seconds = max(ahead, behind, 0.0)
    mend = "let the machines keep their time by NTP (`timedatectl set-ntp true`)"
    if seconds > CLOCK_WARN_SECONDS:
        level = Level.FAIL if seconds > CLOCK_FAIL_SECONDS else Level.WARN
        return Finding(name, level, f"{seconds:.0f} s from {whose}", mend)
    return Finding(name, Level.OK, f"within {CLOCK_WARN_SECONDS:g} s of {whose}")


async def check_public_address(settings: Settings) -> list[Finding]:
    """Whether Meta's handshake succeeds at the public address, as seen from this machine."""
    name, url = "public address", settings.public_url
    if url is None:
        said = "VESTLUS_PUBLIC_URL is not set: pictures cannot be sent, and this cannot be checked"
        mend = "set it to the address that Meta reaches, such as https://dm.example.org"
        return [Finding(name, Level.WARN, said, mend)]
    token = settings.verify_token
    if token is None:
        return [Finding(name, Level.FAIL, "VESTLUS_VERIFY_TOKEN is missing")]
    # Digits: an answer is read as JSON, as which a number stays what it is.
    challenge = str(secrets.randbelow(10**9) + 10**9)
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": token.get_secret_value(),
        "hub.challenge": challenge,
    }
    findings = []
    if urlsplit(url).scheme != "https":
        said = "is not https: Meta sends webhooks to no other"
        mend = "put a proxy with a certificate before the service, and name it https://…"
        findings.append(Finding(name, Level.FAIL, said, mend))
    async with GraphHttp(url, timeout=10) as http:
        try:
            answer = await http.request("GET", "webhook", "", query=query)
        except GraphError as error:
            return [*findings, _unreachable(name, error.reason)]
    if answer.status == HTTPStatus.OK and str(answer.content) == challenge:
        said = f"{url}/webhook answers Meta's handshake, asked from this machine"
        return [*findings, Finding(name, Level.OK, said)]
    return [*findings, _unexpected(name, answer.status)]


def _unreachable(name: str, reason: str) -> Finding:
    if reason == "tls":
        said = "its certificate is not valid: Meta refuses it too"
        return Finding(name, Level.FAIL, said, "a self-signed one does not do; Let's Encrypt's do")
    if reason == "no_address":
        said = "its name is not known to DNS"
        return Finding(name, Level.FAIL, said, "is VESTLUS_PUBLIC_URL spelt right?")
    mend = (
        "start the service first; then see that port 443 is open and the proxy leads to "
        "VESTLUS_HTTP_PORT"
    )
    return Finding(name, Level.FAIL, f"nothing answers there: {reason}", mend)


def _unexpected(name: str, status: int) -> Finding:
    if status == HTTPStatus.FORBIDDEN:
        said = "answers with 403: it has another VESTLUS_VERIFY_TOKEN than the settings here"
        mend = "start the service again with these settings, or give this command the service's"
        return Finding(name, Level.FAIL, said, mend)
    said = f"answers with {status} and not with the challenge"
    mend = "does the proxy lead to the service, with the path as it is and no redirect?"
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE):
        mend = "is the service running? `/readyz` of it says what is missing"
    return Finding(name, Level.FAIL, said, mend)


async def check_model(
    settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
) -> list[Finding]:
    """Whether each model that accounts use answers: each is asked one short question."""
    asked: dict[tuple[str, str], Account] = {}
    for account in settings.accounts:
        key = account.openai_api_key
        model = account.model or settings.model
        asked.setdefault((model, key.get_secret_value() if key else ""), account)
    findings = []
    for (model, _), account in asked.items():
        # Without its documents: those of large accounts cost a provider's fee to be looked at.
        bare = account.model_copy(update={"knowledge": None, "persona": None, "facts": ()})
        findings.append(await _ask(settings, bare, model, monotonic))
    return findings


async def _ask(
    settings: Settings, account: Account, model: str, monotonic: Callable[[], float]
) -> Finding:
    name = f"model {model}"
    said = HistoryMessage(Role.USER, "Tere!", system_clock())
    question = Question(
        account=account.id, user="doctor", history=(), messages=(said,), now_ms=system_clock()
    )
    assistant = open_assistant(
        settings.model_copy(update={"accounts": (account,)}),
        clock=system_clock,
        retrying=Retrying(
            Random(),  # noqa: S311 - spreads waits, no secret
            total_seconds=MODEL_SECONDS - 5,
            attempt_seconds=MODEL_SECONDS / 2,
        ),
    )
    began = monotonic()
    try:
        await assistant.reply(question)
    except AssistantUnavailable as error:
        mend = _MODEL_MEND.get(error.reason, "")
        return Finding(name, Level.FAIL, f"does not answer: {error.reason}", mend)
    except AssistantInvalid as error:
        mend = "a model that keeps to JSON schemas is needed; `vestlus eval` shows how it does"
        return Finding(name, Level.WARN, f"answers what cannot be used: {error.reason}", mend)
    finally:
        await assistant.aclose()
    return Finding(name, Level.OK, f"answered in {monotonic() - began:.1f} s")


def settings_findings(problems: Sequence[str]) -> list[Finding]:
    """What is wrong with the settings, a finding each."""
    if not problems:
        return [Finding("settings", Level.OK, "complete")]
    return [Finding("settings", Level.FAIL, problem) for problem in problems]
