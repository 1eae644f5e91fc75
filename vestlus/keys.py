"""Keys derived from the one secret VESTLUS_ENCRYPTION_KEY, one for each purpose."""

from __future__ import annotations

import hmac


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose: HKDF (RFC 5869) with SHA-256, one block, no salt.

    The key of one purpose tells neither the secret nor the key of another purpose.
    """
    extracted = hmac.digest(b"\x00" * 32, secret.encode(), "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
