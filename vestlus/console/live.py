"""Pages that follow what happens: a stream of server-sent events for each (the HTML standard,
"Server-sent events").

A stream says only *that* something is new; the page then fetches the part of itself that may have
changed, as its reader may see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from itertools import count
from typing import Final, Self

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import PlainTextResponse, Response

from vestlus.errors import StoreUnavailable

#: Streams of one replica. Each looks at the store once in a while.
MOST_STREAMS: Final = 100
EVERY_SECONDS: Final = 1.0
#: A stream ends by itself, and the browser comes again: with a session that may have ended.
LONGEST_SECONDS: Final = 300.0

#: Looks between two at whether the page's reader is still signed in.
_LOOKS_A_CHECK: Final = 5
#: For a browser without our script: it comes again after so long, milliseconds.
_COME_AGAIN_MS: Final = 60_000

#: What a page shows, as a word that changes when that does.
Look = Callable[[], Awaitable[str]]

_ENDED: Final = ServerSentEvent(data="ended", event="ended", retry=_COME_AGAIN_MS)
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Following(EventSourceResponse):
    """A stream of a page. It ends with an event ``ended`` when its reader's session does."""

    def __init__(self, events: Callable[[Self], AsyncIterator[ServerSentEvent]]) -> None:
        self._may: Callable[[], Awaitable[bool]] | None = None
        super().__init__(events(self), ping=15, headers=dict(_HEADERS))

    def ends_unless(self, may: Callable[[], Awaitable[bool]]) -> None:
        """The stream is for whoever may see it, for as long as they may."""
        self._may = may

    async def is_over(self) -> bool:
        """Whether its reader may not see it any more."""
        try:
            return self._may is not None and not await self._may()
        except StoreUnavailable:
            # Nobody can tell; nothing new is shown meanwhile either.
            return False


def ended_at_once() -> Response:
    """The stream of somebody who is not signed in."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        yield _ENDED

    return EventSourceResponse(events(), headers=dict(_HEADERS))


class Streams:
    """All streams of one replica."""

    def __init__(self, *, most: int = MOST_STREAMS, every_seconds: float = EVERY_SECONDS) -> None:
        self._most = most
        self._every = every_seconds
        self._open = 0

    def follow(self, look: Look) -> Response:
        """A stream with an event ``new`` each time that ``look`` says something else."""
        if self._open >= self._most:
            return PlainTextResponse(
                "too many pages are open\n",
                status_code=HTTPStatus.SERVICE_UNAVAILABLE,
                headers={"retry-after": "10"},
            )
        return Following(lambda stream: self._events(look, stream))

    async def _events(self, look: Look, stream: Following) -> AsyncIterator[ServerSentEvent]:
        self._open += 1
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                seen = await _seen(look)
                # Between the page and its stream something may have happened.
                yield ServerSentEvent(data=seen or "?", event="new")
                for looks in count(1):
                    await asyncio.sleep(self._every)
                    if looks % _LOOKS_A_CHECK == 0 and await stream.is_over():
                        yield _ENDED
                        return
                    now = await _seen(look)
                    if now is not None and now != seen:
                        seen = now
                        yield ServerSentEvent(data=now, event="new")
        except TimeoutError:
            return
        finally:
            self._open -= 1


async def _seen(look: Look) -> str | None:
    try:
        return await look()
    except StoreUnavailable:
        # The page stays as it is until the store is back.
        return None
