"""Makes the search and the knowledge folders from the settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vestlus.assistant.breaker import Breaker
from vestlus.assistant.embeddings import Embedder, KeptVectors
from vestlus.assistant.knowledge import Knowledge, KnowledgeFolders
from vestlus.assistant.openai_client import OpenAIConnection
from vestlus.assistant.search import EmbeddingSearch, FallbackSearch, LexicalSearch, Search
from vestlus.clock import Clock
from vestlus.settings import Settings


@dataclass(frozen=True, slots=True)
class Finders:
    """What finds texts: among the documents of accounts, and among whatever texts it is given."""

    knowledge: Knowledge
    search: Search


@asynccontextmanager
async def open_knowledge(
    settings: Settings,
    connection: OpenAIConnection,
    *,
    kept: KeptVectors,
    clock: Clock,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Finders]:
    """Finds by meaning, and by words while the embedding model cannot be had.

    Nothing is read or reached before the first question. ``connection``: the one with the key for
    embeddings; it stays open. ``kept``: where vectors are kept, the store for instance. ``clock``:
    milliseconds since 1970; ``monotonic``: seconds.
    """
    embedder = Embedder(
        connection,
        model=settings.embedding_model,
        kept=kept,
        breaker=Breaker(monotonic, name="embeddings"),
    )
    by_meaning = EmbeddingSearch(embedder)
    search = FallbackSearch(by_meaning, LexicalSearch())
    knowledge = KnowledgeFolders(search, clock)
    try:
        yield Finders(knowledge, search)
    finally:
        await knowledge.aclose()
        await by_meaning.aclose()
