"""The dead letters' pages and API."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import httpx

from tests.integration.console_support import (
    ACCOUNT,
    IN_ONE_BROWSER,
    TOKEN,
    Site,
    barriers,
    browsing,
    console_settings,
    served,
    sign_in,
    signed_client,
)
from vestlus.burying import buried, unreadable
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.console.grounds import Grounds
from vestlus.console.people import Person, Role
from vestlus.console.sessions import Arrival, begin
from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.messages import encode, inbox_message
from vestlus.store.rows import DeadLetter, LetterState

pytestmark = IN_ONE_BROWSER

#: 2026-11-28 12:00 UTC.
NOON = 1_795_867_200_000

SCRIPT = "<script>alert(1)</script> kas raamatukogu on avatud?"


def delivery(at_ms: int, text: str = SCRIPT) -> DeadLetter:
    said = Event(
        key=f"key-{at_ms}",
        kind=EventKind.MESSAGE,
        account=ACCOUNT,
        user="9001",
        conversation=conversation_id(ACCOUNT, "9001"),
        timestamp_ms=at_ms,
        mid=f"mid-{at_ms}",
        text=text,
    )
    body = encode(inbox_message((said,), at_ms=at_ms))
    return buried(body, source="dead.0", reason="delivery_limit", at_ms=at_ms)


def odd(place: int) -> DeadLetter:
    return unreadable(f"\x00odd {place}".encode(), source="inbox.3", reason="no_json", at_ms=place)


async def csrf_of(site: Site) -> str:
    return (await site.store.sessions(0))[0].csrf


async def depth(site: Site) -> int:
    return sum([await site.bus.depth(Queue.INBOX, one) for one in range(site.settings.partitions)])


async def as_role(site: Site, role: Role) -> httpx.AsyncClient:
    """A client of somebody who has that role."""
    arrival = Arrival(Person("Viive", role, "token"), Grounds(site.settings).token)
    value = await begin(site.store, arrival, system_clock())
    headers = {"origin": site.address}
    return httpx.AsyncClient(base_url=site.address, headers=headers, cookies={"vestlus": value})


async def test_letters_are_listed_filtered_and_paged(site: Site) -> None:
    letter = delivery(system_clock())
    await site.store.bury([odd(place) for place in range(1, 61)])
    await site.store.bury([letter, replace(odd(70), doubtful=True, account=ACCOUNT)])
    async with signed_client(site) as client:
        page = (await client.get("/console/dead-letters")).text
        assert page.count("<tr>") - 1 == 50
        assert letter.id in page
        found = (await client.get("/console/dead-letters?reason=delivery_limit")).text
        assert found.count("<tr>") - 1 == 1
        assert "seda ei õnnestunud korduvalt töödelda" in found
        doubtful = (await client.get("/console/dead-letters?unknown=1")).text
        assert odd(70).id in doubtful
        assert letter.id not in doubtful
        behind = (await client.get(f"/console/dead-letters?behind={odd(20).id}")).text
        assert behind.count("<tr>") - 1 == 19
        for query in ("state=discarded", "state=x", "behind=%00", "reason=%ff"):
            answer = await client.get(f"/console/dead-letters?{query}")
            assert answer.status_code == HTTPStatus.OK


async def test_a_letter_is_dated_by_the_clock_of_its_account(tmp_path: Path) -> None:
    accounts = (
        {"id": ACCOUNT, "timezone": "Europe/Tallinn"},
        {"id": "17841400000000002", "timezone": "America/New_York"},
    )
    letter, nobodys = replace(odd(NOON + 1), account=ACCOUNT), odd(NOON)
    async with served(console_settings(tmp_path, accounts=accounts)) as site:
        await site.store.bury([letter, nobodys])
        async with signed_client(site) as client:
            page = (await client.get("/console/dead-letters")).text
            one = (await client.get(f"/console/dead-letters/{letter.id}")).text
    assert "28. nov 2026 14:00:00 (Europe/Tallinn)</td>" in page
    assert "28. nov 2026 12:00:00</td>" in page
    assert "Kellaajad: UTC" in page
    assert "28. nov 2026 14:00:00</dd>" in one
    assert "Kellaajad: Europe/Tallinn" in one


async def test_what_a_letter_holds_is_shown_escaped_and_to_admins_alone(site: Site) -> None:
    letter = delivery(system_clock())
    await site.store.bury([letter])
    path = f"/console/dead-letters/{letter.id}"
    async with signed_client(site) as admin, await as_role(site, Role.AGENT) as agent:
        page = (await admin.get(path)).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        seen = (await agent.get(path)).text
        assert "delivery_limit" in seen
        assert "raamatukogu" not in seen
        assert "9001" not in seen
        for act in ("replay", "discard"):
            answer = await agent.post(f"{path}/{act}", data={"csrf": "x"})
            assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await depth(site) == 0
    outcomes = [one.outcome for one in await site.store.audit_entries(person="Viive", limit=2)]
    assert outcomes == ["forbidden", "forbidden"]


async def test_a_replay_puts_the_letter_on_its_way_once(site: Site) -> None:
    letter = delivery(system_clock())
    await site.store.bury([letter])
    path = f"/console/dead-letters/{letter.id}"
    async with signed_client(site) as client:
        form = {"csrf": await csrf_of(site)}
        answer = await client.post(f"{path}/replay", data=form)
        assert "notice=dead_letters.handed_in" in answer.headers["location"]
        assert await depth(site) == 1
        again = await client.post(f"{path}/replay", data=form)
        assert "problem=dead_letters.refused.not_dead" in again.headers["location"]
        assert await depth(site) == 1
        assert (
            "Keegi on sellega juba tegelenud" in (await client.get(again.headers["location"])).text
        )
    entries = await site.store.audit_entries(action="dead_letter.", limit=2)
    assert [(one.target, one.outcome) for one in entries] == [
        (letter.id, "dead_letters.refused.not_dead"),
        (letter.id, "handed_in"),
    ]


async def test_a_discarded_letter_keeps_who_did_it_and_not_what_was_said(site: Site) -> None:
    letter = delivery(system_clock())
    await site.store.bury([letter])
    path = f"/console/dead-letters/{letter.id}"
    async with signed_client(site) as client:
        await client.post(f"{path}/discard", data={"csrf": await csrf_of(site)})
        page = (await client.get(path)).text
        assert "Sisu enam ei ole." in page
        assert "pandi kõrvale: Mari" in page
        assert "raamatukogu" not in page
    found = await site.store.dead_letter(letter.id)
    assert found is not None
    assert found.state is LetterState.DISCARDED


async def test_a_letter_that_there_is_not_gives_a_page(site: Site) -> None:
    async with signed_client(site) as client:
        for name in ("none", "%00", "%ff", "x" * 3_000):
            answer = await client.get(f"/console/dead-letters/{name}")
            assert answer.status_code == HTTPStatus.NOT_FOUND
            assert "Sellist lehte ei ole" in answer.text


async def test_the_api_does_the_same(site: Site) -> None:
    letter, other = delivery(system_clock()), odd(1)
    await site.store.bury([letter, other])
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    root = f"{site.address}/api/v1/dead-letters"
    async with httpx.AsyncClient(headers=headers) as client:
        first = (await client.get(f"{root}?limit=1")).json()
        assert (first["letters"][0]["letter"], first["next"]) == (letter.id, letter.id)
        whole = (await client.get(f"{root}/{letter.id}")).json()
        assert whole["content"]["events"][0]["text"] == SCRIPT
        refused = await client.post(f"{root}/{other.id}/replay", json={})
        assert (refused.status_code, refused.json()["error"]) == (409, "undecodable")
        assert (await client.post(f"{root}/{letter.id}/replay", json={})).status_code == 204
        assert await depth(site) == 1
        assert (await client.post(f"{root}/{other.id}/discard", json={})).status_code == 204
        assert (await client.post(f"{root}/{other.id}/discard", json={})).json()[
            "error"
        ] == "not_dead"
        assert (await client.get(f"{root}/none")).json()["error"] == "no_such_letter"
    entries = await site.store.audit_entries(action="dead_letter.")
    assert [(one.way, one.outcome) for one in reversed(entries)] == [
        ("api", "undecodable"),
        ("api", "handed_in"),
        ("api", "done"),
        ("api", "not_dead"),
    ]


async def test_the_pages_have_no_barriers_in_both_languages_on_a_phone(site: Site) -> None:
    letter = replace(delivery(1_795_856_400_000), doubtful=True)
    await site.store.bury([letter, *(odd(1_795_856_000_000 + place) for place in range(3))])
    for language in ("et-EE", "en-GB"):
        async with browsing(site, language=language, phone=True) as page:
            await sign_in(page, to="/console/dead-letters")
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            await page.get_by_role("link", name=letter.id).click()
            await page.locator("summary").click()
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    async with browsing(site) as page:
        await sign_in(page, to="/console/dead-letters")
        await page.get_by_role("link", name=letter.id).click()
        page.once("dialog", lambda dialog: dialog.dismiss())
        await page.get_by_role("button", name="Pane kõrvale").click()
        found = await site.store.dead_letter(letter.id)
        assert found is not None
        assert found.state is LetterState.OPEN
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Pane kõrvale").click()
        await page.get_by_text("Kiri on kõrvale pandud.").wait_for()
