"""A user's data in the console and the API: looked at, given out, kept, erased."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest_asyncio
from playwright.async_api import Page

from tests.contract.erasing_support import SECRET, lived, traces
from tests.contract.store_support import hold
from tests.fakes.measures import measured
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
from tests.integration.test_console_dead_letters import as_role, csrf_of
from vestlus.bus.port import Queue
from vestlus.console.people import Role
from vestlus.conversation.identity import conversation_id
from vestlus.messages import decode_inbox
from vestlus.store.erasing import Erasure, ErasureState, Way
from vestlus.store.operator_rows import AuditEntry

pytestmark = IN_ONE_BROWSER

USER, OTHER = "900000000000041", "900000000000042"
ID, ANOTHER = conversation_id(ACCOUNT, USER), conversation_id(ACCOUNT, OTHER)
DATA = f"/console/conversations/{ID}/data"
BASE = f"/console/conversations/{ID}"


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with served(console_settings(tmp_path)) as made:
        inbox = await hold(made.store)
        for user in (USER, OTHER):
            await lived(made.store, inbox, user)
        yield made


def form(**fields: str) -> dict[str, str]:
    return {"code": "A" * 16, "typed": ID[-4:], **fields}


async def audited(site: Site, action: str) -> list[AuditEntry]:
    return list(await site.store.audit_entries(action=action))


async def waits(site: Site, code: str = "B" * 16) -> None:
    wish = Erasure(code=code, asked_ms=0, way=Way.META, state=ErasureState.OPEN, by="data-deletion")
    await site.store.erase(wish, [])


async def test_what_is_held_is_shown_in_numbers_and_given_out_as_a_file(site: Site) -> None:
    async with signed_client(site) as client:
        page = await client.get(DATA)
        assert page.status_code == HTTPStatus.OK
        assert SECRET not in page.text
        assert USER not in page.text
        counts = await site.store.user_counts(ID)
        assert re.findall(r'class="number">(\d+)<', page.text) == [str(n) for n in counts.values()]

        file = await client.get(f"{BASE}/data.json")
        assert file.headers["content-disposition"] == (
            f'attachment; filename="vestlus-{ID[-4:]}.json"'
        )
        assert file.headers["cache-control"] == "no-store"
        told = json.loads(file.content)
        assert (told["account"], told["user"]) == (ACCOUNT, USER)
        assert f"{SECRET} vastus" in file.text
        assert OTHER not in file.text
        assert (await client.get("/console/conversations/none/data")).status_code == 404
        assert (await client.get("/console/conversations/none/data.json")).status_code == 404
    assert [(one.target, one.outcome) for one in await audited(site, "user.export")] == [
        ("", "user_data.refused.gone"),
        (ID, "done"),
    ]


async def test_an_erasure_needs_the_typed_characters_and_is_done_once(site: Site) -> None:
    others = await site.store.user_counts(ANOTHER)
    async with signed_client(site) as client:
        csrf = {"csrf": await csrf_of(site)}
        for wrong in ({"typed": "zzzz"}, {"typed": ""}, {"code": "made up"}, {"code": ""}):
            refused = await client.post(f"{BASE}/erase", data=csrf | form(**wrong))
            assert "problem=user_data.refused.not_confirmed" in refused.headers["location"]
        assert await site.store.user_counts(ID)

        answers = await asyncio.gather(
            *(client.post(f"{BASE}/erase", data=csrf | form()) for _ in range(2))
        )

        assert {one.headers["location"] for one in answers} == {
            f"/console/erasures?notice=user_data.erased#{'A' * 16}"
        }
        again = await client.post(f"{BASE}/erase", data=csrf | form())
        assert "notice=user_data.erased" in again.headers["location"]
        page = (await client.get(again.headers["location"])).text
        assert "Kasutaja andmed on kustutatud." in page
        assert (await client.get(DATA)).status_code == HTTPStatus.NOT_FOUND
        gone = await client.post(f"{BASE}/erase", data=csrf | form(code="C" * 16))
        assert "problem=user_data.refused.gone" in gone.headers["location"]
    [erasure] = await site.store.erasures(limit=9)
    assert (erasure.code, erasure.way, erasure.by) == ("A" * 16, Way.CONSOLE, "Mari")
    assert await traces(site.store, USER) == []
    assert await traces(site.store, ID) == ["tombstone.conversation"], "and not in the audit"
    assert await site.store.user_counts(ANOTHER) == others
    entries = await audited(site, "user.erase")
    done = [one for one in entries if one.outcome == "done"]
    assert {(one.person, one.role, one.way) for one in done} == {("Mari", "admin", "token")}
    assert sorted(one.detail for one in done) == ["", "repeated", "repeated"]
    assert {(one.target, one.outcome) for one in entries} == {
        ("A" * 16, "done"),
        ("", "user_data.refused.not_confirmed"),
        ("", "user_data.refused.gone"),
    }
    told = []
    for partition in range(site.settings.partitions):
        if await site.bus.depth(Queue.INBOX, partition):
            subscription = await site.bus.subscribe(Queue.INBOX, partition)
            told += [decode_inbox(one.body).forget for one in await subscription.receive(9)]
            await subscription.close()
    assert set(told) == {(ID,)}


async def test_what_is_preserved_goes_only_with_a_second_yes(site: Site) -> None:
    async with signed_client(site) as client:
        csrf = {"csrf": await csrf_of(site)}
        for fields, why in (
            ({"reason": " "}, "reason"),
            ({"reason": "x" * 501}, "reason"),
            ({"reason": "Vaidlus 7", "until": "2020-01-01"}, "over"),
            ({"reason": "Vaidlus 7", "until": "homme"}, "no_day"),
        ):
            refused = await client.post(f"{BASE}/preserve", data=csrf | fields)
            assert f"problem=user_data.refused.{why}" in refused.headers["location"]
        assert await site.store.preservation(ID) is None
        await client.post(
            f"{BASE}/preserve", data=csrf | {"reason": "Vaidlus <7>", "until": "2999-05-31"}
        )
        page = (await client.get(DATA)).text
        assert "Vaidlus &lt;7&gt;" in page
        assert "Märkis Mari" in page
        assert 'name="even_preserved"' in page

        refused = await client.post(f"{BASE}/erase", data=csrf | form())
        assert "problem=user_data.refused.preserved" in refused.headers["location"]
        assert await site.store.user_counts(ID)
        assert await site.store.erasures(limit=9) == ()

        await client.post(f"{BASE}/release", data=csrf)
        assert await site.store.preservation(ID) is None
        await client.post(f"{BASE}/preserve", data=csrf | {"reason": "Vaidlus 8"})
        done = await client.post(f"{BASE}/erase", data=csrf | form(even_preserved="1"))
        assert "notice=user_data.erased" in done.headers["location"]
    assert await traces(site.store, USER, "Vaidlus") == []
    acts = [one for one in await audited(site, "conversation.") if one.outcome == "done"]
    assert [(one.action, one.target) for one in acts] == [
        ("conversation.preserve", ID),
        ("conversation.release", ID),
        ("conversation.preserve", ID),
    ]
    assert (await audited(site, "user.erase"))[-1].target == ""


async def test_one_that_waits_is_closed_by_a_person_once(site: Site) -> None:
    await waits(site)
    async with signed_client(site) as client:
        csrf = {"csrf": await csrf_of(site)}
        close = f"/console/erasures/{'B' * 16}/close"
        page = (await client.get("/console/erasures?state=open")).text
        assert close in page
        assert "ootab inimest" in page
        assert "notice=" in (await client.post(close, data=csrf)).headers["location"]
        again = await client.post(close, data=csrf)
        assert "problem=user_data.refused.not_open" in again.headers["location"]
        assert close not in (await client.get("/console/erasures")).text
        for query in ("state=x", "behind=none", "behind=%00", "state=open&behind=" + "B" * 16):
            answer = await client.get(f"/console/erasures?{query}")
            assert answer.status_code == HTTPStatus.OK
    found = await site.store.erasure("B" * 16)
    assert found is not None
    assert (found.state, found.by) == (ErasureState.DONE, "Mari")


async def test_erasures_are_paged(site: Site) -> None:
    codes = [f"{letter}{'Z' * 15}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"]
    codes += [f"{letter}{'Y' * 15}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    for code in codes:
        await waits(site, code)
    async with signed_client(site) as client:
        page = (await client.get("/console/erasures")).text
        found = re.findall(r'<tr id="(\w+)"', page)
        assert len(found) == 50
        older = re.search(r'href="([^"]*behind[^"]*)"', page)
        assert older is not None
        rest = re.findall(r'<tr id="(\w+)"', (await client.get(older[1])).text)
    assert sorted(found + rest) == sorted(codes)


async def test_nobody_but_admins_sees_or_does_any_of_it(site: Site) -> None:
    before = await site.store.user_counts(ID)
    async with await as_role(site, Role.AGENT) as agent:
        for path in (DATA, f"{BASE}/data.json", "/console/erasures"):
            assert (await agent.get(path)).status_code == HTTPStatus.FORBIDDEN
        for path in (f"{BASE}/erase", f"{BASE}/preserve", f"{BASE}/release"):
            answer = await agent.post(path, data={"csrf": await csrf_of(site)} | form(reason="x"))
            assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "/console/erasures" not in (await agent.get("/console")).text
    assert await site.store.user_counts(ID) == before
    assert {one.target for one in await audited(site, "user.")} == {""}


async def test_a_form_with_the_code_of_another_erasure_erases_nothing(site: Site) -> None:
    await waits(site, "A" * 16)
    before = await site.store.user_counts(ID)
    async with signed_client(site) as client:
        data = {"csrf": await csrf_of(site)} | form()
        refused = await client.post(f"{BASE}/erase", data=data)
    assert "problem=user_data.refused.code_taken" in refused.headers["location"]
    assert await site.store.user_counts(ID) == before


async def test_without_the_services_key_nothing_goes_and_it_is_said_why(tmp_path: Path) -> None:
    async with served(console_settings(tmp_path, encryption_key=None)) as site:
        await lived(site.store, await hold(site.store), USER)
        async with signed_client(site) as client:
            data = {"csrf": await csrf_of(site)} | form()
            refused = await client.post(f"{BASE}/erase", data=data)
            assert "problem=user_data.refused.no_key" in refused.headers["location"]
            file = await client.get(f"{BASE}/data.json")
            assert file.status_code == HTTPStatus.CONFLICT
            assert "VESTLUS_ENCRYPTION_KEY puudub" in file.text
        assert await site.store.user_counts(ID)


async def test_an_erasure_that_is_asked_for_once_more_is_in_the_audit_and_counted_once(
    site: Site,
) -> None:
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    before = measured("vestlus_erasures_total", way="api", state="erased")
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", headers=headers) as api:
        for body in ({"account": ACCOUNT, "user": USER}, {"conversation": ID}):
            for _ in range(2):
                answer = await api.post("/erasures", json={**body, "code": "D" * 16})
                assert answer.status_code == HTTPStatus.OK
    entries = await audited(site, "user.erase")
    assert {(one.way, one.target, one.outcome) for one in entries} == {("api", "D" * 16, "done")}
    assert [one.detail for one in entries] == ["repeated", "repeated", "repeated", ""]
    assert await traces(site.store, USER) == []
    assert measured("vestlus_erasures_total", way="api", state="erased") == before + 1


async def test_the_same_is_there_for_programs(site: Site) -> None:
    await waits(site)
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", headers=headers) as api:
        export = await api.get(f"/conversations/{ID}/data")
        assert export.json()["user"] == USER
        assert export.headers["cache-control"] == "no-store"
        assert (await api.get("/conversations/none/data")).json()["error"] == "no_such_conversation"

        mark = f"/conversations/{ID}/preservation"
        bad = await api.put(mark, json={"reason": "Vaidlus 7", "until": "eile"})
        assert (bad.status_code, bad.json()["error"]) == (422, "no_day")
        assert (await api.put(mark, json={"reason": "Vaidlus 7"})).status_code == 204
        refused = await api.post("/erasures", json={"conversation": ID})
        assert (refused.status_code, refused.json()["error"]) == (409, "preserved")
        assert (await api.delete(mark)).status_code == 204
        assert (await api.put(mark, json={"reason": "Vaidlus 8"})).status_code == 204

        body = {"conversation": ID, "even_preserved": True, "code": "C" * 16}
        done = (await api.post("/erasures", json=body)).json()
        assert (done["code"], done["way"], done["state"]) == ("C" * 16, "api", "erased")
        assert done["rows"]["preservation"] == 1
        assert (await api.post("/erasures", json=body)).json() == done
        by_user = {"account": ACCOUNT, "user": OTHER}
        for taken in (by_user, {"conversation": ANOTHER}, {"conversation": "misspelt"}):
            refused = await api.post("/erasures", json={**taken, "code": "C" * 16})
            assert (refused.status_code, refused.json()["error"]) == (409, "code_taken"), taken
        assert (await api.post("/erasures", json=by_user)).json()["rows"]["conversation"] == 1
        for wrong in ({}, {"account": ACCOUNT}, {**by_user, "conversation": ID}):
            assert (await api.post("/erasures", json=wrong)).status_code == 422

        listed = (await api.get("/erasures?limit=2")).json()
        rest = (await api.get(f"/erasures?behind={listed['next']}")).json()
        codes = [one["code"] for one in (*listed["erasures"], *rest["erasures"])]
        assert len(codes) == 3
        assert rest["next"] is None
        assert (await api.get("/erasures?state=open")).json()["erasures"][0]["code"] == "B" * 16
        close = f"/erasures/{'B' * 16}/close"
        assert (await api.post(close, json={})).status_code == 204
        assert (await api.post(close, json={})).json()["error"] == "not_open"
        assert (await api.get(f"/erasures/{'B' * 16}")).json()["state"] == "done"
        assert (await api.get("/erasures/none")).status_code == 404
    assert await traces(site.store, USER, OTHER, SECRET, "Vaidlus") == []
    entries = await audited(site, "user.erase")
    assert [one.detail for one in entries if one.target == "C" * 16] == ["repeated", ""]
    assert {(one.way, one.target, one.outcome) for one in entries} == {
        ("api", "", "preserved"),
        ("api", "", "code_taken"),
        ("api", "C" * 16, "done"),
        ("api", codes[0], "done"),
        ("meta", "B" * 16, "open"),
    }


async def test_an_open_page_of_a_conversation_that_is_erased_leads_to_the_list(
    site: Site,
) -> None:
    async with browsing(site) as page:
        await sign_in(page)
        await page.goto(BASE)
        headers = {b"authorization": f"Bearer {TOKEN}".encode()}
        async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", headers=headers) as api:
            assert (await api.post("/erasures", json={"conversation": ID})).status_code == 200
        await page.wait_for_url("**/console/conversations?problem=*")
        assert await page.locator("#talk").count() == 0


async def sideways(page: Page) -> bool:
    width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return int(width) > 0


async def test_the_pages_have_no_barriers_in_both_languages_and_fit_a_phone(site: Site) -> None:
    await waits(site)
    for language in ("et-EE", "en-GB"):
        for phone in (True, False):
            async with browsing(site, language=language, phone=phone) as page:
                await sign_in(page, to=DATA)
                assert await barriers(page) == []
                await site.store.preserve(ID, reason="Vaidlus 7", by="Mari")
                await page.reload()
                assert await barriers(page) == []
                assert not await sideways(page)
                await page.goto("/console/erasures")
                assert await barriers(page) == []
                assert not await sideways(page)
                await site.store.release_conversation(ID)


async def test_in_a_browser_a_preserved_user_is_erased_after_two_confirmations(site: Site) -> None:
    await site.store.preserve(ID, reason="Vaidlus 7", by="Mari")
    async with browsing(site) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await sign_in(page, to=DATA)
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Laadi alla").click()
        assert (await download.value).suggested_filename == f"vestlus-{ID[-4:]}.json"
        typed = page.get_by_label("Kinnituseks kirjuta")
        await typed.fill(ID[-4:])
        await page.get_by_role("button", name="Kustuta jäädavalt").click()
        assert page.url.endswith(DATA), "the browser asks for the second yes"
        await page.get_by_label("Kustuta, kuigi vestlust säilitatakse").check()
        await page.get_by_role("button", name="Kustuta jäädavalt").click()
        await page.wait_for_url("**/console/erasures*")
        assert await page.get_by_role("status").inner_text() == "Kasutaja andmed on kustutatud."
    assert await traces(site.store, USER) == []
