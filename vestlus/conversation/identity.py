"""Who is meant, and which partition serves them.

The hashes are part of the stored data: changing them would route users to other partitions than
their history. They are BLAKE2b, so that every Python version and machine agrees.
"""

from __future__ import annotations

from hashlib import blake2b


def conversation_id(account: str, user: str) -> str:
    """The name of the conversation between an account and a user: 32 hexadecimal digits."""
    return blake2b(
        f"{account}\x00{user}".encode(), digest_size=16, person=b"conversation"
    ).hexdigest()


def partition_of(account: str, user: str, partitions: int) -> int:
    """The inbox partition, 0 ≤ p < partitions, that keeps this user's messages in order."""
    digest = blake2b(f"{account}\x00{user}".encode(), digest_size=8, person=b"partition").digest()
    return int.from_bytes(digest, "big") % partitions


def outbox_partition_of(account: str, partitions: int) -> int:
    """The outbox partition whose owner alone sends for this account."""
    digest = blake2b(account.encode(), digest_size=8, person=b"outbox").digest()
    return int.from_bytes(digest, "big") % partitions
