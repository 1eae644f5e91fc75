from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.openai_server import FakeOpenAI, fails
from vestlus.assistant.breaker import Breaker
from vestlus.assistant.embeddings import Embedder, VectorsInMemory
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.search import EmbeddingSearch, FallbackSearch, LexicalSearch
from vestlus.assistant.words import WordIndex, folded
from vestlus.errors import AssistantUnavailable

TEXTS = {
    "hours": "Oleme avatud esmaspäevast reedeni kell 9–19. Pühapäeval oleme suletud.",
    "fees": "Viivis on 0,10 eurot päevas iga raamatu kohta.",
    "printing": "Printimine maksab 0,20 eurot lehekülg.",
    "address": "Aadress: Sadama 12, Tallinn. Библиотека находится рядом.",
}

#: What the pretend embedding model knows: words of the same meaning, a dimension each.
MEANINGS = (
    ("avatud", "lahti", "open", "kell", "hours"),
    ("viivis", "trahv", "fine"),
    ("printimine", "koopia", "copies"),
    ("aadress", "asute", "where"),
)


async def by_meaning(request: web.Request) -> web.StreamResponse:
    rows = []
    for text in (await request.json())["input"]:
        low = text.casefold()
        row = [float(sum(word in low for word in words)) for words in MEANINGS]
        rows.append([*row, 0.0 if any(row) else 1.0])
    data = [{"index": at, "embedding": row} for at, row in enumerate(rows)]
    return web.json_response({"data": data})


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(by_meaning) as running:
        yield running


@pytest.fixture
async def search(server: FakeOpenAI) -> AsyncIterator[EmbeddingSearch]:
    connection = OpenAIConnection(api_key="sk-test", base_url=server.url, clock=lambda: 0)
    embedder = Embedder(
        connection, model="m", kept=VectorsInMemory(), breaker=Breaker(lambda: 0.0), seconds=30
    )
    opened = EmbeddingSearch(embedder, seconds=30)
    yield opened
    await opened.aclose()
    await connection.aclose()


async def test_the_nearest_in_meaning_come_first(search: EmbeddingSearch) -> None:
    assert await search.best("What is the fine?", TEXTS, 1) == ("fees",)
    assert await search.best("Kas saab koopia teha?", TEXTS, 2) == ("printing",)
    assert await search.best("open hours, and where?", TEXTS, 9) == ("hours", "address")


async def test_what_has_nothing_to_do_with_the_query_is_left_out(search: EmbeddingSearch) -> None:
    assert await search.best("Kas koer on lubatud?", TEXTS, 3) == ()


async def test_texts_are_asked_about_once(server: FakeOpenAI, search: EmbeddingSearch) -> None:
    await search.best("open", TEXTS, 1)
    await search.best("fine", dict(TEXTS), 1)
    assert [len(one.body["input"]) for one in server.received] == [1, len(TEXTS), 1]


