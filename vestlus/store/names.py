"""The names of leases, and of notes about a store."""

from __future__ import annotations

REGISTRY = "registry"
#: The right to refresh accounts' tokens.
TOKENS = "tokens"
#: The right to plan posts.
SCHEDULER = "scheduler"
#: When the store was restored from a backup.
RESTORED = "restored_ms"
#: The newest revision of the oldest code that works on the store's schema.
OLDEST = "oldest_revision"
INBOX_PREFIX = "inbox."
OUTBOX_PREFIX = "outbox."


def inbox_lease(partition: int) -> str:
    """The lease for recording and answering the users of an inbox partition."""
    return f"{INBOX_PREFIX}{partition}"


def outbox_lease(partition: int) -> str:
    """The lease for sending for the accounts of an outbox partition."""
    return f"{OUTBOX_PREFIX}{partition}"


def partition_number(lease: str) -> int:
    """The partition that a lease name of either kind stands for."""
    return int(lease.rpartition(".")[2])
