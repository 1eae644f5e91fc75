"""Pictures come into the image bank by the console, dropped or chosen; nothing hostile does."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus

import pytest
from playwright.async_api import FileChooser, FilePayload, Page

from image_bank.catalogue import Picture
from image_bank.checking import MAX_INPUT_BYTES
from tests.fakes.bank import picture_file
from tests.integration.console_support import IN_ONE_BROWSER, barriers, browsing, sign_in
from tests.integration.content_support import (
    IMAGES,
    World,
    acting,
    add,
    bank,
    said,
)
from vestlus.console.image_page import ROOM_FOR_FILES

pytestmark = IN_ONE_BROWSER

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def bomb() -> bytes:
    """A PNG of a few kB that says it is 20,000 by 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_files_are_dropped_described_one_by_one_and_added(filled: World) -> None:
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await drop(page, {"Meie Õu.png": picture_file(), "uks.jpg": picture_file(500, 500)})
        rows = page.locator(".upload")
        assert await rows.count() == 2
        assert await rows.nth(0).get_by_label("Nimi pangas").input_value() == "meie-ou"
        # What is chosen last is written about first.
        await page.keyboard.type("Uks")
        await rows.nth(0).get_by_label("Mida näitab").fill("Meie õu")
        await page.get_by_label("Märksõnad").fill("maja, õu")
        assert await barriers(page) == []
        await page.get_by_role("button", name="Lisa panka").click()
        await page.wait_for_url(f"**{IMAGES}?notice=*")
    pictures = await bank(filled)
    assert (pictures["meie-ou"].shows, pictures["uks"].shows) == ("Meie õu", "Uks")
    assert pictures["uks"].tags == ("maja", "õu")


async def test_files_that_are_sent_after_the_session_ended_are_not_told_as_sent(
    filled: World,
) -> None:
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await drop(page, {"uks.png": picture_file()})
        await page.locator(".upload").get_by_label("Mida näitab").fill("Uks")
        await page.context.clear_cookies()
        await page.get_by_role("button", name="Lisa panka").click()
        await page.get_by_text("Seanss on läbi").wait_for(state="visible")
        assert await page.locator(".upload").get_attribute("data-state") == "failed"
        assert page.url.endswith(f"{IMAGES}/add")
    assert "uks" not in await bank(filled)


async def test_files_wait_outside_while_others_take_all_the_memory(filled: World) -> None:
    with closing(ROOM_FOR_FILES.share()) as others:
        others.grow(3 * MAX_INPUT_BYTES)
        async with acting(filled.site) as (client, csrf):
            files = {"file": ("x.jpg", picture_file(), "image/jpeg")}
            answer = await client.post(f"{IMAGES}/add", data=said(csrf, id="uks"), files=files)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "liiga palju faile" in answer.text
    assert (await add(filled, "uks")).id == "uks"


async def test_the_keyboard_adds_pictures_without_dragging(filled: World) -> None:
    async with browsing(filled.site) as page:
        # Said before the page is there: a browser that is told between focus and key may miss it.
        chosen: asyncio.Future[FileChooser] = asyncio.get_running_loop().create_future()
        # Playwright writes an attribute on what it is given: a method of C has no room for one.
        page.once("filechooser", lambda file: chosen.set_result(file))  # noqa: PLW0108
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await page.get_by_label("Lohista pildid siia").focus()
        await page.keyboard.press("Enter")
        file = FilePayload(name="uks.png", mimeType="image/png", buffer=picture_file())
        async with asyncio.timeout(30):
            chooser = await chosen
        await chooser.set_files([file])
        await page.locator(".upload :focus").wait_for()
        await page.keyboard.type("Uks")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Lisa panka").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{IMAGES}?notice=*")
    assert (await bank(filled))["uks"].shows == "Uks"


