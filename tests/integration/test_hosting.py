"""The conversation host on a real bus and a real store, without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.fakes.assistant import ScriptedAssistant
from vestlus.assistant.port import Assistant, Question
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import Clock, system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.conversation.turn import (
    BurstPolicy,
    FailurePolicy,
    RestartPolicy,
    SuspectPolicy,
)
from vestlus.errors import AssistantUnavailable
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.turn_parts import HandedOver, TurnPolicies
from vestlus.hosting.turn_places import Limits
from vestlus.messages import decode_outbox, encode, inbox_message
from vestlus.privacy.chat import ChatEraser
from vestlus.privacy.graves import Graves
from vestlus.privacy.operations import Privacy
from vestlus.settings_account import Account
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, Member, MemberKind, SendRow

ACCOUNT = "17841400000000001"
TOPOLOGY = Topology(inbox=2, outbox=1)
FAST = TurnPolicies(
    burst=BurstPolicy(longest_ms=0),
    restart=RestartPolicy(),
    failure=FailurePolicy(most=3, patience_ms=150, first_wait_ms=20, longest_wait_ms=50),
)


GRAVES = Graves("the key of this world")


@dataclass
class World:
    """A bus, a store, and hosts of them."""

    store: Store
    bus: Bus
    stack: AsyncExitStack
    incarnation: int = 0
    handed_over: list[HandedOver] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)

    async def host(
        self,
        assistant: Assistant,
        *,
        policies: TurnPolicies = FAST,
        suspects: SuspectPolicy | None = None,
        account: Account | None = None,
        limits: Limits | None = None,
        clock: Clock = system_clock,
        spent_until: Callable[[str], int] = lambda _: 0,
    ) -> ConversationHost:
        """A host that holds every partition; its predecessor's leases are taken over."""
        self.incarnation += 1
        member = Member("c/conversation-0", MemberKind.CONVERSATION, str(self.incarnation), "h", 1)
        host = await self.stack.enter_async_context(
            ConversationHost(
                store=self.store,
                bus=self.bus,
                assistant=assistant,
                clock=clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=policies,
                suspects=suspects,
                account_of=lambda _: account,
                handed_over=self.handed_over.append,
                limits=limits,
                spent_until=spent_until,
                graves=GRAVES,
                eraser=ChatEraser(self.privacy, "https://vestlus.test"),
            )
        )
        names = [inbox_lease(partition) for partition in range(TOPOLOGY.inbox)]
        self.leases = await self.store.acquire(names, member, 60)
        for lease in self.leases.values():
            await host.hold(lease)
        return host

    @property
    def privacy(self) -> Privacy:
        """What erases users of this world."""
        return Privacy(self.store, self.bus, GRAVES, clock=system_clock, partitions=TOPOLOGY.inbox)

    async def write(self, user: str, *texts: str, kind: EventKind = EventKind.MESSAGE) -> None:
        """The user writes messages, one webhook each."""
        for text in texts:
            await self.deliver(message(user, text, kind=kind))

    async def deliver(self, event: Event) -> None:
        """One event comes in over the bus."""
        partition = partition_of(ACCOUNT, event.user or "", TOPOLOGY.inbox)
        await self.bus.publish(
            Queue.INBOX, partition, [encode(inbox_message((event,), at_ms=system_clock()))]
        )

    async def sends(self, user: str) -> list[SendRow]:
        """The ledger's first unfinished row of the user's conversation, if any."""
        rows = await self.store.unfinished(outbox_partition_of(ACCOUNT, TOPOLOGY.outbox), limit=100)
        return [row for row in rows if row.user == user]

    async def history(self, user: str) -> list[str]:
        """What was said in the conversation, as the store has it."""
        conversation = conversation_id(ACCOUNT, user)
        rows = await self.store.load([conversation], 100)
        found = rows.get(conversation)
        return [one.text for one in found.history] if found else []

    async def said(self, user: str, count: int) -> list[str]:
        """Waits until the history has that many messages."""
        async with asyncio.timeout(15):
            while len(history := await self.history(user)) < count:
                await asyncio.sleep(0.02)
        return history


def message(user: str, text: str, *, kind: EventKind = EventKind.MESSAGE) -> Event:
    mid = f"mid-{user}-{text}"
    return Event(
        key=event_key(kind, ACCOUNT, mid),
        kind=kind,
        account=ACCOUNT,
        user=user,
        conversation=conversation_id(ACCOUNT, user),
        mid=mid,
        timestamp_ms=system_clock(),
        text=text,
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                f"sqlite:///{tmp_path / 'store.sqlite'}",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        bus = await stack.enter_async_context(
            open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY)
        )
        yield World(store, bus, stack)


async def test_a_message_is_recorded_answered_and_rung_at_the_publishers(world: World) -> None:
    bell = await world.bus.subscribe(Queue.OUTBOX, 0)
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    assert await world.said("u", 2) == ["Tere!", "Tere!"]
    (row,) = await world.sends("u")
    assert (row.text, row.answers) == ("Tere!", ("mid-u-Tere!",))
    (delivery,) = await bell.receive(10)
    (send,) = decode_outbox(delivery.body).sends
    assert (send.ledger_id, send.account, send.user) == (row.id, ACCOUNT, "u")
    assert (send.conversation, send.answers) == (row.conversation, row.answers)
    await bell.close()


