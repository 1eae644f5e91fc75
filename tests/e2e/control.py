"""The simulator's control API, for those who ask it many things at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp


class Control:
    """A client of the control API of one simulator. Errors are aiohttp's."""

    def __init__(self, simulator: str, session: aiohttp.ClientSession) -> None:
        """``simulator`` is its address; the session is its owner's to close."""
        self._simulator = simulator
        self._session = session

    async def call(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Calls it; a body makes it a POST."""
        url = f"{self._simulator}/control/{path}"
        method = "GET" if body is None else "POST"
        async with self._session.request(method, url, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def told(self) -> AsyncIterator[dict[str, Any]]:
        """Each message to a user from now on, without end."""
        after = int((await self.call("info"))["seq"])
        while True:
            found = await self.call(f"feed?after={after}&direction=out&timeout=20")
            for message in found["messages"]:
                after = max(after, int(message["seq"]))
                yield message
