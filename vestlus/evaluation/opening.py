"""The assistant as the service has it, without bus, conversations and Instagram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from image_bank import starter_folder
from image_bank.bank import ImageBank
from image_bank.folder import load_folder
from image_bank.storage_local import LocalStorage
from vestlus.assistant.open import open_assistant
from vestlus.assistant.port import Assistant
from vestlus.bus.port import Topology
from vestlus.clock import Clock
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.port import Store


@asynccontextmanager
async def open_for_evaluation(
    settings: Settings, *, clock: Clock, own_store: bool
) -> AsyncIterator[Assistant]:
    """The assistant with the knowledge of the accounts and the pictures of the image bank.

    With ``own_store`` the bank is that of VESTLUS_IMAGE_FOLDER, or else the starter bank, in a
    store that is gone afterwards; otherwise it is the bank of the settings' store, where the
    vectors of texts are kept too. Pictures are never sent, so VESTLUS_PUBLIC_URL is not needed.
    Raises SettingsError, StoreError, CatalogueRefused.
    """
    async with AsyncExitStack() as stack:
        if own_store:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="vestlus-eval-")))
            address = f"sqlite:///{folder / 'store.sqlite'}"
            store = await stack.enter_async_context(_store(address, settings))
            await load_folder(
                settings.image_folder or starter_folder(),
                bank=store,
                storage=LocalStorage(folder / "media"),
                clock=clock,
            )
        else:
            store = await stack.enter_async_context(_store(settings.database, settings))
        assistant = open_assistant(
            settings, clock=clock, store=store, bank=ImageBank(store, clock=clock)
        )
        stack.push_async_callback(assistant.aclose)
        yield assistant


def _store(address: str, settings: Settings) -> Store:
    topology = Topology(inbox=settings.partitions)
    return open_store(address, partitions=topology.inbox, outbox_partitions=topology.outbox)