async def test_the_same_message_delivered_three_times_is_answered_once(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    once = message("u", "Tere!")
    for _ in range(3):
        await world.deliver(once)
    await world.said("u", 2)
    await world.write("u", "Ja teine.")
    assert await world.said("u", 4) == ["Tere!", "Tere!", "Ja teine.", "Ja teine."]


async def test_the_next_question_comes_with_what_was_said_before(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]


async def test_the_next_owner_knows_what_was_said_before(world: World) -> None:
    first = await world.host(ScriptedAssistant())
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    for name in list(world.leases):
        await first.let_go(name, 1)
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]


async def test_what_was_recorded_and_not_answered_is_answered_by_the_next_owner(
    world: World,
) -> None:
    stuck = ScriptedAssistant()
    stuck.gate.clear()
    first = await world.host(stuck)
    await world.write("u", "Tere!")
    await stuck.was_asked(1)
    for name in list(world.leases):
        await first.let_go(name, 0)
    assert await world.history("u") == []
    await world.host(ScriptedAssistant())
    assert await world.said("u", 2) == ["Tere!", "Tere!"]


async def test_an_owner_that_was_overtaken_commits_nothing(world: World) -> None:
    slow = ScriptedAssistant(lambda _: "vana omanik")
    slow.gate.clear()
    first = await world.host(slow)
    await world.write("u", "Tere!")
    await slow.was_asked(1)
    await world.host(ScriptedAssistant(lambda _: "uus omanik"))
    slow.gate.set()
    assert await world.said("u", 2) == ["Tere!", "uus omanik"]
    async with asyncio.timeout(10):
        while not first.lost:
            await asyncio.sleep(0.02)
    assert await world.history("u") == ["Tere!", "uus omanik"]


