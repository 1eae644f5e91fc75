"""The real OpenAI SDK talks to the pretend model."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.integration.simulator_harness import (
    Client,
    RecordingService,
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


async def test_the_model_takes_as_long_as_told(client: Client, model: openai.AsyncOpenAI) -> None:
    await client.control("model", {"latency_seconds": 0.2})
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(
        *(model.responses.create(model="simulator", input="Tere") for _ in range(20))
    )
    assert 0.2 <= loop.time() - start < 2
