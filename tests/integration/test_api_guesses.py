"""Guesses of the operator token at ``/api/v1`` end, as those at the console do."""

from __future__ import annotations

import asyncio
import itertools
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from structlog.testing import capture_logs

from tests.integration.console_support import (
    IN_ONE_LOOP,
    TOKEN,
    Site,
    console_settings,
    served,
    signed_client,
)
from vestlus.clock import system_clock
from vestlus.console.guesses import MOST_OF_ALL, MOST_OF_ONE, WINDOW_MS
from vestlus.console.refusals import LOCKED, WRONG, Refusals
from vestlus.console.throttle import BearerThrottle
from vestlus.errors import StoreUnavailable
from vestlus.measuring.catalogue import REGISTRY
from vestlus.store.port import Store

pytestmark = IN_ONE_LOOP

WRONG_TOKEN = "a wrong token of somebody's"
NUMBERS = itertools.count()
OPENAPI = "/api/v1/openapi.json"


def guess() -> str:
    """A wrong token that was not given before."""
    return f"{WRONG_TOKEN} {next(NUMBERS)}"


async def asked(
    client: httpx.AsyncClient, token: str, path: str = OPENAPI, **headers: str
) -> httpx.Response:
    bearer = {b"authorization": f"Bearer {token}".encode()}
    rest = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return await client.get(path, headers=bearer | rest)


def refused(way: str, outcome: str) -> float:
    labels = {"way": way, "outcome": outcome}
    return REGISTRY.get_sample_value("vestlus_sign_in_refusals_total", labels) or 0.0


