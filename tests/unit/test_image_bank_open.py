"""Which storage an address means, and what is said of one that means none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from image_bank.open import load_at_start, open_bank, open_links, open_media, open_storage
from image_bank.storage_azure import AzureAddress, AzureStorage
from image_bank.storage_local import LocalStorage
from tests.fakes.bank import MemoryBank
from tests.services.azurite import VARIABLE, ensure, provide_azurite
from tests.services.kept import ServiceError
from tests.services.provision import Machine
from vestlus.errors import SettingsError
from vestlus.settings import Settings

KEY = "c2VjcmV0/a+b=="
QUOTED = "c2VjcmV0%2Fa%2Bb%3D%3D"


async def test_without_an_address_the_files_are_in_the_data_folder(tmp_path: Path) -> None:
    async with open_storage(Settings(data_dir=tmp_path / "my data %20#")) as storage:
        assert isinstance(storage, LocalStorage)
        name = f"{'a' * 64}.png"
        await storage.put(name, b"x")
    assert os.path.exists(tmp_path / "my data %20#" / "media" / name)  # noqa: ASYNC240, PTH110


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.blob.core.windows.net/pictures",
        "https://shop.blob.core.windows.net/pictures?sv=2025-01-05&sig=abc%2Bd",
        f"https://shop:{QUOTED}@shop.blob.core.windows.net/pictures",
        f"http://shop:{QUOTED}@127.0.0.1:10000/shop/pictures",
    ],
)
async def test_other_addresses_are_containers_of_azure(url: str) -> None:
    async with open_storage(Settings(media_url=url)) as storage:
        assert isinstance(storage, AzureStorage)
        assert storage._container.container_name == "pictures"
        assert KEY not in storage._container.url


def test_an_address_of_azure_says_how_to_get_in() -> None:
    by_key = AzureAddress(f"http://shop:{QUOTED}@127.0.0.1:10000/shop/pictures")
    assert by_key.key is not None
    assert (by_key.key.named_key.name, by_key.key.named_key.key) == ("shop", KEY)
    assert by_key.container == "http://127.0.0.1:10000/shop/pictures"
    assert KEY not in repr(by_key)
    by_identity = AzureAddress("https://shop.blob.core.windows.net/pictures")
    assert (by_identity.key, by_identity.signed) == (None, False)
    signed = AzureAddress("https://shop.blob.core.windows.net/pictures?sv=1&sig=a%2Bb")
    assert (signed.key, signed.signed) == (None, True)
    assert signed.container.endswith("/pictures?sv=1&sig=a%2Bb")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://shop.blob.core.windows.net/", "names no container"),
        ("https://shop@shop.blob.core.windows.net/pictures", "no key"),
        ("http://secret.blob.core.windows.net/pictures", "must start with https"),
    ],
)
async def test_an_address_of_no_storage_is_said_without_repeating_it(
    url: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=f"VESTLUS_MEDIA_URL: .*{problem}") as refused:
        async with open_storage(Settings(media_url=url)):
            pass
    assert "core.windows.net" not in str(refused.value)


async def test_links_and_files_need_the_encryption_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
        async with open_links(settings, MemoryBank(), lambda: 0):
            pass
    with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
        async with open_media(settings, lambda: 0):
            pass


async def test_without_a_folder_nothing_is_loaded(tmp_path: Path) -> None:
    bank = MemoryBank()
    assert await load_at_start(Settings(data_dir=tmp_path), bank, lambda: 0) is None
    assert (bank.reads, bank.changes) == (0, 0)
    async with open_bank(Settings(data_dir=tmp_path), bank, lambda: 0) as opened:
        assert dict(await opened.pictures()) == {}


@pytest.mark.parametrize("there", [(), ("node",)])
def test_without_npm_or_node_the_tests_say_what_to_do(
    tmp_path: Path, there: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    missing = "npm" if there else "node"
    with pytest.raises(ServiceError, match=f"has no {missing}. Do one of these") as refused:
        ensure(pytest.fail, {"PATH": str(tmp_path)}, Machine(is_root=False))
    assert VARIABLE in str(refused.value)


def test_an_installation_that_fails_is_said_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    for name, script in (("node", "exit 0"), ("npm", "echo no network; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    said: list[str] = []
    with pytest.raises(ServiceError, match="no network"):
        ensure(said.append, {"PATH": str(tmp_path)})
    assert said == ["Installing azurite 3.33.0 with npm, for the tests"]
    assert list((tmp_path / "venv" / ".azurite").iterdir()) == []


def test_an_azurite_that_is_given_is_used_as_it_is() -> None:
    given = f"http://shop:{QUOTED}@127.0.0.1:10000/shop"
    server = provide_azurite(pytest.fail, {VARIABLE: given})
    assert server.url == given
    assert not server.controllable
    server.close()
