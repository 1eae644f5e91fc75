"""Exchanging and refreshing tokens against real sockets: what is asked, and what is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from vestlus.errors import GraphError, NotSent, Refused, Throttled, TokenRejected
from vestlus.instagram.token_api import LongLivedToken, TokenApi, _long_lived

GIVEN = {"access_token": "new", "token_type": "bearer", "expires_in": 5_184_000}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def meta(handler: Handler) -> AsyncIterator[TokenApi]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with TokenApi(f"{address}/v25.0/", timeout=5) as api:
            yield api
    finally:
        await runner.cleanup()


async def test_both_are_asked_for_as_meta_documents_it_and_without_a_version() -> None:
    asked: list[tuple[str, str, dict[str, str], bool]] = []

    async def answer(request: web.Request) -> web.Response:
        bearer = "Authorization" in request.headers
        asked.append((request.method, request.path, dict(request.query), bearer))
        return web.json_response(GIVEN)

    async with meta(answer) as api:
        exchanged = await api.exchange("short+/=", "the secret")
        refreshed = await api.refresh("old")

    assert exchanged == refreshed == LongLivedToken("new", 5_184_000)
    assert "new" not in repr(exchanged)
    exchange = {
        "grant_type": "ig_exchange_token",
        "client_secret": "the secret",
        "access_token": "short+/=",
    }
    refresh = {"grant_type": "ig_refresh_token", "access_token": "old"}
    assert asked == [
        ("GET", "/access_token", exchange, False),
        ("GET", "/refresh_access_token", refresh, False),
    ]


async def test_whose_a_token_is_is_asked_with_the_version_and_the_token_in_a_header() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert (request.path, request.headers["Authorization"]) == ("/v25.0/me", "Bearer t")
        return web.json_response({"id": "9", "user_id": 17841400000000001, "username": "kohvik"})

    async with meta(answer) as api:
        me = await api.me("t")

    assert (me.id, me.user_id, me.username) == ("9", "17841400000000001", "kohvik")


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": 190, "error_subcode": 463}, TokenRejected("token_expired", 190, 463)),
        (400, {"code": 452}, Refused("graph_452", 452)),
        (400, {"code": 1}, NotSent("unknown_error", 1)),
        (400, {"code": 4}, Throttled("throttled", 4)),
        (503, None, NotSent("http_503")),
        (302, None, NotSent("http_302")),
    ],
)
async def test_what_meta_says_is_told_apart(
    status: int, error: dict[str, int] | None, expected: GraphError
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": error} if error else "no", status=status)

    async with meta(answer) as api:
        with pytest.raises(GraphError) as caught:
            await api.refresh("t")

    assert type(caught.value) is type(expected)
    assert caught.value.args[:3] == expected.args[:3]


async def test_a_cut_connection_may_be_tried_again_and_names_no_token() -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with meta(cut) as api:
        with pytest.raises(NotSent) as caught:
            await api.exchange("the-token", "the-secret")

    assert "the-" not in repr(caught.value) + str(caught.value.__cause__)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {**GIVEN, "access_token": ""},
        {**GIVEN, "access_token": "two words"},
        {**GIVEN, "access_token": "line\nend"},
        {**GIVEN, "access_token": 7},
        {**GIVEN, "expires_in": 0},
        {**GIVEN, "expires_in": -5},
        {**GIVEN, "expires_in": True},
        {**GIVEN, "expires_in": "soon"},
        {"access_token": "new"},
    ],
)
async def test_what_is_no_token_is_not_taken_for_one(content: object) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(content)

    async with meta(answer) as api:
        with pytest.raises(NotSent, match="answer_malformed"):
            await api.refresh("t")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"access_token": JSON, "expires_in": JSON}) | JSON)
def test_whatever_comes_is_a_usable_token_or_may_be_asked_for_again(content: Any) -> None:  # noqa: ANN401 - JSON
    try:
        gained = _long_lived(content)
    except NotSent:
        return
    assert gained.token.isascii()
    assert gained.token.isprintable()
    assert " " not in gained.token
    assert 0 < gained.seconds <= 400 * 86_400
