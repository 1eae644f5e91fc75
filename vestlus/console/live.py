"""Pages that follow what happens: a stream of server-sent events for each (the HTML standard,
"Server-sent events").

A stream says only *that* something is new; the page then fetches the part of itself that may have
changed, as its reader may see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import PlainTextResponse, Response

from vestlus.errors import StoreUnavailable

#: Streams of one replica. Each looks at the store once in a while.
MOST_STREAMS: Final = 100
EVERY_SECONDS: Final = 1.0
#: A stream ends by itself, and the browser comes again: with a session that may have ended.
LONGEST_SECONDS: Final = 300.0

#: What a page shows, as a word that changes when that does.
Look = Callable[[], Awaitable[str]]


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
        return EventSourceResponse(
            self._events(look),
            ping=15,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(self, look: Look) -> AsyncIterator[ServerSentEvent]:
        self._open += 1
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                seen = await _seen(look)
                # Between the page and its stream something may have happened.
                yield ServerSentEvent(data=seen or "?", event="new")
                while True:
                    await asyncio.sleep(self._every)
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
