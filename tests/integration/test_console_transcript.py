"""A conversation's page: what was said and done, as people have it in a browser."""

from __future__ import annotations

import re
from http import HTTPStatus
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from image_bank.catalogue import encode
from image_bank.open import open_storage
from image_bank.storage import file_name
from tests.fakes.drafting import bank_picture
from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    Site,
    barriers,
    browsing,
    sign_in,
    signed_client,
)
from tests.integration.simulator_harness import picture
from tests.integration.talks_support import HOUR_MS, MINUTE_MS, Talking, handed_in, path_of
from vestlus.console import sessions
from vestlus.console.grounds import Grounds
from vestlus.console.people import Person, Role
from vestlus.conversation.events import Attachment, EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.operating import Act, operator_event
from vestlus.hosting.effects import effect_of, people_policy
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.rows import Change, Silence

pytestmark = IN_ONE_BROWSER

USER = "900000000004821"
PATH = path_of(USER)
ID = conversation_id(ACCOUNT, USER)
DAY_MS = 24 * HOUR_MS


async def acts(talking: Talking, act: Act, *, by: str, ago_ms: int, text: str = "") -> None:
    """Somebody acts through the console, and the conversation's owner has done it."""
    at_ms = talking.now_ms - ago_ms
    event = operator_event(
        act, account=ACCOUNT, user=USER, identity=uuid4().hex, at_ms=at_ms, text=text
    )
    new = effect_of(event, people_policy(None), at_ms)
    await talking.store.record([(await talking.lease(USER), [new])], at_ms)
    entry = AuditEntry(at_ms, by, "agent", "oidc", f"conversation.{act}", ID, detail=event.key)
    await talking.store.audit(entry)


async def bank(site: Site) -> None:
    """A picture is in the image bank."""
    content = picture(640, 400)
    hall = bank_picture("hall", "town", shows="Raekoja suur saal")
    name = file_name(content, "image/png")
    async with open_storage(site.settings) as storage:
        await storage.put(name, content)
    entry = encode(hall).replace(hall.file, name)
    await site.store.put_pictures({"hall": entry}, 1)


async def an_hour(talking: Talking) -> None:
    """A conversation in which everything happens."""
    await talking.write(USER, "Tere! Kas saal on laupäeval vaba?", ago_ms=55 * MINUTE_MS, mid="q")
    await talking.sent(USER, "Tere! Olen robot ja vastan kohe.", ago_ms=54 * MINUTE_MS)
    await talking.sent(USER, pictures=["hall"], ago_ms=54 * MINUTE_MS)
    await talking.happens(
        talking.event(
            USER, None, kind=EventKind.REACTION, mid="q", emoji="❤️", ago_ms=53 * MINUTE_MS
        )
    )
    await talking.write(USER, "Aga pulmad?", ago_ms=50 * MINUTE_MS)
    (late,) = await talking.answer(USER, "Pulmi me ei korralda.", ago_ms=49 * MINUTE_MS)
    await acts(talking, Act.TAKE_OVER, by="Mari Maasikas", ago_ms=48 * MINUTE_MS)
    assert late.text
    said = "Tere, siin Mari. Pulmad on täiesti võimalikud!"
    await acts(talking, Act.REPLY, by="Mari Maasikas", ago_ms=47 * MINUTE_MS, text=said)
    await talking.write(USER, "Oi, tore! Saadan pildi.", ago_ms=30 * MINUTE_MS)
    came = (Attachment("image", "https://example.com/gone"), Attachment("video"))
    await talking.happens(
        talking.event(USER, None, attachments=came, ago_ms=29 * MINUTE_MS),
    )
    await acts(talking, Act.HAND_BACK, by="Mari Maasikas", ago_ms=20 * MINUTE_MS)
    await talking.answer(USER, "Ilus pilt! Kas broneerin?", ago_ms=19 * MINUTE_MS, draft=True)


