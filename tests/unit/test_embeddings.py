from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from aiohttp import web

from tests.fakes.openai_server import Behaviour, FakeOpenAI, answers, cuts, fails, sends
from vestlus.assistant.breaker import FAILURES, Breaker
from vestlus.assistant.embeddings import (
    BATCH,
    MAX_CHARACTERS,
    QUERY_SECONDS,
    Embedder,
    VectorsInMemory,
)
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.search import SEARCH_SECONDS, EmbeddingSearch
from vestlus.assistant.spending import Labels, Nobody, Spending, paid_by
from vestlus.errors import AssistantError, AssistantInvalid, AssistantUnavailable, StoreUnavailable
from vestlus.settings_prices import Prices


async def lengths(request: web.Request) -> web.StreamResponse:
    """A vector of each text's length, listed backwards, as the index may have them in any order."""
    texts = (await request.json())["input"]
    data = [
        {"object": "embedding", "index": index, "embedding": [float(len(text)), 3.0]}
        for index, text in enumerate(texts)
    ]
    return web.json_response({"object": "list", "data": data[::-1]})


@dataclass
class Kept(VectorsInMemory):
    """Counts, and is down when asked to be."""

    down: bool = False
    asked: list[frozenset[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        self.asked.append(frozenset(digests))
        if self.down:
            raise StoreUnavailable
        return await super().embeddings(model, digests)

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        if self.down:
            raise StoreUnavailable
        await super().put_embeddings(model, vectors)


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(lengths) as running:
        yield running


@pytest.fixture
async def connection(server: FakeOpenAI) -> AsyncIterator[OpenAIConnection]:
    opened = OpenAIConnection(api_key="sk-test", base_url=server.url, clock=lambda: 0)
    yield opened
    await opened.aclose()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def embedder_of(
    connection: OpenAIConnection,
    kept: Kept,
    model: str = "text-embedding-3-small",
    seconds: float = 60,
) -> Embedder:
    """With more patience than a busy machine takes."""
    breaker = Breaker(lambda: 0.0)
    return Embedder(
        connection,
        model=model,
        kept=kept,
        breaker=breaker,
        seconds=seconds,
        query_seconds=seconds,
    )


@pytest.fixture
def embedder(connection: OpenAIConnection, kept: Kept) -> Embedder:
    return embedder_of(connection, kept)


async def test_a_request_has_the_model_the_texts_and_no_dimensions(
    server: FakeOpenAI, embedder: Embedder
) -> None:
    await embedder.of_texts(["üks", "kaks"])
    (request,) = server.received
    assert request.path == "/embeddings"
    assert request.body == {
        "model": "text-embedding-3-small",
        "input": ["üks", "kaks"],
        "encoding_format": "float",
    }


async def test_vectors_are_in_the_order_of_the_texts_and_of_length_one(embedder: Embedder) -> None:
    rows = await embedder.of_texts(["a" * 4, "", "b" * 40])
    assert rows.dtype == np.float32
    assert rows.shape == (3, 2)
    assert np.allclose(rows[0], [0.8, 0.6])
    assert np.allclose(rows[1], [0.0, 1.0])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0)


async def test_many_texts_are_asked_for_in_batches(server: FakeOpenAI, embedder: Embedder) -> None:
    texts = [f"{number} {'x' * number}" for number in range(2 * BATCH + 7)]
    rows = await embedder.of_texts(texts)
    assert sorted(len(one.body["input"]) for one in server.received) == [7, BATCH, BATCH]
    expected = np.array([[len(text), 3.0] for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(rows, expected, atol=1e-6)


async def test_a_text_is_asked_for_once_also_by_another_process(
    server: FakeOpenAI, connection: OpenAIConnection, kept: Kept
) -> None:
    first = await embedder_of(connection, kept).of_texts(["üks", "kaks", "üks"])
    again = await embedder_of(connection, kept).of_texts(["kaks", "kolm"])
    assert [one.body["input"] for one in server.received] == [["üks", "kaks"], ["kolm"]]
    assert np.array_equal(first[1], again[0])
    assert np.array_equal(first[0], first[2])


async def test_another_model_has_vectors_of_its_own(
    server: FakeOpenAI, connection: OpenAIConnection, kept: Kept
) -> None:
    await embedder_of(connection, kept).of_texts(["üks"])
    await embedder_of(connection, kept, "text-embedding-3-large").of_texts(["üks"])
    assert len(server.received) == 2


async def test_what_a_user_asks_is_never_kept(embedder: Embedder, kept: Kept) -> None:
    vector = await embedder.of_query("minu isikukood on …")
    assert vector.shape == (2,)
    assert kept.asked == []
    assert await kept.embeddings("text-embedding-3-small", ["x"]) == {}
    assert kept._kept == {}


async def test_a_store_that_does_not_answer_is_done_without(embedder: Embedder, kept: Kept) -> None:
    kept.down = True
    assert (await embedder.of_texts(["üks"])).shape == (1, 2)


async def test_long_texts_are_cut_and_broken_characters_replaced(
    server: FakeOpenAI, embedder: Embedder
) -> None:
    await embedder.of_texts(["x" * (MAX_CHARACTERS + 1), "Tere \ud83d"])
    assert server.received[0].body["input"] == ["x" * MAX_CHARACTERS, "Tere ?"]


def vectors(*rows: list[float]) -> Behaviour:
    return answers({"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]})


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (fails(500), AssistantUnavailable),
        (fails(404), AssistantUnavailable),
        (fails(429), AssistantUnavailable),
        (cuts, AssistantUnavailable),
        (fails(400), AssistantInvalid),
        (sends(b"{"), AssistantInvalid),
        (answers({"data": []}), AssistantInvalid),
        (vectors([1.0], [2.0]), AssistantInvalid),
        (vectors([0.0, 0.0]), AssistantInvalid),
        (sends(b'{"data": [{"index": 0, "embedding": [NaN]}]}'), AssistantInvalid),
    ],
)
async def test_failures_are_errors_of_the_assistant(
    server: FakeOpenAI,
    embedder: Embedder,
    behaviour: Behaviour,
    error: type[AssistantError],
) -> None:
    server.script += [behaviour, behaviour]
    with pytest.raises(error):
        await embedder.of_query("x")
    with pytest.raises(error):
        await embedder.of_texts(["x"])


async def test_a_server_that_does_not_answer_is_given_up(
    server: FakeOpenAI, connection: OpenAIConnection, kept: Kept
) -> None:
    server.script.append(server.hangs)
    # However soon: it would never answer.
    with pytest.raises(AssistantUnavailable, match="timeout"):
        await embedder_of(connection, kept, seconds=0.01).of_query("x")


async def test_a_dead_server_is_not_asked_again_for_a_while(
    server: FakeOpenAI, embedder: Embedder
) -> None:
    server.script += [fails(503)] * FAILURES
    for _ in range(FAILURES + 2):
        with pytest.raises(AssistantUnavailable):
            await embedder.of_query("x")
    assert len(server.received) == FAILURES


async def test_a_server_that_hangs_is_not_asked_again_either_and_nobody_waits_for_it(
    server: FakeOpenAI, connection: OpenAIConnection, kept: Kept
) -> None:
    server.script += [server.hangs] * (FAILURES + 2)
    embedder = embedder_of(connection, kept, seconds=0.01)
    search = EmbeddingSearch(embedder)
    for _ in range(FAILURES + 2):
        with pytest.raises(AssistantUnavailable):
            await search.best("x", {"a": "y"}, 1)
    with pytest.raises(AssistantUnavailable, match=r"^(?!timeout)"):
        await search.best("x", {"a": "y"}, 1)
    # Whoever searches waits long enough for the request to be seen to fail.
    assert QUERY_SECONDS < SEARCH_SECONDS


async def test_vectors_of_different_lengths_are_refused(
    server: FakeOpenAI, embedder: Embedder
) -> None:
    await embedder.of_texts(["üks"])
    server.script.append(vectors([1.0, 2.0, 3.0]))
    with pytest.raises(AssistantInvalid):
        await embedder.of_texts(["üks", "kaks"])


async def test_what_was_ready_before_a_failure_is_not_asked_for_again(
    server: FakeOpenAI, embedder: Embedder
) -> None:
    texts = [f"text {number}" for number in range(6 * BATCH)]
    server.script += [lengths, lengths, lengths, lengths, fails(500)]
    with pytest.raises(AssistantUnavailable):
        await embedder.of_texts(texts)
    asked = len(server.received)
    await embedder.of_texts(texts)
    assert len(server.received) - asked < 6


async def test_being_cancelled_ends_the_requests(server: FakeOpenAI, embedder: Embedder) -> None:
    server.script.append(server.hangs)
    task = asyncio.create_task(embedder.of_texts(["x"]))
    await server.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_tokens_of_vectors_are_paid_by_whoever_asks(
    connection: OpenAIConnection, kept: Kept
) -> None:
    spending = Spending(Prices(), lambda _: None, lambda: 0)

    class Counting(Nobody):
        spent = staticmethod(spending.spent)

    model, breaker = "text-embedding-3-small", Breaker(lambda: 0.0)
    embedder = Embedder(connection, model=model, kept=kept, breaker=breaker, spender=Counting())
    with paid_by("an account"):
        await embedder.of_query("Mis kell te avate?")
    await embedder.of_texts(["Avatud 9-18."])
    assert [*spending.counts()] == [
        Labels("an account", model, "embedding"),
        Labels("", model, "embedding"),
    ]
