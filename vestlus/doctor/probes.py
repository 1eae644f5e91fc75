"""What the documents leave open, tried on the real account as far as that harms nobody.

Each probe asks one question that Meta's pages do not answer, or answer twice. What is seen decides
nothing here: it is for the person who runs the service, and for the values in the settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from vestlus.errors import GraphError
from vestlus.instagram.graph_bodies import quoted
from vestlus.instagram.graph_http import Answer, GraphHttp
from vestlus.store.port import Turns

#: How long an echo is waited for. They mostly come within a second or two.
ECHO_SECONDS: Final = 20.0

#: Nobody's id: sending to it reaches no one.
_NOBODY: Final = "1"

_TEST_TEXT: Final = "Test: this account is being set up. Please take no notice."


@dataclass(frozen=True, slots=True)
class Live:
    """A real account, how it is called, and a user who has agreed to be written to, if any."""

    account: str
    token: str = field(repr=False)
    http: GraphHttp
    user: str | None = field(default=None, repr=False)
    #: Where a running service records echoes; None without it.
    store: Turns | None = None

    async def get(self, path: str, **query: str) -> Answer:
        """Raises the GraphError family where no answer came."""
        return await self.http.request("GET", path, self.token, query=query)

    async def send(self, recipient: str, text: str, **more: object) -> Answer:
        """Sends a text. Raises the GraphError family where no answer came."""
        body = {"recipient": {"id": recipient}, "message": {"text": text}, **more}
        path = f"{quoted(self.account)}/messages"
        return await self.http.request("POST", path, self.token, body=body)


Trial = Callable[[Live], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One open question. ``trial`` is None for what cannot be tried without harm."""

    name: str
    question: str
    trial: Trial | None = None
    #: Whether a user has to be written to.
    writes: bool = False
    #: How it can be found out otherwise.
    how: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw; ``tried`` is False where it was not run, and ``seen`` says why."""

    account: str
    name: str
    question: str
    tried: bool
    seen: str


async def run_probes(live: Live) -> list[Observation]:
    """Runs all probes that can be run, one after the other: they share the account's rate."""
    return [await _observe(probe, live) for probe in PROBES]


async def _observe(probe: Probe, live: Live) -> Observation:
    tried, seen = False, probe.how
    if probe.trial is not None:
        if probe.writes and live.user is None:
            seen = "needs a user who agreed to get test messages: --live --user IGSID"
        else:
            tried = True
            try:
                seen = await probe.trial(live)
            except GraphError as error:
                seen = f"no answer: {error}"
    return Observation(live.account, probe.name, probe.question, tried, seen)


def outcome(answer: Answer) -> str:
    """Status and codes of an answer; nothing of its texts, which may name people."""
    error = answer.content.get("error") if isinstance(answer.content, dict) else None
    if not isinstance(error, dict):
        return f"HTTP {answer.status}"
    code, subcode = error.get("code", "no code"), error.get("error_subcode", "none")
    return f"HTTP {answer.status}, code {code}, subcode {subcode}"


async def _send_error(live: Live) -> str:
    return outcome(await live.send(_NOBODY, "x"))


async def _bad_token(live: Live) -> str:
    wrong = Live(live.account, live.token[:-1] + ("A" if live.token[-1] != "A" else "B"), live.http)
    return outcome(await wrong.get("me", fields="id"))


async def _quota(live: Live) -> str:
    path = f"{quoted(live.account)}/content_publishing_limit"
    answer = await live.get(path, fields="quota_usage,config")
    data = answer.content.get("data") if isinstance(answer.content, dict) else None
    if isinstance(data, list) and data and isinstance(data[0], dict):
        config = data[0].get("config")
        total = config.get("quota_total") if isinstance(config, dict) else None
        return f"{data[0].get('quota_usage')} of {total} used"
    return outcome(answer)


async def _usage(live: Live) -> str:
    answer = await live.get("me", fields="id")
    names = ("X-App-Usage", "X-Business-Use-Case-Usage")
    present = [name for name in names if name in answer.headers]
    return f"{' and '.join(present) or 'neither header'} came with /me"


