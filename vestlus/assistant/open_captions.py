"""Makes the model for posts from the settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from vestlus.assistant.captions import Captions
from vestlus.assistant.embeddings import KeptVectors
from vestlus.assistant.moderation import Moderator, ModeratorByAccount
from vestlus.assistant.open import open_connections, open_server
from vestlus.assistant.persona import PersonaFiles
from vestlus.assistant.retrying import Retrying
from vestlus.assistant.searches import SearchByAccount
from vestlus.assistant.spending import Spender
from vestlus.clock import Clock
from vestlus.settings import Settings


@asynccontextmanager
async def open_captions(
    settings: Settings,
    store: KeptVectors,
    *,
    clock: Clock,
    moderator: Moderator | None = None,
    retrying: Retrying | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    spender: Spender | None = None,
) -> AsyncIterator[Captions]:
    """The model that the settings ask for, with connections of its own.

    Nothing is reached before the first caption. ``store`` keeps the vectors of pictures;
    ``moderator``: the one that each account asks for, where none is handed in; ``spender``:
    counts what calls take. Raises SettingsError for a missing VESTLUS_ENCRYPTION_KEY.
    """
    connections = open_connections(settings, clock=clock)
    server = open_server(
        settings, connections, retrying=retrying, monotonic=monotonic, spender=spender
    )
    searches = SearchByAccount(
        connections,
        model=settings.embedding_model,
        kept=store,
        monotonic=monotonic,
        spender=spender,
    )
    own_server = settings.openai_base_url is not None
    try:
        yield Captions(
            server=server,
            personas=PersonaFiles(clock),
            moderator=moderator
            or ModeratorByAccount(connections.of, own_server=own_server, monotonic=monotonic),
            searches=searches.of,
        )
    finally:
        await searches.aclose()
        await server.aclose()
