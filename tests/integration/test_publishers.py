"""The publisher on the real store and bus: nothing lost or doubled over faults and takeovers."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, PretendInstagram, Sent
from tests.fakes.outbox import MemoryPictures
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.conversation.events import Attachment, Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.messages import SendReference, encode, outbox_message
from vestlus.store.names import inbox_lease, outbox_lease, partition_number
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    EventState,
    Kind,
    Lease,
    Member,
    MemberKind,
    NewEvent,
    NewSend,
    Silence,
    TurnCommit,
)

INBOX, OUTBOX = 4, 2
ACCOUNTS = ("17841400000000001", "17841400000000002", "17841400000000003")
QUICK = SendingRules(
    settling_seconds=1.5,
    first_look_seconds=0.2,
    echo_seconds=0.2,
    request_seconds=0.5,
    lease_margin_seconds=0.2,
    retry_seconds=0.05,
    look_retry_seconds=0.2,
    unreachable_seconds=0.05,
    longest_unreachable_seconds=0.2,
    clock_tolerance_seconds=2.0,
    calls_per_look=1,
    drain_seconds=5.0,
)


class Stage:
    """A store, a bus and a pretend Instagram, and who writes answers into them."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self.store = store
        self.bus = bus
        self.instagram = PretendInstagram(latency=0.01)
        self.writer = Member("writer", MemberKind.CONVERSATION, "1", "here", 1)
        self.pictures = MemoryPictures()
        self.leases: dict[str, Lease] = {}
        self.written: dict[tuple[str, str], list[str]] = {}
        self.expected = 0

    async def answer(
        self,
        account: str,
        user: str,
        *texts: str,
        pictures: tuple[str, ...] = (),
        draft_until_ms: int | None = None,
        ring: bool = True,
    ) -> None:
        """Record a user's message, commit its answer in parts, ring the bell.

        Pictures are a message of their own, after the texts.
        """
        inbox = partition_of(account, user, INBOX)
        lease = self.leases[inbox_lease(inbox)]
        said = self._event(EventKind.MESSAGE, account, user, f"in.{user}.{texts[0]}", "Tere")
        self.instagram.user_wrote(account, user)
        new = NewEvent(said, EventState.PENDING)
        (recorded,) = await self.store.record([(lease, [new])], virtual_ms())
        conversation = conversation_id(account, user)
        row = (await self.store.load([conversation], 20))[conversation]
        sends = tuple(
            NewSend(
                id=f"{user}.{text}",
                account=account,
                user=user,
                conversation=conversation,
                position=virtual_ms() * 100 + number,
                text=text,
                answers=(said.mid or "",),
                due_ms=0,
                deadline_ms=draft_until_ms or virtual_ms() + 10**8,
                draft=draft_until_ms is not None,
                turn=row.version,
            )
            for number, text in enumerate(texts)
        )
        if pictures:
            more = replace(
                sends[-1],
                id=f"{sends[-1].id}.pictures",
                position=sends[-1].position + 1,
                text="",
                kind=Kind.PICTURES,
                pictures=pictures,
            )
            sends = (*sends, more)
        commit = TurnCommit(
            lease=lease,
            conversation=conversation,
            version=row.version,
            answered=tuple(event.seq for event in recorded or ()),
            history=(),
            sends=sends,
        )
        await self.store.commit_turns([commit], virtual_ms())
        self.written.setdefault((account, user), []).extend(send.text for send in sends)
        self.expected += len(sends)
        if not ring:
            return
        bells = tuple(
            SendReference(
                ledger_id=send.id,
                account=account,
                user=user,
                conversation=conversation,
                answers=send.answers,
            )
            for send in sends
        )
        outbox = outbox_partition_of(account, OUTBOX)
        await self.bus.publish(
            Queue.OUTBOX, outbox, [encode(outbox_message(bells, at_ms=virtual_ms()))]
        )

    async def echo(self, sent: Sent) -> None:
        """Record an echo as the ConversationActor does."""
        lease = self.leases[inbox_lease(partition_of(sent.account, sent.user, INBOX))]
        event = self._event(EventKind.ECHO, sent.account, sent.user, sent.mid, sent.text)
        attachments = tuple(Attachment("image", "https://cdn.example/1") for _ in sent.pictures)
        event = replace(event, timestamp_ms=sent.at_ms, attachments=attachments)
        await self.store.record([(lease, [NewEvent(event, EventState.NOTED)])], virtual_ms())

    async def record(self, kind: EventKind, account: str, user: str, change: Change) -> None:
        """Record something else that changes the conversation."""
        lease = self.leases[inbox_lease(partition_of(account, user, INBOX))]
        event = self._event(kind, account, user, f"{kind}.{user}", "")
        await self.store.record(
            [(lease, [NewEvent(event, EventState.NOTED, change)])], virtual_ms()
        )

    async def serve(self, incarnation: str, rules: SendingRules = QUICK) -> PublisherService:
        """Take all outbox leases as a new incarnation and begin to serve."""
        member = Member("publisher", MemberKind.PUBLISHER, incarnation, "here", 2)
        names = [outbox_lease(outbox) for outbox in range(OUTBOX)]
        until = virtual_monotonic() + 600
        leases = await self.store.acquire(names, member, 600)
        assert set(leases) == set(names)
        service = PublisherService(
            bus=self.bus,
            store=self.store,
            messaging=self.instagram,
            pictures=self.pictures,
            clock=virtual_ms,
            monotonic=virtual_monotonic,
            rules=rules,
            chance=random.Random(0),  # noqa: S311 - no secret
        )
        service.lease_extended(names, until)
        for lease in leases.values():
            await service.hold(lease)
        return service

    async def settled(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while (await self.store.counts()).sends.get("sent", 0) < self.expected:
                await asyncio.sleep(0.05)

    def check(self) -> None:
        """Each text once, each user's in order."""
        for (account, user), texts in self.written.items():
            assert self.instagram.texts(account, user) == texts
        assert len(self.instagram.sent) == self.expected

    @staticmethod
    def _event(kind: EventKind, account: str, user: str, mid: str, text: str) -> Event:
        return Event(
            key=event_key(kind, account, mid),
            kind=kind,
            account=account,
            user=user,
            conversation=conversation_id(account, user),
            mid=mid,
            timestamp_ms=virtual_ms(),
            text=text,
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = open_store(
        f"sqlite:///{tmp_path}/store.sqlite", partitions=INBOX, outbox_partitions=OUTBOX
    )
    bus = open_bus(f"sqlite:///{tmp_path}/bus.sqlite", Topology(inbox=INBOX, outbox=OUTBOX))
    async with store, bus:
        stage = Stage(store, bus)
        names = [inbox_lease(inbox) for inbox in range(INBOX)]
        stage.leases = await store.acquire(names, stage.writer, 600)
        yield stage


async def test_answers_go_out_once_and_in_order(stage: Stage) -> None:
    async with await stage.serve("1"):
        for turn in range(3):
            await asyncio.gather(
                *(
                    stage.answer(ACCOUNTS[user % 3], f"u{user}", f"{turn}a", f"{turn}b")
                    for user in range(20)
                )
            )
        await stage.settled(20)
    stage.check()


async def test_pictures_go_out_in_their_order_and_are_uploaded_once(stage: Stage) -> None:
    async with await stage.serve("1"):
        for turn in range(3):
            await asyncio.gather(
                *(
                    stage.answer(ACCOUNTS[0], f"u{user}", f"{turn}a", pictures=("map", "menu"))
                    for user in range(5)
                )
            )
        await stage.settled(20)
    stage.check()
    assert len(stage.instagram.uploads) == 2
    sent = [one.pictures for one in stage.instagram.sent if one.pictures]
    assert {tuple(bool(one.attachment_id) for one in pictures) for pictures in sent} == {
        (True, True)
    }


async def test_pictures_whose_answer_was_cut_off_are_found_by_their_echo(stage: Stage) -> None:
    echoes: set[asyncio.Task[None]] = set()
    stage.instagram.fault = lambda _, named: Fault.APPLY if named == "pictures" else Fault.NONE
    stage.instagram.on_sent = lambda sent: echoes.add(asyncio.create_task(stage.echo(sent)))
    async with await stage.serve("1"):
        await stage.answer(ACCOUNTS[0], "u1", "Siin.", pictures=("map",))
        await stage.settled(20)
    await asyncio.gather(*echoes)
    stage.check()
    assert not stage.instagram.looks


async def test_nothing_is_sent_to_a_conversation_that_is_held(stage: Stage) -> None:
    await stage.answer(ACCOUNTS[0], "u1", "Tere!", ring=False)
    until_ms = virtual_ms() + 2_000
    held = Change(held_until_ms=until_ms)
    await stage.record(EventKind.ECHO, ACCOUNTS[0], "u1", held)
    async with await stage.serve("1") as service:
        await stage.settled(15)
        assert service.stats().held > 0
    assert stage.instagram.sent[0].at_ms >= until_ms
    stage.check()


async def test_a_try_again_that_a_person_forestalled_is_never_made(stage: Stage) -> None:
    stage.instagram.latency = 0.5
    stage.instagram.fault = lambda *_: Fault.BUSY
    silenced = Change(silence=Silence.PERSON, silent_until_ms=2**62, cancel_sends=True)
    async with await stage.serve("1") as service, asyncio.timeout(15):
        await stage.answer(ACCOUNTS[0], "u1", "Tere!")
        while not stage.instagram.written:
            await asyncio.sleep(0.01)
        await stage.record(EventKind.ECHO, ACCOUNTS[0], "u1", silenced)
        while service.stats().cancelled != {"person_answered": 1}:
            await asyncio.sleep(0.02)
    assert len(stage.instagram.written) == 1
    assert not await stage.store.dead_letters(limit=10)


async def test_a_draft_that_nobody_agreed_to_is_given_up_when_its_window_closes(
    stage: Stage,
) -> None:
    await stage.answer(ACCOUNTS[0], "u1", "Tere!", draft_until_ms=virtual_ms() - 1)
    await stage.answer(ACCOUNTS[0], "u2", "Tere!", draft_until_ms=virtual_ms() + 10**8)
    async with await stage.serve("1") as service, asyncio.timeout(10):
        while service.stats().dead != {"window_closed": 1}:
            await asyncio.sleep(0.02)
    (letter,) = await stage.store.dead_letters(limit=10)
    assert (letter.user, letter.reason) == ("u1", "window_closed")
    assert not stage.instagram.written


async def test_a_bell_is_followed_by_the_send_without_another_reading(stage: Stage) -> None:
    never = replace(QUICK, poll_seconds=3600.0, sweep_seconds=3600.0)
    async with await stage.serve("1", never):
        for user in ("u1", "u2"):
            await stage.answer(ACCOUNTS[0], user, "Tere!")
            await stage.settled(15)
    stage.check()


async def test_faults_and_takeovers_lose_and_double_nothing(stage: Stage) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    doubted: set[str] = set()

    def fault(account: str, text: str) -> Fault:
        # A request that was cut off undone is cut off once: twice would rightly be unknown.
        kinds = [Fault.APPLY, Fault.HANG_DONE, Fault.BUSY, Fault.UNREACHABLE, Fault.CUT]
        kind = chance.choice(kinds) if chance.random() < 0.3 else Fault.NONE
        if kind is Fault.CUT:
            if (once := f"{account}.{text}") in doubted:
                return Fault.NONE
            doubted.add(once)
        return kind

    echoes: set[asyncio.Task[None]] = set()

    def on_sent(sent: Sent) -> None:
        if chance.random() < 0.5:
            echoes.add(asyncio.create_task(stage.echo(sent)))

    stage.instagram.fault = fault
    stage.instagram.on_sent = on_sent
    for incarnation in ("1", "2", "3"):
        service = await stage.serve(incarnation)
        await asyncio.gather(
            *(
                stage.answer(ACCOUNTS[user % 3], f"u{user}", f"{user} {incarnation}")
                for user in range(15)
            )
        )
        await asyncio.sleep(1)
        for name in [lease.name for lease in service.held]:
            await service.let_go(name, drain_seconds=0.6)
    service = await stage.serve("4")
    stage.instagram.fault = lambda *_: Fault.NONE
    await stage.settled(60)
    async with service:
        assert {partition_number(lease.name) for lease in service.held} == set(range(OUTBOX))
    await asyncio.gather(*echoes)
    stage.check()


async def test_a_holder_that_was_overtaken_changes_nothing_more(stage: Stage) -> None:
    old = await stage.serve("1")
    new = await stage.serve("2")
    async with old, new:
        await stage.answer(ACCOUNTS[0], "u1", "Tere!")
        await stage.settled(5)
        await asyncio.wait_for(old.failed(), 5)
    stage.check()
