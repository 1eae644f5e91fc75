"""What the Graph client asks of Content Publishing, and what it takes the answers for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.graph_support import ACCOUNT, answering, failure, graph
from vestlus.errors import HeldBack, NotSent, OutcomeUnknown, Refused, TokenRejected
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.port import (
    CarouselContainer,
    Container,
    ContainerStatus,
    PictureContainer,
    PublishedMedia,
    Publishing,
    PublishingQuota,
)

URL = "https://media.example/media/signed"
CAPTION = "Lugemissaal on avatud. #raamatud"

Call = Callable[[Publishing], Awaitable[object]]


def create(publishing: Publishing) -> Awaitable[str]:
    return publishing.create_container(ACCOUNT, PictureContainer(url=URL, caption=CAPTION))


def publish(publishing: Publishing) -> Awaitable[str]:
    return publishing.publish(ACCOUNT, "c1")


def look(publishing: Publishing) -> Awaitable[Container]:
    return publishing.container(ACCOUNT, "c1")


def quota(publishing: Publishing) -> Awaitable[PublishingQuota]:
    return publishing.publishing_quota(ACCOUNT)


def recent(publishing: Publishing) -> Awaitable[tuple[PublishedMedia, ...]]:
    return publishing.recent_media(ACCOUNT)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (
            PictureContainer(url=URL, caption=CAPTION, alt="Saal", ai_generated=True),
            {
                "image_url": URL,
                "caption": CAPTION,
                "alt_text": "Saal",
                "is_ai_generated": True,
            },
        ),
        (
            PictureContainer(url=URL, alt="Saal", item=True),
            {"image_url": URL, "alt_text": "Saal", "is_carousel_item": True},
        ),
        (
            PictureContainer(url=URL, alt="Saal", story=True),
            {"image_url": URL, "media_type": "STORIES"},
        ),
        (
            CarouselContainer(("c1", "c2"), CAPTION, ai_generated=True),
            {
                "media_type": "CAROUSEL",
                "children": "c1,c2",
                "caption": CAPTION,
                "is_ai_generated": True,
            },
        ),
    ],
)
async def test_a_container_is_asked_for_as_meta_documents_it(
    content: PictureContainer | CarouselContainer, body: dict[str, object]
) -> None:
    async with graph(answering({"id": "17889455560051444"})) as running:
        assert await running.client.create_container(ACCOUNT, content) == "17889455560051444"
    (request,) = running.requests
    assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/media")
    assert json.loads(request.body) == body


@pytest.mark.parametrize("count", [0, 1, 11])
async def test_a_carousel_of_a_wrong_size_is_refused_before_anything_is_written(count: int) -> None:
    async with graph(answering({"id": "1"})) as running:
        children = CarouselContainer(tuple(f"c{n}" for n in range(count)))
        error = await failure(running.client.create_container(ACCOUNT, children))
    assert (type(error), error.reason) == (Refused, "carousel_count")
    assert not running.requests


async def test_publishing_names_the_container_and_returns_the_post() -> None:
    async with graph(answering({"id": 17920238422030506})) as running:
        assert await publish(running.client) == "17920238422030506"
    (request,) = running.requests
    assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/media_publish")
    assert json.loads(request.body) == {"creation_id": "c1"}


async def test_a_gate_keeps_a_request_to_publish_back() -> None:
    async def shut() -> bool:
        return False

    async with graph(answering({"id": "1"})) as running:
        error = await failure(running.client.publish(ACCOUNT, "c1", gate=shut))
        assert isinstance(error, HeldBack)
        assert not running.requests


@pytest.mark.parametrize("call", [create, publish])
@pytest.mark.parametrize("content", [{}, {"id": ""}, {"id": ["x"]}, [], None, {"success": True}])
async def test_a_success_that_names_nothing_is_in_doubt(call: Call, content: object) -> None:
    async with graph(answering(content)) as running:
        error = await failure(call(running.client))
    assert isinstance(error, OutcomeUnknown)


@pytest.mark.parametrize(
    ("answer", "container"),
    [
        ({"status_code": "IN_PROGRESS"}, Container(ContainerStatus.IN_PROGRESS)),
        ({"status_code": "FINISHED", "status": "Finished"}, Container(ContainerStatus.FINISHED)),
        ({"status_code": "PUBLISHED", "status": "x"}, Container(ContainerStatus.PUBLISHED)),
        ({"status_code": "EXPIRED"}, Container(ContainerStatus.EXPIRED)),
        (
            {"status_code": "ERROR", "status": "Error: upload failed with error code 2207009"},
            Container(ContainerStatus.ERROR, 2207009),
        ),
        ({"status_code": "ERROR", "status": 2207004}, Container(ContainerStatus.ERROR, 2207004)),
        ({"status_code": "ERROR"}, Container(ContainerStatus.ERROR)),
    ],
)
async def test_a_containers_status_is_read(answer: object, container: Container) -> None:
    async with graph(answering(answer)) as running:
        assert await look(running.client) == container
    (request,) = running.requests
    assert (request.method, request.path) == ("GET", "/v25.0/c1")
    assert request.query == {"fields": "status_code,status"}


async def test_the_quota_is_read_as_it_is_now() -> None:
    config = {"quota_total": 50, "quota_duration": 86400}
    answer = {"data": [{"quota_usage": 2, "config": config}]}
    async with graph(answering(answer)) as running:
        assert await quota(running.client) == PublishingQuota(2, 50, 86_400)
    (request,) = running.requests
    assert request.path == f"/v25.0/{ACCOUNT}/content_publishing_limit"
    assert request.query == {"fields": "quota_usage,config"}


async def test_the_newest_posts_come_first_whatever_the_order_of_the_list() -> None:
    listed = [
        {"id": "m1", "timestamp": "2026-11-27T10:00:00+0000"},
        {"id": "m2", "timestamp": "2026-11-27T11:00:00+0000", "caption": CAPTION},
    ]
    async with graph(answering({"data": listed})) as running:
        media = await recent(running.client)
    assert [(one.id, one.caption) for one in media] == [("m2", CAPTION), ("m1", "")]
    assert media[0].created_ms - media[1].created_ms == 3_600_000
    (request,) = running.requests
    assert request.query == {"fields": "id,caption,timestamp", "limit": "50"}


@pytest.mark.parametrize("call", [look, quota, recent])
@pytest.mark.parametrize(
    "content",
    [None, [], {}, {"data": {}}, {"data": [{"id": "m1"}]}, {"status_code": "WELL"}],
)
async def test_what_cannot_be_read_in_full_is_to_be_asked_again(
    call: Call, content: object
) -> None:
    async with graph(answering(content)) as running:
        error = await failure(call(running.client))
    assert (type(error), error.reason) == (NotSent, "answer_malformed")


async def test_a_rejected_token_is_told_from_a_look() -> None:
    async with graph(answering({"error": {"code": 190, "error_subcode": 463}}, 400)) as running:
        assert isinstance(await failure(look(running.client)), TokenRejected)


def test_what_meta_would_not_take_cannot_be_said() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"item": True, "caption": "x"},
        {"story": True, "caption": "x"},
        {"item": True, "story": True},
        {"item": True, "ai_generated": True},
    )
    for wrong in wrongs:
        with pytest.raises(ValueError, match="carousel"):
            PictureContainer(url=URL, **wrong)


def test_the_client_is_what_publishers_need() -> None:
    client: Publishing = GraphClient("http://127.0.0.1:1/v25.0", lambda _: "token")
    assert isinstance(client, GraphClient)
