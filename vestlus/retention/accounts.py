"""Which account's things go when, where accounts differ. Plain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from vestlus.retention.periods import DAY_MS, Periods
from vestlus.store.pruning import EVERYBODY, Remains, Whose

#: Not walked in the order of age: a walk cannot begin where the one before ended.
_ALWAYS_WHOLE: Final = frozenset({Remains.SUMMARIES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One walk: whose rows of which kind go, and since when they have to be over."""

    what: Remains
    whose: Whose
    days: int
    before_ms: int
    #: Some keep such rows for longer: they would be looked at in vain by every walk that begins at
    #: the oldest.
    others_stay: bool

    @property
    def name(self) -> str:
        """Of its mark: another one where accounts or days were changed."""
        words = (self.what, self.days, self.whose.others, *sorted(self.whose.accounts))
        digest = blake2b("\x00".join(map(str, words)).encode(), digest_size=8, person=b"errand")
        return f"{self.what}:{digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class AccountPeriods:
    """How long things are kept: of most, and of the accounts that say something else."""

    default: Periods = field(default_factory=Periods)
    accounts: Mapping[str, Periods] = field(default_factory=dict)

    def of(self, account: str) -> Periods:
        """The periods of one account, also of one that is served no more."""
        return self.accounts.get(account, self.default)

    def longest(self, what: Remains) -> int:
        """Days after which nobody keeps such a thing."""
        return max(periods.days[what] for periods in (self.default, *self.accounts.values()))

    def errands(self, now_ms: int) -> tuple[Errand, ...]:
        """Every walk that takes away what is old: one for each kind and length, longest first."""
        return tuple(errand for what in self.default.days for errand in self._of_kind(what, now_ms))

    def _of_kind(self, what: Remains, now_ms: int) -> list[Errand]:
        groups: defaultdict[int, set[str]] = defaultdict(set)
        common = self.default.days[what]
        for account, periods in self.accounts.items():
            if periods.days[what] != common:
                groups[periods.days[what]].add(account)
        everyone_else = frozenset().union(*groups.values())
        whose = {days: Whose(frozenset(accounts)) for days, accounts in groups.items()}
        whose[common] = Whose(everyone_else, others=True) if everyone_else else EVERYBODY
        longest = max(whose)
        return [
            Errand(
                what=what,
                whose=whose[days],
                days=days,
                before_ms=now_ms - days * DAY_MS,
                others_stay=what not in _ALWAYS_WHOLE
                # Events without media stay where those with media go.
                and (days < longest or what is Remains.MEDIA),
            )
            for days in sorted(whose, reverse=True)
            if not self._goes_anyway(what, whose[days])
        ]

    def _goes_anyway(self, what: Remains, whose: Whose) -> bool:
        """Whether events go with their media, for each of those accounts."""
        if what is not Remains.MEDIA:
            return False
        if not whose.others:
            periods = [self.accounts[account] for account in whose.accounts]
        else:
            rest = (one for account, one in self.accounts.items() if account not in whose.accounts)
            periods = [self.default, *rest]
        return all(one.days[Remains.MEDIA] == one.days[Remains.EVENTS] for one in periods)