async def _conversations(live: Live) -> str:
    path = f"{quoted(live.account)}/conversations"
    answer = await live.get(path, platform="instagram", limit="1")
    data = answer.content.get("data") if isinstance(answer.content, dict) else None
    return f"readable, {len(data)} listed of 1" if isinstance(data, list) else outcome(answer)


async def _edits(live: Live) -> str:
    answer = await live.get(f"{quoted(live.account)}/subscribed_apps")
    data = answer.content.get("data") if isinstance(answer.content, dict) else None
    if not isinstance(data, list):
        return outcome(answer)
    subscribed = any("message_edit" in str(one) for one in data)
    return "subscribed to" if subscribed else "not subscribed to: Meta refused it, or was not asked"


async def _reply(live: Live) -> str:
    return outcome(await live.send(live.user or "", _TEST_TEXT))


async def _messaging_type(live: Live) -> str:
    return outcome(await live.send(live.user or "", _TEST_TEXT, messaging_type="RESPONSE"))


async def _long_text(live: Live) -> str:
    return outcome(await live.send(live.user or "", "x" * 1001))


async def _echo_mid(live: Live) -> str:
    answer = await live.send(live.user or "", _TEST_TEXT)
    mid = answer.content.get("message_id") if isinstance(answer.content, dict) else None
    if not isinstance(mid, str):
        return outcome(answer)
    if live.store is None:
        return "sent; the store could not be read for its echo"
    try:
        async with asyncio.timeout(ECHO_SECONDS):
            while mid not in await live.store.users_of(live.account, [mid]):  # noqa: ASYNC110 - another process's doing
                await asyncio.sleep(0.5)
    except TimeoutError:
        return (
            f"no echo with the id that the send returned within {ECHO_SECONDS:g} s: either echoes "
            "have other ids, or the service does not run, or message_echoes is not subscribed to"
        )
    return "its echo has the id that the send returned"


#: What the fact sheet leaves open, in its order.
PROBES: Final[tuple[Probe, ...]] = (
    Probe(
        "signing_secret",
        "Which app secret signs webhooks of Instagram Login?",
        how="set one of VESTLUS_APP_SECRETS alone, start again and write to the account: 401s in "
        "vestlus_webhook_total say that it is the other",
    ),
    Probe(
        "webhook_retries",
        "Does Meta repeat webhooks for 36 hours, or unsubscribe after one?",
        how="not tried: it would cost the subscription",
    ),
    Probe(
        "echo_mid",
        "Has an echo the id that the send returned?",
        _echo_mid,
        writes=True,
    ),
    Probe(
        "standard_access",
        "May a user without a role in the app be answered with Standard Access?",
        _reply,
        writes=True,
    ),
    Probe(
        "conversations",
        "Can conversations be listed, by which missed messages are found?",
        _conversations,
    ),
    Probe(
        "message_edit",
        "Is message_edit a field that an account can be subscribed to?",
        _edits,
    ),
    Probe(
        "optins_and_handover",
        "What do messaging_optins and messaging_handover look like?",
        how="seen when they happen: events that nothing understands are kept as they came",
    ),
    Probe(
        "send_rate",
        "Is the limit 100 or 300 texts a second, and does it hold for pictures?",
        how="not tried: it would flood a user; 100 is kept to",
    ),
    Probe("usage_headers", "Which usage headers come with answers?", _usage),
    Probe(
        "long_text",
        "What does Meta say to a text of over 1000 bytes?",
        _long_text,
        writes=True,
    ),
    Probe(
        "messaging_type",
        "Is messaging_type taken with Instagram Login?",
        _messaging_type,
        writes=True,
    ),
    Probe("send_error", "Which HTTP status do errors of sends have?", _send_error),
    Probe("bad_token", "What does Meta say to a token that is none?", _bad_token),
    Probe("token_subcodes", "What are 190/464 and 190/492?", how="seen when they happen"),
    Probe("templates", "What are the limits of generic templates?", how="not tried: not used here"),
    Probe("publishing_quota", "How many posts a day may this account publish?", _quota),
    Probe(
        "failed_publishes",
        "Do failed posts count, and how are a caption's characters counted?",
        how="not tried: it would publish",
    ),
    Probe("escalation", "Is a way to a person a must?", how="Meta's App Review says"),
    Probe("sdk_host", "Can facebook-business call this host?", how="not tried: not used here"),
)
