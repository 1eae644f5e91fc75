"""The webhook's HTTP route: bare ASGI, because every message of every user passes here.

``GET`` is Meta's handshake (Meta, "Webhooks: setup"). ``POST`` answers 200 only after the bus has
confirmed that the events are durable; anything else makes Meta deliver again:

========  ==================================================================
200       durable (or nothing in it)
400       not a webhook
401       the signature is missing or wrong; one answer for every way of it
403       handshake refused
405       neither GET nor POST
408       the body did not arrive in time
413       larger than ``MAX_BODY_BYTES``
503       not durable now: the bus did not confirm, or too much is on its way
========  ==================================================================
"""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import structlog
from starlette.types import Receive, Scope, Send

from vestlus.bus.port import Bus
from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.errors import BusUnavailable, NotWebhook, SignatureRejected
from vestlus.instagram import handshake, signature
from vestlus.instagram.asgi import (
    ClientGone,
    HttpRefusal,
    Room,
    Share,
    header_values,
    read_body,
    respond,
)
from vestlus.instagram.parsing import parse_webhook
from vestlus.instagram.publishing_events import publish_events
from vestlus.instagram.webhook_traces import taken_in
from vestlus.log_context import About
from vestlus.tracing import moment

_log = structlog.get_logger(__name__)

WEBHOOK_PATH: Final = "/webhook"

#: A POST of Meta's has at most 1000 updates. A text of 1000 characters takes 6 kB in Meta's
#: escaped form at worst; captures have under 1 kB an update. 4 MiB leaves 4 kB for each.
MAX_BODY_BYTES: Final = 4 * 1024 * 1024

#: Bytes of a body that always have room: a POST with one update has a few hundred.
FREE_BYTES: Final = 64 * 1024

#: What bodies may take beyond that, in one process, from their first byte until they are durable.
#: 16 of the largest; what is parsed of them takes some times as much.
ROOM_BYTES: Final = 64 * 1024 * 1024

#: Bodies arrive in one piece from Meta; who takes longer than this only holds memory.
READ_TIMEOUT_SECONDS: Final = 10.0

#: Meta waits 5 s for a 200 (Meta, "Messenger Platform webhooks"): a later one helps nobody.
PUBLISH_TIMEOUT_SECONDS: Final = 4.0

#: POSTs that wait for the bus at a time. At 3,000 confirms a second it holds under a second's
#: work; beyond, waiting would end in Meta's timeout.
MAX_IN_FLIGHT: Final = 1000


def _nobody_told(_: Collection[str]) -> None:
    """There is nobody who could ask Instagram."""


