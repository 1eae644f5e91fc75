"""Conversations and whole messages, as the Graph client reads them for what was missed."""

from __future__ import annotations

import pytest

from tests.integration.graph_support import ACCOUNT, USER, answering, failure, graph
from vestlus.conversation.events import Attachment
from vestlus.errors import NotSent
from vestlus.instagram.port import ListedMessage, Thread, ThreadPage

TIME = "2025-02-21T17:00:0{}+0000"
SECOND_MS = 1_740_157_200_000


def written(mid: str, second: int, **fields: object) -> dict[str, object]:
    return {
        "id": mid,
        "created_time": TIME.format(second),
        "from": {"id": USER},
        "to": {"data": [{"id": ACCOUNT}]},
        **fields,
    }


async def test_a_page_of_conversations_leads_to_the_next_one() -> None:
    threads = [
        {"id": "t2", "updated_time": TIME.format(2)},
        {"id": "t1", "updated_time": TIME.format(1)},
    ]
    body = {"data": threads, "paging": {"cursors": {"before": "a", "after": "b"}}}
    async with graph(answering(body)) as running:
        page = await running.client.threads(ACCOUNT, "cursor")
        (request,) = running.requests
    assert page == ThreadPage((Thread("t2", SECOND_MS + 2000), Thread("t1", SECOND_MS + 1000)), "b")
    assert request.path == f"/v25.0/{ACCOUNT}/conversations"
    assert request.query == {
        "platform": "instagram",
        "fields": "id,updated_time",
        "limit": "50",
        "after": "cursor",
    }


async def test_an_empty_page_is_the_last_one() -> None:
    body = {"data": [], "paging": {"cursors": {"after": "b"}}}
    async with graph(answering(body)) as running:
        assert await running.client.threads(ACCOUNT) == ThreadPage(())


async def test_messages_come_whole_and_newest_first() -> None:
    attached = [
        {"id": "1", "image_data": {"url": "https://x/1"}},
        {"id": "2", "video_data": {"url": "https://x/2"}},
        {"id": "3", "mime_type": "audio/mp4", "file_url": "https://x/3", "name": "h.mp4"},
        {"id": "4"},
    ]
    messages = [
        written("m1", 1, message="Tere!"),
        written("m2", 2, attachments={"data": attached}),
    ]
    async with graph(answering({"id": "t", "messages": {"data": messages}})) as running:
        listed = await running.client.thread_messages(ACCOUNT, "t/1")
        assert running.requests[0].path == "/v25.0/t%2F1"
    second = ListedMessage(
        mid="m2",
        sender=USER,
        recipients=(ACCOUNT,),
        text="",
        created_ms=SECOND_MS + 2000,
        attachments=(
            Attachment("image", "https://x/1"),
            Attachment("video", "https://x/2"),
            Attachment("audio", "https://x/3", "h.mp4"),
            Attachment("file"),
        ),
    )
    assert listed[0] == second
    assert (listed[1].mid, listed[1].text) == ("m1", "Tere!")


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"id": "t"}]},
        {"data": {}},
        [],
        {"messages": {"data": [{"id": "m1", "from": {"id": USER}}]}},
        {"messages": {"data": [written("m1", 1, to={"data": [{}]})]}},
    ],
)
async def test_what_is_not_understood_may_be_asked_for_again(body: object) -> None:
    async with graph(answering(body)) as running:
        for call in (running.client.threads(ACCOUNT), running.client.thread_messages(ACCOUNT, "t")):
            error = await failure(call)
            assert isinstance(error, NotSent)
            assert error.reason == "answer_malformed"


async def test_the_account_is_known_by_all_its_ids() -> None:
    body = {"id": "scoped", "user_id": ACCOUNT, "username": "raamatukogu"}
    async with graph(answering(body)) as running:
        assert await running.client.own_ids(ACCOUNT) == {ACCOUNT, "scoped"}