async def test_a_transcript_tells_who_said_what_and_what_became_of_it(site: Site) -> None:
    talking = Talking.on(site)
    await bank(site)
    await an_hour(talking)
    async with browsing(site) as page:
        await sign_in(page, to=PATH)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Vestlus: kasutaja …4821")
        said = page.locator(".said")
        told = [re.sub(r"\s*\d\d:\d\d\s*", " | ", one) for one in await said.all_inner_texts()]
        told = [" ".join(one.split()) for one in told]
        assert told == [
            "Kasutaja | Tere! Kas saal on laupäeval vaba? Reaktsioon ❤️",
            "Bot | Tere! Olen robot ja vastan kohe. saadetud",
            "Bot | saadetud",
            "Kasutaja | Aga pulmad?",
            "Bot | Pulmi me ei korralda. jäi saatmata: inimene võttis üle või vastas",
            "Mari Maasikas võttis vestluse üle |",
            "Mari Maasikas | Tere, siin Mari. Pulmad on täiesti võimalikud! järjekorras",
            "Kasutaja | Oi, tore! Saadan pildi.",
            "Kasutaja | Video",
            "Mari Maasikas andis botile tagasi |",
            "Bot | Ilus pilt! Kas broneerin? mustand",
        ]
        shown = page.locator(".bubble img")
        await expect(shown.nth(0)).to_have_attribute("alt", "Raekoja suur saal")
        await expect(shown.nth(1)).to_have_attribute("alt", "Kasutaja saadetud pilt")
        for image in await shown.all():
            await image.scroll_into_view_if_needed()
            await expect(image).to_have_js_property("complete", value=True)
            assert (await image.get_attribute("src") or "").startswith("/console/")
        assert await shown.nth(0).evaluate("e => e.naturalWidth") == 640
        zone = await page.locator(".said time").first.get_attribute("datetime")
        assert zone is not None
        assert zone[-6:] in ("+02:00", "+03:00")


async def test_older_messages_are_a_link_away_and_each_is_there_once(site: Site) -> None:
    talking = Talking.on(site)
    for number in range(70):
        await talking.write(USER, f"k{number}", ago_ms=(300 - number) * MINUTE_MS)
        await talking.sent(USER, f"v{number}", ago_ms=(300 - number) * MINUTE_MS - 5_000)
    async with browsing(site, scripts=False) as page:
        await sign_in(page, to=PATH)
        seen: list[str] = []
        while True:
            seen = await page.locator(".said-text").all_inner_texts() + seen
            older = page.get_by_role("link", name="Vanemad sõnumid")
            if not await older.count():
                break
            await older.click()
        assert seen == [f"{who}{number}" for number in range(70) for who in "kv"]
        await page.get_by_role("link", name="Uusimad sõnumid").click()
        await page.wait_for_url(f"**{PATH}")
        for made_up in ("x", "-1", "9" * 40, "1.5"):
            await page.goto(f"{PATH}?before={made_up}")
            await expect(page.get_by_text("v69")).to_be_visible()


