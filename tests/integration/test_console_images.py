"""The console's image bank: looked at, filled by drag and drop and without, and kept."""

from __future__ import annotations

import asyncio
import base64
import io
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from image_bank.catalogue import Picture
from image_bank.checking import MAX_INPUT_BYTES
from image_bank.keeping import read_catalogue
from tests.fakes.bank import picture_file
from tests.integration.console_support import barriers, browsing, screenshot, sign_in
from tests.integration.content_support import CAPTION, World, acting, world
from tests.integration.test_console_posts import become_viewer
from vestlus.clock import system_clock
from vestlus.console.image_page import ROOM_FOR_FILES
from vestlus.desk.images import day_of
from vestlus.store.post_rows import PostPicture

IMAGES = "/console/images"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def bank(filled: World) -> Mapping[str, Picture]:
    return (await read_catalogue(filled.site.store)).pictures


def bomb() -> bytes:
    """A PNG of a few kB that says it is 20,000 by 20,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def said(csrf: str, **more: str) -> dict[str, str]:
    """A description as a form sends it."""
    return {"csrf": csrf, "shows": "Meie maja", "in_dms": "yes", "in_posts": "yes", **more}


async def add(filled: World, key: str, data: bytes | None = None, **more: str) -> Picture:
    """A picture that is added by the form."""
    async with acting(filled.site) as (client, csrf):
        answer = await client.post(
            f"{IMAGES}/add",
            data=said(csrf, id=key, **more),
            files={"file": ("x.jpg", data or picture_file(), "image/jpeg")},
        )
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return (await bank(filled))[key]


async def test_pages_of_the_bank_have_no_barriers_in_both_languages_and_on_a_phone(
    filled: World,
) -> None:
    soon = day_of(filled.site.settings, system_clock()) + timedelta(days=5)
    await add(filled, "maja", valid_until=soon.isoformat(), tags="maja", rights="Jaan Tamm")
    await filled.post(pictures=(PostPicture("maja"),), caption=CAPTION)
    pages = {
        "images": IMAGES,
        "image": f"{IMAGES}/maja",
        "image-of-folder": f"{IMAGES}/parking",
        "image-add": f"{IMAGES}/add",
    }
    for language, phone in (("et-EE", True), ("en-GB", False)):
        async with browsing(filled.site, language=language, phone=phone) as page:
            await sign_in(page)
            for name, where in pages.items():
                await page.goto(where)
                assert await barriers(page) == [], where
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= (390 if phone else 1280), where
                if not phone:
                    await screenshot(page, name)


async def test_pictures_are_shown_small_by_our_own_route_and_only_to_who_is_signed_in(
    filled: World,
) -> None:
    picture = (await bank(filled))["parking"]
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(IMAGES)
        shown = page.get_by_role("img", name=picture.alt)
        await shown.scroll_into_view_if_needed()
        await page.wait_for_function(
            "(one) => one.complete && one.naturalWidth > 0", arg=await shown.element_handle()
        )
        assert await shown.evaluate("(one) => [one.naturalWidth, one.loading]") == [480, "lazy"]
    where = (f"{IMAGES}/thumbs/{picture.file}", f"{IMAGES}/files/{picture.file}")
    async with acting(filled.site) as (client, _):
        for one in where:
            answer = await client.get(one)
            assert answer.status_code == HTTPStatus.OK
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "private" in answer.headers["cache-control"]
            assert Image.open(io.BytesIO(answer.content)).format in {"PNG", "JPEG"}
        for name in (f"{'0' * 64}.png", "..%2f..%2fsecret", "x"):
            for kind in ("thumbs", "files"):
                gone = await client.get(f"{IMAGES}/{kind}/{name}")
                assert gone.status_code == HTTPStatus.NOT_FOUND
        client.cookies.clear()
        for one in where:
            assert (await client.get(one)).status_code == HTTPStatus.SEE_OTHER


async def test_the_gallery_is_filtered_by_tag_use_rights_and_words(filled: World) -> None:
    today = day_of(filled.site.settings, system_clock())
    await add(filled, "soon", valid_until=(today + timedelta(days=3)).isoformat(), tags="uks")
    await add(filled, "over", valid_until=(today - timedelta(days=3)).isoformat())
    async with acting(filled.site) as (client, _):
        for query, there, not_there in (
            ("rights=ending", "soon", "over"),
            ("rights=ended", "over", "soon"),
            ("rights=valid", "soon", "over"),
            ("rights=unsaid", "soon", "parking"),
            ("tag=uks", "soon", "over"),
            ("q=PARKIMINE", "parking", "soon"),
            ("use=posts&q=maja", "over", "parking"),
        ):
            text = (await client.get(f"{IMAGES}?{query}")).text
            assert f'href="{IMAGES}/{there}"' in text, query
            assert f'href="{IMAGES}/{not_there}"' not in text, query
        assert "lõpevad peagi: 1" in (await client.get(IMAGES)).text


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
        await sign_in(page)
        await page.goto(f"{IMAGES}/add")
        await page.get_by_label("Lohista pildid siia").focus()
        async with page.expect_file_chooser() as choosing:
            await page.keyboard.press("Enter")
        file = FilePayload(name="uks.png", mimeType="image/png", buffer=picture_file())
        await (await choosing.value).set_files([file])
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


async def test_what_is_said_of_a_picture_is_edited_and_what_is_wrong_is_told(
    filled: World,
) -> None:
    await add(filled, "maja")
    async with browsing(filled.site, complaints=True) as page:
        await sign_in(page)
        await page.goto(f"{IMAGES}/maja")
        await page.get_by_label("Märksõnad").fill("uus, maja")
        await page.get_by_label("Autor ja õigused").fill("<i>Jaan</i>")
        await page.get_by_label("Võib kasutada vastustes").uncheck()
        await page.get_by_label("Võib kasutada postitustes").uncheck()
        await page.get_by_role("button", name="Salvesta").click()
        await page.get_by_text("Luba pilt vähemalt vastustesse").wait_for()
        assert await page.get_by_label("Märksõnad").input_value() == "uus, maja"
        await page.get_by_label("Võib kasutada postitustes").check()
        await page.get_by_role("button", name="Salvesta").click()
        await page.get_by_text("Salvestatud.").wait_for()
    changed = (await bank(filled))["maja"]
    assert (changed.tags, changed.rights, changed.in_dms) == (("uus", "maja"), "<i>Jaan</i>", False)


async def test_who_edits_what_somebody_else_has_changed_is_told(filled: World) -> None:
    await add(filled, "maja")
    async with acting(filled.site) as (client, csrf):
        form = said(csrf, edition="seen before")
        answer = await client.post(f"{IMAGES}/maja/describe", data=form)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Keegi teine muutis" in answer.text


async def test_a_picture_shows_where_it_was_used_and_is_retired_and_removed(filled: World) -> None:
    await add(filled, "maja")
    post = await filled.post(pictures=(PostPicture("maja"),))
    async with browsing(filled.site) as page:
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await sign_in(page)
        await page.goto(f"{IMAGES}/maja")
        uses = page.locator("section:has(#uses)")
        assert await uses.locator(f"a[href='/console/posts/{post.id}']").count() == 1
        await page.get_by_role("button", name="Lõpeta kasutus").click()
        await page.get_by_text("Kasutus on lõpetatud.").wait_for()
        assert await page.locator("h1 .badge.bad").count() == 1
        await page.get_by_role("button", name="Kustuta").click()
        await page.get_by_text("Kustutatud.").wait_for()
    assert "maja" not in await bank(filled)
    acts = [one.action for one in await filled.site.store.audit_entries(target="maja")]
    assert acts == ["image.remove", "image.retire", "image.add"]


async def test_what_a_schedule_names_is_said_before_it_is_removed(filled: World) -> None:
    async with acting(filled.site) as (client, csrf):
        text = (await client.get(f"{IMAGES}/announcement")).text
        assert "ajakava nadalavahetus" in text
        assert "sündmuse reegel uus-raamat" in text
        refused = await client.post(f"{IMAGES}/announcement/retire", data={"csrf": csrf})
    assert "problem=images.refused.folder" in refused.headers["location"]


async def test_who_only_looks_sees_no_forms_and_changes_nothing(filled: World) -> None:
    before = await bank(filled)
    async with acting(filled.site) as (client, csrf):
        become_viewer(filled)
        assert (await client.get(IMAGES)).status_code == HTTPStatus.OK
        text = (await client.get(f"{IMAGES}/parking")).text
        assert "describe" not in text
        assert (await client.get(f"{IMAGES}/add")).status_code == HTTPStatus.FORBIDDEN
        for act in ("describe", "retire", "remove"):
            answer = await client.post(f"{IMAGES}/parking/{act}", data={"csrf": csrf})
            assert answer.status_code == HTTPStatus.FORBIDDEN
        files = {"file": ("x.png", picture_file(), "image/png")}
        answer = await client.post(f"{IMAGES}/add", data=said(csrf), files=files)
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await bank(filled) == before


async def test_the_gallery_has_pages(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vestlus.console.images_pages._PAGE", 5)
    seen: list[str] = []
    async with browsing(filled.site) as page:
        await sign_in(page)
        await page.goto(IMAGES)
        while True:
            seen += await page.locator(".picture-name").all_inner_texts()
            following = page.get_by_role("link", name="Järgmised")
            if not await following.count():
                break
            await following.click()
            await page.wait_for_url("**after=*")
            await page.locator(".picture-name", has_text=seen[-1]).wait_for(state="detached")
    assert sorted(seen) == sorted((await bank(filled)).keys())


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
