"""A user who is everywhere is erased while the service runs: then they are nowhere, and nothing
brings them back. With the embedded bus and store, and with RabbitMQ and PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from tests.contract.erasing_support import tomb_times, traces
from tests.integration.erased_places import Files, logged, told_in_spans
from tests.integration.recovery_support import GRAVES, TOPOLOGY, Stage, opened_stage
from tests.integration.simulator_harness import FIRST, picture
from tests.services import AmqpSpace
from tests.services.postgres import PostgresServer
from vestlus import tracing
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue
from vestlus.clock import system_clock
from vestlus.console.people import Person, Role
from vestlus.console.sessions import Arrival, begin
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.errors import ConversationPreserved
from vestlus.measuring.reporter import Reporter, new_identity
from vestlus.measuring.snapshot import read_snapshot
from vestlus.messages import SearchRequest, encode, inbox_message, outbox_message
from vestlus.privacy.export import Export
from vestlus.privacy.finishing import Finisher
from vestlus.privacy.inventory import HOLDS
from vestlus.privacy.operations import Privacy
from vestlus.store.erasing import ErasureState, Way
from vestlus.store.names import inbox_lease
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.rows import ConversationRow
from vestlus.store.usage_rows import UsageRow

USER, OTHER = "900000000000077", "900000000000078"
WORD = "merisiga"
PARTITION = partition_of(FIRST, USER, TOPOLOGY.inbox)
ID = conversation_id(FIRST, USER)


@dataclass(frozen=True)
class Pair:
    """Where a bus and a store are."""

    bus: str
    prefix: str
    store: str
    files: Files


@pytest.fixture(params=["embedded", "production"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    if request.param == "embedded":
        files = tmp_path / "own"
        files.mkdir()
        url = f"sqlite:///{files}"
        yield Pair(f"{url}/bus.sqlite", "", f"{url}/store.sqlite", Files(files))
        return
    space: AmqpSpace = request.getfixturevalue("amqp_space")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    store = server.fresh_database()
    yield Pair(space.url, space.queue_prefix, store, Files(database=store))
    server.drop_database(store)


@pytest.fixture
async def bus(pair: Pair) -> AsyncIterator[Bus]:
    async with open_bus(pair.bus, TOPOLOGY, prefix=pair.prefix) as opened:
        yield opened


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Everything that this process tells of its traces."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_tracer(provider.get_tracer("test"))
    yield exporter
    tracing.use_tracer(None)


async def test_a_user_who_is_everywhere_is_erased_and_nothing_brings_them_back(
    pair: Pair, bus: Bus, tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    async with AsyncExitStack() as stack:
        logs = stack.enter_context(capture_logs())
        stage = await stack.enter_async_context(opened_stage(tmp_path, bus, store_url=pair.store))
        await stage.host(approve=True)
        await stage.publish(until_ms=system_clock() - 3_600_000)
        await lives(stage)
        await stage.hosts[0].let_go(inbox_lease(PARTITION), 0)
        await queue(stage)
        await operated(stage)
        held = await tables(stage)
        assert held == {*HOLDS, "audit"}
        await pair.files.know_values()
        assert await pair.files.with_any([USER])
        assert await pair.files.with_any([WORD])
        privacy = Privacy(stage.store, bus, GRAVES, clock=system_clock, partitions=TOPOLOGY.inbox)
        exported(await privacy.export(FIRST, USER))
        sent_before = await stage.client.sent(USER)
        asked_before = len(stage.assistant.asked)

        with pytest.raises(ConversationPreserved):
            await privacy.erase(FIRST, USER, by="mari", way=Way.CLI)
        assert await tables(stage) == held
        erasure = await privacy.erase(FIRST, USER, by="mari", way=Way.CLI, even_preserved=True)
        assert await left(stage) == ["tombstone.conversation"]

        # What was in the queue comes; what Instagram still lists is looked for.
        await stage.hosts[0].hold(stage.inbox[inbox_lease(PARTITION)])
        await look_for_missed(stage)
        await passed_by(stage, bus)
        assert await left(stage) == ["tombstone.conversation"]
        assert stage.hosts[0].conversations.live == 1, "only the passer-by is in memory"
        assert await stage.client.sent(USER) == sent_before
        assert len(stage.assistant.asked) == asked_before + 1

        await finished(stage, bus)
        assert await left(stage) == []
        assert told_in_spans(spans, (USER, WORD, ID)) == []
        assert await said_in_measures(stage) == []
        done = await stage.store.erasure(erasure.code)
        assert done is not None
        assert done.state is ErasureState.DONE
        assert logged(logs, (USER, WORD)) == []
        named = {key for one in logs for key, value in one.items() if ID in str(value)}
        assert named == {"conversation", "ledger_id"}, "the pseudonym, as it is documented"
        await pair.files.overwrite()
        assert await pair.files.with_any((USER, WORD)) == []

        # And who writes again is somebody new.
        await write(stage, "Tere, olen uus siin")
        await stage.until(lambda: drafts_of(stage, USER))
        question = stage.assistant.asked[-1]
        assert (question.user, question.history, question.summary) == (USER, (), "")
        assert WORD not in str(question)
        assert await traces(stage.store, WORD) == []


def exported(export: Export | None) -> None:
    """Everything that can be told apart is given out."""
    assert export is not None
    told = json.dumps(export.as_json(), ensure_ascii=False)
    parts = ("Kas näed", "pilt ja mustand", "kirjutab", "ootan", "ootan veel", "vaidlus")
    for part in parts:
        assert f"{WORD} {part}" in told, part
    # Nobody can read whose words stand in what is broken: it goes, and is not given out.
    assert f"{WORD} murtud" not in told


async def operated(stage: Stage) -> None:
    """What operators did with the conversation, and what is measured and counted besides."""
    assert await stage.store.preserve(ID, reason=f"{WORD} vaidlus", by="mari")
    await stage.store.mark_read(ID, 1, system_clock())
    for action in ("conversation.preserve", "conversation.take_over", "user.export"):
        await stage.store.audit(entry(action, ID))
    person = Person("mari", Role.ADMIN, "token")
    await begin(stage.store, Arrival(person, "grounds"), system_clock())
    reporter = Reporter(stage.store, new_identity("conversation", "node"), clock=system_clock)
    await reporter.tell()
    usage = UsageRow(account=FIRST, day="2026-11-28", model="m", purpose="answer", calls=1)
    await stage.store.add_usage([usage])


async def tables(stage: Stage) -> set[str]:
    """In which there is something of the user."""
    return {one.partition(".")[0] for one in await traces(stage.store, WORD, ID)}


def entry(action: str, target: str) -> AuditEntry:
    return AuditEntry(system_clock(), "mari", "admin", "token", action, target)


async def left(stage: Stage) -> list[str]:
    """Where something of the user still stands, but for which conversation operators worked with:
    the audit has its id, and no word of it.
    """
    found = await traces(stage.store, USER, WORD, ID)
    assert await traces(stage.store, USER, WORD) == []
    acts = [one for one in await stage.store.audit_entries(limit=50) if one.target == ID]
    assert {one.action for one in acts} <= {
        *("conversation.preserve", "conversation.take_over", "user.export")
    }
    return [one for one in found if one != "audit.target"]


async def said_in_measures(stage: Stage) -> list[str]:
    """Samples that do, of what processes told: it is kept packed."""
    heard = await stage.store.measures(600)
    samples = [
        str(sample)
        for one in heard
        for family in read_snapshot(one.body)
        for sample in family.samples
    ]
    assert samples
    return [one for one in samples for word in (USER, WORD, ID) if word in one]


async def lives(stage: Stage) -> None:
    """A text, a picture, a draft, a hand-over, dead letters; what was sent, with its echo."""
    await write(stage, f"{WORD} Kas näed?")
    await stage.until(lambda: drafts_of(stage, USER))
    (draft,) = await drafts_of(stage, USER)
    await act(stage, Act.APPROVE, turn=draft)
    await stage.got(USER, 1)
    async with stage.client.http.post(
        f"{stage.client.url}/control/media",
        data=picture(8, 8, shows=WORD),
        headers={"content-type": "image/png"},
    ) as response:
        url = (await response.json())["url"]
    await write(stage, f"{WORD} pilt ja mustand", attachments=[{"type": "image", "url": url}])
    await stage.until(lambda: drafts_of(stage, USER))
    await write(stage, f"{WORD} kirjutab, aga tahan rääkida inimesega")
    await stage.got(USER, 2)
    handed_over = await row(stage)
    assert (bool(handed_over.waiting_ms), WORD in handed_over.note) == (True, True)
    await write(stage, f"{WORD} ootan")
    await stage.until(lambda: waits(stage))
    broken = f'{{"v": 1, "events": [{{"user": "{USER}", "text": "{WORD} murtud'.encode()
    await stage.bus.publish(Queue.INBOX, PARTITION, [broken])
    await stage.until(lambda: letters(stage))
    lease = stage.inbox[inbox_lease(PARTITION)]
    assert await stage.store.give_up(lease, ID, reason="poison", now_ms=system_clock()) > 0
    await write(stage, f"{WORD} ootan veel")
    await stage.until(lambda: waits(stage))
    assert await drafts_of(stage, USER)


async def write(stage: Stage, text: str, *, user: str = USER, **more: object) -> None:
    """A user writes, and a webhook brings it."""
    await stage.client.control("messages", {"text": text, "user": user, **more})


async def queue(stage: Stage) -> None:
    """What lies in the queue and nobody has read: a message, an act, a broken delivery."""
    await write(stage, f"{WORD} järjekorras")
    await act(stage, Act.REPLY, text=f"{WORD} vastus")
    entry = f'"account": "{FIRST}", "user": "{USER}", "text": "{WORD} katki'.encode()
    await stage.bus.publish(Queue.INBOX, PARTITION, [entry])
    await stage.until(lambda: depth_is(stage, 3))


async def act(stage: Stage, what: Act, **fields: Any) -> None:  # noqa: ANN401 - of several types
    event = operator_event(
        what, account=FIRST, user=USER, identity=uuid4().hex, at_ms=system_clock(), **fields
    )
    message = encode(inbox_message((event,), at_ms=system_clock()))
    await stage.bus.publish(Queue.INBOX, PARTITION, [message])


async def drafts_of(stage: Stage, user: str) -> list[int]:
    return [one.turn for one in await stage.store.drafts(limit=9) if one.user == user]


async def row(stage: Stage) -> ConversationRow:
    return (await stage.store.load([ID], 100))[ID]


async def waits(stage: Stage) -> bool:
    return bool((await row(stage)).pending)


async def letters(stage: Stage) -> bool:
    return bool(await stage.store.dead_letters(limit=9))


async def depth_is(stage: Stage, least: int) -> bool:
    return await stage.bus.depth(Queue.INBOX, PARTITION) >= least


async def look_for_missed(stage: Stage) -> None:
    """Has Instagram's listing read, in which everything still is."""
    done = stage.services[-1].stats().searched
    wish = SearchRequest(account=FIRST, since_ms=system_clock() - 3_600_000)
    bell = encode(outbox_message((), at_ms=system_clock(), searches=(wish,)))
    await stage.bus.publish(Queue.OUTBOX, 0, [bell])
    await stage.searched(done + 1)


async def passed_by(stage: Stage, bus: Bus) -> None:
    """Somebody else writes after all that, through each partition, and is heard."""
    await write(stage, "Tere möödaminnes", user=OTHER)
    await stage.until(lambda: drafts_of(stage, OTHER))
    async with asyncio.timeout(15):
        while await bus.depth(Queue.INBOX, PARTITION):
            await asyncio.sleep(0.02)


async def finished(stage: Stage, bus: Bus) -> None:
    """The second look, a quarter of an hour later, and storage reclaimed."""
    await tomb_times(stage.store, sweep_ms=1)
    finisher = Finisher(stage.store, bus, reclaim_after_ms=-1)
    async with asyncio.timeout(15):
        while not (await finisher.round()).done:
            await asyncio.sleep(0.05)
