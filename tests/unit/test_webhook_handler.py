"""What ``/webhook`` answers to handshakes, deliveries and forgeries, and has done by then."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.bus import MemoryBus
from tests.unit.webhook_front import (
    NOW_MS,
    PARTITIONS,
    PAYLOADS,
    SECRET,
    TEXT,
    TOKEN,
    Front,
    Headers,
    batch,
    bus,
    durable,
    front,
    signature,
    signed,
)
from vestlus.conversation.identity import partition_of
from vestlus.instagram.parsing import parse_webhook
from vestlus.instagram.signature import sign
from vestlus.messages import decode_inbox

__all__ = ["bus", "front"]


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
    assert (answer.status, answer.body) == (200, b"")
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