async def test_something_newer_restarts_the_answer_and_both_are_answered_together(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await world.host(assistant)
    await world.write("u", "Esimene.")
    await assistant.was_asked(1)
    await world.write("u", "Teine.")
    await assistant.was_asked(2)
    assistant.gate.set()
    assert await world.said("u", 3) == ["Esimene.", "Teine.", "Esimene.; Teine."]
    assert assistant.cancelled == 1
    assert host.counts().restarted == 1


async def test_a_chatterbox_is_answered_after_three_restarts(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    await world.host(assistant)
    for count in range(1, 5):
        await world.write("u", f"{count}")
        await assistant.was_asked(count)
    await world.write("u", "5")
    recorded = message("u", "5")
    async with asyncio.timeout(10):
        while not await world.store.users_of(ACCOUNT, [str(recorded.mid)]):
            await asyncio.sleep(0.02)
    assistant.gate.set()
    history = await world.said("u", 7)
    assert history == ["1", "2", "3", "4", "1; 2; 3; 4", "5", "5"]


async def test_users_are_answered_in_parallel(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    await world.host(assistant)
    for user in ("a", "b", "c"):
        await world.write(user, "Tere!")
    await assistant.was_asked(3)
    assistant.gate.set()
    for user in ("a", "b", "c"):
        assert await world.said(user, 2) == ["Tere!", "Tere!"]


async def test_a_failing_assistant_is_tried_again(world: World) -> None:
    answers = iter([AssistantUnavailable("down"), None])

    def script(_: Question) -> str:
        if (error := next(answers)) is not None:
            raise error
        return "nüüd"

    await world.host(ScriptedAssistant(script))
    await world.write("u", "Tere!")
    assert await world.said("u", 2) == ["Tere!", "nüüd"]


@pytest.mark.parametrize("error", [AssistantUnavailable("quota"), KeyError("ours")])
async def test_what_cannot_be_answered_gets_an_apology_and_a_person(
    world: World, error: Exception
) -> None:
    def script(question: Question) -> str:
        if question.user == "u":
            raise error
        return "olemas"

    host = await world.host(ScriptedAssistant(script))
    await world.write("u", "Tere!")
    question, apology = await world.said("u", 2)
    assert question == "Tere!"
    assert apology
    (row,) = await world.sends("u")
    assert row.text == apology
    assert host.counts().apologised == 1
    (told,) = world.handed_over
    assert told.conversation == conversation_id(ACCOUNT, "u")
    (waiting,) = await world.store.conversations(limit=10, waiting=True)
    assert waiting.user == "u"
    await world.write("v", "Tere!")
    assert await world.said("v", 2) == ["Tere!", "olemas"]


async def test_a_delivery_that_cannot_be_read_is_buried_raw_and_the_next_is_answered(
    world: World,
) -> None:
    partition = partition_of(ACCOUNT, "u", TOPOLOGY.inbox)
    await world.bus.publish(Queue.INBOX, partition, [b"\x00not json"])
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (letter,) = await world.store.dead_letters(limit=10)
    assert letter.body == b"\x00not json"
    assert letter.reason.startswith("undecodable")


async def test_events_that_call_for_no_answer_are_recorded_and_not_answered(world: World) -> None:
    assistant = ScriptedAssistant()
    await world.host(assistant)
    await world.write("u", "meeldis", kind=EventKind.REACTION)
    await world.write("u", "nähtud", kind=EventKind.READ)
    await world.write("u", "Tere!")
    await world.said("u", 3)
    assert len(assistant.asked) == 1
    counts = await world.store.counts()
    assert counts.events["reaction/noted"] == 1
    assert counts.events["read/noted"] == 1


async def test_a_read_without_a_user_finds_its_way_by_the_message(world: World) -> None:
    await world.host(ScriptedAssistant())
    await world.write("u", "Tere!")
    await world.said("u", 2)
    known = message("u", "Tere!")
    nameless = replace(
        known,
        key=event_key(EventKind.READ, ACCOUNT, str(known.mid), timestamp_ms=5),
        kind=EventKind.READ,
        user=None,
        conversation=None,
        text=None,
    )
    for partition in range(TOPOLOGY.inbox):
        body = encode(inbox_message((nameless,), at_ms=system_clock()))
        await world.bus.publish(Queue.INBOX, partition, [body])
    async with asyncio.timeout(15):
        while (await world.store.counts()).events.get("read/noted", 0) < 1:
            await asyncio.sleep(0.02)


class SlowToRead:
    """A store whose answers to ``load`` are held back after they were made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def load(
        self, conversations: Collection[str], history: int, *, unanswered: int | None = None
    ) -> object:
        rows = await self._store.load(conversations, history, unanswered=unanswered)
        self.asked.set()
        await self.gate.wait()
        return rows


async def test_a_message_that_comes_while_its_conversation_is_read_is_not_forgotten(
    world: World,
) -> None:
    real = world.store
    slow = SlowToRead(real)
    world.store = slow  # type: ignore[assignment]
    host = await world.host(ScriptedAssistant())
    world.store = real
    await world.write("u", "Esimene.")
    await asyncio.wait_for(slow.asked.wait(), 10)
    await world.write("u", "Teine.")
    async with asyncio.timeout(10):
        while host.counts().recorded < 2:
            await asyncio.sleep(0.02)
    slow.gate.set()
    history = await world.said("u", 3)
    assert {"Esimene.", "Teine."} <= set(history)
    assert (await real.counts()).events == {"message/answered": 2}


async def test_an_idle_conversation_is_dropped_from_memory_and_wakes_with_its_history(
    world: World,
) -> None:
    assistant = ScriptedAssistant()
    host = await world.host(assistant)
    await world.write("u", "Esimene.")
    await world.said("u", 2)
    assert host.counts().conversations == 1
    async with asyncio.timeout(10):
        while host.counts().conversations:
            host.conversations.passivate(system_clock() + 1)
            await asyncio.sleep(0.02)
    await world.write("u", "Teine.")
    await world.said("u", 4)
    assert [one.text for one in assistant.asked[-1].history] == ["Esimene.", "Esimene."]


async def test_what_the_broker_gave_up_on_becomes_a_dead_letter(world: World) -> None:
    await world.bus.publish(Queue.DEAD, 0, [b"given up"])
    await world.host(ScriptedAssistant())
    async with asyncio.timeout(15):
        while not (letters := await world.store.dead_letters(limit=10)):
            await asyncio.sleep(0.02)
    (letter,) = letters
    assert (letter.source, letter.body) == ("dead", b"given up")


async def test_a_turn_that_kills_its_owners_is_quarantined_alone(world: World) -> None:
    policy = SuspectPolicy(takeovers=2, groups=(1,))

    def stuck() -> ScriptedAssistant:
        assistant = ScriptedAssistant()
        assistant.gate.clear()
        return assistant

    async def die_with_it(assistant: ScriptedAssistant) -> None:
        host = await world.host(assistant, suspects=policy)
        await assistant.was_asked(1)
        for name in list(world.leases):
            await host.let_go(name, 0)

    first = stuck()
    host = await world.host(first, suspects=policy)
    await world.write("u", "Tere!")
    await first.was_asked(1)
    for name in list(world.leases):
        await host.let_go(name, 0)
    await die_with_it(stuck())  # the first takeover: freely
    await die_with_it(stuck())  # the second: watched, and counted
    await world.host(ScriptedAssistant(), suspects=policy)
    async with asyncio.timeout(15):
        while not (letters := await world.store.dead_letters(limit=10)):
            await asyncio.sleep(0.02)
    assert [letter.reason for letter in letters] == ["kills_its_process"]
    await world.write("u", "Kas oled seal?")
    assert (await world.said("u", 2))[-1] == "Kas oled seal?"


async def test_long_answers_become_several_sends_in_order(world: World) -> None:
    text = " ".join(f"Lause number {index}." for index in range(200))
    await world.host(ScriptedAssistant(lambda _: text))
    await world.write("u", "Räägi pikalt.")
    await world.said("u", 2)
    (row,) = await world.sends("u")
    assert row.text.startswith("Lause number 0.")
    assert len(row.text.encode()) <= 1000
