"""What is thrown: requests that were right once, and were broken by a seeded hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.visiting import Visitor, visited
from vestlus.console.api_all import OPERATIONS
from vestlus.console.operations import API

SECRET: Final = "the app secret"
OPERATOR: Final = "a token of an operator"
EVENT_TOKEN: Final = "a-token-of-another-system"
EVENT: Final = "opening"

#: A session that nobody has.
NOBODY: Final = Visitor()

_PAYLOADS: Final = Path(__file__).parents[1] / "payloads"

#: Places that answer without the store or the bus, and pages of the console.
_PAGES: Final = (
    "/",
    "/healthz",
    "/console",
    "/console/sign-in",
    "/console/conversations",
    "/console/posts",
    "/console/static/x/console.css",
    "/media/x",
    "/data-deletion/x",
    "/webhook?hub.mode=subscribe&hub.verify_token=x&hub.challenge=1",
)

#: Not the one that signs everybody out, which would end it for all that come signed in.
_OPERATIONS: Final = tuple(
    one for one in OPERATIONS if (one.method, one.path) != ("DELETE", "/sessions")
)

_HEADERS: Final = (
    b"Content-Type: text/plain",
    b"Content-Encoding: gzip",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"X-Forwarded-For: 10.0.0.1, \xff",
    b"X-Hub-Signature-256: sha256=",
    b"X-Hub-Signature-256: sha1=0000",
    b"Cookie: vestlus=" + b"x" * 4000,
    b"Cookie: ;;=;vestlus=;" + b"\x80" * 10,
    b"Authorization: Basic Og==",
    b"Authorization: Bearer " + b"\xc3\xb5" * 50,
    b"Origin: null",
    b"Expect: 100-continue",
    b"Idempotency-Key: " + b"k" * 1000,
    b"Accept-Language: " + b"et," * 500,
    b"Last-Event-ID: \x7f",
    b"Range: bytes=0-1",
)


@dataclass(frozen=True, slots=True)
class Thrown:
    """The bytes of one request, and the surface that it is meant for."""

    surface: str
    content: bytes


def thrown(seed: int, visitor: Visitor = NOBODY) -> Iterator[Thrown]:
    """Requests without end, the same ones for the same seed and visitor."""
    hand = random.Random(seed)  # noqa: S311 - not for secrets
    payloads = [path.read_bytes() for path in sorted(_PAYLOADS.glob("*.json"))]
    kinds: tuple[tuple[str, Callable[[random.Random], bytes]], ...] = (
        ("/webhook", lambda hand: _webhook(hand, payloads)),
        ("/events", _event),
        ("/api/v1", _api),
        ("/data-deletion", _deletion),
        ("/console", _sign_in),
        ("pages", _page),
        ("signed in", lambda hand: _visit(hand, visitor)),
    )
    while True:
        surface, make = hand.choice(kinds)
        yield Thrown(surface, _broken(hand, make(hand)))


def _request(method: str, path: str, body: bytes, *headers: str) -> bytes:
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _webhook(hand: random.Random, payloads: list[bytes]) -> bytes:
    body = _body(hand, hand.choice(payloads))
    signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    # Most are signed: a forger's get no further than the signature.
    signature = signed if hand.random() < 0.8 else f"{hand.getrandbits(256):064x}"
    return _request("POST", "/webhook", body, f"X-Hub-Signature-256: sha256={signature}")


def _event(hand: random.Random) -> bytes:
    body = _body(hand, json.dumps({"until": "21.00", "n": hand.randrange(99)}).encode())
    token = EVENT_TOKEN if hand.random() < 0.8 else "another"
    name = hand.choice((EVENT, "unheard", "..%2f", "õ", "a" * 500, ""))
    return _request(
        "POST",
        f"/events/{name}".encode().decode("latin-1"),
        body,
        "Content-Type: application/json",
        f"Authorization: Bearer {token}",
        f"Idempotency-Key: {hand.randrange(50)}",
    )


def _api(hand: random.Random) -> bytes:
    one = hand.choice(_OPERATIONS)
    path = API + one.path
    for name in one.params:
        path = path.replace(f"{{{name}}}", hand.choice(("x", "..", "%00", "0", "%ff", "a" * 300)))
    query = hand.choice(("", "?limit=1", "?limit=-1", "?account=%00", "?days=1e999", "?%ff=%fe"))
    body = _body(hand, b"{}") if one.method != "GET" else b""
    token = OPERATOR if hand.random() < 0.8 else "another"
    return _request(
        one.method,
        path + query,
        body,
        "Content-Type: application/json",
        f"Authorization: Bearer {token}",
    )


def _deletion(hand: random.Random) -> bytes:
    told: dict[str, Any] = {"algorithm": "HMAC-SHA256", "issued_at": 0, "user_id": "1234"}
    hostile: dict[str, Any] = {
        "algorithm": hand.choice(("HMAC-SHA256", "none", 1, None)),
        # Those that Meta made too long ago are refused; without a time none is too old.
        "issued_at": hand.choice((1_700_000_000, 0, -1, 1e300, "x")),
        "user_id": hand.choice(("1234", "", 9, None, ["x"], "9" * 300)),
    }
    right = json.dumps(told if hand.random() < 0.3 else hostile)
    payload = _base64(_body(hand, right.encode()))
    signed = hmac.new(SECRET.encode(), payload, hashlib.sha256).digest()
    signature = _base64(signed if hand.random() < 0.8 else b"x" * hand.randrange(40))
    body = b"signed_request=" + signature + b"." + payload
    path = hand.choice(("/data-deletion", "/deauthorize"))
    return _request("POST", path, body, "Content-Type: application/x-www-form-urlencoded")


def _sign_in(hand: random.Random) -> bytes:
    fields = b"name=Mari&token=" + bytes(hand.choices(range(256), k=hand.randrange(60)))
    kind = hand.choice(
        (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "application/json",
        )
    )
    if kind.startswith("multipart"):
        fields = b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + fields
    path = hand.choice(("/console/sign-in", "/console/sign-out", "/console/x", "/console/audit"))
    return _request("POST", path, fields, f"Content-Type: {kind}", "Origin: http://127.0.0.1")


def _page(hand: random.Random) -> bytes:
    method = hand.choice(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"))
    cookie = f"Cookie: vestlus={hand.getrandbits(128):x}"
    return _request(method, hand.choice(_PAGES), b"", cookie)


def _visit(hand: random.Random, visitor: Visitor) -> bytes:
    method, path, body, headers = visited(hand, visitor)
    return _request(method, path, body, *headers)


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _body(hand: random.Random, right: bytes) -> bytes:
    """The body as it is, or broken before it is signed."""
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: right[: hand.randrange(len(right) + 1)],
        lambda: b"[" * hand.randrange(1, 60_000),
        lambda: b'{"a":' * hand.randrange(1, 20_000) + b"1" + b"}" * hand.randrange(10),
        lambda: b"9" * hand.randrange(1, 20_000),
        lambda: bytes(hand.choices(range(256), k=hand.randrange(2_000))),
        lambda: right.replace(b'"', b'"\\ud800', hand.randrange(1, 4)),
        lambda: _flipped(hand, right),
    )
    return right if hand.random() < 0.3 else hand.choice(ways)()


def _broken(hand: random.Random, right: bytes) -> bytes:
    """The request as it is, or broken as a whole."""
    match hand.randrange(12):
        case 0:
            return right[: hand.randrange(len(right))]
        case 1:
            return _flipped(hand, right)
        case 2 | 3:
            head, end, body = right.partition(b"\r\n\r\n")
            added = b"\r\n".join(hand.sample(_HEADERS, k=hand.randrange(1, 4)))
            return head + b"\r\n" + added + end + body
        case 4:
            # More comes than was declared.
            return right + bytes(hand.choices(range(256), k=hand.randrange(500)))
        case _:
            return right


def _flipped(hand: random.Random, right: bytes) -> bytes:
    content = bytearray(right)
    for _ in range(hand.randrange(1, 6) if content else 0):
        content[hand.randrange(len(content))] = hand.randrange(256)
    return bytes(content)
