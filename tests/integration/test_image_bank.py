"""The bank on a real store and real files: loaded at start, linked, fetched over HTTP's way."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from image_bank import starter_folder
from image_bank.bank import LOOK_MS
from image_bank.catalogue import Source
from image_bank.description import Description
from image_bank.errors import CatalogueRefused
from image_bank.examining import examine
from image_bank.folder import CATALOGUE
from image_bank.keeping import add_by_hand, read_catalogue, remove
from image_bank.open import load_at_start, open_bank, open_links, open_storage
from image_bank.storage_azure import AzureAddress, open_azure
from tests.fakes.bank import picture_file
from tests.integration.test_web import call
from tests.services import running
from tests.services.azurite import provide_azurite
from vestlus.clock import system_clock
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.web import Front

NOW_MS = 1_780_000_000_000
PUBLIC = "https://bot.example"
ACCOUNT = Account.model_validate({"id": "1", "access_token": "t"})


#: To examine all of the starter bank's takes seconds of processor time.
SOME = ("parking", "queue", "contact")


def some_pictures(folder: Path) -> Path:
    """Return a folder with some of the starter bank's pictures."""
    some = folder / "pictures"
    some.mkdir(exist_ok=True)
    catalogue = (starter_folder() / CATALOGUE).read_text("utf-8")
    entries = catalogue.split("[[pictures]]")[1:]
    wanted = [entry for entry in entries if any(f'id = "{key}"' in entry for key in SOME)]
    (some / CATALOGUE).write_text("".join(f"[[pictures]]{entry}" for entry in wanted), "utf-8")
    for key in SOME:
        shutil.copy(starter_folder() / f"{key}.png", some)
    return some


def settings_for(
    folder: Path, database_url: str | None = None, pictures: Path | None = None
) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "var",
            "database_url": database_url,
            "public_url": PUBLIC,
            "encryption_key": "k" * 32,
            "app_secrets": ("a",),
            "verify_token": "v",
            "image_folder": pictures or some_pictures(folder),
            "accounts": (ACCOUNT,),
        }
    )


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings.database, partitions=16, outbox_partitions=4) as store:
        yield store


async def test_the_starter_bank_is_loaded_linked_and_fetched(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, pictures=starter_folder())
    async with store_of(settings) as store, open_links(settings, store, system_clock) as links:
        loaded = await load_at_start(settings, store, system_clock)
        assert loaded is not None
        assert len(loaded.added) >= 12
        front = Front(settings)
        async with front._lifespan(front._rest):
            for key in loaded.added:
                link = await links.link(key, "1", system_clock())
                assert link is not None
                address = urlsplit(link.url)
                assert f"{address.scheme}://{address.netloc}" == PUBLIC
                answer = await call(front, "GET", address.path)
                assert answer.status == 200
                assert hashlib.sha256(answer.body).hexdigest() == link.file.partition(".")[0]
                assert answer.headers["content-type"] == "image/png"


async def starting_twice_leaves_everything_as_it_is(settings: Settings) -> None:
    async with store_of(settings) as store:
        first = await load_at_start(settings, store, lambda: NOW_MS)
        stamp, entries = await store.catalogue_stamp(), await store.catalogue()
    async with store_of(settings) as store:
        again = await load_at_start(settings, store, lambda: NOW_MS + 1)
        assert first is not None
        assert again is not None
        assert again.unchanged == first.added == tuple(sorted(SOME))
        assert (await store.catalogue_stamp(), await store.catalogue()) == (stamp, entries)


async def test_starting_again_changes_nothing_on_sqlite(tmp_path: Path) -> None:
    await starting_twice_leaves_everything_as_it_is(settings_for(tmp_path))


async def test_starting_again_changes_nothing_on_postgresql(
    tmp_path: Path, postgres_database: str
) -> None:
    await starting_twice_leaves_everything_as_it_is(settings_for(tmp_path, postgres_database))


async def test_several_that_start_at_once_load_the_folder_once_over(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)

    async def start() -> None:
        async with store_of(settings) as store:
            await load_at_start(settings, store, system_clock)

    await asyncio.gather(start(), start(), start())

    async with store_of(settings) as store, open_storage(settings) as storage:
        pictures = (await read_catalogue(store)).pictures
        assert pictures.keys() == set(SOME)
        assert {one.source for one in pictures.values()} == {Source.FOLDER}
        assert await examine(store, storage, date(2026, 11, 22)) == ()


async def test_a_change_by_another_process_is_seen_within_seconds(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    now_ms = NOW_MS
    today = date(2026, 5, 28)
    async with (
        store_of(settings) as ours,
        store_of(settings) as theirs,
        open_bank(settings, ours, lambda: now_ms) as bank,
        open_storage(settings) as storage,
    ):
        assert await bank.sendable("1", today) == ()
        added = await add_by_hand(
            "map",
            Description(shows="A map"),
            picture_file(),
            bank=theirs,
            storage=storage,
            clock=lambda: NOW_MS,
        )
        assert await bank.sendable("1", today) == ()
        now_ms += LOOK_MS
        assert await bank.sendable("1", today) == (added,)
        await remove(["map"], bank=theirs, storage=storage, clock=lambda: NOW_MS)
        now_ms += LOOK_MS
        assert await bank.picture("map") is None
        assert await storage.get(added.file) is None


async def test_a_picture_by_hand_and_one_of_the_folder_cannot_have_the_same_name(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path)
    async with store_of(settings) as store, open_storage(settings) as storage:
        await add_by_hand(
            "parking",
            Description(shows="Our car park"),
            picture_file(),
            bank=store,
            storage=storage,
            clock=lambda: NOW_MS,
        )
        with pytest.raises(CatalogueRefused, match="parking: was added by hand too"):
            await load_at_start(settings, store, system_clock)
        assert set((await read_catalogue(store)).pictures) == {"parking"}


async def test_the_whole_bank_can_be_in_azure(tmp_path: Path, say: Callable[[str], None]) -> None:
    with running(await asyncio.to_thread(provide_azurite, say)) as azurite:
        url = azurite.fresh_container()
        async with open_azure(AzureAddress(url)) as container:
            await container._container.create_container()
        settings = settings_for(tmp_path).model_copy(update={"media_url": url})
        async with store_of(settings) as store, open_links(settings, store, system_clock) as links:
            await load_at_start(settings, store, system_clock)
            link = await links.link("parking", "1", system_clock())
            assert link is not None
            front = Front(settings)
            async with front._lifespan(front._rest):
                answer = await call(front, "GET", urlsplit(link.url).path)
            assert hashlib.sha256(answer.body).hexdigest() == link.file.partition(".")[0]
    assert not (tmp_path / "var" / "media").exists()
