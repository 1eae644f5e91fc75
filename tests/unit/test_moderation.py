from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.fakes.openai_server import Behaviour, FakeOpenAI, answers, cuts, fails, sends
from vestlus.assistant.breaker import FAILURES, Breaker
from vestlus.assistant.moderation import (
    UNSAFE,
    Finding,
    Moderator,
    ModeratorByAccount,
    NoModerator,
    OpenAIModerator,
    ProviderModerator,
)
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.settings_account import Account


def account(**more: Any) -> Account:  # noqa: ANN401 - any field
    return Account(id="1", access_token=SecretStr("t"), **more)


def results(*found: set[str]) -> Behaviour:
    known = {*UNSAFE, "harassment", "violence", "illicit", "self-harm"}
    return answers(
        {
            "id": "modr_1",
            "model": "omni-moderation-latest",
            "results": [
                {
                    "flagged": bool(one),
                    "categories": {name: name in one for name in known},
                    "category_scores": dict.fromkeys(known, 0.5),
                }
                for one in found
            ],
        }
    )


def picture(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4)).save(file, kind)
    return file.getvalue()


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(results(set())) as running:
        yield running


@pytest.fixture
async def connection(server: FakeOpenAI) -> AsyncIterator[OpenAIConnection]:
    opened = OpenAIConnection(api_key="sk-test", base_url=server.url, clock=lambda: 0)
    yield opened
    await opened.aclose()


@pytest.fixture
def moderator(connection: OpenAIConnection) -> OpenAIModerator:
    return OpenAIModerator(connection, Breaker(lambda: 0.0), seconds=30)


async def test_all_texts_go_in_one_request(server: FakeOpenAI, moderator: OpenAIModerator) -> None:
    server.script.append(results(set(), set()))
    assert await moderator.check(account(), ["Tere", " ", "Mis kell?"]) == Finding(
        flagged=False, emergency=False
    )
    (request,) = server.received
    assert request.path == "/moderations"
    assert request.body == {"model": "omni-moderation-latest", "input": ["Tere", "Mis kell?"]}


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
    ],
)
async def test_a_picture_goes_in_a_request_of_its_own(
    server: FakeOpenAI, moderator: OpenAIModerator, kind: str, media_type: str
) -> None:
    data = picture(kind)
    await moderator.check(account(), ["Mis see on?"], [data])
    bodies = [request.body["input"] for request in server.received]
    assert ["Mis see on?"] in bodies
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    assert [{"type": "image_url", "image_url": {"url": url}}] in bodies


async def test_nothing_to_look_at_costs_no_request(
    server: FakeOpenAI, moderator: OpenAIModerator
) -> None:
    assert not (await moderator.check(account(), ["", "\n"])).failed
    assert server.received == []


@pytest.mark.parametrize("category", ["self-harm/intent", "self-harm/instructions"])
async def test_who_may_harm_themselves_is_an_emergency(
    server: FakeOpenAI, moderator: OpenAIModerator, category: str
) -> None:
    server.script.append(results(set(), {"self-harm", category}))
    found = await moderator.check(account(), ["Tere", "…"])
    assert found.emergency
    assert found.flagged
    assert found.categories == {"self-harm", category}


@pytest.mark.parametrize("category", sorted(UNSAFE))
async def test_what_must_not_be_answered_is_flagged(
    server: FakeOpenAI, moderator: OpenAIModerator, category: str
) -> None:
    server.script.append(results({category}))
    assert (await moderator.check(account(), ["x"])).flagged


@pytest.mark.parametrize("category", ["harassment", "violence", "illicit", "self-harm"])
async def test_what_people_write_to_institutions_about_is_not_flagged(
    server: FakeOpenAI, moderator: OpenAIModerator, category: str
) -> None:
    server.script.append(results({category}))
    found = await moderator.check(account(), ["x"])
    assert not found.flagged
    assert not found.emergency
    assert found.categories == {category}


