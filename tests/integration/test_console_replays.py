"""A replay of a dead letter stands in the audit before it is handed in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest

from tests.integration.console_support import ACCOUNT, IN_ONE_LOOP, TOKEN, Site, signed_client
from tests.integration.talks_support import HOUR_MS, Talking, handed_in
from tests.integration.test_console_dead_letters import delivery, depth
from tests.integration.test_console_entries import SURFACES, fails
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.store.operator_rows import AuditEntry

pytestmark = IN_ONE_LOOP

USER: Final = "17841400000007711"
ID: Final = conversation_id(ACCOUNT, USER)
KINDS: Final = ("message", "delivery")


async def letter_of(site: Site, kind: str) -> str:
    """The id of a letter that can be replayed: a user's message, or a delivery of the broker's."""
    if kind == "delivery":
        lost = delivery(system_clock())
        await site.store.bury([lost])
        return lost.id
    talking = Talking.on(site)
    await talking.write(USER, "Tere", ago_ms=HOUR_MS)
    lease = await talking.lease(USER)
    await site.store.give_up(lease, ID, reason="model_refused", now_ms=talking.now_ms)
    [letter] = await site.store.dead_letters(limit=5)
    return letter.id


async def replay(site: Site, surface: str, letter: str) -> httpx.Response:
    """The letter is replayed through the API or the console."""
    if surface == "api":
        headers = {b"authorization": f"Bearer {TOKEN}".encode()}
        async with httpx.AsyncClient(base_url=site.address, headers=headers) as client:
            return await client.post(f"/api/v1/dead-letters/{letter}/replay", json={})
    async with signed_client(site) as client:
        session = max(await site.store.sessions(0), key=lambda one: one.began_ms)
        path = f"/console/dead-letters/{letter}/replay"
        return await client.post(path, data={"csrf": session.csrf})


async def told(site: Site) -> list[tuple[str, str, str]]:
    """What the audit says of letters, newest first."""
    found = await site.store.audit_entries(action="dead_letter.")
    return [(one.target, one.outcome, one.detail) for one in found]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_replayed_that_is_not_in_the_audit(
    site: Site, surface: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await letter_of(site, kind)
    before, audit = await depth(site), type(site.store).audit

    async def picky(self: Any, entry: AuditEntry) -> None:  # noqa: ANN401 - the store
        if entry.action == "dead_letter.replay":
            raise StoreUnavailable("away")
        await audit(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.store), "audit", picky)
        answer = await replay(site, surface, letter)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert await depth(site) == before


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_replay_is_written_with_its_letter_and_the_event_that_was_handed_in(
    site: Site, surface: str
) -> None:
    letter = await letter_of(site, "message")
    answer = await replay(site, surface, letter)
    assert answer.status_code < HTTPStatus.BAD_REQUEST
    [event] = await handed_in(site, USER, 1)
    assert await told(site) == [(letter, "handed_in", event.key)]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_replay_that_could_not_be_handed_in_has_a_second_entry_that_says_so(
    site: Site, surface: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await letter_of(site, kind)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.bus), "publish", fails(BusUnavailable("away")))
        answer = await replay(site, surface, letter)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    (failed, tried) = await told(site)
    assert (failed[:2], tried[:2]) == ((letter, "failed"), (letter, "handed_in"))
    assert failed[2] == tried[2]


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_is_replayed_is_in_the_audit_already_when_it_comes_to_the_bus(
    site: Site, surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await letter_of(site, "delivery")
    publish, seen = type(site.bus).publish, list[list[tuple[str, str, str]]]()

    async def published(self: Any, queue: Queue, *given: Any) -> None:  # noqa: ANN401 - the bus's
        seen.append(await told(site))
        await publish(self, queue, *given)

    with monkeypatch.context() as patch:
        patch.setattr(type(site.bus), "publish", published)
        await replay(site, surface, letter)
    assert seen == [[(letter, "handed_in", "")]]
