"""Broken and forged requests do no harm: a short form of ``make fuzz``."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from tests.fuzzing.requests import OPERATOR, Thrown, thrown
from tests.fuzzing.run import memory, reached, serving, told
from tests.fuzzing.throwing import throw
from tests.fuzzing.visiting import sign_in

SEED = 20261128
REQUESTS = 1_500
#: What a replica may keep of so few requests: caches and the allocator's leavings. It finds what
#: grows by whole bodies; a small leak is found by ``make fuzz``, over many more requests.
MOST_BYTES = 25 * 2**20


async def test_whatever_is_thrown_at_a_replica_it_answers_without_an_error_and_does_not_grow(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as (port, pid):
        await reached(port)
        coming = thrown(SEED, await sign_in(port, OPERATOR))
        await throw(port, itertools.islice(coming, 500))
        before = memory(pid)
        outcomes = await throw(port, itertools.islice(coming, REQUESTS))
        after = memory(pid)
    assert not outcomes.errors, "\n".join(told(outcomes))
    assert after - before < MOST_BYTES
    # Each surface was really reached, behind its token or signature, and refused forgers besides.
    seen = set(outcomes.statuses)
    assert {("/webhook", 200), ("/webhook", 401), ("/webhook", 400)} <= seen
    assert {("/events", 202), ("/events", 401), ("/api/v1", 200), ("/api/v1", 401)} <= seen
    assert {("/data-deletion", 200), ("/data-deletion", 400)} <= seen
    # Pages and acts of somebody who is signed in, not the way to the sign-in.
    assert {("signed in", 200), ("signed in", 404)} <= seen


async def test_an_error_is_found_and_told() -> None:
    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(fail, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        request = b"GET /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        outcomes = await throw(port, [Thrown("pages", request)])
    assert [status for status, _ in outcomes.errors] == [500]
    assert any("/x" in line for line in told(outcomes))


def test_the_same_seed_makes_the_same_requests() -> None:
    first, again = (list(itertools.islice(thrown(SEED), 200)) for _ in range(2))
    assert first == again
    assert first != list(itertools.islice(thrown(SEED + 1), 200))
