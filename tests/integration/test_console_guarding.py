"""The way in is guarded: guesses, forged forms, wrong requests, bugs, sessions that end."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from structlog.testing import capture_logs

from tests.integration.console_support import (
    IN_ONE_BROWSER,
    TOKEN,
    Site,
    browsing,
    console_settings,
    served,
    sign_in,
    signed_client,
)
from vestlus.clock import system_clock
from vestlus.console import forms
from vestlus.console.guarding import Guard
from vestlus.console.guesses import MOST_OF_ALL, MOST_OF_ONE
from vestlus.console.live import Streams
from vestlus.console.people import Person, Role
from vestlus.console.sessions import Arrival, begin
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit

pytestmark = IN_ONE_BROWSER


def tools_of(site: Site) -> Tools:
    async def ring() -> None:
        return None

    return Tools(
        settings=site.settings,
        clock=system_clock,
        find_store=lambda: site.store,
        find_bus=lambda: site.bus,
        ring=ring,
    )


async def tried(client: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    form = {"name": "Mari", "token": token, "next": "/console"}
    return await client.post("/console/sign-in", data=form, headers=headers)


async def test_guesses_end_and_who_waits_is_told_how_long(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address, headers={"origin": site.address}) as client:
        for _ in range(MOST_OF_ONE):
            assert (await tried(client, "wrong")).status_code == HTTPStatus.FORBIDDEN
        answer = await tried(client, TOKEN)
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert "Proovi uuesti 15 minuti pärast" in answer.text
        assert 0 < int(answer.headers["retry-after"]) <= 900
    assert await site.store.sessions(0) == ()


async def test_another_replica_counts_the_same_guesses(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address, headers={"origin": site.address}) as client:
        for _ in range(MOST_OF_ONE):
            await tried(client, "wrong")
    async with served(site.settings) as replica:
        headers = {"origin": replica.address}
        async with httpx.AsyncClient(base_url=replica.address, headers=headers) as client:
            assert (await tried(client, TOKEN)).status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_browser_that_was_in_before_is_kept_out_by_nobodys_guesses(site: Site) -> None:
    async with signed_client(site) as known:
        known.cookies.delete("vestlus")
        async with httpx.AsyncClient(
            base_url=site.address, headers={"origin": site.address}
        ) as stranger:
            for _ in range(MOST_OF_ONE + 1):
                await tried(stranger, "wrong")
        assert (await tried(known, TOKEN)).status_code == HTTPStatus.SEE_OTHER
        # Its own guesses end too.
        for _ in range(MOST_OF_ONE):
            await tried(known, "wrong")
        assert (await tried(known, TOKEN)).status_code == HTTPStatus.TOO_MANY_REQUESTS
        known.cookies.set("vestlus-known", "made-up.seal")
        assert (await tried(known, TOKEN)).status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_forwarded_addresses_that_anybody_can_write_open_no_further_guesses(
    site: Site,
) -> None:
    async with httpx.AsyncClient(base_url=site.address, headers={"origin": site.address}) as client:
        for place in range(MOST_OF_ALL):
            forged = {"x-forwarded-for": f"192.0.2.{place}"}
            assert (await tried(client, "wrong", **forged)).status_code == HTTPStatus.FORBIDDEN
        answer = await tried(client, TOKEN, **{"x-forwarded-for": "198.51.100.1"})
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_behind_our_own_proxy_people_are_told_apart(tmp_path: Path) -> None:
    settings = console_settings(tmp_path, sign_in={"proxies": 1})
    async with served(settings) as site:
        headers = {"origin": site.address}
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
            for place in range(MOST_OF_ONE + 1):
                forged = {"x-forwarded-for": f"203.0.113.{place}, 192.0.2.1"}
                answer = await tried(client, "wrong", **forged)
            assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
            other = await tried(client, TOKEN, **{"x-forwarded-for": "192.0.2.2"})
            assert other.status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "https://[", ""])
async def test_another_sites_form_signs_nobody_in(site: Site, origin: str) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        answer = await tried(client, TOKEN, **({"origin": origin} if origin else {}))
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "set-cookie" not in answer.headers


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(site: Site) -> None:
    async with signed_client(site) as client:
        before = client.cookies["vestlus"]
        await tried(client, TOKEN)
        assert client.cookies["vestlus"] != before
        assert len(await site.store.sessions(0)) == 1
        # One that somebody planted is not taken over either.
        planted = {"cookie": f"vestlus={'A' * 43}"}
        answer = await tried(client, TOKEN, **planted)
        assert answer.status_code == HTTPStatus.SEE_OTHER
        assert "A" * 43 not in answer.headers["set-cookie"]


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address, headers={"origin": site.address}) as client:
        local = await tried(client, TOKEN)
        away = {"host": "console.example", "origin": "https://console.example"}
        public = await tried(client, TOKEN, **away)
    assert (local.status_code, public.status_code) == (HTTPStatus.SEE_OTHER, HTTPStatus.SEE_OTHER)
    locally, publicly = (one.headers.get_list("set-cookie") for one in (local, public))
    assert locally
    assert publicly
    for cookie in locally:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
    for cookie in publicly:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "path", ["/console", "/console/sign-in", "/console/language/et", "/console/x", "/console/audit"]
)
async def test_no_cache_keeps_anything_and_nothing_else_is_loaded(site: Site, path: str) -> None:
    async with signed_client(site) as client:
        for answer in (await client.get(path), await client.delete(path)):
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "strict-transport-security" not in answer.headers


async def test_browsers_that_come_by_https_are_told_to_go_on_so(tmp_path: Path) -> None:
    settings = console_settings(tmp_path, public_url="https://console.example")
    async with served(settings) as site, httpx.AsyncClient(base_url=site.address) as client:
        answer = await client.get("/console/sign-in", headers={"host": "console.example"})
        assert answer.headers["strict-transport-security"] == "max-age=63072000"
        plain = await client.get("/console/sign-in")
        assert "strict-transport-security" not in plain.headers


async def test_wrong_methods_and_addresses_get_pages(site: Site) -> None:
    async with signed_client(site) as client:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = await client.request(method, "/console/audit")
            assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
            assert answer.headers["allow"] == "GET, HEAD"
            assert "<h1>" in answer.text
            missing = await client.request(method, "/console/nowhere")
            assert missing.status_code == HTTPStatus.NOT_FOUND
        assert (await client.get("/console/nowhere")).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 403),
        (b"--x\r\n", "multipart/form-data", 400),
        (b"token=%00&name=x", "application/x-www-form-urlencoded", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=unicode_escape",
            400,
        ),
        (b"{}", "application/json", 403),
        (b"&".join(b"a=1" for _ in range(1_000)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_forms_that_are_none_get_pages(
    site: Site, content: bytes, kind: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        headers = {"content-type": kind, "origin": site.address}
        answer = await client.post("/console/sign-in", content=content, headers=headers)
    assert answer.status_code == status
    assert "<h1>" in answer.text


async def test_a_form_without_a_session_from_a_page_without_address_leads_to_signing_in(
    site: Site,
) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        answer = await client.post("/console/sign-out", headers={"referer": "http://[x"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == "/console/sign-in?next=%2Fconsole"


async def test_a_form_that_does_not_come_is_not_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "_SECONDS", 0)
    address = httpx.URL(site.address)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    kind = "application/x-www-form-urlencoded"
    head = f"POST /console/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n"
    writer.write(f"{head}content-length: 9\r\n\r\nname=".encode())
    answer = (await reader.readuntil(b"</html>")).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "Saatmine võttis liiga kaua" in answer


@pytest.mark.parametrize("host", ["[", "", "a b", "x" * 5_000, "[::1", "ä"])
async def test_a_host_that_is_none_does_no_harm(site: Site, host: str) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        answer = await client.get("/console", headers={b"host": host.encode()})
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


async def test_a_bug_gives_a_page_and_a_line_in_the_log_without_words_of_anybody(
    site: Site,
) -> None:
    async def broken(_: Visit) -> Response:
        raise RuntimeError("what a user wrote")

    guard = Guard(tools_of(site))
    site.front._rest.router.routes.insert(0, guard.page("/console/broken", broken))
    async with signed_client(site) as client:
        with capture_logs() as logs:
            answer = await client.get("/console/broken")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    [line] = [one for one in logs if one["event"] == "console_failed"]
    assert line["id"] in answer.text
    assert line["error"] == "RuntimeError"
    assert line["at"].startswith("test_console_guarding.py:")
    assert "what a user wrote" not in f"{answer.text}{logs}"


async def test_a_part_of_a_page_is_refused_without_a_session_and_keeps_none_alive(
    site: Site,
) -> None:
    async with signed_client(site) as client:
        [session] = await site.store.sessions(0)
        early = session.seen_ms - 3_600_000
        await site.store.touch_session(session.digest, early, session.ends_ms)
        await client.get("/console", headers={"hx-request": "true"})
        assert (await site.store.sessions(0))[0].seen_ms == early
        await client.get("/console")
        assert (await site.store.sessions(0))[0].seen_ms > early
    async with httpx.AsyncClient(base_url=site.address) as client:
        answer = await client.get("/console", headers={"hx-request": "true"})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        stream = await client.get("/console", headers={"accept": "text/event-stream"})
        assert "event: ended" in stream.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
async def test_others_than_admins_see_neither_settings_nor_audit_nor_the_links(
    site: Site, role: Role
) -> None:
    guard = Guard(tools_of(site))
    arrival = Arrival(Person("Viive", role, "token"), guard.grounds.token)
    value = await begin(site.store, arrival, system_clock())
    headers = {"origin": site.address}
    async with httpx.AsyncClient(
        base_url=site.address, cookies={"vestlus": value}, headers=headers
    ) as client:
        page = await client.get("/console")
        assert page.status_code == HTTPStatus.OK
        assert "/console/settings" not in page.text
        for path in ("audit", "audit/export.csv", "audit/export.jsonl", "settings"):
            answer = await client.get(f"/console/{path}")
            assert answer.status_code == HTTPStatus.FORBIDDEN
        ended = await client.post("/console/settings/sessions/end", data={"csrf": "x"})
        assert ended.status_code == HTTPStatus.FORBIDDEN
    assert len(await site.store.sessions(0)) == 1


async def test_a_page_that_is_open_when_its_session_ends_says_so(site: Site) -> None:
    guard, streams = Guard(tools_of(site)), Streams(every_seconds=0.02)

    async def look() -> str:
        return "as it was"

    async def stream(_: Visit) -> Response:
        return streams.follow(look)

    site.front._rest.router.routes.insert(0, guard.page("/console/stream", stream))
    async with browsing(site) as page:
        await sign_in(page)
        told = page.get_by_text("Seanss on läbi")
        assert not await told.is_visible()
        await page.evaluate(
            """() => {
              const main = document.querySelector("main");
              main.insertAdjacentHTML("beforeend",
                '<p hx-ext="sse" sse-connect="/console/stream"><i hx-trigger="sse:new"></i></p>');
              htmx.process(main);
            }"""
        )
        [session] = await site.store.sessions(0)
        entry = (await site.store.audit_entries(limit=1))[0]
        await site.store.end_sessions([session.digest], entry)
        await told.wait_for(state="visible")
    while streams._open:
        await site.store.check()
