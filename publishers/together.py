"""What all partitions of a publisher share: transactions of the ledger, and a bound on signs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from publishers.bucket import Bucket, Limit
from publishers.rules import SendingRules
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.spacing import Spaced
from vestlus.store.port import Ledger
from vestlus.store.rows import Lease, SendRow, Transition, TransitionResult

#: Transactions take a quarter of the time at most, as far as rows can wait for them.
_STRETCH = 4.0


class TogetherLedger:
    """What the partitions of one process ask of the ledger again and again, asked in groups.

    Each partition's steps stand under its own lease, and none fails because of another's.
    """

    def __init__(self, ledger: Ledger, rules: SendingRules, monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        #: How many typing and read marks the process may show.
        burst = max(1, int(rules.actions_a_second))
        # Full at once: no holder before this process took anything of its processors.
        since = monotonic() - burst / rules.actions_a_second
        self.actions = Bucket(Limit(rules.actions_a_second, burst), since)
        self._steps: Spaced[tuple[Lease, Transition], TransitionResult] = Spaced(
            self._make,
            name="ledger steps",
            seconds=lambda: rules.steps_seconds,
            linger=rules.group_seconds,
            stretch=_STRETCH,
            monotonic=monotonic,
        )
        self._heads: Spaced[tuple[int, Collection[str]], tuple[SendRow, ...]] = Spaced(
            self._read,
            name="ledger readings",
            seconds=lambda: rules.reading_seconds,
            linger=rules.group_seconds,
            stretch=_STRETCH,
            monotonic=monotonic,
        )

    async def step(self, lease: Lease, transition: Transition) -> TransitionResult:
        """Makes a step, see :meth:`~vestlus.store.port.Ledger.transition`.

        Raises StoreUnavailable.
        """
        return await self._steps.submit((lease, transition))

    async def heads(self, outbox: int, ids: Collection[str]) -> tuple[SendRow, ...]:
        """The first unfinished row of each conversation of the rows ``ids``.

        Raises StoreUnavailable.
        """
        return await self._heads.submit((outbox, ids))

    async def settled(self) -> None:
        """Waits until nothing is being read or written."""
        await self._steps.settled()
        await self._heads.settled()

    async def _make(
        self, steps: list[tuple[Lease, Transition]]
    ) -> Sequence[TransitionResult | Exception]:
        groups: dict[Lease, list[Transition]] = {}
        for lease, step in steps:
            groups.setdefault(lease, []).append(step)
        try:
            made = await self._ledger.transitions(list(groups.items()))
        except Exception as error:
            away = isinstance(error, StoreUnavailable) and not isinstance(error, ValuesRefused)
            if away or len(groups) == 1:
                raise
            # It is one partition's: the others' steps are made without it.
            return await self._each(steps, groups)
        results = {lease: iter(ones) for lease, ones in zip(groups, made, strict=True)}
        return [next(results[lease]) for lease, _ in steps]

    async def _each(
        self, steps: list[tuple[Lease, Transition]], groups: dict[Lease, list[Transition]]
    ) -> Sequence[TransitionResult | Exception]:
        results: dict[Lease, list[TransitionResult | Exception]] = {}
        for lease, ones in groups.items():
            try:
                (made,) = await self._ledger.transitions([(lease, ones)])
            except Exception as error:  # noqa: BLE001 - for those who submitted it
                results[lease] = [error] * len(ones)
            else:
                results[lease] = list(made)
        each = {lease: iter(ones) for lease, ones in results.items()}
        return [next(each[lease]) for lease, _ in steps]

    async def _read(
        self, wanted: list[tuple[int, Collection[str]]]
    ) -> Sequence[tuple[SendRow, ...] | Exception]:
        ids: dict[int, list[str]] = {}
        for outbox, some in wanted:
            ids.setdefault(outbox, []).extend(some)
        try:
            found = await self._ledger.heads(ids)
        except StoreUnavailable:
            raise
        except Exception:
            if len(ids) == 1:
                raise
            # A row that cannot be read is one partition's.
            return [await self._read_one(outbox, ids[outbox]) for outbox, _ in wanted]
        # A partition asks once at a time.
        return [found.get(outbox, ()) for outbox, _ in wanted]

    async def _read_one(self, outbox: int, ids: Collection[str]) -> tuple[SendRow, ...] | Exception:
        try:
            return (await self._ledger.heads({outbox: ids})).get(outbox, ())
        except Exception as error:  # noqa: BLE001 - for the one who asked
            return error
