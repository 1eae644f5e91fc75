"""Fetching users' pictures: how much, how long, and how many at once."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.unit.media_pictures import encoded, opened, picture
from vestlus.instagram import media
from vestlus.instagram.media import (
    AT_ONCE,
    MAX_BYTES,
    MAX_REDIRECTS,
    MediaFetcher,
    Unusable,
    redrawn,
)

Handler = Callable[[web.Request], "web.StreamResponse"]


@dataclass
class MediaServer:
    """Serves what a test puts there, and counts what is asked for."""

    pages: dict[str, Callable[[web.Request], object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    host: str = ""

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        found = self.pages[request.path](request)
        if isinstance(found, web.StreamResponse):
            return found
        return await found  # type: ignore[no-any-return, misc]


@pytest.fixture
async def server() -> AsyncIterator[MediaServer]:
    serving = MediaServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", serving.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.host = f"127.0.0.1:{runner.addresses[0][1]}"
    yield serving
    await runner.cleanup()


@pytest.fixture
async def fetcher(server: MediaServer) -> AsyncIterator[MediaFetcher]:
    made = MediaFetcher([server.host])
    yield made
    await made.aclose()


async def test_a_picture_is_fetched_with_its_signature_as_it_is(
    server: MediaServer, fetcher: MediaFetcher
) -> None:
    server.pages["/p.png"] = lambda _: web.Response(body=encoded(picture()))
    found = await fetcher.picture(server.url("/p.png?asset=1&signature=Ab%2Bc%2F%3D"))
    assert opened(found).size == (30, 20)
    assert server.asked == ["/p.png?asset=1&signature=Ab%2Bc%2F%3D"]
    assert "Cookie" not in server.headers[0]
    assert "Authorization" not in server.headers[0]


async def test_redirects_are_followed_to_permitted_hosts_and_only_a_few(
    server: MediaServer, fetcher: MediaFetcher
) -> None:
    server.pages["/p.png"] = lambda _: web.Response(body=encoded(picture()))

    def to(place: str) -> Callable[[web.Request], web.Response]:
        return lambda _: web.Response(status=302, headers={"Location": place})

    server.pages["/relative"] = to("/p.png")
    server.pages["/absolute"] = to(server.url("/relative"))
    assert isinstance(await fetcher.picture(server.url("/absolute")), bytes)
    server.pages["/round"] = to("/round")
    assert await fetcher.picture(server.url("/round")) == Unusable.TOO_MANY_REDIRECTS
    assert server.asked.count("/round") == MAX_REDIRECTS + 1
    for place in (
        "http://127.0.0.1:9/x",
        "https://evil.com/p.png",
        "//evil.com/p.png",
        "file:///etc/passwd",
        "http://lookaside.fbsbx.com/x",
        "",
        "http://[",
    ):
        server.pages["/out"] = to(place)
        found = await fetcher.picture(server.url("/out"))
        assert found == (Unusable.ADDRESS if place else Unusable.TOO_MANY_REDIRECTS), place


@pytest.mark.parametrize("status", [204, 206, 401, 403, 404, 410, 500])
async def test_what_the_server_does_not_give_is_not_there(
    server: MediaServer, fetcher: MediaFetcher, status: int
) -> None:
    body = None if status == 204 else encoded(picture())
    server.pages["/p"] = lambda _: web.Response(status=status, body=body)
    assert await fetcher.picture(server.url("/p")) == Unusable.STATUS


async def test_too_much_is_not_read_whether_or_not_it_was_announced(
    server: MediaServer, fetcher: MediaFetcher
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"\x00" * 65536)
            sent += 65536

    server.pages["/endless"] = endless
    server.pages["/large"] = lambda _: web.Response(body=bytes(MAX_BYTES + 1))
    assert await fetcher.picture(server.url("/endless")) == Unusable.TOO_LARGE
    assert await fetcher.picture(server.url("/large")) == Unusable.TOO_LARGE
    assert sent < 4 * MAX_BYTES


async def test_what_is_packed_is_not_unpacked(server: MediaServer, fetcher: MediaFetcher) -> None:
    packed = zlib.compress(encoded(picture()))
    server.pages["/p"] = lambda _: web.Response(
        body=packed, headers={"Content-Encoding": "deflate"}
    )
    assert await fetcher.picture(server.url("/p")) == Unusable.NOT_A_PICTURE


async def test_a_slow_server_is_given_up(server: MediaServer) -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    server.pages["/p"] = silent
    fetcher = MediaFetcher([server.host], timeout_seconds=0.1)
    assert await fetcher.picture(server.url("/p")) == Unusable.TOO_SLOW
    await fetcher.aclose()


async def test_a_server_that_is_not_there_is_a_reason() -> None:
    fetcher = MediaFetcher(["127.0.0.1:9"])
    assert await fetcher.picture("http://127.0.0.1:9/p") == Unusable.UNREACHABLE
    await fetcher.aclose()


async def test_no_more_pictures_are_in_hand_than_there_is_room_for(
    server: MediaServer, fetcher: MediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand: list[int] = [0, 0]
    fetched = fetcher._fetched

    async def counted(url: str) -> bytes | Unusable:
        in_hand[0] += 1
        in_hand[1] = max(in_hand)
        await asyncio.sleep(0.01)
        try:
            return await fetched(url)
        finally:
            in_hand[0] -= 1

    monkeypatch.setattr(fetcher, "_fetched", counted)
    await asyncio.gather(*(fetcher.picture("http://elsewhere.invalid/") for _ in range(100)))
    assert in_hand == [0, AT_ONCE]


async def test_an_address_that_is_not_permitted_is_not_even_looked_up() -> None:
    fetcher = MediaFetcher()
    assert await fetcher.picture("http://127.0.0.1:9/p") == Unusable.ADDRESS
    assert fetcher._session is None
    await fetcher.aclose()


async def test_trouble_is_logged_without_the_address(fetcher: MediaFetcher) -> None:
    with capture_logs() as logs:
        await fetcher.picture("https://evil.com/?signature=SALADUS")
    assert [(log["event"], log["reason"]) for log in logs] == [("picture_not_usable", "address")]
    assert "SALADUS" not in repr(logs)


async def test_closing_twice_is_safe_and_nothing_is_fetched_afterwards(
    server: MediaServer, fetcher: MediaFetcher
) -> None:
    server.pages["/p"] = lambda _: web.Response(body=encoded(picture()))
    await fetcher.picture(server.url("/p"))
    await fetcher.aclose()
    await fetcher.aclose()
    assert await fetcher.picture(server.url("/p")) == Unusable.CLOSED


async def test_a_decoding_that_is_given_up_keeps_its_place_until_it_is_done(
    server: MediaServer, fetcher: MediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    started = threading.Semaphore(0)
    at_once, most = 0, 0
    counting = threading.Lock()

    def slow(content: bytes) -> bytes | Unusable:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        started.release()
        assert go_on.wait(10)
        with counting:
            at_once -= 1
        return redrawn(content)

    monkeypatch.setattr(media, "redrawn", slow)
    server.pages["/p"] = lambda _: web.Response(body=encoded(picture()))
    given_up = [asyncio.create_task(fetcher.picture(server.url("/p"))) for _ in range(2)]
    for _ in given_up:
        assert await asyncio.to_thread(started.acquire, timeout=10)
    for one in given_up:
        one.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    waiting = asyncio.create_task(fetcher.picture(server.url("/p")))
    assert not await asyncio.to_thread(started.acquire, timeout=0.3)
    go_on.set()
    assert opened(await waiting).size == (30, 20)
    assert most == 2


async def test_the_wait_to_be_decoded_is_not_taken_for_a_slow_server(
    server: MediaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(content: bytes) -> bytes | Unusable:
        assert go_on.wait(10)
        return redrawn(content)

    monkeypatch.setattr(media, "redrawn", slow)
    server.pages["/p"] = lambda _: web.Response(body=encoded(picture()))
    fetcher = MediaFetcher([server.host], timeout_seconds=0.5)
    waiting = asyncio.create_task(fetcher.picture(server.url("/p")))
    done, _ = await asyncio.wait([waiting], timeout=0.8)
    assert not done
    go_on.set()
    assert isinstance(await waiting, bytes)
    monkeypatch.setattr(media, "DECODE_SECONDS", 0.1)
    go_on.clear()
    assert await fetcher.picture(server.url("/p")) == Unusable.TOO_SLOW
    go_on.set()
    await fetcher.aclose()
