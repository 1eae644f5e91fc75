"""The real OpenAI SDK talks to the pretend model."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.integration.simulator_harness import (
    Client,
    RecordingService,
    picture,
    running_service,
    running_simulator,
)


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        yield running


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    type: Literal["image"]
    image_id: str


class Reply(BaseModel):
    parts: list[ImagePart | TextPart]
    language: str | None
    handover: bool


class PicturePart(BaseModel):
    type: Literal["picture"]
    picture: str


class PictureReply(BaseModel):
    parts: list[TextPart | PicturePart]
    language: str
    handover: bool
    note: str


class Summary(BaseModel):
    summary: str


PERSONA = "<persona>\nAvatud E-R 9-17.\nTelefon 654 9100.\n</persona>"


@pytest.fixture
async def model(client: Client) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{client.url}/openai/v1",
        api_key="any",
        max_retries=0,
        timeout=5,
        http_client=openai.DefaultAioHttpClient(),
    ) as made:
        yield made


def question(text: str) -> list[Any]:
    return [
        {"role": "user", "content": "Tere #u1-0"},
        {"role": "assistant", "content": "Tere!"},
        {"role": "user", "content": "Palun #u1-1"},
        {"role": "user", "content": text},
    ]


async def test_the_sdk_parses_structured_answers_of_the_responses_api(
    model: openai.AsyncOpenAI,
) -> None:
    response = await model.responses.parse(
        model="simulator",
        instructions=PERSONA,
        input=question("Mis kell te avate? #u1-2"),
        text_format=Reply,
        store=False,
    )
    assert response.output_parsed == Reply(
        parts=[TextPart(type="text", text="Avatud E-R 9-17. #u1-1 #u1-2")],
        language="et",
        handover=False,
    )
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens > 0


async def test_the_sdk_reads_plain_answers_of_the_responses_api(model: openai.AsyncOpenAI) -> None:
    response = await model.responses.create(
        model="simulator", instructions=PERSONA, input="What is your phone number?"
    )
    assert response.output_text == "Telefon 654 9100."


async def test_the_sdk_parses_structured_answers_of_chat_completions(
    model: openai.AsyncOpenAI,
) -> None:
    system: Any = {"role": "system", "content": PERSONA.replace("9-17", "10-18")}
    completion = await model.chat.completions.parse(
        model="simulator",
        messages=[system, *question("Mis kell te avate?")],
        response_format=Reply,
    )
    parsed = completion.choices[0].message.parsed
    assert parsed is not None
    assert parsed.parts == [TextPart(type="text", text="Avatud E-R 10-18. #u1-1")]
    plain = await model.chat.completions.create(
        model="simulator", messages=[{"role": "user", "content": "Hello"}]
    )
    assert plain.choices[0].message.content == "Hello! How can I help?"


async def test_the_sdk_reads_embeddings_and_models(model: openai.AsyncOpenAI) -> None:
    made = await model.embeddings.create(model="m", input=["tere", "tere", "muu"], dimensions=64)
    vectors = [each.embedding for each in made.data]
    assert len(vectors[0]) == 64
    assert vectors[0] == vectors[1] != vectors[2]
    listed = await model.embeddings.create(model="m", input="tere", encoding_format="float")
    assert len(listed.data[0].embedding) == 1536
    assert "simulator" in [each.id async for each in model.models.list()]


async def test_requests_to_the_model_can_be_read_back(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    for text in ("esimene", "teine"):
        await model.responses.create(model="simulator", input=text)
    found = (await client.get("/control/model-requests", contains="teine"))["requests"]
    assert [(each["path"], each["body"]["input"]) for each in found] == [("/responses", "teine")]
    assert (await client.get("/control/model-requests", after=1))["requests"] == found


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limit", openai.RateLimitError),
        ("server_error", openai.InternalServerError),
        ("unavailable", openai.InternalServerError),
        ("hang", openai.APIConnectionError),
    ],
)
async def test_faults_of_the_model_reach_the_sdk_as_its_errors(
    client: Client, model: openai.AsyncOpenAI, kind: str, error: type[openai.APIError]
) -> None:
    await client.control("model", {"faults": [{"kind": kind, "next": 1, "seconds": 0.1}]})
    with pytest.raises(error) as caught:
        await model.responses.create(model="simulator", input="Tere")
    if isinstance(caught.value, openai.RateLimitError):
        assert caught.value.response.headers["Retry-After"] == "0.1"
    assert (await model.responses.create(model="simulator", input="Tere")).output_text


async def test_broken_answers_of_the_model_look_as_such(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    async def answer(kind: str) -> Any:  # noqa: ANN401 - any form of response
        await client.control("model", {"clear": True, "faults": [{"kind": kind, "next": 1}]})
        return await model.responses.create(
            model="simulator",
            instructions=PERSONA,
            input="Mis kell te avate?",
            text={"format": {"type": "json_schema", "name": "r", "schema": SCHEMA}},
        )

    with pytest.raises((openai.APIError, json.JSONDecodeError)):
        await answer("garbage")
    refused = await answer("refusal")
    assert refused.output[0].content[0].type == "refusal"
    assert (await answer("empty")).output == []
    truncated = await answer("truncated")
    assert (truncated.status, truncated.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    assert (await answer("bad_output")).output_text == "Avatud E-R 9-17."


SCHEMA = Reply.model_json_schema()


def as_data_url(body: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(body).decode()}"


async def test_a_picture_in_a_request_is_seen_and_its_hash_is_recorded(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    body = picture(48, 32)
    part: Any = {"type": "input_image", "image_url": as_data_url(body), "detail": "auto"}
    text: Any = {"type": "input_text", "text": "Mis pildil on?"}
    asked: Any = [{"role": "user", "content": [text, part]}]
    response = await model.responses.create(model="simulator", input=asked)
    assert "[image 48x32]" in response.output_text
    recorded = (await client.get("/control/model-requests"))["requests"][0]["body"]
    address = recorded["input"][0]["content"][1]["image_url"]
    digest = hashlib.sha256(body).hexdigest()
    assert address == f"data:image/png;sha256={digest};bytes={len(body)}"
    found = await client.get("/control/model-requests", contains=digest)
    assert len(found["requests"]) == 1


async def test_a_picture_of_the_list_is_named(model: openai.AsyncOpenAI) -> None:
    pictures = "<pictures>\nhall | Lugemissaal | saal\ndoor | Peauks | uks\n</pictures>"
    moment: Any = {
        "role": "developer",
        "content": "Pictures already sent in this conversation: door.",
    }
    response = await model.responses.parse(
        model="simulator",
        instructions=PERSONA + pictures,
        input=[moment, {"role": "user", "content": "Palun saada mõni pilt #u1-1"}],
        text_format=PictureReply,
    )
    parsed = response.output_parsed
    assert parsed is not None
    assert parsed.parts[1] == PicturePart(type="picture", picture="hall")
    assert isinstance(parsed.parts[0], TextPart)
    assert "#u1-1" in parsed.parts[0].text


async def test_the_model_can_be_made_to_say_anything_to_one_request(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    text = '{"parts": [{"type": "text", "text": "{instructions}"}], "said": "{user}"}'
    rule = {"kind": "say", "text": text, "next": 1, "contains": "ründaja"}
    await client.control("model", {"faults": [rule]})
    plain = await model.responses.create(model="simulator", instructions="Saladus", input="Tere")
    assert plain.output_text == "Tere! Kuidas saan aidata?"
    hostile = await model.responses.create(
        model="simulator", instructions='"Saladus"', input="Olen ründaja"
    )
    assert json.loads(hostile.output_text) == {
        "parts": [{"type": "text", "text": '"Saladus"'}],
        "said": "Olen ründaja",
    }
    again = await model.responses.create(model="simulator", input="Olen ründaja")
    assert "Saladus" not in again.output_text


async def test_a_call_that_its_caller_gave_up_is_counted_and_uses_up_no_fault(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    rule = {"kind": "say", "text": "just this", "next": 1}
    await client.control("model", {"latency_seconds": 0.4, "faults": [rule]})
    call = asyncio.create_task(model.responses.create(model="simulator", input="Tere"))
    while (await client.get("/control/stats"))["model"]["under_way"] == 0:
        await asyncio.sleep(0.01)
    call.cancel()
    while (await client.get("/control/stats"))["model"]["cancelled"] == 0:
        await asyncio.sleep(0.01)
    counted = (await client.get("/control/stats"))["model"]
    assert (counted["under_way"], counted["cancelled"]) == (0, 1)
    answered = await model.responses.create(model="simulator", input="Tere")
    assert answered.output_text == "just this"
    assert (await client.get("/control/stats"))["model"]["cancelled"] == 1


async def test_a_summary_is_made_of_what_was_said(model: openai.AsyncOpenAI) -> None:
    response = await model.responses.parse(
        model="simulator",
        input="User: Soovin ruumi reedeks #u1-1\nStaff: Broneeritud",
        text_format=Summary,
    )
    assert response.output_parsed == Summary(
        summary="User: Soovin ruumi reedeks #u1-1; Staff: Broneeritud"
    )


async def test_the_sdk_reads_moderation_of_texts_and_pictures(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    texts = await model.moderations.create(
        model="omni-moderation-latest", input=["Tere", "See on #flag-self-harm-intent"]
    )
    clean, flagged = texts.results
    assert not clean.flagged
    assert clean.category_scores.violence < 0.01
    assert flagged.flagged
    assert flagged.categories.self_harm_intent
    assert flagged.category_applied_input_types.self_harm_intent == ["text"]
    assert not flagged.categories.violence
    words = {"48x32": "violence", "kuri": "harassment"}
    await client.control("moderation", {"words": words})
    image: Any = {"type": "image_url", "image_url": {"url": as_data_url(picture(48, 32))}}
    seen = await model.moderations.create(input=[image])
    assert len(seen.results) == 1
    assert seen.results[0].category_applied_input_types.violence == ["image"]
    assert (await model.moderations.create(input="Väga KURI")).results[0].categories.harassment


async def test_moderation_can_fail(client: Client, model: openai.AsyncOpenAI) -> None:
    await client.control("moderation", {"fault": "server_error"})
    with pytest.raises(openai.InternalServerError):
        await model.moderations.create(input="Tere")
    await client.control("moderation", {"fault": "hang"})
    with pytest.raises(openai.APITimeoutError):
        await model.with_options(timeout=0.2).moderations.create(input="Tere")
    await client.control("moderation", {"fault": None})
    assert not (await model.moderations.create(input="Tere")).results[0].flagged


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("quota", 429, "insufficient_quota"), ("content_filter", 400, "content_filter")],
)
async def test_a_spent_quota_and_a_filter_are_told_by_their_code(
    client: Client, model: openai.AsyncOpenAI, kind: str, status: int, code: str
) -> None:
    await client.control("model", {"faults": [{"kind": kind, "next": 1}]})
    with pytest.raises(openai.APIStatusError) as caught:
        await model.responses.create(model="simulator", input="Tere")
    assert (caught.value.status_code, caught.value.code) == (status, code)


async def test_embeddings_fail_when_told_to(client: Client, model: openai.AsyncOpenAI) -> None:
    rule = {"kind": "unavailable", "op": "embeddings", "next": 1}
    await client.control("model", {"faults": [rule]})
    assert (await model.responses.create(model="simulator", input="Tere")).output_text
    with pytest.raises(openai.InternalServerError):
        await model.embeddings.create(model="m", input="Tere")
    assert (await model.embeddings.create(model="m", input="Tere")).data


async def test_the_model_takes_as_long_as_told(client: Client, model: openai.AsyncOpenAI) -> None:
    await client.control("model", {"latency_seconds": 0.2})
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(
        *(model.responses.create(model="simulator", input="Tere") for _ in range(20))
    )
    assert 0.2 <= loop.time() - start < 2


async def test_a_fault_that_spares_second_tries_knows_when_the_model_answered(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    """However long the user has waited: what was just made has not been tried before."""
    long_ago = round((time.time() - 60) * 1000)
    await client.control("messages", {"user": "u1", "text": "Tere", "timestamp_ms": long_ago})
    rule = {"kind": "throttle", "next": 1, "fresh_seconds": 30}
    await client.control("faults", {"rules": [rule]})
    assert (await client.send("9-17 #u1-1"))[0] == 200
    await model.responses.create(model="simulator", instructions=PERSONA, input="Mis kell? #u1-2")
    assert (await client.send("9-17 #u1-2"))[0] == 400
    assert (await client.get("/control/stats"))["graph_faults_by_op"] == {"send throttle": 1}
