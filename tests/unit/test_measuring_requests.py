"""How long requests take is told by route and status, of few words whatever is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from image_bank.links import MEDIA_PATH
from tests.fakes.measures import measured as at
from vestlus.console.guarding import SIGN_IN
from vestlus.console.operations import API
from vestlus.console.rendering import STATIC_PATH
from vestlus.measuring.requests import measured, route_of
from vestlus.planning.http import EVENTS_PATH
from vestlus.privacy.http import DEAUTHORIZE_PATH
from vestlus.privacy.operations import DATA_DELETION_PATH

ROUTES = {
    "webhook",
    "media",
    "events",
    "api",
    "sign_in",
    "console_files",
    "console",
    "data_deletion",
    "deauthorize",
    "metrics",
    "probes",
    "other",
}


async def answered(app: Any, path: str = "/console") -> list[dict[str, Any]]:  # noqa: ANN401 - ASGI
    """What the client gets of one request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's message
        sent.append(message)

    await measured(app, {"type": "http", "path": path}, receive, send)
    return sent


def count(route: str, status: str) -> float:
    return at("vestlus_request_seconds_count", route=route, status=status)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/webhook", "webhook"),
        (f"{MEDIA_PATH}x.png", "media"),
        (f"{EVENTS_PATH}order", "events"),
        (f"{API}/posts", "api"),
        (SIGN_IN, "sign_in"),
        (f"{STATIC_PATH}/x/style.css", "console_files"),
        ("/console/conversations/17", "console"),
        (f"{DATA_DELETION_PATH}/AAAA", "data_deletion"),
        (DEAUTHORIZE_PATH, "deauthorize"),
        ("/metrics", "metrics"),
        ("/readyz", "probes"),
        ("/17841400000004821", "other"),
    ],
)
def test_each_surface_is_a_route(path: str, route: str) -> None:
    assert route_of(path) == route


@given(st.sampled_from(["", "/api/", "/console/", "/media/"]), st.text())
def test_no_path_makes_a_word_of_its_own(start: str, rest: str) -> None:
    assert route_of(start + rest) in ROUTES


async def test_an_answer_is_counted_once_with_its_status_when_it_begins() -> None:
    before = count("console", "204")
    seen: list[float] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        # A stream is told before it ends.
        seen.append(count("console", "204"))
        await send({"type": "http.response.body", "body": b""})

    assert [one["type"] for one in await answered(app)] == [
        "http.response.start",
        "http.response.body",
    ]
    assert seen == [before + 1]
    assert count("console", "204") == before + 1


async def test_a_request_without_an_answer_is_counted_as_such() -> None:
    before = count("webhook", "none")

    async def gone(_: Scope, __: Receive, ___: Send) -> None:
        """The client went away."""

    async def broken(_: Scope, __: Receive, ___: Send) -> None:
        raise ZeroDivisionError

    assert await answered(gone, "/webhook") == []
    with pytest.raises(ZeroDivisionError):
        await answered(broken, "/webhook")
    assert count("webhook", "none") == before + 2
