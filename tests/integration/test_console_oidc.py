"""Signing in at a provider of OpenID Connect, one that is served over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import OctKey, RSAKey

from tests.fakes.measures import measured
from tests.fakes.oidc_provider import CLIENT, SECRET, OidcProvider, provided
from tests.integration.console_support import (
    IN_ONE_BROWSER,
    Site,
    barriers,
    browsing,
    console_settings,
    follow,
    served,
)
from vestlus.clock import system_clock

pytestmark = IN_ONE_BROWSER

START = "/console/sign-in/entra?next=/console/events"


@pytest_asyncio.fixture(loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with provided(system_clock) as made:
        yield made


def asked(provider: OidcProvider, **changed: object) -> dict[str, Any]:
    return {
        "name": "entra",
        "label": "Microsoft",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "viewer": "Vestlus.Viewer",
        "agent": "Vestlus.Agent",
        "admin": ["Vestlus.Admin"],
        **changed,
    }


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, provider: OidcProvider) -> AsyncIterator[Site]:
    settings = console_settings(tmp_path, sign_in={"token": False, "oidc": asked(provider)})
    async with served(settings) as made:
        yield made


@asynccontextmanager
async def client_of(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.address) as client:
        yield client


def refusals(outcome: str) -> float:
    return measured("vestlus_sign_in_refusals_total", way="oidc", outcome=outcome)


async def to_the_provider_and_back(client: httpx.AsyncClient, start: str = START) -> str:
    """The address with which the provider sends the browser back."""
    there = (await client.get(start)).headers["location"]
    return str((await client.get(there)).headers["location"])


async def signed_in(client: httpx.AsyncClient, start: str = START) -> httpx.Response:
    return await client.get(await to_the_provider_and_back(client, start))


async def test_who_has_a_role_at_the_provider_gets_in_with_it_and_is_led_on(site: Site) -> None:
    async with client_of(site) as client:
        answer = await signed_in(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/events")
        page = await client.get("/console")
        assert "Mari Maasikas &lt;mari@example.ee&gt;" in page.text
        assert (await client.get("/console/audit")).status_code == HTTPStatus.FORBIDDEN
    [entry] = await site.store.audit_entries()
    assert (entry.person, entry.role, entry.way, entry.action) == (
        "Mari Maasikas <mari@example.ee>",
        "agent",
        "oidc",
        "session.begin",
    )


async def test_the_highest_of_several_roles_counts(site: Site, provider: OidcProvider) -> None:
    provider.person["roles"] = ["Other", "Vestlus.Viewer", "Vestlus.Admin"]
    async with client_of(site) as client:
        await signed_in(client)
    [session] = await site.store.sessions(0)
    assert session.role == "admin"


@pytest.mark.parametrize("roles", [[], ["Other"], "Vestlus.Agents", {"Vestlus.Agent": 1}, None, 7])
async def test_who_has_no_role_is_told_so_and_stands_in_the_audit(
    site: Site, provider: OidcProvider, roles: object
) -> None:
    provider.person["roles"] = roles
    before = refusals("no_role")
    async with client_of(site) as client:
        answer = await signed_in(client)
        assert refusals("no_role") == before + 1
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "Mari Maasikas &lt;mari@example.ee&gt;: sul ei ole siin rolli" in answer.text
    [entry] = await site.store.audit_entries()
    assert (entry.action, entry.outcome) == ("session.begin", "no_role")
    assert await site.store.sessions(0) == ()


async def test_who_has_too_many_groups_for_a_token_is_told_what_to_do(
    site: Site, provider: OidcProvider
) -> None:
    provider.person["_claim_names"] = {"groups": "src1"}
    provider.person["roles"] = []
    async with client_of(site) as client:
        assert "nii palju rühmi" in (await signed_in(client)).text


async def test_another_role_at_the_provider_ends_the_sessions_with_the_old_one(
    site: Site, provider: OidcProvider
) -> None:
    async with client_of(site) as before, client_of(site) as after:
        await signed_in(before)
        provider.person["roles"] = ["Vestlus.Viewer"]
        await signed_in(after)
        assert (await before.get("/console")).status_code == HTTPStatus.SEE_OTHER
        assert (await after.get("/console")).status_code == HTTPStatus.OK


def without_signature(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    texts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    return b".".join((*texts, b"")).decode()


def changing(**values: object) -> Callable[[OidcProvider], None]:
    def change(provider: OidcProvider) -> None:
        provider.claims = lambda claims: {**claims, **values}

    return change


def leaving_out(name: str) -> Callable[[OidcProvider], None]:
    def change(provider: OidcProvider) -> None:
        provider.claims = lambda claims: {
            key: value for key, value in claims.items() if key != name
        }

    return change


def minutes(name: str, by: int) -> Callable[[OidcProvider], None]:
    def change(provider: OidcProvider) -> None:
        provider.claims = lambda claims: {**claims, name: provider.clock() // 1000 + by * 60}

    return change


def signed_by_another(provider: OidcProvider) -> None:
    provider.signer = RSAKey.generate_key(2048, {"kid": "key-1"})


def signed_with_our_secret(provider: OidcProvider) -> None:
    provider.algorithm = "HS256"
    provider.signer = OctKey.import_key(SECRET)


def signed_with_the_public_key(provider: OidcProvider) -> None:
    provider.algorithm = "HS256"
    provider.signer = OctKey.import_key(provider.key.as_pem(private=False).hex())


def not_signed(provider: OidcProvider) -> None:
    provider.token = without_signature


def no_token_at_all(provider: OidcProvider) -> None:
    provider.token = lambda _: "not.a.token"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(changing(nonce="another"), id="nonce"),
        pytest.param(leaving_out("nonce"), id="no nonce"),
        pytest.param(changing(iss="https://elsewhere.example"), id="issuer"),
        pytest.param(leaving_out("iss"), id="no issuer"),
        pytest.param(changing(aud="another-client"), id="audience"),
        pytest.param(changing(aud=[CLIENT, "another"]), id="audiences without azp"),
        pytest.param(changing(aud=[CLIENT, "another"], azp="another"), id="another party"),
        pytest.param(leaving_out("aud"), id="no audience"),
        pytest.param(minutes("exp", -3), id="expired"),
        pytest.param(leaving_out("exp"), id="no end"),
        pytest.param(changing(exp="soon"), id="an end that is no number"),
        pytest.param(minutes("iat", 5), id="from the future"),
        pytest.param(minutes("nbf", 5), id="not yet"),
        pytest.param(changing(sub=""), id="nobody"),
        pytest.param(changing(sub=7), id="a subject that is no text"),
        pytest.param(changing(at_hash="x"), id="another access token"),
        pytest.param(signed_by_another, id="signature"),
        pytest.param(signed_with_our_secret, id="signed with our secret"),
        pytest.param(signed_with_the_public_key, id="signed with the public key"),
        pytest.param(not_signed, id="alg none"),
        pytest.param(no_token_at_all, id="no token"),
    ],
)
async def test_a_token_that_is_not_as_it_must_be_lets_nobody_in(
    site: Site, provider: OidcProvider, change: Callable[[OidcProvider], None]
) -> None:
    change(provider)
    before = refusals("id_token")
    async with client_of(site) as client:
        answer = await signed_in(client)
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "ei saa usaldada" in answer.text
        assert refusals("id_token") == before + 1
        assert (await client.get("/console")).status_code == HTTPStatus.SEE_OTHER
    assert await site.store.sessions(0) == ()


@pytest.mark.parametrize("skew", [minutes("exp", -1), minutes("iat", 1), minutes("nbf", 1)])
async def test_clocks_may_differ_by_a_minute(
    site: Site, provider: OidcProvider, skew: Callable[[OidcProvider], None]
) -> None:
    skew(provider)
    async with client_of(site) as client:
        assert (await signed_in(client)).status_code == HTTPStatus.SEE_OTHER


async def test_a_code_is_worth_something_once(site: Site) -> None:
    async with client_of(site) as client:
        await client.get("/console/sign-in")
        back = await to_the_provider_and_back(client)
        flow = dict(client.cookies)
        assert (await client.get(back)).status_code == HTTPStatus.SEE_OTHER
        assert "ei alanud selles brauseris" in (await client.get(back)).text
    async with httpx.AsyncClient(base_url=site.address, cookies=flow) as thief:
        assert "ei kehti enam" in (await thief.get(back)).text
        assert (await thief.get("/console")).status_code == HTTPStatus.SEE_OTHER


async def test_the_way_back_of_another_browser_lets_nobody_in(site: Site) -> None:
    async with client_of(site) as attacker, client_of(site) as victim:
        back = await to_the_provider_and_back(attacker)
        assert "ei alanud selles brauseris" in (await victim.get(back)).text
        # Nor does it where the victim had begun too.
        await victim.get(START)
        assert "ei alanud selles brauseris" in (await victim.get(back)).text
        assert (await victim.get("/console")).status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize(
    "query",
    [
        *("", "?code=x", "?state=x", "?code=x&state=y", "?error=access_denied", "?state=%ff"),
        *("?code=x&state=%ed%a0%80", "?state=%00", f"?state={'x' * 5_000}"),
    ],
)
async def test_whatever_comes_back_unasked_gets_a_page_and_is_counted(
    site: Site, query: str
) -> None:
    before = refusals("not_begun")
    async with client_of(site) as client:
        answer = await client.get(f"/console/sign-in/entra/back{query}")
    assert refusals("not_begun") == before + 1
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await site.store.audit_entries() == ()


async def test_who_is_refused_there_is_told_so_and_counted_and_in_no_audit(site: Site) -> None:
    before = refusals("refused_there")
    async with client_of(site) as client:
        there = (await client.get(START)).headers["location"]
        state = parse_qs(urlsplit(there).query)["state"][0]
        back = f"/console/sign-in/entra/back?error=access_denied&state={state}"
        assert "Microsoft ei lasknud sind sisse" in (await client.get(back)).text
    assert refusals("refused_there") == before + 1
    assert await site.store.audit_entries() == ()


async def test_another_issuer_that_answers_is_not_believed(site: Site) -> None:
    async with client_of(site) as client:
        back = await to_the_provider_and_back(client)
        mixed = back.partition("&iss=")[0] + "&iss=https%3A%2F%2Felsewhere.example"
        assert (await client.get(mixed)).status_code == HTTPStatus.FORBIDDEN


async def test_new_keys_of_the_provider_are_taken_up(site: Site, provider: OidcProvider) -> None:
    async with client_of(site) as client:
        await signed_in(client)
    provider.key = RSAKey.generate_key(2048, {"kid": "key-2"})
    async with client_of(site) as client:
        answer = await signed_in(client)
    # Within a minute they are not asked for again, so that nobody makes us ask without end.
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1


async def test_a_provider_that_is_away_gives_a_page_that_says_so(
    site: Site, provider: OidcProvider
) -> None:
    async with client_of(site) as client:
        back = await to_the_provider_and_back(client)
        provider.is_away = True
        answer = await client.get(back)
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert "Microsoft ei vasta" in answer.text
        assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"issuer": "https://elsewhere.example"}, "ei sobi seadistusega"),
        ({"jwks_uri": None}, "ei sobi seadistusega"),
        ({"authorization_endpoint": "ftp://elsewhere.example"}, "ei sobi seadistusega"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "ei sobi seadistusega"),
    ],
)
async def test_a_provider_that_does_not_fit_gives_a_page_that_says_so(
    site: Site, provider: OidcProvider, said: dict[str, Any], word: str
) -> None:
    provider.metadata = said
    async with client_of(site) as client:
        answer = await client.get(START)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert word in answer.text


async def test_the_token_opens_nothing_where_it_is_switched_off(site: Site) -> None:
    async with client_of(site) as client:
        page = (await client.get("/console/sign-in")).text
        assert "Microsoft" in page
        assert 'name="token"' not in page
        form = {"name": "Mari", "token": "märk operaatorile", "next": "/console"}
        answer = await client.post("/console/sign-in", data=form, headers={"origin": site.address})
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert await site.store.sessions(0) == ()


async def test_an_unknown_provider_is_not_found(site: Site) -> None:
    async with client_of(site) as client:
        for path in ("sign-in/else", "sign-in/else/back", "sign-out/else"):
            assert (await client.get(f"/console/{path}")).status_code == HTTPStatus.NOT_FOUND


async def test_other_terms_of_the_provider_end_its_sessions(
    tmp_path: Path, provider: OidcProvider
) -> None:
    terms = asked(provider)
    settings = console_settings(tmp_path, sign_in={"oidc": terms})
    async with served(settings) as site, client_of(site) as client:
        await signed_in(client)
        cookies = dict(client.cookies)
    terms["agent"] = "Vestlus.Else"
    settings = console_settings(tmp_path, sign_in={"oidc": terms})
    async with (
        served(settings) as site,
        httpx.AsyncClient(base_url=site.address, cookies=cookies) as client,
    ):
        assert (await client.get("/console")).status_code == HTTPStatus.SEE_OTHER


async def test_a_browser_signs_in_and_out_again_there_too(site: Site) -> None:
    async with browsing(site) as page:
        await page.goto("/console")
        assert await barriers(page) == []
        await page.get_by_role("link", name="Logi sisse: Microsoft").click()
        await page.wait_for_url("**/console")
        await follow(page.get_by_role("button", name="Logi välja"))
        assert await barriers(page) == []
        await page.get_by_role("link", name="Logi välja ka siit: Microsoft").click()
        await page.wait_for_url("**/console/sign-in")
    assert await site.store.sessions(0) == ()


async def test_rows_are_kept_of_those_who_came_back_only(site: Site) -> None:
    async with client_of(site) as client:
        for _ in range(5):
            await client.get(START)
    assert await site.store.sessions(0) == ()
    assert await site.store.audit_entries() == ()
