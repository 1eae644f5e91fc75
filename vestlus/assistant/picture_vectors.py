"""Vectors of the image bank's pictures, made when pictures are added and kept in the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog

from vestlus.assistant.pictures import BankPicture, searchable
from vestlus.clock import Clock
from vestlus.errors import AssistantError
from vestlus.settings import Settings
from vestlus.settings_account import Account

if TYPE_CHECKING:
    from vestlus.assistant.embeddings import KeptVectors

_log = structlog.get_logger(__name__)


#: Whoever adds a picture, or starts the service, waits no longer for them.
PATIENCE_SECONDS: Final = 10.0


async def keep_picture_vectors(
    settings: Settings, kept: KeptVectors, pictures: Iterable[BankPicture], clock: Clock
) -> int:
    """Makes the vectors that are missing; returns of how many pictures there are vectors then.

    Only what is new or was changed costs a request, with the general key, or else that of the
    first account with one of its own: the bank is everybody's. Without a configured model, and
    when the model's server fails, there are none (0): the first search makes them, or goes by
    words. Raises StoreError.
    """
    texts = [searchable(one.shows, one.alt, one.tags) for one in pictures]
    account = _with_own_key(settings) if settings.openai_api_key is None else None
    configured = settings.openai_api_key or settings.openai_base_url or account
    if not texts or not configured:
        return 0
    # Half a second and 40 MB that a webhook's replica would spend at its start.
    from vestlus.assistant.breaker import Breaker  # noqa: PLC0415 - as above
    from vestlus.assistant.embeddings import Embedder  # noqa: PLC0415 - as above
    from vestlus.assistant.open import open_connections  # noqa: PLC0415 - as above

    connections = open_connections(settings, clock=clock)
    embedder = Embedder(
        connections.of(account),
        model=settings.embedding_model,
        kept=kept,
        breaker=Breaker(time.monotonic, name="embeddings"),
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await embedder.of_texts(texts)
    except (AssistantError, TimeoutError) as error:
        _log.warning("picture_vectors_put_off", error=type(error).__name__)
        return 0
    finally:
        await connections.aclose()
    return len(texts)


def _with_own_key(settings: Settings) -> Account | None:
    return next((one for one in settings.accounts if one.openai_api_key is not None), None)
