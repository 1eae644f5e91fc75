"""Meta's callbacks over HTTP, on a real store: durable before 200, forgers learn nothing."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from tests.contract.erasing_support import SECRET as WORD
from tests.contract.erasing_support import came, ids_of, lived, traces
from tests.contract.store_support import ACCOUNT, PARTITIONS, another, hold, message
from tests.fakes.bus import MemoryBus
from tests.fakes.measures import measured
from tests.integration.console_support import IN_ONE_BROWSER, barriers, browsing
from vestlus.accounts.stopping import start_account
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.errors import StoreUnavailable
from vestlus.messages import decode_inbox
from vestlus.privacy.callbacks import Callbacks, Notice
from vestlus.privacy.finishing import Finisher
from vestlus.privacy.graves import Graves
from vestlus.privacy.http import LARGEST_BODY, PrivacyRoutes
from vestlus.privacy.operations import Privacy
from vestlus.privacy.signed_request import sign_request
from vestlus.store.erasing import ErasureState, Way
from vestlus.store.port import Store
from vestlus.store.token_rows import TokenRow, TokenState

pytestmark = IN_ONE_BROWSER

APP_SECRET = "the secret of the app"
USER = "900000000000001"
#: By which the app knows the account's owner.
SCOPED = "52001"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Place:
    """The routes, and what is behind them."""

    store: Store
    client: httpx.AsyncClient
    privacy: Privacy
    callbacks: Callbacks
    bus: MemoryBus
    told: list[Notice] = field(default_factory=list)
    away: bool = False
    #: Nobody listens there.
    address: str = "http://here"

    async def post(self, path: str, signed: str) -> httpx.Response:
        """As Meta does."""
        body = urlencode({"signed_request": signed})
        return await self.client.post(path, content=body, headers=FORM)


@pytest_asyncio.fixture(loop_scope="session")
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(another(f"sqlite:///{tmp_path}/store.sqlite"))
        bus, told = MemoryBus(), list[Notice]()
        privacy = Privacy(store, bus, Graves("a key"), clock=system_clock, partitions=PARTITIONS)
        callbacks = Callbacks(privacy, store, [ACCOUNT], tell=told.append)
        here: list[Place] = []
        routes = PrivacyRoutes(
            secrets=(APP_SECRET,),
            public_url="https://vestlus.test",
            desk=lambda: None if here[0].away else here[0],
            clock=system_clock,
        )
        transport = httpx.ASGITransport(Starlette(routes=routes.routes))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://here")
        )
        here.append(Place(store, client, privacy, callbacks, bus, told))
        row = TokenRow(account=ACCOUNT, version=1, token=b"sealed", app_scoped_id=SCOPED)
        await store.put_token(row)
        yield here[0]


def signed(user: str = USER, *, secret: str = APP_SECRET, age: float = 0, **fields: Any) -> str:  # noqa: ANN401
    payload = {
        "algorithm": "HMAC-SHA256",
        "issued_at": int(time.time() - age),
        "user_id": user,
        **fields,
    }
    return sign_request(json.dumps(payload).encode(), secret)


async def audited(place: Place) -> list[tuple[str, ...]]:
    """The audit, newest first."""
    return [
        (one.person, one.way, one.action, one.target, one.outcome, one.detail)
        for one in await place.store.audit_entries()
    ]


def came_to(callback: str, outcome: str) -> float:
    return measured("vestlus_meta_callbacks_total", callback=callback, outcome=outcome)


def recorded() -> float:
    return measured("vestlus_erasures_total", way="meta", state="erased")


async def token(store: Store) -> TokenRow:
    (row,) = await store.tokens()
    return row


async def test_a_user_whom_we_know_is_erased_before_meta_hears_so(place: Place) -> None:
    await lived(place.store, await hold(place.store), USER)
    request = signed()
    erasures, done = recorded(), came_to("data_deletion", "done")

    response = await place.post("/data-deletion", request)

    assert response.status_code == 200
    code = response.json()["confirmation_code"]
    assert response.json()["url"] == f"https://vestlus.test/data-deletion/{code}"
    assert await traces(place.store, USER, WORD) == []
    (erasure,) = await place.privacy.erasures()
    assert (erasure.code, erasure.way, erasure.by) == (code, Way.META, "data-deletion")
    assert erasure.state is ErasureState.ERASED
    bodies = [body for (queue, _), all_ in place.bus.messages.items() for body in all_]
    assert {queue for queue, _ in place.bus.messages} == {Queue.INBOX}
    assert len(decode_inbox(bodies[0]).forget) == 1
    assert USER.encode() not in bodies[0]

    again = await place.post("/data-deletion", request)
    assert again.json() == response.json()
    assert len(await place.privacy.erasures()) == 1
    assert await audited(place) == [("data-deletion", "meta", "user.erase", code, "done", "")]
    # The same request is counted as one, and its erasure once.
    assert recorded() == erasures + 1
    assert came_to("data_deletion", "done") == done + 2
    assert (await token(place.store)).state is TokenState.USABLE


async def test_one_whom_nobody_knows_is_said_to_wait_and_a_person_is_told(place: Place) -> None:
    await lived(place.store, await hold(place.store), "900000000000002")
    response = await place.post("/data-deletion", signed("nobody-we-know"))
    code = response.json()["confirmation_code"]

    assert [(one.account, one.event) for one in place.told] == [(ACCOUNT, "deletion_asked")]
    assert code in place.told[0].note
    assert "nobody-we-know" not in place.told[0].note
    erasure = await place.privacy.erasure(code)
    assert erasure is not None
    assert erasure.state is ErasureState.OPEN
    page = await place.client.get(f"/data-deletion/{code}", headers={"accept-language": "et"})
    assert "kustuta minu andmed" in page.text
    assert await audited(place) == [("data-deletion", "meta", "user.erase", code, "open", "")]
    assert await place.privacy.close(code, by="mari")


async def test_a_preserved_conversation_stays_and_a_person_is_told(place: Place) -> None:
    await lived(place.store, await hold(place.store), USER)
    conversation = conversation_id(ACCOUNT, USER)
    await place.store.preserve(conversation, reason="Vaidlus 7", by="mari")
    before = await traces(place.store, USER, WORD)
    request = signed()

    response = await place.post("/data-deletion", request)

    code = response.json()["confirmation_code"]
    assert await traces(place.store, USER, WORD) == before
    erasure = await place.privacy.erasure(code)
    assert erasure is not None
    assert (erasure.state, erasure.counts) == (ErasureState.OPEN, {})
    [notice] = place.told
    assert (notice.account, notice.event) == (ACCOUNT, "deletion_asked")
    assert conversation in notice.note
    assert f"--close {code}" in notice.note
    assert USER not in notice.note
    assert not place.bus.messages, "nobody is told to forget them"
    page = await place.client.get(f"/data-deletion/{code}", headers={"accept-language": "en"})
    assert "a person looks at it" in page.text
    assert "preserved" not in page.text

    assert (await place.post("/data-deletion", request)).json() == response.json()
    assert len(place.told) == 1
    await place.privacy.erase(ACCOUNT, USER, by="mari", way=Way.CLI, even_preserved=True)
    assert await place.privacy.close(code, by="mari")
    page = await place.client.get(f"/data-deletion/{code}", headers={"accept-language": "et"})
    assert "Inimene on taotlusega tegelenud" in page.text


@pytest.mark.parametrize("issued", [{}, {"issued_at": None}])
async def test_a_request_that_comes_again_does_not_say_that_what_was_written_since_is_gone(
    place: Place, issued: dict[str, Any]
) -> None:
    inbox = await hold(place.store)
    await lived(place.store, inbox, USER)
    request = signed(**issued)
    first = (await place.post("/data-deletion", request)).json()["confirmation_code"]
    later = await place.store.now_ms() + 60_000
    await came(place.store, inbox, message(USER, text="Tere jälle", timestamp_ms=later))

    again = (await place.post("/data-deletion", request)).json()["confirmation_code"]

    assert again != first
    assert await ids_of(place.store, USER) == ["Tere jälle"], "a replay erases nothing"
    erasure = await place.privacy.erasure(again)
    assert erasure is not None
    assert erasure.state is ErasureState.OPEN
    [notice] = place.told
    assert again in notice.note
    assert USER not in notice.note
    assert (await place.post("/data-deletion", request)).json()["confirmation_code"] == again
    assert len(place.told) == 1


@pytest.mark.parametrize("issued", [{}, {"issued_at": None}])
async def test_a_deauthorisation_that_comes_again_stops_no_account_that_was_started_since(
    place: Place, issued: dict[str, Any]
) -> None:
    request = signed(SCOPED, **issued)
    assert (await place.post("/deauthorize", request)).status_code == 200
    assert await start_account(place.store, ACCOUNT)

    assert (await place.post("/deauthorize", request)).status_code == 200

    assert (await token(place.store)).state is TokenState.USABLE
    assert len(place.told) == 1
    [entry] = await place.store.audit_entries(action="account.deauthorise")
    assert SCOPED not in str(entry)
    assert (await place.post("/deauthorize", signed(SCOPED, nonce=2))).status_code == 200
    assert (await token(place.store)).state is TokenState.STOPPED


@pytest.mark.parametrize("id_", [ACCOUNT, SCOPED])
async def test_an_accounts_owner_stops_the_account_and_touches_no_users(
    place: Place, id_: str
) -> None:
    await lived(place.store, await hold(place.store), USER)
    before = await traces(place.store, USER)

    response = await place.post("/data-deletion", signed(id_))

    assert response.status_code == 200
    row = await token(place.store)
    assert (row.state, row.reason, row.token) == (TokenState.STOPPED, "deletion_asked", b"")
    assert await traces(place.store, USER) == before
    erasure = await place.privacy.erasure(response.json()["confirmation_code"])
    assert erasure is not None
    assert erasure.state is ErasureState.OPEN
    assert [one.event for one in place.told] == ["deletion_asked"]
    by = ("data-deletion", "meta")
    assert await audited(place) == [
        (*by, "user.erase", erasure.code, "open", ""),
        (*by, "account.stop", ACCOUNT, "done", "deletion_asked"),
    ]


async def test_deauthorising_stops_the_account_whose_owner_it_is(place: Place) -> None:
    assert (await place.post("/deauthorize", signed("a stranger".replace(" ", "_")))).json() == {}
    assert (await token(place.store)).state is TokenState.USABLE
    assert (await place.post("/deauthorize", signed(SCOPED))).status_code == 200
    row = await token(place.store)
    assert (row.state, row.reason, row.token) == (TokenState.STOPPED, "deauthorised", b"sealed")
    assert [(one.account, one.event) for one in place.told] == [(ACCOUNT, "account_stopped")]
    [of_request, of_account] = await audited(place)
    assert of_request[:3] == ("deauthorize", "meta", "account.deauthorise")
    assert of_account == ("deauthorize", "meta", "account.stop", ACCOUNT, "done", "deauthorised")


@pytest.mark.parametrize("path", ["/data-deletion", "/deauthorize"])
async def test_forged_old_and_broken_requests_get_one_answer_and_do_nothing(
    place: Place, path: str
) -> None:
    await lived(place.store, await hold(place.store), USER)
    before = await traces(place.store, USER)
    callback = {"/data-deletion": "data_deletion", "/deauthorize": "deauthorize"}[path]
    reasons = ("signature_mismatch", "too_old", "algorithm", "malformed", "form")
    counted = {reason: came_to(callback, reason) for reason in reasons}
    bodies: list[str | bytes] = [
        urlencode({"signed_request": one})
        for one in (
            signed(secret="guessed"),
            signed(secret=""),
            signed(age=30 * 86_400),
            signed(age=-10 * 86_400),
            signed(algorithm="none"),
            "x.y",
            "",
        )
    ]
    twice = urlencode([("signed_request", signed()), ("signed_request", signed())])
    many = "&".join(f"a{n}=1" for n in range(100))
    answers = {
        (answer.status_code, answer.text)
        for answer in [
            await place.client.post(path, content=body, headers=FORM)
            for body in [*bodies, twice, many, "", "%", "\xff".encode("latin-1")]
        ]
    }
    assert answers == {(400, '{"error":"Bad Request"}')}
    assert await traces(place.store, USER) == before
    # Whoever forges learns nothing of it; whoever runs the service does.
    grown = {reason: came_to(callback, reason) - counted[reason] for reason in reasons}
    assert grown == {
        "signature_mismatch": 2,
        "too_old": 2,
        "algorithm": 1,
        "malformed": 1,
        "form": 6,
    }
    assert await place.privacy.erasures() == ()
    assert (await token(place.store)).state is TokenState.USABLE


async def test_what_is_no_form_or_too_large_is_refused_and_nothing_is_durable_without_a_store(
    place: Place,
) -> None:
    async def status(content: bytes | str, kind: str = FORM["content-type"]) -> int:
        headers = {"content-type": kind}
        answer = await place.client.post("/data-deletion", content=content, headers=headers)
        return answer.status_code

    assert await status("{}", "application/json") == 415
    assert await status(b"x" * (LARGEST_BODY + 1)) == 413
    assert (await place.client.get("/data-deletion")).status_code == 405
    place.away = True
    assert (await place.post("/data-deletion", signed())).status_code == 503
    assert (await place.post("/deauthorize", signed(SCOPED))).status_code == 503
    assert (await place.client.get("/data-deletion/AAAAAAAAAAAAAAAA")).status_code == 503


async def test_a_store_that_goes_away_in_the_middle_is_a_503(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(place.store, "erase", gone)
    assert (await place.post("/data-deletion", signed())).status_code == 503
    monkeypatch.undo()
    assert (await place.post("/data-deletion", signed())).status_code == 200


async def test_the_status_page_tells_how_far_it_is_in_two_languages_and_nothing_else(
    place: Place,
) -> None:
    await lived(place.store, await hold(place.store), USER)
    code = (await place.post("/data-deletion", signed())).json()["confirmation_code"]

    async def page(language: str = "", of: str = code) -> httpx.Response:
        return await place.client.get(f"/data-deletion/{of}", headers={"accept-language": language})

    assert "The data are erased" in (await page()).text
    assert "Andmed on kustutatud" in (await page("et-EE,en;q=0.5")).text
    assert "The data are erased" in (await page("de, en;q=0.9, et;q=0.3")).text
    assert (await page(of=code.lower())).status_code == 200
    answer = await page("et")
    assert 'lang="et"' in answer.text
    assert USER not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    for other in ("AAAAAAAAAAAAAAAA", "x", "<script>", "a" * 500, "%2e%2e"):
        unknown = await page("en", other)
        assert unknown.status_code == 404
        assert "<script" not in unknown.text

    finisher = Finisher(place.store, place.bus, reclaim_after_ms=0)
    assert (await finisher.round()).done == 0, "it is looked at once more before"
    assert "Completed" not in (await page("en")).text


async def test_the_status_page_is_accessible(place: Place, tmp_path: Path) -> None:
    code = (await place.post("/data-deletion", signed())).json()["confirmation_code"]
    pages = {
        f"{language}-{of}": await place.client.get(
            f"/data-deletion/{of}", headers={"accept-language": language}
        )
        for language in ("et", "en")
        for of in (code, "AAAAAAAAAAAAAAAA")
    }
    async with browsing(place) as tab:
        for name, page in pages.items():
            await tab.set_content(page.text)
            assert await barriers(tab) == [], name
            await tab.screenshot(path=str(tmp_path / f"{name}.png"))
