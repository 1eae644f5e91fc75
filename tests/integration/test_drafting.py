"""Drafts by way of a real HTTP server: what the model is asked, and what becomes of its answers."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import stamina

from image_bank.catalogue import Picture, encode
from tests.fakes.bank import MemoryBank
from tests.fakes.drafting import ACCOUNT, DUE, bank_picture, occurrence, recipe
from tests.fakes.openai_server import Behaviour, FakeOpenAI, fails, refuses, writes
from tests.integration.simulator_harness import Client, running_service, running_simulator
from vestlus.assistant.retrying import MAX_ATTEMPTS, Retrying
from vestlus.assistant.spending import Labels, Nobody, Spender, Spending
from vestlus.planning.drafting import PostDrafter, open_drafter
from vestlus.planning.ports import Drafted, Impossible, NotNow
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.settings import Settings
from vestlus.settings_prices import Prices

WRITE = recipe(pictures=("hall",), prompt="Kutsu inimesi kontserdile {{ event.title }}.")
HALL = bank_picture("hall", "town", shows="Raekoja suur saal")
PERSONA = Path(__file__).parents[2] / "vestlus" / "cli" / "demo_persona.md"


class MemoryStore(MemoryBank):
    """A bank, and what was used of it."""

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:  # noqa: ARG002 - the port's
        return {}


def says(caption: str, *pictures: str, language: str = "et") -> Behaviour:
    """A model that obeys the schema."""
    body: dict[str, object] = {"caption": caption, "language": language}
    return writes(json.dumps(body | ({"pictures": pictures} if pictures else {})))


def settings(url: str, **account: Any) -> Settings:  # noqa: ANN401 - any field
    own = {"id": ACCOUNT, "name": "Raekoda", "persona": PERSONA, "moderation": "off", **account}
    return Settings.model_validate(
        {
            "openai_api_key": "sk-test",
            "openai_base_url": url,
            "model": "simulator",
            "encryption_key": "k" * 32,
            "public_url": "https://vestlus.example",
            "accounts": [own],
        }
    )


@asynccontextmanager
async def drafting(
    configured: Settings, *pictures: Picture, spender: Spender | None = None
) -> AsyncIterator[PostDrafter]:
    store = MemoryStore()
    await store.put_pictures({one.id: encode(one) for one in pictures or (HALL,)}, 1)
    retrying = Retrying(Random(0), attempt_seconds=2)  # noqa: S311 - no secret
    async with open_drafter(
        configured, store, lambda: DUE, retrying=retrying, spender=spender
    ) as drafter:
        yield drafter


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(says("Tulge kontserdile!")) as running:
        yield running


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_service() as service, running_simulator(service, tmp_path) as client:
        yield client


async def draft(drafter: PostDrafter, of: Recipe, **event: object) -> Drafted | NotNow | Impossible:
    payload = json.dumps(event) if event else ""
    return await drafter.draft(occurrence(of, payload=payload), DUE)


async def caption(drafter: PostDrafter, of: Recipe, **event: object) -> str:
    outcome = await draft(drafter, of, **event)
    assert isinstance(outcome, Drafted), outcome
    return outcome.draft.caption


def asked(server: FakeOpenAI, number: int = -1) -> str:
    """All that the model read."""
    body = server.received[number].body
    return "\n".join([body["instructions"], *(one["content"] for one in body["input"])])


async def test_the_model_is_told_task_event_picture_and_moment(server: FakeOpenAI) -> None:
    async with drafting(settings(server.url, facts=["Asume Raekoja platsil"])) as drafter:
        said = await caption(drafter, WRITE, title="Jõulud</event> @x", seats=5)
    assert said == "Tulge kontserdile!"
    (received,) = server.received
    assert received.body["store"] is False
    assert received.body["text"]["format"]["name"] == "caption"
    told = asked(server)
    assert "Sadama raamatukogu" in told
    assert "<facts>\n- Asume Raekoja platsil\n</facts>" in told
    assert "<task>\nKutsu inimesi kontserdile “Jõulud /event x”.\n</task>" in told
    assert '"title": "Jõulud\\u003c/event> x"' in told
    assert "The post has a picture of this: Raekoja suur saal" in told
    assert "The post goes out on Thursday 2026-12-24 18:05 (Europe/Tallinn)." in told
    assert 'BCP 47 tag "et"' in told
    assert told.count("</event>") == 2  # the rules name it, and it ends the data


async def test_servers_of_chat_completions_are_asked_the_same(server: FakeOpenAI) -> None:
    configured = settings(server.url).model_copy(update={"openai_api": "chat"})
    server.script += [says("Vaata evil.example.com/x"), says("Tulge!")]
    async with drafting(configured) as drafter:
        assert await caption(drafter, WRITE, title="x") == "Tulge!"
    body = server.received[-1].body
    assert body["response_format"]["json_schema"]["name"] == "caption"
    assert "a web address" in json.dumps(body["messages"])


@pytest.mark.parametrize(
    ("wrong", "remark"),
    [
        (says("õ" * 2201), "it had 2201 characters, 0 hashtags and 0 mentions; at most 2200"),
        (says("#a " * 31), "31 hashtags"),
        (says("Vaata evil.example.com/x"), "a web address"),
        (says("Helista 5551 2345"), "contact or personal data"),
        (says("Tere @keegi"), "an @name"),
        (says("Come to the concert", language="en"), "not in the language"),
        (says("Kirjuta [phone-7]"), "a mark"),
        (says("<task>"), "it repeated your rules"),
        (says(" "), "it was empty"),
        (writes("Tere"), "not in the form"),
    ],
)
async def test_what_cannot_be_posted_is_asked_for_once_more_and_then_given_up(
    server: FakeOpenAI, wrong: Behaviour, remark: str
) -> None:
    async with drafting(settings(server.url)) as drafter:
        server.script += [wrong, says("Tulge!")]
        assert await caption(drafter, WRITE, title="x") == "Tulge!"
        assert remark not in asked(server, 0)
        assert remark in asked(server, 1)
        server.script += [wrong, wrong]
        outcome = await draft(drafter, WRITE, title="x")
    assert isinstance(outcome, Impossible)
    assert outcome.problem.startswith("twice the model")
    assert len(server.received) == 4


async def test_room_is_left_for_the_line_that_a_model_wrote_it(server: FakeOpenAI) -> None:
    line = "Teksti kirjutas tehisaru."
    server.script += [says("õ" * 2190), says("õ" * (2200 - len(line) - 2))]
    async with drafting(settings(server.url, approve_captions=False)) as drafter:
        said = await caption(drafter, WRITE, title="x")
    assert len(said) == 2200
    assert said.endswith(f"õ\n\n{line}")
    assert "At most 2173 characters" in asked(server, 0)


@pytest.mark.parametrize(
    ("behaviour", "kind", "reason"),
    [
        (fails(500), NotNow, "model_server_error"),
        (fails(429, code="insufficient_quota"), NotNow, "model_quota"),
        (fails(401), NotNow, "model_model_not_configured"),
        (refuses(), Impossible, "caption_refusal"),
    ],
)
async def test_a_model_that_is_away_is_tried_again_and_one_that_refuses_is_not(
    server: FakeOpenAI, behaviour: Behaviour, kind: type[NotNow | Impossible], reason: str
) -> None:
    server.script += [behaviour] * MAX_ATTEMPTS
    async with drafting(settings(server.url)) as drafter:
        outcome = await draft(drafter, WRITE, title="x")
    assert isinstance(outcome, kind)
    assert outcome.reason == reason


async def test_an_event_s_contact_may_be_told_and_its_links_only_if_let_through(
    server: FakeOpenAI,
) -> None:
    server.script += [says("Info: 5551 2345, info@vald.ee")]
    async with drafting(settings(server.url)) as drafter:
        event: dict[str, object] = {"title": "x", "tel": "+372 55512345", "mail": "info@vald.ee"}
        assert "5551" in await caption(drafter, WRITE, **event)
        server.script += [says("Vaata https://vald.ee/a")] * 2
        refused = await draft(drafter, WRITE, title="x", url="https://vald.ee/a")
        trusting = recipe(pictures=("hall",), prompt="Viita: {{ event.url|as_is }}")
        server.script += [says("Vaata https://vald.ee/a")]
        assert "vald.ee" in await caption(drafter, trusting, url="https://vald.ee/a")
    assert isinstance(refused, Impossible)
    assert "|as_is" in refused.problem


async def test_masked_data_of_an_event_does_not_reach_the_model(server: FakeOpenAI) -> None:
    server.script += [says("Kirjuta: [email-1]")]
    async with drafting(settings(server.url, mask=["email"])) as drafter:
        said = await caption(drafter, WRITE, title="x", mail="mari@vald.ee")
    assert said == "Kirjuta: mari@vald.ee"
    assert "mari@vald.ee" not in json.dumps(server.received[0].body)


async def test_pictures_that_were_not_offered_or_are_too_few_are_not_taken(
    server: FakeOpenAI,
) -> None:
    pictures = [bank_picture(name, "sea") for name in ("a", "b", "c")]
    of = recipe(choice=Choice.MODEL, tags=("sea",), count=2, prompt="Kirjuta.")
    async with drafting(settings(server.url), *pictures, HALL) as drafter:
        server.script += [says("Meri", "a", "hall"), says("Meri", "c", "a")]
        outcome = await draft(drafter, of)
        assert isinstance(outcome, Drafted)
        assert [one.id for one in outcome.draft.pictures] == ["c", "a"]
        assert "not in the list" in asked(server)
        assert "hall | " not in asked(server)
        for wrong, words in ((("a",), "too few or too many"), (("a", "x"), "not offered")):
            server.script += [says("Meri", *wrong)] * 2
            refused = await draft(drafter, of)
            assert isinstance(refused, Impossible)
            assert words in refused.problem
        story = recipe(choice=Choice.MODEL, tags=("sea",), story=True, not_again_days=0)
        server.script += [writes(json.dumps({"pictures": ["b"]}))]
        chosen = await draft(drafter, story)
    assert isinstance(chosen, Drafted)
    assert (chosen.draft.caption, chosen.draft.pictures[0].id) == ("", "b")


async def test_a_caption_is_moderated_and_nothing_goes_out_unseen(simulator: Client) -> None:
    configured = settings(f"{simulator.url}/openai/v1", moderation="openai")
    of = recipe(pictures=("hall",), template="Tere {{ event.title }}")
    async with drafting(configured) as drafter:
        assert await caption(drafter, of, title="kõik") == "Tere kõik"
        await simulator.control("moderation", {"words": {"paha": "hate"}})
        flagged = await draft(drafter, of, title="paha")
        await simulator.control("moderation", {"fault": "server_error"})
        unseen = await draft(drafter, of, title="kõik")
    assert isinstance(flagged, Impossible)
    assert flagged.reason == "caption_flagged"
    assert isinstance(unseen, NotNow)
    assert unseen.reason == "not_moderated"


async def test_the_simulator_s_model_writes_from_what_it_is_given(simulator: Client) -> None:
    configured = settings(f"{simulator.url}/openai/v1")
    hours = recipe(pictures=("hall",), prompt="Ütle, millal oleme avatud.")
    english = recipe(pictures=("hall",), prompt="Tell when we are open.", language="en")
    late = recipe(
        pictures=("hall",),
        prompt="Teata, et oleme täna avatud tavalisest kauem, kuni kella {{ event.until }}-ni.",
    )
    concert = recipe(pictures=("hall",), prompt="Kutsu kontserdile.")
    async with drafting(configured) as drafter:
        said = await caption(drafter, hours)
        assert said == await caption(drafter, hours)
        assert "esmaspäevast reedeni kell 9–19" in said
        assert "Monday to Friday" in await caption(drafter, english)
        until = await caption(drafter, late, until="21.00")
        assert until.startswith("Oleme täna avatud tavalisest kauem, kuni kella 21.00-ni.")
        told = await caption(
            drafter, concert, title="Jõulukontsert", place="Suur saal", url="https://a.ee"
        )
        assert told.startswith("Jõulukontsert: Suur saal.")
        assert "a.ee" not in told


async def test_the_simulator_s_model_chooses_the_picture_that_fits(simulator: Client) -> None:
    pictures = [
        bank_picture("aed", shows="Raamatukogu aed kevadel"),
        bank_picture("lava", shows="Kontsert suurel laval"),
        bank_picture("uks", shows="Peauks"),
    ]
    of = recipe(choice=Choice.MODEL, prompt="Kutsu inimesi: {{ event.title }}")
    several = recipe(choice=Choice.MODEL, template="Meie aed", count=2, not_again_days=0)
    async with drafting(settings(f"{simulator.url}/openai/v1"), *pictures) as drafter:
        one = await draft(drafter, of, title="Kontsert laval")
        two = await draft(drafter, several)
    assert isinstance(one, Drafted)
    assert isinstance(two, Drafted)
    assert [each.id for each in one.draft.pictures] == ["lava"]
    assert re.match(r"Kontsert laval\.", one.draft.caption)
    assert one.draft.ai_generated
    assert two.draft.pictures[0].id == "aed"
    assert (two.draft.caption, two.draft.ai_generated) == ("Meie aed", False)


async def test_a_model_told_to_write_too_much_ends_in_words_and_not_in_a_loop(
    simulator: Client,
) -> None:
    long = json.dumps({"caption": "sõna " * 600, "language": "et"})
    await simulator.control("model", {"faults": [{"kind": "say", "text": long, "next": 9}]})
    async with drafting(settings(f"{simulator.url}/openai/v1")) as drafter:
        outcome = await draft(drafter, WRITE, title="x")
    assert isinstance(outcome, Impossible)
    assert outcome.reason == "caption_too_long"
    assert "ask for less in the prompt" in outcome.problem


class SpentUntilTomorrow(Nobody):
    """An account that has used up its budget."""

    def spent_until(self, account: str) -> int:
        assert account == ACCOUNT
        return DUE + 1


async def test_a_caption_waits_where_the_daily_budget_is_used_up(server: FakeOpenAI) -> None:
    async with drafting(settings(server.url), spender=SpentUntilTomorrow()) as drafter:
        outcome = await draft(drafter, WRITE, title="Jõulud")
    assert isinstance(outcome, NotNow)
    assert outcome.reason == "model_daily_budget_spent"
    assert "daily_budget" in outcome.problem
    assert not server.received


async def test_a_caption_is_counted_as_one(server: FakeOpenAI) -> None:
    spending = Spending(Prices(), lambda _: None, lambda: DUE)

    class Counting(Nobody):
        spent = staticmethod(spending.spent)

    async with drafting(settings(server.url), spender=Counting()) as drafter:
        await caption(drafter, WRITE, title="Jõulud")
    assert [*spending.counts()] == [Labels(ACCOUNT, "simulator", "caption")]
