"""The Graph client against real sockets: what it takes for unknown, and for refused."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.integration.graph_support import (
    ACCOUNT,
    SENT,
    TEXT,
    USER,
    Connection,
    Script,
    answering,
    bad_gzip,
    cut_after_request,
    cut_before_reading,
    cut_in_a_refusal,
    cut_in_the_answer,
    cut_in_the_headers,
    failure,
    graph,
    no_http,
    reset_after_request,
    reset_before_reading,
    send_failure,
    too_large,
)
from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused, Throttled, TokenRejected

UNKNOWN: dict[str, tuple[Script, set[str]]] = {
    "cut_after_request": (cut_after_request, {"disconnected"}),
    "reset_after_request": (reset_after_request, {"disconnected"}),
    "cut_in_the_answer": (cut_in_the_answer, {"answer_cut"}),
    "cut_in_a_refusal": (cut_in_a_refusal, {"answer_cut"}),
    "cut_in_the_headers": (cut_in_the_headers, {"disconnected"}),
    "no_http": (no_http, {"answer_malformed"}),
    "too_large": (too_large, {"answer_too_large"}),
    "bad_gzip": (bad_gzip, {"answer_cut", "answer_malformed"}),
    "not_json": (answering(b"<html>"), {"no_message_id"}),
    "empty": (answering(b""), {"no_message_id"}),
    "deep": (answering(b"[" * 100_000), {"no_message_id"}),
    "no_message_id": (answering({"recipient_id": USER}), {"no_message_id"}),
    "empty_message_id": (answering({"message_id": ""}), {"no_message_id"}),
    "message_id_of_a_wrong_type": (answering({"message_id": 7}), {"no_message_id"}),
    "a_list": (answering([SENT]), {"no_message_id"}),
    "error_with_200": (answering({"error": {"code": 4711}}), {"graph_4711"}),
    "code_1": (answering({"error": {"code": 1}}, 500), {"unknown_error"}),
    "code_1_with_400": (answering({"error": {"code": 1}}, 400), {"unknown_error"}),
    "code_2": (answering({"error": {"code": 2}}, 503), {"temporary_error"}),
    "http_500": (answering(b"oops", 500), {"http_500"}),
    "http_502": (answering(b"<html>bad gateway", 502), {"http_502"}),
    "redirect": (answering(b"", 302, {"Location": "/elsewhere"}), {"http_302"}),
}


@pytest.mark.parametrize("fault", UNKNOWN)
async def test_bytes_written_and_no_usable_answer_is_unknown(fault: str) -> None:
    script, reasons = UNKNOWN[fault]
    async with graph(script) as running:
        kind, reason = await send_failure(running)
        assert kind is OutcomeUnknown
        assert reason in reasons
        # Neither repeated nor followed.
        assert len(running.requests) == 1


@pytest.mark.parametrize("script", [cut_before_reading, reset_before_reading])
async def test_a_connection_cut_at_once_is_not_taken_for_sent(script: Script) -> None:
    # Whether the request was written when the cut came is for the kernel to know; with nothing
    # written it is NotSent, and anything else must be looked into.
    async with graph(script) as running:
        kind, reason = await send_failure(running)
        assert (kind, reason) in {(OutcomeUnknown, "disconnected"), (NotSent, "no_connection")}


async def test_a_timeout_after_writing_is_unknown_and_aborts_the_socket() -> None:
    ends: list[str] = []

    async def hangs(connection: Connection) -> None:
        await connection.request()
        ends.append(await connection.client_end())

    async with graph(hangs, seconds=0.2) as running:
        assert await send_failure(running) == (OutcomeUnknown, "timeout")
        assert len(running.requests) == 1
    assert ends == ["reset"]


async def test_a_timeout_within_the_answer_is_unknown_and_aborts_the_socket() -> None:
    ends: list[str] = []

    async def hangs(connection: Connection) -> None:
        await connection.request()
        await connection.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        ends.append(await connection.client_end())

    async with graph(hangs, seconds=0.2) as running:
        assert await send_failure(running) == (OutcomeUnknown, "timeout")
    assert ends == ["reset"]


async def test_a_cancelled_send_aborts_the_socket() -> None:
    reached = asyncio.Event()
    ends: list[str] = []

    async def hangs(connection: Connection) -> None:
        await connection.request()
        reached.set()
        ends.append(await connection.client_end())

    async with graph(hangs) as running:
        call = asyncio.create_task(running.client.send_text(ACCOUNT, USER, TEXT))
        await reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert ends == ["reset"]


async def test_a_kept_connection_cut_at_the_second_request_is_unknown_and_not_repeated() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.answer(SENT)
        await connection.request()

    async with graph(script) as running:
        await running.client.send_text(ACCOUNT, USER, TEXT)
        assert await send_failure(running) == (OutcomeUnknown, "disconnected")
        assert (len(running.requests), running.connections) == (2, 1)


async def test_a_kept_connection_known_to_be_closed_is_replaced() -> None:
    noticed = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.answer(SENT)
        connection.writer.write_eof()
        await connection.client_end()
        noticed.set()

    async with graph(script) as running:
        await running.client.send_text(ACCOUNT, USER, TEXT)
        await asyncio.wait_for(noticed.wait(), 5)
        assert await running.client.send_text(ACCOUNT, USER, TEXT) == "aWdf-1"
        assert running.connections == 2


# What Graph refuses.


@pytest.mark.parametrize(
    ("content", "status", "kind", "reason"),
    [
        ({"error": {"code": 10, "error_subcode": 2534022}}, 400, Refused, "outside_window"),
        ({"error": {"code": 100, "error_subcode": 2534014}}, 400, Refused, "no_matching_user"),
        ({"error": {"code": 190, "error_subcode": 463}}, 401, TokenRejected, "token_expired"),
        ({"error": {"code": 4711}}, 400, Refused, "graph_4711"),
        (b"<html>not found", 404, Refused, "http_404"),
        (b"", 429, Throttled, "http_429"),
    ],
)
async def test_a_refusal_is_what_its_code_says(
    content: object, status: int, kind: type[GraphError], reason: str
) -> None:
    async with graph(answering(content, status)) as running:
        assert await send_failure(running) == (kind, reason)


async def test_a_throttled_account_is_told_how_long_to_wait() -> None:
    usage = {ACCOUNT: [{"type": "messenger", "estimated_time_to_regain_access": 7}]}
    headers = {"x-business-use-case-usage": json.dumps(usage)}
    limited = {"error": {"message": TEXT, "code": 613, "error_subcode": 2534040}}
    async with graph(answering(limited, 400, headers)) as running:
        error = await failure(running.client.send_text(ACCOUNT, USER, TEXT))
        assert isinstance(error, Throttled)
        assert (error.reason, error.code, error.retry_after) == ("throttled", 613, 420)
