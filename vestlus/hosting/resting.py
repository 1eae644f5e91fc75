"""Conversations at rest: nothing is unanswered, and each is one string of bytes.

As objects, a conversation with twenty messages takes 10 KB, and with a hundred thousand of them a
full run of the garbage collector stops the process for more than a second. As bytes it is half of
that, and nothing that the collector looks into.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Final

from vestlus.conversation.history import HistoryMessage, Role
from vestlus.hosting.mailbox import Mailbox
from vestlus.store.rows import Lease

_ROLES: Final = tuple(Role)
_NUMBER_OF: Final = {role: number for number, role in enumerate(Role)}

#: Of pickle: since Python 3.8.
_PROTOCOL: Final = 5

#: What a conversation at rest takes beside its bytes, about: its name, its place in the order, the
#: time. Of CPython 3.11.
ENTRY_BYTES: Final = 350


class Resting:
    """Keeps what mailboxes knew, until they are needed again or there is no room.

    A cache: the store has all of it. By lease, so that a partition is dropped in one step; within
    a lease in order of last use, so that no step looks at more conversations than it drops.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._of: dict[Lease, OrderedDict[str, tuple[int, bytes]]] = {}
        self._count = 0
        #: What they take in memory, about.
        self.size = 0

    def __len__(self) -> int:
        return self._count

    def put(self, box: Mailbox, now_ms: int) -> None:
        """Lays a conversation to rest. Where there is no room, those unused for longest go.

        ``now_ms`` must not be before that of an earlier call for the order to be that of use; a
        clock that is put back makes some stay for longer, or go sooner.
        """
        self._forget(box.lease, box.id)
        packed = pack(box)
        self._of.setdefault(box.lease, OrderedDict())[box.id] = (now_ms, packed)
        self._count += 1
        self.size += len(packed) + ENTRY_BYTES
        while self._count > self._most or self.size > self._most_bytes:
            self._drop_oldest()

    def take(self, lease: Lease, conversation: str) -> Mailbox | None:
        """The conversation's mailbox as it was, ready for a turn; it does not rest any more."""
        packed = self._forget(lease, conversation)
        return None if packed is None else unpack(packed, conversation, lease)

    def forget(self, lease: Lease, conversation: str) -> None:
        """Drops one conversation, if it rests."""
        self._forget(lease, conversation)

    def passivate(self, unused_since_ms: int, most: int | None = None) -> int:
        """Drops those not used since then, at most so many; returns how many."""
        dropped = 0
        for lease in list(self._of):
            resting = self._of[lease]
            while resting and (most is None or dropped < most):
                conversation = next(iter(resting))
                if resting[conversation][0] >= unused_since_ms:
                    break
                self._forget(lease, conversation)
                dropped += 1
        return dropped

    def drop(self, lease: Lease) -> None:
        """Drops all of a partition."""
        resting = self._of.pop(lease, None)
        if resting is None:
            return
        self._count -= len(resting)
        self.size -= sum(len(packed) + ENTRY_BYTES for _, packed in resting.values())

    def _forget(self, lease: Lease, conversation: str) -> bytes | None:
        resting = self._of.get(lease)
        entry = resting.pop(conversation, None) if resting is not None else None
        if resting is None or entry is None:
            return None
        if not resting:
            del self._of[lease]
        self._count -= 1
        self.size -= len(entry[1]) + ENTRY_BYTES
        return entry[1]

    def _drop_oldest(self) -> None:
        # There are as many heads as partitions here: a few tens.
        lease = min(self._of, key=self._used_first)
        self._forget(lease, next(iter(self._of[lease])))

    def _used_first(self, lease: Lease) -> int:
        return next(iter(self._of[lease].values()))[0]


def may_rest(box: Mailbox) -> bool:
    """Whether the mailbox is a copy of what the store has, and one worth keeping."""
    troubled = box.failures or box.takeovers or box.probes or box.wake_ms or box.asked
    return bool(box.history) and not (box.is_busy or box.stopped or troubled)


def pack(box: Mailbox) -> bytes:
    """What :func:`may_rest` lets rest, as bytes for this process only."""
    history = [(_NUMBER_OF[one.role], one.text, one.at_ms, one.mid) for one in box.history]
    return pickle.dumps((box.account, box.user, box.version, box.known, history), _PROTOCOL)


def unpack(packed: bytes, conversation: str, lease: Lease) -> Mailbox:
    """The mailbox that was packed, loaded."""
    # Bytes of our own, which never left this process.
    account, user, version, known, history = pickle.loads(packed)  # noqa: S301
    return Mailbox(
        conversation,
        lease,
        account=account,
        user=user,
        loaded=True,
        version=version,
        known=known,
        history=[HistoryMessage(_ROLES[role], *said) for role, *said in history],
    )