async def test_guesses_end_and_a_program_that_waits_is_told_how_long(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        for _ in range(MOST_OF_ONE):
            assert (await asked(client, guess())).status_code == HTTPStatus.UNAUTHORIZED
        answer = await asked(client, guess())
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert answer.json()["error"] == "too_many_wrong"
        assert 0 < int(answer.headers["retry-after"]) <= WINDOW_MS // 1000
        # What is guessed now is not even compared.
        assert (await asked(client, TOKEN)).status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_another_replica_counts_the_same_guesses(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        for _ in range(MOST_OF_ONE):
            await asked(client, guess())
    async with (
        served(site.settings) as replica,
        httpx.AsyncClient(base_url=replica.address) as client,
    ):
        answer = await asked(client, guess())
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert (await asked(client, TOKEN)).status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_program_with_the_right_token_is_let_in_between_guesses_and_never_counted(
    site: Site,
) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        for _ in range(MOST_OF_ONE - 1):
            await asked(client, guess())
        for _ in range(MOST_OF_ALL + 1):
            assert (await asked(client, TOKEN)).status_code == HTTPStatus.OK
        # Without a token nothing is guessed.
        for _ in range(MOST_OF_ONE + 1):
            assert (await client.get(OPENAPI)).status_code == HTTPStatus.UNAUTHORIZED
        assert (await asked(client, guess())).status_code == HTTPStatus.UNAUTHORIZED


async def test_a_program_that_goes_on_with_an_old_token_shuts_nobody_out(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        at_once = [asked(client, WRONG_TOKEN) for _ in range(MOST_OF_ONE)]
        for answer in await asyncio.gather(*at_once):
            assert answer.status_code == HTTPStatus.UNAUTHORIZED
        for _ in range(MOST_OF_ALL):
            assert (await asked(client, WRONG_TOKEN)).status_code == HTTPStatus.UNAUTHORIZED
        assert (await asked(client, TOKEN)).status_code == HTTPStatus.OK
        # It was counted once; others are guesses still.
        for _ in range(MOST_OF_ONE - 1):
            assert (await asked(client, guess())).status_code == HTTPStatus.UNAUTHORIZED
        assert (await asked(client, guess())).status_code == HTTPStatus.TOO_MANY_REQUESTS


async def test_a_token_that_could_not_be_counted_is_counted_when_it_comes_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle = BearerThrottle(site.settings, system_clock)
    request = Request({"type": "http", "headers": [], "client": ("192.0.2.1", 1)})

    async def away(*_: object) -> int:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(site.store), "admit_try", away)
        with pytest.raises(StoreUnavailable):
            await throttle.wrong(site.store, request, WRONG_TOKEN.encode())
    assert await throttle.wrong(site.store, request, WRONG_TOKEN.encode()) == 0
    for _ in range(MOST_OF_ONE - 1):
        assert await throttle.wrong(site.store, request, guess().encode()) == 0
    assert await throttle.wrong(site.store, request, guess().encode()) > 0


async def test_who_guesses_locks_nobody_out_who_comes_from_elsewhere(tmp_path: Path) -> None:
    async with (
        served(console_settings(tmp_path, sign_in={"proxies": 1})) as site,
        httpx.AsyncClient(base_url=site.address) as client,
    ):
        for number in range(MOST_OF_ALL + 1):
            await asked(client, guess(), x_forwarded_for=f"192.0.2.{number}")
        # Strangers together are refused, each at its address with as many guesses as ever.
        place = "192.0.2.200"
        for _ in range(MOST_OF_ONE):
            answer = await asked(client, guess(), x_forwarded_for=place)
            assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
            assert (await asked(client, TOKEN, x_forwarded_for=place)).status_code == HTTPStatus.OK
        await asked(client, guess(), x_forwarded_for=place)
        answer = await asked(client, TOKEN, x_forwarded_for=place)
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        answer = await asked(client, TOKEN, x_forwarded_for="192.0.2.201")
        assert answer.status_code == HTTPStatus.OK


async def test_where_addresses_cannot_be_told_guesses_end_and_programs_are_let_in(
    site: Site,
) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        for place in range(MOST_OF_ALL):
            answer = await asked(client, guess(), x_forwarded_for=f"192.0.2.{place}")
            assert answer.status_code == HTTPStatus.UNAUTHORIZED
        answer = await asked(client, guess(), x_forwarded_for="198.51.100.1")
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        answer = await asked(client, TOKEN, x_forwarded_for="198.51.100.1")
        assert answer.status_code == HTTPStatus.OK


async def test_behind_rays_haproxy_all_come_from_one_address_and_nobody_locks_others_out(
    tmp_path: Path,
) -> None:
    async with (
        served(console_settings(tmp_path, ingress="haproxy")) as site,
        httpx.AsyncClient(base_url=site.address) as client,
    ):
        for _ in range(MOST_OF_ALL):
            answer = await asked(client, guess())
            assert answer.status_code == HTTPStatus.UNAUTHORIZED
        answer = await asked(client, guess())
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert (await asked(client, TOKEN)).status_code == HTTPStatus.OK


async def test_guesses_at_the_api_lock_nobody_out_of_the_console(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.address) as client:
        for _ in range(MOST_OF_ONE + 1):
            await asked(client, guess())
    async with signed_client(site) as known:
        assert (await known.get("/console")).status_code == HTTPStatus.OK


@pytest.mark.parametrize(("way", "action"), [("api", "api.enter"), ("token", "session.begin")])
async def test_guesses_are_counted_and_in_log_and_audit_once_without_a_word_of_them(
    site: Site, way: str, action: str
) -> None:
    before = refused(way, WRONG), refused(way, LOCKED)
    headers = {"origin": site.address}
    async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
        with capture_logs() as logs:
            for _ in range(MOST_OF_ONE + 2):
                if way == "api":
                    await asked(client, guess())
                else:
                    form = {"name": "Somebody", "token": WRONG_TOKEN, "next": "/console"}
                    await client.post("/console/sign-in", data=form)
    assert refused(way, WRONG) - before[0] == MOST_OF_ONE
    assert refused(way, LOCKED) - before[1] == 2
    told = [(one["way"], one["reason"]) for one in logs if one["event"] == "sign_in_refused"]
    assert told == [(way, WRONG), (way, LOCKED)]
    entries = await site.store.audit_entries()
    assert [(one.way, one.action, one.outcome) for one in entries] == [
        (way, action, LOCKED),
        (way, action, WRONG),
    ]
    for secret in (WRONG_TOKEN, "Somebody", "127.0.0.1"):
        assert secret not in str(logs)
        assert secret not in str(entries)


async def test_replicas_write_one_entry_of_guesses_within_the_time_that_they_count(
    site: Site,
) -> None:
    now = [system_clock()]
    replicas = [Refusals("api", "api.enter", lambda: now[0]) for _ in range(2)]
    for _ in range(3):
        for one in replicas:
            await one.note(site.store, WRONG)
    assert len(await site.store.audit_entries()) == 1
    now[0] += WINDOW_MS
    for one in replicas:
        await one.note(site.store, WRONG)
    assert len(await site.store.audit_entries()) == 2


async def test_what_could_not_be_written_is_written_with_the_next_guess(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals("api", "api.enter", system_clock)

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(site.store), "audit_entries", away)
        with pytest.raises(StoreUnavailable):
            await refusals.note(site.store, WRONG)
    await refusals.note(site.store, WRONG)
    assert len(await site.store.audit_entries()) == 1


async def test_while_the_store_is_away_no_guess_is_answered_and_a_right_token_is(
    site: Site,
) -> None:
    site.front.adapters.store = None
    async with httpx.AsyncClient(base_url=site.address) as client:
        answer = await asked(client, guess())
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert (await asked(client, TOKEN)).status_code == HTTPStatus.OK


async def test_a_lock_ends_with_the_time_that_tries_count(site: Site) -> None:
    now = [system_clock()]
    throttle = BearerThrottle(site.settings, lambda: now[0])
    scope = {"type": "http", "headers": [], "client": ("192.0.2.1", 1)}
    request = Request(scope)
    store: Store = site.store
    for _ in range(MOST_OF_ONE):
        assert await throttle.wrong(store, request, guess().encode()) == 0
    assert throttle.locked_ms(request) == 0
    again_ms = await throttle.wrong(store, request, guess().encode())
    assert again_ms == now[0] + WINDOW_MS
    assert throttle.locked_ms(request) == again_ms
    now[0] = again_ms
    assert throttle.locked_ms(request) == 0
    assert await throttle.wrong(store, request, guess().encode()) == 0
