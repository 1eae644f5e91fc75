"""Every failure of the model has its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from tests.fakes.openai_server import (
    Behaviour,
    FakeOpenAI,
    cuts_off,
    fails,
    refuses,
    reply_json,
    says,
    sends,
    writes,
)
from tests.integration.hostile_support import (
    APIS,
    Bank,
    _no_waiting,
    opened,
    question,
    server,
    settings,
)
from vestlus.assistant.retrying import MAX_ATTEMPTS, Retrying
from vestlus.conversation.reply import Concern, Reply, TextPart
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable

__all__ = ["_no_waiting", "server"]


HALF = reply_json("Oleme avatud")[:30]
CYRILLIC = "Когда открываетесь?"


def impatiently() -> Retrying:
    """Gives an attempt up after a second, so that silence need not last minutes."""
    return Retrying(Random(0), attempt_seconds=1.0)  # noqa: S311 - no secret


@dataclass(frozen=True)
class Row:
    """A failure of the model, and its exact outcome when it stays: a reply or an error."""

    model: Behaviour | None
    outcome: Reply | AssistantError
    requests: int
    asked: str = "Tere"
    moderation: str = "off"


#: ``None`` for the behaviour stands for silence.
FAILURES: dict[str, Row] = {
    "not JSON": Row(writes("Tere!"), AssistantInvalid("malformed_reply"), 2),
    "not a response": Row(sends(b"<html>"), AssistantInvalid("malformed_response"), 2),
    "refusal": Row(refuses(), AssistantInvalid("refusal"), 1),
    "refusal, and the provider moderates": Row(
        refuses(), Reply(parts=(), concern=Concern.UNSAFE_MESSAGES), 1, moderation="provider"
    ),
    "filtered prompt": Row(
        fails(400, code="content_filter"), AssistantInvalid("content_filter"), 1
    ),
    "filtered prompt, and the provider moderates": Row(
        fails(400, code="content_filter"),
        Reply(parts=(), concern=Concern.UNSAFE_MESSAGES),
        1,
        moderation="provider",
    ),
    "filtered answer, and the provider moderates": Row(
        cuts_off(HALF, "content_filter"),
        Reply(parts=(), concern=Concern.UNSAFE_MESSAGES),
        1,
        moderation="provider",
    ),
    "filtered, and auto means the provider": Row(
        fails(400, code="content_filter"),
        Reply(parts=(), concern=Concern.UNSAFE_MESSAGES),
        1,
        moderation="auto",
    ),
    "unknown picture id beside a text": Row(
        says("Palun:", pictures=["kassa"]),
        Reply(parts=(TextPart("Palun:"),), language="et"),
        2,
    ),
    "unknown picture id alone": Row(
        says(pictures=["kassa"]), AssistantInvalid("unknown_picture"), 2
    ),
    "cut off by length": Row(cuts_off(HALF), AssistantInvalid("truncated"), 2),
    "empty response": Row(writes(""), AssistantInvalid("no_output"), 2),
    "empty answer": Row(says(), AssistantInvalid("no_parts"), 2),
    "wrong language, by its script": Row(
        says("We are open.", language="en"),
        Reply(parts=(TextPart("We are open."),), language="en"),
        2,
        asked=CYRILLIC,
    ),
    "wrong language, in the same script": Row(
        says("We are open.", language="en"),
        Reply(parts=(TextPart("We are open."),), language="en"),
        1,
        asked="Mis kell te avate?",
    ),
    "three minutes of silence": Row(None, AssistantUnavailable("timeout"), MAX_ATTEMPTS),
}


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_every_failure_of_the_model_has_its_exact_outcome(
    server: FakeOpenAI, api: str, failure: str
) -> None:
    row = FAILURES[failure]
    server.script.extend([row.model or server.hangs] * 9)
    configured = settings(server.url, api, moderation=row.moderation)
    async with opened(configured, pictures=Bank(), retrying=impatiently()) as assistant:
        if isinstance(row.outcome, AssistantError):
            with pytest.raises(type(row.outcome)) as raised:
                await assistant.reply(question(row.asked))
            assert raised.value.reason == row.outcome.reason
        else:
            assert await assistant.reply(question(row.asked)) == row.outcome
    assert len(server.received) == row.requests


async def test_what_passes_after_one_failure_costs_no_answer(server: FakeOpenAI) -> None:
    for row in FAILURES.values():
        if row.requests > 1:
            server.script.append(row.model or server.hangs)
            good = "Мы открыты." if row.asked == CYRILLIC else "Oleme avatud."
            server.script.append(says(good))
            async with opened(
                settings(server.url), pictures=Bank(), retrying=impatiently()
            ) as assistant:
                assert (await assistant.reply(question(row.asked))).text == good
