"""Makes the bank's parts from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from image_bank.bank import ImageBank
from image_bank.folder import Loaded, load_folder
from image_bank.links import BankLinks, LinkSigner
from image_bank.serving import MediaHandler
from image_bank.storage import MediaStorage
from image_bank.storage_local import LocalStorage
from vestlus.clock import Clock
from vestlus.errors import SettingsError
from vestlus.keys import derived_key
from vestlus.settings import Settings
from vestlus.store.port import Bank

_log = structlog.get_logger(__name__)

_FOLDER = "file://"


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[MediaStorage]:
    """The files' storage of VESTLUS_MEDIA_URL. Nothing is reached before the first file.

    Raises SettingsError for an address that names no storage; its message does not repeat the
    address, which may hold a key.
    """
    url = settings.media
    if url.startswith(_FOLDER):
        yield LocalStorage(Path(url.removeprefix(_FOLDER)))
        return
    # Azure's SDK takes half a second to import, and most processes never need it.
    from image_bank.storage_azure import AzureAddress, open_azure  # noqa: PLC0415

    try:
        address = AzureAddress(url)
    except ValueError as error:
        raise SettingsError((f"VESTLUS_MEDIA_URL: {error}",)) from error
    async with open_azure(address) as storage:
        yield storage


@asynccontextmanager
async def open_bank(settings: Settings, store: Bank, clock: Clock) -> AsyncIterator[ImageBank]:
    """The catalogue of an open store. Nothing is read before the first question."""
    reachable = settings.public_url is not None
    if not reachable:
        _log.warning("pictures_cannot_be_sent", reason="VESTLUS_PUBLIC_URL is not set")
    yield ImageBank(store, clock=clock, reachable=reachable)


@asynccontextmanager
async def open_links(settings: Settings, store: Bank, clock: Clock) -> AsyncIterator[BankLinks]:
    """Links to the pictures of an open store. Raises SettingsError without an encryption key."""
    async with open_bank(settings, store, clock) as bank:
        yield BankLinks(
            bank=bank,
            signer=link_signer(settings),
            public_url=settings.public_url,
            accounts=settings.account,
        )


@asynccontextmanager
async def open_media(settings: Settings, clock: Clock) -> AsyncIterator[MediaHandler]:
    """What answers ``/media/``. Raises SettingsError without an encryption key, and as
    :func:`open_storage`.
    """
    signer = link_signer(settings)
    async with open_storage(settings) as storage:
        yield MediaHandler(signer=signer, storage=storage, clock=clock)


async def load_at_start(settings: Settings, store: Bank, clock: Clock) -> Loaded | None:
    """Brings the bank in line with VESTLUS_IMAGE_FOLDER; ``None`` where it is not set.

    Raises CatalogueRefused with every problem of the folder, StorageUnavailable,
    StoreUnavailable, SettingsError.
    """
    if settings.image_folder is None:
        return None
    async with open_storage(settings) as storage:
        loaded = await load_folder(settings.image_folder, bank=store, storage=storage, clock=clock)
    _log.info(
        "image_folder_loaded",
        added=len(loaded.added),
        changed=len(loaded.changed),
        removed=len(loaded.removed),
        unchanged=len(loaded.unchanged),
    )
    return loaded


def link_signer(settings: Settings) -> LinkSigner:
    """Signs links to pictures. Raises SettingsError without an encryption key."""
    secret = settings.encryption_key
    if secret is None:
        problem = "VESTLUS_ENCRYPTION_KEY: is missing; links to pictures are signed with it"
        raise SettingsError((problem,))
    return LinkSigner(derived_key(secret.get_secret_value(), "vestlus media links"))
