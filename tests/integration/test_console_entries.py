"""What is done while the store or the bus goes away is told as it is, and stands in the audit."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
from structlog.testing import capture_logs

from tests.integration.console_support import ACCOUNT, IN_ONE_LOOP, TOKEN, Site, signed_client
from tests.integration.talks_support import HOUR_MS, Talking, handed_in
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.desk.looking import Looking
from vestlus.desk.transcripts import Holder
from vestlus.errors import BusUnavailable, StoreUnavailable, ValuesRefused
from vestlus.store.operator_rows import HANDED_IN, AuditEntry
from vestlus.store.rows import Change, Silence

pytestmark = IN_ONE_LOOP

USER: Final = "17841400000007711"
ID: Final = conversation_id(ACCOUNT, USER)
SURFACES: Final = ("api", "console")


async def reply(site: Site, surface: str) -> httpx.Response:
    """A person's message, written through the API or the console."""
    if surface == "api":
        headers = {b"authorization": f"Bearer {TOKEN}".encode()}
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
            return await client.post(
                f"/api/v1/conversations/{ID}/reply", json={"text": "Tere, siin Mari."}
            )
    async with signed_client(site) as client:
        session = max(await site.store.sessions(0), key=lambda one: one.began_ms)
        form = {"csrf": session.csrf, "text": "Tere, siin Mari."}
        return await client.post(f"/console/conversations/{ID}/reply", data=form)


async def entries(site: Site) -> list[tuple[str, str, str]]:
    """The audit of the conversation, newest first."""
    found = await site.store.audit_entries(target=ID)
    return [(one.action, one.outcome, one.detail) for one in found]


def fails(error: Exception, calls: list[Any] | None = None) -> Any:  # noqa: ANN401 - any method
    """A method that raises, and counts its calls."""

    async def failing(*given: object, **_: object) -> None:
        if calls is not None:
            calls.append(given)
        raise error

    return failing


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_was_handed_in_is_answered_so_although_the_store_goes_away_behind_it(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    store, bus = type(site.store), type(site.bus)
    publish = bus.publish
    calls: list[Any] = []
    with monkeypatch.context() as patch, capture_logs() as logs:

        async def published(self: Any, *given: Any) -> None:  # noqa: ANN401 - as the bus has it
            await publish(self, *given)
            for name in ("audit", "mark_read"):
                patch.setattr(store, name, fails(StoreUnavailable("away"), calls))

        patch.setattr(bus, "publish", published)
        answer = await reply(site, surface)

    if surface == "api":
        assert answer.status_code == HTTPStatus.ACCEPTED
    else:
        assert "notice=conversations.handed_in" in answer.headers["location"]
    [event] = await handed_in(site, USER, 1)
    assert await entries(site) == [("conversation.reply", "handed_in", event.key)]
    assert len(calls) == 1, "only the mark was tried"
    assert [one["conversation"] for one in logs if one["event"] == "not_marked_as_read"] == [ID]


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_could_not_be_handed_in_has_a_second_entry_that_says_so(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.bus), "publish", fails(BusUnavailable("away")))
        answer = await reply(site, surface)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    (_, failed, key), (_, tried, same) = await entries(site)
    assert (failed, tried) == ("failed", "handed_in")
    assert key == same != ""


@pytest.mark.parametrize("surface", SURFACES)
async def test_who_could_not_hand_anything_in_is_not_said_to_hold_the_conversation(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking = Talking.on(site)
    await talking.write(USER, "Tere", ago_ms=HOUR_MS)
    taken = Change(silence=Silence.PERSON, silent_until_ms=talking.now_ms + HOUR_MS)
    await talking.change(USER, taken)
    boris = AuditEntry(1, "Boris", "agent", "oidc", "conversation.take_over", ID, HANDED_IN, "key")
    await site.store.audit(boris)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.bus), "publish", fails(BusUnavailable("away")))
        await reply(site, surface)
    transcript = await Looking(site.store, system_clock).transcript(ID)
    assert transcript.holder == Holder("Boris", 1)


@pytest.mark.parametrize("surface", SURFACES)
async def test_nothing_is_handed_in_that_is_not_in_the_audit(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    published: list[Any] = []
    store, audit = type(site.store), type(site.store).audit

    async def picky(self: Any, entry: AuditEntry) -> None:  # noqa: ANN401 - the store
        if entry.action == "conversation.reply":
            raise StoreUnavailable("away")
        await audit(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(store, "audit", picky)
        patch.setattr(type(site.bus), "publish", fails(BusUnavailable("unasked"), published))
        answer = await reply(site, surface)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert published == []


async def test_what_is_done_is_told_although_its_entry_waits_until_the_store_is_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    store, audit = type(site.store), type(site.store).audit
    failures = [StoreUnavailable("away"), StoreUnavailable("still")]

    async def at_last(self: Any, entry: AuditEntry) -> None:  # noqa: ANN401 - the store
        if failures:
            raise failures.pop()
        await audit(self, entry)

    monkeypatch.setattr(store, "audit", at_last)
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    with capture_logs() as logs:
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
            answer = await client.post(f"/api/v1/conversations/{ID}/read", json={})
        assert answer.status_code == HTTPStatus.OK
        while not await entries(site):
            await site.store.check()
    assert await entries(site) == [("conversation.read", "done", "")]
    assert [one["action"] for one in logs if one["event"] == "audit_entry_waits"] == [
        "conversation.read"
    ]


async def test_an_entry_that_the_store_refuses_is_told_as_lost_at_once_and_not_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    tries: list[Any] = []
    monkeypatch.setattr(type(site.store), "audit", fails(ValuesRefused("too long"), tries))
    headers = {b"authorization": f"Bearer {TOKEN}".encode()}
    with capture_logs() as logs:
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
            answer = await client.post(f"/api/v1/conversations/{ID}/read", json={})
    assert answer.status_code == HTTPStatus.OK
    assert len(tries) == 1
    told = [one for one in logs if one["event"].startswith("audit_entry")]
    assert [(one["event"], one["action"], one["reason"]) for one in told] == [
        ("audit_entry_lost", "conversation.read", "refused")
    ]


@pytest.mark.parametrize("surface", SURFACES)
async def test_whoever_acts_upon_a_conversation_reads_it_once(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Talking.on(site).write(USER, "Tere", ago_ms=HOUR_MS)
    talk, read = type(site.store).talk, list[str]()

    async def counted(self: Any, conversation: str) -> Any:  # noqa: ANN401 - the store's
        read.append(conversation)
        return await talk(self, conversation)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.store), "talk", counted)
        assert (await reply(site, surface)).status_code < HTTPStatus.BAD_REQUEST
    await handed_in(site, USER, 1)
    assert read == [ID]
