"""Access tokens at rest: unreadable without VESTLUS_ENCRYPTION_KEY."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vestlus.errors import VestlusError
from vestlus.keys import derived_key

#: What AES-GCM takes (NIST SP 800-38D). Random: an account's token changes a few times a year.
_NONCE_BYTES: Final = 12


class TokenUnreadable(VestlusError):
    """A kept token cannot be decrypted: it was kept under another VESTLUS_ENCRYPTION_KEY, or
    belongs to another account. Connecting the account anew mends it.
    """


class TokenCipher:
    """Encrypts tokens with AES-256-GCM, each bound to its account.

    Keys are derived from the one secret, one to encrypt and one for digests.
    """

    def __init__(self, secret: str) -> None:
        self._aead = AESGCM(derived_key(secret, "vestlus account tokens"))
        self._digest_key = derived_key(secret, "vestlus token seeds")

    def encrypt(self, account: str, token: str) -> bytes:
        """The token as it may be stored. Differs every time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, token.encode(), account.encode())

    def decrypt(self, account: str, kept: bytes) -> str:
        """The token of that account. Raises TokenUnreadable."""
        nonce, sealed = kept[:_NONCE_BYTES], kept[_NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, sealed, account.encode()).decode()
        except (InvalidTag, ValueError):  # another key, account or content; too short
            raise TokenUnreadable(account) from None

    def digest(self, value: str) -> str:
        """Tells whether a value in the settings is the one that was seen before.

        Keyed: whoever reads the store cannot try values with it.
        """
        return hmac.digest(self._digest_key, value.encode(), "sha256").hex()
