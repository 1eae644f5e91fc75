"""Moderation: what must not be answered, what must not be sent, and who may be in danger."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from opentelemetry.trace import SpanKind
from pydantic import BaseModel, ValidationError

from vestlus import tracing
from vestlus.assistant.breaker import CIRCUIT_OPEN, Breaker
from vestlus.assistant.failures import AttemptFailed, Reason
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.errors import AssistantError, AssistantUnavailable
from vestlus.settings_account import Account

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a moderator says of texts and pictures.

    ``flagged``: they must not be answered, or, being an answer, not be sent. ``emergency``: who
    wrote them may harm themselves. ``failed``: they could not all be looked at, for whatever
    reason; what else is said holds for those that could. ``categories``: everything that was
    found, also what may well be answered, in the moderator's own words.
    """

    flagged: bool
    emergency: bool
    failed: bool = False
    categories: frozenset[str] = frozenset()


NOTHING_FOUND: Final = Finding(flagged=False, emergency=False)


class Moderator(Protocol):
    """Looks at messages and answers."""

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        """Looks at all of them together. Never raises, and takes seconds at most.

        ``images``: files as they are. What goes wrong is logged and said by ``failed``.
        """
        ...


class NoModerator:
    """Looks at nothing: the account's wish."""

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        """See Moderator. Finds nothing."""
        del account, texts, images
        return NOTHING_FOUND


class ProviderModerator:
    """Leaves it to the filter of the model's provider, as Azure OpenAI has one.

    That one speaks where the model does: a filtered prompt or answer is an AssistantInvalid with
    the reason ``content_filter``, so there is nothing to ask beforehand.
    """

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        """See Moderator. Finds nothing."""
        del account, texts, images
        return NOTHING_FOUND


#: OpenAI, "Moderation": the model that takes pictures too. It costs nothing.
MODERATION_MODEL: Final = "omni-moderation-latest"

#: A user waits for it before the model has even begun.
CHECK_SECONDS: Final = 3.0

#: Who wrote this may harm themselves. OpenAI, "Moderation", "Content classifications".
EMERGENCY: Final = frozenset({"self-harm/intent", "self-harm/instructions"})

#: What a public desk does not answer. The milder categories are left out on purpose: an angry
#: citizen (``harassment``), a report of an accident (``violence``) and a question about the law
#: (``illicit``) are what people write to an institution about.
UNSAFE: Final = EMERGENCY | {
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit/violent",
    "sexual",
    "sexual/minors",
    "violence/graphic",
}


class _Result(BaseModel):
    #: Category to whether it was found; null where it was not looked for.
    categories: dict[str, bool | None]


class _Response(BaseModel):
    results: list[_Result]


class OpenAIModerator:
    """OpenAI's moderation endpoint, with the key and address of one connection.

    All texts go in one request and each picture in one of its own, as the endpoint takes no more,
    all at the same time. There are no retries: with ``seconds`` gone the finding is ``failed``,
    and an endpoint that is down is not waited for, thanks to the breaker.
    """

    def __init__(
        self, connection: OpenAIConnection, breaker: Breaker, *, seconds: float = CHECK_SECONDS
    ) -> None:
        self._connection = connection
        self._breaker = breaker
        self._seconds = seconds

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        """See Moderator."""
        inputs: list[list[object]] = [[_image(image)] for image in images]
        if written := [_sendable(text) for text in texts if text.strip()]:
            inputs.insert(0, list(written))
        found = await asyncio.gather(*(self._categories(account, one) for one in inputs))
        categories = frozenset[str]().union(*(one for one in found if one is not None))
        return Finding(
            flagged=bool(categories & UNSAFE),
            emergency=bool(categories & EMERGENCY),
            failed=None in found,
            categories=categories,
        )

    async def _categories(self, account: Account, given: list[object]) -> frozenset[str] | None:
        """What was found in one request's input; None if that cannot be told."""
        try:
            body = await self._breaker.run(lambda: self._post(given))
            response = _Response.model_validate_json(body)
        except AssistantError as error:
            if error.reason != CIRCUIT_OPEN:  # the breaker has said so itself
                _log.warning("moderation_failed", account=account.id, reason=error.reason)
            return None
        except ValidationError:
            reason = Reason.MALFORMED_RESPONSE.value
            _log.warning("moderation_failed", account=account.id, reason=reason)
            return None
        # One result for each text, one for a list of parts.
        if len(response.results) != len(given):
            reason = Reason.MALFORMED_RESPONSE.value
            _log.warning("moderation_failed", account=account.id, reason=reason)
            return None
        return frozenset(
            name for one in response.results for name, found in one.categories.items() if found
        )

    async def _post(self, given: list[object]) -> bytes:
        body: dict[str, object] = {"model": MODERATION_MODEL, "input": given}
        try:
            with tracing.here("moderation", SpanKind.CLIENT):
                async with asyncio.timeout(self._seconds):
                    return await self._connection.post("/moderations", body, optional=frozenset())
        except TimeoutError:
            raise AssistantUnavailable(Reason.TIMEOUT.value) from None
        except AttemptFailed as failed:
            raise failed.error from None


class ModeratorByAccount:
    """The moderator that each account asks for with its setting ``moderation``.

    ``auto`` is OpenAI's endpoint where ``own_server`` is false, which is when OPENAI_BASE_URL is
    not set, and the provider's own filter elsewhere: other servers seldom have the endpoint.
    ``connection`` gives the connection with an account's key, the same one for the same key:
    each has a breaker of its own, lest one account's bad key silence the others' moderation.
    """

    def __init__(
        self,
        connection: Callable[[Account], OpenAIConnection],
        *,
        own_server: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._own_server = own_server
        self._monotonic = monotonic
        self._openai: dict[OpenAIConnection, OpenAIModerator] = {}
        self._provider = ProviderModerator()
        self._off = NoModerator()

    async def check(
        self, account: Account, texts: Sequence[str], images: Sequence[bytes] = ()
    ) -> Finding:
        """See Moderator."""
        return await self._moderator(account).check(account, texts, images)

    def _moderator(self, account: Account) -> Moderator:
        match account.moderation:
            case "off":
                return self._off
            case "provider":
                return self._provider
            case "auto" if self._own_server:
                return self._provider
            case "auto" | "openai":
                connection = self._connection(account)
                if connection not in self._openai:
                    breaker = Breaker(self._monotonic, name="moderation")
                    self._openai[connection] = OpenAIModerator(connection, breaker)
                return self._openai[connection]


def _sendable(text: str) -> str:
    """Instagram cuts long texts at times in the middle of a surrogate pair, which is not UTF-8."""
    return text.encode("utf-8", errors="replace").decode()


def _image(data: bytes) -> dict[str, object]:
    url = f"data:{_media_type(data)};base64,{base64.b64encode(data).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


#: How files of the formats that Instagram sends begin.
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def _media_type(data: bytes) -> str:
    """By the first bytes; JPEG, which nearly all are, where these say nothing."""
    return next((kind for start, kind in _BEGINNINGS if data.startswith(start)), "image/jpeg")
