"""Entries of the audit that wait for the store: by one writer, so many, and none unseen."""

from __future__ import annotations

import asyncio
from typing import cast

from structlog.testing import capture_logs

from vestlus.console.waiting import WaitingEntries
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.measuring.catalogue import REGISTRY
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store


def entry(action: str) -> AuditEntry:
    return AuditEntry(1, "Mari", "admin", "token", action)


def lost(reason: str) -> float:
    labels = {"reason": reason}
    return REGISTRY.get_sample_value("vestlus_audit_entries_lost_total", labels) or 0.0


class Audit:
    """A store's audit that goes away and comes back."""

    def __init__(self) -> None:
        self.away = True
        self.refused: dict[str, Exception] = {}
        self.written: list[str] = []
        self.tries: list[str] = []
        self.tried = asyncio.Event()
        self.last = asyncio.Event()

    def find(self) -> Store:
        return cast("Store", self)

    async def audit(self, one: AuditEntry) -> None:
        self.tries.append(one.action)
        self.tried.set()
        if self.away:
            raise StoreUnavailable("away")
        if one.action in self.refused:
            raise self.refused[one.action]
        self.written.append(one.action)
        if one.action == "last":
            self.last.set()


async def test_one_writer_waits_with_all_of_them_and_writes_them_in_order() -> None:
    audit, waiting = Audit(), WaitingEntries()
    for action in ("first", "second", "last"):
        waiting.add(audit.find, entry(action))
    await audit.tried.wait()
    assert set(audit.tries) == {"first"}
    audit.away = False
    await audit.last.wait()
    assert audit.written == ["first", "second", "last"]


async def test_more_than_there_is_room_for_are_lost_counted_and_logged() -> None:
    audit, waiting, before = Audit(), WaitingEntries(2), lost("full")
    with capture_logs() as logs:
        for action in ("first", "last", "third", "fourth"):
            waiting.add(audit.find, entry(action))
    told = [(one["event"], one["action"]) for one in logs]
    assert told == [
        ("audit_entry_waits", "first"),
        ("audit_entry_waits", "last"),
        ("audit_entry_lost", "third"),
        ("audit_entry_lost", "fourth"),
    ]
    assert lost("full") - before == 2
    audit.away = False
    await audit.last.wait()
    assert audit.written == ["first", "last"]


async def test_what_the_store_refuses_is_lost_and_those_behind_it_are_written() -> None:
    audit, waiting = Audit(), WaitingEntries()
    audit.away = False
    audit.refused = {"first": ValuesRefused("too long"), "second": RuntimeError("a bug")}
    before = lost("refused"), lost("failed")
    for action in ("first", "second", "last"):
        waiting.add(audit.find, entry(action))
    await audit.last.wait()
    assert audit.tries == ["first", "second", "last"]
    assert (lost("refused") - before[0], lost("failed") - before[1]) == (1, 1)


async def test_after_all_are_written_others_may_wait() -> None:
    audit, waiting = Audit(), WaitingEntries()
    audit.away = False
    for _ in range(2):
        audit.last.clear()
        waiting.add(audit.find, entry("last"))
        await audit.last.wait()
    assert audit.written == ["last", "last"]


def test_what_still_waits_when_the_process_ends_is_told() -> None:
    before = lost("ended")

    async def process() -> None:
        audit, waiting = Audit(), WaitingEntries()
        for action in ("first", "last"):
            waiting.add(audit.find, entry(action))
        await audit.tried.wait()

    asyncio.run(process())
    assert lost("ended") - before == 2
