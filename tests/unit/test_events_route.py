"""What ``POST /events/{name}`` answers, and what it has done by then."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.triggers import MemoryTriggers
from tests.unit.webhook_front import Answer
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk
from vestlus.planning.http import EventsRoute
from vestlus.planning.payloads import LARGEST
from vestlus.settings import Settings
from vestlus.store.plan_port import Triggers

NOW_MS = 1_772_359_200_000  # 2026-03-01T10:00:00Z
TOKENS = ("shop=the-token-of-the-shop", "till=the-token-of-the-till", "shop=an-older-one")
BODY = b'{"title":"T"}'
RULES = [
    {
        "name": "novel",
        "event": "arrival",
        "tags": ["books"],
        "account": "1",
        "payload": {"required": ["title"], "properties": {"title": {"type": "string"}}},
        "delay_minutes": 5,
    },
    {
        "name": "rare",
        "event": "arrival",
        "tags": ["rare"],
        "account": "1",
        "when": "event.title == 'Rare'",
        "payload": {"properties": {"title": {"type": "string"}}},
    },
]
READY = rules_of(Settings.model_validate({"event_rules": RULES}))

Headers = Sequence[tuple[bytes, bytes]]


def bearer(token: str) -> tuple[bytes, bytes]:
    return (b"authorization", b"Bearer " + token.encode())


SHOP = bearer("the-token-of-the-shop")
JSON = (b"content-type", b"application/json")


class Desk:
    """The route over a store in memory, what it counted, and a way to ask it."""

    def __init__(self, *, tokens: Sequence[str] = TOKENS, **changed: Any) -> None:  # noqa: ANN401
        sources = Settings.model_validate({"event_tokens": tuple(tokens)}).event_sources
        self.counts: Counter[str] = Counter()
        self.store = MemoryTriggers()
        self.is_there = True
        arguments: dict[str, Any] = {
            "sources": sources,
            "desk": EventDesk(READY, lambda: NOW_MS),
            "store": self._found,
            "on_counts": self.counts.update,
        }
        self.route = EventsRoute(**{**arguments, **changed})

    def _found(self) -> Triggers | None:
        return self.store if self.is_there else None

    async def ask(
        self,
        *,
        method: str = "POST",
        path: str = "/events/arrival",
        headers: Headers = (SHOP, JSON),
        messages: Iterable[dict[str, object]],
    ) -> Answer:
        answer = Answer()
        incoming = iter(messages)

        async def receive() -> Any:  # noqa: ANN401 - ASGI's message
            try:
                return next(incoming)
            except StopIteration:
                return await asyncio.Event().wait()

        scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        await self.route(scope, receive, answer.send)
        return answer

    async def post(
        self,
        body: bytes = BODY,
        *more: tuple[bytes, bytes],
        **changed: Any,  # noqa: ANN401
    ) -> Answer:
        """Sends an event of the shop's, with more headers."""
        changed.setdefault("headers", (SHOP, JSON, *more))
        message: dict[str, object] = {"type": "http.request", "body": body, "more_body": False}
        return await self.ask(messages=[message], **changed)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def key(value: str) -> tuple[bytes, bytes]:
    return (b"idempotency-key", value.encode())


def told(answer: Answer) -> Any:  # noqa: ANN401 - any JSON
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.body)
    return json.loads(answer.body)


async def test_an_event_is_recorded_and_each_rules_outcome_told(desk: Desk) -> None:
    answer = await desk.post()
    assert answer.status == 202
    (row,) = desk.store.rows.values()
    (fired,) = desk.store.fired
    assert told(answer) == {
        "id": row.id,
        "outcomes": [
            {
                "rule": "novel",
                "result": "planned",
                "due_at": "2026-03-01T10:05:00Z",
                "occurrence": fired.occurrence.id,
            },
            {
                "rule": "rare",
                "result": "not_applied",
                "reason": "condition",
                "problem": "`when` does not hold for this event",
            },
        ],
    }
    assert (row.source, row.name, row.payload) == ("shop", "arrival", BODY.decode())
    assert desk.counts == {"taken": 1}


async def test_the_token_says_who_sent_it_and_no_header_does(desk: Desk) -> None:
    claims = (
        (b"x-source", b"till"),
        (b"traceparent", b"00-" + b"1" * 32 + b"-2222222222222222-01"),
    )
    await desk.post(BODY, *claims)
    await desk.post(headers=(bearer("the-token-of-the-till"), JSON))
    await desk.post(headers=(bearer("an-older-one"), JSON))
    rows = list(desk.store.rows.values())
    assert [row.source for row in rows] == ["shop", "till", "shop"]
    assert "1" * 32 not in rows[0].traceparent


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"the-token-of-the-shop")],
        [(b"authorization", b"Basic the-token-of-the-shop")],
        [(b"authorization", b"Bearer the-token-of-the-shop x")],
        [(b"authorization", b"Bearer \xff")],
        [bearer("the-token-of-the-shop,the-token-of-the-till")],
        [bearer("shop=the-token-of-the-shop")],
        [bearer("the-token-of-the-sho")],
        [bearer("THE-TOKEN-OF-THE-SHOP")],
        [SHOP, SHOP],
        [SHOP, bearer("another")],
        [(b"x-authorization", b"Bearer the-token-of-the-shop")],
    ],
)
async def test_without_the_right_token_all_get_the_same_answer(
    desk: Desk, headers: Headers
) -> None:
    # There is nothing to receive: reading the body would wait for ever.
    async with asyncio.timeout(2):
        answer = await desk.ask(headers=[*headers, JSON], messages=())
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert told(answer)["error"] == "token"
    assert "shop" not in answer.body.decode()
    assert desk.store.rows == {}


