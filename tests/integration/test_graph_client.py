"""The Graph client against real sockets: what it sends, and what it is told."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.fakes.measures import measured
from tests.integration.graph_support import (
    ACCOUNT,
    SENT,
    TEXT,
    TOKEN,
    USER,
    Connection,
    answering,
    answering_in_turn,
    failure,
    graph,
    send_failure,
    token_of,
)
from vestlus.errors import NotSent, OutcomeUnknown, Refused, TokenRejected
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.port import Messaging, PictureToSend

# What is sent.


async def test_a_text_is_sent_as_meta_documents_it_and_its_message_id_returned() -> None:
    async with graph(answering(SENT)) as running:
        messaging: Messaging = running.client
        assert await messaging.send_text(ACCOUNT, USER, TEXT) == "aWdf-1"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/messages")
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["content-type"] == "application/json"
        assert TOKEN not in request.path + str(request.query)
        assert json.loads(request.body) == {"recipient": {"id": USER}, "message": {"text": TEXT}}


async def test_one_connection_serves_many_requests() -> None:
    async with graph(answering(SENT)) as running:
        for _ in range(5):
            await running.client.send_text(ACCOUNT, USER, TEXT)
        assert (len(running.requests), running.connections) == (5, 1)


async def test_no_request_waits_for_another() -> None:
    arrived = asyncio.Semaphore(0)
    release = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.release()
        await release.wait()
        await connection.answer(SENT)

    async with graph(script) as running:
        calls = [
            asyncio.create_task(running.client.send_text(ACCOUNT, USER, TEXT)) for _ in range(150)
        ]
        async with asyncio.timeout(5):
            for _ in calls:
                await arrived.acquire()
        release.set()
        assert set(await asyncio.gather(*calls)) == {"aWdf-1"}


@pytest.mark.parametrize("action", ["typing_on", "typing_off", "mark_seen"])
async def test_a_sender_action_is_sent_without_a_message(action: str) -> None:
    async with graph(answering({"recipient_id": USER})) as running:
        await running.client.sender_action(ACCOUNT, USER, action)  # type: ignore[arg-type]
        assert json.loads(running.requests[0].body) == {
            "recipient": {"id": USER},
            "sender_action": action,
        }


async def test_an_answer_without_usage_headers_says_nothing_of_usage() -> None:
    usage = {"X-App-Usage": '{"call_count":42}'}
    async with graph(answering_in_turn([(SENT, 200, usage), (SENT, 200, None)])) as running:
        for _ in range(2):
            await running.client.send_text(ACCOUNT, USER, TEXT)
            assert measured("vestlus_graph_usage_ratio", account=ACCOUNT) == 0.42
        assert [usage.percent for usage in running.usages] == [42]


async def test_usage_headers_are_passed_on_from_successes_and_failures() -> None:
    usage = {"X-App-Usage": '{"call_count":42}'}
    script = answering_in_turn([(SENT, 200, usage), ({"error": {"code": 100}}, 400, usage)])
    async with graph(script) as running:
        await running.client.send_text(ACCOUNT, USER, TEXT)
        await send_failure(running)
        assert [usage.percent for usage in running.usages] == [42, 42]


LINK = PictureToSend(url="https://media.example/a.png?sig=1")
KEPT = PictureToSend(attachment_id="1234567890123456")


@pytest.mark.parametrize(
    ("picture", "payload"),
    [(LINK, {"url": LINK.url}), (KEPT, {"attachment_id": KEPT.attachment_id})],
)
async def test_one_picture_is_one_attachment(
    picture: PictureToSend, payload: dict[str, str]
) -> None:
    async with graph(answering(SENT)) as running:
        messaging: Messaging = running.client
        assert await messaging.send_pictures(ACCOUNT, USER, [picture]) == "aWdf-1"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/messages")
        assert json.loads(request.body) == {
            "recipient": {"id": USER},
            "message": {"attachment": {"type": "image", "payload": payload}},
        }


@pytest.mark.parametrize("count", [2, 10])
async def test_several_pictures_are_one_message_in_their_order(count: int) -> None:
    pictures = [KEPT if n % 2 else LINK for n in range(count)]
    async with graph(answering(SENT)) as running:
        assert await running.client.send_pictures(ACCOUNT, USER, pictures) == "aWdf-1"
        (request,) = running.requests
        message = json.loads(request.body)["message"]
        assert list(message) == ["attachments"]
        assert [one["type"] for one in message["attachments"]] == ["image"] * count
        assert [list(one["payload"]) for one in message["attachments"]] == [
            ["attachment_id"] if n % 2 else ["url"] for n in range(count)
        ]


@pytest.mark.parametrize(("count", "reason"), [(0, "no_pictures"), (11, "too_many_pictures")])
async def test_no_pictures_or_too_many_are_refused_unsent(count: int, reason: str) -> None:
    async with graph(answering(SENT)) as running:
        error = await failure(running.client.send_pictures(ACCOUNT, USER, [LINK] * count))
        assert (type(error), error.reason) == (Refused, reason)
        assert running.requests == []


async def test_the_tag_of_a_person_is_on_messages_that_ask_for_it_and_on_no_other() -> None:
    async with graph(answering(SENT)) as running:
        client = running.client
        await client.send_text(ACCOUNT, USER, TEXT, human_agent=True)
        await client.send_pictures(ACCOUNT, USER, [LINK, KEPT], human_agent=True)
        await client.send_text(ACCOUNT, USER, TEXT)
        await client.send_pictures(ACCOUNT, USER, [LINK])
        await client.sender_action(ACCOUNT, USER, "typing_on")
        bodies = [json.loads(request.body) for request in running.requests]
        assert [body.get("tag") for body in bodies] == ["HUMAN_AGENT"] * 2 + [None] * 3
        assert [body.get("messaging_type") for body in bodies] == ["MESSAGE_TAG"] * 2 + [None] * 3


@pytest.mark.parametrize("told", ["1234567890123456", 1234567890123456])
async def test_an_upload_is_reusable_and_its_id_returned(told: object) -> None:
    async with graph(answering({"attachment_id": told})) as running:
        assert await running.client.upload_picture(ACCOUNT, LINK.url) == "1234567890123456"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/message_attachments")
        payload = {"url": LINK.url, "is_reusable": True}
        assert json.loads(request.body) == {
            "message": {"attachment": {"type": "image", "payload": payload}}
        }


@pytest.mark.parametrize("content", [b"", [], {}, {"attachment_id": ""}, {"attachment_id": []}])
async def test_an_upload_without_an_id_is_none(content: object) -> None:
    async with graph(answering(content)) as running:
        error = await failure(running.client.upload_picture(ACCOUNT, LINK.url))
        assert (type(error), error.reason) == (OutcomeUnknown, "no_attachment_id")


async def test_me_tells_both_ids_apart() -> None:
    content = {"id": "2500000000000001", "user_id": ACCOUNT, "username": "shop"}
    async with graph(answering(content)) as running:
        assert await running.client.me(ACCOUNT) == Me("2500000000000001", ACCOUNT, "shop")
        assert running.requests[0].query == {"fields": "id,user_id,username"}
    async with graph(answering({"id": "2500000000000001"})) as running:
        assert type(await failure(running.client.me(ACCOUNT))) is NotSent


async def test_subscribed_apps_tells_the_fields() -> None:
    content = {"data": [{"id": "1", "subscribed_fields": ["messages", "comments"]}, {"id": "2"}]}
    async with graph(answering(content)) as running:
        assert await running.client.subscribed_apps(ACCOUNT) == ("comments", "messages")
        assert running.requests[0].path == f"/v25.0/{ACCOUNT}/subscribed_apps"
    async with graph(answering({"data": []})) as running:
        assert await running.client.subscribed_apps(ACCOUNT) == ()
    async with graph(answering({"data": [{"subscribed_fields": "messages"}]})) as running:
        assert type(await failure(running.client.subscribed_apps(ACCOUNT))) is NotSent


# Its life.


async def test_a_client_that_is_not_open_says_so() -> None:
    client = GraphClient("http://127.0.0.1:9/v25.0", token_of)
    with pytest.raises(RuntimeError, match="async with"):
        await client.send_text(ACCOUNT, USER, TEXT)
    async with client:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        await client.send_text(ACCOUNT, USER, TEXT)


async def test_webhook_fields_are_subscribed_to_in_one_call() -> None:
    async with graph(answering({"success": True})) as running:
        await running.client.subscribe(ACCOUNT, {"messages", "comments"})

    (request,) = running.requests
    assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/subscribed_apps")
    assert (request.query, request.body) == ({"subscribed_fields": "comments,messages"}, b"")


async def test_whoever_keeps_tokens_hears_of_one_that_is_rejected_and_of_nothing_else() -> None:
    heard: list[tuple[str, str, str]] = []
    answers = iter(
        [
            {"error": {"code": 190, "error_subcode": 460}},
            {"error": {"code": 10, "error_subcode": 2534022}},
        ]
    )

    async def script(connection: Connection) -> None:
        for content in answers:
            await connection.request()
            await connection.answer(content, 400)

    async with graph(script) as running:
        running.client._on_rejected = lambda *rejected: heard.append(rejected)
        with pytest.raises(TokenRejected):
            await running.client.send_text(ACCOUNT, USER, TEXT)
        with pytest.raises(Refused):
            await running.client.send_text(ACCOUNT, USER, TEXT)

    assert heard == [(ACCOUNT, TOKEN, "password_changed")]
