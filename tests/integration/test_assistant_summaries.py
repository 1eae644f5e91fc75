"""What of a conversation leaves masked, and how its past is summed up."""

from __future__ import annotations

import json

import pytest

from tests.fakes.openai_server import (
    Behaviour,
    FakeOpenAI,
    fails,
    refuses,
    reply_json,
    summary_json,
    writes,
)
from tests.integration.assistant_support import (
    APIS,
    CODE,
    EMAIL,
    PHONE,
    USER,
    Documents,
    _no_waiting,
    opened,
    past,
    question,
    server,
    settings,
)
from vestlus.assistant.knowledge import Passages
from vestlus.assistant.rules import rules
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.errors import AssistantInvalid, AssistantRefused

__all__ = ["_no_waiting", "server"]


@pytest.mark.parametrize("api", APIS)
async def test_masked_data_does_not_leave_and_comes_back_in_answer_and_note(
    server: FakeOpenAI, api: str
) -> None:
    def marks(body: str) -> Behaviour:
        return writes(reply_json(body, handover=True, note="Helistada [phone-1]"))

    server.script.append(marks("Kas [email-1], [phone-1] ja [personal-code-1] on õiged?"))
    documents = Documents(Passages((), whole=True))
    configured = settings(server.url, api, account={"mask": ["phone", "email", "personal_code"]})
    asked = question(
        f"Minu number on {PHONE} ja kood {CODE}",
        summary=f"E-post {EMAIL}.",
        history=(
            HistoryMessage(Role.USER, f"Olen {EMAIL}", 0),
            HistoryMessage(Role.ASSISTANT, f"Kas {PHONE}?", 0),
        ),
    )
    async with opened(configured, knowledge=documents) as assistant:
        reply = await assistant.reply(asked)
    assert reply.text == f"Kas {EMAIL}, {PHONE} ja {CODE} on õiged?"
    assert reply.note == f"Helistada {PHONE}"
    sent = json.dumps(server.received[0].body, ensure_ascii=False)
    for value in (PHONE, EMAIL, CODE):
        assert value not in sent
        assert value not in documents.asked[0]
    # The same data has the same mark wherever it stands.
    assert sent.count("[email-1]") == 2 + rules(configured.accounts[0]).count("[email-1]")
    assert "Kas [phone-1]?" in sent


async def test_without_masking_the_texts_are_sent_as_they_are(server: FakeOpenAI) -> None:
    async with opened(settings(server.url)) as assistant:
        await assistant.reply(question(f"Minu number on {PHONE}"))
    assert server.received[0].body["input"][-1]["content"] == f"Minu number on {PHONE}"


@pytest.mark.parametrize("api", APIS)
async def test_a_past_is_summed_up_with_its_data_masked(server: FakeOpenAI, api: str) -> None:
    server.script.append(writes(summary_json("Kasutaja [email-1] tahab lauda.")))
    configured = settings(server.url, api, account={"mask": ["email"]})
    async with opened(configured) as assistant:
        summary = await assistant.summarise(past(summary=f"Kirjutas {EMAIL} kaudu."))
    assert summary == f"Kasutaja {EMAIL} tahab lauda."
    body = server.received[0].body
    assert EMAIL not in json.dumps(body)
    assert "Kirjutas [email-1] kaudu." in json.dumps(body)
    form = body["text"]["format"] if api == "responses" else body["response_format"]["json_schema"]
    assert form["name"] == "summary"
    assert body["safety_identifier"] != USER
    assert len(body["safety_identifier"]) == 64


async def test_a_summary_that_is_none_is_asked_for_once_more(server: FakeOpenAI) -> None:
    server.script.extend([writes("{"), writes(summary_json("Tahab lauda."))])
    async with opened(settings(server.url)) as assistant:
        assert await assistant.summarise(past()) == "Tahab lauda."
        server.script.extend([writes(summary_json(" ")), writes("x")])
        with pytest.raises(AssistantInvalid, match=r"^malformed_reply$"):
            await assistant.summarise(past())


async def test_a_summary_is_never_longer_than_its_limit(server: FakeOpenAI) -> None:
    server.script.append(writes(summary_json("Tahab lauda. " * 500)))
    async with opened(settings(server.url)) as assistant:
        assert len(await assistant.summarise(past())) <= 1_200


FILTERED = fails(400, code="content_filter")


async def test_a_summary_that_is_refused_by_the_filter_has_no_part_in_the_next_one(
    server: FakeOpenAI,
) -> None:
    server.script.extend([FILTERED, writes(summary_json("Tahab lauda."))])
    async with opened(settings(server.url)) as assistant:
        assert await assistant.summarise(past(summary="VILE")) == "Tahab lauda."
    assert ["VILE" in json.dumps(one.body) for one in server.received] == [True, False]


async def test_messages_that_are_refused_by_themselves_are_said_to_be(server: FakeOpenAI) -> None:
    server.script.extend([FILTERED] * 3)
    async with opened(settings(server.url)) as assistant:
        for summary, requests in (("Varem.", 2), ("", 3)):
            with pytest.raises(AssistantRefused, match=r"^content_filter$"):
                await assistant.summarise(past(summary=summary))
            assert len(server.received) == requests


async def test_a_model_s_own_refusal_does_not_lose_what_was_known(server: FakeOpenAI) -> None:
    server.script.append(refuses())
    async with opened(settings(server.url)) as assistant:
        with pytest.raises(AssistantRefused, match=r"^refusal$"):
            await assistant.summarise(past(summary="Varem."))
    assert len(server.received) == 1