async def test_a_file_that_is_refused_says_why_beside_it_and_the_others_are_added(
    filled: World,
) -> None:
    async with browsing(filled.site, complaints=True) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await drop(page, {"evil.jpg": HTML, "hea.png": picture_file()})
        rows = page.locator(".upload")
        for number in range(2):
            await rows.nth(number).get_by_label("Mida näitab").fill("Pilt")
        await page.get_by_role("button", name="Lisa panka").click()
        await rows.nth(1).locator(".upload-said", has_text="Pangas").wait_for()
        assert "ei ole loetav pilt" in await rows.nth(0).inner_text()
    assert {"hea"} == (await bank(filled)).keys() - starters(await bank(filled))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SVG, "ei ole loetav pilt"),
        (HTML, "ei ole loetav pilt"),
        (b"", "Fail on tühi"),
        (bomb(), "üle 64 miljoni piksli"),
        (picture_file(20, 20), "liiga väike"),
        (picture_file(1200, 100), "on riba"),
        (picture_file(1000, 300), "Instagram ei postita"),
        (picture_file(1000, 1000, "JPEG")[:3000], "katki"),
    ],
    ids=["svg", "html", "empty", "bomb", "small", "strip", "proportions", "damaged"],
)
async def test_a_hostile_file_is_refused_in_words_whatever_its_name(
    filled: World, data: bytes, why: str
) -> None:
    async with acting(filled.site) as (client, csrf):
        answer = await client.post(
            f"{IMAGES}/add",
            data=said(csrf, id="evil"),
            files={"file": ("evil.jpg", data, "image/jpeg")},
        )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert why in answer.text
    # What was filled in is still there.
    assert "Meie maja" in answer.text
    assert "evil" not in await bank(filled)
    newest = (await filled.site.store.audit_entries(action="image."))[0]
    assert newest.outcome.startswith("images.refused.")


async def test_fifty_megabytes_are_refused_before_they_are_sent_and_at_the_door(
    filled: World,
) -> None:
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await page.evaluate(
            """() => {
                const files = new DataTransfer();
                files.items.add(new File([new Uint8Array(50_000_000)], "suur.jpg"));
                document.querySelector(".drop").dispatchEvent(
                    new DragEvent("drop", { dataTransfer: files, cancelable: true }));
            }"""
        )
        await page.locator(".upload").get_by_label("Mida näitab").fill("Suur")
        await page.get_by_role("button", name="Lisa panka").click()
        await page.get_by_text("Fail on suurem kui 32 MB.").wait_for()
    async with acting(filled.site) as (client, csrf):
        files = {"file": ("suur.jpg", bytes(50_000_000), "image/jpeg")}
        answer = await client.post(f"{IMAGES}/add", data=said(csrf), files=files)
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "liiga suur" in answer.text


async def test_a_file_that_is_sent_twice_is_added_once(filled: World) -> None:
    data = picture_file(600, 600)
    async with acting(filled.site) as (client, csrf):
        places = set()
        for _ in range(2):
            files = {"file": ("Meie maja.png", data, "image/png")}
            answer = await client.post(f"{IMAGES}/add", data=said(csrf), files=files)
            places.add(answer.headers["location"])
        other = {"file": ("Meie maja.png", picture_file(700, 700), "image/png")}
        answer = await client.post(f"{IMAGES}/add", data=said(csrf), files=other)
    assert places == {f"{IMAGES}/meie-maja?notice=images.done.added"}
    assert f"{IMAGES}/meie-maja-2" in answer.headers["location"]
    new = await bank(filled)
    assert {"meie-maja", "meie-maja-2"} == new.keys() - starters(new)


def starters(pictures: Mapping[str, Picture]) -> set[str]:
    return {one.id for one in pictures.values() if one.source == "folder"}


async def drop(page: Page, files: Mapping[str, bytes]) -> None:
    """Drops files where they are to be dropped, as a pointer does."""
    await page.evaluate(
        """(files) => {
            const dropped = new DataTransfer();
            for (const [name, data] of files) {
                const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
                dropped.items.add(new File([bytes], name));
            }
            const place = document.querySelector(".drop");
            for (const kind of ["dragenter", "dragover", "drop"]) {
                place.dispatchEvent(new DragEvent(
                    kind, { dataTransfer: dropped, cancelable: true, bubbles: true }));
            }
        }""",
        [[name, base64.b64encode(data).decode()] for name, data in files.items()],
    )