async def test_only_new_texts_are_asked_about_after_a_change(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    await search.best("open", TEXTS, 1)
    changed = TEXTS | {"hours": "Avatud kell 10–12", "more": "Trahv"}
    assert set(await search.best("open fine", changed, 9)) == {"hours", "fees", "more"}
    assert sorted(server.received[-1].body["input"]) == ["Avatud kell 10–12", "Trahv"]


@pytest.mark.parametrize(
    "asked", [("", TEXTS, 3), (" \n", TEXTS, 3), ("x", {}, 3), ("x", TEXTS, 0)]
)
@pytest.mark.parametrize("kind", ["embedding", "lexical"])
async def test_nothing_to_search_costs_no_request(
    server: FakeOpenAI,
    search: EmbeddingSearch,
    kind: str,
    asked: tuple[str, dict[str, str], int],
) -> None:
    chosen = search if kind == "embedding" else LexicalSearch()
    assert await chosen.best(*asked) == ()
    assert server.received == []


async def test_blank_texts_are_passed_over(search: EmbeddingSearch) -> None:
    assert await search.best("open", {"blank": " ", "full": "open"}, 5) == ("full",)
    assert await search.best("open", {"blank": " "}, 5) == ()


async def test_a_query_does_not_wait_for_slow_vectors_and_the_next_one_finds_them(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    released = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return await by_meaning(request)

    server.script += [by_meaning, slow]
    search._seconds = 0.5
    with pytest.raises(AssistantUnavailable, match="timeout"):
        await search.best("open", TEXTS, 1)
    released.set()
    search._seconds = 30
    assert await search.best("open", TEXTS, 1) == ("hours",)
    # Nobody asked for the vectors of the texts a second time.
    assert [len(one.body["input"]) for one in server.received].count(len(TEXTS)) == 1


async def test_many_queries_at_once_ask_about_the_texts_once(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    found = await asyncio.gather(*(search.best("open", TEXTS, 1) for _ in range(8)))
    assert set(found) == {("hours",)}
    assert [len(one.body["input"]) for one in server.received].count(len(TEXTS)) == 1


async def test_a_cancelled_query_leaves_the_vectors_to_the_others(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    asked, released = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        asked.set()
        await released.wait()
        return await by_meaning(request)

    server.script += [by_meaning, slow]
    first = asyncio.create_task(search.best("open", TEXTS, 1))
    await asyncio.wait_for(asked.wait(), 5)
    second = asyncio.create_task(search.best("fine", TEXTS, 1))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    released.set()
    assert await second == ("fees",)


async def test_closing_ends_what_goes_on_in_the_background(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    server.script += [by_meaning, server.hangs]
    waiting = asyncio.create_task(search.best("open", TEXTS, 1))
    await asyncio.wait_for(server.hanging.wait(), 5)
    await search.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("mis kell te avate?", "hours"),
        ("suletud pühapäev", "hours"),
        ("VIIVISED", "fees"),
        ("kui palju maksab printida", "printing"),
        ("sadama aadress", "address"),
        ("где находится библиотека", "address"),
        ("puhapaeval", "hours"),
    ],
)
async def test_words_find_inflected_forms_without_case_and_accents(query: str, best: str) -> None:
    assert (await LexicalSearch().best(query, TEXTS, 1)) == (best,)


async def test_texts_that_share_no_word_are_not_found() -> None:
    assert await LexicalSearch().best("ujula basseinid", TEXTS, 4) == ()


async def test_a_rare_word_counts_for_more_than_a_common_one() -> None:
    texts = {"a": "raamat ja raamat", "b": "raamat", "c": "raamat ja leping"}
    assert (await LexicalSearch().best("raamat leping", texts, 1)) == ("c",)


word = st.text(alphabet="aäbõkžщи1", min_size=1, max_size=8)


@given(st.lists(st.lists(word, max_size=8).map(" ".join), max_size=8), word)
def test_a_score_is_positive_exactly_where_a_word_begins_alike(
    texts: list[str], query: str
) -> None:
    scores = WordIndex(texts).scores(query)
    stem = folded(query)[:5]
    for text, score in zip(texts, scores, strict=True):
        alike = any(folded(one)[:5] == stem for one in text.split())
        assert math.isfinite(score)
        assert (score > 0) == alike


class Search:
    """Finds one key, or fails."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.down = False

    async def best(self, query: str, texts: Mapping[str, str], most: int) -> tuple[str, ...]:
        del query, texts, most
        if self.down:
            raise AssistantUnavailable("connection")
        return (self.key,)


async def test_the_second_search_serves_while_the_first_fails_and_that_is_said_once() -> None:
    first, second = Search("meaning"), Search("words")
    both = FallbackSearch(first, second)

    async def find() -> tuple[str, ...]:
        return await both.best("x", TEXTS, 1)

    with capture_logs() as logs:
        found: list[Any] = [await find()]
        first.down = True
        found += [await find(), await find()]
        first.down = False
        found += [await find(), await find()]
    assert [one for (one,) in found] == ["meaning", "words", "words", "meaning", "meaning"]
    assert [line["event"] for line in logs] == [
        "search_by_words_instead",
        "search_by_meaning_again",
    ]


async def test_words_serve_when_the_server_has_no_embeddings(
    server: FakeOpenAI, search: EmbeddingSearch
) -> None:
    server.script += [fails(404)] * 3
    both = FallbackSearch(search, LexicalSearch())
    assert await both.best("viivised", TEXTS, 1) == ("fees",)
