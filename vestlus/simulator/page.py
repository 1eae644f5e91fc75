"""The chat page: its files, and the stream of what happens in one conversation."""

import asyncio
import json
from contextlib import suppress
from importlib.resources import files

from aiohttp import web

from vestlus.simulator.control_input import account_id, user_id
from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject
from vestlus.simulator.media import MediaStore
from vestlus.simulator.state import State

# What the page shows of a long conversation.
NEWEST = 200
# Shorter than the idle limits of browsers and proxies.
KEEP_ALIVE_SECONDS = 15.0
CONTENT_TYPES = {
    "index.html": "text/html",
    "chat.css": "text/css",
    "chat.js": "text/javascript",
    "messages.js": "text/javascript",
    "composer.js": "text/javascript",
    "grid.html": "text/html",
    "grid.css": "text/css",
    "grid.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob: http: https:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


class ChatPage:
    """Serves the page; writing goes through the control API."""

    def __init__(self, state: State, media: MediaStore) -> None:
        self._state = state
        self._media = media
        self._stopping = asyncio.Event()
        folder = files("vestlus.simulator") / "static"
        self._files = {name: (folder / name).read_bytes() for name in CONTENT_TYPES}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/", self.file),
            web.get("/grid", self.grid),
            web.get("/static/{name}", self.file),
            web.get("/media/{id}", self._media.serve),
            web.get("/page/events", self.events),
        ]

    def stop(self) -> None:
        """End all event streams, so that the server can close."""
        self._stopping.set()

    async def file(self, request: web.Request) -> web.Response:
        """Answer with the page or a part of it."""
        return self._file(request.match_info.get("name", "index.html"))

    async def grid(self, _request: web.Request) -> web.Response:
        """Answer with the page of what was published."""
        return self._file("grid.html")

    def _file(self, name: str) -> web.Response:
        if name not in self._files:
            raise web.HTTPNotFound
        headers = {
            "Content-Security-Policy": SECURITY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        }
        return web.Response(
            body=self._files[name],
            content_type=CONTENT_TYPES[name],
            charset="utf-8",
            headers=headers,
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream a conversation: the newest messages, then whatever changes.

        A browser that reconnects gets the newest messages again and replaces what it has, so no
        place in the stream need be remembered.
        """
        try:
            account = account_id(self._state, request.query.get("account"))
            user = user_id(request.query.get("user"))
        except BadInputError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the browser closed the page
            await self._tell(response, account, user)
        return response

    async def _tell(self, response: web.StreamResponse, account: str, user: str) -> None:
        shown: dict[int, JsonObject] = {}
        kind = "snapshot"
        with self._state.watch((account, user)) as changed:
            while not self._stopping.is_set():
                changed.clear()
                thread = self._state.thread(account, user)
                newest = {each.seq: each.to_json() for each in thread.messages[-NEWEST:]}
                new: list[Json] = [body for seq, body in newest.items() if shown.get(seq) != body]
                shown = newest
                body: JsonObject = {"messages": new, **self._state.thread_state(thread)}
                await response.write(f"event: {kind}\ndata: {json.dumps(body)}\n\n".encode())
                kind = "change"
                while not await self._woken(changed):
                    await response.write(b": still here\n\n")

    async def _woken(self, changed: asyncio.Event) -> bool:
        """Wait for a change or the end; False when it is time to show that the line is alive."""
        waits = {asyncio.create_task(event.wait()) for event in (changed, self._stopping)}
        try:
            done, _ = await asyncio.wait(
                waits, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
        return bool(done)
