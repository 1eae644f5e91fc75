"""The Graph client against real sockets: what it takes for sent, not sent and unknown."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from tests.fakes.measures import measured
from vestlus.errors import GraphError, NotSent, OutcomeUnknown, Refused, Throttled, TokenRejected
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.graph_http import MAX_ANSWER_BYTES
from vestlus.instagram.port import Messaging, PictureToSend, RecentMessage
from vestlus.instagram.usage import Usage

ACCOUNT = "17841400000000001"
USER = "900000000000002"
TOKEN = "IGAA-the-access-token"
TEXT = "Tere! Avame kell üheksa."
SENT = {"recipient_id": USER, "message_id": "aWdf-1"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """The server's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Request:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.rstrip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        url = urlsplit(target)
        return Request(
            method,
            url.path,
            {name: values[0] for name, values in parse_qs(url.query).items()},
            headers,
            await self.reader.readexactly(int(headers.get("content-length", "0"))),
        )

    async def answer(
        self, content: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Closes with a reset instead of an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()

    async def client_end(self) -> str:
        """Waits until the client ends the connection, and says how."""
        try:
            while await self.reader.read(4096):
                pass
        except ConnectionResetError:
            return "reset"
        return "closed"


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class Graph:
    """A server that follows a script, and a client that calls it."""

    client: GraphClient
    usages: list[Usage] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


def token_of(account: str) -> str:
    return {ACCOUNT: TOKEN, "broken": "a\r\nb: c", "empty": ""}[account]


@asynccontextmanager
async def graph(
    script: Script, *, scheme: str = "http", seconds: float = 5.0
) -> AsyncIterator[Graph]:
    """Runs the script for each connection. A script that fails fails the test."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            await script(_Recording(reader, writer, running.requests))
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    usages: list[Usage] = []
    client = GraphClient(
        f"{scheme}://127.0.0.1:{port}/v25.0",
        token_of,
        timeout=seconds,
        on_usage=lambda _, usage: usages.append(usage),
    )
    running = Graph(client, usages)
    try:
        async with client:
            yield running
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        await server.wait_closed()


class _Recording(Connection):
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[Request]
    ) -> None:
        super().__init__(reader, writer)
        self._seen = seen

    async def request(self) -> Request:
        request = await super().request()
        self._seen.append(request)
        return request


def answering(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Script:
    """Gives every request on a connection the same answer, until the client closes it."""
    return answering_in_turn([(content, status, headers)], repeat=True)


def answering_in_turn(
    answers: list[tuple[object, int, dict[str, str] | None]], *, repeat: bool = False
) -> Script:
    left = list(answers)

    async def script(connection: Connection) -> None:
        while True:
            try:
                await connection.request()
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return
            content, status, headers = left[0] if repeat else left.pop(0)
            await connection.answer(content, status, headers)

    return script


async def failure(call: Awaitable[object]) -> GraphError:
    """The error of a call, which must tell nothing of whom, what and with which token."""
    with structlog.testing.capture_logs() as logs, pytest.raises(GraphError) as caught:
        await call
    error = caught.value
    told = f"{error!r} {error} {vars(error)} {error.__cause__!r} {logs}"
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert not [secret for secret in (TOKEN, USER, TEXT, "127.0.0.1") if secret in told]
    return error


async def send_failure(running: Graph) -> tuple[type[GraphError], str]:
    error = await failure(running.client.send_text(ACCOUNT, USER, TEXT))
    return type(error), error.reason


# What is sent.


async def test_a_text_is_sent_as_meta_documents_it_and_its_message_id_returned() -> None:
    async with graph(answering(SENT)) as running:
        messaging: Messaging = running.client
        assert await messaging.send_text(ACCOUNT, USER, TEXT) == "aWdf-1"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/messages")
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["content-type"] == "application/json"
        assert TOKEN not in request.path + str(request.query)
        assert json.loads(request.body) == {"recipient": {"id": USER}, "message": {"text": TEXT}}


async def test_one_connection_serves_many_requests() -> None:
    async with graph(answering(SENT)) as running:
        for _ in range(5):
            await running.client.send_text(ACCOUNT, USER, TEXT)
        assert (len(running.requests), running.connections) == (5, 1)


async def test_no_request_waits_for_another() -> None:
    arrived = asyncio.Semaphore(0)
    release = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.release()
        await release.wait()
        await connection.answer(SENT)

    async with graph(script) as running:
        calls = [
            asyncio.create_task(running.client.send_text(ACCOUNT, USER, TEXT)) for _ in range(150)
        ]
        async with asyncio.timeout(5):
            for _ in calls:
                await arrived.acquire()
        release.set()
        assert set(await asyncio.gather(*calls)) == {"aWdf-1"}


@pytest.mark.parametrize("action", ["typing_on", "typing_off", "mark_seen"])
async def test_a_sender_action_is_sent_without_a_message(action: str) -> None:
    async with graph(answering({"recipient_id": USER})) as running:
        await running.client.sender_action(ACCOUNT, USER, action)  # type: ignore[arg-type]
        assert json.loads(running.requests[0].body) == {
            "recipient": {"id": USER},
            "sender_action": action,
        }


async def test_an_answer_without_usage_headers_leaves_the_measure_of_usage_as_it_was() -> None:
    usage = {"X-App-Usage": '{"call_count":42}'}
    async with graph(answering_in_turn([(SENT, 200, usage), (SENT, 200, None)])) as running:
        for _ in range(2):
            await running.client.send_text(ACCOUNT, USER, TEXT)
            assert measured("vestlus_graph_usage_ratio", account=ACCOUNT) == 0.42


async def test_usage_headers_are_passed_on_from_successes_and_failures() -> None:
    usage = {"X-App-Usage": '{"call_count":42}'}
    script = answering_in_turn([(SENT, 200, usage), ({"error": {"code": 100}}, 400, usage)])
    async with graph(script) as running:
        await running.client.send_text(ACCOUNT, USER, TEXT)
        await send_failure(running)
        assert [usage.percent for usage in running.usages] == [42, 42]


LINK = PictureToSend(url="https://media.example/a.png?sig=1")
KEPT = PictureToSend(attachment_id="1234567890123456")


@pytest.mark.parametrize(
    ("picture", "payload"),
    [(LINK, {"url": LINK.url}), (KEPT, {"attachment_id": KEPT.attachment_id})],
)
async def test_one_picture_is_one_attachment(
    picture: PictureToSend, payload: dict[str, str]
) -> None:
    async with graph(answering(SENT)) as running:
        messaging: Messaging = running.client
        assert await messaging.send_pictures(ACCOUNT, USER, [picture]) == "aWdf-1"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/messages")
        assert json.loads(request.body) == {
            "recipient": {"id": USER},
            "message": {"attachment": {"type": "image", "payload": payload}},
        }


@pytest.mark.parametrize("count", [2, 10])
async def test_several_pictures_are_one_message_in_their_order(count: int) -> None:
    pictures = [KEPT if n % 2 else LINK for n in range(count)]
    async with graph(answering(SENT)) as running:
        assert await running.client.send_pictures(ACCOUNT, USER, pictures) == "aWdf-1"
        (request,) = running.requests
        message = json.loads(request.body)["message"]
        assert list(message) == ["attachments"]
        assert [one["type"] for one in message["attachments"]] == ["image"] * count
        assert [list(one["payload"]) for one in message["attachments"]] == [
            ["attachment_id"] if n % 2 else ["url"] for n in range(count)
        ]


@pytest.mark.parametrize(("count", "reason"), [(0, "no_pictures"), (11, "too_many_pictures")])
async def test_no_pictures_or_too_many_are_refused_unsent(count: int, reason: str) -> None:
    async with graph(answering(SENT)) as running:
        error = await failure(running.client.send_pictures(ACCOUNT, USER, [LINK] * count))
        assert (type(error), error.reason) == (Refused, reason)
        assert running.requests == []


async def test_the_tag_of_a_person_is_on_messages_that_ask_for_it_and_on_no_other() -> None:
    async with graph(answering(SENT)) as running:
        client = running.client
        await client.send_text(ACCOUNT, USER, TEXT, human_agent=True)
        await client.send_pictures(ACCOUNT, USER, [LINK, KEPT], human_agent=True)
        await client.send_text(ACCOUNT, USER, TEXT)
        await client.send_pictures(ACCOUNT, USER, [LINK])
        await client.sender_action(ACCOUNT, USER, "typing_on")
        bodies = [json.loads(request.body) for request in running.requests]
        assert [body.get("tag") for body in bodies] == ["HUMAN_AGENT"] * 2 + [None] * 3
        assert [body.get("messaging_type") for body in bodies] == ["MESSAGE_TAG"] * 2 + [None] * 3


@pytest.mark.parametrize("told", ["1234567890123456", 1234567890123456])
async def test_an_upload_is_reusable_and_its_id_returned(told: object) -> None:
    async with graph(answering({"attachment_id": told})) as running:
        assert await running.client.upload_picture(ACCOUNT, LINK.url) == "1234567890123456"
        (request,) = running.requests
        assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/message_attachments")
        payload = {"url": LINK.url, "is_reusable": True}
        assert json.loads(request.body) == {
            "message": {"attachment": {"type": "image", "payload": payload}}
        }


@pytest.mark.parametrize("content", [b"", [], {}, {"attachment_id": ""}, {"attachment_id": []}])
async def test_an_upload_without_an_id_is_none(content: object) -> None:
    async with graph(answering(content)) as running:
        error = await failure(running.client.upload_picture(ACCOUNT, LINK.url))
        assert (type(error), error.reason) == (OutcomeUnknown, "no_attachment_id")


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


# What may have been sent.


async def cut_after_request(connection: Connection) -> None:
    await connection.request()


async def reset_after_request(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def cut_before_reading(connection: Connection) -> None:
    connection.writer.close()


async def reset_before_reading(connection: Connection) -> None:
    connection.reset()


async def cut_in_the_answer(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"message_id"')


async def cut_in_a_refusal(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{"error":')


async def cut_in_the_headers(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b"HTTP/1.1 200 OK\r\nContent-Le")


async def no_http(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b"this is not HTTP\r\n\r\n")


async def too_large(connection: Connection) -> None:
    await connection.request()
    try:
        await connection.answer(b" " * (MAX_ANSWER_BYTES + 1))
    except ConnectionResetError:
        return  # the client has had enough


async def bad_gzip(connection: Connection) -> None:
    await connection.request()
    await connection.answer(b"not gzip", headers={"Content-Encoding": "gzip"})


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


# Reading.


def listed(*messages: object) -> list[tuple[object, int, dict[str, str] | None]]:
    return [
        ({"data": [{"id": "aWdf/conv=="}]}, 200, None),
        ({"messages": {"data": list(messages)}, "id": "aWdf/conv=="}, 200, None),
    ]


def written(mid: str, second: int, text: str | None = "Tere!") -> dict[str, object]:
    said = {} if text is None else {"message": text}
    return {
        "id": mid,
        "created_time": f"2025-02-21T17:00:{second:02}+0000",
        "from": {"id": ACCOUNT, "username": "shop"},
        "to": {"data": [{"id": USER, "username": "person"}]},
        **said,
    }


async def test_recent_messages_come_from_two_calls_newest_first() -> None:
    script = answering_in_turn(listed(written("m1", 1), written("m3", 3, None), written("m2", 2)))
    async with graph(script) as running:
        messages = await running.client.recent_messages(ACCOUNT, USER)
        assert messages == (
            RecentMessage("m3", ACCOUNT, "", 1740157203000),
            RecentMessage("m2", ACCOUNT, "Tere!", 1740157202000),
            RecentMessage("m1", ACCOUNT, "Tere!", 1740157201000),
        )
        first, second = running.requests
        assert (first.method, first.path) == ("GET", f"/v25.0/{ACCOUNT}/conversations")
        assert first.query == {"platform": "instagram", "user_id": USER}
        assert second.path == "/v25.0/aWdf%2Fconv%3D%3D"
        assert second.query == {"fields": "messages{id,created_time,from,to,message,attachments}"}
        assert {one.headers["authorization"] for one in running.requests} == {f"Bearer {TOKEN}"}


async def test_recent_messages_tell_how_many_attachments_they_have() -> None:
    two = {"attachments": {"data": [{"id": "1"}, {"id": "2"}], "paging": {}}}
    none: dict[str, object] = {"attachments": {"data": []}}
    script = answering_in_turn(
        listed(
            {**written("m3", 3, ""), **two},
            {**written("m2", 2), **none},
            {**written("m1", 1), "attachments": None},
        )
    )
    async with graph(script) as running:
        messages = await running.client.recent_messages(ACCOUNT, USER)
        assert [(message.mid, message.attachments) for message in messages] == [
            ("m3", 2),
            ("m2", 0),
            ("m1", 0),
        ]


async def test_at_most_the_20_newest_messages_are_returned() -> None:
    script = answering_in_turn(listed(*[written(f"m{n}", n) for n in range(30)]))
    async with graph(script) as running:
        messages = await running.client.recent_messages(ACCOUNT, USER)
        assert [message.mid for message in messages] == [f"m{n}" for n in range(29, 9, -1)]


async def test_messages_of_one_second_keep_graphs_order() -> None:
    script = answering_in_turn(listed(written("newer", 5), written("older", 5)))
    async with graph(script) as running:
        messages = await running.client.recent_messages(ACCOUNT, USER)
        assert [message.mid for message in messages] == ["newer", "older"]


async def test_no_conversation_is_no_messages() -> None:
    async with graph(answering({"data": []})) as running:
        assert await running.client.recent_messages(ACCOUNT, USER) == ()


UNREADABLE: list[object] = [
    written("", 1),
    {**written("m", 1), "id": None},
    {**written("m", 1), "from": {}},
    {**written("m", 1), "from": "me"},
    {**written("m", 1), "created_time": "yesterday"},
    {**written("m", 1), "created_time": None},
    {**written("m", 1), "message": ["x"]},
    {**written("m", 1), "attachments": ["x"]},
    {**written("m", 1), "attachments": {"data": 2}},
    "text",
    None,
]


@pytest.mark.parametrize("bad", UNREADABLE, ids=str)
async def test_a_list_with_one_unreadable_message_is_no_proof_of_absence(bad: object) -> None:
    async with graph(answering_in_turn(listed(written("m1", 1), bad))) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "answer_malformed")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", [], {}, {"data": {}}, {"data": [{}]}, {"data": ["x"]}], ids=str
)
async def test_an_unreadable_list_of_conversations_may_be_asked_for_again(content: object) -> None:
    async with graph(answering(content)) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "answer_malformed")


@pytest.mark.parametrize("script", [cut_after_request, cut_in_the_answer, no_http, too_large])
async def test_a_read_that_fails_has_done_nothing_and_may_be_repeated(script: Script) -> None:
    async with graph(script) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert type(error) is NotSent


async def test_a_read_that_hangs_ends_in_time() -> None:
    async def hangs(connection: Connection) -> None:
        await connection.request()
        await connection.client_end()

    async with graph(hangs, seconds=0.2) as running:
        error = await failure(running.client.recent_messages(ACCOUNT, USER))
        assert (type(error), error.reason) == (NotSent, "timeout")


async def test_a_read_may_be_throttled_or_refused() -> None:
    async with graph(answering({"error": {"code": 613}}, 400)) as running:
        assert type(await failure(running.client.recent_messages(ACCOUNT, USER))) is Throttled
    async with graph(answering({"error": {"code": 190}}, 401)) as running:
        assert type(await failure(running.client.me(ACCOUNT))) is TokenRejected


async def test_me_tells_both_ids_apart() -> None:
    content = {"id": "2500000000000001", "user_id": ACCOUNT, "username": "shop"}
    async with graph(answering(content)) as running:
        assert await running.client.me(ACCOUNT) == Me("2500000000000001", ACCOUNT, "shop")
        assert running.requests[0].query == {"fields": "id,user_id,username"}
    async with graph(answering({"id": "2500000000000001"})) as running:
        assert type(await failure(running.client.me(ACCOUNT))) is NotSent


async def test_subscribed_apps_tells_the_fields() -> None:
    content = {"data": [{"id": "1", "subscribed_fields": ["messages", "comments"]}, {"id": "2"}]}
    async with graph(answering(content)) as running:
        assert await running.client.subscribed_apps(ACCOUNT) == ("comments", "messages")
        assert running.requests[0].path == f"/v25.0/{ACCOUNT}/subscribed_apps"
    async with graph(answering({"data": []})) as running:
        assert await running.client.subscribed_apps(ACCOUNT) == ()
    async with graph(answering({"data": [{"subscribed_fields": "messages"}]})) as running:
        assert type(await failure(running.client.subscribed_apps(ACCOUNT))) is NotSent


# Its life.


async def test_a_client_that_is_not_open_says_so() -> None:
    client = GraphClient("http://127.0.0.1:9/v25.0", token_of)
    with pytest.raises(RuntimeError, match="async with"):
        await client.send_text(ACCOUNT, USER, TEXT)
    async with client:
        pass
    with pytest.raises(RuntimeError, match="async with"):
        await client.send_text(ACCOUNT, USER, TEXT)


async def test_webhook_fields_are_subscribed_to_in_one_call() -> None:
    async with graph(answering({"success": True})) as running:
        await running.client.subscribe(ACCOUNT, {"messages", "comments"})

    (request,) = running.requests
    assert (request.method, request.path) == ("POST", f"/v25.0/{ACCOUNT}/subscribed_apps")
    assert (request.query, request.body) == ({"subscribed_fields": "comments,messages"}, b"")


async def test_whoever_keeps_tokens_hears_of_one_that_is_rejected_and_of_nothing_else() -> None:
    heard: list[tuple[str, str, str]] = []
    answers = iter(
        [
            {"error": {"code": 190, "error_subcode": 460}},
            {"error": {"code": 10, "error_subcode": 2534022}},
        ]
    )

    async def script(connection: Connection) -> None:
        for content in answers:
            await connection.request()
            await connection.answer(content, 400)

    async with graph(script) as running:
        running.client._on_rejected = lambda *rejected: heard.append(rejected)
        with pytest.raises(TokenRejected):
            await running.client.send_text(ACCOUNT, USER, TEXT)
        with pytest.raises(Refused):
            await running.client.send_text(ACCOUNT, USER, TEXT)

    assert heard == [(ACCOUNT, TOKEN, "password_changed")]
