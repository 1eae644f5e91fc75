"""What the assistant tells its model beside the messages: pictures and documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web

from image_bank.catalogue import Picture
from tests.fakes.openai_server import FakeOpenAI, fails, says
from tests.integration.assistant_support import (
    ACCOUNT,
    APIS,
    Documents,
    _no_waiting,
    opened,
    prefix,
    question,
    server,
    settings,
)
from vestlus.assistant.embeddings import VectorsInMemory
from vestlus.assistant.knowledge import Passage, Passages
from vestlus.assistant.pictures import Offered, OfferedPicture
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import PicturePart, TextPart
from vestlus.errors import AssistantUnavailable
from vestlus.settings_account import Account

__all__ = ["_no_waiting", "server"]


@dataclass
class Bank:
    """Offers what it was made with."""

    offer: Offered
    asked: list[str] = field(default_factory=list)

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        assert account.id == ACCOUNT
        assert now_ms > 0
        self.asked.append(question_text)
        return self.offer


MENU = OfferedPicture("menu", "Päevamenüü", ("menüü",))
HALL = OfferedPicture("hall", "Saal")


@pytest.mark.parametrize("api", APIS)
async def test_a_picture_of_the_list_is_part_of_the_answer(server: FakeOpenAI, api: str) -> None:
    server.script.append(says("Palun:", pictures=["menu"]))
    bank = Bank(Offered((HALL, MENU), whole=True))
    async with opened(settings(server.url, api), pictures=bank) as assistant:
        reply = await assistant.reply(question("Näita menüüd"))
    assert reply.parts == (TextPart("Palun:"), PicturePart("menu"))
    listed = "<pictures>\nhall | Saal | \nmenu | Päevamenüü | menüü\n</pictures>"
    assert listed in prefix(server, api)
    assert bank.asked == ["Näita menüüd"]


@pytest.mark.parametrize("api", APIS)
async def test_the_prefix_stays_the_same_while_everything_else_changes(
    server: FakeOpenAI, api: str
) -> None:
    bank = Bank(Offered((HALL, MENU), whole=True))
    documents = Documents(Passages((Passage("a.md", "Avatud 9-18"),), whole=True))
    configured = settings(server.url, api, account={"facts": ["Sadama 5"]})
    async with opened(configured, pictures=bank, knowledge=documents) as assistant:
        await assistant.reply(question("Tere"))
        history = (HistoryMessage(Role.USER, "Tere", 0), HistoryMessage(Role.ASSISTANT, "Tere!", 0))
        await assistant.reply(
            question(
                "Mis hind?",
                user="1",
                history=history,
                now_ms=1_772_452_980_000 + 86_400_000,
                summary="Tahab lauda.",
                pictures_sent=("menu",),
                language="et",
            )
        )
    one, other = server.received
    assert one.body["prompt_cache_key"] == other.body["prompt_cache_key"]
    if api == "responses":
        assert one.body["instructions"] == other.body["instructions"]
        assert list(one.body) == list(other.body)
    else:
        # What is the same stands before the first difference: the moment.
        same = one.body["messages"][0]["content"].partition("Now: ")[0]
        assert other.body["messages"][0]["content"].startswith(same)
    assert "</pictures>" in prefix(server, api)
    assert "Avatud 9-18" in prefix(server, api)
    assert "Sadama 5" in prefix(server, api)


async def test_what_was_found_for_the_question_is_told_after_the_history(
    server: FakeOpenAI,
) -> None:
    documents = Documents(Passages((Passage("hinnad.md", "Pilet 8 €"),), whole=False))
    bank = Bank(Offered((MENU,), whole=False))
    async with opened(settings(server.url), pictures=bank, knowledge=documents) as assistant:
        await assistant.reply(
            question("Mis hind?", summary="Tahab lauda.", pictures_sent=("hall",), language="et")
        )
    summary, moment, asked = server.received[0].body["input"]
    assert summary == {"role": "user", "content": "[Summary of earlier messages: Tahab lauda.]"}
    assert (moment["role"], asked["content"]) == ("developer", "Mis hind?")
    assert moment["content"].split("\n") == [
        "Now: Monday 2026-03-02 14:03 (Europe/Tallinn).",
        "Language of the conversation so far: et.",
        "Pictures already sent in this conversation: hall.",
        "<knowledge>",
        "[hinnad.md]",
        "Pilet 8 €",
        "</knowledge>",
        "<pictures>",
        "menu | Päevamenüü | menüü",
        "</pictures>",
    ]


async def test_everything_that_is_not_handed_in_is_made_from_the_settings(
    server: FakeOpenAI, tmp_path: Path
) -> None:
    (tmp_path / "hinnad.md").write_text("Pilet maksab 8 eurot.")

    class Shelf:
        async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
            assert (account, today) == (ACCOUNT, date(2026, 3, 2))
            return tuple(shelved(f"p{number:02}") for number in range(50))

    configured = settings(server.url, account={"knowledge": tmp_path})
    async with opened(configured, bank=Shelf(), store=VectorsInMemory()) as assistant:
        server.script.append(fails(404))  # the server has no embeddings: found by words instead
        await assistant.reply(question("Pilt p07"))
    asked, answered = server.received
    assert asked.path == "/embeddings"
    assert "[hinnad.md]\nPilet maksab 8 eurot." in answered.body["instructions"]
    (moment,) = (one for one in answered.body["input"] if one["role"] == "developer")
    assert "<pictures>\np07 | Pilt p07 | " in moment["content"]


async def test_users_words_are_searched_with_under_their_account_s_own_key(
    server: FakeOpenAI,
) -> None:
    class Shelf:
        async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
            del account, today
            return tuple(shelved(f"p{number:02}") for number in range(50))

    accounts = [
        {"id": ACCOUNT, "access_token": "t"},
        {"id": "2", "access_token": "t", "openai_api_key": "sk-two"},
        {"id": "3", "access_token": "t", "openai_api_key": "sk-two"},
    ]
    configured = settings(server.url, accounts=accounts)
    async with opened(configured, bank=Shelf()) as assistant:
        for account in ("2", ACCOUNT, "3", "2"):
            server.script.extend([embeds, embeds] if account == ACCOUNT else [fails(500)])
            await assistant.reply(question("Pilt p07", account=account))
    sent = [
        (one.headers["Authorization"].removeprefix("Bearer "), len(one.body["input"]))
        for one in server.received
        if one.path == "/embeddings"
    ]
    assert sent == [("sk-two", 1), ("sk-test", 1), ("sk-test", 50), ("sk-two", 1), ("sk-two", 1)]


async def embeds(request: web.Request) -> web.StreamResponse:
    texts = (await request.json())["input"]
    data = [{"index": at, "embedding": [1.0, len(text)]} for at, text in enumerate(texts)]
    return web.json_response({"data": data})


def shelved(name: str) -> Picture:
    return Picture(
        id=name,
        file="f.png",
        media_type="image/png",
        size=1,
        width=1,
        height=1,
        shows=f"Pilt {name}",
    )


async def test_documents_that_cannot_be_searched_are_not_taken_for_empty(
    server: FakeOpenAI,
) -> None:
    documents = Documents(Passages((), whole=False), error=AssistantUnavailable("timeout"))
    async with opened(settings(server.url), knowledge=documents) as assistant:
        with pytest.raises(AssistantUnavailable, match=r"^timeout$"):
            await assistant.reply(question())
    assert server.received == []
