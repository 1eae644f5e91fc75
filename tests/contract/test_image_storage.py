"""What every storage of the bank's files promises: a folder, and Azure Blob Storage (Azurite)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from image_bank.errors import StorageUnavailable
from image_bank.open import open_storage
from image_bank.storage import MediaStorage, file_name
from image_bank.storage_azure import AzureAddress, AzureStorage, open_azure
from image_bank.storage_local import LocalStorage
from tests.services import running
from tests.services.azurite import AzuriteServer, provide_azurite
from tests.services.kept import free_port
from vestlus.settings import Settings

DATA = b"a picture's bytes"
NAME = file_name(DATA, "image/png")
OTHER = file_name(b"another's", "image/jpeg")


@pytest.fixture(scope="module")
def azurite(say: Callable[[str], None]) -> Iterator[AzuriteServer]:
    with running(provide_azurite(say)) as server:
        yield server


async def make_container(url: str) -> None:
    address = AzureAddress(url)
    async with open_azure(address) as storage:
        await storage._container.create_container()


def names_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


@pytest.fixture(params=["local", "azure"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MediaStorage]:
    """Return one kind of storage, empty, opened as the service opens it."""
    url = f"file://{tmp_path / 'not made yet'}"
    if request.param == "azure":
        url = request.getfixturevalue("azurite").fresh_container()
        await make_container(url)
    async with open_storage(Settings(media_url=url)) as opened:
        kind = LocalStorage if request.param == "local" else AzureStorage
        assert isinstance(opened, kind)
        yield opened


async def test_a_file_that_was_put_is_got_back_byte_by_byte(storage: MediaStorage) -> None:
    everything = bytes(range(256)) * 4096  # a megabyte, in which no byte may be treated specially
    name = file_name(everything, "image/jpeg")
    await storage.put(NAME, DATA)
    await storage.put(name, everything)

    assert await storage.get(NAME) == DATA
    assert await storage.get(name) == everything
    assert await storage.exists(NAME)


async def test_a_file_that_was_never_put_is_not_there(storage: MediaStorage) -> None:
    assert await storage.get(NAME) is None
    assert not await storage.exists(NAME)
    await storage.put(NAME, DATA)
    assert await storage.get(OTHER) is None
    assert not await storage.exists(OTHER)


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_harmless(
    storage: MediaStorage,
) -> None:
    await storage.put(NAME, DATA)
    await storage.delete(NAME)
    assert await storage.get(NAME) is None
    await storage.delete(NAME)
    await storage.delete(OTHER)


async def test_putting_a_file_again_mends_a_damaged_one(storage: MediaStorage) -> None:
    await storage.put(NAME, b"damaged")
    await storage.put(NAME, DATA)
    assert await storage.get(NAME) == DATA


async def test_many_may_put_the_same_file_at_once(storage: MediaStorage) -> None:
    await asyncio.gather(*(storage.put(NAME, DATA) for _ in range(8)))
    assert await storage.get(NAME) == DATA


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../etc/passwd",
        f"../{NAME}",
        f"{NAME}/..",
        f"{NAME}.part",
        f"{NAME}\n",
        NAME.upper(),
        NAME.replace(".png", ".html"),
        "\u0661" * 64 + ".png",
    ],
)
async def test_only_names_of_the_bank_are_taken(storage: MediaStorage, name: str) -> None:
    for call in (storage.get, storage.exists, storage.delete):
        with pytest.raises(ValueError, match="no name of a file"):
            await call(name)
    with pytest.raises(ValueError, match="no name of a file"):
        await storage.put(name, DATA)


async def test_the_folder_holds_whole_files_only(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "media")
    await asyncio.gather(*(storage.put(NAME, DATA) for _ in range(8)))
    assert names_in(tmp_path / "media") == [NAME]


async def test_a_folder_that_cannot_be_written_is_said_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    storage = LocalStorage(tmp_path / "media")
    with pytest.raises(StorageUnavailable) as failed:
        await storage.put(NAME, DATA)
    assert str(tmp_path) not in str(failed.value)


async def test_a_container_that_is_not_there_is_a_fault_and_not_a_missing_file(
    azurite: AzuriteServer,
) -> None:
    async with open_storage(Settings(media_url=azurite.fresh_container())) as storage:
        for call in (storage.get(NAME), storage.put(NAME, DATA), storage.delete(NAME)):
            with pytest.raises(StorageUnavailable, match="ContainerNotFound"):
                await call


async def test_a_wrong_key_and_a_server_that_is_away_are_said_without_the_key(
    azurite: AzuriteServer,
) -> None:
    key = "d3JvbmcgYnV0IHdlbGwgZm9ybWVk"
    host = azurite.url.partition("@")[2].partition("/")[0]
    for there in (host, f"127.0.0.1:{free_port()}"):
        url = f"http://vestlustests:{key}@{there}/vestlustests/pictures"
        async with open_storage(Settings(media_url=url)) as storage:
            with pytest.raises(StorageUnavailable) as failed:
                await storage.get(NAME)
        assert key not in str(failed.value)


async def test_files_are_kept_with_their_media_type(azurite: AzuriteServer) -> None:
    url = azurite.fresh_container()
    await make_container(url)
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(open_azure(AzureAddress(url)))
        await storage.put(NAME, DATA)
        blob = storage._container.get_blob_client(NAME)
        properties = await blob.get_blob_properties()
        assert properties.content_settings.content_type == "image/png"


async def test_a_shared_access_signature_is_enough(azurite: AzuriteServer) -> None:
    url = azurite.fresh_container()
    await make_container(url)
    address = AzureAddress(url)
    assert address.key is not None
    signature = generate_container_sas(
        address.key.named_key.name,
        url.rpartition("/")[2],
        account_key=address.key.named_key.key,
        permission=ContainerSasPermissions(read=True, write=True, create=True, delete=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    # Over plain HTTP only Azurite is reached, so the address is taken apart by hand.
    signed = AzureAddress(f"https://ACCOUNT.invalid/pictures?{signature}")
    assert signed.signed
    signed.container = f"{address.container}?{signature}"
    async with open_azure(signed) as storage:
        await storage.put(NAME, DATA)
        assert await storage.get(NAME) == DATA
        await storage.delete(NAME)
        assert not await storage.exists(NAME)
