"""Links that Instagram can follow and nobody can make, and what is found behind them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message
from structlog.testing import capture_logs

from image_bank import serving
from image_bank.bank import LOOK_MS, ImageBank
from image_bank.catalogue import Picture, encode
from image_bank.errors import StorageUnavailable
from image_bank.links import BankLinks, LinkSigner
from image_bank.serving import MediaHandler
from image_bank.storage import file_name, is_intact
from tests.fakes.bank import MemoryBank, MemoryStorage
from tests.unit.webhook_front import Answer
from vestlus.errors import StoreUnavailable
from vestlus.settings_account import Account

HOUR_MS = 3_600_000
NOW_MS = 1_780_000_000_000
DATA = b"the picture's bytes"
FILE = file_name(DATA, "image/png")
SIGNER = LinkSigner(b"k" * 32)
PICTURE = Picture(
    id="map",
    file=FILE,
    media_type="image/png",
    size=len(DATA),
    width=100,
    height=100,
    shows="A map",
)
TALLINN = Account.model_validate({"id": "1", "access_token": "t"})
KIRITIMATI = Account.model_validate(
    {"id": "2", "access_token": "t", "timezone": "Pacific/Kiritimati"}
)

moments = st.integers(0, 4_000_000_000_000)


@given(moments, st.integers(0, 30 * HOUR_MS))
def test_a_link_holds_for_a_day_and_ends_within_the_next_hour(now_ms: int, later: int) -> None:
    found = SIGNER.read(SIGNER.sign(FILE, now_ms), now_ms + later)
    if later <= 24 * HOUR_MS:
        assert found is not None
    if later >= 25 * HOUR_MS:
        assert found is None
    if found is not None:
        assert found[0] == FILE
        assert 0 < found[1] <= 25 * HOUR_MS - later


@given(moments)
def test_links_of_one_hour_are_the_same(now_ms: int) -> None:
    hour = now_ms - now_ms % HOUR_MS
    assert SIGNER.sign(FILE, now_ms) == SIGNER.sign(FILE, hour) == SIGNER.sign(FILE, hour + 1)
    assert SIGNER.sign(FILE, now_ms) != SIGNER.sign(FILE, now_ms + HOUR_MS)


@given(st.integers(0, 250), st.characters())
def test_a_link_that_differs_in_one_character_is_none(place: int, character: str) -> None:
    name = SIGNER.sign(FILE, NOW_MS)
    place %= len(name)
    changed = name[:place] + character + name[place + 1 :]
    assert (SIGNER.read(changed, NOW_MS) is None) == (changed != name)


@given(st.text())
def test_no_text_is_taken_for_a_link(name: str) -> None:
    assert SIGNER.read(name, NOW_MS) is None


def test_a_link_is_of_one_key_only() -> None:
    assert LinkSigner(b"l" * 32).read(SIGNER.sign(FILE, NOW_MS), NOW_MS) is None


def test_only_files_of_the_bank_are_signed() -> None:
    with pytest.raises(ValueError, match="no name of a file"):
        SIGNER.sign("../secret.png", NOW_MS)


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


async def bank_with(*pictures: Picture) -> tuple[MemoryBank, Clock, ImageBank]:
    store, clock = MemoryBank(), Clock()
    await store.put_pictures({one.id: encode(one) for one in pictures}, NOW_MS)
    return store, clock, ImageBank(store, clock=clock)


async def links_with(*pictures: Picture, public_url: str | None = "https://bot.example") -> Any:  # noqa: ANN401 - a bound method
    _, _, bank = await bank_with(*pictures)
    accounts = {account.id: account for account in (TALLINN, KIRITIMATI)}
    return BankLinks(bank=bank, signer=SIGNER, public_url=public_url, accounts=accounts.get).link


async def test_a_link_leads_to_the_pictures_file() -> None:
    link = await (await links_with(PICTURE))("map", "1", NOW_MS)
    assert link.file == FILE
    assert link.url == f"https://bot.example/media/{SIGNER.sign(FILE, NOW_MS)}"
    assert link.url.endswith(".png")


async def test_there_is_no_link_to_what_may_not_be_sent() -> None:
    pictures = (
        PICTURE,
        replace(PICTURE, id="post", in_dms=False),
        replace(PICTURE, id="others", accounts=("2",)),
        replace(PICTURE, id="over", valid_until=date(2020, 1, 1)),
    )
    link = await links_with(*pictures)
    assert await link("map", "1", NOW_MS)
    assert await link("others", "2", NOW_MS)
    for key, account in (
        ("none", "1"),
        ("post", "1"),
        ("others", "1"),
        ("over", "1"),
        ("map", "an account that is not ours"),
    ):
        assert await link(key, account, NOW_MS) is None


async def test_a_link_for_a_post_leads_to_its_jpeg_and_only_where_it_may_be_posted() -> None:
    post_file = "b" * 64 + ".jpg"
    posted = replace(PICTURE, in_dms=False, post_file=post_file, alt="The way")
    _, _, bank = await bank_with(
        posted,
        replace(posted, id="not", in_posts=False),
        replace(posted, id="none", post_file=None),
        replace(posted, id="others", accounts=("2",)),
        replace(posted, id="over", valid_until=date(2020, 1, 1)),
    )
    accounts = {account.id: account for account in (TALLINN, KIRITIMATI)}
    links = BankLinks(
        bank=bank, signer=SIGNER, public_url="https://bot.example", accounts=accounts.get
    )
    link = await links.post_link("map", "1", NOW_MS)
    assert link is not None
    assert (link.file, link.alt, link.width, link.height) == (post_file, "The way", 100, 100)
    assert link.url == f"https://bot.example/media/{SIGNER.sign(post_file, NOW_MS)}"
    for key in ("not", "none", "others", "over", "unheard"):
        assert await links.post_link(key, "1", NOW_MS) is None
    assert await links.post_link("map", "an account that is not ours", NOW_MS) is None
    unreachable = BankLinks(bank=bank, signer=SIGNER, public_url=None, accounts=accounts.get)
    assert await unreachable.post_link("map", "1", NOW_MS) is None


async def test_the_day_is_that_of_the_accounts_time_zone() -> None:
    today = date(2026, 5, 29)  # NOW_MS is 2026-05-28 20:26 UTC, 23:26 in Tallinn
    link = await links_with(replace(PICTURE, valid_from=today))
    assert await link("map", "1", NOW_MS) is None
    assert await link("map", "2", NOW_MS)
    assert await link("map", "1", NOW_MS + HOUR_MS)


async def test_without_a_public_address_there_are_no_links_and_nothing_to_choose_from() -> None:
    assert await (await links_with(PICTURE, public_url=None))("map", "1", NOW_MS) is None
    store, clock, _ = await bank_with(PICTURE)
    unreachable = ImageBank(store, clock=clock, reachable=False)
    assert await unreachable.sendable("1", date(2026, 1, 1)) == ()
    assert await unreachable.picture("map") == PICTURE


async def test_the_catalogue_is_read_once_and_again_when_it_changed() -> None:
    store, clock, bank = await bank_with(PICTURE)
    today = date(2026, 1, 1)
    for _ in range(3):
        assert await bank.sendable("1", today) == (PICTURE,)
    assert (store.looks, store.reads) == (1, 1)

    clock.now_ms += LOOK_MS
    assert await bank.sendable("1", today) == (PICTURE,)
    assert (store.looks, store.reads) == (2, 1)

    second = replace(PICTURE, id="sign")
    await store.put_pictures({"sign": encode(second)}, NOW_MS)
    assert await bank.sendable("1", today) == (PICTURE,)
    clock.now_ms += LOOK_MS
    assert await bank.sendable("1", today) == (PICTURE, second)
    assert (store.looks, store.reads) == (3, 2)


async def test_many_who_ask_at_once_read_the_catalogue_once() -> None:
    store, _, bank = await bank_with(PICTURE)
    await asyncio.gather(*(bank.picture("map") for _ in range(20)))
    assert (store.looks, store.reads) == (1, 1)


async def test_while_the_store_is_away_the_last_catalogue_stays_in_force() -> None:
    store, clock, bank = await bank_with(PICTURE)
    store.away = True
    with pytest.raises(StoreUnavailable):
        await bank.picture("map")
    store.away = False
    assert await bank.picture("map")
    store.away = True
    clock.now_ms += LOOK_MS
    with capture_logs() as logs:
        assert await bank.picture("map")
    assert [one["event"] for one in logs] == ["image_catalogue_not_read"]
    await asyncio.gather(*(bank.picture("map") for _ in range(5)))
    store.away = False
    await store.remove_pictures(["map"], NOW_MS)
    clock.now_ms += LOOK_MS
    assert await bank.picture("map") is None


async def test_an_entry_of_a_later_version_hides_no_other_picture() -> None:
    store, _, bank = await bank_with(PICTURE)
    store.entries["odd"] = '{"version": 2}'
    with capture_logs() as logs:
        assert dict(await bank.pictures()) == {"map": PICTURE}
    assert [(one["event"], one["picture"]) for one in logs] == [("picture_entry_unreadable", "odd")]


class BrokenStorage(MemoryStorage):
    async def get(self, name: str) -> bytes | None:
        raise StorageUnavailable(f"{name} cannot be had")


class Site:
    """The handler, its files and a way to ask it."""

    def __init__(self, storage: MemoryStorage | None = None) -> None:
        self.storage = storage or MemoryStorage()
        self.clock = Clock()
        self.handler = MediaHandler(signer=SIGNER, storage=self.storage, clock=self.clock)

    async def ask(self, name: str, method: str = "GET") -> Answer:
        answer = Answer()

        async def receive() -> Message:
            raise AssertionError("no body is wanted")

        scope = {"type": "http", "method": method, "path": f"/media/{name}", "headers": []}
        await self.handler(scope, receive, answer.send)
        return answer


@pytest.fixture
async def site() -> Site:
    site = Site()
    await site.storage.put(FILE, DATA)
    return site


async def test_behind_a_link_is_the_file(site: Site) -> None:
    answer = await site.ask(SIGNER.sign(FILE, NOW_MS))
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["x-content-type-options"] == "nosniff"
    kept = answer.headers["cache-control"]
    seconds = int(kept.removeprefix("public, max-age=").removesuffix(", immutable"))
    assert 24 * 3600 <= seconds <= 25 * 3600


async def test_head_tells_the_same_without_the_file(site: Site) -> None:
    name = SIGNER.sign(FILE, NOW_MS)
    got, told = await site.ask(name), await site.ask(name, "HEAD")
    assert (told.status, told.headers, told.body) == (200, got.headers, b"")


async def test_megabytes_are_not_looked_through_on_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def intact(name: str, data: bytes) -> bool:
        threads.append(threading.current_thread())
        return is_intact(name, data)

    monkeypatch.setattr(serving, "is_intact", intact)
    assert (await site.ask(SIGNER.sign(FILE, NOW_MS))).status == 200
    (thread,) = threads
    assert thread is not threading.current_thread()


async def test_everything_else_is_not_found_and_nothing_tells_why(site: Site) -> None:
    good = SIGNER.sign(FILE, NOW_MS)
    absent = SIGNER.sign(file_name(b"another", "image/jpeg"), NOW_MS)
    damaged = file_name(b"whole", "image/png")
    await site.storage.put(damaged, b"half")
    names = [
        "",
        FILE,
        f"{good}/",
        f"{good}.png",
        good.replace("-", "_"),
        LinkSigner(b"l" * 32).sign(FILE, NOW_MS),
        SIGNER.sign(FILE, NOW_MS - 25 * HOUR_MS),
        absent,
        SIGNER.sign(damaged, NOW_MS),
    ]
    answers = [await site.ask(name) for name in names]
    assert {(one.status, one.body, str(one.headers)) for one in answers} == {
        (404, b"not found\n", str(answers[0].headers))
    }
    assert answers[0].headers["cache-control"] == "no-store"
    assert (await site.ask(good)).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_files_are_only_read(site: Site, method: str) -> None:
    answer = await site.ask(SIGNER.sign(FILE, NOW_MS), method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert FILE in site.storage.files


async def test_a_storage_that_is_away_is_no_missing_file() -> None:
    site = Site(BrokenStorage())
    with capture_logs() as logs:
        answer = await site.ask(SIGNER.sign(FILE, NOW_MS))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert [one["event"] for one in logs] == ["media_storage_unavailable"]
    assert (await site.ask("no link at all")).status == 404


@pytest.mark.parametrize("back_ms", [1, HOUR_MS])
async def test_a_clock_that_is_set_back_hides_no_change_for_longer_than_usual(
    back_ms: int,
) -> None:
    store, clock, bank = await bank_with(PICTURE)
    assert set(await bank.pictures()) == {"map"}
    await store.put_pictures({"new": encode(replace(PICTURE, id="new"))}, NOW_MS)
    clock.now_ms -= back_ms
    await bank.pictures()
    clock.now_ms += LOOK_MS
    assert set(await bank.pictures()) == {"map", "new"}
