"""What ``POST /events/{name}`` answers, and what it has done by then."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from tests.unit.events_desk import BODY, JSON, SHOP, Desk, Headers, bearer, desk, told

__all__ = ["desk"]


def key(value: str) -> tuple[bytes, bytes]:
    return (b"idempotency-key", value.encode())


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
