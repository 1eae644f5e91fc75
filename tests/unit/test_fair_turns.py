"""A flood beside ordinary users: how many turns go before theirs, counted and not timed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from random import Random

import pytest

from vestlus.conversation.turn import MOST_TOGETHER
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.turn_places import Limits, Places
from vestlus.store.rows import Lease

FLOOD, ORDINARY = 1_000, 50


class Desk:
    """Places for turns; the turns under way end in a random order, one at each step."""

    def __init__(self, places: int, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - reproducible
        self.begun: list[str] = []
        #: Turns of others that began while this user waited for the first of theirs.
        self.waited: dict[str, int] = {}
        #: The place that they had in the line of their account then.
        self.nth: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._line: Counter[str] = Counter()
        self._under_way: deque[Mailbox] = deque()
        #: Turns that each user still needs.
        self._left: dict[str, int] = {}
        self._places = Places(Limits(turns=places), self._begin)

    def ask(self, account: str, user: str, turns: int = 1) -> None:
        """A user wants so many answers, one after the other."""
        self._left[user] = turns
        self._ask(Mailbox(user, Lease("inbox.0", 1), account=account, loaded=True))

    def end_one(self) -> None:
        """One of the turns under way ends; its user may want another."""
        if not self._under_way:
            return
        self._under_way.rotate(self.chance.randrange(len(self._under_way)))
        box = self._under_way.popleft()
        self._places.leave()
        self._left[box.id] -= 1
        if self._left[box.id]:
            self._ask(box)

    def run(self) -> None:
        """Lets all turns end."""
        while self._under_way:
            self.end_one()

    def _ask(self, box: Mailbox) -> None:
        self._line[box.account] += 1
        self._asked.setdefault(box.id, len(self.begun))
        self.nth.setdefault(box.id, self._line[box.account])
        self._places.ask(box)

    def _begin(self, box: Mailbox) -> None:
        self._line[box.account] -= 1
        self.waited.setdefault(box.id, len(self.begun) - self._asked[box.id])
        self.begun.append(box.id)
        self._under_way.append(box)


def ordinary(desk: Desk, accounts: int, *, between: bool) -> list[str]:
    """Ordinary users ask, at once or while turns end, and all are answered."""
    names = [f"ordinary {number}" for number in range(ORDINARY)]
    for number, name in enumerate(names):
        desk.ask(f"account {number % accounts}", name)
        if between and desk.chance.random() < 0.5:
            desk.end_one()
    desk.run()
    return names


def flood_of_a_user(desk: Desk) -> int:
    """A thousand messages of one user of the first account, in pieces; how many turns."""
    turns = -(-FLOOD // MOST_TOGETHER)
    desk.ask("account 0", "flooder", turns)
    return turns


def flood_of_an_account(desk: Desk) -> int:
    """A thousand users of another account, a message each; how many turns."""
    for number in range(FLOOD):
        desk.ask("flooded", f"stranger {number}")
    return FLOOD


@pytest.mark.parametrize("flood", [flood_of_a_user, flood_of_an_account])
@pytest.mark.parametrize("places", [1, 4, 20])
@pytest.mark.parametrize("accounts", [1, 4])
@pytest.mark.parametrize("between", [False, True])
def test_a_flood_costs_others_one_turn_in_each_round_and_no_more(
    flood: Callable[[Desk], int], places: int, accounts: int, *, between: bool
) -> None:
    for seed in range(3):
        desk = Desk(places, seed)
        turns = flood(desk)
        names = ordinary(desk, accounts, between=between)
        assert len(desk.begun) == turns + ORDINARY
        for name in names:
            # Who is n-th of their own account waits for n rounds at most, of one turn for each
            # account: the flooded one adds one to each.
            assert desk.waited[name] <= desk.nth[name] * (accounts + 1)


@pytest.mark.parametrize("flood", [flood_of_a_user, flood_of_an_account])
@pytest.mark.parametrize("places", [1, 4, 20])
@pytest.mark.parametrize("accounts", [1, 4])
def test_a_flood_at_most_doubles_the_turns_that_anybody_else_waits_for(
    flood: Callable[[Desk], int], places: int, accounts: int
) -> None:
    desk, quiet = Desk(places, 1), Desk(places, 1)
    # Also without the flood all places are taken: what is under way is not called off.
    for other in range(places):
        quiet.ask("busy", f"busy {other}")
    flood(desk)
    names = ordinary(desk, accounts, between=False)
    ordinary(quiet, accounts, between=False)
    for name in names:
        assert desk.waited[name] <= 2 * (quiet.waited[name] + 1)