class WebhookHandler:
    """The ASGI application behind ``/webhook``, for one process.

    A publish that has begun goes on when the client disconnects or the request is cancelled, as
    Ray Serve does: Meta counts the delivery as failed and sends it again, and both are known by
    the same keys. ``async with`` waits at its end for what has begun.

    ``on_counts`` gets what each request came to, and what events became durable: names like
    ``request_accepted``, ``request_signature_mismatch`` and ``event_message``, and how many.
    ``on_refused`` gets the accounts of whose events some got a 503: Meta may give them up.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str],
        verify_token: str,
        bus: Bus,
        partitions: int,
        clock: Clock,
        on_counts: Callable[[Mapping[str, int]], None],
        on_refused: Callable[[Collection[str]], None] = _nobody_told,
        publish_timeout: float = PUBLISH_TIMEOUT_SECONDS,
        read_timeout: float = READ_TIMEOUT_SECONDS,
        max_in_flight: int = MAX_IN_FLIGHT,
        room_bytes: int = ROOM_BYTES,
    ) -> None:
        self._secrets = tuple(secrets)
        self._verify_token = verify_token.encode()
        self._bus = bus
        self._partitions = partitions
        self._clock = clock
        self._on_counts = on_counts
        self._on_refused = on_refused
        self._publish_timeout = publish_timeout
        self._read_timeout = read_timeout
        self._max_in_flight = max_in_flight
        self._room = Room(size=room_bytes, free=FREE_BYTES)
        self._in_flight: set[asyncio.Task[str]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Each of them ends by itself within the publish timeout.
        while self._in_flight:
            await asyncio.wait(self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        try:
            status, body = HTTPStatus.OK, await self._handle(scope, receive)
        except ClientGone:
            self._count_request("client_gone")
            return
        except HttpRefusal as refused:
            self._count_request(refused.outcome)
            status, body = refused.status, refused.status.phrase.encode()
        await respond(send, status, body)

    async def _handle(self, scope: Scope, receive: Receive) -> bytes:
        match scope["method"]:
            case "POST":
                await self._deliver(scope, receive)
                # Nobody reads it, and a body would be one more packet for the proxy before us.
                return b""
            case "GET":
                challenge = handshake.challenge(scope, self._verify_token)
                self._count_request("handshake_accepted")
                return challenge
            case _:
                raise HttpRefusal(HTTPStatus.METHOD_NOT_ALLOWED, "method")

    async def _deliver(self, scope: Scope, receive: Receive) -> None:
        """Returns when the events of the request are durable."""
        share = self._room.share()
        try:
            publishing = await self._begin(scope, receive, share)
        except BaseException:
            share.close()
            raise
        if publishing is None:
            share.close()
            self._count_request("empty")
            return
        # The publish may outlive the request, and what it publishes takes room until then.
        publishing.add_done_callback(lambda _: share.close())
        # Waiting for a task does not cancel it when the waiting is cancelled.
        await asyncio.wait((publishing,))
        outcome = publishing.result()
        if outcome != "accepted":
            raise HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, outcome)

    async def _begin(
        self, scope: Scope, receive: Receive, share: Share
    ) -> asyncio.Task[str] | None:
        """The publish of what the request holds, begun; ``None`` when it holds nothing."""
        began = moment()
        header = _signature_header(scope)
        body = await read_body(
            scope, receive, share, limit=MAX_BODY_BYTES, seconds=self._read_timeout
        )
        try:
            signature.verify(body, header, self._secrets)
            events = parse_webhook(body)
        except SignatureRejected as error:
            raise HttpRefusal(HTTPStatus.UNAUTHORIZED, error.reason) from error
        except NotWebhook as error:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST, error.reason) from error
        if not events:
            return None
        if len(self._in_flight) >= self._max_in_flight:
            self._on_refused({event.account for event in events})
            raise HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy")
        with About(events=events):
            publishing = asyncio.create_task(self._publish(events, began), name="publish webhook")
        self._in_flight.add(publishing)
        publishing.add_done_callback(self._in_flight.discard)
        return publishing

    async def _publish(self, events: tuple[Event, ...], began: int) -> str:
        """Makes the events durable and says what came of it.

        The outcome is logged or counted here, where it is seen whether or not the request is
        still being waited for. ``began``: when the request did, for traces.
        """
        try:
            with taken_in(events, began) as traced:
                async with asyncio.timeout(self._publish_timeout):
                    await publish_events(
                        self._bus, traced, partitions=self._partitions, at_ms=self._clock()
                    )
        except (BusUnavailable, TimeoutError) as error:
            outcome = "bus_timeout" if isinstance(error, TimeoutError) else "bus_unavailable"
            _log.warning("webhook_not_durable", outcome=outcome, events=len(events))
        except Exception as error:  # noqa: BLE001 - the boundary of a task nobody may be awaiting
            # The message of an error not expected here might quote what was to be published.
            outcome = "publish_failed"
            where = traceback.extract_tb(error.__traceback__)[-1]
            _log.error(
                "webhook_publish_failed",
                error=type(error).__name__,
                where=f"{where.name}:{where.lineno}",
                events=len(events),
            )
        else:
            outcome = "accepted"
            kinds = Counter(f"event_{event.kind}" for event in events)
            self._on_counts({**kinds, "request_accepted": 1})
            _log.debug("webhook_durable", events=len(events))
        if outcome != "accepted":
            self._on_refused({event.account for event in events})
        return outcome

    def _count_request(self, outcome: str) -> None:
        self._on_counts({f"request_{outcome}": 1})


def _signature_header(scope: Scope) -> str | None:
    """The one signature. Two of them might be read as another one by whoever stands before us."""
    values = header_values(scope, signature.HEADER)
    if len(values) > 1:
        raise HttpRefusal(HTTPStatus.UNAUTHORIZED, "signature_repeated")
    return values[0].decode("latin-1") if values else None
