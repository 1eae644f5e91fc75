"""What ``/webhook`` answers, and what it has done by then."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.bus import MemoryBus
from vestlus.bus.port import Bus, Queue
from vestlus.conversation.events import Event
from vestlus.conversation.identity import partition_of
from vestlus.errors import BusUnavailable
from vestlus.instagram.handler import FREE_BYTES, MAX_BODY_BYTES, WebhookHandler
from vestlus.instagram.parsing import parse_webhook
from vestlus.instagram.signature import sign
from vestlus.messages import decode_inbox

SECRET = "the app secret"
TOKEN = "the verify token"
NOW_MS = 1_740_157_201_000
PARTITIONS = 16
PAYLOADS = Path(__file__).parent.parent / "payloads"
TEXT = (PAYLOADS / "text.json").read_bytes()

Headers = Sequence[tuple[bytes, bytes]]


class Answer:
    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def send(self, message: Any) -> None:  # noqa: ANN401 - ASGI's message
        if message["type"] == "http.response.start":
            assert self.status == 0
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.body += message["body"]


class Front:
    """A handler, what it counted, and a way to ask it."""

    def __init__(self, bus: Bus, **changed: Any) -> None:  # noqa: ANN401 - any of its settings
        self.counts: Counter[str] = Counter()
        arguments: dict[str, Any] = {
            "secrets": ("another secret", SECRET),
            "verify_token": TOKEN,
            "bus": bus,
            "partitions": PARTITIONS,
            "clock": lambda: NOW_MS,
            "on_counts": self.counts.update,
        }
        self.handler = WebhookHandler(**{**arguments, **changed})

    async def ask(
        self,
        method: str,
        *,
        query: bytes = b"",
        headers: Headers = (),
        messages: Iterable[dict[str, object]] = (),
    ) -> Answer:
        answer = Answer()
        incoming = iter(messages)

        async def receive() -> Any:  # noqa: ANN401 - ASGI's message
            try:
                return next(incoming)
            except StopIteration:
                return await asyncio.Event().wait()

        scope = {
            "type": "http",
            "method": method,
            "path": "/webhook",
            "query_string": query,
            "headers": list(headers),
        }
        await self.handler(scope, receive, answer.send)
        return answer

    async def post(
        self, body: bytes, headers: Headers | None = None, *, chunk: int = MAX_BODY_BYTES * 2
    ) -> Answer:
        """Sends a signed body, in pieces of so many bytes."""
        if headers is None:
            headers = signed(body)
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        messages: list[dict[str, object]] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ]
        messages[-1]["more_body"] = False
        return await self.ask("POST", headers=headers, messages=messages)

    async def shake(self, **query: str) -> Answer:
        names = {f"hub.{name}": value for name, value in query.items()}
        return await self.ask("GET", query=urlencode(names).encode())


def signed(body: bytes, secret: str = SECRET) -> Headers:
    return [(b"content-type", b"application/json"), signature(body, secret)]


def signature(body: bytes, secret: str = SECRET) -> tuple[bytes, bytes]:
    return (b"x-hub-signature-256", sign(body, secret).encode())


def durable(bus: MemoryBus) -> dict[int, list[Event]]:
    """The events in the inbox, by partition."""
    return {
        partition: [event for body in bodies for event in decode_inbox(body).events]
        for (queue, partition), bodies in bus.messages.items()
        if queue is Queue.INBOX and bodies
    }


def batch(events: int) -> bytes:
    items = [
        {
            "sender": {"id": str(900_000 + n)},
            "recipient": {"id": "17841400000000001"},
            "timestamp": NOW_MS,
            "message": {"mid": f"m-{n}", "text": "Tere!"},
        }
        for n in range(events)
    ]
    entry = {"id": "17841400000000001", "time": NOW_MS, "messaging": items}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def front(bus: MemoryBus) -> Front:
    return Front(bus)


# The handshake.


async def test_a_handshake_with_our_token_gets_its_challenge_back_as_plain_text(
    front: Front,
) -> None:
    answer = await front.shake(mode="subscribe", verify_token=TOKEN, challenge="<b>1158201444")
    assert (answer.status, answer.body) == (200, b"<b>1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert front.counts == {"request_handshake_accepted": 1}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"mode": "subscribe", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "wrong", "challenge": "1"},
        {"mode": "subscribe", "verify_token": TOKEN + "x", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "ä", "challenge": "1"},
        {"mode": "unsubscribe", "verify_token": TOKEN, "challenge": "1"},
        {"verify_token": TOKEN, "challenge": "1"},
        {"mode": "subscribe", "verify_token": TOKEN},
        {"mode": "subscribe", "verify_token": TOKEN, "challenge": "1" * 257},
    ],
)
async def test_any_other_handshake_is_forbidden(front: Front, query: dict[str, str]) -> None:
    answer = await front.shake(**query)
    assert (answer.status, answer.body) == (403, b"Forbidden")
    assert front.counts == {"request_handshake_refused": 1}


@pytest.mark.parametrize(
    "query",
    [
        b"&".join([b"hub.mode=subscribe", b"hub.verify_token=the+verify+token"] * 2),
        b"hub.mode=subscribe&hub.verify_token=the+verify+token&hub.challenge=1&hub.challenge=2",
        b"&".join(b"a%d=1" % n for n in range(100)),
        b"hub.mode=subscribe&hub.verify_token=%ff%fe&hub.challenge=1",
        b"\xff\xfe",
    ],
)
async def test_an_ambiguous_handshake_is_forbidden(front: Front, query: bytes) -> None:
    assert (await front.ask("GET", query=query)).status == 403


async def test_without_a_verify_token_nobody_may_subscribe(bus: MemoryBus) -> None:
    front = Front(bus, verify_token="")
    answer = await front.shake(mode="subscribe", verify_token="", challenge="1")
    assert answer.status == 403
    bare = await front.ask("GET", query=b"hub.mode=subscribe&hub.verify_token=&hub.challenge=1")
    assert bare.status == 403


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "post"])
async def test_other_methods_are_not_allowed(front: Front, method: str) -> None:
    answer = await front.ask(method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


# Deliveries.


BODIES = {path.stem: path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))}


@pytest.mark.parametrize("name", BODIES)
async def test_a_signed_payload_is_durable_when_it_is_answered(
    bus: MemoryBus, front: Front, name: str
) -> None:
    body = BODIES[name]
    answer = await front.post(body)
    assert (answer.status, answer.body) == (200, b"EVENT_RECEIVED")
    events = parse_webhook(body)
    by_key = {event.key: event for group in durable(bus).values() for event in group}
    assert by_key == {event.key: event for event in events}
    kinds = Counter(f"event_{event.kind}" for event in events)
    assert front.counts == kinds + Counter(request_accepted=1)


async def test_one_message_goes_to_each_partition_with_its_users_in_order(
    bus: MemoryBus, front: Front
) -> None:
    body = batch(100)
    assert (await front.post(body)).status == 200
    events = parse_webhook(body)
    assert all(len(bodies) == 1 for bodies in bus.messages.values())
    for partition, group in durable(bus).items():
        assert group == [
            event
            for event in events
            if partition_of(event.account, event.user or "", PARTITIONS) == partition
        ]
    (first, *_) = [decode_inbox(bodies[0]) for bodies in bus.messages.values()]
    assert first.at_ms == NOW_MS


async def test_partitions_are_published_at_the_same_time(bus: MemoryBus, front: Front) -> None:
    bus.gate.clear()
    body = batch(100)
    partitions = {partition_of(e.account, e.user or "", PARTITIONS) for e in parse_webhook(body)}
    request = asyncio.create_task(front.post(body))
    async with asyncio.timeout(2):
        await bus.wait_begun(len(partitions))
    bus.gate.set()
    assert (await request).status == 200


@pytest.mark.parametrize("chunk", [1, 7, 100])
async def test_a_body_in_pieces_is_read_whole(bus: MemoryBus, front: Front, chunk: int) -> None:
    assert (await front.post(TEXT, chunk=chunk)).status == 200
    assert sum(map(len, durable(bus).values())) == 1


async def test_no_answer_is_given_before_the_bus_has_confirmed(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not request.done()
    assert front.counts == {}
    bus.gate.set()
    assert (await request).status == 200


async def test_a_delivery_without_entries_is_accepted_and_publishes_nothing(
    bus: MemoryBus, front: Front
) -> None:
    answer = await front.post(b'{"object":"instagram","entry":[]}')
    assert (answer.status, bus.begun) == (200, 0)


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b"{}", b"[" * 100_000])
async def test_what_is_signed_and_no_webhook_is_a_bad_request(
    bus: MemoryBus, front: Front, body: bytes
) -> None:
    answer = await front.post(body)
    assert (answer.status, answer.body) == (400, b"Bad Request")
    assert bus.begun == 0


# Forgeries.

FORGERIES: dict[str, Headers] = {
    "missing": [],
    "empty": [(b"x-hub-signature-256", b"")],
    "wrong": [signature(TEXT, "a secret of theirs")],
    "of_another_body": [signature(TEXT + b" ")],
    "legacy": [(b"x-hub-signature", b"sha1=" + b"0" * 40)],
    "uppercase": [(b"x-hub-signature-256", sign(TEXT, SECRET).upper().encode())],
    "not_ascii": [(b"x-hub-signature-256", b"sha256=" + b"\xff" * 64)],
    "twice": [signature(TEXT), signature(TEXT)],
    "twice_one_wrong": [signature(TEXT), signature(TEXT, "theirs")],
    "joined": [(b"x-hub-signature-256", b", ".join([sign(TEXT, SECRET).encode()] * 2))],
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_unauthorized_and_reaches_nothing(
    bus: MemoryBus, front: Front, forgery: str
) -> None:
    answer = await front.post(TEXT, FORGERIES[forgery])
    assert answer.status == 401
    assert bus.begun == 0


async def test_all_forgeries_get_the_very_same_answer(front: Front) -> None:
    answers = [await front.post(TEXT, headers) for headers in FORGERIES.values()]
    assert {(a.status, a.body, str(a.headers)) for a in answers} == {
        (401, b"Unauthorized", str(answers[0].headers))
    }


async def test_a_body_is_not_parsed_before_its_signature_holds(front: Front) -> None:
    assert (await front.post(b"no json", signed(b"no json", "theirs"))).status == 401


async def test_without_secrets_everything_is_unauthorized(bus: MemoryBus) -> None:
    front = Front(bus, secrets=())
    assert (await front.post(TEXT)).status == 401
    assert (await front.post(TEXT, signed(TEXT, ""))).status == 401


@settings(max_examples=60)
@given(body=st.binary(max_size=200), header=st.none() | st.binary(max_size=80))
def test_no_request_made_up_does_harm(body: bytes, header: bytes | None) -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        headers = [] if header is None else [(b"x-hub-signature-256", header)]
        answer = await Front(bus).post(body, headers)
        assert (answer.status, bus.begun) == (401, 0)

    asyncio.run(scenario())


# Sizes, slowness and clients that go away.


async def test_a_declared_size_over_the_limit_is_refused_unread(front: Front) -> None:
    length = (b"content-length", str(MAX_BODY_BYTES + 1).encode())
    # There is nothing to receive: reading would wait for ever.
    async with asyncio.timeout(2):
        answer = await front.ask("POST", headers=[length, signature(b"")])
    assert answer.status == 413


async def test_a_body_that_grows_over_the_limit_is_refused(bus: MemoryBus, front: Front) -> None:
    piece: dict[str, object] = {"type": "http.request", "body": b" " * 2**20, "more_body": True}
    asked = 0

    def pieces() -> Iterable[dict[str, object]]:
        nonlocal asked
        while True:
            asked += 1
            yield piece

    answer = await front.ask("POST", headers=[signature(b"")], messages=pieces())
    assert (answer.status, bus.begun) == (413, 0)
    assert asked == MAX_BODY_BYTES // 2**20 + 1


async def test_a_thousand_updates_fit(bus: MemoryBus, front: Front) -> None:
    body = batch(1000)
    length = (b"content-length", str(len(body)).encode())
    assert (await front.post(body, [length, signature(body)])).status == 200
    assert sum(map(len, durable(bus).values())) == 1000


async def test_a_body_of_exactly_the_limit_is_read(bus: MemoryBus, front: Front) -> None:
    body = TEXT.ljust(MAX_BODY_BYTES)
    length = (b"content-length", str(len(body)).encode())
    assert (await front.post(body, [length, signature(body)])).status == 200
    assert bus.begun == 1


@pytest.mark.parametrize(
    "lengths", [[b"x"], [b""], [b"-1"], [b"+5"], [b"5", b"5"], [b"5, 5"], [b"9" * 5000]]
)
async def test_a_content_length_that_is_none_is_a_bad_request(
    front: Front, lengths: list[bytes]
) -> None:
    headers = [(b"content-length", value) for value in lengths]
    assert (await front.post(TEXT, [*headers, signature(TEXT)])).status == 400


async def test_a_body_that_does_not_arrive_is_not_waited_for(bus: MemoryBus) -> None:
    front = Front(bus, read_timeout=0.01)
    first: dict[str, object] = {"type": "http.request", "body": b"{", "more_body": True}
    answer = await front.ask("POST", headers=signed(TEXT), messages=[first])
    assert answer.status == 408


async def test_a_client_that_went_away_gets_no_answer_and_publishes_nothing(
    bus: MemoryBus, front: Front
) -> None:
    answer = await front.ask(
        "POST",
        headers=signed(TEXT),
        messages=[
            {"type": "http.request", "body": TEXT, "more_body": True},
            {"type": "http.disconnect"},
        ],
    )
    assert (answer.status, bus.begun) == (0, 0)
    assert front.counts == {"request_client_gone": 1}


async def test_a_publish_goes_on_when_its_request_is_cancelled(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert bus.cancelled == 0
    bus.gate.set()
    async with front.handler:
        pass
    assert sum(map(len, durable(bus).values())) == 1
    assert front.counts == {"request_accepted": 1, "event_message": 1}


async def test_a_publish_that_fails_after_its_request_was_cancelled_is_logged(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    bus.fail = lambda _: BusUnavailable()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    request.cancel()
    bus.gate.set()
    with structlog.testing.capture_logs() as logs:
        async with front.handler:
            pass
    assert [log["event"] for log in logs] == ["webhook_not_durable"]
    assert "request_accepted" not in front.counts


async def test_leaving_waits_for_the_publishes_that_have_begun(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    leaving = asyncio.create_task(front.handler.__aexit__(None, None, None))
    await asyncio.sleep(0)
    assert not leaving.done()
    bus.gate.set()
    await leaving
    assert (await request).status == 200


# When the bus cannot.


async def refused_for_now(front: Front) -> None:
    answer = await front.post(TEXT)
    assert (answer.status, answer.body) == (503, b"Service Unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "request_accepted" not in front.counts


async def test_a_bus_that_does_not_confirm_is_service_unavailable(
    bus: MemoryBus, front: Front
) -> None:
    bus.fail = lambda _: BusUnavailable()
    await refused_for_now(front)
    assert front.counts == {"request_bus_unavailable": 1}


async def test_a_bus_that_recovers_is_used_again(bus: MemoryBus, front: Front) -> None:
    bus.fail = lambda _: BusUnavailable()
    await refused_for_now(front)
    bus.fail = lambda _: None
    assert (await front.post(TEXT)).status == 200


async def test_a_bus_that_hangs_is_service_unavailable_in_time(bus: MemoryBus) -> None:
    front = Front(bus, publish_timeout=0.01)
    bus.gate.clear()
    await refused_for_now(front)
    assert front.counts == {"request_bus_timeout": 1}
    # What hung is over: it holds no place among those in flight.
    assert bus.cancelled == 1


async def test_one_partition_that_fails_is_enough_for_503_and_the_others_are_finished(
    bus: MemoryBus, front: Front
) -> None:
    body = batch(100)
    partitions = {partition_of(e.account, e.user or "", PARTITIONS) for e in parse_webhook(body)}
    failing = min(partitions)
    bus.fail = lambda partition: BusUnavailable() if partition == failing else None
    assert (await front.post(body)).status == 503
    assert set(durable(bus)) == partitions - {failing}


async def test_a_defect_of_the_bus_is_service_unavailable_and_its_words_are_not_logged(
    bus: MemoryBus, front: Front
) -> None:
    bus.fail = lambda _: RuntimeError("Omg from 900000000000002")
    with structlog.testing.capture_logs() as logs:
        await refused_for_now(front)
    assert [(log["event"], log["error"]) for log in logs] == [
        ("webhook_publish_failed", "RuntimeError")
    ]
    assert "Omg" not in repr(logs)
    assert "900000000000002" not in repr(logs)


async def test_beyond_so_many_in_flight_the_answer_is_503_at_once(bus: MemoryBus) -> None:
    front = Front(bus, max_in_flight=2)
    bus.gate.clear()
    waiting = [asyncio.create_task(front.post(TEXT)) for _ in range(2)]
    await bus.wait_begun(2)
    async with asyncio.timeout(2):
        await refused_for_now(front)
    assert front.counts == {"request_busy": 1}
    bus.gate.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert (await front.post(TEXT)).status == 200


async def test_the_accounts_of_what_was_refused_are_told_and_no_others(bus: MemoryBus) -> None:
    told: list[set[str]] = []
    front = Front(bus, on_refused=lambda accounts: told.append(set(accounts)), max_in_flight=1)
    assert (await front.post(TEXT)).status == 200
    assert told == []
    bus.fail = lambda _: BusUnavailable()
    assert (await front.post(TEXT)).status == 503
    (account,) = {event.account for event in parse_webhook(TEXT)}
    assert told == [{account}]
    bus.fail = lambda _: None
    bus.gate.clear()
    waiting = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(3)
    assert (await front.post(TEXT)).status == 503
    assert told == [{account}, {account}]
    bus.gate.set()
    assert (await waiting).status == 200
    assert (await front.post(TEXT, ())).status == 401
    assert len(told) == 2


async def test_nothing_of_a_request_is_logged(bus: MemoryBus, front: Front) -> None:
    with structlog.testing.capture_logs() as logs:
        await front.post(TEXT)
        await front.post(TEXT, [])
        await front.post(b"Omg", signed(b"Omg"))
        bus.fail = lambda _: BusUnavailable()
        await front.post(TEXT)
    words = repr(logs)
    assert "Omg" not in words
    assert "900000000000002" not in words
    assert SECRET not in words


# Much at once.


async def test_large_bodies_that_leave_no_room_are_put_off_and_small_ones_are_not(
    bus: MemoryBus,
) -> None:
    front = Front(bus, room_bytes=200_000)
    bus.gate.clear()
    large = batch(1200)
    assert FREE_BYTES < len(large) < 200_000 + FREE_BYTES
    first = asyncio.create_task(front.post(large))
    await bus.wait_begun(PARTITIONS)
    refused = await front.post(large)
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    small = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(PARTITIONS + 1)
    bus.gate.set()
    assert ((await first).status, (await small).status) == (200, 200)
    assert (await front.post(large)).status == 200
    assert front.counts["request_busy"] == 1


async def test_the_room_of_refused_and_broken_bodies_is_free_again(front: Front) -> None:
    front = Front(MemoryBus(), room_bytes=200_000)
    large = batch(1200)
    for _ in range(3):
        assert (await front.post(large, headers=signed(b"other"))).status == 401
        gone: dict[str, object] = {"type": "http.disconnect"}
        piece: dict[str, object] = {"type": "http.request", "body": large, "more_body": True}
        await front.ask("POST", headers=signed(large), messages=[piece, gone])
        assert (await front.post(large[:-1])).status == 400
    assert (await front.post(large)).status == 200
