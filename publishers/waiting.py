"""Rows of one account that wait for their turn, and whose turn it is."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from itertools import count

from vestlus.store.rows import Origin, SendRow

_Heap = list[tuple[int, int, SendRow]]


class Waiting:
    """Rows by their deadlines, those of people apart from the bot's.

    A person's row has seven days, so that by deadlines alone it would go after every answer of
    the bot's that waits. Where both wait they take turns, a person's first: nobody at a desk
    waits for a backlog, and no backlog's nearest deadline for many who write.
    """

    def __init__(self) -> None:
        self._people: _Heap = []
        self._others: _Heap = []
        #: Not due yet, by when they are.
        self._later: _Heap = []
        self._order = count()
        self._others_turn = False

    def __len__(self) -> int:
        return len(self._people) + len(self._others) + len(self._later)

    def add(self, row: SendRow, due_ms: int, now_ms: int) -> None:
        """Queues a row, for now or for the time at which it is due."""
        if due_ms > now_ms:
            heapq.heappush(self._later, (due_ms, next(self._order), row))
        else:
            self._push(row)

    def promote(self, now_ms: int) -> None:
        """What has become due waits with the others from now on."""
        while self._later and self._later[0][0] <= now_ms:
            self._push(heapq.heappop(self._later)[2])

    @property
    def is_due(self) -> bool:
        """Whether any row could go now."""
        return bool(self._people or self._others)

    @property
    def next_due_ms(self) -> int | None:
        """When the next one that is not due yet will be."""
        return self._later[0][0] if self._later else None

    @property
    def nearest_deadline_ms(self) -> int | None:
        """Of the rows that are due."""
        return min((heap[0][0] for heap in (self._people, self._others) if heap), default=None)

    @property
    def due_since_ms(self) -> int | None:
        """Since when the older of those has been due that would go next; the nearest deadlines are
        mostly those of the oldest rows.
        """
        rows = (heap[0][2] for heap in (self._people, self._others) if heap)
        # Most are due at once and have no time of their own.
        return min((max(row.due_ms, row.created_ms) for row in rows), default=None)

    def pop(self) -> SendRow | None:
        """Takes the due row whose turn it is."""
        heap = self._turn()
        if not heap:
            return None
        self._others_turn = heap is self._people
        return heapq.heappop(heap)[2]

    def pop_expired(self, now_ms: int) -> SendRow | None:
        """Takes a due row whose deadline has passed."""
        for heap in (self._people, self._others):
            if heap and heap[0][0] < now_ms:
                return heapq.heappop(heap)[2]
        return None

    def one(self) -> SendRow | None:
        """The row whose turn it is, else the first that will be due; it stays."""
        heap = self._turn() or self._later
        return heap[0][2] if heap else None

    def rows(self) -> list[SendRow]:
        """All of them, due or not."""
        return [row for heap in (self._people, self._others, self._later) for _, _, row in heap]

    def keep(self, ids: Collection[str]) -> None:
        """Lets go of all others."""
        for heap in (self._people, self._others, self._later):
            heap[:] = [one for one in heap if one[2].id in ids]
            heapq.heapify(heap)

    def take_later(self) -> list[SendRow]:
        """Takes out all that are not due yet."""
        later, self._later = self._later, []
        return [row for _, _, row in later]

    def _turn(self) -> _Heap:
        if self._others_turn:
            return self._others or self._people
        return self._people or self._others

    def _push(self, row: SendRow) -> None:
        heap = self._people if row.origin is Origin.PERSON else self._others
        heapq.heappush(heap, (row.deadline_ms, next(self._order), row))
