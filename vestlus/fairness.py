"""A line in which nobody's crowd keeps the others waiting: one of each party in turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class FairLine(Generic[T]):
    """Items that wait, each for a party: one of each party in turn, a party's own by rank.

    Before an item that is the ``n``-th of its own party, while ``p`` parties wait, at most
    ``n * p - 1`` others are taken, however many of them another party has. A party without items
    has no place in the turn, and joins at its end.
    """

    def __init__(self) -> None:
        #: By party, in the order of their turns: heaps of rank, order of coming, item.
        self._parties: OrderedDict[str, list[tuple[float, int, T]]] = OrderedDict()
        self._length = 0
        self._came = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        """All that wait, in no order."""
        return (item for items in self._parties.values() for _, _, item in items)

    def put(self, party: str, item: T, rank: float = 0.0) -> None:
        """Adds an item. Of a party's own, the lowest rank goes first, then who came first."""
        self._came += 1
        heappush(self._parties.setdefault(party, []), (rank, self._came, item))
        self._length += 1

    def first(self) -> T:
        """The item whose turn it is; it stays. Raises IndexError when there is none."""
        for items in self._parties.values():
            return items[0][2]
        raise IndexError

    def take(self) -> T:
        """The item whose turn it is; its party's turn is over. Raises IndexError: none waits."""
        for party, items in self._parties.items():
            item = heappop(items)[2]
            self._length -= 1
            if items:
                self._parties.move_to_end(party)
            else:
                del self._parties[party]
            return item
        raise IndexError

    def last(self, party: str) -> T:
        """Of a party's own, the one that goes last; it stays. Raises KeyError: none of it waits.

        Looks at all of the party's.
        """
        return max(self._parties[party], key=lambda entry: entry[:2])[2]

    def keep(self, wanted: Callable[[T], bool]) -> None:
        """Drops all items that are not wanted any more. Looks at every one of them."""
        for party, items in list(self._parties.items()):
            left = [entry for entry in items if wanted(entry[2])]
            self._length -= len(items) - len(left)
            if left:
                heapify(left)
                self._parties[party] = left
            else:
                del self._parties[party]
