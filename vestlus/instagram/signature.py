"""The signature that Meta puts on a webhook.

Meta, "Webhooks: setup": ``X-Hub-Signature-256: sha256=<hex>`` is the HMAC-SHA256 of the payload
with the app's secret, in lowercase hexadecimal digits. Meta signs the bytes that it sends, in
which other characters than ASCII are escaped: only the raw body gives the same digest, never JSON
that was read and written again.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Final

from vestlus.errors import SignatureRejected

#: The header's name as ASGI gives it.
HEADER: Final = b"x-hub-signature-256"

_FORM: Final = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


def sign(body: bytes, secret: str) -> str:
    """The header's value for a body, as Meta makes it."""
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def verify(body: bytes, header: str | None, secrets: Sequence[str]) -> None:
    """Returns if one of the secrets made the header for exactly these bytes.

    Several secrets are allowed because Meta does not say which app secret signs what Instagram
    Login receives, and because secrets are rotated. Every one is tried, also after a match, and
    digests are compared in constant time: the time taken tells nothing about which one matched or
    how much of it. An empty secret matches nothing, since anybody could sign with it.

    Raises SignatureRejected with the reason ``signature_missing``, ``signature_malformed`` or
    ``signature_mismatch``.
    """
    if header is None:
        raise SignatureRejected("signature_missing")
    form = _FORM.fullmatch(header)
    if form is None:
        raise SignatureRejected("signature_malformed")
    given = bytes.fromhex(form[1])
    matched = False
    for secret in secrets:
        expected = hmac.digest(secret.encode(), body, "sha256")
        matched |= hmac.compare_digest(expected, given) and bool(secret)
    if not matched:
        raise SignatureRejected("signature_mismatch")