async def test_the_scheme_is_written_in_any_case(desk: Desk) -> None:
    headers = ((b"authorization", b"bEARER  the-token-of-the-shop"), JSON)
    assert (await desk.post(headers=headers)).status == 202


async def test_without_tokens_there_is_no_such_route() -> None:
    desk = Desk(tokens=())
    assert (await desk.post()).status == 404
    assert (await desk.post(headers=(bearer(""), JSON))).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post"])
async def test_other_methods_are_not_allowed(desk: Desk, method: str) -> None:
    answer = await desk.post(method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "name",
    ["departure", "", "Arrival", "arrival/", "arrival/x", "õ", "../arrival", "\x00", "\udcff"],
)
async def test_an_unknown_event_is_not_found_and_recorded(desk: Desk, name: str) -> None:
    answer = await desk.post(path=f"/events/{name}")
    assert answer.status == 404
    (row,) = desk.store.rows.values()
    assert told(answer) == {
        "id": row.id,
        "error": "unknown_event",
        "problem": "no event rule has this event: see [[event_rules]] in vestlus.toml",
    }
    assert desk.store.fired == []


async def test_data_that_fit_no_rule_are_unprocessable_with_the_problems_by_rule(
    desk: Desk,
) -> None:
    answer = await desk.post(b'{"title":1}')
    assert answer.status == 422
    body = told(answer)
    assert body["error"] == "payload_refused"
    assert [(one["rule"], one["reason"], one["problem"]) for one in body["outcomes"]] == [
        ("novel", "payload_refused", "title: 1 is not of type 'string'"),
        ("rare", "payload_refused", "title: 1 is not of type 'string'"),
    ]
    assert len(desk.store.rows) == 1
    assert desk.store.fired == []


async def test_one_key_gets_one_answer_byte_for_byte(desk: Desk) -> None:
    answers = [await desk.post(body, key('"k"')) for body in (BODY, b' {"title" : "T"}', BODY)]
    assert {(one.status, one.body) for one in answers} == {(202, answers[0].body)}
    assert len(desk.store.fired) == 1


async def test_one_key_with_other_data_is_unprocessable(desk: Desk) -> None:
    first = await desk.post(BODY, key("k"))
    answer = await desk.post(b'{"title":"U"}', key("k"))
    assert answer.status == 422
    assert told(answer)["error"] == "key_reused"
    assert told(answer)["id"] == told(first)["id"]
    assert len(desk.store.fired) == 1


@pytest.mark.parametrize(
    "keys", [[b""], [b"a b"], [b"\xc3\xb5"], [b"a\t"], [b"k" * 256], [b"k", b"k"], [b"a", b"b"]]
)
async def test_a_key_that_is_none_is_a_bad_request(desk: Desk, keys: list[bytes]) -> None:
    answer = await desk.post(BODY, *((b"idempotency-key", one) for one in keys))
    assert answer.status == 400
    assert "Idempotency-Key" in told(answer)["problem"]
    assert desk.store.rows == {}


async def test_the_longest_key_is_one(desk: Desk) -> None:
    assert (await desk.post(BODY, key("k" * 255))).status == 202


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


@pytest.mark.parametrize("is_there", [True, False])
async def test_without_the_store_it_is_to_be_sent_again(desk: Desk, *, is_there: bool) -> None:
    desk.is_there, desk.store.is_away = is_there, True
    answer = await desk.post(BODY, key("k"))
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "Idempotency-Key" in told(answer)["problem"]
    desk.is_there, desk.store.is_away = True, False
    assert (await desk.post(BODY, key("k"))).status == 202
    assert desk.counts == {"store_unavailable": 1, "taken": 1}


async def test_beyond_so_many_at_a_time_the_answer_is_503_at_once() -> None:
    desk = Desk(max_in_flight=2)
    waiting = [asyncio.create_task(desk.ask(messages=())) for _ in range(2)]
    await asyncio.sleep(0)
    answer = await desk.post()
    assert (answer.status, told(answer)["error"]) == (503, "busy")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await desk.post()).status == 202


async def test_tokens_and_data_are_not_logged(desk: Desk) -> None:
    with structlog.testing.capture_logs() as logs:
        await desk.post(b'{"title":"a secret title"}')
        await desk.post(b'{"title":["a secret title"]}')
        await desk.post(b'{"title":"a secret title"}', path="/events/a-secret-title")
        await desk.post(headers=(bearer("a-secret-title"), JSON))
        desk.store.is_away = True
        await desk.post(b'{"title":"a secret title"}')
    assert len(logs) == 3
    assert "secret" not in repr(logs)
    assert "token-of" not in repr(logs)


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
