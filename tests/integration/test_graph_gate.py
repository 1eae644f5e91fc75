"""The gate before a request's first byte, on real connections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.graph_support import ACCOUNT, TEXT, USER, Connection, answering, graph
from vestlus.errors import HeldBack, NotSent, OutcomeUnknown

SENT = {"recipient_id": USER, "message_id": "m1"}


async def test_a_request_is_written_when_its_gate_lets_it_and_not_before() -> None:
    opens = asyncio.Event()
    waits = asyncio.Event()

    async def gate() -> bool:
        waits.set()
        await opens.wait()
        return True

    async with graph(answering(SENT)) as running:
        sending = asyncio.create_task(running.client.send_text(ACCOUNT, USER, TEXT, gate=gate))
        await waits.wait()
        # Its connection is there already, so that nothing is waited for after the gate.
        assert running.connections == 1
        await asyncio.sleep(0.05)
        assert not running.requests
        opens.set()
        assert await sending == "m1"
        assert len(running.requests) == 1


async def test_nothing_runs_between_the_gate_and_the_writing() -> None:
    passed: list[int] = []
    ran = 0

    async def count() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    async def gate() -> bool:
        await asyncio.sleep(0.01)
        passed.append(ran)
        return True

    async with graph(answering(SENT)) as running:
        http = running.client._http
        counting = asyncio.create_task(count())
        assert http._session is not None
        connector = http._session.connector
        assert connector is not None
        written: list[int] = []
        await running.client.send_text(ACCOUNT, USER, TEXT)
        (kept,) = next(iter(connector._conns.values()))
        transport = kept[0].transport
        assert transport is not None
        write = transport.write

        def noting(data: bytes | bytearray | memoryview[Any]) -> None:
            written.append(ran)
            write(data)

        transport.write = noting  # type: ignore[method-assign]
        await running.client.send_text(ACCOUNT, USER, TEXT, gate=gate)
        counting.cancel()
    assert written == passed


async def test_what_the_gate_keeps_back_is_not_written_and_not_in_doubt() -> None:
    async def gate() -> bool:
        return False

    async with graph(answering(SENT)) as running:
        with pytest.raises(HeldBack):
            await running.client.send_text(ACCOUNT, USER, TEXT, gate=gate)
        assert await running.client.send_text(ACCOUNT, USER, TEXT) == "m1"
        assert len(running.requests) == 1


async def test_a_request_that_was_given_up_at_the_gate_is_not_written_later() -> None:
    opens = asyncio.Event()

    async def gate() -> bool:
        # As one that does not hear of being cancelled.
        await asyncio.shield(asyncio.create_task(opens.wait()))
        return True

    async with graph(answering(SENT), seconds=0.2) as running:
        with pytest.raises(NotSent, match="timeout"):
            await running.client.send_text(ACCOUNT, USER, TEXT, gate=gate)
        opens.set()
        await asyncio.sleep(0.05)
        assert not running.requests


async def test_a_request_cut_after_its_gate_is_in_doubt() -> None:
    async def cut(connection: Connection) -> None:
        await connection.request()

    async def gate() -> bool:
        return True

    async with graph(cut) as running:
        with pytest.raises(OutcomeUnknown):
            await running.client.send_text(ACCOUNT, USER, TEXT, gate=gate)
