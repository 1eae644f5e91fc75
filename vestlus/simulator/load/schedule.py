"""When who writes what: drawn from a seed before anything is sent.

The schedule does not know how the service fares, so a service that is slow is written to all the
same, as by people who know nothing of each other (an open loop).
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from vestlus.simulator.load.plan import Plan

#: Zipf's law with an exponent of one: the k-th user writes 1/k as often as the first.
ZIPF_EXPONENT = 1.0
#: They all read as finished, so that the service waits the least for the rest of a burst.
TEXTS = (
    "Mis kell te avate?",
    "Kui palju pilet maksab?",
    "What are your opening hours?",
    "Where can I park?",
    "Kas saate öelda, kuidas teieni jõuda?",
    "Когда вы открыты?",
    "Tere! Kas koertega tohib tulla?",
)


@dataclass(frozen=True, slots=True)
class Writing:
    """One message of a user. `due` is seconds from the start; `number` counts the user's own."""

    due: float
    user: int
    number: int
    text: str
    picture: bool

    @property
    def marker(self) -> str:
        """What its answer must repeat."""
        return f"#u{self.user}-{self.number}"


@dataclass(frozen=True, slots=True)
class Post:
    """Messages of one webhook, which is due with the last of them."""

    due: float
    writings: tuple[Writing, ...]


def draw_posts(plan: Plan) -> list[Post]:
    """Return all webhooks of a load, in the order in which they are due."""
    return list(_grouped(_writings(plan), plan.per_post))


def _grouped(writings: Iterator[Writing], per_post: int) -> Iterator[Post]:
    group: list[Writing] = []
    for each in writings:
        group.append(each)
        if len(group) == per_post:
            yield Post(group[-1].due, tuple(group))
            group = []
    if group:
        yield Post(group[-1].due, tuple(group))


def _writings(plan: Plan) -> Iterator[Writing]:
    # Each kind of chance has a stream of its own: another share of pictures leaves the times alone.
    times, people, words = (
        random.Random(f"{plan.seed} {name}")  # noqa: S311 - to be drawn again
        for name in ("times", "people", "words")
    )
    weights = cumulated_weights(plan.users, plan.spread)
    counts: Counter[int] = Counter()
    everybody = range(plan.users)
    for due in sorted((*_evenly(plan, times), *_bursts(plan))):
        (user,) = people.choices(everybody, cum_weights=weights)
        counts[user] += 1
        yield Writing(due, user, counts[user], words.choice(TEXTS), words.random() < plan.pictures)


def cumulated_weights(users: int, spread: str) -> list[float]:
    """Return how often each user writes compared with the first, added up."""
    exponent = ZIPF_EXPONENT if spread == "zipf" else 0.0
    return list(accumulate(1 / rank**exponent for rank in range(1, users + 1)))


def _evenly(plan: Plan, times: random.Random) -> Iterator[float]:
    """Yield the moments of a Poisson process."""
    at = times.expovariate(plan.rate) if plan.rate else plan.seconds
    while at < plan.seconds:
        yield at
        at += times.expovariate(plan.rate)


def _bursts(plan: Plan) -> Iterator[float]:
    if not (plan.burst_size and plan.burst_every):
        return
    at = plan.burst_every
    while at < plan.seconds:
        yield from (at for _ in range(plan.burst_size))
        at += plan.burst_every
