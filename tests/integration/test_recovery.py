"""Missed webhooks and dead letters through the real parts, without Ray: the simulator's webhooks
and Graph API, a bus, a store, the conversations' host and the publisher.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.outbox import MemoryPictures
from tests.integration.simulator_harness import FIRST, SECRET, Client
from tests.integration.test_hosting import FAST
from tests.unit.test_webhook_handler import Answer
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.delivery_gaps import GapTeller
from vestlus.hosting.host import ConversationHost
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.handler import WebhookHandler
from vestlus.messages import encode, inbox_message
from vestlus.privacy.graves import Graves
from vestlus.settings_account import Account
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import (
    ConversationRow,
    DeadLetter,
    Lease,
    LetterState,
    Member,
    MemberKind,
    Silence,
)

TOPOLOGY = Topology(inbox=2, outbox=1)
HOUR_MS = 3_600_000
QUICK = SendingRules(
    poll_seconds=0.1,
    first_look_seconds=0.1,
    echo_seconds=0.2,
    settling_seconds=1.5,
    look_retry_seconds=0.2,
    look_give_up_seconds=0.5,
    request_seconds=2.0,
    lease_margin_seconds=0.2,
    clock_tolerance_seconds=2.0,
    missed_grace_seconds=0.5,
    missed_pause_seconds=0.5,
    missed_sweep_seconds=600.0,
)


GRAVES = Graves("the key of this stage")


@dataclass
class Stage:
    """The parts, and what tests do with them."""

    client: Client
    store: Store
    bus: Bus
    graph: GraphClient
    stack: AsyncExitStack
    assistant: ScriptedAssistant = field(default_factory=ScriptedAssistant)
    services: list[PublisherService] = field(default_factory=list)
    inbox: dict[str, Lease] = field(default_factory=dict)
    hosts: list[ConversationHost] = field(default_factory=list)
    #: Who converses.
    member: Member | None = None

    async def host(self, **settings: Any) -> None:  # noqa: ANN401 - settings of any type
        """Begin to converse."""
        member = self.member = Member("c/0", MemberKind.CONVERSATION, uuid4().hex, "here", 1)
        made = {"disclosure": False, "language": "et", **settings}
        account = Account(id=FIRST, access_token=SecretStr("t"), **made)
        host = await self.stack.enter_async_context(
            ConversationHost(
                store=self.store,
                bus=self.bus,
                assistant=self.assistant,
                clock=system_clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=FAST,
                account_of=lambda _: account,
                graves=GRAVES,
            )
        )
        self.hosts.append(host)
        names = [inbox_lease(number) for number in range(TOPOLOGY.inbox)]
        self.inbox = await self.store.acquire(names, member, 600)
        for lease in self.inbox.values():
            await host.hold(lease)

    async def publish(self, *, until_ms: int | None = None) -> None:
        """Begin to send, and to look for what was missed since ``until_ms``."""
        name = outbox_lease(0)
        member = Member("p/0", MemberKind.PUBLISHER, uuid4().hex, "here", 2)
        lease = (await self.store.acquire([name], member, 600))[name]
        if until_ms is not None:
            await self.store.note_looked(lease, FIRST, until_ms)
        service = await self.stack.enter_async_context(
            PublisherService(
                bus=self.bus,
                store=self.store,
                messaging=self.graph,
                pictures=MemoryPictures(),
                clock=system_clock,
                monotonic=time.monotonic,
                rules=QUICK,
                chance=random.Random(0),  # noqa: S311 - no secret
                accounts=[FIRST],
                topology=TOPOLOGY,
            )
        )
        service.lease_extended([name], time.monotonic() + 600)
        await service.hold(lease)
        self.services.append(service)

    async def outage(self, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
        """Users write these, and nobody ever hears of it."""
        await self.client.control("webhooks", {"paused": True})
        wrote: list[dict[str, Any]] = await self.client.control("messages", list(bodies))
        return wrote

    async def over(self) -> None:
        """Webhooks come again; those of the outage are lost."""
        await self.client.control("webhooks/discard", {})
        await self.client.control("webhooks", {"paused": False})
        # Younger messages may have their webhook on the way.
        await asyncio.sleep(1.6)

    async def got(self, user: str, count: int) -> list[str]:
        """What the user received, once it is so many messages."""
        async with asyncio.timeout(30):
            while len(sent := await self.client.sent(user)) < count:
                await asyncio.sleep(0.05)
        return sent

    async def row(self, user: str) -> ConversationRow:
        """The conversation as the store has it."""
        id_ = conversation_id(FIRST, user)
        return (await self.store.load([id_], 100))[id_]

    async def until(self, is_so: Callable[[], Any]) -> None:
        """Wait until an awaitable condition gives something true."""
        async with asyncio.timeout(30):
            while not await is_so():
                await asyncio.sleep(0.05)

    async def searched(self, times: int = 1) -> None:
        """Wait until that many looks were carried through."""
        async with asyncio.timeout(30):
            while self.services[-1].stats().searched < times:
                await asyncio.sleep(0.05)

    async def replay(self, letter: DeadLetter, *, although: bool = False) -> None:
        """Ask for it as the command does."""
        user = str(letter.user)
        event = operator_event(
            Act.REPLAY,
            account=FIRST,
            user=user,
            identity=uuid4().hex,
            at_ms=system_clock(),
            text="mari",
            turn=1 if although else None,
            letter=letter.id,
        )
        message = encode(inbox_message((event,), at_ms=system_clock()))
        partition = partition_of(FIRST, user, TOPOLOGY.inbox)
        await self.bus.publish(Queue.INBOX, partition, [message])


@asynccontextmanager
async def opened_stage(
    folder: Path, bus: Bus, *, webhook_bus: Bus | None = None, store_url: str = ""
) -> AsyncIterator[Stage]:
    """Everything but the host and the publisher runs, on these buses."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                store_url or f"sqlite:///{folder / 'store.sqlite'}",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        gaps = await stack.enter_async_context(
            GapTeller(webhook_bus or bus, outbox_partitions=TOPOLOGY.outbox, clock=system_clock)
        )
        handler = await stack.enter_async_context(
            WebhookHandler(
                secrets=(SECRET,),
                verify_token="",
                bus=webhook_bus or bus,
                partitions=TOPOLOGY.inbox,
                clock=system_clock,
                on_counts=lambda _: None,
                on_refused=lambda accounts: gaps.suspect(accounts, "webhook_refused"),
            )
        )

        async def take(request: web.Request) -> web.Response:
            answer = Answer()
            await handler(
                {
                    "type": "http",
                    "method": "POST",
                    "query_string": b"",
                    "headers": [(key.lower(), value) for key, value in request.raw_headers],
                },
                _receiver(await request.read()),
                answer.send,
            )
            return web.Response(status=answer.status)

        app = web.Application()
        app.add_routes([web.post("/webhook", take)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        simulator = await stack.enter_async_context(
            Simulator(
                SimulatorConfig(
                    data=folder / "simulator.sqlite",
                    webhook_url=f"http://127.0.0.1:{runner.addresses[0][1]}/webhook",
                    app_secret=SECRET,
                    access_token="graph-token",
                    account_ids=(FIRST,),
                    model_label="none",
                )
            )
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        graph = await stack.enter_async_context(
            GraphClient(f"{simulator.url}/graph/v25.0", lambda _: "graph-token")
        )
        yield Stage(Client(simulator.url, http), store, bus, graph, stack)


def _receiver(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    """ASGI's ``receive`` for one body."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    return receive


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Everything but the host and the publisher runs."""
    async with (
        open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY) as bus,
        opened_stage(tmp_path, bus) as opened,
    ):
        yield opened


def said(user: str, text: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  of several types
    return {"user": user, "text": text, **fields}


async def test_what_was_missed_in_an_outage_is_answered_once_and_in_order(stage: Stage) -> None:
    began_ms = system_clock()
    wrote = await stage.outage(
        *(said(user, f"{user} {word}.") for word in ("üks", "kaks") for user in ("a", "b", "c")),
        said("d", "Pilt", attachments=[{"type": "image", "url": "https://example.org/x.png"}]),
    )
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=began_ms)

    for user in ("a", "b", "c"):
        assert await stage.got(user, 1) == [f"{user} üks.; {user} kaks."]
    (picture,) = await stage.got("d", 1)
    assert picture.startswith("Pilt")
    await stage.searched()

    # The webhook of one of them comes after all, and a person has everything looked for again.
    late = {
        "sender": {"id": "a"},
        "recipient": {"id": FIRST},
        "timestamp": system_clock(),
        "message": {"mid": wrote[0]["mid"], "text": "a üks."},
    }
    payload = {
        "object": "instagram",
        "entry": [{"id": FIRST, "time": system_clock(), "messaging": [late]}],
    }
    await stage.client.control("raw-webhook", {"payload": payload})
    await stage.client.control("messages", said("a", "kolm."))
    assert await stage.got("a", 2) == ["a üks.; a kaks.", "kolm."]
    stats = await stage.client.get("/control/stats")
    assert stats["graph_over_limit"] == {}
    assert await stage.store.dead_letters(limit=9) == ()


async def test_what_a_person_answered_in_an_outage_stays_answered(stage: Stage) -> None:
    began_ms = system_clock()
    await stage.outage(said("a", "Kas olete avatud?"))
    await stage.client.control("personal-answer", said("a", "Jah, siin Mari."))
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=began_ms)
    await stage.searched()

    async def silent() -> bool:
        rows = await stage.store.load([conversation_id(FIRST, "a")], 9)
        return any(row.silence is Silence.PERSON for row in rows.values())

    await stage.until(silent)
    row = await stage.row("a")
    assert [one.text for one in row.history] == ["Kas olete avatud?", "Jah, siin Mari."]
    assert row.pending == ()
    await stage.client.control("messages", said("a", "Aitäh!"))
    await stage.until(lambda: _waits(stage))
    assert await stage.client.sent("a") == ["Jah, siin Mari."]
    assert stage.assistant.asked == []


async def _waits(stage: Stage) -> bool:
    return bool((await stage.row("a")).pending)


async def test_what_is_too_old_is_shown_and_not_answered(stage: Stage) -> None:
    now = system_clock()
    await stage.outage(
        said("a", "Kas olete avatud?", timestamp_ms=now - 7 * HOUR_MS),
        said("b", "Aga täna?", timestamp_ms=now - 5 * HOUR_MS),
    )
    await stage.over()
    await stage.host()
    await stage.publish(until_ms=now - 8 * HOUR_MS)

    assert await stage.got("b", 1) == ["Aga täna?"]
    (waiting,) = await stage.store.conversations(limit=9, waiting=True)
    assert waiting.user == "a"
    assert waiting.note.startswith("missed_message (")
    assert abs(waiting.user_ms - (now - 7 * HOUR_MS)) < 1000
    assert await stage.client.sent("a") == []


async def test_our_own_answers_are_not_taken_for_a_persons(stage: Stage) -> None:
    """Echoes are lost too: what was sent is known by its id."""
    began_ms = system_clock()
    await stage.client.control("webhooks", {"echoes": False})
    await stage.host()
    await stage.publish(until_ms=began_ms)
    await stage.client.control("messages", said("a", "Tere."))
    assert await stage.got("a", 1) == ["Tere."]
    await stage.searched()
    await asyncio.sleep(1.6)
    await stage.publish(until_ms=began_ms)
    await stage.searched()
    await stage.client.control("messages", said("a", "Veel."))
    assert await stage.got("a", 2) == ["Tere.", "Veel."]
    assert (await stage.row("a")).silence is Silence.NONE


async def test_a_send_that_ended_unknown_is_replayed_behind_what_came_meanwhile(
    stage: Stage,
) -> None:
    lost = {"kind": "refuse", "next": 1, "contains": "Esimene."}
    blind = {"kind": "server_error", "next": 1000, "op": "conversations"}
    await stage.client.control("faults", {"rules": [lost, blind]})
    await stage.host()
    await stage.publish()
    await stage.client.control("messages", said("a", "Esimene."))

    async def letters() -> tuple[DeadLetter, ...]:
        return await stage.store.dead_letters(limit=9)

    await stage.until(letters)
    (letter,) = await letters()
    assert (letter.doubtful, letter.reason) == (True, "look_failed")
    assert [one.what for one in letter.history][:3] == ["decided", "sending", "looking"]
    await stage.client.control("messages", said("a", "Teine."))
    assert await stage.got("a", 1) == ["Teine."]

    await stage.replay(letter)
    await asyncio.gather(*(stage.replay(letter, although=True) for _ in range(3)))
    assert await stage.got("a", 2) == ["Teine.", "Esimene."]
    await stage.client.control("messages", said("a", "Kolmas."))
    assert await stage.got("a", 3) == ["Teine.", "Esimene.", "Kolmas."]
    (done,) = await letters()
    assert (done.state, done.replays) == (LetterState.REPLAYED, 1)
    assert [one.what for one in done.history[-2:]] == ["replay_refused", "replayed"]


async def test_a_message_that_was_given_up_is_answered_after_a_replay(stage: Stage) -> None:
    await stage.host()
    await stage.publish()
    stage.assistant.gate.clear()
    await stage.client.control("messages", said("a", "Kas kuulete?"))
    await stage.assistant.was_asked(1)
    lease = stage.inbox[inbox_lease(partition_of(FIRST, "a", TOPOLOGY.inbox))]
    given_up = stage.store.give_up(
        lease, conversation_id(FIRST, "a"), reason="kills_its_process", now_ms=system_clock()
    )
    assert await given_up == 1
    stage.assistant.gate.set()
    await stage.client.control("messages", said("a", "Halloo."))
    assert await stage.got("a", 1) == ["Halloo."]

    (letter,) = await stage.store.dead_letters(limit=9)
    await stage.replay(letter)

    assert await stage.got("a", 2) == ["Halloo.", "Kas kuulete?"]