async def test_messages_come_by_themselves_and_what_is_being_written_stays(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!", ago_ms=MINUTE_MS)
    await talking.answer(USER, "Mustandi tekst.", draft=True)
    async with browsing(site) as page:
        await sign_in(page, to=PATH)
        draft = page.get_by_label("Mustandi tekst")
        await draft.fill("Parem tekst.")
        text = page.get_by_label("Sõnum", exact=True)
        await text.fill("Pooleli l")
        await talking.write(USER, "Halloo?")
        await expect(page.locator(".said-text", has_text="Halloo?")).to_be_visible()
        await expect(text).to_be_focused()
        await expect(text).to_have_value("Pooleli l")
        await expect(draft).to_have_value("Parem tekst.")
        log = page.get_by_role("log")
        await expect(log).to_have_attribute("aria-live", "polite")
        await expect(log.locator(".said-text", has_text="Halloo?")).to_have_count(1)
        at_end = "e => Math.abs(e.scrollTop) < 2"
        assert await page.locator(".scroll").evaluate(at_end)


async def test_what_is_written_is_handed_in_once_however_often_it_is_sent(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!")
    async with browsing(site) as page, signed_client(site) as client:
        await sign_in(page, to=PATH)
        text = page.get_by_label("Sõnum", exact=True)
        await text.fill("Tere, siin Mari! 😀")
        await expect(page.locator("#bytes")).to_have_text("21 / 1000 baiti")
        form = page.locator("#write form")
        once = await form.locator("[name=once]").get_attribute("value")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("status")).to_have_text(
            "Edasi antud. Tulemus ilmub siia hetke pärast."
        )
        [csrf] = [one.csrf for one in await site.store.sessions(0) if one.person == "Mari"]
        again = {"csrf": csrf, "once": once, "text": "Tere, siin Mari! 😀"}
        answer = await client.post(f"{PATH}/reply", data=again)
        assert answer.status_code == HTTPStatus.SEE_OTHER
    first, second = await handed_in(site, USER, 2)
    assert (first.action, first.text) == (Act.REPLY, "Tere, siin Mari! 😀")
    assert first.key == second.key
    entries = await site.store.audit_entries(target=ID)
    assert [(one.action, one.outcome, one.detail) for one in entries] == [
        ("conversation.reply", "handed_in", first.key)
    ] * 2


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (HOUR_MS, "Bot jääb pärast seda vait"),
        (DAY_MS + MINUTE_MS, "läheb inimese vastusena (HUMAN_AGENT)"),
        (7 * DAY_MS + MINUTE_MS, "Kasutaja kirjutas viimati üle 7 päeva tagasi"),
    ],
)
async def test_the_page_says_how_a_message_would_go_and_the_server_refuses_what_would_not(
    site: Site, ago_ms: int, text: str
) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!", ago_ms=ago_ms)
    async with browsing(site) as page, signed_client(site) as client:
        await sign_in(page, to=PATH)
        await expect(page.locator("#write")).to_contain_text(text)
        is_open = await page.locator("#write textarea").count() == 1
        assert is_open is (ago_ms < 7 * DAY_MS)
        [csrf] = [one.csrf for one in await site.store.sessions(0) if one.person == "Mari"]
        for said, problem in (("  ", "blank"), ("pikk " * 5_000, "too_long"), ("Tere!", "")):
            wrong = problem or ("" if is_open else "too_late")
            answer = await client.post(f"{PATH}/reply", data={"csrf": csrf, "text": said})
            expected = f"problem=conversations.refused.{wrong}" if wrong else "notice="
            assert expected in answer.headers["location"]


