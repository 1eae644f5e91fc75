"""The audit's page, its files, and its API."""

from __future__ import annotations

import csv
import io
import json
from http import HTTPStatus

import httpx

from tests.integration.console_support import (
    IN_ONE_BROWSER,
    TOKEN,
    Site,
    barriers,
    browsing,
    sign_in,
    signed_client,
)
from vestlus.store.operator_rows import AuditEntry

pytestmark = IN_ONE_BROWSER

#: 2026-11-28 09:00 UTC.
NOON = 1_795_856_400_000


async def filled(site: Site, entries: int = 120) -> None:
    for place in range(entries):
        who = ("Mari Maasikas", "Jüri Juurikas <juri@example.ee>")[place % 2]
        action = ("conversation.take_over", "conversation.reply", "post.approve")[place % 3]
        outcome = "done" if place % 5 else "frame.stale"
        await site.store.audit(
            AuditEntry(NOON + place * 60_000, who, "agent", "oidc", action, f"c{place}", outcome)
        )


async def test_entries_are_paged_and_filtered(site: Site) -> None:
    await filled(site)
    async with signed_client(site) as client:
        page = (await client.get("/console/audit")).text
        assert page.count("<tr>") - 1 == 50
        assert "c119" in page
        assert "c70" not in page
        filters = {"action": "conversation.", "person": "Mari Maasikas", "outcome": "done"}
        found = (await client.get("/console/audit", params=filters)).text
        assert '<code class="soft">conversation.reply</code>' in found
        assert "inimesena vastamine<br>" in found
        assert '<code class="soft">post.approve</code>' not in found
        assert "J\u00fcri" not in found
        days = {"since": "2026-11-29"}
        assert "c119" not in (await client.get("/console/audit", params=days)).text
        for odd in ("before=x", "before=9" * 40, "since=2026-13-99", "until=9999-12-31"):
            assert (await client.get(f"/console/audit?{odd}")).status_code == HTTPStatus.OK


async def test_days_are_those_of_the_clock_that_the_page_shows(site: Site) -> None:
    # In Tallinn it is the 29th already.
    late = AuditEntry(
        NOON + 14 * 3_600_000, "Mari", "agent", "oidc", "post.approve", "at-night", "done"
    )
    await site.store.audit(late)
    async with signed_client(site) as client:
        page = (await client.get("/console/audit?since=2026-11-29&action=post.")).text
        before = (await client.get("/console/audit?until=2026-11-28&action=post.")).text
    assert ("29. nov 2026 01:00:00" in page, "at-night" in before) == (True, False)
    assert "Alates päevast (Europe/Tallinn)" in page


async def test_who_is_no_admin_sees_no_audit(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        assert (await client.get("/console/audit")).status_code == HTTPStatus.SEE_OTHER
        answer = await client.get("/console/audit/export.csv")
        assert answer.status_code == HTTPStatus.SEE_OTHER


async def test_a_file_has_all_entries_and_no_formulas(site: Site) -> None:
    await filled(site, 3)
    await site.store.audit(AuditEntry(5, "=HYPERLINK(0)", "admin", "token", "session.begin"))
    async with signed_client(site) as client:
        answer = await client.get("/console/audit/export.csv?action=session.begin")
        assert answer.headers["content-disposition"].startswith("attachment")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["person"] for row in rows] == ["Mari", "'=HYPERLINK(0)"]
        assert rows[1]["at"] == "1970-01-01T00:00:00.005Z"
        lines = (await client.get("/console/audit/export.jsonl")).text.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["action"] for one in told][:2] == ["audit.export", "audit.export"]
    assert len(told) == 7


async def test_the_api_has_the_same(site: Site) -> None:
    await filled(site, 5)
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
        first = (await client.get("/api/v1/audit?limit=2&action=conversation.")).json()
        assert [one["target"] for one in first["entries"]] == ["c4", "c3"]
        query = f"limit=2&action=conversation.&before={first['next']}"
        second = (await client.get(f"/api/v1/audit?{query}")).json()
        assert [one["target"] for one in second["entries"]] == ["c1", "c0"]
        assert second["next"] is None
        exported = await client.get("/api/v1/audit/export?format=csv")
        assert exported.text.count("\n") == 7
    newest = (await site.store.audit_entries())[0]
    assert (newest.action, newest.way, newest.detail) == ("audit.export", "api", "csv")


async def test_the_page_has_no_barriers_in_both_languages_on_a_phone(site: Site) -> None:
    await filled(site)
    for language in ("et-EE", "en-GB"):
        async with browsing(site, language=language, phone=True) as page:
            await sign_in(page, to="/console/audit")
            assert await barriers(page) == []
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390
    async with browsing(site) as page:
        await sign_in(page, to="/console/audit")
        await page.get_by_role("combobox", name="Tegevus").fill("post.")
        await page.get_by_role("button", name="Näita").click()
        await page.wait_for_url("**action=post.**")
        assert await page.get_by_text("conversation.reply").count() == 0
