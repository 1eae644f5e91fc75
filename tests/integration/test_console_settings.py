"""The settings' page: where each came from, no secrets, who is signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest_asyncio

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
from vestlus.store.pool_rows import Pool, PoolState
from vestlus.store.rows import Member, MemberKind

pytestmark = IN_ONE_BROWSER

SECRETS = (TOKEN, "the app secret", "k" * 40, "EAAsecrettoken", "hook-key", "mail-password")


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    account = {
        "id": ACCOUNT,
        "name": "Tartu linn",
        "access_token": "EAAsecrettoken",
        "persona": tmp_path / "somewhere" / "persona.md",
        "notify_url": "https://hooks.example/services/hook-key",
    }
    settings = console_settings(
        tmp_path,
        accounts=(account,),
        smtp_url="smtps://vestlus:mail-password@mail.example:465",
        event_tokens=("raamatukogu=a-token-of-the-library",),
    )
    async with served(settings) as made:
        yield made


async def test_no_secret_is_on_the_page_nor_in_the_api(site: Site) -> None:
    async with signed_client(site) as client:
        page = (await client.get("/console/settings")).text
        api = {b"authorization": f"Bearer {TOKEN}".encode()}
        told = (await client.get("/api/v1/settings", headers=api)).text
    for text in (page, told):
        assert not [one for one in (*SECRETS, "a-token-of-the-library") if one in text]
        assert "smtps://mail.example:465" in text
        assert "https://hooks.example" in text
        assert "raamatukogu" in text
        assert "persona.md" in text
        assert "somewhere" not in text


async def test_pools_are_named_by_the_machine_on_which_the_service_runs(site: Site) -> None:
    state = PoolState("4f1c2ab09d3e", Pool.PUBLISHER, "1", "1", 1, 1, 1, 0)
    await site.store.tell_pools([state])
    async with signed_client(site) as client:
        unknown = (await client.get("/console/settings")).text
        host = "vestlus-1/boot/pid:[1]"
        registry = Member("4f1c2ab09d3e/registry", MemberKind.REGISTRY, "1", host, 1)
        await site.store.heartbeat(registry)
        known = (await client.get("/console/settings")).text
        await site.store.tell_pools([replace(state, cluster="another")])
        two = (await client.get("/console/settings")).text
    assert "Kobar <code>4f1c2ab09d3e</code>" in unknown
    assert ("Masinas vestlus-1" in known, "4f1c2ab09d3e" in known) == (True, False)
    assert "4f1c2ab09d3e" in two


async def test_an_admin_signs_others_out_at_once(site: Site) -> None:
    async with signed_client(site) as admin, signed_client(site) as other:
        [newest, own] = await site.store.sessions(0)
        form = {"csrf": own.csrf}
        answer = await admin.post(f"/console/settings/sessions/{newest.name}/end", data=form)
        assert "notice=settings.session_ended" in answer.headers["location"]
        assert (await other.get("/console")).status_code == HTTPStatus.SEE_OTHER
        assert (await admin.get("/console")).status_code == HTTPStatus.OK
        again = await admin.post(f"/console/settings/sessions/{newest.name}/end", data=form)
        assert "problem=settings.no_session" in again.headers["location"]
    audited = [(one.action, one.target) for one in await site.store.audit_entries(limit=3)]
    assert ("session.end_one", newest.name) in audited


async def test_everybody_is_signed_out_everywhere(site: Site) -> None:
    async with signed_client(site) as admin, signed_client(site) as other:
        own = (await site.store.sessions(0))[1]
        await admin.post("/console/settings/sessions/end", data={"csrf": own.csrf})
        for client in (admin, other):
            assert (await client.get("/console")).status_code == HTTPStatus.SEE_OTHER
    assert await site.store.sessions(0) == ()


async def test_the_api_lists_and_ends_sessions(site: Site) -> None:
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    async with (
        signed_client(site) as person,
        httpx.AsyncClient(base_url=site.address, headers=headers) as client,
    ):
        [told] = (await client.get("/api/v1/sessions")).json()["sessions"]
        assert (told["person"], told["role"], told["way"]) == ("Mari", "admin", "token")
        path = f"/api/v1/sessions/{told['id']}"
        assert (await client.delete(path)).status_code == HTTPStatus.NO_CONTENT
        assert (await client.delete(path)).json()["error"] == "no_such_session"
        assert (await client.delete("/api/v1/sessions")).json() == {"ended": 0}
        assert (await person.get("/console")).status_code == HTTPStatus.SEE_OTHER


async def test_the_page_has_no_barriers_in_both_languages_on_a_phone(site: Site) -> None:
    for language in ("et-EE", "en-GB"):
        async with browsing(site, language=language, phone=True) as page:
            await sign_in(page, to="/console/settings")
            for details in await page.locator("summary").all():
                await details.click()
            assert await barriers(page) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
