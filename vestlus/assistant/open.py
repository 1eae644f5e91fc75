"""Makes the assistant from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from vestlus.assistant.api import Api
from vestlus.assistant.chat_api import ChatApi
from vestlus.assistant.embeddings import KeptVectors, VectorsInMemory
from vestlus.assistant.knowledge import Knowledge, KnowledgeFolders
from vestlus.assistant.model_server import ModelServer
from vestlus.assistant.moderation import Moderator, ModeratorByAccount
from vestlus.assistant.offers import Offers
from vestlus.assistant.openai_assistant import OpenAIAssistant, Parts
from vestlus.assistant.openai_client import Connections
from vestlus.assistant.persona import PersonaFiles
from vestlus.assistant.pictures import Bank, BankPictures, Pictures
from vestlus.assistant.port import Assistant
from vestlus.assistant.prompt import DEFAULT_HISTORY_TOKENS
from vestlus.assistant.responses_api import ResponsesApi
from vestlus.assistant.retrying import Retrying
from vestlus.assistant.searches import SearchByAccount
from vestlus.assistant.spending import Spender
from vestlus.assistant.vision import PictureSource
from vestlus.errors import SettingsError
from vestlus.instagram.media import MediaFetcher
from vestlus.keys import derived_key
from vestlus.settings import Settings

_APIS: Final[Mapping[str, Callable[[], Api]]] = {"responses": ResponsesApi, "chat": ChatApi}


def open_connections(settings: Settings, *, clock: Callable[[], int]) -> Connections:
    """The connections to the server that the settings name; nothing is reached yet.

    To be shared by the assistant, the moderation and the embeddings of one process.
    """
    key = settings.openai_api_key
    return Connections(
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
        clock=clock,
    )


def open_server(
    settings: Settings,
    connections: Connections,
    *,
    retrying: Retrying | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sharers: Callable[[], int] = lambda: 1,
    spender: Spender | None = None,
) -> ModelServer:
    """The models on the server of these connections, which are closed with it.

    ``sharers``: how many processes use the same keys; ``spender``: counts what calls take. Raises
    SettingsError for a missing VESTLUS_ENCRYPTION_KEY.
    """
    secret = settings.encryption_key
    if secret is None:
        problem = "VESTLUS_ENCRYPTION_KEY: is missing; user ids are made unreadable with it"
        raise SettingsError((problem,))
    return ModelServer(
        connections=connections,
        api=_APIS[settings.openai_api](),
        model=settings.model,
        retrying=retrying or Retrying(Random()),  # noqa: S311 - spreads waits, no secret
        identifier_key=derived_key(secret.get_secret_value(), "vestlus safety identifier"),
        monotonic=monotonic,
        sharers=sharers,
        spender=spender,
    )


def open_assistant(
    settings: Settings,
    *,
    clock: Callable[[], int],
    store: KeptVectors | None = None,
    bank: Bank | None = None,
    pictures: Pictures | None = None,
    knowledge: Knowledge | None = None,
    moderator: Moderator | None = None,
    media: PictureSource | None = None,
    connections: Connections | None = None,
    retrying: Retrying | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    history_tokens: int = DEFAULT_HISTORY_TOKENS,
    sharers: Callable[[], int] = lambda: 1,
    spender: Spender | None = None,
) -> Assistant:
    """The assistant that the settings ask for. Connects with the first question.

    What is not handed in is made here: the ``knowledge`` of the accounts' folders, the
    ``pictures`` of the ``bank`` (none without one), the search in both under each account's key,
    whose vectors the ``store`` keeps (this process without one), the ``moderator`` that each
    account asks for, and the ``connections`` to the server, which are closed with the assistant
    also when handed in, as ``media`` is. ``clock``: milliseconds since 1970, UTC; ``monotonic``:
    seconds; ``sharers``: how many processes use the same keys; ``spender``: counts what calls take.
    Raises SettingsError for a missing VESTLUS_ENCRYPTION_KEY.
    """
    connections = connections or open_connections(settings, clock=clock)
    server = open_server(
        settings,
        connections,
        retrying=retrying,
        monotonic=monotonic,
        sharers=sharers,
        spender=spender,
    )
    own_server = settings.openai_base_url is not None
    searches = SearchByAccount(
        connections,
        model=settings.embedding_model,
        kept=store or VectorsInMemory(),
        monotonic=monotonic,
        spender=spender,
    )
    folders = KnowledgeFolders(searches.of, clock)
    if pictures is None and bank is not None:
        pictures = BankPictures(bank, searches.of)
    return OpenAIAssistant(
        Parts(
            server=server,
            accounts=settings.accounts_by_id().get,
            personas=PersonaFiles(clock),
            offers=Offers(pictures=pictures, knowledge=knowledge or folders),
            moderator=moderator
            or ModeratorByAccount(connections.of, own_server=own_server, monotonic=monotonic),
            media=media or MediaFetcher(settings.media_hosts),
            own_server=own_server,
            history_tokens=history_tokens,
            closing=(folders.aclose, searches.aclose),
        )
    )