@pytest.mark.parametrize(
    "behaviour",
    [
        fails(500),
        fails(404),
        fails(401),
        fails(429, Retry_After="9"),
        fails(400, message="image too large"),
        sends(b"<html>"),
        answers({}),
        answers({"results": []}),
        answers({"results": [{"categories": {"hate": "maybe"}}]}),
        cuts,
    ],
)
async def test_every_failure_is_said_and_none_is_raised(
    server: FakeOpenAI, moderator: OpenAIModerator, behaviour: Behaviour
) -> None:
    server.script.append(behaviour)
    with capture_logs() as logs:
        found = await moderator.check(account(), ["salajane tekst"])
    assert found == Finding(flagged=False, emergency=False, failed=True)
    assert len(server.received) == 1
    assert "moderation_failed" in [line["event"] for line in logs]
    assert "salajane" not in str(logs)


async def test_an_endpoint_that_does_not_answer_is_not_waited_for_long(
    server: FakeOpenAI, connection: OpenAIConnection
) -> None:
    server.script.append(server.hangs)
    moderator = OpenAIModerator(connection, Breaker(lambda: 0.0), seconds=0.2)
    assert (await moderator.check(account(), ["x"])).failed


async def test_what_was_found_counts_although_something_else_failed(
    server: FakeOpenAI, moderator: OpenAIModerator
) -> None:
    server.script += [results({"sexual"}), fails(500)]
    found = await moderator.check(account(), ["x"], [picture("PNG")])
    assert found.flagged
    assert found.failed


async def test_half_of_a_surrogate_pair_is_sent_as_something_readable(
    server: FakeOpenAI, moderator: OpenAIModerator
) -> None:
    assert not (await moderator.check(account(), ["Tere \ud83d"])).failed
    assert server.received[0].body["input"] == ["Tere ?"]


async def test_a_dead_endpoint_is_not_asked_again_for_a_while(
    server: FakeOpenAI, moderator: OpenAIModerator
) -> None:
    server.script += [fails(503)] * FAILURES
    for _ in range(FAILURES + 3):
        assert (await moderator.check(account(), ["x"])).failed
    assert len(server.received) == FAILURES


@pytest.mark.parametrize("moderator", [NoModerator(), ProviderModerator()])
async def test_others_find_nothing(moderator: Moderator) -> None:
    assert await moderator.check(account(), ["x"], [b"y"]) == Finding(
        flagged=False, emergency=False
    )


@pytest.mark.parametrize(
    ("moderation", "own_server", "asks"),
    [
        ("auto", False, True),
        ("auto", True, False),
        ("openai", False, True),
        ("openai", True, True),
        ("provider", False, False),
        ("off", False, False),
    ],
)
async def test_each_account_has_the_moderator_it_asks_for(
    server: FakeOpenAI,
    connection: OpenAIConnection,
    moderation: str,
    own_server: bool,  # noqa: FBT001 - a parameter of the test
    asks: bool,  # noqa: FBT001
) -> None:
    moderator = ModeratorByAccount(lambda _: connection, own_server=own_server)
    await moderator.check(account(moderation=moderation), ["x"])
    assert bool(server.received) == asks


async def test_one_accounts_bad_key_does_not_silence_the_moderation_of_another(
    server: FakeOpenAI, connection: OpenAIConnection
) -> None:
    other = OpenAIConnection(api_key="sk-bad", base_url=server.url, clock=lambda: 0)
    bad, good = account(), Account(id="2", access_token=SecretStr("t"))
    connections = {"1": other, "2": connection}
    moderator = ModeratorByAccount(
        lambda one: connections[one.id], own_server=False, monotonic=lambda: 0.0
    )
    server.script += [fails(401)] * FAILURES
    for _ in range(FAILURES + 1):
        assert (await moderator.check(bad, ["x"])).failed
    assert not (await moderator.check(good, ["x"])).failed
    await other.aclose()
