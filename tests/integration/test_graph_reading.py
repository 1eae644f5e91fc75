"""The Graph client against real sockets: recent messages."""

from __future__ import annotations

import pytest

from tests.integration.graph_support import (
    ACCOUNT,
    TOKEN,
    USER,
    Connection,
    Script,
    answering,
    answering_in_turn,
    cut_after_request,
    cut_in_the_answer,
    failure,
    graph,
    no_http,
    too_large,
)
from vestlus.errors import NotSent, Throttled, TokenRejected
from vestlus.instagram.port import RecentMessage, RecentMessages

# Reading.


def listed(*messages: object) -> list[tuple[object, int, dict[str, str] | None]]:
    return [
        ({"data": [{"id": "aWdf/conv=="}]}, 200, None),
        ({"messages": {"data": list(messages)}, "id": "aWdf/conv=="}, 200, None),
    ]


def written(mid: str, second: int, text: str | None = "Tere!") -> dict[str, object]:
    said = {} if text is None else {"message": text}
    return {
        "id": mid,
        "created_time": f"2025-02-21T17:00:{second:02}+0000",
        "from": {"id": ACCOUNT, "username": "shop"},
        "to": {"data": [{"id": USER, "username": "person"}]},
        **said,
    }


async def test_recent_messages_come_from_two_calls_newest_first() -> None:
    script = answering_in_turn(listed(written("m1", 1), written("m3", 3, None), written("m2", 2)))
    async with graph(script) as running:
        messages = (await running.client.recent_messages(ACCOUNT, USER)).messages
        assert messages == (
            RecentMessage("m3", ACCOUNT, "", 1740157203000),
            RecentMessage("m2", ACCOUNT, "Tere!", 1740157202000),
            RecentMessage("m1", ACCOUNT, "Tere!", 1740157201000),
        )
        first, second = running.requests
        assert (first.method, first.path) == ("GET", f"/v25.0/{ACCOUNT}/conversations")
        assert first.query == {"platform": "instagram", "user_id": USER}
        assert second.path == "/v25.0/aWdf%2Fconv%3D%3D"
        assert second.query == {"fields": "messages{id,created_time,from,to,message,attachments}"}
        assert {one.headers["authorization"] for one in running.requests} == {f"Bearer {TOKEN}"}


async def test_recent_messages_tell_how_many_attachments_they_have() -> None:
    two = {"attachments": {"data": [{"id": "1"}, {"id": "2"}], "paging": {}}}
    none: dict[str, object] = {"attachments": {"data": []}}
    script = answering_in_turn(
        listed(
            {**written("m3", 3, ""), **two},
            {**written("m2", 2), **none},
            {**written("m1", 1), "attachments": None},
        )
    )
    async with graph(script) as running:
        messages = (await running.client.recent_messages(ACCOUNT, USER)).messages
        assert [(message.mid, message.attachments) for message in messages] == [
            ("m3", 2),
            ("m2", 0),
            ("m1", 0),
        ]


async def test_at_most_the_20_newest_messages_are_returned() -> None:
    script = answering_in_turn(listed(*[written(f"m{n}", n) for n in range(30)]))
    async with graph(script) as running:
        messages = (await running.client.recent_messages(ACCOUNT, USER)).messages
        assert [message.mid for message in messages] == [f"m{n}" for n in range(29, 9, -1)]


async def test_messages_of_one_second_keep_graphs_order() -> None:
    script = answering_in_turn(listed(written("newer", 5), written("older", 5)))
    async with graph(script) as running:
        messages = (await running.client.recent_messages(ACCOUNT, USER)).messages
        assert [message.mid for message in messages] == ["newer", "older"]


async def test_no_conversation_is_no_messages() -> None:
    async with graph(answering({"data": []})) as running:
        assert await running.client.recent_messages(ACCOUNT, USER) == RecentMessages(())


@pytest.mark.parametrize(
    ("date", "told_ms"),
    [
        ("Fri, 21 Feb 2025 17:00:09 GMT", 1740157209000),
        ("Fri, 21 Feb 2025 17:00:09 -0000", 1740157209000),
        ("Fri, 21 Feb 2025 19:00:09 +0200", 1740157209000),
        ("yesterday", None),
        ("", None),
    ],
)
async def test_an_answer_says_when_it_was_made_by_metas_clock(
    date: str, told_ms: int | None
) -> None:
    (found, status, _), (messages, *_) = listed(written("m1", 1))
    dated = [(found, status, {"Date": "Fri, 21 Feb 2025 17:00:00 GMT"})]
    async with graph(answering_in_turn([*dated, (messages, 200, {"Date": date})])) as running:
        assert (await running.client.recent_messages(ACCOUNT, USER)).told_ms == told_ms
    async with graph(answering({"data": []}, headers={"Date": date})) as running:
        assert await running.client.recent_messages(ACCOUNT, USER) == RecentMessages((), told_ms)


UNREADABLE: list[object] = [
    written("", 1),
    {**written("m", 1), "id": None},
    {**written("m", 1), "from": {}},
    {**written("m", 1), "from": "me"},
    {**written("m", 1), "created_time": "yesterday"},
    {**written("m", 1), "created_time": None},
    {**written("m", 1), "message": ["x"]},
    {**written("m", 1), "attachments": ["x"]},
    {**written("m", 1), "attachments": {"data": 2}},
    "text",
    None,
]


@pytest.mark.parametrize("bad", UNREADABLE, ids=str)
async def test_a_list_with_one_unreadable_message_is_no_proof_of_absence(bad: object) -> None:
    async with graph(answering_in_turn(listed(written("m1", 1), bad))) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "answer_malformed")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", [], {}, {"data": {}}, {"data": [{}]}, {"data": ["x"]}], ids=str
)
async def test_an_unreadable_list_of_conversations_may_be_asked_for_again(content: object) -> None:
    async with graph(answering(content)) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "answer_malformed")


@pytest.mark.parametrize("script", [cut_after_request, cut_in_the_answer, no_http, too_large])
async def test_a_read_that_fails_has_done_nothing_and_may_be_repeated(script: Script) -> None:
    async with graph(script) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert type(error) is NotSent


async def test_a_read_that_hangs_ends_in_time() -> None:
    async def hangs(connection: Connection) -> None:
        await connection.request()
        await connection.client_end()

    async with graph(hangs, seconds=0.2) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "timeout")


async def test_a_read_may_be_throttled_or_refused() -> None:
    async with graph(answering({"error": {"code": 613}}, 400)) as running:
        assert type(await failure(running.client.recent_messages(ACCOUNT, USER))) is Throttled
    async with graph(answering({"error": {"code": 190}}, 401)) as running:
        assert type(await failure(running.client.me(ACCOUNT))) is TokenRejected
