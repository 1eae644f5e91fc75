"""Meta's ``signed_request``: whose it is, and that Meta made it.

Meta, "Data Deletion Request Callback": two parts in base64 for URLs, apart by a point. The first is
the HMAC-SHA256 of the second, as it stands, with the app's secret; the second is JSON with
``algorithm``, ``issued_at`` (seconds since 1970) and ``user_id``. The deauthorise callback gets the
same.

``user_id`` is the id by which this app knows somebody who has logged in with it: that is mostly the
owner of an account of ours, by an id that webhooks never name.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vestlus.errors import RejectedError

#: Bytes of a whole one. Meta's have some 200.
LARGEST: Final = 4096

#: Both parts, without padding, which Meta leaves out, or with it.
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{43}=?)\.([A-Za-z0-9_-]{1,4000}={0,2})", re.ASCII)
_SIGNATURE_BYTES: Final = 32
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_ALGORITHM: Final = "HMAC-SHA256"

#: The largest number of seconds that a date can be made of.
_LATEST: Final = 253_402_300_799


class RequestRejected(RejectedError):
    """It is not Meta's, or not whole. ``reason`` is for measures and the log, and for no answer."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What Meta says."""

    user_id: str
    #: Seconds since 1970; 0 where it is not said.
    issued_at: int
    #: What stood behind the point, which was signed: the same request has the same.
    signed: bytes


def parse_signed_request(given: str, secrets: Sequence[str]) -> SignedRequest:
    """Reads a signed request that one of the secrets made.

    Nothing of it is read before its signature is found to be right: every secret is tried, also
    after a match, and digests are compared in constant time. An empty secret matches nothing.
    Raises RequestRejected.
    """
    form = _FORM.fullmatch(given) if len(given) <= LARGEST else None
    if form is None:
        raise RequestRejected("malformed")
    signature, signed = _decoded(form[1]), form[2].encode()
    if len(signature) != _SIGNATURE_BYTES:
        raise RequestRejected("malformed")
    matched = False
    for secret in secrets:
        expected = hmac.digest(secret.encode(), signed, "sha256")
        matched |= hmac.compare_digest(expected, signature) and bool(secret)
    if not matched:
        raise RequestRejected("signature_mismatch")
    return _read(_decoded(form[2]), signed)


def sign_request(payload: bytes, secret: str) -> str:
    """A signed request with this payload, as Meta makes it."""
    signed = base64.urlsafe_b64encode(payload).rstrip(b"=")
    signature = hmac.digest(secret.encode(), signed, "sha256")
    return f"{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}.{signed.decode()}"


def _decoded(part: str) -> bytes:
    bare = part.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        raise RequestRejected("malformed") from None


def _read(payload: bytes, signed: bytes) -> SignedRequest:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise RequestRejected("payload") from None
    if not isinstance(value, dict):
        raise RequestRejected("payload")
    algorithm, user, issued = (value.get(one) for one in ("algorithm", "user_id", "issued_at"))
    if not isinstance(algorithm, str) or algorithm.upper() != _ALGORITHM:
        raise RequestRejected("algorithm")
    if isinstance(user, int) and not isinstance(user, bool) and 0 <= user < 10**20:
        user = str(user)
    if not isinstance(user, str) or not _ID.fullmatch(user):
        raise RequestRejected("user_id")
    if not isinstance(issued, int) or isinstance(issued, bool) or not 0 <= issued <= _LATEST:
        issued = 0
    return SignedRequest(user, issued, signed)
