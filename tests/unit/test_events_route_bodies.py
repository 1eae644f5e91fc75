"""Bodies of events that are no object, too large or late, and any made up at random."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.events_desk import BODY, JSON, SHOP, Desk, Headers, desk, told
from vestlus.planning.payloads import LARGEST

__all__ = ["desk"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "one JSON object"),
        (b'{"a":1,"a":2}', "stands twice"),
        (b'{"a":NaN}', "NaN"),
        (b"[" * 60_000, "deep"),
        (b"\xff", "UTF-8"),
        (b"title=T", "not JSON"),
    ],
)
async def test_what_is_no_object_is_a_bad_request_and_says_why(
    desk: Desk, body: bytes, said: str
) -> None:
    answer = await desk.post(body)
    assert (answer.status, told(answer)["error"]) == (400, "body")
    assert said in told(answer)["problem"]
    assert desk.store.rows == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 202),
        ([(b"content-type", b"application/json; charset=UTF-8")], 202),
        ([(b"content-type", b'application/json;charset="utf-8"')], 202),
        ([(b"content-type", b"application/cloudevents+json")], 202),
        ([(b"content-encoding", b"identity"), JSON], 202),
        ([(b"content-type", b"application/json; charset=latin-1")], 415),
        ([(b"content-type", b"application/x-www-form-urlencoded")], 415),
        ([(b"content-type", b"text/plain")], 415),
        ([(b"content-type", b"")], 415),
        ([(b"content-type", b"\xff")], 415),
        ([JSON, JSON], 415),
        ([(b"content-encoding", b"gzip"), JSON], 415),
    ],
)
async def test_only_json_is_taken(desk: Desk, headers: Headers, status: int) -> None:
    assert (await desk.post(headers=(SHOP, *headers))).status == status


async def test_a_body_over_the_limit_is_refused_unread(desk: Desk) -> None:
    length = (b"content-length", str(LARGEST + 1).encode())
    async with asyncio.timeout(2):
        answer = await desk.ask(headers=(SHOP, JSON, length), messages=())
    assert (answer.status, told(answer)["error"]) == (413, "too_large")
    assert (await desk.post(BODY.ljust(LARGEST + 1))).status == 413
    assert (await desk.post(BODY.ljust(LARGEST))).status == 202


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    desk = Desk(read_timeout=0.01)
    piece: dict[str, object] = {"type": "http.request", "body": b"{", "more_body": True}
    assert (await desk.ask(messages=[piece])).status == 408


async def test_a_client_that_went_away_gets_no_answer_and_nothing_is_recorded(
    desk: Desk,
) -> None:
    piece: dict[str, object] = {"type": "http.request", "body": BODY, "more_body": True}
    answer = await desk.ask(messages=[piece, {"type": "http.disconnect"}])
    assert (answer.status, desk.store.rows) == (0, {})
    assert desk.counts == {"client_gone": 1}


NAMES = st.sampled_from(
    [b"authorization", b"content-type", b"content-length", b"idempotency-key", b"content-encoding"]
)


@settings(max_examples=80, deadline=None)
@given(
    method=st.sampled_from(["POST", "GET", "BREW"]),
    path=st.text(max_size=20),
    headers=st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=3),
    is_known=st.booleans(),
    pieces=st.lists(st.binary(max_size=20), min_size=1, max_size=3),
)
def test_no_request_made_up_does_harm(
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    *,
    is_known: bool,
    pieces: list[bytes],
) -> None:
    async def scenario() -> None:
        desk = Desk()
        messages: list[dict[str, object]] = [
            {"type": "http.request", "body": one, "more_body": True} for one in pieces
        ]
        messages[-1]["more_body"] = False
        own = [SHOP] if is_known else []
        answer = await desk.ask(
            method=method, path=f"/events/{path}", headers=[*own, *headers], messages=messages
        )
        assert answer.status in (400, 401, 404, 405, 413, 415)
        assert told(answer)["problem"]
        assert desk.store.fired == []
        if answer.status != 404:
            assert desk.store.rows == {}

    asyncio.run(scenario())


@settings(max_examples=60, deadline=None)
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["T", "\ud800"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["title", "a", "\x00"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_taken_or_refused_and_recorded_as_it_was(body: object) -> None:
    async def scenario() -> None:
        desk = Desk()
        answer = await desk.post(json.dumps({"title": "T", "more": body}).encode())
        assert answer.status in (202, 400)
        if answer.status == 202:
            (row,) = desk.store.rows.values()
            assert json.loads(row.payload) == {"title": "T", "more": body}

    asyncio.run(scenario())
