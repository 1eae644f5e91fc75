"""The Graph client against real sockets: what it takes for not sent."""

from __future__ import annotations

import json
import socket

import pytest

from tests.integration.graph_support import (
    ACCOUNT,
    SENT,
    TEXT,
    USER,
    Connection,
    answering,
    failure,
    graph,
    send_failure,
    token_of,
)
from vestlus.errors import NotSent, Refused, TokenRejected
from vestlus.instagram.graph import GraphClient

# What is certainly not sent, because nothing was written.


async def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with GraphClient(f"http://127.0.0.1:{taken.getsockname()[1]}/v25.0", token_of) as c:
            error = await failure(c.send_text(ACCOUNT, USER, TEXT))
    assert (type(error), error.reason, error.code) == (NotSent, "no_connection", 0)


async def test_a_host_without_an_address_is_not_sent() -> None:
    async with GraphClient("http://graph.invalid/v25.0", token_of, timeout=5) as client:
        error = await failure(client.send_text(ACCOUNT, USER, TEXT))
    assert type(error) is NotSent
    # Without a name server the same takes until the timeout.
    assert error.reason in {"no_address", "timeout"}


async def test_a_server_that_speaks_no_tls_is_not_sent() -> None:
    async def script(connection: Connection) -> None:
        await connection.reader.read(1)
        await connection.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with graph(script, scheme="https") as running:
        assert await send_failure(running) == (NotSent, "tls")


async def test_a_timeout_before_there_is_a_connection_is_not_sent() -> None:
    async def script(connection: Connection) -> None:
        await connection.client_end()

    # The handshake of TLS never goes on, so that no request can be written.
    async with graph(script, scheme="https", seconds=0.2) as running:
        assert await send_failure(running) == (NotSent, "timeout")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text_empty"),
        ("a" * 1001, "text_too_long"),
        ("ä" * 501, "text_too_long"),
        ("\ud800", "text_not_unicode"),
    ],
)
async def test_a_text_that_meta_cannot_take_is_refused_unsent(text: str, reason: str) -> None:
    async with graph(answering(SENT)) as running:
        error = await failure(running.client.send_text(ACCOUNT, USER, text))
        assert (type(error), error.reason) == (Refused, reason)
        assert running.requests == []


async def test_a_text_of_exactly_1000_bytes_is_sent() -> None:
    async with graph(answering(SENT)) as running:
        await running.client.send_text(ACCOUNT, USER, "ä" * 500)
        assert json.loads(running.requests[0].body)["message"]["text"] == "ä" * 500


@pytest.mark.parametrize(
    ("account", "reason"),
    [("nobody", "token_missing"), ("broken", "token_malformed"), ("empty", "token_malformed")],
)
async def test_without_a_usable_token_nothing_is_sent(account: str, reason: str) -> None:
    async with graph(answering(SENT)) as running:
        error = await failure(running.client.send_text(account, USER, TEXT))
        assert (type(error), error.reason) == (TokenRejected, reason)
        assert running.connections == 0


@pytest.mark.parametrize("account", ["", ".", ".."])
async def test_an_account_that_is_no_path_segment_is_refused(account: str) -> None:
    async with graph(answering(SENT)) as running:
        error = await failure(running.client.send_text(account, USER, TEXT))
        assert (type(error), error.reason) == (Refused, "bad_node_id")
