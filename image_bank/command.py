"""The bank for one command: settings read, store and storage opened, used and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from image_bank.errors import CatalogueRefused
from image_bank.folder import read_bytes
from image_bank.open import open_storage
from image_bank.storage import MediaStorage
from vestlus.bus.port import Topology
from vestlus.settings import Mode, Settings, load_settings
from vestlus.store.open import open_store
from vestlus.store.port import Store

T = TypeVar("T")


def with_bank(work: Callable[[Store, MediaStorage, Settings], Awaitable[T]]) -> T:
    """Runs ``work`` on the store and the storage of the settings.

    Raises SettingsError, StoreError, and what ``work`` raises.
    """
    # The bank needs none of the secrets that `serve` insists on, and the demo has none.
    settings = load_settings(mode=Mode.DEMO)
    topology = Topology(inbox=settings.partitions)

    async def run() -> T:
        async with (
            open_storage(settings) as storage,
            open_store(
                settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
            ) as store,
        ):
            return await work(store, storage, settings)

    return asyncio.run(run())


def bytes_of(file: Path) -> bytes:
    """A file that somebody named. Raises CatalogueRefused."""
    try:
        return read_bytes(file)
    except OSError as error:
        raise CatalogueRefused((f"{file}: cannot be read: {error.strerror}",)) from error