async def test_drafts_are_approved_changed_and_rejected(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!")
    (draft,) = await talking.answer(USER, "Tere!\nMida soovite?", draft=True)
    async with browsing(site) as page:
        await sign_in(page, to=PATH)
        await page.get_by_role("button", name="Kinnita ja saada").click()
        await page.get_by_label("Mustandi tekst").fill("Tere, mida soovite?")
        await page.get_by_role("button", name="Kinnita ja saada").click()
        await page.get_by_role("button", name="Lükka tagasi").click()
        await expect(page.get_by_role("status")).to_be_visible()
        for button in ("Võta üle", "Märgi loetuks"):
            await page.get_by_role("button", name=button).click()
            await expect(page.get_by_role("status")).to_be_visible()
        await expect(page.get_by_role("button", name="Märgi loetuks")).to_have_count(0)
        await talking.change(USER, Change(rejected_turn=draft.turn))
        await expect(page.locator(".draft")).to_have_count(0)
    events = await handed_in(site, USER, 4)
    assert [(one.action, one.text, one.number) for one in events] == [
        (Act.APPROVE, None, draft.turn),
        (Act.APPROVE, "Tere, mida soovite?", draft.turn),
        (Act.REJECT, None, draft.turn),
        (Act.TAKE_OVER, None, None),
    ]
    async with signed_client(site) as client:
        [csrf] = [one.csrf for one in await site.store.sessions(0) if one.person == "Mari"]
        for turn in (str(draft.turn), "99", "x", ""):
            answer = await client.post(f"{PATH}/approve", data={"csrf": csrf, "turn": turn})
            assert "refused.no_draft" in answer.headers["location"]


async def test_who_asked_for_no_answers_is_not_handed_back(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Stopp")
    stopped = Change(silence=Silence.STOPPED, silent_until_ms=2**62)
    await talking.change(USER, stopped)
    async with browsing(site) as page:
        await sign_in(page, to=PATH)
        await page.get_by_role("button", name="Anna botile tagasi").click()
        await expect(page.get_by_role("alert")).to_contain_text("Kasutaja palus mitte vastata")


async def test_two_people_see_who_has_taken_a_conversation_over(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!", ago_ms=MINUTE_MS)
    async with browsing(site) as mari, browsing(site, phone=True) as jaan:
        await sign_in(mari, to=PATH)
        await sign_in(jaan, name="Jaan Tamm", to=PATH)
        await acts(talking, Act.TAKE_OVER, by="Mari Maasikas", ago_ms=0)
        await expect(mari.locator(".stands")).to_contain_text("Vestluse oled üle võtnud sina.")
        await expect(jaan.locator(".stands")).to_contain_text(
            "Vestluse on üle võtnud Mari Maasikas."
        )
        await expect(jaan.get_by_role("button", name="Võta üle")).to_have_count(0)


async def test_a_viewer_looks_and_does_nothing(site: Site) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere!")
    await talking.answer(USER, "Tere!", draft=True)
    viewer = Person("Vaataja", Role.VIEWER, "token")
    arrival = sessions.Arrival(viewer, Grounds(site.settings).token)
    value = await sessions.begin(site.store, arrival, talking.now_ms)
    cookies = {sessions.SESSION: value}
    async with browsing(site, language="en-GB") as page:
        await page.context.add_cookies(
            [{"name": sessions.SESSION, "value": value, "url": site.address}]
        )
        await page.goto(PATH)
        await expect(page.locator("#write")).to_contain_text("Your role may look")
        assert await page.locator("main form").count() == 0
        assert await barriers(page) == []
    [csrf] = [one.csrf for one in await site.store.sessions(0) if one.person == "Vaataja"]
    headers = {"origin": site.address}
    async with httpx.AsyncClient(base_url=site.address, cookies=cookies, headers=headers) as client:
        for act in ("take-over", "hand-back", "reply", "approve", "reject", "read"):
            form = {"csrf": csrf, "text": "x", "turn": "1", "until": "1"}
            answer = await client.post(f"{PATH}/{act}", data=form)
            assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not (await site.store.talk(ID)).read_ms  # type: ignore[union-attr]


async def test_what_is_not_there_is_said_to_be_so(site: Site) -> None:
    async with signed_client(site) as client:
        answer = await client.get("/console/conversations/none")
        assert "refused.no_such" in answer.headers["location"]
        for path in (
            f"{PATH}/received/1/0",
            f"{PATH}/received/x/y",
            f"{PATH}/received/1/{'9' * 30}",
        ):
            answer = await client.get(path)
            assert answer.headers["content-type"] == "image/svg+xml"
        assert (await client.get("/console/conversations/bank/none")).status_code == HTTPStatus.OK
    async with httpx.AsyncClient(base_url=site.address) as stranger:
        for path in (PATH, f"{PATH}/part", f"{PATH}/live", f"{PATH}/received/1/0"):
            answer = await stranger.get(path)
            assert answer.status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("phone", [True, False])
@pytest.mark.parametrize("language", ["et-EE", "en-GB"])
async def test_nothing_stands_in_anybodys_way(site: Site, language: str, *, phone: bool) -> None:
    talking = Talking.on(site)
    await bank(site)
    await an_hour(talking)
    if language == "en-GB":
        await talking.write(USER, "<script>alert(1)</script><img src=x onerror=alert(2)>")
        await talking.write(USER, "\u202eגב" + "😀" * 1_000 + "\u0000", "Kuulilennutee" * 60)
        lost = (await talking.answer(USER, "Läks kaotsi."))[0]
        await talking.end(lost, SendState.UNKNOWN, why="ambiguous_twice")
        await talking.happens(talking.event(USER, None, kind=EventKind.UNSEND, mid="q"))
        await talking.write(USER, "Tulevikust", timestamp_ms=10**18)
    async with browsing(site, language=language, phone=phone, dark=phone) as page:
        await sign_in(page, to=PATH)
        assert await barriers(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= (390 if phone else 1280)
        if language == "en-GB":
            await expect(page.get_by_text("<script>alert(1)</script>")).to_have_count(1)
            await expect(page.locator(".state.bad")).to_contain_text("not known whether it arrived")
